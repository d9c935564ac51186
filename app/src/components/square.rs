//! The square on its dial.

use leptos::prelude::*;

use crate::{angle, reactive::text};

#[component]
pub fn Square(
    #[prop(into)] angle: Signal<f64>,
    #[prop(into)] is_smooth: Signal<bool>,
) -> impl IntoView {
    let rotation = Memo::new(move |drawn: Option<&f64>| match drawn {
        Some(drawn) => angle::turned(*drawn, angle.get()),
        None => angle.get(),
    });
    let turn = text(move || format!("rotate({}deg)", rotation.get()));
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
                class="square"
                class:smooth=is_smooth
                style:transform=turn
                data-angle=exact
            ></div>
            <output class="angle" aria-label="Angle">{words}</output>
        </div>
    }
}
