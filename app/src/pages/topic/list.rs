//! The list of a topic's messages. Only the rows near the view have elements.

use std::ops::Range;

use leptos::prelude::*;
use wasm_bindgen::JsCast;
use web_sys::{Element, KeyboardEvent, MouseEvent};

use crate::{
    browser::Appointment,
    components::{Anchor, Scroller},
    figures::grouped,
    reactive::{GuardSlot, effect, plain_text, shown, text},
    texts,
    topic::{Line, Log, Tail},
    window::top_px,
    zone::Zone,
};

#[component]
pub fn List(log: Log, zone: RwSignal<Zone>) -> impl IntoView {
    let scroller = Scroller::new(Anchor::End);
    let reader = Reader {
        log,
        scroller,
        settled: StoredValue::new(0),
    };
    let count = move || log.tail.with(Tail::len);
    let range = move || scroller.view(count()).rows(count());
    let rows = move || {
        let (range, zone) = (range(), zone.get());
        let selected = log
            .selected
            .with(|selected| selected.as_ref().map(|entry| entry.id.clone()));
        log.tail.with(|tail| {
            let rows = texts(tail, range, zone, selected.as_deref()).into_iter();
            rows.map(draw).collect_view()
        })
    };
    let described = move || {
        let id = log
            .selected
            .with(|selected| selected.as_ref().map(|entry| entry.id.clone()))?;
        let index = log.tail.with(|tail| tail.index_of(&id))?;
        range().contains(&index).then(|| element_id(&id))
    };
    effect(move |_| reader.load_more());
    let pending = GuardSlot::new();
    // Begins a list of the past at its start, and another one at its end.
    effect(move |before| {
        log.begun.track();
        let is_past = log
            .tail
            .with_untracked(|tail| tail.is_paused() || tail.is_detached());
        let top_px = if is_past { 0.0 } else { f64::from(i32::MAX) };
        if before.is_some() || is_past {
            // After the rows have been drawn.
            let scroll = move || {
                scroller.scroll_to(top_px, untrack(count));
                reader.settled.set_value(log.begun.get_untracked());
                untrack(|| reader.load_more());
            };
            pending.set(Appointment::next_frame(scroll));
        }
    });
    // The list is anchored at its end, so rows that are added there would move a reader of the past.
    let listed = StoredValue::new((0, None));
    let kept = GuardSlot::new();
    effect(move |_| {
        let (now, is_paused) = log
            .tail
            .with(|tail| ((tail.len(), tail.first_sequence()), tail.is_paused()));
        let before = listed.get_value();
        listed.set_value(now);
        if is_paused && reader.is_settled() && before.1 == now.1 && before.0 != now.0 {
            let top_px = scroller.view_untracked(before.0).top_px;
            let scroll = move || scroller.scroll_to(top_px, untrack(count));
            kept.set(Appointment::next_frame(scroll));
        }
    });
    view! {
        <div
            class="message-list"
            role="listbox"
            aria-label=texts::list::NEWEST_LAST.get()
            aria-activedescendant=described
            tabindex="0"
            node_ref=scroller.element
            on:scroll=move |_| reader.scrolled()
            on:click=move |click| reader.clicked(&click)
            on:keydown=move |event| reader.pressed(&event)
        >
            <div
                class="grid-space"
                style:height=text(move || format!("{}px", top_px(count())))
            >
                <div
                    class="grid-rows"
                    style:transform=text(move || format!("translateY({}px)", top_px(range().start)))
                >
                    {rows}
                </div>
            </div>
        </div>
        <p class="none" style:display=shown(move || log.tail.with(Tail::is_empty))>
            {texts::topic::NO_MESSAGES.get()}
        </p>
    }
}

/// A row as text.
struct RowText {
    id: String,
    index: usize,
    is_selected: bool,
    is_gap: bool,
    time: String,
    sequence: String,
    producer: String,
    body: String,
}

fn texts(tail: &Tail, range: Range<usize>, zone: Zone, selected: Option<&str>) -> Vec<RowText> {
    let row = |index| Some(row(index, tail.line(index)?, zone, selected));
    range.filter_map(row).collect()
}

fn row(index: usize, line: &Line, zone: Zone, selected: Option<&str>) -> RowText {
    match line {
        Line::Entry(entry) => RowText {
            id: element_id(&entry.id),
            index,
            is_selected: selected == Some(&entry.id),
            is_gap: false,
            time: zone.time_of_day(entry.timestamp_ms),
            sequence: entry.sequence.to_string(),
            producer: entry.producer.clone(),
            body: entry.preview(),
        },
        Line::Gap(count) => RowText {
            id: format!("gap-{index}"),
            index,
            is_selected: false,
            is_gap: true,
            time: String::new(),
            sequence: String::new(),
            producer: String::new(),
            body: texts::topic::GAP.with(&[&grouped(*count)]),
        },
    }
}

