//! The square on its dial.

use leptos::prelude::*;

use super::example_note::source_name;
use crate::{
    angle,
    feed::Feed,
    number,
    reactive::{live_text, text},
    texts,
};

#[component]
pub fn Square(feed: RwSignal<Feed>, is_smooth: RwSignal<bool>) -> impl IntoView {
    let exact = text(move || number::plain(feed.with(Feed::angle)));
    let words = live_text(move || format!("{}°", angle::text(feed.with(Feed::angle))));
    view! {
        <div class="dial" data-source=source_name(feed)>
            <svg viewBox="-160 -160 320 320" aria-hidden="true">
                <circle class="dial-ring" r="150" />
                <circle class="dial-minor" r="146.5" pathLength="360" />
                <circle class="dial-major" r="143" pathLength="360" />
            </svg>
            <div
                class=text(move || if is_smooth.get() { "square smooth" } else { "square" })
                style:transform=rotation(feed)
                data-angle=exact
            ></div>
            <output class="angle" aria-label=texts::demo::ANGLE.get() aria-live="off" translate="no">
                {words}
            </output>
        </div>
    }
}

/// Returns the transform that shows the newest angle, reached the shorter way from the previous
/// angle.
pub fn rotation(feed: RwSignal<Feed>) -> Signal<String> {
    let drawn = StoredValue::new(feed.with_untracked(Feed::angle));
    text(move || {
        let rotation = angle::turned(drawn.get_value(), feed.with(Feed::angle));
        drawn.set_value(rotation);
        format!("rotate({}deg)", number::plain(rotation))
    })
}
