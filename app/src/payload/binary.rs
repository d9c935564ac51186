//! The common part of the decoders of MessagePack and CBOR: reading bytes in order, within bounds, and the texts of numbers. Pure.
//!
//! Both decoders are written here and not taken from a crate, because a crate would only read the heads of the values; the
//! tree, the bounds, the offsets of faults and the exact texts are needed in any case. The tests compare them with
//! independent decoders.

use std::borrow::Cow;

use super::tree::{Fault, Kind, Tree, Value, quoted};
use crate::{instant, language::Text, number, texts::payload as texts};

/// Bytes that are read from their beginning.
pub struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
    depth: usize,
    values: usize,
}

pub type Read<T> = Result<T, Fault>;

impl<'a> Reader<'a> {
    pub fn new(bytes: &'a [u8]) -> Self {
        Self {
            bytes,
            at: 0,
            depth: 0,
            values: 0,
        }
    }

    pub fn at(&self) -> usize {
        self.at
    }

    pub fn is_at_end(&self) -> bool {
        self.at == self.bytes.len()
    }

    /// Counts a value.
    ///
    /// # Errors
    ///
    /// There are more than [`MOST_VALUES`].
    pub fn count(&mut self) -> Read<()> {
        self.values += 1;
        match self.values > MOST_VALUES {
            true => Err(self.fault(texts::TOO_MANY)),
            false => Ok(()),
        }
    }

    /// Reads a value that contains others.
    ///
    /// # Errors
    ///
    /// It is nested more than [`DEEPEST`] levels deep.
    pub fn nested<T>(&mut self, read: impl FnOnce(&mut Self) -> Read<T>) -> Read<T> {
        if self.depth == DEEPEST {
            return Err(self.fault(texts::TOO_DEEP));
        }
        self.depth += 1;
        let read = read(self);
        self.depth -= 1;
        read
    }

    pub fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    pub fn byte(&mut self) -> Read<u8> {
        let byte = self.peek().ok_or_else(|| self.fault(texts::ENDS_EARLY))?;
        self.at += 1;
        Ok(byte)
    }

    /// Reads an unsigned integer of 1, 2, 4 or 8 bytes, the highest byte first.
    pub fn unsigned(&mut self, length: usize) -> Read<u64> {
        let bytes = self.take(length as u64, self.at)?;
        Ok(bytes
            .iter()
            .fold(0, |number, byte| number << 8 | u64::from(*byte)))
    }

    /// Reads bytes of the value that begins at `start`.
    pub fn take(&mut self, length: u64, start: usize) -> Read<&'a [u8]> {
        let rest = &self.bytes[self.at..];
        let length = usize::try_from(length).ok();
        let Some(taken) = length.and_then(|length| rest.get(..length)) else {
            return Err(Fault {
                what: texts::ENDS_EARLY,
                at: start,
            });
        };
        self.at += taken.len();
        Ok(taken)
    }

    /// Reads text of the value that begins at `start`.
    pub fn take_text(&mut self, length: u64, start: usize) -> Read<&'a str> {
        let bytes = self.take(length, start)?;
        std::str::from_utf8(bytes).map_err(|error| Fault {
            what: texts::NOT_UTF8,
            at: self.at - bytes.len() + error.valid_up_to(),
        })
    }

    /// Returns a fault at the next byte.
    pub fn fault(&self, what: Text) -> Fault {
        Fault { what, at: self.at }
    }
}

/// Returns a number with all digits that identify it, and a dot, so that it differs from an integer.
pub fn float(value: f64) -> Tree<'static> {
    let text = if value.is_nan() {
        "NaN".to_owned()
    } else if value.is_infinite() {
        let sign = if value < 0.0 { "-" } else { "" };
        format!("{sign}Infinity")
    } else {
        let text = number::plain(value);
        // JavaScript writes -0 as 0.
        let sign = if value == 0.0 && value.is_sign_negative() && !text.starts_with('-') {
            "-"
        } else {
            ""
        };
        let dot = if text.contains(['.', 'e']) { "" } else { ".0" };
        format!("{sign}{text}{dot}")
    };
    Tree::plain(Kind::Number, text)
}

/// Returns a moment in UTC with its fraction of a second, such as `2026-11-30T12:00:00.5Z`; `None` outside of the years
/// 1970 to 9999.
pub fn moment(seconds: i64, nanoseconds: u32) -> Option<String> {
    let seconds = u64::try_from(seconds)
        .ok()
        .filter(|one| *one < YEAR_10000)?;
    let unix_ms = seconds * 1000;
    let time = instant::time_of_day(unix_ms);
    let text = format!("{}T{}Z", instant::date(unix_ms), &time[..8]);
    if nanoseconds == 0 {
        return Some(text);
    }
    let fraction = format!("{nanoseconds:09}");
    Some(format!(
        "{}.{}Z",
        text.trim_end_matches('Z'),
        fraction.trim_end_matches('0')
    ))
}

/// Returns the key of a map as text. A text that looks like another value is in quotes.
pub fn key(tree: Tree<'_>) -> Cow<'_, str> {
    match tree.value {
        Value::Text(text) if looks_like_another_value(&text) => quoted(&text).into(),
        Value::Text(text) => text,
        Value::List(list) if !list.is_empty() => format!("[ {} … ]", list.len()).into(),
        Value::Map(map) if !map.is_empty() => format!("{{ {} … }}", map.len()).into(),
        value => Tree::of(value).text().into(),
    }
}

fn looks_like_another_value(text: &str) -> bool {
    let is_begin = |first: char| first.is_ascii_digit() || "-[{\"".contains(first);
    let words = ["", "true", "false", "null", "nil", "undefined"];
    text.starts_with(is_begin) || text.starts_with("h'") || words.contains(&text)
}

/// Values of one body; each takes some hundred bytes of memory.
pub const MOST_VALUES: usize = 100_000;
/// Levels of values that contain others; each needs some hundred bytes of the stack.
pub const DEEPEST: usize = 100;
const YEAR_10000: u64 = 253_402_300_800;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floats_differ_from_integers_and_keep_their_sign() {
        for (value, text) in [
            (1.0, "1.0"),
            (-0.0, "-0.0"),
            (0.1 + 0.2, "0.30000000000000004"),
            (f64::NAN, "NaN"),
            (f64::NEG_INFINITY, "-Infinity"),
        ] {
            assert_eq!(float(value).text(), text);
        }
    }

    #[test]
    fn moments_keep_their_nanoseconds() {
        for (seconds, nanoseconds, text) in [
            (0, 0, Some("1970-01-01T00:00:00Z")),
            (1_700_000_000, 1, Some("2023-11-14T22:13:20.000000001Z")),
            (1_700_000_000, 500_000_000, Some("2023-11-14T22:13:20.5Z")),
            (253_402_300_799, 0, Some("9999-12-31T23:59:59Z")),
            (253_402_300_800, 0, None),
            (-1, 0, None),
        ] {
            assert_eq!(moment(seconds, nanoseconds).as_deref(), text);
        }
    }
}
