//! What the tiles show, for each kind.

use leptos::prelude::*;

use super::tile::seconds;
use crate::{
    angle,
    boards::{HEIGHT, Kind, Line, Mark, Row, Shown, State, Tile, WIDTH, rounded, unfolded},
    figures::grouped,
    number,
    reactive::{live_text, plain_text, shown, text},
    texts::boards as texts,
    zone::Zone,
};

/// Draws the values of a tile that does not publish.
pub fn picture(tile: &Tile, state: RwSignal<State>, zone: RwSignal<Zone>) -> AnyView {
    match tile.kind {
        Kind::Number => number_view(tile, state).into_any(),
        Kind::Gauge => gauge(tile, state).into_any(),
        Kind::Line => line(tile, state).into_any(),
        Kind::Bars => bars(tile, state).into_any(),
        Kind::Shape => shape(state).into_any(),
        Kind::Plane => plane(tile, state).into_any(),
        Kind::Text => words(state).into_any(),
        Kind::Table => table(tile, state, zone).into_any(),
        Kind::Last => last(state, zone).into_any(),
        Kind::Lights => lights(state).into_any(),
        Kind::Log => log(tile, state, zone).into_any(),
        Kind::Button | Kind::Slider | Kind::Switch => ().into_any(),
    }
}

fn number_of(state: RwSignal<State>) -> Option<f64> {
    state.with(|state| match &state.shown {
        Shown::Number(value) => Some(*value),
        Shown::Line(spans) => spans.newest(),
        _ => None,
    })
}

/// Draws a number with its unit; a sentence while there is none.
fn value(tile: &Tile, state: RwSignal<State>) -> impl IntoView + use<> {
    let unit = tile.unit.clone();
    let number = live_text(move || match number_of(state) {
        Some(value) => rounded(value),
        None => texts::NO_VALUE.get().into(),
    });
    let class = text(move || match number_of(state) {
        Some(_) => "value",
        None => "value none-yet",
    });
    view! {
        <p class=class>
            {number}
            <small translate="no">{plain_text(unit)}</small>
        </p>
    }
}

fn number_view(tile: &Tile, state: RwSignal<State>) -> impl IntoView + use<> {
    view! { <div class="big">{value(tile, state)}</div> }
}

fn gauge(tile: &Tile, state: RwSignal<State>) -> impl IntoView + use<> {
    let (min, max) = (tile.min.unwrap_or(0.0), tile.max.unwrap_or(100.0));
    let part = move || {
        let value = number_of(state).unwrap_or(min);
        ((value - min) / (max - min)).clamp(0.0, 1.0) * 100.0
    };
    let dashes = text(move || format!("{} 100", number::fixed(part(), 2)));
    view! {
        <div class="gauge">
            <svg viewBox="0 0 120 64" aria-hidden="true">
                <path class="gauge-track" d="M10 60A50 50 0 0 1 110 60" />
                <path
                    class="gauge-value"
                    d="M10 60A50 50 0 0 1 110 60"
                    pathLength="100"
                    stroke-dasharray=dashes
                />
            </svg>
            {value(tile, state)}
            <p class="ends" translate="no">
                <span>{plain_text(rounded(min))}</span>
                <span>{plain_text(rounded(max))}</span>
            </p>
        </div>
    }
}

fn line(tile: &Tile, state: RwSignal<State>) -> impl IntoView + use<> {
    let (min, max) = (tile.min, tile.max);
    // One computation for the path and for the ends.
    let drawn = Memo::new(move |_| {
        state.with(|state| match &state.shown {
            Shown::Line(spans) => spans.path(min, max),
            _ => None,
        })
    });
    let path = text(move || {
        drawn.with(|drawn| {
            drawn
                .as_ref()
                .map(|one| one.path.clone())
                .unwrap_or_default()
        })
    });
    let ends = live_text(move || {
        drawn.with(|drawn| match drawn {
            Some(one) => texts::FROM_TO.with(&[&rounded(one.low), &rounded(one.high)]),
            None => String::new(),
        })
    });
    view! {
        <div class="line-tile">
            {value(tile, state)}
            <svg
                viewBox=format!("0 0 {WIDTH} {HEIGHT}")
                preserveAspectRatio="none"
                role="img"
                aria-label=texts::LINE_OF.with(&[tile.name()])
            >
                <path class="series series-0" d=path />
            </svg>
            <p class="ends">{ends}</p>
        </div>
    }
}

