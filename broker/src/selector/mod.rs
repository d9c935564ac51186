//! Message selectors: which messages a subscription wants, by their headers.
//!
//! This module owns the language: reading, printing and evaluating it. What a message's properties are is
//! told by [`Properties`]; `entry.rs` tells it of the broker's entries. When a selector is asked is the
//! business of those who deliver.

mod display;
mod entry;
mod error;
mod expression;
mod grammar;
mod lexer;
mod like;
mod number;
mod parser;
mod properties;
mod value;

#[cfg(test)]
mod tests;

use std::{fmt, str::FromStr};

use expression::{Context, Expression};
use lexer::Lexer;
use parser::Parser;
use value::Strings;

pub use error::{InvalidSelector, SelectorFault};
pub use properties::Properties;
pub use value::Value;

/// A condition on a message's properties, in the SQL-92 subset of JMS 1.1, section 3.8.1, such as
/// `type = 'car' AND (weight > 2500 OR colour IN ('blue', 'red'))`.
///
/// # What there is
/// - Literals: `'it''s'`, `57`, `0x1F`, `017`, `57L`, `-95.7`, `7E3`, `TRUE`, `FALSE`. Exact numerals are of
///   64 bits.
/// - Identifiers: letters, digits, `_` and `$`, case-sensitive. As an extension, any name in double quotes
///   with doubled quotes inside: `"content-type" = 'text/plain'`.
/// - In order of precedence: unary `+ -`; `* / %`; `+ -`; `= <> < <= > >=`, `[NOT] BETWEEN .. AND ..`,
///   `[NOT] IN ('a', 'b')`, `[NOT] LIKE 'a_b%' [ESCAPE '\']`, `IS [NOT] NULL`; `NOT`; `AND`; `OR`. `%`, the
///   remainder, is ActiveMQ's extension. Keywords are case-insensitive. There are no comments.
///
/// # Unknown
/// The logic is SQL's, with three values. What is computed from or compared with a missing property is
/// unknown; so is arithmetic on what is not a number and arithmetic without a finite result, such as a
/// division by zero. Only `IS NULL` tells. A selector that is unknown does not match.
///
/// # Strings that are numbers
/// STOMP's headers are all strings. So a string counts as the number, or the `true` or `false` (of any
/// case), that the whole of it is written as, wherever one is asked for: in arithmetic; with `<`, `<=`, `>`,
/// `>=` and `BETWEEN`, which are for numbers alone; beside a number or a boolean with `=` and `<>`; and
/// where it stands alone as a condition, which is short for `= TRUE`. Two strings are equal if they are the
/// same string; `+a = +b` compares them as numbers. A string of more than 64 bytes is no number, and of an
/// approximate one digits after the nineteenth are not looked at.
///
/// ActiveMQ converts only after the prefix `convert_string_expressions:`, and only to the kind of number that
/// is on the other side, so that `weight > 5` is false of the string `5.5`. That prefix is accepted and
/// changes nothing. `no_convert_string_expressions:`, as in ActiveMQ Artemis, is for JMS's own rule: a string
/// is never a number or a boolean.
///
/// Where kinds still do not fit, the comparison is false (JMS), and `<>` and `NOT LIKE` are the negation of
/// `=` and `LIKE`, so they are true (ActiveMQ).
///
/// # Numbers
/// Exact with exact is computed exactly; a result that does not fit 64 bits is approximate (`f64`), as is
/// everything with an approximate number. `7 / 2` is 3.5 as in ActiveMQ and not 3 as in Java, since
/// `weight / 2` must not depend on whether a publisher wrote 7 or 7.0.
///
/// # Where ActiveMQ differs
/// There `NOT a = 1` negates `a`, `<` orders string properties by their characters, `+` joins strings, `--`
/// and `/*` begin comments, what follows a complete selector is ignored, and `XPATH` and `XQUERY` look into
/// bodies.
#[derive(Debug, Clone, PartialEq)]
pub struct Selector {
    expression: Expression,
    strings: Strings,
}

impl Selector {
    /// The longest selector, in bytes.
    pub const MAX_BYTES: usize = 8 * 1024;
    /// How deep parentheses, `NOT` and signs can be nested.
    pub const MAX_DEPTH: usize = 64;
    /// The most identifiers and literals.
    pub const MAX_TERMS: usize = 256;
    /// The most characters in all patterns of `LIKE` together, an escaped one counted as one.
    pub const MAX_PATTERN_CHARS: usize = 256;
    /// The most characters between two `%` where one of them is `_`.
    pub const MAX_PART_CHARS: usize = 64;
    /// The most parts between two `%` in all patterns of `LIKE` together. Each may read the whole of a
    /// header, once whatever it says; what is at the ends of a pattern only looks at the header's ends.
    pub const MAX_SEARCHES: usize = 8;

    /// Parses a selector. One that is blank matches every message (JMS).
    ///
    /// # Errors
    /// [`InvalidSelector`] with the first rule broken.
    pub fn new(text: &str) -> Result<Self, InvalidSelector> {
        if text.len() > Self::MAX_BYTES {
            return Err(InvalidSelector::too_long(text));
        }
        let mut lexer = Lexer::new(text);
        let strings = strings(&mut lexer);
        Ok(Self {
            expression: Parser::new(lexer)?.selector()?,
            strings,
        })
    }

    /// Whether the condition is true for a message with these properties.
    ///
    /// Nothing is allocated, and the time is bounded by the selector's and the properties' sizes.
    pub fn matches<P: Properties + ?Sized>(&self, properties: &P) -> bool {
        self.truth(properties) == Some(true)
    }

    /// The same with three values; none is unknown.
    fn truth<P: Properties + ?Sized>(&self, properties: &P) -> Option<bool> {
        self.expression.truth(&Context {
            properties,
            strings: self.strings,
        })
    }
}

const CONVERT: &str = "convert_string_expressions:";
const NO_CONVERT: &str = "no_convert_string_expressions:";

/// Takes the prefix that says what strings are; of several the last counts.
fn strings(lexer: &mut Lexer<'_>) -> Strings {
    let mut strings = Strings::Converted;
    loop {
        if lexer.skip_prefix(CONVERT) {
            strings = Strings::Converted;
        } else if lexer.skip_prefix(NO_CONVERT) {
            strings = Strings::Unconverted;
        } else {
            return strings;
        }
    }
}

/// The selector in one spelling, which reads as the same selector (unless it is near the greatest length:
/// the spelling has its own spaces).
impl fmt::Display for Selector {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.strings == Strings::Unconverted {
            formatter.write_str(NO_CONVERT)?;
        }
        self.expression.fmt(formatter)
    }
}

impl FromStr for Selector {
    type Err = InvalidSelector;

    fn from_str(text: &str) -> Result<Self, InvalidSelector> {
        Self::new(text)
    }
}
