//! The elements of a list of lines. They are made once and used again: at thousands of messages a
//! second, making and removing elements would be most of what a page does.

use std::{collections::VecDeque, sync::Arc};

use leptos::prelude::document;
use wasm_bindgen::JsCast;
use web_sys::{Element, Node};

use crate::{
    browser,
    line::{Kind, Line},
};

pub struct Rows {
    list: Element,
    /// A row without text, of which the others are copies.
    blank: Element,
    rows: VecDeque<Row>,
}

impl Rows {
    /// Draws into `list`, which is empty and nobody else's.
    pub fn new(list: &Element) -> Option<Self> {
        let blank = document().create_element("li").ok()?;
        blank.set_inner_html(BLANK);
        Some(Self {
            list: list.clone(),
            blank,
            rows: VecDeque::new(),
        })
    }

    /// Shows these lines and no others. Their keys ascend without a gap.
    pub fn show(&mut self, lines: &[Arc<Line>]) {
        if let Some(first) = lines.first().filter(|_| self.overlaps(lines)) {
            self.drop_older_than(first.key);
            self.add_older(lines);
        }
        let shown = self.rows.len().min(lines.len());
        for (row, line) in self.rows.iter_mut().zip(lines) {
            row.show(line);
        }
        for line in &lines[shown..] {
            self.add_newest(line);
        }
        for row in self.rows.drain(lines.len()..) {
            row.element.remove();
        }
    }

    /// Whether some line stays where it is. If none does, every row gets another line.
    fn overlaps(&self, lines: &[Arc<Line>]) -> bool {
        let ends = self.rows.front().zip(self.rows.back());
        let given = lines.first().zip(lines.last());
        ends.zip(given)
            .is_some_and(|((oldest, newest), (first, last))| {
                first.key <= newest.line.key && oldest.line.key <= last.key
            })
    }

    fn drop_older_than(&mut self, key: u64) {
        let gone = self.rows.partition_point(|row| row.line.key < key);
        for row in self.rows.drain(..gone) {
            row.element.remove();
        }
    }

    fn add_older(&mut self, lines: &[Arc<Line>]) {
        let Some(oldest) = self.rows.front().map(|row| row.line.key) else {
            return;
        };
        for line in lines.iter().rev().skip_while(|line| line.key >= oldest) {
            let before = self.list.first_child();
            if let Some(row) = self.insert(line, before.as_ref()) {
                self.rows.push_front(row);
            }
        }
    }

    fn add_newest(&mut self, line: &Arc<Line>) {
        if let Some(row) = self.insert(line, None) {
            self.rows.push_back(row);
        }
    }

    fn insert(&self, line: &Arc<Line>, before: Option<&Node>) -> Option<Row> {
        let row = Row::new(&self.blank, line)?;
        self.list.insert_before(&row.element, before).ok()?;
        Some(row)
    }
}

/// A line and its elements.
struct Row {
    line: Arc<Line>,
    element: Element,
    who: Node,
    what: Node,
    note: Node,
    time: Node,
}

impl Row {
    fn new(blank: &Element, line: &Arc<Line>) -> Option<Self> {
        let copy = blank.clone_node_with_deep(true).ok()?;
        let element: Element = copy.unchecked_into();
        let who = element.first_child()?;
        let what = who.next_sibling()?;
        let note = what.next_sibling()?;
        let time = note.next_sibling()?;
        let mut row = Self {
            line: Arc::default(),
            who: who.first_child()?,
            what: what.first_child()?,
            note: note.first_child()?,
            time: time.first_child()?,
            element,
        };
        row.draw(line, None);
        row.line = line.clone();
        Some(row)
    }

    fn show(&mut self, line: &Arc<Line>) {
        if !Arc::ptr_eq(&self.line, line) {
            let before = std::mem::replace(&mut self.line, line.clone());
            self.draw(line, Some(&before));
        }
    }
}

impl Row {
    /// Writes what is other than in the line before.
    fn draw(&self, line: &Line, before: Option<&Line>) {
        let texts: [(&Node, fn(&Line) -> &str); 3] = [
            (&self.who, |line| &line.who),
            (&self.what, |line| &line.what),
            (&self.note, |line| line.note),
        ];
        for (node, text) in texts {
            if before.is_none_or(|before| text(before) != text(line)) {
                node.set_node_value(Some(text(line)));
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
        self.time.set_node_value(Some(&time));
    }
}

/// Each element has a text to be replaced.
const BLANK: &str = "<b>-</b><code>-</code><span>-</span><time>-</time>";
