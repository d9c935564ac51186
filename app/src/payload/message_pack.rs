//! MessagePack (<https://github.com/msgpack/msgpack/blob/master/spec.md>) as a tree of values, with its extensions. Pure.

use super::{
    binary::{Read, Reader, float, key, moment},
    tree::{Fault, Kind, Tree, Value},
};
use crate::texts::payload as texts;

/// Reads bytes that are one value.
///
/// # Errors
///
/// The first fault, or that a bound is reached (see `binary`).
pub fn read(bytes: &[u8]) -> Read<Tree<'_>> {
    let mut reader = Reader::new(bytes);
    let tree = value(&mut reader)?;
    match reader.is_at_end() {
        true => Ok(tree),
        false => Err(reader.fault(texts::MORE_FOLLOWS)),
    }
}

fn value<'a>(reader: &mut Reader<'a>) -> Read<Tree<'a>> {
    reader.count()?;
    let start = reader.at();
    let head = reader.byte()?;
    let word = |word: &'static str| Ok(Tree::plain(Kind::Word, word));
    match head {
        0x00..=0x7f => Ok(integer(head)),
        0x80..=0x8f => map(reader, (head & 0x0f).into()),
        0x90..=0x9f => list(reader, (head & 0x0f).into()),
        0xa0..=0xbf => text(reader, (head & 0x1f).into(), start),
        0xc0 => word("nil"),
        0xc1 => Err(Fault {
            what: texts::RESERVED,
            at: start,
        }),
        0xc2 => word("false"),
        0xc3 => word("true"),
        0xc4..=0xc6 => {
            let length = length(reader, head - 0xc4)?;
            Ok(Tree::of(Value::Bytes(reader.take(length, start)?.into())))
        }
        0xc7..=0xc9 => {
            let length = length(reader, head - 0xc7)?;
            extension(reader, length, start)
        }
        0xca => Ok(float(f32::from_bits(reader.unsigned(4)? as u32).into())),
        0xcb => Ok(float(f64::from_bits(reader.unsigned(8)?))),
        0xcc..=0xcf => Ok(integer(length(reader, head - 0xcc)?)),
        0xd0 => Ok(integer(reader.unsigned(1)? as i8)),
        0xd1 => Ok(integer(reader.unsigned(2)? as i16)),
        0xd2 => Ok(integer(reader.unsigned(4)? as i32)),
        0xd3 => Ok(integer(reader.unsigned(8)?.cast_signed())),
        0xd4..=0xd8 => extension(reader, 1 << (head - 0xd4), start),
        0xd9..=0xdb => {
            let length = length(reader, head - 0xd9)?;
            text(reader, length, start)
        }
        0xdc | 0xdd => {
            let length = length(reader, head - 0xdc + 1)?;
            list(reader, length)
        }
        0xde | 0xdf => {
            let length = length(reader, head - 0xde + 1)?;
            map(reader, length)
        }
        0xe0..=0xff => Ok(integer(head.cast_signed())),
    }
}

/// Reads a number of 1, 2, 4 or 8 bytes, for the sizes 0 to 3.
fn length(reader: &mut Reader<'_>, size: u8) -> Read<u64> {
    reader.unsigned(1 << size)
}

fn integer(number: impl ToString) -> Tree<'static> {
    Tree::plain(Kind::Number, number.to_string())
}

fn text<'a>(reader: &mut Reader<'a>, length: u64, start: usize) -> Read<Tree<'a>> {
    let text = reader.take_text(length, start)?;
    Ok(Tree::of(Value::Text(text.into())))
}

fn list<'a>(reader: &mut Reader<'a>, length: u64) -> Read<Tree<'a>> {
    reader.nested(|reader| {
        // The bound of values ends the loop, whatever the length says.
        let items: Result<Vec<_>, _> = (0..length).map(|_| value(reader)).collect();
        Ok(Tree::of(Value::List(items?)))
    })
}

fn map<'a>(reader: &mut Reader<'a>, length: u64) -> Read<Tree<'a>> {
    reader.nested(|reader| {
        let mut members = Vec::new();
        for _ in 0..length {
            let name = key(value(reader)?);
            members.push((name, value(reader)?));
        }
        Ok(Tree::of(Value::Map(members)))
    })
}

fn extension<'a>(reader: &mut Reader<'a>, length: u64, start: usize) -> Read<Tree<'a>> {
    let kind = reader.byte()?.cast_signed();
    let data = reader.take(length, start)?;
    let moment = (kind == TIMESTAMP).then(|| timestamp(data)).flatten();
    Ok(match moment {
        Some(text) => Tree {
            value: Value::Plain(Kind::Word, text.into()),
            note: "timestamp".into(),
        },
        None => Tree {
            value: Value::Bytes(data.into()),
            note: format!("ext {kind}"),
        },
    })
}

/// Returns the moment of a timestamp in one of its three sizes ("Timestamp extension type").
fn timestamp(data: &[u8]) -> Option<String> {
    let (seconds, nanoseconds) = match data.len() {
        4 => (i64::from(u32::from_be_bytes(data.try_into().ok()?)), 0),
        8 => {
            let both = u64::from_be_bytes(data.try_into().ok()?);
            ((both & 0x3_ffff_ffff).cast_signed(), (both >> 34) as u32)
        }
        12 => {
            let (nanoseconds, seconds) = data.split_at(4);
            (
                i64::from_be_bytes(seconds.try_into().ok()?),
                u32::from_be_bytes(nanoseconds.try_into().ok()?),
            )
        }
        _ => return None,
    };
    // "Nanoseconds must not be larger than 999999999".
    match nanoseconds <= 999_999_999 {
        true => moment(seconds, nanoseconds),
        false => None,
    }
}

const TIMESTAMP: i8 = -1;

#[cfg(test)]
#[path = "message_pack_tests.rs"]
mod tests;
