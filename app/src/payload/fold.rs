//! A JSON value as lines that can be folded. Numbers keep the text of the payload. Pure.

use std::collections::BTreeSet;

use crate::json::Json;

/// A line of the tree.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Line {
    pub depth: usize,
    /// The place of the value in the order of the text; the key for folding.
    pub node: usize,
    /// The name of the member, or the index of the element; empty for the outermost value and for closing brackets.
    pub key: String,
    pub text: String,
    pub kind: Kind,
    /// True if the value is folded, false if it can be folded, `None` for other lines.
    pub is_folded: Option<bool>,
}

/// The kind of a value, for its colour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Kind {
    #[default]
    Bracket,
    Text,
    Number,
    /// `true`, `false` and `null`.
    Word,
}

impl Kind {
    pub fn class(self) -> &'static str {
        match self {
            Self::Bracket => "json-bracket",
            Self::Text => "json-text",
            Self::Number => "json-number",
            Self::Word => "json-word",
        }
    }
}

/// Returns the lines of a value without the content of folded values; at most [`MOST_LINES`].
pub fn lines(json: &Json<'_>, folded: &BTreeSet<usize>) -> Vec<Line> {
    let mut writer = Writer {
        lines: Vec::new(),
        folded,
        next_node: 0,
    };
    writer.value(json, 0, String::new());
    writer.lines
}

/// Returns the values that are folded at first: those that would make the lines too many to read.
pub fn folded_at_first(json: &Json<'_>) -> BTreeSet<usize> {
    let mut folded = BTreeSet::new();
    let mut next_node = 0;
    fold_large(json, 0, &mut next_node, &mut folded);
    folded
}

fn fold_large(json: &Json<'_>, depth: usize, next: &mut usize, folded: &mut BTreeSet<usize>) {
    let node = *next;
    *next += 1;
    let count = match json {
        Json::Array(elements) => {
            elements
                .iter()
                .for_each(|element| fold_large(element, depth + 1, next, folded));
            elements.len()
        }
        Json::Object(members) => {
            members
                .iter()
                .for_each(|(_, value)| fold_large(value, depth + 1, next, folded));
            members.len()
        }
        _ => 0,
    };
    if depth > 0 && count > 0 && (depth >= DEEPEST_OPEN || count > MOST_OPEN) {
        folded.insert(node);
    }
}

struct Writer<'a> {
    lines: Vec<Line>,
    folded: &'a BTreeSet<usize>,
    next_node: usize,
}

impl Writer<'_> {
    fn value(&mut self, json: &Json<'_>, depth: usize, key: String) {
        let node = self.next_node;
        self.next_node += 1;
        let line = |text: String, kind| Line {
            depth,
            node,
            key: key.clone(),
            text,
            kind,
            is_folded: None,
        };
        match json {
            Json::Null => self.push(line("null".into(), Kind::Word)),
            Json::Bool(value) => self.push(line(value.to_string(), Kind::Word)),
            Json::Number(number) => self.push(line((*number).into(), Kind::Number)),
            Json::Text(text) => self.push(line(quoted(text), Kind::Text)),
            Json::Array(elements) => {
                let start = line(String::new(), Kind::Bracket);
                let values = elements.iter().enumerate();
                let values = values.map(|(index, value)| (index.to_string(), value));
                self.container(start, ["[", "]"], values);
            }
            Json::Object(members) => {
                let start = line(String::new(), Kind::Bracket);
                let values = members
                    .iter()
                    .map(|(name, value)| (name.to_string(), value));
                self.container(start, ["{", "}"], values);
            }
        }
    }

    fn container<'j>(
        &mut self,
        start: Line,
        [open, close]: [&str; 2],
        values: impl ExactSizeIterator<Item = (String, &'j Json<'j>)>,
    ) {
        let (depth, count) = (start.depth, values.len());
        if count == 0 {
            let text = format!("{open}{close}");
            return self.push(Line { text, ..start });
        }
        if self.folded.contains(&start.node) {
            self.next_node += values.map(|(_, value)| size(value)).sum::<usize>();
            return self.push(Line {
                text: format!("{open} {count} … {close}"),
                is_folded: Some(true),
                ..start
            });
        }
        let node = start.node;
        self.push(Line {
            text: open.into(),
            is_folded: Some(false),
            ..start
        });
        for (key, value) in values {
            if self.lines.len() >= MOST_LINES {
                break;
            }
            self.value(value, depth + 1, key);
        }
        self.push(Line {
            depth,
            node,
            text: close.into(),
            ..Line::default()
        });
    }

    fn push(&mut self, line: Line) {
        if self.lines.len() < MOST_LINES {
            self.lines.push(line);
        }
    }
}

