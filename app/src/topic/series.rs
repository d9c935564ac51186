//! The numeric fields of a topic's messages over time, and their drawing as lines. Pure.

use std::{borrow::Cow, sync::Arc};

use super::entry::{Body, Entry};
use crate::{
    json::{self, Json},
    number,
};

/// The values of one field.
#[derive(Clone, Debug, PartialEq)]
pub struct Series {
    pub field: String,
    pub points: Vec<Point>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Point {
    pub sequence: u64,
    pub unix_ms: f64,
    pub value: f64,
    /// The number as the message has it.
    pub text: String,
}

/// Returns the names of the numeric fields of the newest messages, such as `data.temp`; the whole body is [`BODY`].
pub fn fields<'e>(entries: impl DoubleEndedIterator<Item = &'e Arc<Entry>>) -> Vec<String> {
    let mut found = Vec::new();
    for entry in entries.rev().take(MOST_EXAMINED) {
        let Some(text) = whole_text(entry) else {
            continue;
        };
        if let Ok(json) = json::read(text) {
            collect(&json, Cow::Borrowed(""), &mut found);
        }
    }
    found.sort();
    found
}

/// Returns the body; `None` if it is not text, or if the page has only its beginning.
fn whole_text(entry: &Entry) -> Option<&str> {
    match &entry.body {
        Body::Text(text) if !entry.is_cut() => Some(text),
        _ => None,
    }
}

fn collect(json: &Json<'_>, path: Cow<'_, str>, found: &mut Vec<String>) {
    if found.len() >= MOST_FIELDS {
        return;
    }
    match json {
        Json::Number(_) => {
            let name = if path.is_empty() { BODY } else { &path };
            if !found.iter().any(|own| own == name) {
                found.push(name.to_owned());
            }
        }
        Json::Array(elements) => {
            for (index, element) in elements.iter().enumerate().take(MOST_ELEMENTS) {
                collect(element, below(&path, &index.to_string()), found);
            }
        }
        Json::Object(members) => {
            for (name, value) in members {
                collect(value, below(&path, name), found);
            }
        }
        _ => {}
    }
}

fn below(path: &str, name: &str) -> Cow<'static, str> {
    match path.is_empty() {
        true => name.to_owned().into(),
        false => format!("{path}.{name}").into(),
    }
}

/// Returns the values of these fields in the newest messages, oldest first.
pub fn series<'e>(
    entries: impl DoubleEndedIterator<Item = &'e Arc<Entry>>,
    fields: &[String],
) -> Vec<Series> {
    let mut all: Vec<_> = fields
        .iter()
        .map(|field| Series {
            field: field.clone(),
            points: Vec::new(),
        })
        .collect();
    for entry in entries.rev().take(MOST_POINTS) {
        let Some(text) = whole_text(entry) else {
            continue;
        };
        let Ok(json) = json::read(text) else { continue };
        for series in &mut all {
            if let Some(Json::Number(text)) = at(&json, &series.field) {
                series.points.push(Point {
                    sequence: entry.sequence,
                    unix_ms: entry.timestamp_ms,
                    value: number::parsed(text),
                    text: (*text).to_owned(),
                });
            }
        }
    }
    for series in &mut all {
        series.points.reverse();
    }
    all
}

/// Returns the value of a field such as `data.temp`.
pub fn at<'j, 'a>(json: &'j Json<'a>, field: &str) -> Option<&'j Json<'a>> {
    if field == BODY {
        return Some(json);
    }
    // A name may contain a dot, so the longest name that exists counts.
    match json {
        Json::Array(elements) => {
            let (index, rest) = field.split_once('.').unwrap_or((field, ""));
            let element = elements.get(index.parse::<usize>().ok()?)?;
            if rest.is_empty() {
                Some(element)
            } else {
                at(element, rest)
            }
        }
        Json::Object(members) => {
            members
                .iter()
                .find_map(|(name, value)| match field.strip_prefix(&**name)? {
                    "" => Some(value),
                    rest => at(value, rest.strip_prefix('.')?),
                })
        }
        _ => None,
    }
}

/// The lines of several series in one picture.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Picture {
    /// A path of an SVG for each series, in the same order.
    pub paths: Vec<String>,
    pub low: f64,
    pub high: f64,
    pub from_ms: f64,
    pub to_ms: f64,
}

