//! CBOR (RFC 8949) as a tree of values, with its tags. Pure.

use std::borrow::Cow;

use super::{
    binary::{Read, Reader, float, key, moment},
    tree::{Fault, Kind, Tree, Value},
};
use crate::{number, texts::payload as texts};

/// Reads bytes that are one value.
///
/// # Errors
///
/// The first fault, or that a bound is reached (see `binary`).
pub fn read(bytes: &[u8]) -> Read<Tree<'_>> {
    let mut reader = Reader::new(bytes);
    let tree = item(&mut reader)?;
    match reader.is_at_end() {
        true => Ok(tree),
        false => Err(reader.fault(texts::MORE_FOLLOWS)),
    }
}

/// Reads a sequence of values (RFC 8742) as a list.
///
/// # Errors
///
/// As for [`read`].
pub fn read_sequence(bytes: &[u8]) -> Read<Tree<'_>> {
    let mut reader = Reader::new(bytes);
    let mut items = Vec::new();
    while !reader.is_at_end() {
        items.push(item(&mut reader)?);
    }
    Ok(Tree::of(Value::List(items)))
}

fn item<'a>(reader: &mut Reader<'a>) -> Read<Tree<'a>> {
    reader.count()?;
    let start = reader.at();
    let head = reader.byte()?;
    let (major, argument) = (head >> 5, argument(reader, head)?);
    Ok(match (major, argument) {
        (0, Some(number)) => Tree::plain(Kind::Number, number.to_string()),
        (1, Some(number)) => Tree::plain(Kind::Number, format!("-{}", u128::from(number) + 1)),
        (2, length) => Tree::of(Value::Bytes(bytes(reader, length, start)?)),
        (3, length) => Tree::of(Value::Text(text(reader, length, start)?)),
        (4, length) => reader.nested(|reader| list(reader, length))?,
        (5, length) => reader.nested(|reader| map(reader, length))?,
        (6, Some(tag)) => {
            let inner = reader.nested(item)?;
            tagged(tag, inner)
        }
        (7, Some(argument)) => simple(head, argument, start)?,
        // Integers and tags have no indefinite length, and here no list ends.
        _ => {
            return Err(Fault {
                what: texts::RESERVED,
                at: start,
            });
        }
    })
}

/// Reads the argument of a head; `None` for an indefinite length.
fn argument(reader: &mut Reader<'_>, head: u8) -> Read<Option<u64>> {
    let start = reader.at() - 1;
    Ok(Some(match head & 0x1f {
        small @ 0..24 => small.into(),
        24 => reader.unsigned(1)?,
        25 => reader.unsigned(2)?,
        26 => reader.unsigned(4)?,
        27 => reader.unsigned(8)?,
        31 => return Ok(None),
        _ => {
            return Err(Fault {
                what: texts::RESERVED,
                at: start,
            });
        }
    }))
}

fn bytes<'a>(reader: &mut Reader<'a>, length: Option<u64>, start: usize) -> Read<Cow<'a, [u8]>> {
    if let Some(length) = length {
        return Ok(reader.take(length, start)?.into());
    }
    let mut all = Vec::new();
    while let Some(length) = chunk(reader, 2)? {
        all.extend_from_slice(reader.take(length, start)?);
    }
    Ok(all.into())
}

fn text<'a>(reader: &mut Reader<'a>, length: Option<u64>, start: usize) -> Read<Cow<'a, str>> {
    if let Some(length) = length {
        return Ok(reader.take_text(length, start)?.into());
    }
    let mut all = String::new();
    while let Some(length) = chunk(reader, 3)? {
        all.push_str(reader.take_text(length, start)?);
    }
    Ok(all.into())
}

/// Reads the head of the next part of a string of indefinite length; `None` at its end (RFC 8949, 3.2.3).
fn chunk(reader: &mut Reader<'_>, major: u8) -> Read<Option<u64>> {
    if ends(reader) {
        return Ok(None);
    }
    reader.count()?;
    let fault = reader.fault(texts::RESERVED);
    let head = reader.byte()?;
    match argument(reader, head)? {
        Some(length) if head >> 5 == major => Ok(Some(length)),
        _ => Err(fault),
    }
}

/// Returns true, and skips the mark, at the end of a value of indefinite length.
fn ends(reader: &mut Reader<'_>) -> bool {
    let is_end = reader.peek() == Some(BREAK);
    if is_end {
        // The byte is there.
        let _ = reader.byte();
    }
    is_end
}

fn list<'a>(reader: &mut Reader<'a>, length: Option<u64>) -> Read<Tree<'a>> {
    let mut items = Vec::new();
    let mut rest = length;
    while has_next(reader, &mut rest) {
        items.push(item(reader)?);
    }
    Ok(Tree::of(Value::List(items)))
}

fn map<'a>(reader: &mut Reader<'a>, length: Option<u64>) -> Read<Tree<'a>> {
    let mut members = Vec::new();
    let mut rest = length;
    while has_next(reader, &mut rest) {
        let name = key(item(reader)?);
        members.push((name, item(reader)?));
    }
    Ok(Tree::of(Value::Map(members)))
}

/// Returns whether a list or map goes on. `rest` is the number of its further items; `None` for an indefinite length.
fn has_next(reader: &mut Reader<'_>, rest: &mut Option<u64>) -> bool {
    match rest {
        None => !ends(reader),
        Some(0) => false,
        Some(rest) => {
            *rest -= 1;
            true
        }
    }
}

