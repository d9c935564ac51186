//! Why a text is not a selector, and where.

use super::Selector;

/// Why a text is not a selector, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("column {column}: {fault}")]
pub struct InvalidSelector {
    /// The place, in characters from 1.
    pub column: usize,
    /// The rule that is broken.
    pub fault: SelectorFault,
}

/// The rules a selector can break.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SelectorFault {
    /// Something else belongs there.
    #[error("expected {expected}, found {found}")]
    Expected {
        /// What belongs there.
        expected: &'static str,
        /// What is there, in quotes, or in words.
        found: String,
    },
    /// A quoted string or identifier without its end.
    #[error("the quote {0} is not closed")]
    Unclosed(char),
    /// What begins like a number and is none.
    #[error("{0:?} is not a number")]
    NotANumber(String),
    /// An exact numeral beyond 64 bits, or an approximate one that is infinite.
    #[error("{0} is out of range")]
    OutOfRange(String),
    /// More than [`Selector::MAX_BYTES`].
    #[error("longer than {} bytes", Selector::MAX_BYTES)]
    TooLong,
    /// More than [`Selector::MAX_DEPTH`].
    #[error("nested deeper than {} levels", Selector::MAX_DEPTH)]
    TooDeep,
    /// More than [`Selector::MAX_TERMS`].
    #[error("more than {} identifiers and literals", Selector::MAX_TERMS)]
    TooManyTerms,
    /// More than [`Selector::MAX_PATTERN_CHARS`].
    #[error(
        "more than {} characters in patterns of LIKE",
        Selector::MAX_PATTERN_CHARS
    )]
    PatternsTooLong,
    /// More than [`Selector::MAX_PART_CHARS`].
    #[error(
        "more than {} characters, with _ among them, between two % of LIKE",
        Selector::MAX_PART_CHARS
    )]
    PartTooLong,
    /// More than [`Selector::MAX_SEARCHES`].
    #[error(
        "more than {} parts between two % in patterns of LIKE",
        Selector::MAX_SEARCHES
    )]
    TooManySearches,
}

impl InvalidSelector {
    pub(super) fn too_long(text: &str) -> Self {
        let within = text.floor_char_boundary(Selector::MAX_BYTES);
        Self {
            column: text[..within].chars().count() + 1,
            fault: SelectorFault::TooLong,
        }
    }
}

/// Keeps an error's text readable whatever was sent.
pub(super) fn shorten(text: &str) -> String {
    const SHOWN: usize = 40;
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
