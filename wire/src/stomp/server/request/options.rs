//! The values of SUBSCRIBE's headers.

use std::borrow::Cow;

use super::super::super::header;
use super::super::fault::Cause;
use super::ACKNOWLEDGEMENT;
use super::fields::invalid;

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

impl<'a> Since<'a> {
    pub(super) fn read(value: Cow<'a, str>) -> Result<Self, Cause> {
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
    pub(super) fn read(
        overflow: Option<&str>,
        delivery: Option<&str>,
    ) -> Result<Option<Self>, Cause> {
        match (overflow, delivery) {
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

/// "If the header is not set, it defaults to auto" (STOMP 1.2, "SUBSCRIBE ack Header").
pub(super) fn check_ack(ack: Option<&str>) -> Result<(), Cause> {
    match ack {
        None | Some("auto") => Ok(()),
        Some("client" | "client-individual") => Err(ACKNOWLEDGEMENT),
        Some(value) => Err(invalid(
            header::ACK,
            value,
            "\"auto\", \"client\" or \"client-individual\"",
        )),
    }
}
