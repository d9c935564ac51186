//! A row of counts; the first is a rate.

use leptos::prelude::*;

use crate::{
    browser::{self, Appointment},
    rate::rounded,
    reactive::{hold, once_live, text, text_of},
};

/// One count: its name, the meaning of the name, and the value.
pub struct Count {
    pub name: &'static str,
    pub meaning: &'static str,
    pub of: Signal<String>,
}

#[component]
pub fn Tallies(
    /// The argument is the time of `browser::now_ms`.
    per_second: impl Fn(f64) -> f64 + Send + Sync + 'static,
    counts: Vec<Count>,
) -> impl IntoView {
    let now_ms = RwSignal::new(0.0);
    once_live(move || {
        hold(Appointment::every(500, move || {
            now_ms.set(browser::now_ms())
        }));
    });
    let rate = Count {
        name: "per second",
        meaning: "Over the last seconds",
        of: text(move || rounded(per_second(now_ms.get()))),
    };
    let draw = |count: Count| {
        view! {
            <div title=count.meaning>
                <dt>{count.name}</dt>
                <dd data-figure=count.name translate="no">{text_of(count.of)}</dd>
            </div>
        }
    };
    let all: Vec<_> = [rate].into_iter().chain(counts).map(draw).collect();
    view! { <dl class="tallies">{all}</dl> }
}
