//! The head of every page: the name, the navigation and the state of the connection.

use leptos::prelude::*;

use crate::{
    Text,
    connection::{Connection, State},
    navigation::{CONTENT_ID, Navigation, focus_content},
    reactive::{live_text, text},
    site::here,
    texts,
};

#[component]
pub fn Header() -> impl IntoView {
    let navigation = expect_context::<Navigation>();
    // With the path, because an element `base` would lead a mere fragment to another page.
    let skip = text(move || {
        navigation.route();
        format!("{}#{CONTENT_ID}", here().unwrap_or_default())
    });
    let skipped = |click: web_sys::MouseEvent| {
        click.prevent_default();
        focus_content();
    };
    let way = move |path: &'static str, name: Text| {
        view! {
            <a href=path aria-current=navigation.current(path)>
                {name.get()}
            </a>
        }
    };
    view! {
        <a class="skip" href=skip on:click=skipped>
            {texts::page::SKIP.get()}
        </a>
        <header class="head">
            <div class="head-row">
                <a class="brand" href="./">
                    <Mark />
                    <span translate="no">"Carillon"</span>
                </a>
                <nav aria-label=texts::page::PAGES.get()>
                    {way("console", texts::shared::CONSOLE)} {way("rect", texts::shared::RECTANGLE)}
                    {way("chart", texts::shared::CHART)} {way("topics", texts::shared::TOPICS)} {way("queues", texts::shared::QUEUES)}
                    {way("connections", texts::shared::CONNECTIONS)} {way("boards", texts::boards::BOARDS)}
                    {way("order", texts::order::HEADING)}
                </nav>
                <ConnectionState />
            </div>
        </header>
    }
}

/// The logo: a bell in its frame.
#[component]
fn Mark() -> impl IntoView {
    view! {
        <svg class="mark" viewBox="0 0 32 32" aria-hidden="true">
            <path class="mark-frame" d="M4 5.5h24M16 5.5v3.2" />
            <path
                class="mark-bell"
                d="M16 8.2c-4.5 0-6.6 3.3-6.9 8.1-.2 3.4-1 4.9-3.1 6.5-.5.4-.2 1.2.4 1.2h19.2c.6 0 .9-.8.4-1.2-2.1-1.6-2.9-3.1-3.1-6.5-.3-4.8-2.4-8.1-6.9-8.1z"
            />
            <path class="mark-line" d="M8.6 19.9h14.8" />
            <circle class="mark-bell" cx="16" cy="26.6" r="2.2" />
        </svg>
    }
}

#[component]
fn ConnectionState() -> impl IntoView {
    let connection = expect_context::<Connection>();
    let name = text(move || match connection.state() {
        State::Idle => "idle",
        State::Connecting { .. } => "connecting",
        State::Live => "live",
        State::Lost { .. } => "lost",
    });
    let is_refused = move || !connection.refusal().is_empty();
    let words = live_text(move || match connection.state() {
        _ if is_refused() => texts::page::REFUSED.get(),
        State::Idle => texts::page::IDLE.get(),
        State::Connecting { .. } => texts::page::CONNECTING.get(),
        State::Live => texts::page::LIVE.get(),
        State::Lost { .. } => texts::page::LOST.get(),
    });
    view! {
        <p class="connection" data-state=name role="status">
            <span class="visually-hidden">{texts::page::CONNECTION_LABEL.get()}</span>
            {words}
        </p>
    }
}
