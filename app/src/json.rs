//! A JSON parser (RFC 8259) that reports the position of a fault. Pure.
//!
//! The pages have their own parser because serde_json with its tables would be an eighth of the
//! bytes that a browser downloads. The server writes JSON with serde_json.

use std::borrow::Cow;

use crate::{Text, number::parsed, texts};

/// A value that borrows from the text where possible. The members of an object are in the order of
/// the text; of members with the same name the first counts.
#[derive(Clone, Debug, PartialEq)]
pub enum Json<'a> {
    Null,
    Bool(bool),
    /// The text of the number; its value is finite.
    Number(&'a str),
    Text(Cow<'a, str>),
    Array(Vec<Json<'a>>),
    Object(Vec<(Cow<'a, str>, Json<'a>)>),
}

/// A fault in a text and its position; lines and columns count from 1, columns in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fault {
    pub what: &'static Text,
    pub line: usize,
    pub column: usize,
}

impl Fault {
    /// Returns the fault as a sentence.
    pub fn words(self) -> String {
        let (line, column) = (self.line.to_string(), self.column.to_string());
        texts::json::FAULT.with(&[self.what.get(), &line, &column])
    }
}

/// Parses a text that is one JSON value.
///
/// # Errors
///
/// Returns the first fault.
pub fn read(text: &str) -> Result<Json<'_>, Fault> {
    let mut reader = Reader {
        text,
        at: 0,
        depth: 0,
    };
    let value = reader
        .value()
        .and_then(|value| reader.end().map(|()| value));
    value.map_err(|what| fault(text, reader.at, what))
}

impl Json<'_> {
    pub fn member(&self, name: &str) -> Option<&Self> {
        match self {
            Self::Object(members) => members
                .iter()
                .find(|(own, _)| own == name)
                .map(|(_, value)| value),
            _ => None,
        }
    }

    pub fn number(&self) -> Option<f64> {
        match self {
            Self::Number(number) => Some(parsed(number)),
            _ => None,
        }
    }

    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    pub fn elements(&self) -> &[Self] {
        match self {
            Self::Array(elements) => elements,
            _ => &[],
        }
    }
}

fn fault(text: &str, at: usize, what: &'static Text) -> Fault {
    let before = &text[..at];
    let line_start = before.rfind('\n').map_or(0, |end| end + 1);
    Fault {
        what,
        line: before.matches('\n').count() + 1,
        column: before[line_start..].chars().count() + 1,
    }
}

struct Reader<'a> {
    text: &'a str,
    /// Byte offset; at the start of a character, except inside a string.
    at: usize,
    depth: usize,
}

type Read<T> = Result<T, &'static Text>;

