//! The other pages that are open, and whether their columns are equal to those of this page. Pure.

use super::{
    comparison::{Agreement, Claim, check},
    message::Note,
    row::Row,
};

/// The notes of other pages.
#[derive(Clone, Debug, Default)]
pub struct Others {
    /// In the order in which the pages were found; at most [`MOST_PAGES`]. The notes of further pages are ignored until a
    /// page has left.
    pages: Vec<Page>,
    /// True if notes were ignored since the last call of [`Others::forget_silent`].
    has_more: bool,
}

#[derive(Clone, Debug)]
struct Page {
    note: Note,
    heard_ms: f64,
}

/// Another page, compared with this one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Other {
    pub page: String,
    /// The columns of the page that have messages of the run.
    pub columns: usize,
    /// Messages of its longest column.
    pub count: usize,
    pub agreement: Agreement,
}

impl Others {
    pub fn take(&mut self, note: Note, now_ms: f64) {
        let page = Page {
            note,
            heard_ms: now_ms,
        };
        let is_known = |own: &Page| own.note.page == page.note.page;
        match self.pages.iter().position(is_known) {
            Some(index) => self.pages[index] = page,
            None if self.pages.len() < MOST_PAGES => self.pages.push(page),
            None => self.has_more = true,
        }
    }

    /// Removes the pages that have been silent for [`SILENT_MS`]: they were closed, or have lost the connection.
    pub fn forget_silent(&mut self, now_ms: f64) {
        self.pages.retain(|page| now_ms - page.heard_ms < SILENT_MS);
        self.has_more = false;
    }

    /// Returns true if there are more pages than are compared.
    pub fn has_more(&self) -> bool {
        self.has_more
    }

    /// Compares the columns of the other pages with a column of this page. Pages that show another run are listed without
    /// columns.
    pub fn compared(&self, run: &str, rows: &[Row]) -> Vec<Other> {
        let pages = self.pages.iter().map(|page| {
            let is_same_run = !run.is_empty() && page.note.run == run;
            let claims = if is_same_run {
                &page.note.claims[..]
            } else {
                &[]
            };
            Other {
                page: page.note.page.clone(),
                columns: claims.len(),
                count: claims
                    .iter()
                    .map(|claim| claim.count)
                    .max()
                    .unwrap_or_default(),
                agreement: agreement(claims, rows),
            }
        });
        pages.collect()
    }
}

/// Returns the result for a page: one different column is a difference, and one equal column is enough if the others are not
/// known yet.
fn agreement(claims: &[Claim], rows: &[Row]) -> Agreement {
    let mut agreement = Agreement::Unknown;
    for claim in claims {
        match check(claim, rows) {
            Agreement::Different => return Agreement::Different,
            Agreement::Same => agreement = Agreement::Same,
            Agreement::Unknown => {}
        }
    }
    agreement
}

/// The most pages that are compared.
const MOST_PAGES: usize = 50;
/// Several times the longest pause between the notes of a page in a hidden window, whose timers run once a second.
const SILENT_MS: f64 = 8_000.0;

#[cfg(test)]
mod tests {
    use super::{super::comparison::claim, *};

    fn rows(positions: std::ops::Range<u64>) -> Vec<Row> {
        let row = |position| Row {
            position,
            producer: 0,
            number: 1,
        };
        positions.map(row).collect()
    }

    fn note(page: usize, run: &str, columns: &[Vec<Row>]) -> Note {
        Note {
            page: format!("P{page}"),
            run: run.into(),
            claims: columns.iter().filter_map(|rows| claim(rows)).collect(),
        }
    }

    #[test]
    fn each_page_is_compared_by_its_newest_note() {
        let mut others = Others::default();
        let own = rows(1..10);
        others.take(note(1, "R", &[rows(2..5), rows(9..20)]), 0.0);
        others.take(note(2, "R", &[rows(2..5), rows(5..7)]), 0.0);
        let mut swapped = rows(2..8);
        swapped.swap(1, 2);
        others.take(note(2, "R", &[rows(2..5), swapped]), 1.0);
        others.take(note(3, "older", &[rows(2..5)]), 1.0);
        let found: Vec<_> = others
            .compared("R", &own)
            .iter()
            .map(|other| (other.columns, other.count, other.agreement))
            .collect();
        let expected = [
            (2, 11, Agreement::Same),
            (2, 6, Agreement::Different),
            (0, 0, Agreement::Unknown),
        ];
        assert_eq!(found, expected);
        assert!(
            others
                .compared("", &own)
                .iter()
                .all(|other| other.columns == 0)
        );
    }

    #[test]
    fn a_silent_page_is_forgotten() {
        let mut others = Others::default();
        others.take(note(1, "R", &[]), 0.0);
        others.take(note(2, "R", &[]), 5_000.0);
        others.forget_silent(SILENT_MS);
        let left = others.compared("R", &[]);
        assert_eq!((left.len(), left[0].page.as_str()), (1, "P2"));
    }

    #[test]
    fn the_number_of_pages_is_bounded() {
        let mut others = Others::default();
        for page in 0..MOST_PAGES + 5 {
            others.take(note(page, "R", &[]), 0.0);
        }
        others.take(note(0, "R", &[rows(1..2)]), 1.0);
        assert!(others.has_more());
        let found = others.compared("R", &rows(1..2));
        assert_eq!(
            (found.len(), found[0].agreement),
            (MOST_PAGES, Agreement::Same)
        );
        others.forget_silent(1.0);
        assert!(!others.has_more());
    }
}
