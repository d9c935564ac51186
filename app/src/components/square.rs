//! The square on its dial.

use leptos::prelude::*;

use crate::angle;

#[component]
pub fn Square(
    #[prop(into)] angle: Signal<f64>,
    #[prop(into)] is_smooth: Signal<bool>,
) -> impl IntoView {
    let rotation = Memo::new(move |drawn: Option<&f64>| match drawn {
        Some(drawn) => angle::turned(*drawn, angle.get()),
        None => angle.get(),
    });
    let text = move || format!("{}°", angle::text(angle.get()));
    view! {
        <div class="dial">
            <svg viewBox="-160 -160 320 320" aria-hidden="true">
                <circle class="dial-ring" r="150" />
                <path class="dial-minor" d=strokes(5, 143.0, 150.0) />
                <path class="dial-major" d=strokes(30, 136.0, 150.0) />
            </svg>
            <div
                class="square"
                class:smooth=is_smooth
                style:transform=move || format!("rotate({}deg)", rotation.get())
                data-angle=angle
            ></div>
            <output class="angle" aria-label="Angle">{text}</output>
        </div>
    }
}

/// Strokes of the dial, one every `step` degrees, between two radii.
fn strokes(step: usize, inner: f64, outer: f64) -> String {
    (0..360)
        .step_by(step)
        .map(|degrees| {
            let (sin, cos) = (degrees as f64).to_radians().sin_cos();
            let at = |radius: f64| format!("{:.1} {:.1}", radius * sin, -radius * cos);
            format!("M{}L{}", at(inner), at(outer))
        })
        .collect()
}
