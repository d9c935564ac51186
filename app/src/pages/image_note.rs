//! The note about the origin of the first picture, shown until the page is live.

use std::borrow::Cow;

use leptos::prelude::*;

use crate::{host::Image, instant, reading::Reader, texts};

#[component]
pub fn ImageNote(image: Option<Image>, reads: Reader) -> impl IntoView {
    image.map(|image| {
        let named = reads(&image.body).and_then(|reading| reading.producer);
        let producer = named.unwrap_or(Cow::Borrowed(&image.producer));
        let at = instant::shown(image.timestamp_ms);
        let text = texts::demo::IMAGE.with(&[&image.sequence.to_string(), &producer, &at]);
        view! { <p class="image-note">{text}</p> }
    })
}