/// The bars lie, so that their names have room, and are a table, so that a screen reader reads the same values.
fn bars(tile: &Tile, state: RwSignal<State>) -> impl IntoView + use<> {
    let (min, max) = (tile.min, tile.max);
    let unit = tile.unit.clone();
    let rows = move || {
        let rows = rows_of(state);
        let values = || rows.iter().map(|row| row.value);
        let low = min.unwrap_or_else(|| values().fold(0.0, f64::min));
        let high = max.unwrap_or_else(|| values().fold(0.0, f64::max));
        let part = move |value: f64| match high > low {
            true => ((value - low) / (high - low)).clamp(0.0, 1.0) * 100.0,
            false => 0.0,
        };
        let zero = part(0.0);
        let bar = |row: &Row| {
            let end = part(row.value);
            let (from, to) = if end < zero { (end, zero) } else { (zero, end) };
            let style = format!(
                "left:{}%;width:{}%",
                number::fixed(from, 2),
                number::fixed(to - from, 2)
            );
            view! {
                <tr>
                    <th scope="row">{plain_text(row.name.clone())}</th>
                    <td class="bar-cell">
                        <span class="bar" style=style></span>
                    </td>
                    <td class="end">{plain_text(format!("{}{unit}", rounded(row.value)))}</td>
                </tr>
            }
        };
        rows.iter().map(bar).collect_view()
    };
    view! {
        <div class="scrolls" tabindex="0" role="group" aria-label=tile.name().to_owned()>
            <table class="bars" translate="no">
                <tbody>{rows}</tbody>
            </table>
        </div>
        {nothing(state)}
    }
}

fn rows_of(state: RwSignal<State>) -> Vec<Row> {
    state.with(|state| match &state.shown {
        Shown::Bars(rows) | Shown::Table(rows) | Shown::Lights(rows) => rows.clone(),
        _ => Vec::new(),
    })
}

/// The sentence that there is no value yet.
fn nothing(state: RwSignal<State>) -> impl IntoView {
    let is_nothing = move || state.with(|state| state.shown == Shown::Nothing);
    view! {
        <p class="none-yet" style:display=shown(is_nothing)>
            {texts::NO_VALUE.get()}
        </p>
    }
}

fn shape(state: RwSignal<State>) -> impl IntoView {
    let drawn = StoredValue::new(0.0);
    let rotation = text(move || {
        let rotation = angle::turned(drawn.get_value(), number_of(state).unwrap_or(0.0));
        drawn.set_value(rotation);
        format!("rotate({}deg)", number::plain(rotation))
    });
    let words = live_text(move || match number_of(state) {
        Some(degrees) => format!("{}°", angle::text(degrees)),
        None => texts::NO_VALUE.get().into(),
    });
    view! {
        <div class="shape">
            <svg viewBox="-100 -100 200 200" aria-hidden="true">
                <circle class="dial-ring" r="94" />
                <g class="turning" style:transform=rotation>
                    <rect x="-50" y="-50" width="100" height="100" rx="6" />
                    <path d="M0 -50V-30" />
                </g>
            </svg>
            <p class="value" translate="no">
                <span class="visually-hidden">{texts::ANGLE.get()} ": "</span>
                {words}
            </p>
        </div>
    }
}

/// The points of the producers. Without bounds each axis has the range of the points.
fn plane(tile: &Tile, state: RwSignal<State>) -> impl IntoView + use<> {
    let (min, max) = (tile.min, tile.max);
    let marks = move || {
        state.with(|state| match &state.shown {
            Shown::Plane(marks) => marks.clone(),
            _ => Vec::new(),
        })
    };
    let points = move || {
        let marks = marks();
        let scale = |of: fn(&Mark) -> f64| {
            let values = || marks.iter().map(of);
            let low = min.unwrap_or_else(|| values().fold(f64::INFINITY, f64::min));
            let high = max.unwrap_or_else(|| values().fold(f64::NEG_INFINITY, f64::max));
            move |value: f64| {
                let part = if high > low {
                    (value - low) / (high - low)
                } else {
                    0.5
                };
                number::fixed(part.clamp(0.0, 1.0) * 100.0, 2)
            }
        };
        let (across, up) = (scale(|mark| mark.x), scale(|mark| mark.y));
        let point = |(index, mark): (usize, &Mark)| {
            let style = format!("left:{}%;bottom:{}%", across(mark.x), up(mark.y));
            view! {
                <span class=format!("point point-{}", index % COLOURS) style=style>
                    <small>{plain_text(mark.producer.clone())}</small>
                </span>
            }
        };
        marks.iter().enumerate().map(point).collect_view()
    };
    let label = text(move || texts::POINTS_OF.with(&[&marks().len().to_string()]));
    view! {
        <div class="plane" role="img" aria-label=label translate="no">
            <div class="plane-inner">{points}</div>
        </div>
        {nothing(state)}
    }
}