/// Draws series into a picture of [`WIDTH`] and [`HEIGHT`] with one scale for all.
pub fn picture(all: &[Series]) -> Option<Picture> {
    let points = || all.iter().flat_map(|series| &series.points);
    let lowest = |value: fn(&Point) -> f64| points().map(value).fold(f64::INFINITY, f64::min);
    let highest = |value: fn(&Point) -> f64| points().map(value).fold(f64::NEG_INFINITY, f64::max);
    points().next()?;
    let (low, high) = (lowest(|point| point.value), highest(|point| point.value));
    let (from_ms, to_ms) = (
        lowest(|point| point.unix_ms),
        highest(|point| point.unix_ms),
    );
    let part = |value: f64, low: f64, high: f64| match high > low {
        true => (value - low) / (high - low),
        false => 0.5,
    };
    let path = |series: &Series| {
        let mut path = String::new();
        for (index, point) in series.points.iter().enumerate() {
            let x = part(point.unix_ms, from_ms, to_ms) * WIDTH;
            let y = (1.0 - part(point.value, low, high)) * HEIGHT;
            let command = if index == 0 { 'M' } else { 'L' };
            path.push_str(&format!(
                "{command}{} {}",
                number::fixed(x, 1),
                number::fixed(y, 1)
            ));
        }
        // A single point is drawn as a short line.
        if series.points.len() == 1 {
            path.push_str("h0.1");
        }
        path
    };
    Some(Picture {
        paths: all.iter().map(path).collect(),
        low,
        high,
        from_ms,
        to_ms,
    })
}

/// The name of a body that is a number.
pub const BODY: &str = "(body)";
pub const WIDTH: f64 = 600.0;
pub const HEIGHT: f64 = 200.0;
/// Messages whose values are drawn.
const MOST_POINTS: usize = 1_000;
/// Messages whose fields are offered.
const MOST_EXAMINED: usize = 20;
const MOST_FIELDS: usize = 30;
const MOST_ELEMENTS: usize = 10;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::topic::entry::Kept;

    fn entries(bodies: &[&str]) -> Vec<Arc<Entry>> {
        let entry = |(index, body): (usize, &&str)| Entry {
            sequence: index as u64 + 1,
            timestamp_ms: index as f64 * 1000.0,
            body: Body::Text((*body).into()),
            ..Entry::default()
        };
        bodies.iter().enumerate().map(entry).map(Arc::new).collect()
    }

    #[test]
    fn numeric_fields_are_offered() {
        let entries = entries(&[
            r#"{"data":{"temp":1,"name":"x"},"list":[1,"a",3],"a.b":2}"#,
            "7",
            "no JSON",
        ]);
        let expected = ["(body)", "a.b", "data.temp", "list.0", "list.2"];
        assert_eq!(fields(entries.iter()), expected);
    }

    #[test]
    fn the_beginning_of_a_body_has_no_values() {
        let cut = Entry {
            body: Body::Text("123".into()),
            kept: Kept::Beginning,
            ..Entry::default()
        };
        let cut = [Arc::new(cut)];
        assert!(fields(cut.iter()).is_empty());
        assert!(series(cut.iter(), &[BODY.to_owned()])[0].points.is_empty());
    }

    #[test]
    fn the_values_are_in_order_and_keep_their_text() {
        let entries = entries(&[r#"{"t":1.50}"#, r#"{"u":1}"#, r#"{"t":-2,"a.b":{"c":[9]}}"#]);
        let fields = ["t".to_owned(), "a.b.c.0".to_owned()];
        let all = series(entries.iter(), &fields);
        let texts = |series: &Series| {
            let texts = series.points.iter().map(|point| point.text.clone());
            texts.collect::<Vec<_>>()
        };
        assert_eq!(texts(&all[0]), ["1.50", "-2"]);
        assert_eq!(texts(&all[1]), ["9"]);
        assert_eq!(all[0].points[1].sequence, 3);
    }

    #[test]
    fn the_picture_uses_its_whole_size() {
        let entries = entries(&["10", "30", "20"]);
        let all = series(entries.iter(), &[BODY.to_owned()]);
        let picture = picture(&all).expect("a picture");
        assert_eq!(picture.paths, ["M0.0 200.0L300.0 0.0L600.0 100.0"]);
        assert_eq!((picture.low, picture.high), (10.0, 30.0));
        assert_eq!((picture.from_ms, picture.to_ms), (0.0, 2000.0));
    }

    #[test]
    fn without_values_there_is_no_picture() {
        assert_eq!(picture(&[]), None);
        let one = entries(&["5"]);
        let all = series(one.iter(), &[BODY.to_owned()]);
        let picture = picture(&all).expect("a picture");
        assert_eq!(picture.paths, ["M300.0 100.0h0.1"]);
    }
}
