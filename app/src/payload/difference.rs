//! The difference between two bodies: the changed fields of values, or the changed lines of texts and of bytes. Pure.

use std::{borrow::Cow, collections::BTreeMap};

use super::{
    form::{Form, MOST_DECODED_BYTES},
    hex,
    tree::{Tree, Value},
};
use crate::{
    texts,
    topic::{Body, Entry},
};

/// A field or line that is not the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The path of the field, such as `data.list.0`; or the number of the line.
    pub place: String,
    /// `None` if it is new.
    pub before: Option<String>,
    /// `None` if it is gone.
    pub after: Option<String>,
}

/// Returns the changes from one body to the next, in the order of their places; at most [`MOST_CHANGES`].
pub fn changes(before: &Entry, after: &Entry) -> Vec<Change> {
    let form = Form::best(after);
    let mut changes = match (form.tree(before), form.tree(after)) {
        (Some(Ok(before)), Some(Ok(after))) => of_fields(&before, &after),
        _ => of_lines(&text(before), &text(after)),
    };
    changes.truncate(MOST_CHANGES);
    changes
}

/// Returns a body as lines: of text, or of bytes in hexadecimal.
fn text(entry: &Entry) -> Cow<'_, str> {
    match &entry.body {
        Body::Text(text) if text.len() <= MOST_DECODED_BYTES => text.into(),
        _ => hex::lines(entry.body.bytes()).join("\n").into(),
    }
}

fn of_fields(before: &Tree<'_>, after: &Tree<'_>) -> Vec<Change> {
    let (before, after) = (fields(before), fields(after));
    let mut changes = Vec::new();
    for (place, value) in &after {
        let old = before.iter().find(|(own, _)| own == place);
        if old.is_none_or(|(_, old)| old != value) {
            changes.push(Change {
                place: place.clone(),
                before: old.map(|(_, old)| old.clone()),
                after: Some(value.clone()),
            });
        }
    }
    let known: BTreeMap<_, _> = after.into_iter().collect();
    let gone = before
        .into_iter()
        .filter(|(place, _)| !known.contains_key(place));
    changes.extend(gone.map(|(place, old)| Change {
        place,
        before: Some(old),
        after: None,
    }));
    changes
}

/// Returns the values that contain no others, by path; at most [`MOST_FIELDS`].
fn fields(tree: &Tree<'_>) -> Vec<(String, String)> {
    let mut fields = Vec::new();
    collect(tree, String::new(), &mut fields);
    fields
}

fn collect(tree: &Tree<'_>, path: String, fields: &mut Vec<(String, String)>) {
    if fields.len() >= MOST_FIELDS {
        return;
    }
    let below = |name: &str| match path.is_empty() {
        true => name.to_owned(),
        false => format!("{path}.{name}"),
    };
    match &tree.value {
        Value::List(elements) if !elements.is_empty() => {
            for (index, element) in elements.iter().enumerate() {
                collect(element, below(&index.to_string()), fields);
            }
        }
        Value::Map(members) if !members.is_empty() => {
            for (name, value) in members {
                collect(value, below(name), fields);
            }
        }
        _ => fields.push((path, tree.text())),
    }
}

/// Compares lines. The common lines at the beginning and at the end are left out; of the lines between, those with the same
/// number are compared.
fn of_lines(before: &str, after: &str) -> Vec<Change> {
    let before: Vec<_> = before.lines().collect();
    let after: Vec<_> = after.lines().collect();
    let shorter = before.len().min(after.len());
    let same_start = (0..shorter)
        .take_while(|index| before[*index] == after[*index])
        .count();
    let same_end = (0..shorter - same_start)
        .take_while(|index| before[before.len() - 1 - index] == after[after.len() - 1 - index])
        .count();
    let (old, new) = (
        &before[same_start..before.len() - same_end],
        &after[same_start..after.len() - same_end],
    );
    let changed = (0..old.len().max(new.len())).filter(|index| old.get(*index) != new.get(*index));
    let change = |index: usize| Change {
        place: texts::topic::LINE.with(&[&(same_start + index + 1).to_string()]),
        before: old.get(index).map(|line| (*line).to_owned()),
        after: new.get(index).map(|line| (*line).to_owned()),
    };
    changed.map(change).collect()
}

const MOST_CHANGES: usize = 200;
const MOST_FIELDS: usize = 2_000;

#[cfg(test)]
mod tests {
    use super::*;

    fn change(place: &str, before: Option<&str>, after: Option<&str>) -> Change {
        Change {
            place: place.into(),
            before: before.map(str::to_owned),
            after: after.map(str::to_owned),
        }
    }

    fn between(before: &str, after: &str) -> Vec<Change> {
        let entry = |body: &str| Entry {
            body: Body::Text(body.into()),
            ..Entry::default()
        };
        changes(&entry(before), &entry(after))
    }

    #[test]
    fn changed_new_and_missing_fields_are_found() {
        let before = r#"{"a":1,"b":{"c":"x","d":[1,2]},"gone":true}"#;
        let after = r#"{"b":{"d":[1,3,4],"c":"x"},"a":1.0,"new":null}"#;
        let expected = [
            change("b.d.1", Some("2"), Some("3")),
            change("b.d.2", None, Some("4")),
            change("a", Some("1"), Some("1.0")),
            change("new", None, Some("null")),
            change("gone", Some("true"), None),
        ];
        assert_eq!(between(before, after), expected);
    }

    #[test]
    fn fields_of_cbor_are_compared() {
        let body = |count: u8| Entry {
            body: Body::of(vec![0xa2, 0x61, b'n', count, 0x61, b'b', 0x41, 0xff]),
            ..Entry::default()
        };
        let expected = [change("n", Some("1"), Some("2"))];
        assert_eq!(changes(&body(1), &body(2)), expected);
    }

    #[test]
    fn other_bytes_are_compared_by_lines() {
        let body = |last: u8| Entry {
            body: Body::of([vec![0xc1; 16], vec![last]].concat()),
            ..Entry::default()
        };
        let changes = changes(&body(1), &body(2));
        assert_eq!((changes.len(), &*changes[0].place), (1, "line 2"));
    }

    #[test]
    fn other_texts_are_compared_by_lines() {
        let expected = [
            change("line 2", Some("two"), Some("zwei")),
            change("line 3", None, Some("new")),
        ];
        assert_eq!(between("one\ntwo\nend", "one\nzwei\nnew\nend"), expected);
        assert_eq!(between("same", "same"), []);
        assert_eq!(between("", "x"), [change("line 1", None, Some("x"))]);
    }

    #[test]
    fn the_changes_are_bounded() {
        let long = |value: &str| format!("[{}]", vec![value; 10_000].join(","));
        assert_eq!(between(&long("1"), &long("2")).len(), MOST_CHANGES);
    }
}
