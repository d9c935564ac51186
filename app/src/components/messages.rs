//! The received messages of a page, with their counts.

use std::sync::Arc;

use leptos::prelude::*;

use super::{Count, Lines, MessageList, Tallies};
use crate::{feed::Feed, figures::grouped, reactive::text, texts};

#[component]
pub fn Messages(feed: RwSignal<Feed>) -> impl IntoView {
    let per_second = move |now_ms| feed.with(|feed| feed.per_second(now_ms));
    let lines: Lines = Arc::new(move || feed.with(Feed::lines));
    let counts = vec![
        Count {
            name: "received",
            label: texts::list::RECEIVED,
            meaning: texts::list::RECEIVED_MEANING,
            of: text(move || grouped(feed.with(Feed::received))),
        },
        Count {
            name: "missed",
            label: texts::list::MISSED,
            meaning: texts::list::MISSED_MEANING,
            of: text(move || grouped(feed.with(Feed::missed))),
        },
        Count {
            name: "ignored",
            label: texts::list::IGNORED,
            meaning: texts::list::IGNORED_MEANING,
            of: text(move || grouped(feed.with(Feed::ignored))),
        },
    ];
    view! {
        <section class="panel messages" aria-labelledby="messages-title">
            <div class="panel-head">
                <h2 id="messages-title">{texts::list::RECEIVED_TITLE.get()}</h2>
                <button type="button" class="quiet" on:click=move |_| feed.update(Feed::clear)>
                    {texts::list::CLEAR.get()}
                </button>
            </div>
            <Tallies per_second counts />
            <MessageList
                lines
                label=texts::list::NEWEST_LAST.get()
                none=texts::list::NONE_RECEIVED.get()
            />
        </section>
    }
}
