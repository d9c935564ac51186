//! The numeric fields of a topic's messages over time, and their drawing as lines. Pure.

use std::{borrow::Cow, sync::Arc};

use super::entry::{Body, Entry};
use crate::{
    json, number,
    payload::{
        form::Form,
        tree::{Kind, Tree, Value},
    },
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
        if let Some(tree) = values(entry) {
            collect(&tree, Cow::Borrowed(""), &mut found);
        }
    }
    found.sort();
    found
}

/// Returns the values of a body: of JSON, or of MessagePack or CBOR; `None` if it has none, or if the page has only its
/// beginning.
fn values(entry: &Entry) -> Option<Tree<'_>> {
    match &entry.body {
        _ if entry.is_cut() => None,
        Body::Text(text) => json::read(text).ok().map(Tree::from),
        Body::Bytes(_) => Form::best(entry).tree(entry)?.ok(),
    }
}

fn collect(tree: &Tree<'_>, path: Cow<'_, str>, found: &mut Vec<String>) {
    if found.len() >= MOST_FIELDS {
        return;
    }
    match &tree.value {
        Value::Plain(Kind::Number, _) => {
            let name = if path.is_empty() { BODY } else { &path };
            if !found.iter().any(|own| own == name) {
                found.push(name.to_owned());
            }
        }
        Value::List(elements) => {
            for (index, element) in elements.iter().enumerate().take(MOST_ELEMENTS) {
                collect(element, below(&path, &index.to_string()), found);
            }
        }
        Value::Map(members) => {
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
        let Some(tree) = values(entry) else { continue };
        for series in &mut all {
            let Some(text) = at(&tree, &series.field).and_then(number_of) else {
                continue;
            };
            let value = number::parsed(text);
            // CBOR and MessagePack have numbers that are none.
            if value.is_finite() {
                series.points.push(Point {
                    sequence: entry.sequence,
                    unix_ms: entry.timestamp_ms,
                    value,
                    text: text.to_owned(),
                });
            }
        }
    }
    for series in &mut all {
        series.points.reverse();
    }
    all
}

fn number_of<'t>(tree: &'t Tree<'_>) -> Option<&'t str> {
    match &tree.value {
        Value::Plain(Kind::Number, text) => Some(text),
        _ => None,
    }
}

fn at<'t, 'a>(tree: &'t Tree<'a>, field: &str) -> Option<&'t Tree<'a>> {
    if field == BODY {
        return Some(tree);
    }
    // A name may contain a dot, so the longest name that exists counts.
    match &tree.value {
        Value::List(elements) => {
            let (index, rest) = field.split_once('.').unwrap_or((field, ""));
            let element = elements.get(index.parse::<usize>().ok()?)?;
            if rest.is_empty() {
                Some(element)
            } else {
                at(element, rest)
            }
        }
        Value::Map(members) => {
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
    fn fields_of_cbor_and_message_pack_have_values() {
        let entry = |(index, body): (usize, &&[u8])| Entry {
            sequence: index as u64 + 1,
            body: Body::of(body.to_vec()),
            ..Entry::default()
        };
        // {"t": 1.5, "n": NaN}, {"t": 2}, and MessagePack {"t": -1}.
        let bodies = [
            &b"\xa2\x61t\xf9\x3e\x00\x61n\xf9\x7e\x00"[..],
            b"\xa1\x61t\x02",
            b"\x81\xa1t\xff",
        ];
        let entries: Vec<_> = bodies.iter().enumerate().map(entry).map(Arc::new).collect();
        assert_eq!(fields(entries.iter()), ["n", "t"]);
        let all = series(entries.iter(), &["t".to_owned(), "n".to_owned()]);
        let texts: Vec<_> = all[0].points.iter().map(|point| &*point.text).collect();
        assert_eq!(texts, ["1.5", "2", "-1"]);
        assert!(all[1].points.is_empty());
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
