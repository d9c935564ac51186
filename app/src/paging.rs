//! The pages of a list that the API returns in parts: the way from the first page to the shown one. Pure.

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pages {
    /// The place after which the shown page and each page before it begin; empty for the first page.
    way: Vec<String>,
    /// The place after which the next page begins; `None` if there is none, or the shown page has not arrived.
    next: Option<String>,
}

impl Pages {
    /// Returns the place after which the shown page begins; empty for the first page.
    pub fn after(&self) -> &str {
        self.way.last().map_or("", String::as_str)
    }

    pub fn is_first(&self) -> bool {
        self.way.is_empty()
    }

    pub fn has_more(&self) -> bool {
        self.next.is_some() && self.way.len() < MOST_PAGES
    }

    /// Returns the number of the shown page; the first has 1.
    pub fn number(&self) -> usize {
        self.way.len() + 1
    }

    /// Notes the place after which the next page begins.
    pub fn set_next(&mut self, next: Option<String>) {
        self.next = next;
    }

    /// Goes to another page, which has not arrived yet.
    pub fn turn(&mut self, turn: Turn) {
        let next = self.next.take();
        match turn {
            Turn::First => self.way.clear(),
            Turn::Back => drop(self.way.pop()),
            Turn::Next if self.way.len() < MOST_PAGES => self.way.extend(next),
            Turn::Next => {}
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    First,
    Back,
    Next,
}

/// Maximum number of pages that the reader can go back.
const MOST_PAGES: usize = 10_000;

#[cfg(test)]
mod tests {
    use super::{Pages, Turn};

    #[test]
    fn the_reader_goes_on_and_back() {
        let mut pages = Pages::default();
        assert!(pages.is_first() && !pages.has_more());
        pages.set_next(Some("a".into()));
        pages.turn(Turn::Next);
        assert_eq!(
            (pages.after(), pages.number(), pages.has_more()),
            ("a", 2, false)
        );
        pages.set_next(Some("b".into()));
        pages.turn(Turn::Next);
        pages.turn(Turn::Back);
        assert_eq!(pages.after(), "a");
        pages.set_next(Some("b".into()));
        pages.turn(Turn::Next);
        pages.turn(Turn::First);
        assert!(pages.is_first());
        pages.turn(Turn::Back);
        assert_eq!(pages.number(), 1);
    }

    #[test]
    fn the_last_page_has_no_next() {
        let mut pages = Pages::default();
        pages.set_next(None);
        pages.turn(Turn::Next);
        assert!(pages.is_first());
    }
}
