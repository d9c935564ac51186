//! Browser functions that the pages use besides the DOM: clocks, timers that stop when dropped,
//! storage and the reader's preferences. The server calls nothing in this module.

use js_sys::{Array, Date, Function, Math, Promise, Reflect, Uint8Array};
use leptos::{
    prelude::{document, window},
    task::spawn_local,
};
use wasm_bindgen::{JsCast, JsValue, closure::Closure};
use wasm_bindgen_futures::JsFuture;
use web_sys::{Blob, BlobPropertyBag, HtmlAnchorElement, HtmlElement, Storage, Url};

use crate::{instant, stopped::has_stopped};

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

/// Returns the milliseconds that local time is ahead of UTC at a moment.
pub fn zone_offset_ms(unix_ms: f64) -> f64 {
    -Date::new(&JsValue::from_f64(unix_ms)).get_timezone_offset() * 60_000.0
}

/// Reads a date with a time, or a time of the current day such as `14:05`, in local time unless it has a zone.
pub fn moment(text: &str) -> Option<f64> {
    let is_time_only = text.len() <= 12 && text.contains(':') && !text.contains('-');
    let text = match is_time_only {
        true => {
            let now_ms = unix_ms();
            let local_ms = now_ms + zone_offset_ms(now_ms);
            let time = if text.find(':') == Some(1) {
                format!("0{text}")
            } else {
                text.into()
            };
            format!("{}T{time}", instant::date(local_ms as u64))
        }
        false => text.to_owned(),
    };
    let unix_ms = Date::parse(&text);
    unix_ms.is_finite().then_some(unix_ms)
}

/// Puts a text into the clipboard, and passes the result on. Browsers allow this only on HTTPS and on the own machine.
pub fn copy(text: &str, done: impl FnOnce(bool) + 'static) {
    let Ok(written) = write_to_clipboard(text) else {
        return done(false);
    };
    spawn_local(async move { done(JsFuture::from(written).await.is_ok()) });
}

/// Calls `navigator.clipboard.writeText`, which is missing in other contexts.
fn write_to_clipboard(text: &str) -> Result<Promise, JsValue> {
    let member = |of: &JsValue, name: &str| Reflect::get(of, &name.into());
    let clipboard = member(&member(&window(), "navigator")?, "clipboard")?;
    let write: Function = member(&clipboard, "writeText")?.dyn_into()?;
    write.call1(&clipboard, &text.into())?.dyn_into()
}

/// Moves the keyboard's focus to the element with this `id`, before the next paint, when changes of this moment are drawn.
pub fn focus(id: &str) {
    let id = id.to_owned();
    let call = move || {
        let element = document().get_element_by_id(&id);
        if let Some(element) = element.and_then(|element| element.dyn_into::<HtmlElement>().ok()) {
            // A failure is not reported: the page is readable without the focus.
            let _ = element.focus();
        }
    };
    let call = Closure::once_into_js(call);
    // The call happens once and frees its closure.
    let _ = window().request_animation_frame(call.unchecked_ref());
}

/// Lets the browser save bytes as a file.
pub fn download(name: &str, bytes: &[u8]) -> Result<(), JsValue> {
    let parts = Array::of1(&Uint8Array::from(bytes));
    let blob = Blob::new_with_u8_array_sequence(&parts)?;
    let address = Url::create_object_url_with_blob(&blob)?;
    let link: HtmlAnchorElement = document().create_element("a")?.unchecked_into();
    link.set_href(&address);
    link.set_download(name);
    link.click();
    Url::revoke_object_url(&address)
}

/// Bytes with an address, which the document can draw. Dropping the value ends the address.
pub struct BlobAddress(String);

impl BlobAddress {
    /// Returns `None` if the browser refuses.
    pub fn new(bytes: &[u8], content_type: &str) -> Option<Self> {
        let parts = Array::of1(&Uint8Array::from(bytes));
        let options = BlobPropertyBag::new();
        options.set_type(content_type);
        let blob = Blob::new_with_u8_array_sequence_and_options(&parts, &options).ok()?;
        Url::create_object_url_with_blob(&blob).ok().map(Self)
    }

    pub fn text(&self) -> &str {
        &self.0
    }
}

impl Drop for BlobAddress {
    fn drop(&mut self) {
        // An address that has ended already needs nothing.
        let _ = Url::revoke_object_url(&self.0);
    }
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

/// Returns six random letters and digits.
pub fn random_id() -> String {
    let letter = || LETTERS[(chance() * LETTERS.len() as f64) as usize % LETTERS.len()];
    (0..6).map(|_| char::from(letter())).collect()
}

fn local() -> Option<Storage> {
    window().local_storage().ok().flatten()
}

const PRODUCER: &str = "carillon.producer";
const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
