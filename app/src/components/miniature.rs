//! Small pictures of the demonstration, for the overview.

use leptos::prelude::*;

use super::{example_note::source_name, square::rotation};
use crate::{chart::Scale, feed::Feed, reactive::text};

#[component]
pub fn MiniatureSquare(feed: RwSignal<Feed>) -> impl IntoView {
    view! {
        <div class="miniature" data-source=source_name(feed) aria-hidden="true">
            <div class="square smooth" style:transform=rotation(feed)></div>
        </div>
    }
}

/// Draws seven bars, whatever the number of values, so that the card keeps its shape.
#[component]
pub fn MiniatureBars(feed: RwSignal<Feed>) -> impl IntoView {
    let outline = text(move || feed.with(|feed| outline(&feed.bars())));
    view! {
        <div class="miniature miniature-bars" data-source=source_name(feed) aria-hidden="true">
            <svg viewBox="0 0 152 100">
                <path d=outline />
            </svg>
        </div>
    }
}

/// Returns bars, each 16 wide and up to 100 high, as the path of an SVG.
fn outline(bars: &[f64]) -> String {
    let high = Scale::of(bars).high;
    let bar = |index: usize| {
        let value = bars.get(index).copied().unwrap_or(0.0);
        let height = (value / high * 100.0).clamp(2.0, 100.0) as u32;
        format!("M{} 100v-{height}h16v{height}z", index * 22 + 2)
    };
    (0..7).map(bar).collect()
}

#[cfg(test)]
mod tests {
    use super::outline;

    #[test]
    fn seven_bars_are_drawn_side_by_side() {
        let path = outline(&[20.0, 5.0, -3.0]);
        assert!(
            path.starts_with("M2 100v-100h16v100zM24 100v-25h16v25zM46 100v-2h16v2z"),
            "{path}"
        );
        assert_eq!(path.matches('M').count(), 7);
    }
}
