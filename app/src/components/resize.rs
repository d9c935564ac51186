//! Calls after changes of an element's size.

use wasm_bindgen::{JsCast, closure::Closure};
use web_sys::{Element, ResizeObserver};

use crate::reactive::hold;

/// Calls `call` after each change of the element's size, until the current owner is dropped.
pub fn on_resize(element: &Element, call: impl Fn() + 'static) {
    let called = Closure::<dyn FnMut()>::new(call);
    let Ok(observer) = ResizeObserver::new(called.as_ref().unchecked_ref()) else {
        return;
    };
    observer.observe(element);
    hold(Observation {
        observer,
        _called: called,
    });
}

struct Observation {
    observer: ResizeObserver,
    _called: Closure<dyn FnMut()>,
}

impl Drop for Observation {
    fn drop(&mut self) {
        self.observer.disconnect();
    }
}
