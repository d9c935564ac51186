//! Says that what a page draws is an example.

use leptos::prelude::*;

use crate::{
    feed::{Feed, Source},
    reactive::{shown, text},
};

/// Shown until the first message that the page can draw. `lacking` says what has not arrived yet.
#[component]
pub fn ExampleNote(feed: RwSignal<Feed>, lacking: &'static str) -> impl IntoView {
    let is_example = move || feed.with(Feed::source) == Source::Example;
    view! {
        <p class="example-note" style:display=shown(is_example)>
            <span class="badge">"Example"</span>
            " "
            {lacking}
        </p>
    }
}

/// The attribute `data-source` of what draws the feed: the style sheet draws an example in
/// outlines.
pub fn source_name(feed: RwSignal<Feed>) -> Signal<String> {
    text(move || match feed.with(Feed::source) {
        Source::Example => "example",
        Source::Message => "message",
    })
}
