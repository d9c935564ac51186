//! `/rect`: the square turns to the angle of each message.

use leptos::prelude::*;

use super::image_note::ImageNote;
use crate::{
    browser,
    components::{ExampleNote, Messages, Square, Switch},
    demo::{Demo, follow},
    reactive::once_live,
    texts,
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
            <h1>{texts::shared::RECTANGLE.get()}</h1>
            <p inner_html=texts::demo::RECT_INTRO.get()></p>
        </div>
        <div class="split">
            <section class="panel stage" aria-label=texts::demo::SQUARE.get()>
                <Square feed is_smooth />
                <Switch on=is_smooth label=texts::demo::TRANSITION.get() />
                <ExampleNote feed lacking=texts::demo::NO_NUMBER.get() />
                <ImageNote image reads=Demo::Rect.reads() />
            </section>
            <Messages feed />
        </div>
    }
}
