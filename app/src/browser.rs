//! Browser functions that the pages use besides the DOM: clocks, timers that stop when dropped,
//! storage and the reader's preferences. The server calls nothing in this module.

use js_sys::{Date, Function, Math};
use leptos::prelude::window;
use wasm_bindgen::{JsCast, JsValue, closure::Closure};
use web_sys::Storage;

use crate::stopped::has_stopped;

/// Returns milliseconds of a monotonic clock.
pub fn now_ms() -> f64 {
    window()
        .performance()
        .map_or_else(Date::now, |performance| performance.now())
}

/// Returns the local time of day, such as `22:47:03`.
pub fn time_of_day(unix_ms: f64) -> String {
    let date = Date::new(&JsValue::from_f64(unix_ms));
    format!(
        "{:02}:{:02}:{:02}",
        date.get_hours(),
        date.get_minutes(),
        date.get_seconds()
    )
}

pub fn unix_ms() -> f64 {
    Date::now()
}

/// Returns the current time as ISO 8601, in UTC.
pub fn iso_now() -> String {
    Date::new_0().to_iso_string().into()
}

/// Returns a random number from 0 up to but not including 1.
pub fn chance() -> f64 {
    Math::random()
}

pub fn prefers_reduced_motion() -> bool {
    let query = window().match_media("(prefers-reduced-motion: reduce)");
    query.ok().flatten().is_some_and(|query| query.matches())
}

/// A scheduled call. Dropping the value cancels the call, also from inside the call itself. After a
/// panic the call does nothing.
pub struct Appointment {
    handle: Option<i32>,
    cancel: fn(i32),
    _call: Closure<dyn FnMut()>,
}

impl Appointment {
    /// Calls repeatedly, once per period.
    pub fn every(period_ms: u32, call: impl Fn() + 'static) -> Self {
        let period_ms = period_ms.cast_signed();
        Self::new(
            running(call),
            |call| window().set_interval_with_callback_and_timeout_and_arguments_0(call, period_ms),
            |handle| window().clear_interval_with_handle(handle),
        )
    }

    /// Calls once, after the pause.
    pub fn after(pause_ms: u32, call: impl Fn() + 'static) -> Self {
        let pause_ms = pause_ms.cast_signed();
        Self::new(
            running(call),
            |call| window().set_timeout_with_callback_and_timeout_and_arguments_0(call, pause_ms),
            |handle| window().clear_timeout_with_handle(handle),
        )
    }

    /// Calls once, before the next paint. A hidden page does not paint.
    pub fn next_frame(call: impl Fn() + 'static) -> Self {
        Self::new(
            running(call),
            |call| window().request_animation_frame(call),
            // The frame may have been painted already; cancelling then has no effect.
            |handle| drop(window().cancel_animation_frame(handle)),
        )
    }

    fn new(
        call: Closure<dyn FnMut()>,
        make: impl FnOnce(&Function) -> Result<i32, JsValue>,
        cancel: fn(i32),
    ) -> Self {
        Self {
            handle: make(call.as_ref().unchecked_ref()).ok(),
            cancel,
            _call: call,
        }
    }
}

/// Wraps a call that is skipped after a panic.
fn running(call: impl Fn() + 'static) -> Closure<dyn FnMut()> {
    Closure::new(move || {
        if !has_stopped() {
            call();
        }
    })
}

impl Drop for Appointment {
    fn drop(&mut self) {
        if let Some(handle) = self.handle {
            (self.cancel)(handle);
        }
    }
}

/// Returns a stored setting of the reader. Returns `None` if there is none or if the browser
/// forbids storage.
pub fn kept(key: &str) -> Option<String> {
    local()?.get_item(key).ok().flatten()
}

/// Stores a setting if the browser allows it; the page works without.
pub fn keep(key: &str, value: &str) {
    if let Some(storage) = local() {
        let _ = storage.set_item(key, value);
    }
}

/// Returns this tab's name as a producer: six characters, the same after a reload.
pub fn producer_id() -> String {
    let session = window().session_storage().ok().flatten();
    let known = session
        .as_ref()
        .and_then(|session| session.get_item(PRODUCER).ok().flatten());
    // The stored value may have been changed by others, and it is written into JSON without
    // escaping.
    let sound = |id: &String| id.len() == 6 && id.bytes().all(|byte| byte.is_ascii_alphanumeric());
    known.filter(sound).unwrap_or_else(|| {
        let id = random_id();
        if let Some(session) = session {
            let _ = session.set_item(PRODUCER, &id);
        }
        id
    })
}

fn random_id() -> String {
    let letter = || LETTERS[(chance() * LETTERS.len() as f64) as usize % LETTERS.len()];
    (0..6).map(|_| char::from(letter())).collect()
}

fn local() -> Option<Storage> {
    window().local_storage().ok().flatten()
}

const PRODUCER: &str = "carillon.producer";
const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
