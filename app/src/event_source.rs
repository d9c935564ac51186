//! Server-sent events of the page's server. Dropping the value closes the stream.

use wasm_bindgen::{JsCast, closure::Closure};
use web_sys::{Event, EventSource, MessageEvent};

use crate::stopped::has_stopped;

/// A stream of events. The browser connects again if the connection is lost.
pub struct Events {
    source: EventSource,
    _on_event: Closure<dyn FnMut(MessageEvent)>,
    _on_error: Closure<dyn FnMut(Event)>,
}

impl Events {
    /// Starts to read the events with these names at an address, up to the `last` one. `None` if the browser refuses it.
    /// `on_refused` is called if the server refuses the request.
    pub fn open(
        address: &str,
        names: &[&str],
        last: &'static str,
        on_event: impl Fn(&str, &str) + 'static,
        on_refused: impl Fn() + 'static,
    ) -> Option<Self> {
        let source = EventSource::new(address).ok()?;
        let ending = source.clone();
        let on_event = Closure::<dyn FnMut(MessageEvent)>::new(move |event: MessageEvent| {
            if event.type_() == last {
                // Otherwise the browser would connect again.
                ending.close();
            }
            if let Some(data) = event.data().as_string().filter(|_| !has_stopped()) {
                on_event(&event.type_(), &data);
            }
        });
        for name in names {
            // The only error is a listener that is no function.
            let _ =
                source.add_event_listener_with_callback(name, on_event.as_ref().unchecked_ref());
        }
        let closed = source.clone();
        let on_error = Closure::<dyn FnMut(Event)>::new(move |_| {
            if closed.ready_state() == EventSource::CLOSED && !has_stopped() {
                on_refused();
            }
        });
        source.set_onerror(Some(on_error.as_ref().unchecked_ref()));
        Some(Self {
            source,
            _on_event: on_event,
            _on_error: on_error,
        })
    }
}

impl Drop for Events {
    fn drop(&mut self) {
        self.source.set_onerror(None);
        self.source.close();
    }
}
