//! Encodes the data types of 5.0, 1.5, and the fixed header, whose length is known last.

use memchr::memchr;

use super::EncodeError;

pub(crate) type Written = Result<(), EncodeError>;

/// The maximum of a variable byte integer, including "the value of Remaining Length" (1.5.5).
pub(crate) const VARIABLE_MAX: u32 = 268_435_455;

pub(super) fn string(text: &str, out: &mut Vec<u8>) -> Written {
    if memchr(0, text.as_bytes()).is_some() {
        return Err(EncodeError::Nul);
    }
    binary(text.as_bytes(), out)
}

#[inline]
pub(super) fn binary(bytes: &[u8], out: &mut Vec<u8>) -> Written {
    let Ok(length) = u16::try_from(bytes.len()) else {
        return Err(EncodeError::FieldTooLong { bytes: bytes.len() });
    };
    out.extend_from_slice(&length.to_be_bytes());
    out.extend_from_slice(bytes);
    Ok(())
}

/// Encodes a value in the least number of bytes ([MQTT-1.5.5-1]).
#[inline]
pub(super) fn variable(mut value: u32, out: &mut Vec<u8>) {
    while value > 0x7F {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

pub(super) const fn variable_bytes(value: u32) -> usize {
    match value {
        0..=0x7F => 1,
        0x80..=0x3FFF => 2,
        0x4000..=0x1F_FFFF => 3,
        _ => 4,
    }
}

/// Checks a length that is encoded as a variable byte integer.
#[inline]
pub(super) fn length(bytes: usize) -> Result<u32, EncodeError> {
    match u32::try_from(bytes) {
        Ok(length @ 0..=VARIABLE_MAX) => Ok(length),
        _ => Err(EncodeError::PacketTooLarge { bytes }),
    }
}

/// Encodes a packet with the given body. On an error `out` is unchanged.
pub(super) fn packet(
    first: u8,
    out: &mut Vec<u8>,
    body: impl FnOnce(&mut Vec<u8>) -> Written,
) -> Written {
    let start = out.len();
    out.extend_from_slice(&[first, 0]);
    let written = body(out).and_then(|()| close(start, out));
    if written.is_err() {
        out.truncate(start);
    }
    written
}

/// Fills in the length. One byte, which most packets need, is already reserved.
fn close(start: usize, out: &mut Vec<u8>) -> Written {
    let body = start + 2;
    let length = length(out.len() - body)?;
    match u8::try_from(length) {
        Ok(short @ 0..=0x7F) => out[start + 1] = short,
        _ => {
            let mut encoded = Vec::with_capacity(variable_bytes(length));
            variable(length, &mut encoded);
            out.splice(start + 1..body, encoded);
        }
    }
    Ok(())
}
