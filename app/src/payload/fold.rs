//! A tree of values as lines that can be folded. Numbers keep the text of the payload. Pure.

use std::{borrow::Cow, collections::BTreeSet};

use super::tree::{Kind, Tree, Value};

/// A line of the tree.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Line {
    pub depth: usize,
    /// The place of the value in the order of the text; the key for folding.
    pub node: usize,
    /// The name of the member, or the index of the element; empty for the outermost value and for closing brackets.
    pub key: String,
    pub text: String,
    /// A note of the format about the value: a tag, the type of an extension; usually empty.
    pub note: String,
    pub kind: Kind,
    /// True if the value is folded, false if it can be folded, `None` for other lines.
    pub is_folded: Option<bool>,
}

/// Returns the lines of a value without the content of folded values; at most [`MOST_LINES`].
pub fn lines(tree: &Tree<'_>, folded: &BTreeSet<usize>) -> Vec<Line> {
    let mut writer = Writer {
        lines: Vec::new(),
        folded,
        next_node: 0,
    };
    writer.value(tree, 0, String::new());
    writer.lines
}

/// Returns the values that are folded at first: those that would make the lines too many to read.
pub fn folded_at_first(tree: &Tree<'_>) -> BTreeSet<usize> {
    let mut folded = BTreeSet::new();
    let mut next_node = 0;
    fold_large(tree, 0, &mut next_node, &mut folded);
    folded
}

fn fold_large(tree: &Tree<'_>, depth: usize, next: &mut usize, folded: &mut BTreeSet<usize>) {
    let node = *next;
    *next += 1;
    let mut count = 0;
    each_child(tree, &mut |child| {
        count += 1;
        fold_large(child, depth + 1, next, folded);
    });
    if depth > 0 && count > 0 && (depth >= DEEPEST_OPEN || count > MOST_OPEN) {
        folded.insert(node);
    }
}

/// Calls a function with each value directly in a value.
fn each_child(tree: &Tree<'_>, act: &mut dyn FnMut(&Tree<'_>)) {
    match &tree.value {
        Value::List(children) | Value::Element(_, children, _) => children.iter().for_each(act),
        Value::Map(members) => members.iter().for_each(|(_, child)| act(child)),
        Value::Plain(..) | Value::Text(_) | Value::Content(_) | Value::Bytes(_) => {}
    }
}

struct Writer<'a> {
    lines: Vec<Line>,
    folded: &'a BTreeSet<usize>,
    next_node: usize,
}

impl Writer<'_> {
    fn value(&mut self, tree: &Tree<'_>, depth: usize, key: String) {
        let node = self.next_node;
        self.next_node += 1;
        let start = Line {
            depth,
            node,
            key,
            note: tree.note.clone(),
            ..Line::default()
        };
        match &tree.value {
            Value::Plain(kind, text) => self.leaf(start, *kind, text.clone().into_owned()),
            Value::Text(_) | Value::Content(_) => self.leaf(start, Kind::Text, tree.text()),
            Value::Bytes(_) => self.leaf(start, Kind::Number, tree.text()),
            Value::List(children) => {
                let children = children.iter().enumerate();
                let children = children.map(|(index, child)| (index.to_string(), child));
                self.branch(start, [Cow::from("["), "]".into()], children);
            }
            Value::Map(members) => {
                let members = members.iter();
                let members = members.map(|(name, child)| (name.clone().into_owned(), child));
                self.branch(start, [Cow::from("{"), "}".into()], members);
            }
            // The parts of a document beside its element, which have no brackets.
            Value::Element("", children, _) => {
                for child in children {
                    self.value(child, depth, String::new());
                }
            }
            Value::Element(open, children, close) => {
                let children = children.iter().map(|child| (String::new(), child));
                self.branch(start, [Cow::from(*open), close.as_str().into()], children);
            }
        }
    }

    fn leaf(&mut self, start: Line, kind: Kind, text: String) {
        self.push(Line {
            text,
            kind,
            ..start
        });
    }

    fn branch<'t>(
        &mut self,
        start: Line,
        [open, close]: [Cow<'_, str>; 2],
        children: impl ExactSizeIterator<Item = (String, &'t Tree<'t>)>,
    ) {
        let (depth, node, count) = (start.depth, start.node, children.len());
        if count == 0 {
            let text = format!("{open}{close}");
            return self.push(Line { text, ..start });
        }
        if self.folded.contains(&node) {
            self.next_node += children.map(|(_, child)| size(child)).sum::<usize>();
            return self.push(Line {
                text: format!("{open} {count} … {close}"),
                is_folded: Some(true),
                ..start
            });
        }
        self.push(Line {
            text: open.into(),
            is_folded: Some(false),
            ..start
        });
        for (key, child) in children {
            if self.lines.len() >= MOST_LINES {
                break;
            }
            self.value(child, depth + 1, key);
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
fn size(tree: &Tree<'_>) -> usize {
    let mut count = 1;
    each_child(tree, &mut |child| count += size(child));
    count
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
    use crate::{
        json,
        payload::{cbor, xml},
    };

    fn tree(document: &str) -> Tree<'_> {
        json::read(document).expect("JSON").into()
    }

    fn text(document: &str, folded: &[usize]) -> Vec<String> {
        let tree = tree(document);
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
        lines(&tree, &folded).iter().map(text).collect()
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
        let tree = tree(DOCUMENT);
        let node = |folded: &BTreeSet<usize>| {
            let lines = lines(&tree, folded);
            lines
                .iter()
                .find(|line| line.key == "none")
                .map(|line| line.node)
        };
        assert_eq!(node(&BTreeSet::new()), node(&BTreeSet::from([2])));
    }

    #[test]
    fn deep_and_long_values_are_folded_at_first() {
        let nested = tree(r#"{"a":{"b":{"c":{"d":{"e":1}}}}}"#);
        let folded = folded_at_first(&nested);
        assert_eq!(lines(&nested, &folded).len(), 9);
        let long = format!(r#"{{"a":[{}]}}"#, vec!["1"; 101].join(","));
        let long = tree(&long);
        assert_eq!(lines(&long, &folded_at_first(&long)).len(), 3);
    }

    #[test]
    fn the_lines_are_bounded() {
        let long = format!("[{}]", vec!["1"; 100_000].join(","));
        assert_eq!(lines(&tree(&long), &BTreeSet::new()).len(), MOST_LINES);
    }

    #[test]
    fn an_element_is_between_its_tags_and_can_be_folded() {
        let document = "<?xml version='1.0'?><a x='1'>text<b/></a>";
        let tree = xml::read(document).expect("XML");
        let texts = |folded: &[usize]| {
            let lines = lines(&tree, &folded.iter().copied().collect());
            let text = |line: &Line| format!("{}{}", " ".repeat(line.depth), line.text);
            lines.iter().map(text).collect::<Vec<_>>()
        };
        let expected = [
            "<?xml version='1.0'?>",
            "<a x='1'>",
            " text",
            " <b/>",
            "</a>",
        ];
        assert_eq!(texts(&[]), expected);
        assert_eq!(texts(&[2])[1], "<a x='1'> 2 … </a>");
    }

    #[test]
    fn a_tag_is_beside_its_value() {
        let tree = cbor::read(&[0xc1, 0]).expect("CBOR");
        let line = &lines(&tree, &BTreeSet::new())[0];
        assert_eq!(
            (&*line.text, &*line.note),
            ("0", "tag 1: 1970-01-01T00:00:00Z")
        );
    }
}
