//! Message selectors: conditions on headers and body that a message must meet for a subscription to
//! receive it.
//!
//! This module parses, prints and evaluates selectors. The [`Properties`] trait supplies a
//! message's properties; `entry.rs` implements it for the broker's entries. Deciding when to
//! evaluate a selector is left to the modules that deliver messages.

mod body;
mod display;
mod entry;
mod error;
mod expression;
mod fields;
mod grammar;
mod identifier;
mod lexer;
mod like;
mod number;
mod parser;
mod properties;
mod regexp;
mod value;

#[cfg(test)]
mod tests;

use std::{fmt, str::FromStr};

use body::{Body, BodyUse};
use expression::{Context, Expression};
use lexer::Lexer;
use parser::Parser;
use value::Strings;

use crate::Entry;

pub use error::{InvalidSelector, SelectorFault};
pub use fields::{FieldValue, JsonFields};
pub use identifier::FieldPath;
pub use properties::Properties;
pub use value::Value;

/// A condition on a message's properties, in the SQL-92 subset of JMS 1.1, section 3.8.1, such as
/// `type = 'car' AND (weight > 2500 OR colour IN ('blue', 'red'))`.
///
/// # Syntax
/// - Literals: `'it''s'`, `57`, `0x1F`, `017`, `57L`, `-95.7`, `7E3`, `TRUE`, `FALSE`. Exact
///   numerals have 64 bits.
/// - Identifiers: letters, digits, `_` and `$`, case-sensitive. As an extension, any name in double
///   quotes, with doubled quotes inside: `"content-type" = 'text/plain'`.
/// - As an extension, `body` is the text of the body, and `body.data.temp` a field of a JSON body.
///   The names of fields are as in [`FieldPath`]: `body.data.0."max temp"` has an index of an array
///   and a name in quotes. A header named `body` is written `"body"`.
/// - In order of precedence: unary `+ -`; `* / %`; `+ -`; `= <> < <= > >=`, `[NOT] BETWEEN .. AND
///   ..`, `[NOT] IN ('a', 'b')`, `[NOT] LIKE 'a_b%' [ESCAPE '\']`, `[NOT] REGEXP 'a.b$'`,
///   `IS [NOT] NULL`; `NOT`; `AND`; `OR`. `%`, the remainder, is ActiveMQ's extension. Keywords are
///   case-insensitive. There are no comments.
///
/// # Bodies
/// `body` is unknown if the body is not UTF-8, or longer than [`Selector::MAX_BODY_BYTES`]. A field
/// has the value of the JSON string, number or boolean. It is unknown if it is absent, `null`, an
/// object or an array, and all fields are unknown if the body is unknown or not JSON. If a name is
/// repeated in an object, the last value that has the field counts. The media type of the body is
/// not examined. A body is decoded at most once for each evaluation, and only if the condition needs
/// it.
///
/// # Regular expressions
/// `x REGEXP 'pattern'` is true if the pattern matches a part of the text `x`, as in MySQL; `^` and
/// `$` are its beginning and end. The syntax is that of the Rust crate `regex`, without
/// backreferences and look-around: `(?i)` ignores case, characters are those of Unicode, but `\w`,
/// `\d`, `\s` and `\b` are those of ASCII. The time is linear in the text, whatever the pattern.
/// A pattern that takes long to compile is refused: with long repetitions, or with `(?i)` and large
/// classes such as `[\W]`; `[^\w]` is small.
///
/// # Unknown values
/// The logic is SQL's three-valued logic. A comparison or computation with a missing property is
/// unknown. Arithmetic on a value that is not a number, and arithmetic without a finite result such
/// as a division by zero, is unknown too. `IS NULL` is the only test that is true for a missing
/// property. A selector whose result is unknown does not match.
///
/// # Strings that contain numbers
/// All STOMP headers are strings. So a string is converted if the whole of it is a number, or
/// `true` or `false` in any case, and a number or boolean is expected in its place: in arithmetic;
/// with `<`, `<=`, `>`, `>=` and `BETWEEN`, which accept only numbers; if the other side of `=` or
/// `<>` is a number or a boolean; and as a condition of its own, which is short for `= TRUE`. Two
/// strings are equal if they are identical; `+a = +b` compares them as numbers. A string of more
/// than 64 bytes is never a number, and digits of an approximate number after the nineteenth are
/// ignored.
///
/// ActiveMQ converts only after the prefix `convert_string_expressions:`, and only to the kind of
/// number on the other side, so that `weight > 5` is false for the string `5.5`. This parser
/// accepts that prefix and ignores it. The prefix `no_convert_string_expressions:`, known from
/// ActiveMQ Artemis, selects JMS's own rule: a string is never a number or a boolean.
///
/// If the kinds still do not match, the comparison is false (JMS). `<>` and `NOT LIKE` are the
/// negation of `=` and `LIKE`, so they are true (ActiveMQ).
///
/// # Numbers
/// Operations on two exact numbers are exact. A result that does not fit 64 bits is approximate
/// (`f64`), and so is every result with an approximate operand. `7 / 2` is 3.5 as in ActiveMQ and
/// not 3 as in Java, since `weight / 2` must not depend on the publisher writing 7 or 7.0.
///
/// # Differences from ActiveMQ
/// In ActiveMQ, `NOT a = 1` negates `a`, `<` orders string properties by their characters, `+`
/// concatenates strings, `--` and `/*` begin comments, text after a complete selector is ignored,
/// and `XPATH` and `XQUERY` examine bodies.
#[derive(Debug, Clone, PartialEq)]
pub struct Selector {
    expression: Expression,
    strings: Strings,
    body_use: BodyUse,
    work: u32,
}