impl<'a> Reader<'a> {
    fn value(&mut self) -> Read<Json<'a>> {
        self.skip_space();
        match self.peek() {
            Some(b'{') => self.nested(Self::object),
            Some(b'[') => self.nested(Self::array),
            Some(b'"') => self.string().map(Json::Text),
            Some(b'-' | b'0'..=b'9') => self.number(),
            Some(b't') => self.word("true", Json::Bool(true)),
            Some(b'f') => self.word("false", Json::Bool(false)),
            Some(b'n') => self.word("null", Json::Null),
            Some(_) => Err(&texts::json::VALUE),
            None => Err(ENDS),
        }
    }

    fn nested(&mut self, read: fn(&mut Self) -> Read<Json<'a>>) -> Read<Json<'a>> {
        if self.depth == DEEPEST {
            return Err(&texts::json::TOO_DEEP);
        }
        self.depth += 1;
        self.at += 1;
        let value = read(self);
        self.depth -= 1;
        value
    }

    fn object(&mut self) -> Read<Json<'a>> {
        let mut members = Vec::new();
        if self.takes(b'}') {
            return Ok(Json::Object(members));
        }
        loop {
            self.skip_space();
            match self.peek() {
                Some(b'"') => {}
                Some(_) => return Err(&texts::json::NAME),
                None => return Err(ENDS),
            }
            let name = self.string()?;
            self.expect(b':', &texts::json::COLON)?;
            members.push((name, self.value()?));
            if self.takes(b'}') {
                return Ok(Json::Object(members));
            }
            self.expect(b',', &texts::json::OBJECT_END)?;
        }
    }

    fn array(&mut self) -> Read<Json<'a>> {
        let mut elements = Vec::new();
        if self.takes(b']') {
            return Ok(Json::Array(elements));
        }
        loop {
            elements.push(self.value()?);
            if self.takes(b']') {
                return Ok(Json::Array(elements));
            }
            self.expect(b',', &texts::json::ARRAY_END)?;
        }
    }

    fn string(&mut self) -> Read<Cow<'a, str>> {
        self.at += 1;
        let mut unescaped = String::new();
        let mut start = self.at;
        loop {
            match self.peek() {
                None => return Err(ENDS),
                Some(b'"') => break,
                Some(b'\\') => {
                    unescaped.push_str(&self.text[start..self.at]);
                    unescaped.push(self.escaped()?);
                    start = self.at;
                }
                Some(0..=0x1f) => return Err(&texts::json::CONTROL),
                // Quotes, backslashes and control characters are never part of a longer UTF-8
                // sequence.
                Some(_) => self.at += 1,
            }
        }
        let rest = &self.text[start..self.at];
        self.at += 1;
        Ok(if unescaped.is_empty() {
            Cow::Borrowed(rest)
        } else {
            Cow::Owned(unescaped + rest)
        })
    }

    fn escaped(&mut self) -> Read<char> {
        let escaped = match self.text.as_bytes().get(self.at + 1) {
            Some(b'u') => return self.escaped_code(),
            Some(b'n') => '\n',
            Some(b't') => '\t',
            Some(b'r') => '\r',
            Some(b'b') => '\x08',
            Some(b'f') => '\x0c',
            Some(same @ (b'"' | b'\\' | b'/')) => char::from(*same),
            _ => return Err(&texts::json::ESCAPE),
        };
        self.at += 2;
        Ok(escaped)
    }

    /// Reads `\u` and four digits, twice for a character beyond the basic plane.
    fn escaped_code(&mut self) -> Read<char> {
        let first = self.code_unit()?;
        let code = match first {
            0xd800..0xdc00 => match self.code_unit()? {
                second @ 0xdc00..0xe000 => 0x1_0000 + ((first - 0xd800) << 10) + (second - 0xdc00),
                _ => return Err(HALF),
            },
            _ => first,
        };
        char::from_u32(code).ok_or(HALF)
    }

    fn code_unit(&mut self) -> Read<u32> {
        let digits = self
            .text
            .get(self.at..self.at + 6)
            .and_then(|escape| escape.strip_prefix("\\u"));
        let digits = digits.filter(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()));
        let unit = digits.and_then(|digits| u32::from_str_radix(digits, 16).ok());
        self.at += if unit.is_some() { 6 } else { 0 };
        unit.ok_or(&texts::json::HEX)
    }

    fn number(&mut self) -> Read<Json<'a>> {
        let start = self.at;
        self.at += usize::from(self.peek() == Some(b'-'));
        let leading_zero = self.peek() == Some(b'0');
        if self.digits()? > 1 && leading_zero {
            return Err(&texts::json::ZERO);
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        if let Some(b'e' | b'E') = self.peek() {
            self.at += 1;
            self.at += usize::from(matches!(self.peek(), Some(b'+' | b'-')));
            self.digits()?;
        }
        let number = &self.text[start..self.at];
        // A number without an exponent needs more digits than this to exceed the range of a double.
        let may_be_large = number.len() > 300 || number.contains(['e', 'E']);
        if may_be_large && !parsed(number).is_finite() {
            return Err(&texts::json::TOO_LARGE);
        }
        Ok(Json::Number(number))
    }

    fn digits(&mut self) -> Read<usize> {
        let start = self.at;
        while let Some(b'0'..=b'9') = self.peek() {
            self.at += 1;
        }
        if self.at == start {
            Err(&texts::json::DIGIT)
        } else {
            Ok(self.at - start)
        }
    }

    fn word(&mut self, word: &str, value: Json<'a>) -> Read<Json<'a>> {
        if !self.text[self.at..].starts_with(word) {
            return Err(&texts::json::VALUE);
        }
        self.at += word.len();
        Ok(value)
    }

    fn end(&mut self) -> Read<()> {
        self.skip_space();
        if self.at < self.text.len() {
            Err(&texts::json::MORE)
        } else {
            Ok(())
        }
    }

    fn takes(&mut self, byte: u8) -> bool {
        self.skip_space();
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    fn expect(&mut self, byte: u8, otherwise: &'static Text) -> Read<()> {
        if self.takes(byte) {
            return Ok(());
        }
        Err(if self.peek().is_none() {
            ENDS
        } else {
            otherwise
        })
    }

    fn skip_space(&mut self) {
        while let Some(b' ' | b'\n' | b'\r' | b'\t') = self.peek() {
            self.at += 1;
        }
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }
}

const DEEPEST: usize = 100;
const ENDS: &Text = &texts::json::ENDS;
const HALF: &Text = &texts::json::HALF;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_read() {
        for (text, value) in [
            ("null", Json::Null),
            (" true\n", Json::Bool(true)),
            ("-12.5e1", Json::Number("-12.5e1")),
            ("0.30000000000000004", Json::Number("0.30000000000000004")),
            (
                r#""ding\n\"\u00f6\ud83d\udd14ö""#,
                Json::Text("ding\n\"ö🔔ö".into()),
            ),
            ("[ ]", Json::Array(vec![])),
            (
                "[1 ,2]",
                Json::Array(vec![Json::Number("1"), Json::Number("2")]),
            ),
            (
                r#"{"a" : {} }"#,
                Json::Object(vec![("a".into(), Json::Object(vec![]))]),
            ),
        ] {
            assert_eq!(read(text), Ok(value), "{text}");
        }
    }

    #[test]
    fn numbers_have_the_value_of_their_text() {
        for (text, number) in [
            ("-12.5e1", -125.0),
            ("0.30000000000000004", 0.1 + 0.2),
            ("7", 7.0),
        ] {
            assert_eq!(read(text).map(|json| json.number()), Ok(Some(number)));
        }
        assert!(read(&"9".repeat(400)).is_err());
    }

    #[test]
    fn faults_have_their_position() {
        for (text, what, line, column) in [
            ("", "the text ends too early", 1, 1),
            (r#"{"a":}"#, "a value was expected", 1, 6),
            ("{\n  \"a\": 1,\n}", "a name in quotes was expected", 3, 1),
            ("1 2", "nothing more was expected", 1, 3),
            (r#"{"ö": tru}"#, "a value was expected", 1, 7),
            (
                r#"["a" "b"]"#,
                "a comma or the array's end was expected",
                1,
                6,
            ),
            (r#"{"a" 1}"#, "a colon was expected", 1, 6),
            ("[1", "the text ends too early", 1, 3),
            (r#"["open"#, "the text ends too early", 1, 7),
            ("01", "a number does not begin with 0", 1, 3),
            ("1.", "a digit was expected", 1, 3),
            ("-", "a digit was expected", 1, 2),
            ("1e999", "too large a number", 1, 6),
            (r#""\x""#, "an unknown escape", 1, 2),
            (r#""\ud800""#, "four hexadecimal digits were expected", 1, 8),
            (r#""\u+123""#, "four hexadecimal digits were expected", 1, 2),
            ("\"a\nb\"", "a control character must be escaped", 1, 3),
        ] {
            let fault = read(text).expect_err(text);
            assert_eq!(
                (fault.what.english, fault.line, fault.column),
                (what, line, column),
                "{text}"
            );
        }
    }

    #[test]
    fn depth_is_bounded() {
        let nested = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
        assert!(read(&nested(DEEPEST)).is_ok());
        assert_eq!(
            read(&nested(DEEPEST + 1)).map_err(|fault| fault.what.english),
            Err("nested too deeply")
        );
        assert!(read(&"[".repeat(1_000_000)).is_err());
    }

    #[cfg(feature = "ssr")]
    #[test]
    fn the_parser_and_serde_json_accept_the_same_texts() {
        let parts = [
            "{", "}", "[", "]", ",", ":", "\"a\"", "1", "-2.5e3", "true", "null", " ", "0", "\\",
        ];
        let mut seed = 7_u32;
        for _ in 0..20_000 {
            let mut text = String::new();
            for _ in 0..seed % 7 + 1 {
                seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                text.push_str(parts[(seed >> 16) as usize % parts.len()]);
            }
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223) >> 1;
            let expected = serde_json::from_str::<serde_json::Value>(&text).is_ok();
            assert_eq!(read(&text).is_ok(), expected, "{text}");
        }
    }
}
