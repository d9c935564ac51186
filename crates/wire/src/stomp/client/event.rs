//! Events: the frames of a server.

use std::borrow::Cow;

use super::super::server::Missed;
use super::super::{Command, DecodeError, Frame, Header, Headers, HeartBeat, Version, header};
use super::request::SPOKEN;

/// An event of the connection.
#[derive(Clone, Debug)]
pub enum Event<'a> {
    /// A heart-beat.
    HeartBeat,
    /// CONNECTED.
    Connected(Connected<'a>),
    /// MESSAGE.
    Message(Message<'a>),
    /// RECEIPT: the server has processed the frame that requested this receipt.
    Receipt(Cow<'a, str>),
    /// ERROR. The server closes the connection afterwards.
    Error(ServerError<'a>),
}

/// The content of CONNECTED.
#[derive(Clone, Debug)]
pub struct Connected<'a> {
    /// The negotiated version.
    pub version: Version,
    /// The id of the session.
    pub session: Option<Cow<'a, str>>,
    /// Name and version of the server.
    pub server: Option<Cow<'a, str>>,
    /// The server's heart-beat intervals; the client has stored them.
    pub heart_beat: HeartBeat,
}

/// The content of a MESSAGE. The three standard headers are required; Carillon's own are absent
/// with other brokers.
#[derive(Clone, Debug)]
pub struct Message<'a> {
    /// The id of the subscription.
    pub subscription: Cow<'a, str>,
    /// The id of the message.
    pub message_id: Cow<'a, str>,
    /// The destination.
    pub destination: Cow<'a, str>,
    /// The position in the log of the destination.
    pub sequence: Option<u64>,
    /// The time of publication in milliseconds of Unix time.
    pub timestamp: Option<u64>,
    /// The name of the connection that published the message.
    pub producer: Option<Cow<'a, str>>,
    /// The messages that were skipped before this one.
    pub missed: Option<Missed>,
    /// The media type of the body.
    pub content_type: Option<Cow<'a, str>>,
    /// All headers.
    pub headers: Headers<'a>,
    /// The body.
    pub body: &'a [u8],
}

/// The content of an ERROR.
#[derive(Clone, Debug)]
pub struct ServerError<'a> {
    /// A short description.
    pub message: Option<Cow<'a, str>>,
    /// The receipt of the frame at fault.
    pub receipt_id: Option<Cow<'a, str>>,
    /// The details.
    pub body: Cow<'a, str>,
}

/// A violation of the protocol by the server. The connection cannot be used any further.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProtocolError {
    /// A frame that cannot be decoded.
    #[error("the server's bytes are not valid STOMP: {0}")]
    Malformed(#[from] DecodeError),
    /// A frame before CONNECTED.
    #[error("the server sent {command} before CONNECTED")]
    NotConnected {
        /// The command.
        command: Command,
    },
    /// A frame that is not allowed in this state.
    #[error("the server sent {command}, which is not expected here")]
    Unexpected {
        /// The command.
        command: Command,
    },
    /// A version that the client did not offer.
    #[error("the server chose a version that was not offered")]
    UnsupportedVersion,
    /// A missing required header.
    #[error("the server sent {command} without the header \"{name}\"")]
    MissingHeader {
        /// The command.
        command: Command,
        /// The name of the header.
        name: &'static str,
    },
    /// An invalid header value.
    #[error("the server sent an invalid header \"{name}\"")]
    InvalidHeader {
        /// The name of the header.
        name: &'static str,
    },
}

impl<'a> Message<'a> {
    /// Returns the user defined headers.
    pub fn user_headers(&self) -> impl Iterator<Item = Header<'a>> + use<'a> {
        self.headers
            .iter()
            .filter(|header| header::is_user_defined(header.raw_name))
    }

