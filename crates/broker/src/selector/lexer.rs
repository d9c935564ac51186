//! Splits text into tokens with their positions.

use std::fmt;

use super::{
    InvalidSelector, SelectorFault, error::shorten, identifier::path_length, number::Operator,
    value::Comparison,
};

/// A token and its position.
#[derive(Debug, Clone, Copy)]
pub(super) struct Token<'t> {
    pub(super) kind: TokenKind<'t>,
    /// The position of the first character, in characters from 1.
    pub(super) column: usize,
    text: &'t str,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum TokenKind<'t> {
    Keyword(Keyword),
    Identifier(&'t str),
    /// The text between the quotes; doubled quotes are still doubled.
    QuotedIdentifier(&'t str),
    /// The body, or a field of it: the path, of which each level begins with a dot.
    Body(&'t str),
    Text(&'t str),
    /// `u64::MAX` if the numeral is greater.
    Exact(u64),
    /// May be infinite.
    Approximate(f64),
    Compare(Comparison),
    Arithmetic(Operator),
    Open,
    Close,
    Comma,
    /// A character that has no meaning in a selector.
    Other,
    End,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Keyword {
    And,
    Between,
    Escape,
    False,
    In,
    Is,
    Like,
    Not,
    Null,
    Or,
    Regexp,
    True,
}

const KEYWORDS: [(&str, Keyword); 12] = [
    ("AND", Keyword::And),
    ("BETWEEN", Keyword::Between),
    ("ESCAPE", Keyword::Escape),
    ("FALSE", Keyword::False),
    ("IN", Keyword::In),
    ("IS", Keyword::Is),
    ("LIKE", Keyword::Like),
    ("NOT", Keyword::Not),
    ("NULL", Keyword::Null),
    ("OR", Keyword::Or),
    ("REGEXP", Keyword::Regexp),
    ("TRUE", Keyword::True),
];

/// The identifier of the body. A property with this name is written in quotes.
pub(super) const BODY: &str = "body";

/// Two-character symbols first, so that `<=` is not read as `<`.
const SYMBOLS: [(&str, TokenKind<'static>); 14] = [
    ("<>", TokenKind::Compare(Comparison::NotEqual)),
    ("<=", TokenKind::Compare(Comparison::LessOrEqual)),
    (">=", TokenKind::Compare(Comparison::GreaterOrEqual)),
    ("=", TokenKind::Compare(Comparison::Equal)),
    ("<", TokenKind::Compare(Comparison::Less)),
    (">", TokenKind::Compare(Comparison::Greater)),
    ("+", TokenKind::Arithmetic(Operator::Add)),
    ("-", TokenKind::Arithmetic(Operator::Subtract)),
    ("*", TokenKind::Arithmetic(Operator::Multiply)),
    ("/", TokenKind::Arithmetic(Operator::Divide)),
    ("%", TokenKind::Arithmetic(Operator::Remainder)),
    ("(", TokenKind::Open),
    (")", TokenKind::Close),
    (",", TokenKind::Comma),
];

/// The unread text and its position.
#[derive(Debug)]
pub(super) struct Lexer<'t> {
    rest: &'t str,
    /// The position of the first character of `rest`, from 1.
    column: usize,
}

impl<'t> Lexer<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        Self {
            rest: text,
            column: 1,
        }
    }

    /// Consumes white space, and `prefix` if it is next. Returns true if `prefix` was consumed.
    pub(super) fn skip_prefix(&mut self, prefix: &str) -> bool {
        self.skip_space();
        let is_next = self.rest.starts_with(prefix);
        if is_next {
            self.take(prefix.len());
        }
        is_next
    }

    pub(super) fn token(&mut self) -> Result<Token<'t>, InvalidSelector> {
        self.skip_space();
        let column = self.column;
        let (kind, length) = next(self.rest).map_err(|fault| InvalidSelector { column, fault })?;
        let text = self.take(length);
        Ok(Token { kind, column, text })
    }

    /// Skips white space as Java defines it [JMS 1.1, 3.8.1.1].
    fn skip_space(&mut self) {
        let is_space = |character| matches!(character, ' ' | '\t' | '\n' | '\r' | '\u{c}');
        let length = self.rest.len() - self.rest.trim_start_matches(is_space).len();
        self.take(length);
    }

    fn take(&mut self, length: usize) -> &'t str {
        let (taken, rest) = self.rest.split_at(length);
        self.rest = rest;
        self.column += taken.chars().count();
        taken
    }
}

impl Token<'_> {
    /// Returns the token as written, shortened for error messages.
    pub(super) fn shortened(&self) -> String {
        shorten(self.text)
    }
}

/// Formats the token for the "found" part of an error message.
impl fmt::Display for Token<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            TokenKind::End => formatter.write_str("the end"),
            _ => write!(formatter, "{:?}", self.shortened()),
        }
    }
}

