//! The values of SUBSCRIBE's headers.

use std::borrow::Cow;

use super::super::super::{Headers, header};
use super::super::fault::Cause;
use super::fields::{decimal, invalid};

/// The header `ack`: when a message counts as consumed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum AckMode {
    /// "The server will assume the client has received the message as soon as it sends it".
    #[default]
    Auto,
    /// With an ACK of it or of any message sent to the subscription after it.
    Client,
    /// With an ACK of its own. 1.0 does not have it, but its clients may.
    ClientIndividual,
}

/// The header `since`: where in the past a subscription begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Since<'a> {
    /// The last image of each topic.
    Last,
    /// Behind this sequence of each topic.
    Sequence(u64),
    /// Behind the message of this id. Its form is the caller's to check.
    Message(Cow<'a, str>),
}

/// The header `overflow`: what happens to a reader that lags too far behind. The fourth rule,
/// `block`, is the operator's to choose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Overflow {
    DropOldest,
    Latest,
    Disconnect,
}

impl AckMode {
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
        let value = headers.get(header::SINCE);
        value.map(Self::parse).transpose()
    }

    fn parse(value: Cow<'a, str>) -> Result<Self, Cause> {
        if value == "last" {
            return Ok(Self::Last);
        }
        if value.contains('-') {
            return Ok(Self::Message(value));
        }
        let is_number = !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit());
        match value.parse() {
            Ok(sequence) if is_number => Ok(Self::Sequence(sequence)),
            _ => Err(invalid(
                header::SINCE,
                &value,
                "\"last\", a sequence or a message id",
            )),
        }
    }
}

impl Overflow {
    pub(super) fn read(headers: Headers<'_>) -> Result<Option<Self>, Cause> {
        let overflow = headers.get(header::OVERFLOW);
        let delivery = headers.get(header::DELIVERY);
        match (overflow.as_deref(), delivery.as_deref()) {
            (None, None) => Ok(None),
            (None, Some("latest")) => Ok(Some(Self::Latest)),
            (Some(value), None | Some("latest")) => Self::parse(value).map(Some),
            (_, Some(value)) => Err(invalid(header::DELIVERY, value, "\"latest\"")),
        }
    }

    fn parse(value: &str) -> Result<Self, Cause> {
        match value {
            "drop-oldest" => Ok(Self::DropOldest),
            "latest" => Ok(Self::Latest),
            "disconnect" => Ok(Self::Disconnect),
            "block" => Err(invalid(
                header::OVERFLOW,
                value,
                "this rule is the operator's to choose",
            )),
            _ => Err(invalid(
                header::OVERFLOW,
                value,
                "\"drop-oldest\", \"latest\" or \"disconnect\"",
            )),
        }
    }
}

/// The first of these headers that is there counts. To RabbitMQ 0 means any number, which here is
/// `most`; to ActiveMQ it means that the consumer asks for each message, which STOMP cannot do.
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
                "a number of messages, or 0 for as many as may be",
            )),
            Some(0) => Ok(Some(most)),
            Some(count) => Ok(Some(at_most(count))),
        };
    }
    Ok(None)
}
