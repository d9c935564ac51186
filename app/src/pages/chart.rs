//! `/chart`: a bar for each number of the newest message.

use leptos::prelude::*;

use super::image_note::ImageNote;
use crate::{
    components::{BarChart, Messages},
    demo::{Demo, follow},
    reading::Data,
};

#[component]
pub fn Chart() -> impl IntoView {
    let (feed, image) = follow(Demo::Chart);
    let values = Memo::new(move |_| {
        feed.with(|feed| match feed.latest() {
            Some(Data::Numbers(numbers)) => numbers.clone(),
            _ => FIRST.to_vec(),
        })
    });
    view! {
        <div class="page-head">
            <h1>"Chart"</h1>
            <p>
                "Draws the numbers of every message on topic " <code>"chart"</code> "."
            </p>
        </div>
        <div class="split">
            <section class="panel stage" aria-label="The chart">
                <BarChart values />
                <ImageNote image reads=Demo::Chart.reads() />
            </section>
            <Messages feed />
        </div>
    }
}

/// What is drawn until there is a message.
const FIRST: [f64; 7] = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0];
