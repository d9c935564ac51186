//! The contents of the tiles, as HTML: one element of the view has it as its content. So the browser downloads no code for the
//! views of each kind, and a frame replaces the content as a whole. Pure, except the rotating rectangle.
//!
//! Everything that comes from messages passes [`escaped`].

use leptos::prelude::*;

use super::tile::seconds;
use crate::{
    angle,
    boards::{HEIGHT, Kind, Line, Mark, Row, Shown, Spans, State, Tile, WIDTH, rounded, unfolded},
    figures::grouped,
    number,
    reactive::{live_text, text},
    texts::boards as texts,
    zone::Zone,
};

/// Draws the values of a tile that does not publish.
pub fn picture(tile: &Tile, state: RwSignal<State>, zone: RwSignal<Zone>) -> impl IntoView + use<> {
    let label = match tile.kind {
        Kind::Plane | Kind::Shape | Kind::Number | Kind::Gauge | Kind::Line => None,
        _ => Some(tile.name().to_owned()),
    };
    // Contents that may be longer than the tile are scrolled, by keyboard too.
    let (class, role, tabindex) = match label {
        Some(_) => ("picture scrolls", Some("group"), Some("0")),
        None => ("picture", None, None),
    };
    let rectangle = (tile.kind == Kind::Shape).then(|| rectangle(state));
    let tile = tile.clone();
    let content = text(move || state.with(|state| html(&tile, state, zone.get())));
    view! {
        {rectangle}
        <div
            class=class
            role=role
            tabindex=tabindex
            aria-label=label
            translate="no"
            inner_html=content
        ></div>
    }
}

