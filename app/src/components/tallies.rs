//! A row of counts; the first is a rate.

use leptos::prelude::*;

use crate::{
    Text,
    browser::{self, Appointment},
    rate::rounded,
    reactive::{hold, once_live, text, text_of},
    texts,
};

/// One count: its name, the text beside it, its meaning, and the value.
pub struct Count {
    /// The same in all languages.
    pub name: &'static str,
    pub label: Text,
    pub meaning: Text,
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
        name: "rate",
        label: texts::list::RATE,
        meaning: texts::list::RATE_MEANING,
        of: text(move || rounded(per_second(now_ms.get()))),
    };
    let draw = |count: Count| {
        view! {
            <div title=count.meaning.get()>
                <dt>{count.label.get()}</dt>
                <dd data-figure=count.name translate="no">{text_of(count.of)}</dd>
            </div>
        }
    };
    let all: Vec<_> = [rate].into_iter().chain(counts).map(draw).collect();
    view! { <dl class="tallies">{all}</dl> }
}
