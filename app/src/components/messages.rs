//! The list of what a page has received. It follows the newest message, unless the reader has
//! scrolled up.

use std::sync::Arc;

use leptos::{either::Either, html, prelude::*};

use crate::{
    browser::{self, Interval},
    connection::Missed,
    feed::{Feed, Row, RowKind},
    rate::rounded,
    reactive::{flag, once_live, text},
};

#[component]
pub fn Messages(feed: RwSignal<Feed>) -> impl IntoView {
    let list = NodeRef::<html::Div>::new();
    // The list grows upwards from its lower edge (`flex-direction: column-reverse`), so the browser
    // itself keeps the newest row in view, and the reader's place when it is elsewhere: the
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
    let is_listed = flag(move || !feed.with(Feed::is_empty));
    view! {
        <section class="panel messages" aria-labelledby="messages-title">
            <div class="panel-head">
                <h2 id="messages-title">"Received"</h2>
                <button type="button" class="quiet" on:click=move |_| feed.update(Feed::clear)>
                    "Clear"
                </button>
            </div>
            <Tallies feed />
            <div
                class="scroller"
                node_ref=list
                on:scroll=scrolled
                role="log"
                aria-live="off"
                aria-label="Messages, the newest last"
                tabindex="0"
            >
                <ol>
                    <For each=move || feed.with(Feed::rows) key=|row| row.key let:row>
                        {line(row)}
                    </For>
                </ol>
                <p class="none" hidden=is_listed>
                    "Messages appear here as they arrive."
                </p>
            </div>
            <button type="button" class="jump" hidden=flag(move || is_following.get()) on:click=jump>
                "Jump to newest"
            </button>
        </section>
    }
}

#[component]
fn Tallies(feed: RwSignal<Feed>) -> impl IntoView {
    let now_ms = RwSignal::new(0.0);
    once_live(move || {
        StoredValue::new_local(Interval::every(500, move || now_ms.set(browser::now_ms())));
    });
    let per_second = text(move || rounded(feed.with(|feed| feed.per_second(now_ms.get()))));
    let received = text(move || feed.with(Feed::received).to_string());
    let ignored = text(move || feed.with(Feed::ignored).to_string());
    view! {
        <dl class="tallies">
            <div>
                <dt>"per second"</dt>
                <dd data-figure="rate">{per_second}</dd>
            </div>
            <div>
                <dt>"received"</dt>
                <dd data-figure="received">{received}</dd>
            </div>
            <div title="Messages whose data is not what this page shows">
                <dt>"ignored"</dt>
                <dd data-figure="ignored">{ignored}</dd>
            </div>
        </dl>
    }
}

fn line(row: Arc<Row>) -> impl IntoView {
    match &row.kind {
        RowKind::Message {
            producer,
            data,
            timestamp_ms,
            sequence,
        } => Either::Left(view! {
            <li class="message" data-sequence=*sequence>
                <b>{producer.clone()}</b>
                <code>{data.clone()}</code>
                <time>{browser::time_of_day(*timestamp_ms)}</time>
            </li>
        }),
        RowKind::Gap(missed) => Either::Right(view! { <li class="gap">{gap(*missed)}</li> }),
    }
}

fn gap(missed: Missed) -> String {
    match missed {
        Missed::Range { from, to } if from == to => format!("Message {from} was missed."),
        Missed::Range { from, to } => {
            format!(
                "{} messages were missed: {from} to {to}.",
                to.saturating_sub(from) + 1
            )
        }
        Missed::Unknown => "The broker was restarted: messages may be missing.".into(),
    }
}

/// Nearer to the newest row than this is at it, in pixels.
const FOLLOWS_WITHIN: i32 = 24;