/// Returns the number of values in a value, with itself.
fn size(json: &Json<'_>) -> usize {
    1 + match json {
        Json::Array(elements) => elements.iter().map(size).sum(),
        Json::Object(members) => members.iter().map(|(_, value)| size(value)).sum(),
        _ => 0,
    }
}

/// Returns a text in quotes, with the escapes that make its control characters visible.
pub fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for character in text.chars() {
        match character {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\t' => quoted.push_str("\\t"),
            '\r' => quoted.push_str("\\r"),
            control if control.is_control() => {
                quoted.push_str(&format!("\\u{:04x}", u32::from(control)));
            }
            other => quoted.push(other),
        }
    }
    quoted.push('"');
    quoted
}

/// Lines that are shown; the text of a longer value is on the page in its other form.
pub const MOST_LINES: usize = 2_000;
/// Values below this depth are folded at first.
const DEEPEST_OPEN: usize = 4;
/// Values with more members or elements are folded at first.
const MOST_OPEN: usize = 100;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json;

    fn text(document: &str, folded: &[usize]) -> Vec<String> {
        let json = json::read(document).expect("JSON");
        let folded = folded.iter().copied().collect();
        let text = |line: &Line| {
            let separator = if line.key.is_empty() { "" } else { ": " };
            format!(
                "{}{}{separator}{}",
                " ".repeat(line.depth),
                line.key,
                line.text
            )
        };
        lines(&json, &folded).iter().map(text).collect()
    }

    const DOCUMENT: &str =
        r#"{"id":12345678901234567890.10,"list":[1,{"a":null}],"none":{},"t":"x\ny"}"#;

    #[test]
    fn each_value_has_its_line_and_numbers_keep_their_text() {
        let expected = [
            "{",
            " id: 12345678901234567890.10",
            " list: [",
            "  0: 1",
            "  1: {",
            "   a: null",
            "  }",
            " ]",
            " none: {}",
            r#" t: "x\ny""#,
            "}",
        ];
        assert_eq!(text(DOCUMENT, &[]), expected);
    }

    #[test]
    fn a_folded_value_takes_one_line_and_the_others_keep_their_keys() {
        let folded = text(DOCUMENT, &[2]);
        assert_eq!(folded[2], " list: [ 2 … ]");
        assert_eq!(folded.len(), 6);
        // The values inside count, so that the object `none` has the same key as before.
        let json = json::read(DOCUMENT).expect("JSON");
        let node = |folded: &BTreeSet<usize>| {
            let lines = lines(&json, folded);
            lines
                .iter()
                .find(|line| line.key == "none")
                .map(|line| line.node)
        };
        assert_eq!(node(&BTreeSet::new()), node(&BTreeSet::from([2])));
    }

    #[test]
    fn deep_and_long_values_are_folded_at_first() {
        let nested = json::read(r#"{"a":{"b":{"c":{"d":{"e":1}}}}}"#).expect("JSON");
        let folded = folded_at_first(&nested);
        assert_eq!(lines(&nested, &folded).len(), 9);
        let long = format!(r#"{{"a":[{}]}}"#, vec!["1"; 101].join(","));
        let long = json::read(&long).expect("JSON");
        assert_eq!(lines(&long, &folded_at_first(&long)).len(), 3);
    }

    #[test]
    fn the_lines_are_bounded() {
        let long = format!("[{}]", vec!["1"; 100_000].join(","));
        let json = json::read(&long).expect("JSON");
        assert_eq!(lines(&json, &BTreeSet::new()).len(), MOST_LINES);
    }
}
