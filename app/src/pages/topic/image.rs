//! The image in a message. The browser decodes it; the page gives it the media type that the bytes have, so that nothing else
//! than an image of pixels is drawn, whatever the message says about itself.

use std::sync::Arc;

use leptos::prelude::*;

use crate::{
    browser,
    payload::picture::Picture,
    reactive::{GuardSlot, effect, live_text, shown},
    texts::payload as texts,
    topic::Entry,
};

#[component]
pub fn Image(entry: Signal<Arc<Entry>>, picture: Signal<Option<Picture>>) -> impl IntoView {
    // The address of the bytes in the memory of this page; empty while there is no image.
    let address = RwSignal::new(String::new());
    let is_broken = RwSignal::new(false);
    let held = GuardSlot::new();
    effect(move |_| {
        let picture = picture.get();
        let image = picture.and_then(|picture| {
            let content_type = picture.format.content_type();
            entry.with(|entry| browser::BlobAddress::new(entry.body.bytes(), content_type))
        });
        is_broken.set(false);
        address.set(
            image
                .as_ref()
                .map(|one| one.text().to_owned())
                .unwrap_or_default(),
        );
        // The earlier address ends after the new one is set.
        match image {
            Some(image) => held.set(image),
            None => held.clear(),
        }
    });
    let alternative = move || {
        let name = picture.with(|picture| picture.map(|picture| picture.format.name()));
        name.map(|name| texts::PICTURE.with(&[name]))
            .unwrap_or_default()
    };
    let is_shown = move || address.with(|address| !address.is_empty()) && !is_broken.get();
    let note = move || match is_broken.get() {
        true => texts::BROKEN_PICTURE.get(),
        false => "",
    };
    view! {
        <img
            class="payload-image"
            alt=alternative
            src=move || address.get()
            style:display=shown(is_shown)
            on:error=move |_| is_broken.set(!address.with_untracked(String::is_empty))
        />
        <p class="fault">{live_text(note)}</p>
    }
}
