//! The scrolled element of a long list: its view, measured when it scrolls or changes its size. `window` computes which rows
//! have elements.

use leptos::{html, prelude::*};

use super::resize::on_resize;
use crate::{
    reactive::once_live,
    window::{View, top_px},
};

#[derive(Clone, Copy)]
pub struct Scroller {
    pub element: NodeRef<html::Div>,
    /// The scroll position as the browser gives it: in a list that is anchored at its end it counts from there, and is
    /// negative.
    scrolled: RwSignal<View>,
    anchor: Anchor,
}

/// The end of the list that stays in view when rows are added.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Anchor {
    Start,
    /// The style sheet must give the element `flex-direction: column-reverse`.
    End,
}

impl Scroller {
    pub fn new(anchor: Anchor) -> Self {
        let scroller = Self {
            element: NodeRef::new(),
            scrolled: RwSignal::default(),
            anchor,
        };
        once_live(move || scroller.observe());
        scroller
    }

    /// Returns the view of a list with `count` rows.
    pub fn view(self, count: usize) -> View {
        of_list(self.scrolled.get(), self.anchor, count)
    }

    /// Returns the view without following its changes.
    pub fn view_untracked(self, count: usize) -> View {
        of_list(self.scrolled.get_untracked(), self.anchor, count)
    }

    /// Reads the position from the element. A hidden element keeps the earlier position.
    pub fn measure(self) {
        let Some(element) = self.element.get_untracked() else {
            return;
        };
        let scrolled = View {
            top_px: f64::from(element.scroll_top()),
            height_px: f64::from(element.client_height()),
        };
        if scrolled.height_px > 0.0 && scrolled != self.scrolled.get_untracked() {
            self.scrolled.set(scrolled);
        }
    }

    /// Scrolls a list with `count` rows, and measures at once.
    pub fn scroll_to(self, top_px: f64, count: usize) {
        let Some(element) = self.element.get_untracked() else {
            return;
        };
        let view = self.view_untracked(count);
        let position = match self.anchor {
            Anchor::Start => top_px,
            Anchor::End => (top_px - end_px(view, count)).min(0.0),
        };
        element.set_scroll_top(position as i32);
        self.measure();
    }

    fn observe(self) {
        self.measure();
        if let Some(element) = self.element.get_untracked() {
            on_resize(&element, move || self.measure());
        }
    }
}

fn of_list(scrolled: View, anchor: Anchor, count: usize) -> View {
    match anchor {
        Anchor::Start => scrolled,
        Anchor::End => View {
            top_px: (end_px(scrolled, count) + scrolled.top_px).max(0.0),
            ..scrolled
        },
    }
}

/// Returns the top of the view at the end of the list.
fn end_px(view: View, count: usize) -> f64 {
    (top_px(count) - view.height_px).max(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::window::ROW_PX;

    #[test]
    fn a_list_anchored_at_its_end_counts_from_there() {
        let scrolled = |top_px| View {
            top_px,
            height_px: 10.0 * ROW_PX,
        };
        let top = |top_px, count| of_list(scrolled(top_px), Anchor::End, count).top_px;
        assert_eq!(top(0.0, 100), 90.0 * ROW_PX);
        assert_eq!(top(-5.0 * ROW_PX, 100), 85.0 * ROW_PX);
        assert_eq!(top(0.0, 3), 0.0);
        let from_start = of_list(scrolled(7.0), Anchor::Start, 100);
        assert_eq!(from_start.top_px, 7.0);
    }
}
