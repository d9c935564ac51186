//! What a client asks for, and how it is written.

use super::super::server::AckMode;
use super::super::{Command, FrameWriter, HeartBeat, Version, header};

/// The one version this client speaks: all servers do, and it is the strictest.
pub(super) const SPOKEN: Version = Version::V1_2;

#[derive(Clone, Copy, Debug, Default)]
pub struct Connect<'a> {
    pub host: &'a str,
    pub login: Option<&'a str>,
    pub passcode: Option<&'a str>,
    /// The name to publish under.
    pub client_id: Option<&'a str>,
}

#[derive(Clone, Copy, Debug, Default)]
pub struct Subscribe<'a> {
    pub id: &'a str,
    pub destination: &'a str,
    /// Any but `Auto` asks for an ACK of what is received.
    pub ack: AckMode,
    /// `last`, a sequence or a message id.
    pub since: Option<&'a str>,
    /// `drop-oldest`, `latest` or `disconnect`.
    pub overflow: Option<&'a str>,
    pub receipt: Option<&'a str>,
    /// Any other: `selector`, `browser`, `activemq.prefetchSize`.
    pub headers: &'a [(&'a str, &'a str)],
}

#[derive(Clone, Copy, Debug, Default)]
pub struct Send<'a> {
    pub destination: &'a str,
    pub content_type: Option<&'a str>,
    pub receipt: Option<&'a str>,
    /// Any other: `transaction`, `expires`, `reply-to`, the user's own.
    pub headers: &'a [(&'a str, &'a str)],
    pub body: &'a [u8],
}

/// An ACK or NACK.
#[derive(Clone, Copy, Debug, Default)]
pub struct Acknowledge<'a> {
    /// [`Message::ack`](super::Message::ack) of the message.
    pub id: &'a str,
    pub transaction: Option<&'a str>,
    pub receipt: Option<&'a str>,
}

/// A BEGIN, COMMIT or ABORT.
#[derive(Clone, Copy, Debug, Default)]
pub struct Transaction<'a> {
    /// A name that no other transaction of this connection has.
    pub id: &'a str,
    pub receipt: Option<&'a str>,
}

impl Connect<'_> {
    pub(super) fn write(&self, heart_beat: HeartBeat, out: &mut Vec<u8>) {
        let mut frame = FrameWriter::new(out, SPOKEN, Command::Connect);
        frame
            .header(header::ACCEPT_VERSION, SPOKEN.as_str())
            .header(header::HOST, self.host)
            .header(header::HEART_BEAT, &heart_beat.to_string())
            .optional_header(header::LOGIN, self.login)
            .optional_header(header::PASSCODE, self.passcode)
            .optional_header(header::CLIENT_ID, self.client_id);
        frame.end();
    }
}

impl Subscribe<'_> {
    pub(super) fn write(&self, version: Version, out: &mut Vec<u8>) {
        let mut frame = FrameWriter::new(out, version, Command::Subscribe);
        frame
            .header(header::ID, self.id)
            .header(header::DESTINATION, self.destination)
            .optional_header(header::ACK, self.ack())
            .optional_header(header::SINCE, self.since)
            .optional_header(header::OVERFLOW, self.overflow)
            .optional_header(header::RECEIPT, self.receipt);
        for (name, value) in self.headers {
            frame.header(name, value);
        }
        frame.end();
    }

    fn ack(&self) -> Option<&'static str> {
        (self.ack != AckMode::Auto).then_some(self.ack.as_str())
    }
}

impl Send<'_> {
    pub(super) fn write(&self, version: Version, out: &mut Vec<u8>) {
        let mut frame = FrameWriter::new(out, version, Command::Send);
        frame
            .header(header::DESTINATION, self.destination)
            .optional_header(header::CONTENT_TYPE, self.content_type)
            .optional_header(header::RECEIPT, self.receipt);
        for (name, value) in self.headers {
            frame.header(name, value);
        }
        frame.body(self.body);
    }
}

impl Acknowledge<'_> {
    pub(super) fn write(&self, version: Version, command: Command, out: &mut Vec<u8>) {
        let mut frame = FrameWriter::new(out, version, command);
        frame
            .header(header::ID, self.id)
            .optional_header(header::TRANSACTION, self.transaction)
            .optional_header(header::RECEIPT, self.receipt);
        frame.end();
    }
}

impl Transaction<'_> {
    pub(super) fn write(&self, version: Version, command: Command, out: &mut Vec<u8>) {
        let mut frame = FrameWriter::new(out, version, command);
        frame
            .header(header::TRANSACTION, self.id)
            .optional_header(header::RECEIPT, self.receipt);
        frame.end();
    }
}

pub(super) fn unsubscribe(version: Version, id: &str, receipt: Option<&str>, out: &mut Vec<u8>) {
    let mut frame = FrameWriter::new(out, version, Command::Unsubscribe);
    frame
        .header(header::ID, id)
        .optional_header(header::RECEIPT, receipt);
    frame.end();
}

pub(super) fn disconnect(version: Version, receipt: Option<&str>, out: &mut Vec<u8>) {
    let mut frame = FrameWriter::new(out, version, Command::Disconnect);
    frame.optional_header(header::RECEIPT, receipt);
    frame.end();
}
