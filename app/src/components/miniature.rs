//! The demonstration in small, for the overview.

use leptos::prelude::*;

use super::square::rotation;
use crate::{chart::Scale, feed::Feed, reactive::text};

#[component]
pub fn MiniatureSquare(feed: RwSignal<Feed>) -> impl IntoView {
    let turn = rotation(Signal::derive(move || feed.with(Feed::angle)));
    view! {
        <div class="miniature" aria-hidden="true">
            <div class="square smooth" style:transform=turn></div>
        </div>
    }
}

/// Seven bars whatever the message has, so that the card keeps its shape.
#[component]
pub fn MiniatureBars(feed: RwSignal<Feed>) -> impl IntoView {
    let bar = |index: usize| {
        let height = text(move || format!("{}%", feed.with(|feed| height(&feed.bars(), index))));
        view! { <div style:height=height></div> }
    };
    view! {
        <div class="miniature miniature-bars" aria-hidden="true">
            {(0..BARS).map(bar).collect_view()}
        </div>
    }
}

/// Per cent of the scale's height.
fn height(bars: &[f64], index: usize) -> u32 {
    let bar = bars.get(index).copied().unwrap_or(0.0);
    (bar / Scale::of(bars).high * 100.0).clamp(2.0, 100.0) as u32
}

const BARS: usize = 7;
