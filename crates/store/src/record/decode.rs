//! Decoding of records. Any bytes give a record or an error; memory is bounded by the length of the bytes.

use crate::{
    format::{
        bytes::{DecodeError, Input},
        ids::{Generation, Location, NameId, PositionRange, QueueId},
    },
    record::{
        Cursor, Deliveries, Flags, Held, Holder, Logged, Moved, Name, Publish, QueueSaved, Queues,
        Record, SessionSaved, Settle, Trim, Waiting,
        content::{self, StoredContent},
        encode::{HOLDER_QUEUE, HOLDER_RETAINED, HOLDER_TOPIC, Target, kind},
    },
};

/// Iterates over the records of a frame: the offset of each record's kind in `payload`, and the bytes of the record.
pub(crate) struct Records<'a> {
    payload: &'a [u8],
    rest: Input<'a>,
}

/// The bytes of a record.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RawRecord<'a> {
    /// The place of the record's kind in the payload.
    pub offset: u32,
    /// Kind and fields.
    pub bytes: &'a [u8],
}

impl<'a> Records<'a> {
    pub(crate) fn of(payload: &'a [u8]) -> Self {
        Self {
            payload,
            rest: Input::new(payload),
        }
    }
}

impl<'a> Iterator for Records<'a> {
    type Item = Result<RawRecord<'a>, DecodeError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let read = |rest: &mut Input<'a>| {
            let length = rest.u32()? as usize;
            let offset = (self.payload.len() - rest.rest().len()) as u32;
            let bytes = rest.take(length)?;
            Ok(RawRecord { offset, bytes })
        };
        let record = read(&mut self.rest);
        if record.is_err() {
            self.rest = Input::new(&[]);
        }
        Some(record)
    }
}

/// Reads kind and fields of a record.
pub(crate) fn record(bytes: &[u8], target: Target) -> Result<Logged<'_>, DecodeError> {
    let mut input = Input::new(bytes);
    let logged = fields(&mut input, target)?;
    input.finish()?;
    Ok(logged)
}

fn fields<'a>(input: &mut Input<'a>, target: Target) -> Result<Logged<'a>, DecodeError> {
    let record = match input.u8()? {
        kind::NAME => Record::Name(Name {
            id: name_id(input)?,
            kind: input.u8()?,
            name: input.string()?.into(),
        }),
        kind::NAME_REMOVED => Record::NameRemoved(name_id(input)?),
        kind::PUBLISH => {
            check(input, target)?;
            Record::Publish(message(input)?)
        }
        kind::SETTLE => Record::Settle(settle(input)?),
        kind::DELIVERIES => Record::Deliveries(Deliveries {
            queue: queue_id(input)?,
            position: input.varint()?,
            count: input.varint_u32()?,
        }),
        kind::MOVED => return moved(input),
        kind::QUEUE_SAVED => Record::QueueSaved(QueueSaved {
            queue: queue_id(input)?,
            kind: input.u8()?,
            attributes: input.string()?.into(),
        }),
        kind::QUEUE_REMOVED => Record::QueueRemoved(queue_id(input)?),
        kind::TRIM => Record::Trim(Trim {
            topic: name_id(input)?,
            before: input.varint()?,
        }),
        kind::FORGET => Record::Forget(name_id(input)?),
        kind::SESSION_SAVED => Record::SessionSaved(SessionSaved {
            client: input.string()?.into(),
            data: input.string()?.into(),
        }),
        kind::SESSION_REMOVED => Record::SessionRemoved(input.string()?.into()),
        kind::CURSOR => Record::Cursor(Cursor {
            client: input.string()?.into(),
            position: input.varint()?,
            window: input.string()?.into(),
        }),
        kind::RELOCATED => return relocated(input, target),
        unknown => return Err(DecodeError::UnknownKind(unknown)),
    };
    Ok(Logged::Pushed(record))
}

fn settle(input: &mut Input<'_>) -> Result<Settle, DecodeError> {
    let queue = queue_id(input)?;
    let count = input.count(2)?;
    let mut ranges = Vec::with_capacity(count);
    for _ in 0..count {
        let first = input.varint()?;
        let last = first
            .checked_add(input.varint()?)
            .ok_or(DecodeError::InvertedRange)?;
        ranges.push(PositionRange { first, last });
    }
    Ok(Settle { queue, ranges })
}

