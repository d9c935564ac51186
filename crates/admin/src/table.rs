//! Tables and records for people.

use printable::printable;
use unicode_width::UnicodeWidthStr as _;

/// The alignment of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Align {
    /// For texts. These columns become narrower if the terminal needs it.
    Left,
    /// For numbers.
    Right,
}

/// A table with a line of titles.
#[derive(Debug)]
pub(crate) struct Table {
    columns: Vec<(&'static str, Align)>,
    rows: Vec<Vec<String>>,
}

impl Table {
    pub(crate) fn new(columns: &[(&'static str, Align)]) -> Self {
        Self {
            columns: columns.to_vec(),
            rows: Vec::new(),
        }
    }

    /// Adds a line. Control characters are escaped, so that a name cannot control the terminal.
    pub(crate) fn row<const CELLS: usize>(&mut self, cells: [String; CELLS]) {
        let cells = cells.iter().map(|cell| printable(cell).into_owned());
        self.rows.push(cells.collect());
    }

    /// Returns the lines. `width` is that of the terminal, in columns; without one no text is cut.
    pub(crate) fn render(&self, width: Option<usize>) -> String {
        let widths = self.widths(width);
        let titles = self.columns.iter().map(|(title, _)| (*title).to_owned());
        let titles = titles.collect();
        let mut text = String::new();
        for row in std::iter::once(&titles).chain(&self.rows) {
            self.push_line(row, &widths, &mut text);
        }
        text
    }

    fn push_line(&self, row: &[String], widths: &[usize], text: &mut String) {
        let start = text.len();
        for ((cell, width), (_, align)) in row.iter().zip(widths).zip(&self.columns) {
            let cell = cut(cell, *width);
            let space = " ".repeat(width - cell.width());
            match align {
                Align::Left => text.extend([&cell, space.as_str()]),
                Align::Right => text.extend([space.as_str(), &cell]),
            }
            text.push_str(GAP);
        }
        text.truncate(start + text[start..].trim_end().len());
        text.push('\n');
    }

    /// Returns the widths of the columns. The widest texts give way until the table fits, or all are narrow.
    fn widths(&self, limit: Option<usize>) -> Vec<usize> {
        let titles = self.columns.iter().map(|(title, _)| title.width());
        let mut widths: Vec<_> = titles.collect();
        for row in &self.rows {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = cell.width().max(*width);
            }
        }
        let gaps = GAP.len() * self.columns.len().saturating_sub(1);
        let limit = limit.unwrap_or(usize::MAX);
        while widths.iter().sum::<usize>() + gaps > limit {
            let texts = widths.iter_mut().zip(&self.columns);
            let texts = texts.filter(|(_, (_, align))| *align == Align::Left);
            let widest = texts.map(|(width, _)| width).max();
            match widest {
                Some(width) if *width > MIN_WIDTH => *width -= 1,
                _ => break,
            }
        }
        widths
    }
}

/// Returns lines of labels and values, with the values below each other.
pub(crate) fn record(fields: &[(&str, String)]) -> String {
    let labels = fields.iter().map(|(label, _)| label.width());
    let width = labels.max().unwrap_or(0);
    let lines = fields.iter().map(|(label, value)| {
        let space = " ".repeat(width - label.width());
        let line = format!("{label}{space}{GAP}{}", printable(value));
        format!("{}\n", line.trim_end())
    });
    lines.collect()
}

/// Returns the beginning of a text, with a mark if something is missing.
fn cut(text: &str, width: usize) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let mut kept = String::new();
    for char in text.chars() {
        kept.push(char);
        if kept.width() >= width {
            break;
        }
    }
    // The mark needs one column; a wide character leaves two.
    kept.pop();
    kept.push(CUT);
    kept
}

/// The space between columns.
const GAP: &str = "  ";
/// The end of a text of which something is missing.
const CUT: char = '…';
/// The width at which texts no longer give way.
const MIN_WIDTH: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Table {
        let mut table = Table::new(&[
            ("NAME", Align::Left),
            ("WAITING", Align::Right),
            ("STATE", Align::Left),
        ]);
        table.row(["orders.europe.paid".into(), "12".into(), String::new()]);
        table.row(["a\x1b[2J".into(), "1234567890".into(), "paused".into()]);
        table.row(["주문".into(), "7".into(), "paused".into()]);
        table
    }

    #[test]
    fn numbers_are_aligned_at_the_right_and_wide_characters_count_twice() {
        let expected = "\
NAME                   WAITING  STATE
orders.europe.paid          12
a\\u{1b}[2J          1234567890  paused
주문                         7  paused
";
        assert_eq!(table().render(None), expected);
    }

    #[test]
    fn texts_give_way_to_a_narrow_terminal() {
        let expected = "\
NAME           WAITING  STATE
orders.eu…          12
a\\u{1b}[2J  1234567890  paused
주문                 7  paused
";
        assert_eq!(table().render(Some(30)), expected);
        // Nothing is narrower than this.
        let narrowest = table().render(Some(1));
        assert_eq!(
            narrowest.lines().next(),
            Some("NAME         WAITING  STATE")
        );
    }

    #[test]
    fn a_text_is_cut_between_characters() {
        for (width, expected) in [(6, "주문서"), (5, "주문…"), (4, "주…"), (3, "주…")]
        {
            assert_eq!(cut("주문서", width), expected, "{width}");
        }
    }

    #[test]
    fn values_of_a_record_are_below_each_other() {
        let fields = [("name", "a\nb".to_owned()), ("consumers", "0".to_owned())];
        assert_eq!(record(&fields), "name       a\\nb\nconsumers  0\n");
    }
}
