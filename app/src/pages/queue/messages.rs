//! The messages of the queue: browsed without taking them, chosen, and acted on.

use std::sync::Arc;

use leptos::prelude::*;

use crate::{
    Text,
    components::{Dialog, Trouble, Turns},
    pages::topic::{Payload, properties},
    queue::{Action, Desk, Listed, Listing, Selection},
    reactive::{flag, live_text, plain_text, shown, text},
    texts, topic,
    zone::Zone,
};

#[component]
pub fn Messages(desk: Desk) -> impl IntoView {
    let opened = RwSignal::new(Arc::<topic::Entry>::default());
    let zone = Zone::chosen();
    let is_open = RwSignal::new(false);
    let open = move |id: String| {
        let entry = desk
            .listing
            .with_untracked(|listing| listing.message(&id, topic::Entry::from_json));
        opened.set(entry.flatten().map(Arc::new).unwrap_or_default());
        is_open.set(true);
    };
    let pages = Signal::derive(move || desk.listing.with(|listing| listing.pages.clone()));
    let is_selective = move || desk.selection.with(|one| !one.selector().is_empty());
    let summary = move || desk.listing.with(|listing| listing.summary(is_selective()));
    view! {
        <section aria-labelledby="messages-title">
            <h2 id="messages-title">{texts::shared::MESSAGES.get()}</h2>
            <Selector desk />
            <Trouble problem=desk.listing_poll.problem.into() />
            <ForChosen desk />
            <p class="aside" role="status">
                {live_text(summary)}
            </p>
            <ol class="browsed">
                <For
                    each=move || desk.listing.with(|listing| listing.messages.clone())
                    key=|message| message.id.clone()
                    children=move |message| view! { <Item desk message zone open /> }
                />
            </ol>
            <div class="buttons turn">
                <button type="button" on:click=move |_| desk.listing_poll.request()>
                    {texts::queue::REFRESH.get()}
                </button>
                <Turns pages turn=move |turn| desk.turn(turn) />
            </div>
        </section>
        <Dialog is_open title=text(|| texts::queue::MESSAGE.get()) class="wide">
            <Payload entry=opened.into() />
            <dl class="properties">{move || properties(&opened.get(), zone.get())}</dl>
            <div class="buttons">
                <button type="button" autofocus on:click=move |_| is_open.set(false)>
                    {texts::dialog::CLOSE.get()}
                </button>
            </div>
        </Dialog>
    }
}

/// The field for a selector.
#[component]
fn Selector(desk: Desk) -> impl IntoView {
    let typed = RwSignal::new(String::new());
    let apply = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        desk.select(&typed.get_untracked());
    };
    view! {
        <form class="selector" role="search" aria-label=texts::shared::MESSAGES.get() on:submit=apply>
            <div class="field">
                <label for="selector">{texts::queue::SELECTOR.get()}</label>
                <input
                    id="selector"
                    type="text"
                    autocomplete="off"
                    spellcheck="false"
                    aria-keyshortcuts="/"
                    aria-describedby="selector-hint"
                    prop:value=text(move || typed.get())
                    on:input=move |event| typed.set(event_target_value(&event))
                />
                <p id="selector-hint" class="hint" inner_html=texts::queue::SELECTOR_HINT.get()></p>
            </div>
            <button type="submit">{texts::queue::LIST.get()}</button>
        </form>
    }
}

/// The actions for the chosen messages.
#[component]
fn ForChosen(desk: Desk) -> impl IntoView {
    let action = move |action: Action, label: Text| {
        let ask = move |_| {
            let target = desk.selection.with_untracked(Selection::target);
            desk.ask(action, target);
        };
        view! {
            <button type="button" on:click=ask>
                {label.get()}
            </button>
        }
    };
    let may_retry = move || {
        let is_for_dead_letters = is_for_dead_letters(&desk.name());
        is_for_dead_letters || desk.listing.with(Listing::has_dead_letters)
    };
    let choose_page = move |_| {
        desk.listing.with_untracked(|listing| {
            desk.selection.update(|selection| {
                for message in &listing.messages {
                    selection.set(&message.id, true);
                }
            });
        });
    };
    view! {
        <div class="for-chosen" role="group" aria-labelledby="for-chosen-title">
            <p id="for-chosen-title">
                {live_text(move || desk.selection.with(Selection::words))}
            </p>
            <div class="buttons">
                {action(Action::Move, texts::queue::ASK_MOVE)} {action(Action::Copy, texts::queue::ASK_COPY)}
                <span style:display=shown(may_retry)>{action(Action::Retry, texts::queue::ASK_RETRY)}</span>
                {action(Action::Delete, texts::queue::ASK_DELETE)}
            </div>
            <div class="buttons">
                <button type="button" class="quiet" on:click=choose_page>
                    {texts::queue::CHOOSE_PAGE.get()}
                </button>
                <button
                    type="button"
                    class="quiet"
                    on:click=move |_| desk.selection.update(Selection::clear)
                >
                    {texts::queue::CHOOSE_NONE.get()}
                </button>
            </div>
        </div>
    }
}

#[component]
fn Item(
    desk: Desk,
    message: Listed,
    zone: RwSignal<Zone>,
    open: impl Fn(String) + Copy + 'static,
) -> impl IntoView {
    let (id, own) = (message.id.clone(), message.id.clone());
    let is_chosen = {
        let id = message.id.clone();
        flag(move || desk.selection.with(|selection| selection.has(&id)))
    };
    let choose = move |event| {
        let is_chosen = event_target_checked(&event);
        desk.selection
            .update(|selection| selection.set(&id, is_chosen));
    };
    let at_ms = message.timestamp_ms;
    let label = texts::queue::CHOOSE.with(&[&message.id]);
    let note = message.note();
    view! {
        <li>
            <input
                type="checkbox"
                aria-label=label
                prop:checked=is_chosen
                on:change=choose
            />
            <button type="button" on:click=move |_| open(own.clone())>
                <code translate="no">{plain_text(message.preview)}</code>
                <span class="browsed-note">
                    <time translate="no">
                        {live_text(move || zone.get().date_and_time(at_ms))}
                    </time>
                    " "
                    <span translate="no">{plain_text(message.producer)}</span>
                    " "
                    <span>{plain_text(note)}</span>
                </span>
            </button>
        </li>
    }
}

/// Returns true for the dead letter queues of the default configuration.
fn is_for_dead_letters(name: &str) -> bool {
    name == "ActiveMQ.DLQ" || name.starts_with("DLQ.")
}
