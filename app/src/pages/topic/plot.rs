//! The plot of numeric fields over time, and the table of the same values.

use std::collections::BTreeSet;

use leptos::prelude::*;

use crate::{
    browser::Appointment,
    figures::grouped,
    number,
    reactive::{effect, hold, live_text, plain_text, shown},
    texts,
    topic::{
        Line, Log, Tail,
        series::{self, HEIGHT, Picture, Point, Series, WIDTH},
    },
    zone::Zone,
};

#[component]
pub fn Plot(log: Log, zone: RwSignal<Zone>, is_open: RwSignal<bool>) -> impl IntoView {
    let offered = RwSignal::new(Vec::<String>::new());
    let chosen = RwSignal::new(BTreeSet::<String>::new());
    let drawn = RwSignal::new(Vec::<Series>::new());
    let draw = move || {
        let names: Vec<_> = chosen.with_untracked(|chosen| chosen.iter().cloned().collect());
        log.tail.with_untracked(|tail| {
            let fields = series::fields(entries(tail));
            if offered.with_untracked(|before| *before != fields) {
                offered.set(fields);
            }
            let all = series::series(entries(tail), &names);
            if drawn.with_untracked(|before| *before != all) {
                drawn.set(all);
            }
        });
    };
    // Once a second, however many messages arrive.
    effect(move |_| {
        chosen.track();
        if is_open.get() {
            draw();
            hold(Appointment::every(1_000, draw));
        }
    });
    let boxes = move || {
        let offered = offered.get().into_iter();
        offered.map(|field| choice(field, chosen)).collect_view()
    };
    let paths = move || {
        let picture = drawn.with(|all| series::picture(all)).unwrap_or_default();
        let paths = picture.paths.into_iter().enumerate();
        paths
            .map(|(index, path)| view! { <path d=path class=format!("series series-{}", index % COLOURS) /> })
            .collect_view()
    };
    let legend = move || drawn.with(|all| all.iter().enumerate().map(legend).collect_view());
    let scale = live_text(move || {
        let picture = drawn.with(|all| series::picture(all));
        picture
            .map(|picture| scale(&picture, zone.get()))
            .unwrap_or_default()
    });
    let rows = move || {
        let zone = zone.get();
        let rows = drawn.with(|all| table(all));
        rows.into_iter()
            .map(|row| draw_row(row, zone))
            .collect_view()
    };
    let has_fields = move || offered.with(|offered| !offered.is_empty());
    let has_values = move || drawn.with(|all| all.iter().any(|series| !series.points.is_empty()));
    view! {
        <p class="hint" style:display=shown(move || !has_fields())>
            {texts::topic::NO_NUMBERS.get()}
        </p>
        <fieldset class="plot-fields" style:display=shown(has_fields)>
            <legend>{texts::topic::FIELDS.get()}</legend>
            {boxes}
        </fieldset>
        <figure class="plot" style:display=shown(has_values)>
            <svg
                viewBox=format!("0 0 {WIDTH} {HEIGHT}")
                preserveAspectRatio="none"
                role="img"
                aria-label=texts::topic::PLOT_LABEL.get()
            >
                {paths}
            </svg>
            <figcaption>
                <p class="hint">{scale}</p>
                <ul class="legend" translate="no">
                    {legend}
                </ul>
            </figcaption>
        </figure>
        <div
            class="plot-table"
            tabindex="0"
            role="group"
            aria-label=texts::topic::VALUES.get()
            style:display=shown(has_values)
        >
            <table>
                <thead>
                    <tr>
                        <th scope="col">{texts::topic::TIME_COLUMN.get()}</th>
                        <th scope="col">{texts::topic::NUMBER.get()}</th>
                        <th scope="col">{texts::topic::FIELD.get()}</th>
                        <th scope="col">{texts::topic::VALUE.get()}</th>
                    </tr>
                </thead>
                <tbody translate="no">{rows}</tbody>
            </table>
        </div>
    }
}

fn entries(tail: &Tail) -> impl DoubleEndedIterator<Item = &std::sync::Arc<crate::topic::Entry>> {
    tail.lines().filter_map(Line::entry)
}

fn choice(field: String, chosen: RwSignal<BTreeSet<String>>) -> impl IntoView {
    let name = field.clone();
    let own = field.clone();
    let is_chosen = move || chosen.with(|chosen| chosen.contains(&own));
    let turn = move |_| {
        chosen.update(|chosen| {
            if !chosen.remove(&field) {
                chosen.insert(field.clone());
            }
        });
    };
    view! {
        <label class="check" translate="no">
            <input type="checkbox" prop:checked=is_chosen on:change=turn />
            {plain_text(name)}
        </label>
    }
}

fn legend((index, series): (usize, &Series)) -> impl IntoView + use<> {
    let newest = series
        .points
        .last()
        .map(|point| point.text.clone())
        .unwrap_or_default();
    view! {
        <li class=format!("key-{}", index % COLOURS)>
            {plain_text(format!("{}: {newest}", series.field))}
        </li>
    }
}

/// Returns a sentence with the ends of both axes.
fn scale(picture: &Picture, zone: Zone) -> String {
    texts::topic::SCALE.with(&[
        &number::plain(picture.low),
        &number::plain(picture.high),
        &zone.time_of_day(picture.from_ms),
        &zone.time_of_day(picture.to_ms),
    ])
}

/// Returns the newest values, newest first, each with its field.
fn table(all: &[Series]) -> Vec<(String, Point)> {
    let values = |series: &Series| {
        let newest = series.points.iter().rev().take(MOST_ROWS);
        let field = series.field.clone();
        newest
            .map(move |point| (field.clone(), point.clone()))
            .collect::<Vec<_>>()
    };
    let mut rows: Vec<_> = all.iter().flat_map(values).collect();
    rows.sort_by_key(|(_, point)| std::cmp::Reverse(point.sequence));
    rows.truncate(MOST_ROWS);
    rows
}

fn draw_row((field, point): (String, Point), zone: Zone) -> impl IntoView {
    view! {
        <tr>
            <td>{plain_text(zone.time_of_day(point.unix_ms))}</td>
            <td>{plain_text(grouped(point.sequence))}</td>
            <td>{plain_text(field)}</td>
            <td>{plain_text(point.text)}</td>
        </tr>
    }
}

const COLOURS: usize = 4;
const MOST_ROWS: usize = 200;