fn moved<'a>(input: &mut Input<'a>) -> Result<Logged<'a>, DecodeError> {
    let moved = Moved {
        from: queue_id(input)?,
        position: input.varint()?,
        to: queue_id(input)?,
        new_position: input.varint()?,
    };
    let waiting = waiting(input)?;
    Ok(Logged::Moved { moved, waiting })
}

fn relocated<'a>(input: &mut Input<'a>, target: Target) -> Result<Logged<'a>, DecodeError> {
    check(input, target)?;
    let count = input.count(3)?;
    let mut holders = Vec::with_capacity(count);
    for _ in 0..count {
        holders.push(held(input)?);
    }
    let message = message(input)?;
    Ok(Logged::Relocated { holders, message })
}

/// Reads a holder with the position under which it holds a message.
pub(crate) fn held(input: &mut Input<'_>) -> Result<Held, DecodeError> {
    let kind = input.u8()?;
    let id = input.varint_u32()?;
    let holder = match kind {
        HOLDER_QUEUE => Holder::Queue(QueueId(id)),
        HOLDER_TOPIC => Holder::Topic(NameId(id)),
        HOLDER_RETAINED => Holder::Retained(NameId(id)),
        unknown => return Err(DecodeError::UnknownKind(unknown)),
    };
    Ok(Held {
        holder,
        position: input.varint()?,
    })
}

/// Compares the checksum of a message with the bytes that follow.
fn check(input: &mut Input<'_>, target: Target) -> Result<(), DecodeError> {
    let checksum = input.u32()?;
    let expected = target.checksum.of_message(target.generation, input.rest());
    if checksum == expected {
        Ok(())
    } else {
        Err(DecodeError::Checksum)
    }
}

fn message<'a>(input: &mut Input<'a>) -> Result<Publish<StoredContent<'a>>, DecodeError> {
    let position = input.varint()?;
    let destination = name_id(input)?;
    let (kind, flags) = (input.u8()?, Flags(input.u8()?));
    let (timestamp_ms, expires_ms) = (input.varint()?, input.varint()?);
    let queues = match input.count(1)? {
        1 => Queues::one(queue_id(input)?),
        count => {
            let mut queues = Vec::with_capacity(count);
            for _ in 0..count {
                queues.push(queue_id(input)?);
            }
            Queues::Many(queues)
        }
    };
    Ok(Publish {
        position,
        destination,
        kind,
        flags,
        timestamp_ms,
        expires_ms,
        queues,
        content: content::decode(input)?,
    })
}

/// The fields at the beginning of a message, which do not depend on its content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MessageHead {
    /// The place of the message in the broker's order.
    pub position: u64,
    /// The destination.
    pub destination: NameId,
    /// Unix milliseconds at which the message expires; 0 if it does not.
    pub expires_ms: u64,
}

/// Reads the beginning of a message from the first bytes of its record. The checksum is not compared.
pub(crate) fn head(bytes: &[u8]) -> Result<MessageHead, DecodeError> {
    let mut input = Input::new(bytes);
    let kind = input.u8()?;
    let _checksum = input.u32()?;
    match kind {
        kind::PUBLISH => {}
        kind::RELOCATED => {
            for _ in 0..input.count(3)? {
                held(&mut input)?;
            }
        }
        other => return Err(DecodeError::UnknownKind(other)),
    }
    let position = input.varint()?;
    let destination = name_id(&mut input)?;
    let (_kind, _flags) = (input.u8()?, input.u8()?);
    let _timestamp_ms = input.varint()?;
    Ok(MessageHead {
        position,
        destination,
        expires_ms: input.varint()?,
    })
}

/// Reads location and deliveries of a message.
pub(crate) fn waiting(input: &mut Input<'_>) -> Result<Waiting, DecodeError> {
    Ok(Waiting {
        location: location(input)?,
        deliveries: input.varint_u32()?,
    })
}

pub(crate) fn location(input: &mut Input<'_>) -> Result<Location, DecodeError> {
    Ok(Location {
        generation: Generation(input.varint_u32()?),
        offset: input.varint_u32()?,
        length: input.varint_u32()?,
    })
}

pub(crate) fn name_id(input: &mut Input<'_>) -> Result<NameId, DecodeError> {
    input.varint_u32().map(NameId)
}

pub(crate) fn queue_id(input: &mut Input<'_>) -> Result<QueueId, DecodeError> {
    input.varint_u32().map(QueueId)
}
