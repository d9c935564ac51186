//! `/chart`: a bar for each number of the newest message.

use leptos::prelude::*;

use super::image_note::ImageNote;
use crate::{
    components::{BarChart, ExampleNote, Messages},
    demo::{Demo, follow},
    texts,
};

#[component]
pub fn Chart() -> impl IntoView {
    let (feed, image) = follow(Demo::Chart);
    view! {
        <div class="page-head">
            <h1>{texts::shared::CHART.get()}</h1>
            <p inner_html=texts::demo::CHART_INTRO.get()></p>
        </div>
        <div class="split">
            <section class="panel stage" aria-label=texts::demo::THE_CHART.get()>
                <BarChart feed />
                <ExampleNote feed lacking=texts::demo::NO_NUMBERS.get() />
                <ImageNote image reads=Demo::Chart.reads() />
            </section>
            <Messages feed />
        </div>
    }
}
