//! ACK and NACK: STOMP 1.0, 1.1 and 1.2, "ACK"; STOMP 1.1 and 1.2, "NACK".

use std::borrow::Cow;
use std::fmt;

use super::super::super::{Frame, Version, header};
use super::super::fault::{Cause, shown};
use super::fields::{flag, required};

/// One or, if the subscription's mode is [`Client`](super::AckMode::Client), all messages of it up
/// to this one.
#[derive(Clone, Debug)]
pub struct Acknowledge<'a> {
    pub target: AckTarget<'a>,
    /// "Optionally, a `transaction` header MAY be specified, indicating that the message
    /// acknowledgment SHOULD be part of the named transaction."
    pub transaction: Option<Cow<'a, str>>,
    pub receipt: Option<Cow<'a, str>>,
    /// Whether a message that was not consumed is to be delivered again; `requeue:false`, as
    /// RabbitMQ has it, is no. Only NACK has it, of ACK it is always true.
    pub requeue: bool,
}

/// Which message.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum AckTarget<'a> {
    /// 1.2: the value of the header `ack` of the MESSAGE.
    Id(Cow<'a, str>),
    /// 1.1 and 1.0: the value of its header `message-id`, and in 1.1 that of `subscription`.
    Message {
        subscription: Option<Cow<'a, str>>,
        message_id: Cow<'a, str>,
    },
}

impl<'a> Acknowledge<'a> {
    pub(in super::super) fn read_ack(frame: &Frame<'a>, version: Version) -> Result<Self, Cause> {
        Ok(Self {
            target: AckTarget::read(frame, version)?,
            transaction: frame.headers.get(header::TRANSACTION),
            receipt: frame.headers.get(header::RECEIPT),
            requeue: true,
        })
    }

    /// "`NACK` takes the same headers as `ACK`" (STOMP 1.2, "NACK"), new in 1.1.
    pub(in super::super) fn read_nack(frame: &Frame<'a>, version: Version) -> Result<Self, Cause> {
        let command = frame.command;
        if !version.has_nack() {
            return Err(Cause::NotInVersion { command, version });
        }
        let requeue = match frame.headers.get(header::REQUEUE) {
            None => true,
            Some(_) => flag(frame.headers, header::REQUEUE)?,
        };
        Ok(Self {
            requeue,
            ..Self::read_ack(frame, version)?
        })
    }
}

impl<'a> AckTarget<'a> {
    /// 1.2: "The ACK frame MUST include an id header matching the ack header of the MESSAGE being
    /// acknowledged." 1.1: "ACK has two REQUIRED headers: message-id [...] and subscription". 1.0:
    /// "ACK has one required header, message-id".
    ///
    /// Two things are let pass, as other servers do: `message-id` where 1.2 wants `id`, since
    /// clients were slow to follow it, and in 1.1 a missing `subscription`.
    fn read(frame: &Frame<'a>, version: Version) -> Result<Self, Cause> {
        let by_id = version.acknowledges_by_id();
        let id = by_id.then(|| frame.headers.get(header::ID)).flatten();
        if let Some(id) = id {
            return Ok(Self::Id(id));
        }
        let demanded = match by_id {
            true => header::ID,
            false => header::MESSAGE_ID,
        };
        let message_id = frame.headers.get(header::MESSAGE_ID);
        Ok(Self::Message {
            message_id: required(message_id, frame, demanded)?,
            subscription: frame.headers.get(header::SUBSCRIPTION),
        })
    }
}

/// As errors speak of it.
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
