//! One open connection: its figures, and on request its subscriptions.

use leptos::prelude::*;

use super::trace::Trace;
use crate::{
    browser,
    change::Change,
    components::{FigureRows, Trouble},
    connections::{Peer, Peers, Subscription, subscriptions},
    poll::Poll,
    reactive::{live_text, shown, text},
    texts,
};

/// The row stays while the connection is listed, so that its button keeps the focus.
#[component]
pub fn PeerRow(
    id: u64,
    peers: RwSignal<Peers>,
    change: RwSignal<Option<Change>>,
    /// The connection whose trace is shown.
    traced: RwSignal<Option<u64>>,
) -> impl IntoView {
    let of = move |words: fn(&Peer) -> String| {
        text(move || peers.with(|peers| peers.find(id).map(words).unwrap_or_default()))
    };
    let disconnect = move |_| {
        let made = peers.with_untracked(|peers| peers.find(id).map(Peer::disconnection));
        if made.is_some() {
            change.set(made);
        }
    };
    let has_details = RwSignal::new(false);
    let details_label = move || {
        if has_details.get() {
            texts::connections::HIDE.get()
        } else {
            texts::connections::SHOW.get()
        }
    };
    let is_traced = Memo::new(move |_| traced.get() == Some(id));
    let toggle_trace = move |_| match is_traced.get_untracked() {
        true => traced.set(None),
        false => traced.set(Some(id)),
    };
    let trace_label = move || match is_traced.get() {
        true => texts::trace::HIDE.get(),
        false => texts::trace::SHOW.get(),
    };
    let figure = move |index: usize| {
        let name = Peer::default().figures()[index].0;
        let value = text(move || {
            let peers = peers.read();
            let figures = peers.find(id).map(Peer::figures);
            figures.map_or_else(String::new, |figures| figures[index].1.clone())
        });
        view! {
            <div>
                <dt>{name}</dt>
                <dd translate="no">{live_text(move || value.get())}</dd>
            </div>
        }
    };
    view! {
        <li class="peer">
            <p>
                <strong translate="no">{live_text(move || of(Peer::title).get())}</strong>
                " "
                <span class="badge">{live_text(move || of(|peer| peer.protocol.clone()).get())}</span>
                " "
                <span class="peer-note" translate="no">
                    {live_text(move || of(Peer::origin).get())}
                </span>
                " "
                <span class="peer-note">{live_text(move || of(age).get())}</span>
            </p>
            <dl class="tallies">
                {figure(0)} {figure(1)} {figure(2)} {figure(3)} {figure(4)} {figure(5)}
            </dl>
            <div class="buttons">
                <button
                    type="button"
                    aria-expanded=text(move || has_details.get().to_string())
                    on:click=move |_| has_details.update(|has| *has = !*has)
                >
                    {live_text(details_label)}
                </button>
                <button
                    type="button"
                    aria-expanded=text(move || is_traced.get().to_string())
                    on:click=toggle_trace
                >
                    {live_text(trace_label)}
                </button>
                <button type="button" on:click=disconnect>
                    {texts::connections::ASK_DISCONNECT.get()}
                </button>
            </div>
            {move || has_details.get().then(|| view! { <Details id /> })}
            {move || is_traced.get().then(|| view! { <Trace id /> })}
        </li>
    }
}

/// The subscriptions of a connection, while they are shown.
#[component]
fn Details(id: u64) -> impl IntoView {
    let details = RwSignal::new(None);
    let poll = Poll::every(
        PERIOD_MS,
        move || format!("api/connections/{id}?limit={MOST_LISTED}"),
        move |document| details.set(subscriptions(document)),
    );
    let rows = move || {
        details.with(|details: &Option<(Vec<Subscription>, bool)>| {
            let list = details.as_ref().map_or(&[][..], |(list, _)| list);
            list.iter().map(Subscription::row).collect::<Vec<_>>()
        })
    };
    let has_some =
        move || details.with(|details| details.as_ref().is_some_and(|(list, _)| !list.is_empty()));
    let note = move || {
        details.with(|details| match details {
            None => texts::connections::LOADING.get(),
            Some((list, _)) if list.is_empty() => texts::connections::NO_SUBSCRIPTIONS.get(),
            Some((_, false)) => "",
            Some((_, true)) => texts::connections::MORE.get(),
        })
    };
    let heads = [
        texts::shared::SUBSCRIPTION.get(),
        texts::connections::KIND.get(),
        texts::connections::LAG.get(),
        texts::shared::HOLDS.get(),
        texts::connections::SKIPPED.get(),
    ];
    let heads = heads.map(|name| view! { <th scope="col" role="columnheader">{name}</th> });
    view! {
        <div class="peer-details">
            <Trouble problem=poll.problem.into() />
            <table
                class="queues"
                role="table"
                aria-label=texts::connections::SUBSCRIPTIONS.get()
                style:display=shown(has_some)
            >
                <thead role="rowgroup">
                    <tr role="row">{heads.into_iter().collect_view()}</tr>
                </thead>
                <FigureRows rows />
            </table>
            <p class="none">{live_text(note)}</p>
        </div>
    }
}

/// Returns how long a connection is open. Only the browser's clock goes on.
fn age(peer: &Peer) -> String {
    match is_browser() {
        true => peer.age((browser::unix_ms() / 1000.0) as u64),
        false => String::new(),
    }
}

const PERIOD_MS: u32 = 2_000;
const MOST_LISTED: u32 = 100;
