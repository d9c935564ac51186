//! Boards: live pages that a person puts together from tiles. A board is a JSON document that the broker retains on the
//! topic `$BOARDS.NAME`, so an open board follows it like any other topic. `pages::boards` draws it.
//!
//! Pure, except `desk`, `saving` and `sending`. The server checks a board with the same functions before it publishes it.

mod change;
mod desk;
mod example;
mod field;
mod kind;
mod layout;
mod list;
mod model;
mod read;
mod reading;
mod saving;
mod sending;
mod spans;
mod state;
mod values;

pub use change::Edits;
pub use desk::{Desk, Phase, Saving};
pub use example::{EXAMPLE, example};
pub use field::{rounded, written};
pub use kind::{Kind, Setting};
pub use layout::{COLUMNS, in_reading_order, placed, stepped};
pub use list::{Boards, LIST, Listed};
pub use model::{Board, Place, Tile};
#[cfg(feature = "ssr")]
pub use model::{MOST_BOARD_BYTES, tag};
pub use read::check;
pub use sending::{Outcome, Sender};
pub use spans::{HEIGHT, Spans, WIDTH};
pub use state::{Line, Mark, Row, Shown, State, unfolded};

use crate::address::encoded;

/// The beginning of the names of the topics that have the boards.
pub const PREFIX: &str = "$BOARDS.";

/// Returns the topic of a board.
pub fn topic(name: &str) -> String {
    format!("{PREFIX}{name}")
}

/// Returns the address of a board in the API.
pub fn address(name: &str) -> String {
    format!("api/boards/{}", encoded(name))
}

/// Returns the address of a board with the last values of its topics.
pub fn values_address(name: &str) -> String {
    format!("{}/values", address(name))
}

/// Returns the path of a board's page.
pub fn link(name: &str) -> String {
    format!("boards/{}", encoded(name))
}

/// Returns the fault of a name for a board; `None` if it is a name. A name may have levels, so that rights can be given
/// for several boards (`$BOARDS.hall.>`).
pub fn name_fault(name: &str) -> Option<&'static str> {
    if name.is_empty() {
        return Some("the name is empty");
    }
    if name.len() > MOST_NAME_BYTES {
        return Some("the name is longer than 128 bytes");
    }
    if !name.chars().all(is_of_name) {
        return Some("the name has characters other than letters, digits and - _ .");
    }
    name.split('.')
        .any(str::is_empty)
        .then_some("a level of the name is empty")
}

/// Returns whether a name may have a character: ASCII letters and digits, `-`, `_`, `.`, and all other characters but white
/// space, controls and those that change the order of text. The tables of Unicode's letters would be downloaded with the page.
pub fn is_of_name(character: char) -> bool {
    match character {
        'a'..='z' | 'A'..='Z' | '0'..='9' | '-' | '_' | '.' => true,
        '\0'..='\u{a0}' | '\u{2000}'..='\u{206f}' | '\u{3000}' | '\u{feff}' => false,
        other => !other.is_whitespace(),
    }
}

const MOST_NAME_BYTES: usize = 128;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_boards_are_levels_of_letters_and_digits() {
        for name in ["hall", "hall.line-1", "작업장", "a_b.c"] {
            assert_eq!(name_fault(name), None, "{name}");
        }
        for name in [
            "",
            ".",
            "a..b",
            "a/b",
            "a b",
            "a*",
            "$a",
            "a\n",
            "..",
            ".a",
            "a\u{202e}b",
        ] {
            assert!(name_fault(name).is_some(), "{name:?}");
        }
        assert!(name_fault(&"a".repeat(129)).is_some());
    }

    #[test]
    fn a_board_has_a_topic_and_addresses() {
        assert_eq!(topic("hall"), "$BOARDS.hall");
        assert_eq!(link("작"), "boards/%EC%9E%91");
        assert_eq!(values_address("a.b"), "api/boards/a.b/values");
    }
}
