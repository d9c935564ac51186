//! The scrolled element of a long list: its view, measured when it scrolls or changes its size. `window` computes which rows
//! have elements.

use leptos::{html, prelude::*};

use super::resize::on_resize;
use crate::{reactive::once_live, window::View};

#[derive(Clone, Copy)]
pub struct Scroller {
    pub element: NodeRef<html::Div>,
    pub view: RwSignal<View>,
}

impl Scroller {
    pub fn new() -> Self {
        let scroller = Self {
            element: NodeRef::new(),
            view: RwSignal::default(),
        };
        once_live(move || scroller.observe());
        scroller
    }

    /// Reads the view from the element. A hidden element keeps the earlier view.
    pub fn measure(self) {
        let Some(element) = self.element.get_untracked() else {
            return;
        };
        let view = View {
            top_px: f64::from(element.scroll_top()),
            height_px: f64::from(element.client_height()),
        };
        if view.height_px > 0.0 && view != self.view.get_untracked() {
            self.view.set(view);
        }
    }

    /// Scrolls, and measures at once.
    pub fn scroll_to(self, top_px: f64) {
        if let Some(element) = self.element.get_untracked() {
            element.set_scroll_top(top_px as i32);
            self.measure();
        }
    }

    fn observe(self) {
        self.measure();
        if let Some(element) = self.element.get_untracked() {
            on_resize(&element, move || self.measure());
        }
    }
}
