use std::collections::BTreeSet;

use super::*;
use crate::payload::fold;

fn bytes(hex: &str) -> Vec<u8> {
    let digits: Vec<_> = hex.chars().filter(|digit| !digit.is_whitespace()).collect();
    let byte = |pair: &[char]| {
        let text: String = pair.iter().collect();
        u8::from_str_radix(&text, 16).expect("hexadecimal digits")
    };
    digits.chunks(2).map(byte).collect()
}

/// Returns the lines of a value in one text, with the notes.
fn text(tree: &Tree<'_>) -> String {
    let lines = fold::lines(tree, &BTreeSet::new());
    let text = |line: &fold::Line| {
        let key = if line.key.is_empty() { "" } else { ": " };
        let note = if line.note.is_empty() { "" } else { " # " };
        format!("{}{key}{}{note}{}", line.key, line.text, line.note)
    };
    lines.iter().map(text).collect::<Vec<_>>().join(" ")
}

fn shown(hex: &str) -> Result<String, (&'static str, usize)> {
    let tree = read(&bytes(hex)).map(|tree| text(&tree));
    tree.map_err(|fault| (fault.what.english, fault.at))
}

#[test]
fn the_examples_of_the_standard_are_read() {
    // RFC 8949, appendix A.
    for (hex, expected) in [
        ("00", "0"),
        ("17", "23"),
        ("1818", "24"),
        ("1903e8", "1000"),
        ("1a000f4240", "1000000"),
        ("1bffffffffffffffff", "18446744073709551615"),
        ("3bffffffffffffffff", "-18446744073709551616"),
        ("20", "-1"),
        ("3903e7", "-1000"),
        (
            "c249010000000000000000",
            "18446744073709551616 # tag 2: bignum",
        ),
        (
            "c349010000000000000000",
            "-18446744073709551617 # tag 3: negative bignum",
        ),
        ("f90000", "0.0"),
        ("f98000", "-0.0"),
        ("f93c00", "1.0"),
        ("fb3ff199999999999a", "1.1"),
        ("f93e00", "1.5"),
        ("f97bff", "65504.0"),
        ("fa47c35000", "100000.0"),
        ("f90001", "0.00000005960464477539063"),
        ("f90400", "0.00006103515625"),
        ("f9c400", "-4.0"),
        ("f97c00", "Infinity"),
        ("f97e00", "NaN"),
        ("f9fc00", "-Infinity"),
        ("f4", "false"),
        ("f5", "true"),
        ("f6", "null"),
        ("f7", "undefined"),
        ("f0", "simple(16)"),
        ("f8ff", "simple(255)"),
        (
            "c074323031332d30332d32315432303a30343a30305a",
            "\"2013-03-21T20:04:00Z\" # tag 0: date/time",
        ),
        ("c11a514b67b0", "1363896240 # tag 1: 2013-03-21T20:04:00Z"),
        (
            "c1fb41d452d9ec200000",
            "1363896240.5 # tag 1: 2013-03-21T20:04:00.5Z",
        ),
        ("d74401020304", "h'01020304' # tag 23: base16"),
        ("d818456449455446", "h'6449455446' # tag 24: encoded CBOR"),
        ("40", "h''"),
        ("62225c", "\"\\\"\\\\\""),
        ("64f0908591", "\"\u{10151}\""),
        ("80", "[]"),
        ("83010203", "[ 0: 1 1: 2 2: 3 ]"),
        (
            "8301820203820405",
            "[ 0: 1 1: [ 0: 2 1: 3 ] 2: [ 0: 4 1: 5 ] ]",
        ),
        ("a201020304", "{ 1: 2 3: 4 }"),
        ("a26161016162820203", "{ a: 1 b: [ 0: 2 1: 3 ] }"),
        ("826161a161626163", "[ 0: \"a\" 1: { b: \"c\" } ]"),
        ("5f42010243030405ff", "h'0102030405'"),
        ("7f657374726561646d696e67ff", "\"streaming\""),
        ("9fff", "[]"),
        (
            "9f018202039f0405ffff",
            "[ 0: 1 1: [ 0: 2 1: 3 ] 2: [ 0: 4 1: 5 ] ]",
        ),
        ("bf61610161629f0203ffff", "{ a: 1 b: [ 0: 2 1: 3 ] }"),
        ("bf6346756ef563416d7421ff", "{ Fun: true Amt: -2 }"),
        (
            "d9d9f7d82550f81d4fae7dec11d0a76500a0c91e6bf6",
            "h'f81d4fae7dec11d0a76500a0c91e6bf6' # tag 55799: self-described CBOR, tag 37: f81d4fae-7dec-11d0-a765-00a0c91e6bf6",
        ),
        // A text that looks like a number is not the number.
        ("a2613101 01 02", "{ \"1\": 1 1: 2 }"),
    ] {
        assert_eq!(shown(hex).as_deref(), Ok(expected), "{hex}");
    }
}

