//! The assignment of lines to the rows of a list. Rows are created once and reused: at thousands of messages per
//! second, creating and removing them would be most of the page's work. Pure; `components::message_rows` creates the
//! elements.

use std::{collections::VecDeque, sync::Arc};

use crate::line::Line;

/// The place that holds the rows.
pub trait Surface {
    type Row;

    /// Creates a row for a line, in front of `before`, or at the end if it is `None`.
    fn insert(&self, line: &Line, before: Option<&Self::Row>) -> Option<Self::Row>;

    /// Changes the row of one line to show another line.
    fn change(&self, row: &Self::Row, from: &Line, to: &Line);

    fn remove(&self, row: &Self::Row);
}

pub struct Rows<S: Surface> {
    surface: S,
    /// From top to bottom, without gaps between their keys.
    rows: VecDeque<(Arc<Line>, S::Row)>,
}

impl<S: Surface> Rows<S> {
    /// Draws on an empty surface that nothing else changes.
    pub fn new(surface: S) -> Self {
        Self {
            surface,
            rows: VecDeque::new(),
        }
    }

    /// Shows exactly these lines. Their keys ascend without gaps. A line that was shown before stays in its row; if
    /// none was, existing rows show new lines.
    pub fn show(&mut self, lines: &[Arc<Line>]) {
        if let Some(first) = lines.first().filter(|_| self.overlaps(lines)) {
            self.drop_older_than(first.key);
            self.add_older(lines);
        }
        let shown = self.rows.len().min(lines.len());
        for ((own, row), line) in self.rows.iter_mut().zip(lines) {
            if !Arc::ptr_eq(own, line) {
                self.surface.change(row, own, line);
                *own = line.clone();
            }
        }
        for line in &lines[shown..] {
            if let Some(row) = self.surface.insert(line, None) {
                self.rows.push_back((line.clone(), row));
            }
        }
        let surplus = lines.len().min(self.rows.len());
        for (_, row) in self.rows.drain(surplus..) {
            self.surface.remove(&row);
        }
    }

    fn overlaps(&self, lines: &[Arc<Line>]) -> bool {
        let ends = self.rows.front().zip(self.rows.back());
        let given = lines.first().zip(lines.last());
        ends.zip(given)
            .is_some_and(|(((oldest, _), (newest, _)), (first, last))| {
                first.key <= newest.key && oldest.key <= last.key
            })
    }

    fn drop_older_than(&mut self, key: u64) {
        let gone = self.rows.partition_point(|(line, _)| line.key < key);
        for (_, row) in self.rows.drain(..gone) {
            self.surface.remove(&row);
        }
    }

    fn add_older(&mut self, lines: &[Arc<Line>]) {
        let Some(oldest) = self.rows.front().map(|(line, _)| line.key) else {
            return;
        };
        for line in lines.iter().rev().skip_while(|line| line.key >= oldest) {
            let before = self.rows.front().map(|(_, row)| row);
            if let Some(row) = self.surface.insert(line, before) {
                self.rows.push_front((line.clone(), row));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{cell::RefCell, rc::Rc};

    use super::*;

    /// Rows as numbers in the order of their creation, with the lines that they show.
    #[derive(Clone, Default)]
    struct Paper(Rc<RefCell<Written>>);

    #[derive(Default)]
    struct Written {
        /// From top to bottom: a row and the key of its line.
        rows: Vec<(usize, u64)>,
        made: usize,
        changed: usize,
    }

    impl Surface for Paper {
        type Row = usize;

        fn insert(&self, line: &Line, before: Option<&usize>) -> Option<usize> {
            let mut written = self.0.borrow_mut();
            let row = written.made;
            written.made += 1;
            let place = before.and_then(|before| place(&written, *before));
            let place = place.unwrap_or(written.rows.len());
            written.rows.insert(place, (row, line.key));
            Some(row)
        }

        fn change(&self, row: &usize, from: &Line, to: &Line) {
            let mut written = self.0.borrow_mut();
            let place = place(&written, *row).expect("a row that is there");
            assert_eq!(written.rows[place].1, from.key);
            written.rows[place].1 = to.key;
            written.changed += 1;
        }

        fn remove(&self, row: &usize) {
            let mut written = self.0.borrow_mut();
            let place = place(&written, *row).expect("a row that is there");
            written.rows.remove(place);
        }
    }

    fn place(written: &Written, row: usize) -> Option<usize> {
        written.rows.iter().position(|(own, _)| *own == row)
    }

    /// Lines with consecutive keys, as in a feed.
    struct Feed(Vec<Arc<Line>>);

    impl Feed {
        fn new() -> Self {
            let line = |key| Line {
                key,
                ..Line::default()
            };
            Self((0..100).map(line).map(Arc::new).collect())
        }

        fn lines(&self, from: usize, to: usize) -> &[Arc<Line>] {
            &self.0[from..to]
        }
    }

    fn drawn() -> (Rows<Paper>, Paper, Feed) {
        let paper = Paper::default();
        (Rows::new(paper.clone()), paper, Feed::new())
    }

    fn keys(paper: &Paper) -> Vec<u64> {
        let rows = &paper.0.borrow().rows;
        rows.iter().map(|(_, key)| *key).collect()
    }

    #[test]
    fn exactly_the_given_lines_are_shown_after_any_others() {
        let (mut rows, paper, feed) = drawn();
        for (from, to) in [
            (0, 3),
            (0, 5),
            (3, 9),
            (1, 9),
            (1, 4),
            (50, 60),
            (20, 24),
            (22, 40),
            (22, 22),
            (90, 100),
            (0, 100),
        ] {
            rows.show(feed.lines(from, to));
            let expected: Vec<_> = (from as u64..to as u64).collect();
            assert_eq!(keys(&paper), expected, "{from} to {to}");
        }
    }

    #[test]
    fn a_line_that_was_shown_before_stays_in_its_row() {
        let (mut rows, paper, feed) = drawn();
        rows.show(feed.lines(10, 14));
        let row_of = |key| {
            let rows = &paper.0.borrow().rows;
            rows.iter()
                .find(|(_, own)| *own == key)
                .map(|(row, _)| *row)
        };
        let before = [row_of(12), row_of(13)];
        rows.show(feed.lines(12, 20));
        assert_eq!([row_of(12), row_of(13)], before);
        rows.show(feed.lines(5, 14));
        assert_eq!([row_of(12), row_of(13)], before);
        assert_eq!(paper.0.borrow().changed, 0);
    }

    #[test]
    fn a_flood_creates_no_rows() {
        let (mut rows, paper, feed) = drawn();
        for from in [0, 20, 40, 60, 80] {
            rows.show(feed.lines(from, from + 20));
        }
        let written = paper.0.borrow();
        assert_eq!((written.made, written.changed), (20, 80));
    }

    #[test]
    fn only_a_changed_line_is_drawn_again() {
        let (mut rows, paper, mut feed) = drawn();
        rows.show(feed.lines(0, 10));
        rows.show(feed.lines(0, 10));
        assert_eq!(paper.0.borrow().changed, 0);
        feed.0[4] = Arc::new(Line {
            note: "accepted",
            ..Line::clone(&feed.0[4])
        });
        rows.show(feed.lines(0, 10));
        let written = paper.0.borrow();
        assert_eq!((written.made, written.changed), (10, 1));
    }
}
