//! The DOM elements of a list of lines. `rows` decides which element shows which line.

use leptos::prelude::document;
use wasm_bindgen::JsCast;
use web_sys::{Element, Node};

use crate::{
    browser,
    line::{Kind, Line},
    rows::Surface,
};

/// The element of the list.
pub struct List {
    element: Element,
    /// An empty row; new rows are copies of it.
    blank: Element,
}

impl List {
    /// Takes an empty element that nothing else changes.
    pub fn new(element: &Element) -> Option<Self> {
        let blank = document().create_element("li").ok()?;
        blank.set_inner_html(BLANK);
        Some(Self {
            element: element.clone(),
            blank,
        })
    }
}

impl Surface for List {
    type Row = Row;

    fn insert(&self, line: &Line, before: Option<&Row>) -> Option<Row> {
        let row = Row::new(&self.blank)?;
        row.draw(line, None);
        let before: Option<&Node> = before.map(|row| row.element.as_ref());
        self.element.insert_before(&row.element, before).ok()?;
        Some(row)
    }

    fn change(&self, row: &Row, from: &Line, to: &Line) {
        row.draw(to, Some(from));
    }

    fn remove(&self, row: &Row) {
        row.element.remove();
    }
}

/// The elements of a line. Each text is set as a property of its element, because a translator may
/// have replaced the text nodes.
pub struct Row {
    element: Element,
    who: Node,
    what: Node,
    note: Node,
    time: Node,
}

impl Row {
    fn new(blank: &Element) -> Option<Self> {
        let copy = blank.clone_node_with_deep(true).ok()?;
        let element: Element = copy.unchecked_into();
        let who = element.first_child()?;
        let what = who.next_sibling()?;
        let note = what.next_sibling()?;
        let time = note.next_sibling()?;
        Some(Self {
            who,
            what,
            note,
            time,
            element,
        })
    }

    /// Writes the texts that differ from the line that the row showed before.
    fn draw(&self, line: &Line, before: Option<&Line>) {
        let texts: [(&Node, fn(&Line) -> &str); 3] = [
            (&self.who, |line| &line.who),
            (&self.what, |line| &line.what),
            (&self.note, |line| line.note),
        ];
        for (node, text) in texts {
            if before.is_none_or(|before| text(before) != text(line)) {
                node.set_text_content(Some(text(line)));
            }
        }
        let second = |line: &Line| (line.kind, (line.unix_ms / 1000.0).floor());
        if before.is_none_or(|before| second(before) != second(line)) {
            self.draw_kind_and_time(line);
        }
    }

    fn draw_kind_and_time(&self, line: &Line) {
        let (class, time) = match line.kind {
            Kind::Message => ("message", browser::time_of_day(line.unix_ms)),
            Kind::Gap => ("gap", String::new()),
        };
        self.element.set_class_name(class);
        self.time.set_text_content(Some(&time));
    }
}

/// Names, data and times are not translated.
const BLANK: &str = r#"<b translate="no"></b><code translate="no"></code><span></span><time translate="no"></time>"#;
