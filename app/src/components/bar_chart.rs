//! The chart's place on the page: the server's picture until the canvas has drawn its own, and the
//! values in words.

use leptos::{html, prelude::*};
use wasm_bindgen::{JsCast, closure::Closure};
use web_sys::{MediaQueryList, ResizeObserver};

use crate::{
    browser::Frame,
    chart::{Painter, svg},
    reactive::{hold, once_live, text},
};

#[component]
pub fn BarChart(values: Signal<Vec<f64>>) -> impl IntoView {
    let canvas = NodeRef::<html::Canvas>::new();
    let is_drawn = RwSignal::new(false);
    once_live(move || {
        if let Some(element) = canvas.get_untracked() {
            paint(values, Painter::new(element, values.get_untracked()));
            is_drawn.set(true);
        }
    });
    let (wide, narrow) =
        values.with_untracked(|values| (svg(values, 720, 420), svg(values, 340, 300)));
    view! {
        <figure class=text(move || if is_drawn.get() { "chart drawn" } else { "chart" })>
            <div class="still still-wide" aria-hidden="true" inner_html=wide></div>
            <div class="still still-narrow" aria-hidden="true" inner_html=narrow></div>
            <canvas node_ref=canvas aria-hidden="true"></canvas>
            <figcaption class="visually-hidden">
                <Table values />
            </figcaption>
        </figure>
    }
}

#[component]
fn Table(values: Signal<Vec<f64>>) -> impl IntoView {
    view! {
        <table>
            <caption>"The chart's values"</caption>
            <tbody inner_html=text(move || values.with(|values| rows(values)))></tbody>
        </table>
    }
}

/// The rows of the table as HTML; there are only numbers in it.
fn rows(values: &[f64]) -> String {
    let numbered = values.iter().take(MOST_ROWS).enumerate();
    let row = |(index, value): (usize, &f64)| {
        format!(
            "<tr><th scope=\"row\">a{}</th><td>{value}</td></tr>",
            index + 1
        )
    };
    numbered.map(row).collect()
}

/// Keeps the canvas painted until the owner is gone: new values, another size, another theme.
fn paint(values: Signal<Vec<f64>>, painter: Painter) {
    let painter = StoredValue::new_local(painter);
    let frame = StoredValue::new_local(None);
    repaint(painter, frame);
    Effect::new(move |before: Option<()>| {
        let values = values.get();
        if before.is_some() {
            painter.update_value(|painter| painter.set_out(values));
            repaint(painter, frame);
        }
    });
    on_resize(painter, move || repaint(painter, frame));
    on_theme(move || {
        painter.update_value(Painter::recolour);
        repaint(painter, frame);
    });
}

type Stored<T> = StoredValue<T, LocalStorage>;

/// Paints now, and before each following frame until the picture is at rest.
fn repaint(painter: Stored<Painter>, frame: Stored<Option<Frame>>) {
    let more = painter.try_update_value(Painter::paint).unwrap_or(false);
    let next = more.then(|| Frame::next(move || repaint(painter, frame)));
    frame.try_set_value(next);
}

fn on_resize(painter: Stored<Painter>, call: impl Fn() + 'static) {
    let called = Closure::<dyn FnMut()>::new(call);
    let Ok(observer) = ResizeObserver::new(called.as_ref().unchecked_ref()) else {
        return;
    };
    painter.with_value(|painter| observer.observe(painter.canvas()));
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

fn on_theme(call: impl Fn() + Clone + 'static) {
    let Ok(Some(query)) = window().match_media("(prefers-color-scheme: dark)") else {
        return;
    };
    let called = Closure::<dyn FnMut()>::new(call);
    query.set_onchange(Some(called.as_ref().unchecked_ref()));
    hold(ThemeWatch {
        query,
        _called: called,
    });
}

struct ThemeWatch {
    query: MediaQueryList,
    _called: Closure<dyn FnMut()>,
}

impl Drop for ThemeWatch {
    fn drop(&mut self) {
        self.query.set_onchange(None);
    }
}

/// More values than this nobody listens to.
const MOST_ROWS: usize = 60;
