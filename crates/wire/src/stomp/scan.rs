//! Searches short texts, eight bytes at a time.
//!
//! Header lines have a few dozen bytes, for which the call of `memchr` would cost more than the
//! search. Long texts are searched with `memchr`.

use memchr::memchr2;

/// Returns the position of the first LF or NUL.
#[inline(always)]
pub(super) fn line_end(text: &[u8]) -> Option<usize> {
    const SHORT: usize = 64;
    let short = &text[..text.len().min(SHORT)];
    match find([b'\n', 0], short) {
        None if text.len() > SHORT => {
            memchr2(b'\n', 0, &text[SHORT..]).map(|offset| SHORT + offset)
        }
        found => found,
    }
}

/// Returns the position of the first colon of a line.
#[inline(always)]
pub(super) fn colon(line: &[u8]) -> Option<usize> {
    find([b':'], line)
}

/// Returns true if a text can be written to a header unchanged. May return false for texts with
/// control characters that need no change, so other texts must be checked byte by byte.
#[inline(always)]
pub(super) fn is_plain(text: &[u8]) -> bool {
    let (words, rest) = text.as_chunks::<8>();
    let special = words.iter().fold(0, |found, word| {
        let word = u64::from_le_bytes(*word);
        found | controls(word) | matches([b':', b'\\'], word)
    });
    let is_special = |byte: &u8| *byte < CONTROLS || *byte == b':' || *byte == b'\\';
    special == 0 && !rest.iter().any(is_special)
}

#[inline(always)]
fn find<const N: usize>(needles: [u8; N], text: &[u8]) -> Option<usize> {
    let (words, rest) = text.as_chunks::<8>();
    for (index, word) in words.iter().enumerate() {
        let found = matches(needles, u64::from_le_bytes(*word));
        if found != 0 {
            return Some(index * 8 + found.trailing_zeros() as usize / 8);
        }
    }
    let is_needle = |byte: &u8| needles.contains(byte);
    rest.iter()
        .position(is_needle)
        .map(|offset| words.len() * 8 + offset)
}

/// Returns a word with the high bit set in each byte that equals one of the needles. Bits above the
/// lowest one may be wrong because of carries; the lowest one is always right.
#[inline(always)]
fn matches<const N: usize>(needles: [u8; N], word: u64) -> u64 {
    needles.iter().fold(0, |found, &needle| {
        let zero_where_equal = word ^ (ONES * u64::from(needle));
        found | (zero_where_equal.wrapping_sub(ONES) & !zero_where_equal & HIGHS)
    })
}

/// Returns a nonzero value if a byte is NUL, LF, CR or one of the control characters between them.
#[inline(always)]
const fn controls(word: u64) -> u64 {
    word.wrapping_sub(ONES * CONTROLS as u64) & !word & HIGHS
}

const CONTROLS: u8 = b'\r' + 1;
const ONES: u64 = u64::from_ne_bytes([0x01; 8]);
const HIGHS: u64 = u64::from_ne_bytes([0x80; 8]);
