//! The few ways in which pages use Leptos's reactivity. Each gives one type to all its uses: what
//! the compiler has to make only once is what the browser has to fetch only once.

use std::any::Any;

use leptos::prelude::*;

use crate::{
    host::{Figures, Image},
    json::{self, Json},
    queues::Queues,
};

/// A text that follows what it is computed from.
pub fn text<T: Into<String>>(compute: impl Fn() -> T + Send + Sync + 'static) -> Signal<String> {
    Signal::derive(move || compute().into())
}

/// An element whose text follows what it is computed from. Every text of the pages that changes is
/// drawn by this function, [`text_of`] or [`plain_text`].
///
/// They set the text as a property of the element. A text node of the view would not do: a
/// translator puts nodes of its own in its place, and what is written to it afterwards is not seen.
pub fn live_text<T: Into<String>>(
    compute: impl Fn() -> T + Send + Sync + 'static,
) -> impl IntoView {
    text_of(text(compute))
}

/// The same for a signal that is there already.
pub fn text_of(text: Signal<String>) -> impl IntoView {
    view! { <span prop:textContent=text>{rendered(|| text.get_untracked())}</span> }
}

/// The same for a text that changes when its view is computed anew.
pub fn plain_text(text: impl Into<String>) -> impl IntoView {
    let text = text.into();
    let child = rendered(|| text.clone());
    view! { <span prop:textContent=text>{child}</span> }
}

/// The text as a child, for the server: it renders no properties. In the browser the property is
/// the text. An empty text is no child, so that the style sheet finds the element `:empty`.
fn rendered(text: impl FnOnce() -> String) -> Option<String> {
    let text = (!is_browser()).then(text);
    text.filter(|text| !text.is_empty())
}

/// A yes or no that follows what it is computed from.
pub fn flag(compute: impl Fn() -> bool + Send + Sync + 'static) -> Signal<bool> {
    Signal::derive(compute)
}

/// The style `display` of what is shown only while this is so.
pub fn shown(is_so: impl Fn() -> bool + Send + Sync + 'static) -> Signal<String> {
    text(move || if is_so() { "" } else { "none" })
}

/// Acts once, in the browser, when the page is live; never on the server. What it
/// [`hold`]s is released with the component.
pub fn once_live(act: impl Fn() + 'static) {
    act_once_live(Box::new(act));
}

fn act_once_live(act: Box<dyn Fn()>) {
    effect(move |_| untrack(&act));
}

/// Acts in the browser when the page is live, and again after each change of what it has read; given
/// nothing the first time. Never on the server.
pub fn effect(act: impl Fn(Option<()>) + 'static) {
    let act: Box<dyn Fn(Option<()>)> = Box::new(act);
    Effect::new(act);
}

/// Keeps a guard until the component, or whatever else is the owner now, is gone.
pub fn hold(guard: impl Any) {
    let guard: Box<dyn Any> = Box::new(guard);
    StoredValue::new_local(guard);
}

/// A value that the server computes while it renders and the browser finds in the page; the default
/// where the server did not render the page.
pub fn carried<T: Carried>(render: impl FnOnce() -> T) -> T {
    if is_browser() {
        let text = SharedValue::new_str(String::new).into_inner();
        let json = json::read(&text).ok();
        return json.and_then(|json| T::read(&json)).unwrap_or_default();
    }
    let value = render();
    SharedValue::new_str(|| value.write());
    value
}

/// What [`carried`] can carry. The browser only reads, so it has no code to write.
pub trait Carried: Default {
    fn write(&self) -> String;
    fn read(json: &Json<'_>) -> Option<Self>;
}

impl Carried for Option<Image> {
    fn write(&self) -> String {
        written(self)
    }

    fn read(json: &Json<'_>) -> Option<Self> {
        Some(Image::from_json(json))
    }
}

impl Carried for Figures {
    fn write(&self) -> String {
        written(self)
    }

    fn read(json: &Json<'_>) -> Option<Self> {
        Some(Self::from_json(json))
    }
}

impl Carried for Option<Queues> {
    fn write(&self) -> String {
        written(self)
    }

    fn read(json: &Json<'_>) -> Option<Self> {
        Some((*json != Json::Null).then(|| Queues::from_json(json)))
    }
}

#[cfg(feature = "ssr")]
fn written(value: &impl serde::Serialize) -> String {
    // Plain structs of numbers and text: there is nothing that JSON could refuse.
    serde_json::to_string(value).unwrap_or_default()
}

#[cfg(not(feature = "ssr"))]
fn written<T>(_: &T) -> String {
    String::new()
}
