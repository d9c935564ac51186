//! `/rect`: the square turns to the angle of each message.

use leptos::prelude::*;

use super::image_note::ImageNote;
use crate::{
    browser,
    components::{ExampleNote, Messages, Square, Switch},
    demo::{Demo, follow},
    reactive::once_live,
};

#[component]
pub fn Rect() -> impl IntoView {
    let (feed, image) = follow(Demo::Rect);
    let is_smooth = RwSignal::new(true);
    once_live(move || {
        if browser::prefers_reduced_motion() {
            is_smooth.set(false);
        }
    });
    view! {
        <div class="page-head">
            <h1>"Rectangle"</h1>
            <p>
                "Turns to the angle of every message on topic " <code translate="no">"rect"</code> "."
            </p>
        </div>
        <div class="split">
            <section class="panel stage" aria-label="The square">
                <Square feed is_smooth />
                <Switch on=is_smooth label="Transition" />
                <ExampleNote feed lacking="No message with a number has arrived yet." />
                <ImageNote image reads=Demo::Rect.reads() />
            </section>
            <Messages feed />
        </div>
    }
}
