//! ACK and NACK: STOMP 1.0, 1.1 and 1.2, "ACK"; STOMP 1.1 and 1.2, "NACK".

use std::borrow::Cow;
use std::fmt;

use super::super::super::{Frame, Version, header};
use super::super::fault::{Cause, shown};
use super::fields::{flag, required, set_first};

/// An ACK or NACK. Covers one message or, if the subscription's mode is
/// [`Client`](super::AckMode::Client), all its messages up to this one.
#[derive(Clone, Debug)]
pub struct Acknowledge<'a> {
    /// The message.
    pub target: AckTarget<'a>,
    /// "Optionally, a `transaction` header MAY be specified, indicating that the message
    /// acknowledgment SHOULD be part of the named transaction."
    pub transaction: Option<Cow<'a, str>>,
    /// The requested receipt.
    pub receipt: Option<Cow<'a, str>>,
    /// True if an unconsumed message is delivered again. `requeue:false`, known from RabbitMQ,
    /// makes it false. Only NACK has the header; for ACK the field is always true.
    pub requeue: bool,
}

/// The message that an ACK or NACK identifies.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum AckTarget<'a> {
    /// 1.2: the value of the header `ack` of the MESSAGE.
    Id(Cow<'a, str>),
    /// 1.1 and 1.0: the value of its header `message-id`, and in 1.1 also that of `subscription`.
    Message {
        /// The header `subscription`.
        subscription: Option<Cow<'a, str>>,
        /// The header `message-id`.
        message_id: Cow<'a, str>,
    },
}

impl<'a> Acknowledge<'a> {
    pub(in super::super) fn read_ack(frame: &Frame<'a>, version: Version) -> Result<Self, Cause> {
        let mut names = Names::default();
        let mut transaction = None;
        let mut receipt = None;
        for header in frame.headers {
            match header.raw_name {
                header::ID => set_first(&mut names.id, header),
                header::MESSAGE_ID => set_first(&mut names.message_id, header),
                header::SUBSCRIPTION => set_first(&mut names.subscription, header),
                header::TRANSACTION => set_first(&mut transaction, header),
                header::RECEIPT => set_first(&mut receipt, header),
                _ => {}
            }
        }
        Ok(Self {
            target: names.target(frame, version)?,
            transaction,
            receipt,
            requeue: true,
        })
    }

    /// "`NACK` takes the same headers as `ACK`" (STOMP 1.2, "NACK"), new in 1.1.
    pub(in super::super) fn read_nack(frame: &Frame<'a>, version: Version) -> Result<Self, Cause> {
        let command = frame.command;
        if !version.has_nack() {
            return Err(Cause::NotInVersion { command, version });
        }
        Ok(Self {
            requeue: requeue(frame)?,
            ..Self::read_ack(frame, version)?
        })
    }
}

/// The headers of a frame that identify its message.
#[derive(Default)]
struct Names<'a> {
    id: Option<Cow<'a, str>>,
    message_id: Option<Cow<'a, str>>,
    subscription: Option<Cow<'a, str>>,
}

impl<'a> Names<'a> {
    /// 1.2: "The ACK frame MUST include an id header matching the ack header of the MESSAGE being
    /// acknowledged." 1.1: "ACK has two REQUIRED headers: message-id [...] and subscription". 1.0:
    /// "ACK has one required header, message-id".
    ///
    /// Two deviations are accepted, as by other servers: `message-id` in place of the `id` of 1.2,
    /// since not all clients follow the change, and in 1.1 a missing `subscription`.
    fn target(self, frame: &Frame<'_>, version: Version) -> Result<AckTarget<'a>, Cause> {
        let by_id = version.acknowledges_by_id();
        if let (true, Some(id)) = (by_id, self.id) {
            return Ok(AckTarget::Id(id));
        }
        let demanded = match by_id {
            true => header::ID,
            false => header::MESSAGE_ID,
        };
        Ok(AckTarget::Message {
            message_id: required(self.message_id, frame, demanded)?,
            subscription: self.subscription,
        })
    }
}

/// By default, an unconsumed message is delivered again.
fn requeue(frame: &Frame<'_>) -> Result<bool, Cause> {
    match frame.headers.get(header::REQUEUE) {
        None => Ok(true),
        Some(_) => flag(frame.headers, header::REQUEUE),
    }
}

/// Formats the message for error texts.
impl fmt::Display for AckTarget<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Id(id) => write!(f, "with ack \"{}\"", shown(id)),
            Self::Message {
                subscription,
                message_id,
            } => {
                write!(f, "with message-id \"{}\"", shown(message_id))?;
                match subscription {
                    None => Ok(()),
                    Some(id) => write!(f, " of subscription \"{}\"", shown(id)),
                }
            }
        }
    }
}
