//! Formats the items of a stream as text for tables.

use wire::stomp::{DecodeError, Decoder, Frame, Item, Limits, Version};

/// Returns every item of `input`, one per line, and last the error or the number of unfinished
/// bytes.
pub fn transcript(input: &[u8]) -> Vec<String> {
    transcript_with(Limits::DEFAULT, Version::V1_2, input)
}

pub fn transcript_with(limits: Limits, version: Version, input: &[u8]) -> Vec<String> {
    let mut decoder = Decoder::new(limits);
    decoder.set_version(version);
    let mut lines = Vec::new();
    let mut rest = input;
    loop {
        match decoder.decode(rest) {
            Ok(Some((item, taken))) => {
                lines.push(show(&item));
                rest = &rest[taken..];
            }
            Ok(None) if rest.is_empty() => return lines,
            Ok(None) => {
                lines.push(format!("unfinished after {} bytes", rest.len()));
                return lines;
            }
            Err(error) => {
                lines.push(format!("error: {error}"));
                return lines;
            }
        }
    }
}

pub fn show(item: &Item<'_>) -> String {
    match item {
        Item::HeartBeat => "heart-beat".to_owned(),
        Item::Frame(frame) => show_frame(frame),
    }
}

fn show_frame(frame: &Frame<'_>) -> String {
    let mut text = frame.command.to_string();
    for header in frame.headers {
        text += &format!(" {:?}={:?}", header.name(), header.value());
    }
    text + &format!(" | {}", frame.body.escape_ascii())
}

/// Decodes the stream cut at `cuts`: after each piece the caller keeps the bytes that were not
/// consumed.
pub fn transcript_of_pieces(input: &[u8], cuts: &[usize]) -> (Vec<String>, Option<DecodeError>) {
    let mut decoder = Decoder::new(Limits::DEFAULT);
    let mut lines = Vec::new();
    let mut start = 0;
    for &end in cuts.iter().chain([&input.len()]) {
        loop {
            match decoder.decode(&input[start..end.max(start)]) {
                Ok(Some((item, taken))) => {
                    lines.push(show(&item));
                    start += taken;
                }
                Ok(None) => break,
                Err(error) => return (lines, Some(error)),
            }
        }
    }
    (lines, None)
}
