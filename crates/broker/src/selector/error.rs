//! Errors of the selector parser.

use super::{FieldPath, JsonFields, Selector};

/// The rule that a text breaks, and the position.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("column {column}: {fault}")]
pub struct InvalidSelector {
    /// The position, in characters from 1.
    pub column: usize,
    /// The broken rule.
    pub fault: SelectorFault,
}

/// The rules that a selector can break.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SelectorFault {
    /// A different token is required at this position.
    #[error("expected {expected}, found {found}")]
    Expected {
        /// The required token or kind of expression.
        expected: &'static str,
        /// The actual token in quotes, or a description.
        found: String,
    },
    /// A quoted string or identifier without a closing quote.
    #[error("the quote {0} is not closed")]
    Unclosed(char),
    /// A text that begins like a number but is not one.
    #[error("{0:?} is not a number")]
    NotANumber(String),
    /// An exact numeral beyond 64 bits, or an infinite approximate one.
    #[error("{0} is out of range")]
    OutOfRange(String),
    /// Longer than [`Selector::MAX_BYTES`].
    #[error("longer than {} bytes", Selector::MAX_BYTES)]
    TooLong,
    /// Nested deeper than [`Selector::MAX_DEPTH`].
    #[error("nested deeper than {} levels", Selector::MAX_DEPTH)]
    TooDeep,
    /// More terms than [`Selector::MAX_TERMS`].
    #[error("more than {} identifiers and literals", Selector::MAX_TERMS)]
    TooManyTerms,
    /// More pattern characters than [`Selector::MAX_PATTERN_CHARS`].
    #[error(
        "more than {} characters in patterns of LIKE and REGEXP",
        Selector::MAX_PATTERN_CHARS
    )]
    PatternsTooLong,
    /// A part of a pattern longer than [`Selector::MAX_PART_CHARS`].
    #[error(
        "more than {} characters, with _ among them, between two % of LIKE",
        Selector::MAX_PART_CHARS
    )]
    PartTooLong,
    /// More parts to search for than [`Selector::MAX_SEARCHES`].
    #[error(
        "more than {} parts between two % in patterns of LIKE, and patterns of REGEXP, together",
        Selector::MAX_SEARCHES
    )]
    TooManySearches,
    /// More parts to search for in the body than [`Selector::MAX_BODY_SEARCHES`].
    #[error(
        "more than {} parts between two % in patterns of LIKE, and patterns of REGEXP, together, for the body and its \
         fields; one pattern of REGEXP can have alternatives: 'a|b|c'",
        Selector::MAX_BODY_SEARCHES
    )]
    TooManyBodySearches,
    /// A pattern of `REGEXP` that is no regular expression, or has an operator that is not supported.
    #[error("invalid pattern of REGEXP: {0}")]
    InvalidRegexp(String),
    /// Patterns of `REGEXP` that are larger than [`Selector::MAX_REGEXP_BYTES`] when they are compiled.
    #[error(
        "the patterns of REGEXP are too large when they are compiled; use shorter repetitions and smaller classes"
    )]
    RegexpTooLarge,
    /// A dot without a field after it.
    #[error(
        "the name of a field is missing after the dot; a name that is not a word is in double quotes"
    )]
    NoField,
    /// A field deeper than [`FieldPath::MAX_LEVELS`].
    #[error(
        "the field of the body is deeper than {} levels",
        FieldPath::MAX_LEVELS
    )]
    FieldTooDeep,
    /// More than [`JsonFields::MAX_PASSES`] fields that contain each other.
    #[error(
        "more than {} fields of the body that contain each other",
        JsonFields::MAX_PASSES
    )]
    TooManyNestedFields,
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

/// Shortens a text of any length for an error message.
pub(super) fn shorten(text: &str) -> String {
    const SHOWN: usize = 40;
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