    /// Returns the id for ACK or NACK, or `None` if the message need not be acknowledged.
    pub fn ack(&self) -> Option<Cow<'a, str>> {
        self.headers.get(header::ACK)
    }

    /// Returns the number of deliveries including this one, or None for the first.
    pub fn delivery_count(&self) -> Option<u32> {
        self.headers.get(header::DELIVERY_COUNT)?.parse().ok()
    }

    /// Returns the destination for replies.
    pub fn reply_to(&self) -> Option<Cow<'a, str>> {
        self.headers.get(header::REPLY_TO)
    }

    /// Returns the value that a reply must repeat.
    pub fn correlation_id(&self) -> Option<Cow<'a, str>> {
        self.headers.get(header::CORRELATION_ID)
    }

    pub(super) fn read(frame: &Frame<'a>) -> Result<Self, ProtocolError> {
        let mut message = Received::default();
        for header in frame.headers {
            message.note(header);
        }
        let required = |value: Option<Cow<'a, str>>, name| {
            let command = frame.command;
            value.ok_or(ProtocolError::MissingHeader { command, name })
        };
        Ok(Self {
            subscription: required(message.subscription, header::SUBSCRIPTION)?,
            message_id: required(message.message_id, header::MESSAGE_ID)?,
            destination: required(message.destination, header::DESTINATION)?,
            sequence: message.sequence.and_then(|text| text.parse().ok()),
            timestamp: message.timestamp.and_then(|text| text.parse().ok()),
            producer: message.producer,
            missed: message.missed.and_then(|text| Missed::parse(&text)),
            content_type: message.content_type,
            headers: frame.headers,
            body: frame.body,
        })
    }
}

/// The headers of a MESSAGE, before required ones are checked.
#[derive(Default)]
struct Received<'a> {
    subscription: Option<Cow<'a, str>>,
    message_id: Option<Cow<'a, str>>,
    destination: Option<Cow<'a, str>>,
    sequence: Option<Cow<'a, str>>,
    timestamp: Option<Cow<'a, str>>,
    producer: Option<Cow<'a, str>>,
    missed: Option<Cow<'a, str>>,
    content_type: Option<Cow<'a, str>>,
}

impl<'a> Received<'a> {
    fn note(&mut self, header: Header<'a>) {
        let slot = match header.raw_name {
            header::SUBSCRIPTION => &mut self.subscription,
            header::MESSAGE_ID => &mut self.message_id,
            header::DESTINATION => &mut self.destination,
            header::SEQUENCE => &mut self.sequence,
            header::TIMESTAMP => &mut self.timestamp,
            header::PRODUCER => &mut self.producer,
            header::MISSED => &mut self.missed,
            header::CONTENT_TYPE => &mut self.content_type,
            _ => return,
        };
        // "Only the first header entry SHOULD be used" (STOMP 1.2, "Repeated Header Entries").
        if slot.is_none() {
            *slot = Some(header.value());
        }
    }
}

impl<'a> Connected<'a> {
    pub(super) fn read(frame: &Frame<'a>) -> Result<Self, ProtocolError> {
        let headers = frame.headers;
        let heart_beat = match headers.get(header::HEART_BEAT) {
            None => HeartBeat::NONE,
            Some(text) => HeartBeat::parse(&text).ok_or(ProtocolError::InvalidHeader {
                name: header::HEART_BEAT,
            })?,
        };
        Ok(Self {
            version: chosen(headers.get(header::VERSION))?,
            session: headers.get(header::SESSION),
            server: headers.get(header::SERVER),
            heart_beat,
        })
    }
}

/// Returns the server's version. A server that sends no version uses 1.0.
fn chosen(version: Option<Cow<'_, str>>) -> Result<Version, ProtocolError> {
    let version = version
        .as_deref()
        .map_or(Some(Version::V1_0), Version::parse);
    version
        .filter(|version| *version == SPOKEN)
        .ok_or(ProtocolError::UnsupportedVersion)
}

impl<'a> ServerError<'a> {
    pub(super) fn read(frame: &Frame<'a>) -> Self {
        Self {
            message: frame.headers.get(header::MESSAGE),
            receipt_id: frame.headers.get(header::RECEIPT_ID),
            body: String::from_utf8_lossy(frame.body),
        }
    }
}