#[test]
fn a_fault_has_its_offset() {
    let (early, reserved) = (texts::ENDS_EARLY.english, texts::RESERVED.english);
    for (hex, what, at) in [
        ("", early, 0),
        ("19 03", early, 1),
        ("82 01", early, 2),
        ("82 01 62 61", early, 2),
        ("5bffffffffffffffff 00", early, 0),
        ("a1 01", early, 2),
        ("1c", reserved, 0),
        ("81 fc", reserved, 1),
        ("81 ff", reserved, 1),
        ("1f", reserved, 0),
        ("df", reserved, 0),
        ("f8 1f", reserved, 0),
        // A part of a byte string is a byte string of definite length.
        ("5f 61 61 ff", reserved, 1),
        ("5f 5f ff ff", reserved, 1),
        ("bf 01 ff", reserved, 2),
        ("01 02", texts::MORE_FOLLOWS.english, 1),
        ("82 01 62 61 ff", texts::NOT_UTF8.english, 4),
    ] {
        assert_eq!(shown(hex), Err((what, at)), "{hex}");
    }
}

#[test]
fn depth_and_values_are_bounded() {
    let nested = |depth: usize| [vec![0x81; depth], vec![0]].concat();
    assert!(read(&nested(100)).is_ok());
    let fault = read(&nested(101)).expect_err("too deep");
    assert_eq!(
        (fault.what.english, fault.at),
        (texts::TOO_DEEP.english, 101)
    );
    assert!(read(&[0xc1; 1 << 20]).is_err());
    let many = [&[0x9a, 0xff, 0xff, 0xff, 0xff][..], &vec![0; 1 << 20]].concat();
    let fault = read(&many).expect_err("too many");
    assert_eq!(fault.what.english, texts::TOO_MANY.english);
    // Empty parts of a string would otherwise be read for ever.
    let parts = [vec![0x5f], vec![0x40; 1 << 20]].concat();
    assert_eq!(
        read(&parts).expect_err("too many").what.english,
        texts::TOO_MANY.english
    );
}

#[test]
fn a_sequence_is_a_list() {
    let sequence = bytes("01 a0 6161");
    let tree = read_sequence(&sequence).expect("a sequence");
    assert_eq!(text(&tree), "[ 0: 1 1: {} 2: \"a\" ]");
}

/// An independent decoder accepts the same bytes and finds the same values.
#[test]
fn another_decoder_reads_the_same() {
    let mut random = 7_u32;
    let mut accepted = 0;
    for _ in 0..200_000 {
        let mut input = Vec::new();
        for _ in 0..random % 9 + 1 {
            random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            input.push(LIKELY[(random >> 16) as usize % LIKELY.len()]);
        }
        random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223) >> 1;
        let expected = is_one_value(&input);
        assert_eq!(read(&input).is_ok(), expected, "{input:02x?}");
        accepted += u32::from(expected);
    }
    assert!(accepted > 1_000, "{accepted}");
}

fn is_one_value(mut input: &[u8]) -> bool {
    let value = ciborium::from_reader::<ciborium::Value, _>(&mut input);
    value.is_ok() && input.is_empty()
}

/// Heads of nearly all kinds, small arguments, and bytes of texts. ciborium reads bignums only of bytes, and accepts strings
/// of indefinite length in each other.
const LIKELY: &[u8] = &[
    0x00, 0x01, 0x17, 0x18, 0x19, 0x20, 0x38, 0x40, 0x41, 0x42, 0x58, 0x60, 0x61, 0x62, 0x80, 0x81,
    0x82, 0x9f, 0xa0, 0xa1, 0xbf, 0xc1, 0xd8, 0xf4, 0xf6, 0xf9, 0xfa, 0xff,
];