impl Selector {
    /// Maximum length of a selector, in bytes.
    pub const MAX_BYTES: usize = 8 * 1024;
    /// Maximum nesting depth of parentheses, `NOT` and signs.
    pub const MAX_DEPTH: usize = 64;
    /// Maximum number of identifiers and literals.
    pub const MAX_TERMS: usize = 256;
    /// Maximum number of characters in all patterns of `LIKE` and `REGEXP` together; an escaped
    /// character of `LIKE` counts as one.
    pub const MAX_PATTERN_CHARS: usize = 256;
    /// Maximum number of characters between two `%` of a pattern if one of them is `_`.
    pub const MAX_PART_CHARS: usize = 64;
    /// Maximum number of parts between two `%` in all `LIKE` patterns, and of patterns of `REGEXP`,
    /// together. Each may scan a whole text once; the text before the first and after the last `%` is
    /// compared only with the ends of the text.
    pub const MAX_SEARCHES: usize = 8;
    /// The same for the body and its fields, because they are longer than headers.
    pub const MAX_BODY_SEARCHES: usize = 4;
    /// Maximum size of all patterns of `REGEXP` together when they are compiled, in bytes.
    pub const MAX_REGEXP_BYTES: usize = 32 * 1024;
    /// Maximum length of a body that selectors examine, in bytes.
    pub const MAX_BODY_BYTES: usize = 64 * 1024;

    /// Parses a selector. A blank selector matches every message (JMS).
    ///
    /// # Errors
    /// Returns [`InvalidSelector`] with the first broken rule.
    pub fn new(text: &str) -> Result<Self, InvalidSelector> {
        if text.len() > Self::MAX_BYTES {
            return Err(InvalidSelector::too_long(text));
        }
        let mut lexer = Lexer::new(text);
        let strings = strings(&mut lexer);
        let mut parser = Parser::new(lexer)?;
        Ok(Self {
            expression: parser.selector()?,
            strings,
            work: parser.work(),
            body_use: parser.body_use(),
        })
    }

    /// Returns true if the condition is true for a message with these properties.
    ///
    /// Allocates nothing, except for fields of a body. The time is bounded by the sizes of the
    /// selector, the properties and the body.
    pub fn matches<P: Properties + ?Sized>(&self, properties: &P) -> bool {
        self.truth(properties) == Some(true)
    }

    /// Returns the result in three-valued logic; None is unknown.
    fn truth<P: Properties + ?Sized>(&self, properties: &P) -> Option<bool> {
        self.expression.truth(&Context {
            properties,
            strings: self.strings,
            body: Body::new(properties.body(), &self.body_use.fields),
        })
    }

    /// Returns the work of an evaluation, in units of about 10 µs: 10 for each time that it may read the whole body, 1 for each
    /// search in a header, and 1 for each 32 terms. A selector that compares a few headers has none.
    #[must_use]
    pub const fn work(&self) -> u32 {
        self.work
    }

    /// Returns the number of bytes that evaluating the selector may read in an entry's body, each as often as it may be
    /// read.
    #[must_use]
    pub fn body_reads(&self, entry: &Entry) -> u64 {
        match entry.body().len() {
            length if length <= Self::MAX_BODY_BYTES => (self.body_use.passes() * length) as u64,
            _ => 0,
        }
    }
}

const CONVERT: &str = "convert_string_expressions:";
const NO_CONVERT: &str = "no_convert_string_expressions:";

/// Consumes the prefixes that set the conversion of strings; the last one counts.
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

/// Formats the selector in its canonical spelling, which parses as the same selector. A selector
/// near the maximum length can exceed it in this spelling, because spaces are added.
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
