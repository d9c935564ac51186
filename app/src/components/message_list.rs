//! A list of messages, the newest last. The list follows the newest message unless the reader has
//! scrolled up.

use std::{cell::RefCell, rc::Rc, sync::Arc};

use leptos::{html, prelude::*};

use super::message_rows::List;
use crate::{
    browser::{self, Appointment},
    flood::{Flood, Reader},
    line::Line,
    reactive::{effect, once_live, shown},
    rows::Rows,
    texts,
};

/// Returns the current lines; their keys ascend without gaps.
pub type Lines = Arc<dyn Fn() -> Vec<Arc<Line>> + Send + Sync>;

#[component]
pub fn MessageList(
    lines: Lines,
    label: &'static str,
    /// The text shown while the list is empty.
    none: &'static str,
) -> impl IntoView {
    let scroller = NodeRef::<html::Div>::new();
    let list = NodeRef::<html::Ol>::new();
    // `flex-direction: column-reverse` anchors the list at its lower edge. So the browser itself
    // keeps the newest line in view, or the reader's position if the reader has scrolled up; the
    // distance from the newest line is `-scrollTop`.
    let is_following = RwSignal::new(true);
    let scrolled = move |_| {
        if let Some(scroller) = scroller.get_untracked() {
            is_following.set(scroller.scroll_top() > -FOLLOWS_WITHIN);
        }
    };
    let jump = move |_| {
        if let Some(scroller) = scroller.get_untracked() {
            scroller.set_scroll_top(0);
        }
    };
    let is_empty = {
        let lines = lines.clone();
        move || lines().is_empty()
    };
    once_live(move || {
        if let Some(list) = list.get_untracked().and_then(|list| List::new(&list)) {
            draw(list, lines.clone(), is_following);
        }
    });
    view! {
        <div
            class="scroller"
            node_ref=scroller
            on:scroll=scrolled
            role="log"
            aria-live="off"
            aria-label=label
            tabindex="0"
        >
            <ol node_ref=list></ol>
            <p class="none" style:display=shown(is_empty)>
                {none}
            </p>
        </div>
        <button type="button" class="jump" style:display=shown(move || !is_following.get()) on:click=jump>
            {texts::list::JUMP.get()}
        </button>
    }
}

/// Redraws the list until the owner is dropped.
fn draw(list: List, lines: Lines, is_following: RwSignal<bool>) {
    let drawing = Rc::new(RefCell::new(Drawing::new(list)));
    let calm_since_ms = RwSignal::new(0.0);
    effect(move |_| {
        calm_since_ms.track();
        let (lines, is_following) = (lines(), is_following.get());
        let flooded = drawing.clone();
        let drawing = &mut *drawing.borrow_mut();
        if drawing.flood.note(&lines) {
            let calm = move || {
                flooded.borrow_mut().calm();
                calm_since_ms.try_set(browser::now_ms());
            };
            drawing.until_calm = Some(Appointment::after(CALM_MS, calm));
        }
        let reader = match is_following {
            true => Reader::Following,
            false => Reader::ScrolledUp,
        };
        drawing.rows.show(drawing.flood.drawn(&lines, reader));
    });
}

/// The drawn list.
struct Drawing {
    rows: Rows<List>,
    flood: Flood,
    until_calm: Option<Appointment>,
}

impl Drawing {
    fn new(list: List) -> Self {
        Self {
            rows: Rows::new(list),
            flood: Flood::default(),
            until_calm: None,
        }
    }

    /// The timeout holds a reference to the drawing, so it is dropped here too.
    fn calm(&mut self) {
        self.flood.calm();
        self.until_calm = None;
    }
}

/// A reader within this distance of the newest line, in pixels, follows the list.
const FOLLOWS_WITHIN: i32 = 24;
/// A flood ends after this time without more lines than a reader can read.
const CALM_MS: u32 = 300;
