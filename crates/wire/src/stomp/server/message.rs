//! MESSAGE, in two parts: the part common to all subscribers is encoded once and copied.
//!
//! `message_prefix(..)` followed by `message_shared(..)` is one frame. The headers of one delivery
//! go between them: [`missed`], [`ack`], [`redelivered`].

use super::super::encode::write_decimal;
use super::super::{Command, FrameWriter, Version, header};

/// The part of a message that is common to all subscribers.
#[derive(Clone, Copy, Debug)]
pub struct Message<'a> {
    /// The header `message-id`.
    pub message_id: &'a str,
    /// The header `destination`.
    pub destination: &'a str,
    /// The position in the log of the destination.
    pub sequence: u64,
    /// The time of publication in milliseconds of Unix time.
    pub timestamp: u64,
    /// The name of the connection that published the message.
    pub producer: &'a str,
    /// The media type of the body.
    pub content_type: Option<&'a str>,
    /// The body.
    pub body: &'a [u8],
}

/// The messages that a subscription did not receive before this one: the header `missed`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Missed {
    /// A range of sequences of the message's topic.
    Range {
        /// The first sequence.
        from: u64,
        /// The last sequence.
        to: u64,
    },
    /// The number is unknown: after a restart of the broker, or if the broker no longer keeps it.
    Unknown,
}

impl Missed {
    /// Parses the value of the header `missed`.
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

/// Writes the part of one subscriber: the command, `subscription`, and `missed` if messages were
/// missed.
///
/// `subscription` is the id, which may be absent in 1.0: [`Identity::id`](super::Identity::id).
/// Without `missed` the part is the same for every message of a subscription and can be cached.
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

/// Writes the common part: the remaining headers, the blank line, the body and the NUL. User
/// headers follow the server's, without those that the server sets.
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
    let user_headers = user_headers.into_iter();
    for (name, value) in user_headers.filter(|(name, _)| may_be_sent(name)) {
        frame.header(name, value);
    }
    frame.body(message.body);
}

/// Returns false for a user header that could replace one of the server's and so forge a frame, and for one without a
/// name, which no frame can have. Messages of other protocols can have both.
///
/// Padding around the name does not count: versions without escape sequences replace control characters by spaces, and
/// clients may ignore spaces.
fn may_be_sent(name: &str) -> bool {
    let name = name.trim_matches(|c: char| c.is_whitespace() || c.is_control());
    !name.is_empty() && header::is_user_defined(name)
}

/// Writes the header `missed` after a cached prefix.
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

/// Writes the header `ack` after a cached prefix: "If the message is received from a subscription
/// that requires explicit acknowledgment (either client or client-individual mode) then the MESSAGE
/// frame MUST also contain an ack header" (STOMP 1.2, "MESSAGE"). Earlier versions acknowledge by
/// `message-id`; nothing is written for them.
#[inline]
pub fn ack(version: Version, id: &str, out: &mut Vec<u8>) {
    if version.acknowledges_by_id() {
        FrameWriter::within(out, version, Command::Message).header(header::ACK, id);
    }
}

/// Writes the header `browser` after a cached prefix, for the message that ends a browse (ActiveMQ).
pub fn end_of_browse(out: &mut Vec<u8>) {
    out.extend_from_slice(b"browser:end\n");
}

/// Writes the headers of a redelivered message after a cached prefix. `count` is the number of
/// deliveries including this one; nothing is written for the first.
#[inline]
pub fn redelivered(count: u32, out: &mut Vec<u8>) {
    if count > 1 {
        out.extend_from_slice(b"redelivered:true\nJMSXDeliveryCount:");
        write_decimal(count.into(), out);
        out.push(b'\n');
    }
}
