//! Depth and rates of the last hour.

use leptos::prelude::*;

use crate::{
    figures::grouped,
    queue::{HEIGHT, History, Plot, WIDTH},
    reactive::{live_text, text},
    texts,
};

#[component]
pub fn Trends(history: RwSignal<History>) -> impl IntoView {
    view! {
        <section aria-labelledby="hour-title">
            <h2 id="hour-title">{texts::queue::HOUR.get()}</h2>
            <div class="trends">
                <Lines
                    title=texts::queue::DEPTH_TITLE.get()
                    plot=Signal::derive(move || history.with(History::depth))
                    words=text(move || history.with(History::depth_in_words))
                />
                <Lines
                    title=texts::queue::RATES_TITLE.get()
                    plot=Signal::derive(move || history.with(History::rates))
                    words=text(move || history.with(History::rates_in_words))
                />
            </div>
        </section>
    }
}

/// A plot of one or two lines; the area below a single line is filled.
#[component]
fn Lines(title: &'static str, plot: Signal<Plot>, words: Signal<String>) -> impl IntoView {
    let line = move |index: usize| {
        text(move || plot.with(|plot| plot.lines.get(index).cloned().unwrap_or_default()))
    };
    let area = text(move || {
        plot.with(|plot| match plot.lines.len() {
            1 => plot.area(),
            _ => String::new(),
        })
    });
    let top = move || plot.with(|plot| grouped(plot.top as u64));
    view! {
        <figure class="trend">
            <figcaption>
                <strong>{title}</strong>
                ": "
                {live_text(move || words.get())}
            </figcaption>
            <div class="trend-frame" aria-hidden="true">
                <span class="trend-top">{live_text(top)}</span>
                <svg viewBox=format!("0 0 {WIDTH} {HEIGHT}") preserveAspectRatio="none">
                    <path class="trend-area" d=area></path>
                    <path class="trend-line" d=line(0)></path>
                    <path class="trend-line trend-second" d=line(1)></path>
                </svg>
            </div>
            <p class="trend-axis" aria-hidden="true">
                <span>{texts::queue::HOUR_AGO.get()}</span>
                <span>{texts::queue::NOW.get()}</span>
            </p>
        </figure>
    }
}