fn words(state: RwSignal<State>) -> impl IntoView {
    let words = live_text(move || {
        state.with(|state| match &state.shown {
            Shown::Text(text) => text.clone(),
            _ => texts::NO_VALUE.get().into(),
        })
    });
    view! {
        <p class="words" tabindex="0" translate="no">
            {words}
        </p>
    }
}

fn table(tile: &Tile, state: RwSignal<State>, zone: RwSignal<Zone>) -> impl IntoView + use<> {
    let unit = tile.unit.clone();
    let rows = move || {
        let zone = zone.get();
        let row = |row: Row| {
            view! {
                <tr>
                    <th scope="row">{plain_text(row.name)}</th>
                    <td>{plain_text(format!("{}{unit}", row.text))}</td>
                    <td class="time">{plain_text(seconds(&zone.time_of_day(row.unix_ms)))}</td>
                </tr>
            }
        };
        rows_of(state).into_iter().map(row).collect_view()
    };
    view! {
        <div class="scrolls" tabindex="0" role="group" aria-label=tile.name().to_owned()>
            <table class="values" translate="no">
                <thead class="visually-hidden">
                    <tr>
                        <th scope="col">{texts::TOPIC.get()}</th>
                        <th scope="col">{texts::VALUE.get()}</th>
                        <th scope="col">{texts::TIME.get()}</th>
                    </tr>
                </thead>
                <tbody>{rows}</tbody>
            </table>
        </div>
        {nothing(state)}
    }
}

fn last(state: RwSignal<State>, zone: RwSignal<Zone>) -> impl IntoView {
    let of = move |of: fn(&Line) -> String| {
        state.with(|state| match &state.shown {
            Shown::Last(line) => of(line),
            _ => String::new(),
        })
    };
    let body = live_text(move || of(|line| unfolded(&line.text)));
    let from = live_text(move || of(|line| format!("{} · {}", line.topic, line.producer)));
    let when = live_text(move || {
        let unix_ms = state.with(|state| state.unix_ms);
        let number = of(|line| grouped(line.sequence));
        match unix_ms > 0.0 {
            true => format!("{number} · {}", zone.get().time_of_day(unix_ms)),
            false => String::new(),
        }
    });
    view! {
        <div class="scrolls last" tabindex="0" role="group" aria-label=texts::KIND_LAST.get()>
            <p class="meta" translate="no">
                {from} " " {when}
            </p>
            <pre translate="no">
                <code>{body}</code>
            </pre>
            {nothing(state)}
        </div>
    }
}

fn lights(state: RwSignal<State>) -> impl IntoView {
    let items = move || {
        let item = |row: Row| {
            let word = if row.is_on { texts::ON } else { texts::OFF }.get();
            view! {
                <li data-on=row.is_on.to_string()>
                    <span class="lamp" aria-hidden="true"></span>
                    <span translate="no">{plain_text(row.name)}</span>
                    <small>{plain_text(word)}</small>
                </li>
            }
        };
        rows_of(state).into_iter().map(item).collect_view()
    };
    view! {
        <div class="scrolls" tabindex="0" role="group" aria-label=texts::KIND_LIGHTS.get()>
            <ul class="lights">{items}</ul>
        </div>
        {nothing(state)}
    }
}

/// The newest line is the first, so that it stays in view.
fn log(tile: &Tile, state: RwSignal<State>, zone: RwSignal<Zone>) -> impl IntoView + use<> {
    let lines = move || {
        let zone = zone.get();
        let lines: Vec<Line> = state.with(|state| match &state.shown {
            Shown::Log(lines) => lines.iter().rev().cloned().collect(),
            _ => Vec::new(),
        });
        let item = |line: Line| {
            view! {
                <li>
                    <time>{plain_text(zone.time_of_day(line.unix_ms))}</time>
                    <b>{plain_text(line.topic)}</b>
                    <code>{plain_text(line.text)}</code>
                </li>
            }
        };
        lines.into_iter().map(item).collect_view()
    };
    view! {
        <div class="scrolls" tabindex="0" role="group" aria-label=tile.name().to_owned()>
            <ol class="log-lines" translate="no">
                {lines}
            </ol>
        </div>
        {nothing(state)}
    }
}

const COLOURS: usize = 4;
