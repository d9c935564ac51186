//! The values of SUBSCRIBE's headers.

use std::borrow::Cow;

use super::super::super::{Headers, header};
use super::super::fault::Cause;
use super::fields::{decimal, invalid};

/// The header `ack`: the acknowledgement mode.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum AckMode {
    /// "The server will assume the client has received the message as soon as it sends it".
    #[default]
    Auto,
    /// An ACK of the message or of a later message of the subscription is required.
    Client,
    /// An ACK of the message itself is required. 1.0 does not have this mode, but its clients may
    /// use it.
    ClientIndividual,
}

/// The header `since`: the start of a subscription in the past.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Since<'a> {
    /// The newest message of each topic.
    Last,
    /// After this sequence of each topic.
    Sequence(u64),
    /// After the message with this id. The caller checks its form.
    Message(Cow<'a, str>),
}

/// The header `overflow`: the treatment of a reader with too much lag. The fourth rule,
/// `block`, is reserved for the administrator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Overflow {
    /// Drops the oldest messages.
    DropOldest,
    /// Keeps only the newest message.
    Latest,
    /// Disconnects the reader.
    Disconnect,
}

impl AckMode {
    /// Returns the value of the header.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Client => "client",
            Self::ClientIndividual => "client-individual",
        }
    }

    /// "If the header is not set, it defaults to `auto`" (STOMP 1.2, "SUBSCRIBE ack Header").
    pub(super) fn read(headers: Headers<'_>) -> Result<Self, Cause> {
        match headers.get(header::ACK).as_deref() {
            None | Some("auto") => Ok(Self::Auto),
            Some("client") => Ok(Self::Client),
            Some("client-individual") => Ok(Self::ClientIndividual),
            Some(value) => Err(invalid(
                header::ACK,
                value,
                "\"auto\", \"client\" or \"client-individual\"",
            )),
        }
    }
}

impl<'a> Since<'a> {
    pub(super) fn read(headers: Headers<'a>) -> Result<Option<Self>, Cause> {
        let Some(value) = headers.get(header::SINCE) else {
            return Ok(None);
        };
        let expected = "\"last\", a sequence or a message id";
        let error = invalid(header::SINCE, &value, expected);
        Self::parse(value).map(Some).ok_or(error)
    }

    /// Parses `last`, a sequence or a message id. Returns `None` for any other text. The caller
    /// checks the message id.
    #[must_use]
    pub fn parse(value: Cow<'a, str>) -> Option<Self> {
        if value == "last" {
            return Some(Self::Last);
        }
        if value.contains('-') {
            return Some(Self::Message(value));
        }
        let is_number = value.bytes().all(|byte| byte.is_ascii_digit());
        value.parse().ok().filter(|_| is_number).map(Self::Sequence)
    }
}

impl Overflow {
    pub(super) fn read(headers: Headers<'_>) -> Result<Option<Self>, Cause> {
        let overflow = headers.get(header::OVERFLOW);
        let delivery = headers.get(header::DELIVERY);
        match (overflow.as_deref(), delivery.as_deref()) {
            (None, None) => Ok(None),
            (None, Some("latest")) => Ok(Some(Self::Latest)),
            (Some(value), None | Some("latest")) => match Self::parse(value) {
                Some(rule) => Ok(Some(rule)),
                None => Err(invalid(header::OVERFLOW, value, expected(value))),
            },
            (_, Some(value)) => Err(invalid(header::DELIVERY, value, "\"latest\"")),
        }
    }

    /// Parses the name of a rule. Returns `None` for any other text.
    #[must_use]
    pub fn parse(value: &str) -> Option<Self> {
        match value {
            "drop-oldest" => Some(Self::DropOldest),
            "latest" => Some(Self::Latest),
            "disconnect" => Some(Self::Disconnect),
            _ => None,
        }
    }
}

/// Returns the advice for an invalid overflow rule.
fn expected(overflow: &str) -> &'static str {
    match overflow {
        "block" => "only the administrator can choose this rule",
        _ => "\"drop-oldest\", \"latest\" or \"disconnect\"",
    }
}

/// Returns the prefetch from the first of these headers that is present. In RabbitMQ 0 means any
/// number, which is `most` here; in ActiveMQ it means that the consumer requests each message,
/// which STOMP cannot do.
pub(super) fn prefetch(headers: Headers<'_>, most: usize) -> Result<Option<usize>, Cause> {
    let at_most = |count: u64| usize::try_from(count).map_or(most, |count| count.min(most));
    if let Some(size) = headers.get(header::PREFETCH_SIZE) {
        return match decimal(&size) {
            None | Some(0) => Err(invalid(
                header::PREFETCH_SIZE,
                &size,
                "a number of messages, at least 1",
            )),
            Some(count) => Ok(Some(at_most(count))),
        };
    }
    if let Some(count) = headers.get(header::PREFETCH_COUNT) {
        return match decimal(&count) {
            None => Err(invalid(
                header::PREFETCH_COUNT,
                &count,
                "a number of messages, or 0 for the maximum",
            )),
            Some(0) => Ok(Some(most)),
            Some(count) => Ok(Some(at_most(count))),
        };
    }
    Ok(None)
}