/// Returns a floating-point number or a simple value (RFC 8949, 3.3). `argument` is what follows the head at `at`.
fn simple(head: u8, argument: u64, at: usize) -> Read<Tree<'static>> {
    Ok(match (head & 0x1f, argument) {
        (25, bits) => float(half(bits as u16)),
        (26, bits) => float(f32::from_bits(bits as u32).into()),
        (27, bits) => float(f64::from_bits(bits)),
        // "An encoder MUST NOT issue two-byte sequences that start with 0xf8 and continue with a byte less than 0x20".
        (24, 0..0x20) => {
            return Err(Fault {
                what: texts::RESERVED,
                at,
            });
        }
        (_, 20) => Tree::plain(Kind::Word, "false"),
        (_, 21) => Tree::plain(Kind::Word, "true"),
        (_, 22) => Tree::plain(Kind::Word, "null"),
        (_, 23) => Tree::plain(Kind::Word, "undefined"),
        (_, number) => Tree::plain(Kind::Word, format!("simple({number})")),
    })
}

/// Returns the value of a number of 16 bits (RFC 8949, appendix D).
fn half(bits: u16) -> f64 {
    let (exponent, fraction) = (i32::from(bits >> 10 & 0x1f), f64::from(bits & 0x3ff));
    let value = match exponent {
        0 => fraction * 2.0_f64.powi(-24),
        31 if fraction == 0.0 => f64::INFINITY,
        31 => f64::NAN,
        exponent => (fraction + 1024.0) * 2.0_f64.powi(exponent - 25),
    };
    if bits >> 15 == 1 { -value } else { value }
}

/// Adds the tag of a value and its meaning to the value's note.
fn tagged(tag: u64, mut inner: Tree<'_>) -> Tree<'_> {
    if let (2 | 3, Value::Bytes(bytes)) = (tag, &inner.value)
        && bytes.len() <= MOST_BIGNUM_BYTES
    {
        let decimal = bignum(bytes, tag == 3);
        inner.value = Value::Plain(Kind::Number, decimal.into());
    }
    let meaning = meaning(tag, &inner.value);
    let mut note = format!("tag {tag}");
    if !meaning.is_empty() {
        note.push_str(": ");
        note.push_str(&meaning);
    }
    if !inner.note.is_empty() {
        note.push_str(", ");
        note.push_str(&inner.note);
    }
    inner.note = note;
    inner
}

/// Returns what a tag says about its value; empty if it is not known.
fn meaning(tag: u64, value: &Value<'_>) -> String {
    match (tag, value) {
        (1, Value::Plain(Kind::Number, text)) => epoch(text).unwrap_or_default(),
        (37, Value::Bytes(bytes)) if bytes.len() == 16 => uuid(bytes),
        _ => {
            let known = NAMES.into_iter().find(|(known, _)| *known == tag);
            known.map_or("", |(_, name)| name).to_owned()
        }
    }
}

/// Returns the moment of a time in seconds (RFC 8949, 3.4.2).
fn epoch(text: &str) -> Option<String> {
    if let Ok(seconds) = text.parse() {
        return moment(seconds, 0);
    }
    let seconds = number::parsed(text);
    if !(0.0..1e12).contains(&seconds) {
        return None;
    }
    let milliseconds = (seconds * 1000.0 + 0.5) as u64;
    let fraction = (milliseconds % 1000) as u32 * 1_000_000;
    moment((milliseconds / 1000) as i64, fraction)
}

fn uuid(bytes: &[u8]) -> String {
    let mut text = String::new();
    for (index, byte) in bytes.iter().enumerate() {
        if matches!(index, 4 | 6 | 8 | 10) {
            text.push('-');
        }
        text.push_str(&format!("{byte:02x}"));
    }
    text
}

/// Returns the decimal digits of an integer, or of its complement -1 - n (RFC 8949, 3.4.3).
fn bignum(bytes: &[u8], is_negative: bool) -> String {
    let mut digits = Vec::new();
    for byte in bytes {
        multiply_and_add(&mut digits, 256, (*byte).into());
    }
    let mut text = String::new();
    if is_negative {
        multiply_and_add(&mut digits, 1, 1);
        text.push('-');
    }
    let mut highest_first = digits.iter().rev();
    text.push_str(&highest_first.next().unwrap_or(&0).to_string());
    for digit in highest_first {
        text.push_str(&format!("{digit:09}"));
    }
    text
}

/// Multiplies a number in base 10⁹, the lowest digit first, and adds to it.
fn multiply_and_add(number: &mut Vec<u32>, factor: u64, add: u64) {
    let mut carry = add;
    for digit in number.iter_mut() {
        carry += u64::from(*digit) * factor;
        *digit = (carry % BASE) as u32;
        carry /= BASE;
    }
    if carry > 0 {
        number.push(carry as u32);
    }
}

/// Tags with a name in the registry of IANA that says more than the value. The names are those of the registry, in English.
const NAMES: [(u64, &str); 13] = [
    (0, "date/time"),
    (2, "bignum"),
    (3, "negative bignum"),
    (4, "decimal fraction"),
    (5, "bigfloat"),
    (21, "base64url"),
    (22, "base64"),
    (23, "base16"),
    (24, "encoded CBOR"),
    (32, "URI"),
    (36, "MIME"),
    (1004, "date"),
    (55_799, "self-described CBOR"),
];
/// The end of a value of indefinite length.
const BREAK: u8 = 0xff;
const BASE: u64 = 1_000_000_000;
/// A larger integer is shown as bytes.
const MOST_BIGNUM_BYTES: usize = 128;

#[cfg(test)]
#[path = "cbor_tests.rs"]
mod tests;
