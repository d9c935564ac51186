use std::collections::BTreeSet;

use super::*;
use crate::payload::fold;

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

fn shown(bytes: &[u8]) -> Result<String, (&'static str, usize)> {
    let tree = read(bytes).map(|tree| text(&tree));
    tree.map_err(|fault| (fault.what.english, fault.at))
}

#[test]
fn each_format_of_the_specification_is_read() {
    let long = |head: &[u8], length: usize| [head, &vec![b'x'; length]].concat();
    for (bytes, expected) in [
        (&b"\x00"[..], "0"),
        (b"\x7f", "127"),
        (b"\xe0", "-32"),
        (b"\xff", "-1"),
        (b"\xc0", "nil"),
        (b"\xc2", "false"),
        (b"\xc3", "true"),
        (b"\xcc\xff", "255"),
        (b"\xcd\xff\xff", "65535"),
        (b"\xce\xff\xff\xff\xff", "4294967295"),
        (
            b"\xcf\xff\xff\xff\xff\xff\xff\xff\xff",
            "18446744073709551615",
        ),
        (b"\xd0\x80", "-128"),
        (b"\xd1\x80\x00", "-32768"),
        (b"\xd2\x80\x00\x00\x00", "-2147483648"),
        (
            b"\xd3\x80\x00\x00\x00\x00\x00\x00\x00",
            "-9223372036854775808",
        ),
        (b"\xca\x3f\xc0\x00\x00", "1.5"),
        (b"\xcb\x3f\xf1\x99\x99\x99\x99\x99\x9a", "1.1"),
        (b"\xa0", "\"\""),
        (b"\xa3a\nb", "\"a\\nb\""),
        (b"\xd9\x01a", "\"a\""),
        (b"\xda\x00\x01a", "\"a\""),
        (b"\xdb\x00\x00\x00\x01a", "\"a\""),
        (b"\xc4\x02\x00\xff", "h'00ff'"),
        (b"\xc5\x00\x01\x07", "h'07'"),
        (b"\xc6\x00\x00\x00\x01\x07", "h'07'"),
        (b"\x90", "[]"),
        (b"\x92\x01\x90", "[ 0: 1 1: [] ]"),
        (b"\xdc\x00\x01\x05", "[ 0: 5 ]"),
        (b"\xdd\x00\x00\x00\x01\x05", "[ 0: 5 ]"),
        (b"\x80", "{}"),
        (b"\x82\xa1a\x01\x02\xa1b", "{ a: 1 2: \"b\" }"),
        (b"\xde\x00\x01\xc0\x01", "{ nil: 1 }"),
        (b"\xdf\x00\x00\x00\x01\x91\x01\x02", "{ [ 1 … ]: 2 }"),
        (b"\xd4\x05\x07", "h'07' # ext 5"),
        (b"\xd5\xfb\x07\x08", "h'0708' # ext -5"),
        (b"\xc7\x03\x05\x01\x02\x03", "h'010203' # ext 5"),
        (b"\xc8\x00\x01\x05\x01", "h'01' # ext 5"),
        (b"\xc9\x00\x00\x00\x01\x05\x01", "h'01' # ext 5"),
        (
            b"\xd6\xff\x65\x53\xf1\x00",
            "2023-11-14T22:13:20Z # timestamp",
        ),
        (
            b"\xd7\xff\x77\x35\x94\x00\x65\x53\xf1\x00",
            "2023-11-14T22:13:20.5Z # timestamp",
        ),
        (
            b"\xc7\x0c\xff\x00\x00\x00\x01\x00\x00\x00\x00\x65\x53\xf1\x00",
            "2023-11-14T22:13:20.000000001Z # timestamp",
        ),
        // Before 1970 and after 9999 the bytes are shown.
        (
            b"\xc7\x0c\xff\x00\x00\x00\x00\xff\xff\xff\xff\xff\xff\xff\xff",
            "h'00000000ffffffffffffffff' # ext -1",
        ),
    ] {
        assert_eq!(shown(bytes).as_deref(), Ok(expected), "{bytes:02x?}");
    }
    assert_eq!(
        shown(&long(&[0xbf], 31)),
        Ok(format!("\"{}\"", "x".repeat(31)))
    );
    assert_eq!(
        shown(&long(&[0xd8, 0x05], 16)),
        Ok(format!("h'{}' # ext 5", "78".repeat(16)))
    );
}

#[test]
fn a_fault_has_its_offset() {
    let early = texts::ENDS_EARLY.english;
    for (bytes, what, at) in [
        (&b""[..], early, 0),
        (b"\xcd\x01", early, 1),
        (b"\x92\x01", early, 2),
        (b"\x92\x01\xa3ab", early, 2),
        (b"\xdb\xff\xff\xff\xffx", early, 0),
        (b"\x81\xa1a", early, 3),
        (b"\xd4", early, 1),
        (b"\x91\xc1", texts::RESERVED.english, 1),
        (b"\x01\x02", texts::MORE_FOLLOWS.english, 1),
        (b"\x91\xa2a\xff", texts::NOT_UTF8.english, 3),
    ] {
        assert_eq!(shown(bytes), Err((what, at)), "{bytes:02x?}");
    }
}

#[test]
fn depth_and_values_are_bounded() {
    let nested = |depth: usize| [vec![0x91; depth], vec![0]].concat();
    assert!(read(&nested(100)).is_ok());
    let fault = read(&nested(101)).expect_err("too deep");
    assert_eq!(
        (fault.what.english, fault.at),
        (texts::TOO_DEEP.english, 101)
    );
    let many = [&[0xdd, 0xff, 0xff, 0xff, 0xff][..], &vec![0; 1 << 20]].concat();
    let fault = read(&many).expect_err("too many");
    assert_eq!(fault.what.english, texts::TOO_MANY.english);
}

/// An independent decoder accepts the same bytes.
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
        let mut rest = &input[..];
        let value = rmpv::decode::read_value_ref(&mut rest);
        let expected = rest.is_empty() && value.is_ok_and(|value| is_utf8(&value));
        assert_eq!(read(&input).is_ok(), expected, "{input:02x?}");
        accepted += u32::from(expected);
    }
    assert!(accepted > 1_000, "{accepted}");
}

/// rmpv accepts texts that are not UTF-8.
fn is_utf8(value: &rmpv::ValueRef<'_>) -> bool {
    match value {
        rmpv::ValueRef::String(text) => text.is_str(),
        rmpv::ValueRef::Array(items) => items.iter().all(is_utf8),
        rmpv::ValueRef::Map(members) => members
            .iter()
            .all(|(key, value)| is_utf8(key) && is_utf8(value)),
        _ => true,
    }
}

/// Heads of all kinds, small arguments, and bytes of texts. rmpv reads the reserved head 0xc1 as nil.
const LIKELY: &[u8] = &[
    0x00, 0x01, 0x02, 0x61, 0x7f, 0x80, 0x81, 0x90, 0x91, 0x92, 0xa0, 0xa1, 0xa2, 0xc0, 0xc2, 0xc4,
    0xc5, 0xc7, 0xca, 0xcc, 0xcd, 0xd0, 0xd1, 0xd4, 0xd5, 0xd9, 0xda, 0xdc, 0xde, 0xe0, 0xff,
];
