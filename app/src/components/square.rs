//! The square on its dial.

use leptos::prelude::*;

use crate::{angle, reactive::text};

#[component]
pub fn Square(angle: Signal<f64>, is_smooth: RwSignal<bool>) -> impl IntoView {
    let exact = text(move || angle.get().to_string());
    let words = text(move || format!("{}°", angle::text(angle.get())));
    view! {
        <div class="dial">
            <svg viewBox="-160 -160 320 320" aria-hidden="true">
                <circle class="dial-ring" r="150" />
                <circle class="dial-minor" r="146.5" pathLength="360" />
                <circle class="dial-major" r="143" pathLength="360" />
            </svg>
            <div
                class=text(move || if is_smooth.get() { "square smooth" } else { "square" })
                style:transform=rotation(angle)
                data-angle=exact
            ></div>
            <output class="angle" aria-label="Angle" aria-live="off">
                {words}
            </output>
        </div>
    }
}

/// The transform that shows an angle, reached the short way round from the one before.
pub fn rotation(angle: Signal<f64>) -> Signal<String> {
    let drawn = StoredValue::new(None);
    text(move || {
        let angle = angle.get();
        let rotation = drawn
            .get_value()
            .map_or(angle, |drawn| angle::turned(drawn, angle));
        drawn.set_value(Some(rotation));
        format!("rotate({rotation}deg)")
    })
}
