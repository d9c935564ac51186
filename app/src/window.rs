//! The rows of a long list that are near its view: only these have elements. All rows have the same height. Pure.

use std::ops::Range;

/// The visible part of a list, in CSS pixels.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct View {
    /// Distance from the top of the list to the top of the view.
    pub top_px: f64,
    pub height_px: f64,
}

impl Default for View {
    /// The view before the browser has measured it: the server draws the first rows.
    fn default() -> Self {
        Self {
            top_px: 0.0,
            height_px: 25.0 * ROW_PX,
        }
    }
}

impl View {
    /// Returns the rows in view, and a few before and after, of a list with `count` rows.
    pub fn rows(self, count: usize) -> Range<usize> {
        let first = (self.top_px.max(0.0) / ROW_PX) as usize;
        let visible = (self.height_px.max(0.0) / ROW_PX) as usize + 2;
        let start = first.saturating_sub(BESIDE).min(count);
        start..(first + visible + BESIDE).min(count)
    }

    /// Returns the top of the view after which a row is completely in view; `None` if it is already. `head_px` is the height of
    /// a head that covers the top of the view.
    pub fn top_to_show(self, row: usize, head_px: f64) -> Option<f64> {
        let (row_top, row_end) = (top_px(row), top_px(row + 1));
        let room = self.height_px - head_px;
        if row_top < self.top_px {
            Some(row_top)
        } else if row_end > self.top_px + room {
            Some((row_end - room).max(0.0))
        } else {
            None
        }
    }

    /// Returns true if the end of a list with `count` rows is in view, or nearly.
    pub fn is_at_end(self, count: usize) -> bool {
        top_px(count) - (self.top_px + self.height_px) < ROW_PX
    }

    /// Returns the number of rows that fit into the view.
    pub fn page(self) -> usize {
        ((self.height_px / ROW_PX) as usize)
            .saturating_sub(1)
            .max(1)
    }
}

/// Returns the distance from the top of the list to a row.
pub fn top_px(row: usize) -> f64 {
    row as f64 * ROW_PX
}

/// The height of a row; the style sheet has the same number.
pub const ROW_PX: f64 = 36.0;
/// Rows beside the view that have elements too, so that a fast scroll shows no empty rows.
const BESIDE: usize = 6;

#[cfg(test)]
mod tests {
    use super::*;

    fn view(top_px: f64, rows: f64) -> View {
        View {
            top_px,
            height_px: rows * ROW_PX,
        }
    }

    #[test]
    fn only_rows_near_the_view_are_drawn() {
        for (top_px, count, expected) in [
            (0.0, 0, 0..0),
            (0.0, 3, 0..3),
            (0.0, 100_000, 0..18),
            (1000.0 * ROW_PX, 100_000, 994..1018),
            (1000.0 * ROW_PX + 35.0, 100_000, 994..1018),
            (99_990.0 * ROW_PX, 100_000, 99_984..100_000),
            (-50.0, 100, 0..18),
            (5000.0 * ROW_PX, 10, 10..10),
        ] {
            assert_eq!(view(top_px, 10.0).rows(count), expected, "{top_px} {count}");
        }
    }

    #[test]
    fn a_row_is_brought_into_view_by_the_shortest_way() {
        let view = view(10.0 * ROW_PX, 10.0);
        for (row, rows_above) in [
            (10, None),
            (18, None),
            (9, Some(9.0)),
            (0, Some(0.0)),
            (19, Some(11.0)),
            (30, Some(22.0)),
        ] {
            let expected = rows_above.map(|rows| rows * ROW_PX);
            assert_eq!(view.top_to_show(row, ROW_PX), expected, "{row}");
        }
    }

    #[test]
    fn the_end_is_known() {
        assert!(view(0.0, 10.0).is_at_end(3));
        assert!(view(90.0 * ROW_PX, 10.0).is_at_end(100));
        assert!(view(89.5 * ROW_PX, 10.0).is_at_end(100));
        assert!(!view(80.0 * ROW_PX, 10.0).is_at_end(100));
        assert_eq!(view(0.0, 10.0).page(), 9);
    }
}