/// Draws the rectangle, which turns to the newest angle over the shorter way.
fn rectangle(state: RwSignal<State>) -> impl IntoView {
    let drawn = StoredValue::new(0.0);
    let rotation = text(move || {
        let angle = state.with(|state| number_of(state).unwrap_or(0.0));
        let rotation = angle::turned(drawn.get_value(), angle);
        drawn.set_value(rotation);
        format!("rotate({}deg)", number::plain(rotation))
    });
    let words = live_text(move || match state.with(number_of) {
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
                {words}
            </p>
        </div>
    }
}

/// Returns the values of a tile as HTML.
fn html(tile: &Tile, state: &State, zone: Zone) -> String {
    match &state.shown {
        _ if tile.kind == Kind::Shape => String::new(),
        Shown::Nothing => format!("<p class=\"none-yet\">{}</p>", texts::NO_VALUE.get()),
        Shown::Number(value) if tile.kind == Kind::Gauge => gauge(tile, *value),
        Shown::Number(value) => format!("<div class=\"big\">{}</div>", with_unit(tile, *value)),
        Shown::Line(spans) => line(tile, spans),
        Shown::Bars(rows) => bars(tile, rows),
        Shown::Plane(marks) => plane(tile, marks),
        Shown::Text(text) => format!("<p class=\"words\">{}</p>", escaped(text)),
        Shown::Table(rows) => table(tile, rows, zone),
        Shown::Last(line) => last(line, zone),
        Shown::Lights(rows) => lights(rows),
        Shown::Log(lines) => log(lines.iter().rev(), zone),
        Shown::Switch(_) => String::new(),
    }
}

fn number_of(state: &State) -> Option<f64> {
    match &state.shown {
        Shown::Number(value) => Some(*value),
        _ => None,
    }
}

fn with_unit(tile: &Tile, value: f64) -> String {
    let unit = match tile.unit.is_empty() {
        true => String::new(),
        false => format!("<small>{}</small>", escaped(&tile.unit)),
    };
    format!("<p class=\"value\">{}{unit}</p>", rounded(value))
}

fn gauge(tile: &Tile, value: f64) -> String {
    let (min, max) = (tile.min.unwrap_or(0.0), tile.max.unwrap_or(100.0));
    let percent = part(value, min, max) * 100.0;
    let arc = "d=\"M10 60A50 50 0 0 1 110 60\"";
    format!(
        "<div class=\"gauge\"><svg viewBox=\"0 0 120 64\" aria-hidden=\"true\">\
         <path class=\"gauge-track\" {arc} />\
         <path class=\"gauge-value\" {arc} pathLength=\"100\" stroke-dasharray=\"{} 100\" /></svg>\
         {}<p class=\"ends\"><span>{}</span><span>{}</span></p></div>",
        number::fixed(percent, 2),
        with_unit(tile, value),
        rounded(min),
        rounded(max)
    )
}

fn line(tile: &Tile, spans: &Spans) -> String {
    let Some(drawn) = spans.path(tile.min, tile.max) else {
        return String::new();
    };
    let ends = texts::FROM_TO.with(&[&rounded(drawn.low), &rounded(drawn.high)]);
    let label = texts::LINE_OF.with(&[tile.name()]);
    format!(
        "<div class=\"line-tile\">{}<svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" preserveAspectRatio=\"none\" role=\"img\" \
         aria-label=\"{}\"><path class=\"series series-0\" d=\"{}\" /></svg><p class=\"ends\">{ends}</p></div>",
        with_unit(tile, spans.newest().unwrap_or(f64::NAN)),
        escaped(&label),
        drawn.path
    )
}

/// The bars are horizontal, so that their names have room. They are a table, so that a screen reader reads the same values.
fn bars(tile: &Tile, rows: &[Row]) -> String {
    let values = || rows.iter().map(|row| row.value);
    let low = tile.min.unwrap_or_else(|| values().fold(0.0, f64::min));
    let high = tile.max.unwrap_or_else(|| values().fold(0.0, f64::max));
    let percent = |value: f64| match high > low {
        true => part(value, low, high) * 100.0,
        false => 0.0,
    };
    let zero = percent(0.0);
    let rows = rows.iter().map(|row| {
        let end = percent(row.value);
        let (from, to) = if end < zero { (end, zero) } else { (zero, end) };
        format!(
            "<tr><th scope=\"row\">{}</th><td class=\"bar-cell\"><span class=\"bar\" style=\"left:{}%;width:{}%\"></span>\
             </td><td class=\"end\">{}{}</td></tr>",
            escaped(&row.name),
            number::fixed(from, 2),
            number::fixed(to - from, 2),
            rounded(row.value),
            escaped(&tile.unit)
        )
    });
    format!(
        "<table class=\"bars\"><tbody>{}</tbody></table>",
        rows.collect::<String>()
    )
}

/// The points of the producers. Without bounds each axis has the range of the points.
fn plane(tile: &Tile, marks: &[Mark]) -> String {
    let scale = |of: fn(&Mark) -> f64| {
        let values = || marks.iter().map(of);
        let low = tile
            .min
            .unwrap_or_else(|| values().fold(f64::INFINITY, f64::min));
        let high = tile
            .max
            .unwrap_or_else(|| values().fold(f64::NEG_INFINITY, f64::max));
        (low, high)
    };
    let (across, up) = (scale(|mark| mark.x), scale(|mark| mark.y));
    let points = marks.iter().enumerate().map(|(index, mark)| {
        let x = part(mark.x, across.0, across.1) * 100.0;
        let y = part(mark.y, up.0, up.1) * 100.0;
        // The name of a point at the right is before it.
        let side = if x > 60.0 { " point-right" } else { "" };
        format!(
            "<span class=\"point point-{}{side}\" style=\"left:{}%;bottom:{}%\"><small>{}</small></span>",
            index % COLOURS,
            number::fixed(x, 2),
            number::fixed(y, 2),
            escaped(&mark.producer)
        )
    });
    let label = texts::POINTS_OF.with(&[&marks.len().to_string()]);
    format!(
        "<div class=\"plane\" role=\"img\" aria-label=\"{label}\"><div class=\"plane-inner\">{}</div></div>",
        points.collect::<String>()
    )
}

fn table(tile: &Tile, rows: &[Row], zone: Zone) -> String {
    let rows = rows.iter().map(|row| {
        format!(
            "<tr><th scope=\"row\">{}</th><td>{}{}</td><td class=\"time\">{}</td></tr>",
            escaped(&row.name),
            escaped(&row.text),
            escaped(&tile.unit),
            seconds(&zone.time_of_day(row.unix_ms))
        )
    });
    format!(
        "<table class=\"values\"><thead class=\"visually-hidden\"><tr><th scope=\"col\">{}</th><th scope=\"col\">{}</th>\
         <th scope=\"col\">{}</th></tr></thead><tbody>{}</tbody></table>",
        texts::TOPIC.get(),
        texts::VALUE.get(),
        texts::TIME.get(),
        rows.collect::<String>()
    )
}

fn last(line: &Line, zone: Zone) -> String {
    format!(
        "<p class=\"meta\">{} · {} · {} · {}</p><pre><code>{}</code></pre>",
        escaped(&line.topic),
        escaped(&line.producer),
        grouped(line.sequence),
        zone.time_of_day(line.unix_ms),
        escaped(&unfolded(&line.text))
    )
}

fn lights(rows: &[Row]) -> String {
    let items = rows.iter().map(|row| {
        let word = if row.is_on { texts::ON } else { texts::OFF }.get();
        format!(
            "<li data-on=\"{}\"><span class=\"lamp\" aria-hidden=\"true\"></span><span>{}</span> <small>{word}</small></li>",
            row.is_on,
            escaped(&row.name)
        )
    });
    format!("<ul class=\"lights\">{}</ul>", items.collect::<String>())
}

/// The newest line is the first, so that it stays in view.
fn log<'l>(lines: impl Iterator<Item = &'l Line>, zone: Zone) -> String {
    let items = lines.map(|line| {
        format!(
            "<li><time>{}</time><b>{}</b><code>{}</code></li>",
            zone.time_of_day(line.unix_ms),
            escaped(&line.topic),
            escaped(&line.text)
        )
    });
    format!("<ol class=\"log-lines\">{}</ol>", items.collect::<String>())
}

