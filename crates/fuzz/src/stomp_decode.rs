//! Decodes any bytes. The first byte selects the piece size.

use wire::stomp::{Command, Decoder, Frame, FrameWriter, Item, Limits, Version};

const LIMITS: Limits = Limits {
    command_bytes: 16,
    header_count: 8,
    header_bytes: 64,
    head_bytes: 256,
    body_bytes: 512,
};

/// A frame in comparable form: the header lines as received, and the body.
type Owned = Option<(Command, Vec<(String, String)>, Vec<u8>)>;

/// Decodes the bytes.
///
/// # Panics
///
/// If a property does not hold.
pub fn run(data: &[u8]) {
    let Some((&piece, input)) = data.split_first() else {
        return;
    };
    let whole = decode(input, input.len().max(1));
    assert_eq!(decode(input, usize::from(piece).max(1)), whole);
    assert_eq!(decode(input, 1), whole);
}

/// Returns the items, and true if an error ended them.
fn decode(input: &[u8], piece: usize) -> (Vec<Owned>, bool) {
    let mut decoder = Decoder::new(LIMITS);
    let mut items = Vec::new();
    let (mut start, mut end) = (0, 0);
    loop {
        match decoder.decode(&input[start..end]) {
            Ok(Some((item, taken))) => {
                assert!(taken > 0 && taken <= end - start);
                items.push(owned(&item));
                start += taken;
            }
            Ok(None) if end == input.len() => return (items, false),
            Ok(None) => end = (end + piece).min(input.len()),
            Err(_) => return (items, true),
        }
    }
}

fn owned(item: &Item<'_>) -> Owned {
    match item {
        Item::HeartBeat => None,
        Item::Frame(frame) => {
            check_written(frame);
            Some((frame.command, headers(frame), frame.body.to_vec()))
        }
    }
}

fn headers(frame: &Frame<'_>) -> Vec<(String, String)> {
    let owned = |text: std::borrow::Cow<'_, str>| text.into_owned();
    let headers = frame.headers.iter();
    headers
        .map(|header| (owned(header.name()), owned(header.value())))
        .collect()
}

/// Checks that a decoded frame can be encoded and decodes to the same frame.
fn check_written(frame: &Frame<'_>) {
    let mut bytes = Vec::new();
    let mut writer = FrameWriter::new(&mut bytes, Version::V1_2, frame.command);
    for header in frame.headers {
        writer.header(&header.name(), &header.value());
    }
    // The decoder accepts a few line ends as the body of a frame that must not have a body.
    let body = match carries_body(frame.command) {
        true => frame.body,
        false => b"",
    };
    match body {
        [] => writer.end(),
        body => writer.body(body),
    }
    let mut decoder = Decoder::new(Limits::DEFAULT);
    let Ok(Some((Item::Frame(again), taken))) = decoder.decode(&bytes) else {
        panic!("{frame:?} was written as {:?}", bytes.escape_ascii());
    };
    assert_eq!(taken, bytes.len());
    assert_eq!(again.command, frame.command);
    assert_eq!(again.body, body);
    assert!(headers(&again).starts_with(&headers(frame)));
}

/// Returns true for the commands whose frames may have a body, and for those that choose the version.
fn carries_body(command: Command) -> bool {
    command.may_have_body() || matches!(command, Command::Connect | Command::Stomp)
}
