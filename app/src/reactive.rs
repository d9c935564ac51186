//! The few functions with which pages use Leptos's reactivity. Each gives all its uses the same type, because the
//! browser downloads a generic function once for each type.

use std::any::Any;

use leptos::prelude::*;

use crate::{
    host::{Figures, Image},
    json::{self, Json},
    queues::Queues,
};

/// Returns a text that is computed again when its inputs change.
pub fn text<T: Into<String>>(compute: impl Fn() -> T + Send + Sync + 'static) -> Signal<String> {
    Signal::derive(move || compute().into())
}

/// Draws an element whose text is computed again when its inputs change. This function, [`text_of`] and [`plain_text`]
/// draw every changing text of the pages.
///
/// They set the text as a property of the element. A text node of the view is not enough: a translator replaces it by
/// nodes of its own, and later changes of the old node are invisible.
pub fn live_text<T: Into<String>>(
    compute: impl Fn() -> T + Send + Sync + 'static,
) -> impl IntoView {
    text_of(text(compute))
}

/// Does the same as [`live_text`] for an existing signal.
pub fn text_of(text: Signal<String>) -> impl IntoView {
    view! { <span prop:textContent=text>{rendered(|| text.get_untracked())}</span> }
}

/// Does the same as [`live_text`] for a text that changes when its view is computed again.
pub fn plain_text(text: impl Into<String>) -> impl IntoView {
    let text = text.into();
    let child = rendered(|| text.clone());
    view! { <span prop:textContent=text>{child}</span> }
}

/// Returns the text as a child, for the server, which renders no properties. In the browser the property holds the
/// text. An empty text gives no child, so that the style sheet matches the element with `:empty`.
fn rendered(text: impl FnOnce() -> String) -> Option<String> {
    let text = (!is_browser()).then(text);
    text.filter(|text| !text.is_empty())
}

/// Returns a boolean that is computed again when its inputs change.
pub fn flag(compute: impl Fn() -> bool + Send + Sync + 'static) -> Signal<bool> {
    Signal::derive(compute)
}

/// Returns the style `display` of an element that is shown only while `is_so` returns true.
pub fn shown(is_so: impl Fn() -> bool + Send + Sync + 'static) -> Signal<String> {
    text(move || if is_so() { "" } else { "none" })
}

/// Calls `act` once, in the browser, when the page is live; never on the server. Guards that `act` passes to [`hold`]
/// are released with the component.
pub fn once_live(act: impl Fn() + 'static) {
    act_once_live(Box::new(act));
}

fn act_once_live(act: Box<dyn Fn()>) {
    effect(move |_| untrack(&act));
}

/// Calls `act` in the browser when the page is live, and again after each change of the signals that it has read; the
/// argument of the first call is `None`. Never on the server.
pub fn effect(act: impl Fn(Option<()>) + 'static) {
    let act: Box<dyn Fn(Option<()>)> = Box::new(act);
    Effect::new(act);
}

/// Keeps a guard until the current owner, usually a component, is dropped.
pub fn hold(guard: impl Any) {
    let guard: Box<dyn Any> = Box::new(guard);
    StoredValue::new_local(guard);
}

/// A place for a guard that is replaced, such as a timer. The guard is released with the owner of the place, usually a
/// component.
///
/// On the server the place is empty: a value that belongs to one thread must be dropped there, but the server may drop a
/// rendered page on another thread.
#[derive(Clone, Copy)]
pub struct GuardSlot(Option<StoredValue<Option<Box<dyn Any>>, LocalStorage>>);

impl GuardSlot {
    /// Creates an empty place.
    pub fn new() -> Self {
        Self(is_browser().then(|| StoredValue::new_local(None)))
    }

    /// Replaces the guard. The earlier one is released afterwards.
    pub fn set(self, guard: impl Any) {
        let guard: Box<dyn Any> = Box::new(guard);
        self.replace(Some(guard));
    }

    /// Releases the guard.
    pub fn clear(self) {
        self.replace(None);
    }

    fn replace(self, guard: Option<Box<dyn Any>>) {
        if let Some(place) = self.0 {
            place.set_value(guard);
        }
    }
}

/// Returns a value that the server computes while it renders, and that the browser reads from the page; the default if
/// the server did not render the page.
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

/// Does the same as [`carried`] for a text, which is read later.
pub fn carried_text(render: impl FnOnce() -> String) -> String {
    if is_browser() {
        return SharedValue::new_str(String::new).into_inner();
    }
    let text = render();
    SharedValue::new_str(|| text.clone());
    text
}

/// A value that [`carried`] can transfer. Only the server writes it, so the browser's binary has no code for writing.
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
    // Cannot fail: the values are plain structs of numbers and text.
    serde_json::to_string(value).unwrap_or_default()
}

#[cfg(not(feature = "ssr"))]
fn written<T>(_: &T) -> String {
    String::new()
}
