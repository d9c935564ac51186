//! Requests of a client and their encoding.

use super::super::server::AckMode;
use super::super::{Command, FrameWriter, HeartBeat, Version, header};

/// The only version that this client supports: the strictest one, supported by all servers.
pub(super) const SPOKEN: Version = Version::V1_2;

/// A CONNECT.
#[derive(Clone, Copy, Debug, Default)]
pub struct Connect<'a> {
    /// The virtual host.
    pub host: &'a str,
    /// The user name.
    pub login: Option<&'a str>,
    /// The password.
    pub passcode: Option<&'a str>,
    /// The name of the client as publisher.
    pub client_id: Option<&'a str>,
}

/// A SUBSCRIBE.
#[derive(Clone, Copy, Debug, Default)]
pub struct Subscribe<'a> {
    /// The id of the subscription.
    pub id: &'a str,
    /// The destination.
    pub destination: &'a str,
    /// The acknowledgement mode. All except `Auto` require an ACK for received messages.
    pub ack: AckMode,
    /// The start in the past: `last`, a sequence or a message id.
    pub since: Option<&'a str>,
    /// The overflow rule: `drop-oldest`, `latest` or `disconnect`.
    pub overflow: Option<&'a str>,
    /// The requested receipt.
    pub receipt: Option<&'a str>,
    /// Other headers, such as `selector`, `browser`, `activemq.prefetchSize`.
    pub headers: &'a [(&'a str, &'a str)],
}

/// A SEND.
#[derive(Clone, Copy, Debug, Default)]
pub struct Send<'a> {
    /// The destination.
    pub destination: &'a str,
    /// The media type of the body.
    pub content_type: Option<&'a str>,
    /// The requested receipt.
    pub receipt: Option<&'a str>,
    /// Other headers, such as `transaction`, `expires`, `reply-to`, and user defined ones.
    pub headers: &'a [(&'a str, &'a str)],
    /// The body.
    pub body: &'a [u8],
}

/// An ACK or NACK.
#[derive(Clone, Copy, Debug, Default)]
pub struct Acknowledge<'a> {
    /// The value of [`Message::ack`](super::Message::ack).
    pub id: &'a str,
    /// The transaction that the acknowledgement belongs to.
    pub transaction: Option<&'a str>,
    /// The requested receipt.
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
