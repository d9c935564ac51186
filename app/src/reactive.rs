//! The few ways in which pages use Leptos's reactivity. Each gives one type to all its uses: what
//! the compiler has to make only once is what the browser has to fetch only once.

use std::{any::Any, fmt, str::FromStr};

use leptos::prelude::*;
use serde::de::DeserializeOwned;

/// A text that follows what it is computed from.
pub fn text<T: Into<String>>(compute: impl Fn() -> T + Send + Sync + 'static) -> Signal<String> {
    Signal::derive(move || compute().into())
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
    Effect::new(move |_| untrack(&act));
}

/// Keeps a guard until the component, or whatever else is the owner now, is gone.
pub fn hold(guard: impl Any) {
    let guard: Box<dyn Any> = Box::new(guard);
    StoredValue::new_local(guard);
}

/// A value that the server computes while it renders and the browser finds in the page.
pub fn carried<T: Carried>(render: impl FnOnce() -> T) -> T {
    SharedValue::new_str(move || AsText(render()))
        .into_inner()
        .0
}

/// What [`carried`] can carry. The browser only reads, so it has no code to write.
#[cfg(feature = "ssr")]
pub trait Carried: serde::Serialize + DeserializeOwned + 'static {}
#[cfg(feature = "ssr")]
impl<T: serde::Serialize + DeserializeOwned + 'static> Carried for T {}

/// What [`carried`] can carry. The browser only reads, so it has no code to write.
#[cfg(not(feature = "ssr"))]
pub trait Carried: DeserializeOwned + 'static {}
#[cfg(not(feature = "ssr"))]
impl<T: DeserializeOwned + 'static> Carried for T {}

/// A value as its JSON.
struct AsText<T>(T);

impl<T: Carried> fmt::Display for AsText<T> {
    #[cfg(feature = "ssr")]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&serde_json::to_string(&self.0).map_err(|_| fmt::Error)?)
    }

    #[cfg(not(feature = "ssr"))]
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        Ok(())
    }
}

impl<T: Carried> FromStr for AsText<T> {
    type Err = serde_json::Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        serde_json::from_str(text).map(Self)
    }
}
