//! The lines of a list to draw. During a flood no reader can read each line, so a reader who follows gets only the lines
//! in view, and a reader who has scrolled up keeps the lines that were there. Pure; `components::message_list` draws
//! the lines and calls `calm` after a pause.

use std::sync::Arc;

use crate::line::Line;

/// The reader's position in the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reader {
    /// At the newest line.
    Following,
    ScrolledUp,
}

#[derive(Debug, Default)]
pub struct Flood {
    newest: Option<u64>,
    is_on: bool,
    /// The lines that a reader has scrolled up to during a flood.
    held: Option<Vec<Arc<Line>>>,
}

impl Flood {
    /// Notes the current lines. Returns true if more new lines came at once than a reader can read. The flood lasts
    /// until [`calm`](Self::calm).
    pub fn note(&mut self, lines: &[Arc<Line>]) -> bool {
        let newest = lines.last().map(|line| line.key);
        let before = std::mem::replace(&mut self.newest, newest);
        let (Some(newest), Some(before)) = (newest, before) else {
            return false;
        };
        let is_more = newest.saturating_sub(before) > MOST_READABLE;
        self.is_on |= is_more;
        is_more
    }

    /// Ends the flood. Called after a pause with few new lines.
    pub fn calm(&mut self) {
        self.is_on = false;
    }

    /// Returns the lines to draw.
    pub fn drawn<'a>(&'a mut self, lines: &'a [Arc<Line>], reader: Reader) -> &'a [Arc<Line>] {
        match (self.is_on, reader) {
            (true, Reader::ScrolledUp) => self.held.get_or_insert_with(|| lines.to_vec()),
            (is_on, _) => {
                self.held = None;
                let most = if is_on { IN_VIEW } else { lines.len() };
                &lines[lines.len().saturating_sub(most)..]
            }
        }
    }
}

/// Maximum number of new lines in a frame that a reader can read.
const MOST_READABLE: u64 = 8;
/// At least as many lines as the list has room for.
const IN_VIEW: usize = 40;

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(from: u64, to: u64) -> Vec<Arc<Line>> {
        let line = |key| Line {
            key,
            ..Line::default()
        };
        (from..to).map(line).map(Arc::new).collect()
    }

    fn keys(drawn: &[Arc<Line>]) -> Option<(u64, u64)> {
        Some((drawn.first()?.key, drawn.last()?.key))
    }

    /// Returns a list after a flood: the lines 900 to 1099 came at once.
    fn flooded() -> (Flood, Vec<Arc<Line>>) {
        let mut flood = Flood::default();
        flood.note(&lines(800, 1000));
        let all = lines(900, 1100);
        assert!(flood.note(&all));
        (flood, all)
    }

    #[test]
    fn few_new_lines_at_a_time_are_no_flood() {
        let mut flood = Flood::default();
        assert!(!flood.note(&[]));
        assert!(!flood.note(&lines(0, 200)), "the first lines there are");
        assert!(!flood.note(&lines(0, 200)));
        assert!(!flood.note(&lines(8, 208)));
        assert!(flood.note(&lines(17, 217)));
        assert!(!flood.note(&[]), "the list was cleared");
        assert!(!flood.note(&lines(400, 500)));
    }

    #[test]
    fn without_a_flood_all_lines_are_drawn() {
        let mut flood = Flood::default();
        let all = lines(0, 200);
        flood.note(&all);
        for reader in [Reader::Following, Reader::ScrolledUp] {
            assert_eq!(flood.drawn(&all, reader).len(), 200);
        }
        assert!(flood.drawn(&[], Reader::Following).is_empty());
    }

    #[test]
    fn a_reader_who_follows_a_flood_sees_its_newest_lines() {
        let (mut flood, all) = flooded();
        let drawn = flood.drawn(&all, Reader::Following);
        assert_eq!(keys(drawn), Some((1060, 1099)));
        let few = &all[190..];
        assert_eq!(flood.drawn(few, Reader::Following).len(), 10);
    }

    #[test]
    fn a_reader_who_has_scrolled_up_keeps_the_lines() {
        let (mut flood, all) = flooded();
        flood.drawn(&all, Reader::ScrolledUp);
        let later = lines(2000, 2200);
        flood.note(&later);
        let drawn = flood.drawn(&later, Reader::ScrolledUp);
        assert_eq!(keys(drawn), Some((900, 1099)));
        let drawn = flood.drawn(&later, Reader::Following);
        assert_eq!(keys(drawn), Some((2160, 2199)), "back at the newest");
        let drawn = flood.drawn(&later, Reader::ScrolledUp);
        assert_eq!(keys(drawn), Some((2000, 2199)), "and up again");
    }

    #[test]
    fn after_a_flood_all_lines_are_drawn_again() {
        let (mut flood, all) = flooded();
        flood.drawn(&all, Reader::ScrolledUp);
        flood.note(&lines(901, 1101));
        flood.calm();
        let now = lines(901, 1101);
        let drawn = flood.drawn(&now, Reader::ScrolledUp);
        assert_eq!(keys(drawn), Some((901, 1100)));
    }
}