/// Returns true if `name` can be written without quotes.
pub(super) fn is_plain(name: &str) -> bool {
    let is_word = name.starts_with(begins_word) && name.chars().all(continues_word);
    is_word && name != BODY && keyword(name).is_none()
}

/// Returns the first token of `rest` and its length in bytes.
fn next(rest: &str) -> Result<(TokenKind<'_>, usize), SelectorFault> {
    let Some(first) = rest.chars().next() else {
        return Ok((TokenKind::End, 0));
    };
    match first {
        '\'' => quoted(rest, first).map(|(text, length)| (TokenKind::Text(text), length)),
        '"' => {
            quoted(rest, first).map(|(text, length)| (TokenKind::QuotedIdentifier(text), length))
        }
        '0'..='9' => numeral(rest),
        '.' if rest[1..].starts_with(|next: char| next.is_ascii_digit()) => numeral(rest),
        _ if begins_word(first) => word(rest),
        _ => Ok(symbol(rest, first)),
    }
}

fn symbol(rest: &str, first: char) -> (TokenKind<'_>, usize) {
    let known = SYMBOLS.iter().find(|(text, _)| rest.starts_with(text));
    known.map_or((TokenKind::Other, first.len_utf8()), |(text, kind)| {
        (*kind, text.len())
    })
}

fn word(rest: &str) -> Result<(TokenKind<'_>, usize), SelectorFault> {
    let text = leading(rest, continues_word);
    if text == BODY {
        let length = BODY.len() + path_length(&rest[BODY.len()..])?;
        return Ok((TokenKind::Body(&rest[BODY.len()..length]), length));
    }
    let kind = keyword(text).map_or(TokenKind::Identifier(text), TokenKind::Keyword);
    Ok((kind, text.len()))
}

fn keyword(word: &str) -> Option<Keyword> {
    let known = KEYWORDS
        .iter()
        .find(|(text, _)| text.eq_ignore_ascii_case(word));
    known.map(|(_, keyword)| *keyword)
}

/// Returns the text between the quotes, and the length including the quotes.
pub(super) fn quoted(rest: &str, quote: char) -> Result<(&str, usize), SelectorFault> {
    let mut quotes = rest.match_indices(quote).map(|(at, _)| at).skip(1);
    while let Some(at) = quotes.next() {
        if !rest[at + 1..].starts_with(quote) {
            return Ok((&rest[1..at], at + 1));
        }
        quotes.next();
    }
    Err(SelectorFault::Unclosed(quote))
}

/// Parses a numeral as in Java: decimal, octal after `0`, hexadecimal after `0x`, each with an
/// optional `L`; approximate if it has a point or an exponent.
fn numeral(rest: &str) -> Result<(TokenKind<'_>, usize), SelectorFault> {
    let text = numeral_text(rest);
    let kind = exact(text).or_else(|| approximate(text));
    let kind = kind.ok_or_else(|| SelectorFault::NotANumber(shorten(text)))?;
    Ok((kind, text.len()))
}

/// Returns all characters up to the first that cannot be part of a word or numeral, so that `12x`
/// is one invalid numeral.
fn numeral_text(rest: &str) -> &str {
    let is_part = |character| continues_word(character) || character == '.';
    let text = leading(rest, is_part);
    let after = &rest[text.len()..];
    if is_hexadecimal(text) || !text.ends_with(['e', 'E']) || !after.starts_with(['+', '-']) {
        return text;
    }
    let exponent = leading(&after[1..], is_part);
    &rest[..text.len() + 1 + exponent.len()]
}

fn exact(text: &str) -> Option<TokenKind<'static>> {
    let digits = text.strip_suffix(['l', 'L']).unwrap_or(text);
    let (digits, radix) = match digits {
        _ if is_hexadecimal(digits) => (&digits[2..], 16),
        "0" => (digits, 10),
        _ if digits.starts_with('0') => (&digits[1..], 8),
        _ => (digits, 10),
    };
    if digits.is_empty() || !digits.chars().all(|digit| digit.is_digit(radix)) {
        return None;
    }
    let value = u64::from_str_radix(digits, radix).unwrap_or(u64::MAX);
    Some(TokenKind::Exact(value))
}

fn approximate(text: &str) -> Option<TokenKind<'static>> {
    let is_marked = text.contains(['.', 'e', 'E']);
    let value = is_marked.then(|| text.parse().ok()).flatten()?;
    Some(TokenKind::Approximate(value))
}

fn is_hexadecimal(text: &str) -> bool {
    text.starts_with("0x") || text.starts_with("0X")
}

fn begins_word(character: char) -> bool {
    character.is_alphabetic() || matches!(character, '_' | '$')
}

pub(super) fn continues_word(character: char) -> bool {
    character.is_alphanumeric() || matches!(character, '_' | '$')
}

pub(super) fn leading(text: &str, is_part: impl Fn(char) -> bool) -> &str {
    let end = text.find(|character| !is_part(character));
    &text[..end.unwrap_or(text.len())]
}
