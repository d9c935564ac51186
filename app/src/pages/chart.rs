//! `/chart`: a bar for each number of the newest message.

use leptos::prelude::*;

use super::image_note::ImageNote;
use crate::{
    components::{BarChart, ExampleNote, Messages},
    demo::{Demo, follow},
};

#[component]
pub fn Chart() -> impl IntoView {
    let (feed, image) = follow(Demo::Chart);
    view! {
        <div class="page-head">
            <h1>"Chart"</h1>
            <p>
                "Draws the numbers of every message on topic " <code translate="no">"chart"</code> "."
            </p>
        </div>
        <div class="split">
            <section class="panel stage" aria-label="The chart">
                <BarChart feed />
                <ExampleNote feed lacking="No message with numbers has arrived yet." />
                <ImageNote image reads=Demo::Chart.reads() />
            </section>
            <Messages feed />
        </div>
    }
}
