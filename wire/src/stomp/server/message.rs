//! MESSAGE, in two halves: what is the same for all subscribers is encoded once and copied.
//!
//! `message_prefix(..)`, then `message_shared(..)`, is one frame. Between them is the place of what
//! concerns one delivery: [`missed`], [`ack`], [`redelivered`].

use super::super::encode::write_decimal;
use super::super::{Command, FrameWriter, Version, header};

/// What all subscribers of a message get alike.
#[derive(Clone, Copy, Debug)]
pub struct Message<'a> {
    pub message_id: &'a str,
    pub destination: &'a str,
    /// Its place in the log of its destination.
    pub sequence: u64,
    /// Milliseconds of Unix time.
    pub timestamp: u64,
    /// The name of the connection that published it.
    pub producer: &'a str,
    pub content_type: Option<&'a str>,
    pub body: &'a [u8],
}

/// What a subscription did not get before the message at hand: the header `missed`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Missed {
    /// Sequences of the message's topic, inclusive.
    Range { from: u64, to: u64 },
    /// How many cannot be told: after a restart of the broker, or where it no longer keeps them.
    Unknown,
}

impl Missed {
    pub fn parse(text: &str) -> Option<Self> {
        if text == "unknown" {
            return Some(Self::Unknown);
        }
        let (from, to) = text.split_once('-')?;
        Some(Self::Range {
            from: from.parse().ok()?,
            to: to.parse().ok()?,
        })
    }
}

/// The part of a subscriber's own: the command, `subscription`, and `missed` if something was.
///
/// `subscription` is the id, which in 1.0 there may not be: [`Identity::id`](super::Identity::id).
/// Without `missed` it is the same for every message of a subscription and may be kept.
#[inline]
pub fn message_prefix(
    version: Version,
    subscription: Option<&str>,
    missed: Option<Missed>,
    out: &mut Vec<u8>,
) {
    let mut frame = FrameWriter::new(out, version, Command::Message);
    frame.optional_header(header::SUBSCRIPTION, subscription);
    if let Some(missed) = missed {
        self::missed(missed, out);
    }
}

/// The part for all: the remaining headers, the blank line, the body and the NUL. User headers
/// follow ours; those that [`header::is_user_defined`] excludes should not be among them.
pub fn message_shared<'h>(
    version: Version,
    message: &Message<'_>,
    user_headers: impl IntoIterator<Item = (&'h str, &'h str)>,
    out: &mut Vec<u8>,
) {
    let mut frame = FrameWriter::within(out, version, Command::Message);
    frame
        .header(header::MESSAGE_ID, message.message_id)
        .header(header::DESTINATION, message.destination)
        .number(header::SEQUENCE, message.sequence)
        .number(header::TIMESTAMP, message.timestamp)
        .header(header::PRODUCER, message.producer)
        .optional_header(header::CONTENT_TYPE, message.content_type);
    for (name, value) in user_headers {
        frame.header(name, value);
    }
    frame.body(message.body);
}

/// The header line `missed`, to follow a prefix that was kept.
#[inline]
pub fn missed(missed: Missed, out: &mut Vec<u8>) {
    out.extend_from_slice(b"missed:");
    match missed {
        Missed::Unknown => out.extend_from_slice(b"unknown"),
        Missed::Range { from, to } => {
            write_decimal(from, out);
            out.push(b'-');
            write_decimal(to, out);
        }
    }
    out.push(b'\n');
}

/// The header line `ack`, to follow a prefix that was kept: "If the message is received from a
/// subscription that requires explicit acknowledgment (either client or client-individual mode) then
/// the MESSAGE frame MUST also contain an ack header" (STOMP 1.2, "MESSAGE"). The versions before
/// acknowledge by `message-id`; nothing is written for them.
#[inline]
pub fn ack(version: Version, id: &str, out: &mut Vec<u8>) {
    if version.acknowledges_by_id() {
        FrameWriter::within(out, version, Command::Message).header(header::ACK, id);
    }
}

/// The header lines of a message that was delivered before, to follow a prefix that was kept.
/// `count` is how often, this time included; nothing is written for the first.
#[inline]
pub fn redelivered(count: u32, out: &mut Vec<u8>) {
    if count > 1 {
        out.extend_from_slice(b"redelivered:true\nJMSXDeliveryCount:");
        write_decimal(count.into(), out);
        out.push(b'\n');
    }
}
