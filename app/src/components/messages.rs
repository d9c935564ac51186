//! The received messages of a page, with their counts.

use std::sync::Arc;

use leptos::prelude::*;

use super::{Count, Lines, MessageList, Tallies};
use crate::{feed::Feed, reactive::text};

#[component]
pub fn Messages(feed: RwSignal<Feed>) -> impl IntoView {
    let per_second = move |now_ms| feed.with(|feed| feed.per_second(now_ms));
    let lines: Lines = Arc::new(move || feed.with(Feed::lines));
    let counts = vec![
        Count {
            name: "received",
            meaning: "Messages since the list was last cleared",
            of: text(move || feed.with(Feed::received).to_string()),
        },
        Count {
            name: "missed",
            meaning: "Skipped by the broker because this page was slower than the topic",
            of: text(move || feed.with(Feed::missed).to_string()),
        },
        Count {
            name: "ignored",
            meaning: "Messages without data that this page can show",
            of: text(move || feed.with(Feed::ignored).to_string()),
        },
    ];
    view! {
        <section class="panel messages" aria-labelledby="messages-title">
            <div class="panel-head">
                <h2 id="messages-title">"Received"</h2>
                <button type="button" class="quiet" on:click=move |_| feed.update(Feed::clear)>
                    "Clear"
                </button>
            </div>
            <Tallies per_second counts />
            <MessageList
                lines
                label="Messages, the newest last"
                none="Messages appear here as they arrive."
            />
        </section>
    }
}
