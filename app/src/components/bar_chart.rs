//! The chart on the page: the server's SVG until the canvas has been drawn, and the values as a table.

use std::{
    cell::RefCell,
    rc::{Rc, Weak},
};

use leptos::{html, prelude::*};

use super::resize::on_resize;
use crate::{
    browser::Appointment,
    chart::{Painter, svg},
    feed::{Feed, Source},
    number,
    reactive::{effect, live_text, once_live, text},
    texts,
};

#[component]
pub fn BarChart(feed: RwSignal<Feed>) -> impl IntoView {
    let canvas = NodeRef::<html::Canvas>::new();
    let is_drawn = RwSignal::new(false);
    once_live(move || {
        if let Some(element) = canvas.get_untracked() {
            let (values, source) = feed.with_untracked(drawn);
            paint(feed, Easel::new(Painter::new(element, values, source)));
            is_drawn.set(true);
        }
    });
    let (values, source) = feed.with_untracked(drawn);
    let still = |width, height| svg(&values, source, width, height);
    let (wide, narrow) = (still(720, 420), still(340, 300));
    view! {
        <figure class=text(move || if is_drawn.get() { "chart drawn" } else { "chart" })>
            <div class="still still-wide" aria-hidden="true" inner_html=wide></div>
            <div class="still still-narrow" aria-hidden="true" inner_html=narrow></div>
            <canvas node_ref=canvas aria-hidden="true"></canvas>
            <figcaption class="visually-hidden">
                <Table feed />
            </figcaption>
        </figure>
    }
}

/// The table of values, for screen readers. It changes less often than the chart, because a screen reader cannot read
/// sixty versions a second.
#[component]
fn Table(feed: RwSignal<Feed>) -> impl IntoView {
    let newest = move || rows(&feed.with_untracked(Feed::bars));
    let listed = RwSignal::new(newest());
    let due = Rc::new(RefCell::new(None));
    effect(move |before| {
        feed.track();
        if before.is_none() || due.borrow().is_some() {
            return;
        }
        let settled = due.clone();
        let list = move || {
            settled.replace(None);
            listed.try_set(newest());
        };
        due.replace(Some(Appointment::after(LISTED_MS, list)));
    });
    view! {
        <table>
            <caption>{live_text(move || feed.with(caption))}</caption>
            <tbody translate="no" inner_html=text(move || listed.get())></tbody>
        </table>
    }
}

fn drawn(feed: &Feed) -> (Vec<f64>, Source) {
    (feed.bars(), feed.source())
}

fn caption(feed: &Feed) -> &'static str {
    match feed.source() {
        Source::Example => texts::demo::EXAMPLE_VALUES.get(),
        Source::Message => texts::demo::VALUES.get(),
    }
}

/// Returns the rows of the table as HTML. They contain only numbers, so nothing is escaped.
fn rows(values: &[f64]) -> String {
    let numbered = values.iter().take(MOST_ROWS).enumerate();
    let row = |(index, value): (usize, &f64)| {
        format!(
            "<tr><th scope=\"row\">a{}</th><td>{}</td></tr>",
            index + 1,
            number::plain(*value)
        )
    };
    numbered.map(row).collect()
}

/// Repaints the canvas after new values, a new size or a new theme, until the owner is dropped.
fn paint(feed: RwSignal<Feed>, easel: Rc<Easel>) {
    easel.repaint();
    let changed = easel.clone();
    effect(move |before| {
        let (values, source) = feed.with(drawn);
        if before.is_some() {
            changed.painter.borrow_mut().set_out(values, source);
            // During an animation the next frame is already scheduled.
            if changed.frame.borrow().is_none() {
                changed.repaint();
            }
        }
    });
    let themed = easel.clone();
    on_theme(move || {
        themed.painter.borrow_mut().recolour();
        themed.repaint();
    });
    let canvas = easel.painter.borrow().canvas().clone();
    on_resize(&canvas, move || {
        easel.painter.borrow_mut().fit();
        easel.repaint();
    });
}

/// The painter and its next scheduled frame.
struct Easel {
    me: Weak<Self>,
    painter: RefCell<Painter>,
    frame: RefCell<Option<Appointment>>,
}

impl Easel {
    fn new(painter: Painter) -> Rc<Self> {
        Rc::new_cyclic(|me| Self {
            me: me.clone(),
            painter: RefCell::new(painter),
            frame: RefCell::default(),
        })
    }

    /// Paints now, and before each following frame until the animation is complete. A hidden page continues when it is
    /// visible again.
    fn repaint(&self) {
        let more = document().hidden() || self.painter.borrow_mut().paint();
        let next = more.then(|| {
            let me = self.me.clone();
            Appointment::next_frame(move || {
                if let Some(easel) = me.upgrade() {
                    easel.repaint();
                }
            })
        });
        self.frame.replace(next);
    }
}

/// Calls after each change of the theme, by the reader or by the system: the document's script reports both (see `shell`).
fn on_theme(call: impl Fn() + 'static) {
    let listener = window_event_listener_untyped("themechange", move |_| call());
    on_cleanup(move || listener.remove());
}

const LISTED_MS: u32 = 250;
/// Maximum number of values in the table; screen readers would take too long for more.
const MOST_ROWS: usize = 60;
