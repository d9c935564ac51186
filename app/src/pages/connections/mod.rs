//! `/connections`: who is connected, what each connection gets and misses, and what may not connect.

mod peer;
mod trace;

use leptos::prelude::*;

use crate::{
    api::carried,
    change::Change,
    components::{Confirm, Trouble, Turns},
    connections::{Ban, List, Peers, Session, address, address_of},
    json::Json,
    paging::Turn,
    poll::Poll,
    reactive::{live_text, plain_text, shown, text},
    texts,
};
use peer::PeerRow;

#[component]
pub fn Connections() -> impl IntoView {
    let change = RwSignal::new(None);
    let report = RwSignal::new(String::new());
    // Each list requests itself anew when this changes.
    let changes = RwSignal::new(0_u32);
    let done = move |made: String| {
        report.set(made);
        changes.update(|count| *count += 1);
    };
    view! {
        <div class="page-head">
            <h1>{texts::shared::CONNECTIONS.get()}</h1>
            <p>{texts::connections::INTRO.get()}</p>
        </div>
        <p class="report" role="status">
            {live_text(move || report.get())}
        </p>
        <Open change changes />
        <Others
            title=texts::connections::SESSIONS.get()
            id="sessions-title"
            list="sessions"
            read=|json| Session::from_json(json).map(|one| Other::of_session(&one))
            none=texts::connections::NO_SESSIONS.get()
            change
            changes
        />
        <Others
            title=texts::connections::BANS.get()
            id="bans-title"
            list="bans"
            read=|json| Ban::from_json(json).map(|one| Other::of_ban(&one))
            none=texts::connections::NO_BANS.get()
            change
            changes
        />
        <Confirm change done />
    }
}

/// The open connections.
#[component]
fn Open(change: RwSignal<Option<Change>>, changes: RwSignal<u32>) -> impl IntoView {
    let peers = RwSignal::new(Peers::default());
    // One at a time: a browser has few connections to a server, and each trace takes one.
    let traced = RwSignal::new(None);
    let first = carried(&address("", ""));
    if let Ok(Some(document)) = &first {
        peers.update(|peers| peers.take(document));
    }
    let contained = RwSignal::new(String::new());
    let poll = Poll::every(
        PEERS_PERIOD_MS,
        move || {
            let contained = contained.get_untracked();
            peers.with_untracked(|peers| address(peers.list.pages.after(), contained.trim()))
        },
        move |document| peers.update(|peers| peers.take(document)),
    );
    poll.begin(first.err());
    request_after(changes, poll);
    let turn = move |turn: Turn| {
        peers.update(|peers| peers.list.pages.turn(turn));
        poll.request();
    };
    let search = move |event| {
        contained.set(event_target_value(&event));
        turn(Turn::First);
    };
    let ids = move || {
        peers.with(|peers| {
            peers
                .list
                .items
                .iter()
                .map(|peer| peer.id)
                .collect::<Vec<_>>()
        })
    };
    let pages = Signal::derive(move || peers.with(|peers| peers.list.pages.clone()));
    let summary =
        move || peers.with(|peers| contained.with(|contained| peers.summary(contained.trim())));
    view! {
        <section aria-labelledby="open-title">
            <h2 id="open-title">{texts::connections::OPEN.get()}</h2>
            <Trouble problem=poll.problem.into() />
            <div class="field">
                <label for="contained">{texts::connections::CONTAINS.get()}</label>
                <input
                    id="contained"
                    type="text"
                    autocomplete="off"
                    spellcheck="false"
                    aria-keyshortcuts="/"
                    aria-describedby="contained-hint"
                    on:input=search
                />
                <p id="contained-hint" class="hint">
                    {texts::connections::CONTAINS_HINT.get()}
                </p>
            </div>
            <p class="aside" role="status">
                {live_text(summary)}
            </p>
            <ol class="peers">
                <For
                    each=ids
                    key=|id| *id
                    children=move |id| view! { <PeerRow id peers change traced /> }
                />
            </ol>
            <div class="buttons turn">
                <Turns pages turn />
            </div>
        </section>
    }
}

/// An item of the lists of sessions and bans.
#[derive(Clone, Debug, PartialEq)]
struct Other {
    title: String,
    words: String,
    end: Change,
}

impl Other {
    fn of_session(session: &Session) -> Self {
        Self {
            title: session.client.clone(),
            words: session.words(),
            end: session.end(),
        }
    }

    fn of_ban(ban: &Ban) -> Self {
        Self {
            title: ban.target.clone(),
            words: ban.words(),
            end: ban.end(),
        }
    }
}

/// A list of sessions or bans, each with a button that ends it.
#[component]
fn Others(
    title: &'static str,
    id: &'static str,
    list: &'static str,
    read: fn(&Json<'_>) -> Option<Other>,
    none: &'static str,
    change: RwSignal<Option<Change>>,
    changes: RwSignal<u32>,
) -> impl IntoView {
    let items = RwSignal::new(List::<Other>::default());
    let first = carried(&address_of(list, ""));
    if let Ok(Some(document)) = &first {
        items.update(|items| items.take(document, list, read));
    }
    let poll = Poll::every(
        OTHERS_PERIOD_MS,
        move || items.with_untracked(|items| address_of(list, items.pages.after())),
        move |document| items.update(|items| items.take(document, list, read)),
    );
    poll.begin(first.err());
    request_after(changes, poll);
    let turn = move |turn: Turn| {
        items.update(|items| items.pages.turn(turn));
        poll.request();
    };
    let pages = Signal::derive(move || items.with(|items| items.pages.clone()));
    let is_none = move || items.with(|items| items.has_arrived && items.items.is_empty());
    view! {
        <section aria-labelledby=id>
            <h2 id=id>{title}</h2>
            <Trouble problem=poll.problem.into() />
            <p class="none" style:display=shown(is_none)>
                {none}
            </p>
            <ol class="peers">
                <For
                    each=move || items.with(|items| items.items.clone())
                    key=|item| item.end.address.clone()
                    children=move |item| view! { <OtherRow item items change /> }
                />
            </ol>
            <div class="buttons turn">
                <Turns pages turn />
            </div>
        </section>
    }
}

#[component]
fn OtherRow(
    item: Other,
    items: RwSignal<List<Other>>,
    change: RwSignal<Option<Change>>,
) -> impl IntoView {
    // The row stays when the words change.
    let address = item.end.address.clone();
    let newest = move || {
        items.with(|items| {
            let found = items.items.iter().find(|one| one.end.address == address);
            found.cloned()
        })
    };
    let of_newest = newest.clone();
    let words = text(move || of_newest().map(|one| one.words).unwrap_or_default());
    let ask = move |_| {
        if let Some(one) = untrack(&newest) {
            change.set(Some(one.end));
        }
    };
    let label = format!("{}: {}", item.end.button, item.title);
    view! {
        <li class="peer">
            <p>
                <strong translate="no">{plain_text(item.title)}</strong>
                " "
                <span class="peer-note">{live_text(move || words.get())}</span>
            </p>
            <button type="button" aria-label=label on:click=ask>
                {format!("{}…", item.end.button)}
            </button>
        </li>
    }
}

/// Requests a list after each change that the reader has made.
fn request_after(changes: RwSignal<u32>, poll: Poll) {
    crate::reactive::effect(move |before| {
        changes.track();
        if before.is_some() {
            poll.request();
        }
    });
}

const PEERS_PERIOD_MS: u32 = 2_000;
const OTHERS_PERIOD_MS: u32 = 5_000;
