//! A list of messages, the newest last. It follows the newest, unless the reader has scrolled up.

use std::sync::Arc;

use leptos::{html, prelude::*};

use crate::{
    browser,
    line::{Kind, Line},
    reactive::shown,
};

#[component]
pub fn MessageList(
    #[prop(into)] lines: Signal<Vec<Arc<Line>>>,
    label: &'static str,
    /// Said while there are no lines.
    none: &'static str,
) -> impl IntoView {
    let list = NodeRef::<html::Div>::new();
    // The list grows upwards from its lower edge (`flex-direction: column-reverse`), so the browser
    // itself keeps the newest line in view, and the reader's place when it is elsewhere: the
    // distance from the newest is `-scrollTop`.
    let is_following = RwSignal::new(true);
    let scrolled = move |_| {
        if let Some(list) = list.get_untracked() {
            is_following.set(list.scroll_top() > -FOLLOWS_WITHIN);
        }
    };
    let jump = move |_| {
        if let Some(list) = list.get_untracked() {
            list.set_scroll_top(0);
        }
    };
    view! {
        <div
            class="scroller"
            node_ref=list
            on:scroll=scrolled
            role="log"
            aria-live="off"
            aria-label=label
            tabindex="0"
        >
            <ol>
                <For each=move || lines.get() key=|line| line.key let:line>
                    {draw(&line)}
                </For>
            </ol>
            <p class="none" style:display=shown(move || lines.with(Vec::is_empty))>
                {none}
            </p>
        </div>
        <button type="button" class="jump" style:display=shown(move || !is_following.get()) on:click=jump>
            "Jump to newest"
        </button>
    }
}

fn draw(line: &Line) -> impl IntoView + use<> {
    let (class, time) = match line.kind {
        Kind::Message => ("message", browser::time_of_day(line.unix_ms)),
        Kind::Gap => ("gap", String::new()),
    };
    view! {
        <li class=class>
            <b>{line.who.clone()}</b>
            <code>{line.what.clone()}</code>
            <span>{line.note}</span>
            <time>{time}</time>
        </li>
    }
}

/// Nearer to the newest line than this is at it, in pixels.
const FOLLOWS_WITHIN: i32 = 24;
