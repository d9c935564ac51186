//! The note that the drawn values are an example.

use leptos::prelude::*;

use crate::{
    feed::{Feed, Source},
    reactive::{shown, text},
    texts,
};

/// Shown until the first message that the page can draw. `lacking` is the sentence about the
/// message that is still missing.
#[component]
pub fn ExampleNote(feed: RwSignal<Feed>, lacking: &'static str) -> impl IntoView {
    let is_example = move || feed.with(Feed::source) == Source::Example;
    view! {
        <p class="example-note" style:display=shown(is_example)>
            <span class="badge">{texts::demo::EXAMPLE.get()}</span>
            " "
            {lacking}
        </p>
    }
}

/// Returns the attribute `data-source` of the element that draws the feed: the style sheet draws an
/// example as outlines.
pub fn source_name(feed: RwSignal<Feed>) -> Signal<String> {
    text(move || match feed.with(Feed::source) {
        Source::Example => "example",
        Source::Message => "message",
    })
}