fn draw(row: RowText) -> impl IntoView {
    view! {
        <div
            role="option"
            class=if row.is_gap { "message-row gap-row" } else { "message-row" }
            id=row.id
            data-row=row.index.to_string()
            aria-selected=if row.is_selected { "true" } else { "false" }
            translate="no"
        >
            <time>{plain_text(row.time)}</time>
            <span class="number">{plain_text(row.sequence)}</span>
            <b>{plain_text(row.producer)}</b>
            <code>{plain_text(row.body)}</code>
        </div>
    }
}

fn element_id(id: &str) -> String {
    format!("message-{id}")
}

/// The reader's mouse and keys.
#[derive(Clone, Copy)]
struct Reader {
    log: Log,
    scroller: Scroller,
    /// The beginning of the list (`Log::begun`) to which the view was scrolled.
    settled: StoredValue<u64>,
}

impl Reader {
    /// Returns true if the view is where the list begins anew, or where the reader has scrolled since.
    fn is_settled(self) -> bool {
        self.settled.get_value() == self.log.begun.get_untracked()
    }

    /// A reader who scrolls up reads; the list stays as it is until the reader is back at its end.
    fn scrolled(self) {
        self.scroller.measure();
        let count = self.log.tail.with_untracked(Tail::len);
        let is_at_end = self.scroller.view_untracked(count).is_at_end(count);
        let is_paused = self.log.tail.with_untracked(Tail::is_paused);
        if !is_at_end {
            self.log.pause();
        } else if is_paused && !self.log.is_held.get_untracked() {
            self.log.follow();
        }
    }

    /// Loads earlier messages near the start of the list, and later ones near the end of a list of the past.
    fn load_more(self) {
        let count = self.log.tail.with(Tail::len);
        let rows = self.scroller.view(count).rows(count);
        if self.log.tail.with(Tail::is_paused) && !self.is_settled() {
            return;
        }
        if rows.start == 0 {
            self.log.load_older();
        }
        let is_held_back = self
            .log
            .tail
            .with(|tail| tail.is_paused() && tail.is_detached());
        if rows.end == count && is_held_back {
            self.log.load_newer();
        }
    }

    fn clicked(self, click: &MouseEvent) {
        let target = click
            .target()
            .and_then(|target| target.dyn_into::<Element>().ok());
        let row = target.and_then(|target| target.closest("[data-row]").ok().flatten());
        let index = row.and_then(|row| row.get_attribute("data-row")?.parse().ok());
        if let Some(index) = index {
            self.select(index);
        }
    }

    fn pressed(self, event: &KeyboardEvent) {
        if event.ctrl_key() || event.meta_key() || event.alt_key() {
            return;
        }
        let selected = self.log.selected.get_untracked();
        let (at, count) = self.log.tail.with_untracked(|tail| {
            let at = selected.and_then(|entry| tail.index_of(&entry.id));
            (at, tail.len())
        });
        let Some(last) = count.checked_sub(1) else {
            return;
        };
        let page = self.scroller.view_untracked(count).page();
        let target = match (&*event.key(), at) {
            ("Home", _) => 0,
            ("End", _) => last,
            ("ArrowDown" | "ArrowUp" | "PageDown" | "PageUp", None) => last,
            ("ArrowDown", Some(at)) => at + 1,
            ("ArrowUp", Some(at)) => at.saturating_sub(1),
            ("PageDown", Some(at)) => at + page,
            ("PageUp", Some(at)) => at.saturating_sub(page),
            ("Escape", Some(_)) => return self.log.select(None),
            _ => return,
        };
        event.prevent_default();
        self.select(target.min(last));
    }

    /// Opens the message of a row. The list pauses, so that the message stays in view.
    fn select(self, index: usize) {
        let line = self
            .log
            .tail
            .with_untracked(|tail| tail.line(index).cloned());
        if let Some(Line::Entry(entry)) = line {
            self.log.is_held.set(true);
            self.log.pause();
            self.log.select(Some(entry));
        }
        let count = self.log.tail.with_untracked(Tail::len);
        let view = self.scroller.view_untracked(count);
        if let Some(top_px) = view.top_to_show(index, 0.0) {
            self.scroller.scroll_to(top_px, count);
        }
    }
}