/// Returns the part of a range at which a value lies, from 0 to 1.
fn part(value: f64, low: f64, high: f64) -> f64 {
    match high > low {
        true => ((value - low) / (high - low)).clamp(0.0, 1.0),
        false => 0.5,
    }
}

/// Returns a text as a part of HTML: in an element or in an attribute in double quotes.
fn escaped(text: &str) -> String {
    let mut html = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            _ => html.push(character),
        }
    }
    html
}

const COLOURS: usize = 4;

#[cfg(test)]
mod tests {
    use broker::MessageId;

    use super::*;
    use crate::connection::Message;

    const EVIL: &str = "<img src=x onerror=alert(1)> & \"quotes\"";

    fn drawn(kind: Kind, body: &str) -> String {
        let tile = Tile {
            kind,
            topic: "a".into(),
            field: if kind == Kind::Plane { "x" } else { "" }.into(),
            field_y: "y".into(),
            unit: EVIL.into(),
            title: EVIL.into(),
            ..Tile::default()
        };
        let message = Message {
            id: MessageId {
                epoch: 1,
                position: 1,
            },
            topic: EVIL.into(),
            sequence: 1,
            timestamp_ms: 1_000.0,
            producer: EVIL.into(),
            content_type: String::new(),
            body: body.into(),
            missed: None,
        };
        html(&tile, &State::begin(&tile, &[message]), Zone::Utc)
    }

    #[test]
    fn nothing_of_a_message_is_markup() {
        let text = crate::quoted::quoted(EVIL);
        for kind in Kind::ALL {
            for body in [
                EVIL.to_owned(),
                text.clone(),
                format!("{{{text}:{text}}}"),
                format!("{{{text}:1}}"),
                "[1,2]".into(),
                "7".into(),
                r#"{"x":1,"y":2}"#.into(),
            ] {
                let html = drawn(kind, &body);
                assert!(!html.contains("<img"), "{kind:?} {body}: {html}");
                assert!(!html.contains("\"quotes\""), "{kind:?} {body}: {html}");
            }
        }
    }

    #[test]
    fn values_are_drawn() {
        for (kind, body, expected) in [
            (Kind::Number, "21.5", "<p class=\"value\">21.5<small>"),
            (Kind::Gauge, "25", "stroke-dasharray=\"25.00 100\""),
            (Kind::Bars, "[5,-5]", "left:50.00%;width:50.00%"),
            (Kind::Bars, "[5,-5]", "left:0.00%;width:50.00%"),
            (Kind::Plane, r#"{"x":1,"y":2}"#, "left:50.00%;bottom:50.00%"),
            (Kind::Lights, "on", "data-on=\"true\""),
            (Kind::Table, r#"{"t":1}"#, "<th scope=\"row\">t</th><td>1"),
            (Kind::Log, "ding", "<time>00:00:01.000</time>"),
            (Kind::Last, r#"{"a":1}"#, "<code>a: 1</code>"),
            (Kind::Text, "ding", "<p class=\"words\">ding</p>"),
            (Kind::Line, "3", "M600.0 100.0h0.1"),
        ] {
            let html = drawn(kind, body);
            assert!(html.contains(expected), "{kind:?}: {html}");
        }
        assert!(drawn(Kind::Number, "warm").contains("No value yet"));
    }
}
