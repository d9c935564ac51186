//! A list of messages, the newest last. It follows the newest, unless the reader has scrolled up.

use std::{cell::RefCell, rc::Rc, sync::Arc};

use leptos::{html, prelude::*};

use super::message_rows::Rows;
use crate::{
    browser::{self, Timeout},
    line::Line,
    reactive::{effect, once_live, shown},
};

/// The lines there are; their keys ascend without a gap.
pub type Lines = Arc<dyn Fn() -> Vec<Arc<Line>> + Send + Sync>;

#[component]
pub fn MessageList(
    lines: Lines,
    label: &'static str,
    /// Said while there are no lines.
    none: &'static str,
) -> impl IntoView {
    let scroller = NodeRef::<html::Div>::new();
    let list = NodeRef::<html::Ol>::new();
    // The list grows upwards from its lower edge (`flex-direction: column-reverse`), so the browser
    // itself keeps the newest line in view, and the reader's place when it is elsewhere: the
    // distance from the newest is `-scrollTop`.
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
        if let Some(rows) = list.get_untracked().and_then(|list| Rows::new(&list)) {
            draw(Drawing::new(rows), lines.clone(), is_following);
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
            "Jump to newest"
        </button>
    }
}

/// Keeps the list drawn until the owner is gone.
fn draw(drawing: Drawing, lines: Lines, is_following: RwSignal<bool>) {
    let drawing = Rc::new(RefCell::new(drawing));
    let calm_since_ms = RwSignal::new(0.0);
    effect(move |_| {
        calm_since_ms.track();
        let (lines, is_following) = (lines(), is_following.get());
        let flooded = drawing.clone();
        let drawing = &mut *drawing.borrow_mut();
        if drawing.is_flooded_by(&lines) {
            let calm = move || {
                flooded.borrow_mut().flood = None;
                calm_since_ms.try_set(browser::now_ms());
            };
            drawing.flood = Some(Timeout::after(CALM_MS, calm));
        }
        drawing.show(&lines, is_following);
    });
}

/// The list as it is drawn now.
struct Drawing {
    rows: Rows,
    newest: Option<u64>,
    /// While there is more than anybody could read, until it has been calm for a while.
    flood: Option<Timeout>,
    /// What the reader has scrolled to in a flood.
    held: Option<Vec<Arc<Line>>>,
}

impl Drawing {
    fn new(rows: Rows) -> Self {
        Self {
            rows,
            newest: None,
            flood: None,
            held: None,
        }
    }

    /// Whether these are more new lines at once than are to be read one by one.
    fn is_flooded_by(&mut self, lines: &[Arc<Line>]) -> bool {
        let newest = lines.last().map(|line| line.key);
        let before = std::mem::replace(&mut self.newest, newest);
        let (Some(newest), Some(before)) = (newest, before) else {
            return false;
        };
        newest.saturating_sub(before) > MOST_READABLE
    }

    /// All lines, except in a flood: then those in view are enough for who follows, and who has
    /// scrolled up keeps what there is to read.
    fn show(&mut self, lines: &[Arc<Line>], is_following: bool) {
        if self.flood.is_none() {
            self.held = None;
            self.rows.show(lines);
        } else if is_following {
            self.held = None;
            self.rows
                .show(&lines[lines.len().saturating_sub(IN_VIEW)..]);
        } else {
            let held = self.held.get_or_insert_with(|| lines.to_vec());
            self.rows.show(held);
        }
    }
}

/// Nearer to the newest line than this is at it, in pixels.
const FOLLOWS_WITHIN: i32 = 24;
/// Lines in a frame.
const MOST_READABLE: u64 = 8;
/// At least as many lines as the list has room for.
const IN_VIEW: usize = 40;
const CALM_MS: u32 = 300;
