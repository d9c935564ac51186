//! Encoding of records. `FORMAT.md` has the layout of each kind.

use crate::{
    format::{
        bytes::{patch_u32, put_string, put_varint},
        checksum::Checksum,
        ids::Generation,
    },
    record::{
        Held, Holder, Moved, Publish, Record, Waiting,
        content::{self, Content, LENGTH},
    },
};

pub(crate) mod kind {
    pub(crate) const NAME: u8 = 1;
    pub(crate) const NAME_REMOVED: u8 = 2;
    pub(crate) const PUBLISH: u8 = 3;
    pub(crate) const SETTLE: u8 = 4;
    pub(crate) const DELIVERIES: u8 = 5;
    pub(crate) const MOVED: u8 = 6;
    pub(crate) const QUEUE_SAVED: u8 = 7;
    pub(crate) const QUEUE_REMOVED: u8 = 8;
    pub(crate) const TRIM: u8 = 9;
    pub(crate) const FORGET: u8 = 10;
    pub(crate) const SESSION_SAVED: u8 = 11;
    pub(crate) const SESSION_REMOVED: u8 = 12;
    pub(crate) const CURSOR: u8 = 13;
    pub(crate) const RELOCATED: u8 = 14;
}

pub(super) const HOLDER_QUEUE: u8 = 0;
pub(super) const HOLDER_TOPIC: u8 = 1;
pub(super) const HOLDER_RETAINED: u8 = 2;

/// The segment to which records are written; checksums of messages depend on it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Target {
    pub checksum: Checksum,
    pub generation: Generation,
}

/// An upper bound of the encoded length of a record with its length field, in bytes.
pub(crate) fn bound<C: Content>(record: &Record<C>) -> usize {
    // Length, kind, checksum, and up to six numbers.
    const FIXED: usize = 9 + 6 * LENGTH;
    FIXED
        + match record {
            Record::Name(name) => name.name.len(),
            Record::Publish(publish) => {
                publish.queues.as_slice().len() * 5 + publish.content.size()
            }
            Record::Settle(settle) => settle.ranges.len() * 2 * LENGTH,
            Record::QueueSaved(saved) => saved.attributes.len(),
            Record::SessionSaved(saved) => saved.client.len() + saved.data.len(),
            Record::SessionRemoved(client) => client.len(),
            Record::Cursor(cursor) => cursor.client.len() + cursor.window.len(),
            Record::NameRemoved(_)
            | Record::Deliveries(_)
            | Record::Moved(_)
            | Record::QueueRemoved(_)
            | Record::Trim(_)
            | Record::Forget(_) => 0,
        }
}

/// Appends the length field of a record, then the bytes that `write` appends. Returns the length.
pub(crate) fn with_length(out: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>)) -> u32 {
    let at = out.len();
    out.extend_from_slice(&[0; 4]);
    write(out);
    let length = (out.len() - at - 4) as u32;
    patch_u32(out, at, length);
    length
}

/// Appends kind and fields of a record. [`Record::Moved`] is written by [`moved`].
pub(crate) fn record<C: Content>(record: &Record<C>, target: Target, out: &mut Vec<u8>) {
    match record {
        Record::Name(name) => {
            out.push(kind::NAME);
            put_varint(out, name.id.0.into());
            out.push(name.kind);
            put_string(out, &name.name);
        }
        Record::NameRemoved(id) => number(out, kind::NAME_REMOVED, id.0.into()),
        Record::Publish(message) => publish(message, target, out),
        Record::Settle(settle) => {
            out.push(kind::SETTLE);
            put_varint(out, settle.queue.0.into());
            put_varint(out, settle.ranges.len() as u64);
            for range in &settle.ranges {
                put_varint(out, range.first);
                put_varint(out, range.last.wrapping_sub(range.first));
            }
        }
        Record::Deliveries(deliveries) => {
            number(out, kind::DELIVERIES, deliveries.queue.0.into());
            put_varint(out, deliveries.position);
            put_varint(out, deliveries.count.into());
        }
        // Written with the state of the message.
        Record::Moved(_) => {}
        Record::QueueSaved(saved) => {
            number(out, kind::QUEUE_SAVED, saved.queue.0.into());
            out.push(saved.kind);
            put_string(out, &saved.attributes);
        }
        Record::QueueRemoved(queue) => number(out, kind::QUEUE_REMOVED, queue.0.into()),
        Record::Trim(trim) => {
            number(out, kind::TRIM, trim.topic.0.into());
            put_varint(out, trim.before);
        }
        Record::Forget(topic) => number(out, kind::FORGET, topic.0.into()),
        Record::SessionSaved(saved) => {
            out.push(kind::SESSION_SAVED);
            put_string(out, &saved.client);
            put_string(out, &saved.data);
        }
        Record::SessionRemoved(client) => {
            out.push(kind::SESSION_REMOVED);
            put_string(out, client);
        }
        Record::Cursor(cursor) => {
            out.push(kind::CURSOR);
            put_string(out, &cursor.client);
            put_varint(out, cursor.position);
            put_string(out, &cursor.window);
        }
    }
}

fn number(out: &mut Vec<u8>, kind: u8, value: u64) {
    out.push(kind);
    put_varint(out, value);
}

fn publish<C: Content>(message: &Publish<C>, target: Target, out: &mut Vec<u8>) {
    out.push(kind::PUBLISH);
    with_checksum(target, out, |out| message_fields(message, out));
}

fn message_fields<C: Content>(message: &Publish<C>, out: &mut Vec<u8>) {
    put_varint(out, message.position);
    put_varint(out, message.destination.0.into());
    out.push(message.kind);
    out.push(message.flags.0);
    put_varint(out, message.timestamp_ms);
    put_varint(out, message.expires_ms);
    let queues = message.queues.as_slice();
    put_varint(out, queues.len() as u64);
    for queue in queues {
        put_varint(out, queue.0.into());
    }
    content::encode(&message.content, out);
}

/// Appends the record of a message that moved.
pub(crate) fn moved(moved: Moved, waiting: Waiting, out: &mut Vec<u8>) {
    number(out, kind::MOVED, moved.from.0.into());
    put_varint(out, moved.position);
    put_varint(out, moved.to.0.into());
    put_varint(out, moved.new_position);
    self::waiting(waiting, out);
}

/// Appends location and deliveries of a message.
pub(crate) fn waiting(waiting: Waiting, out: &mut Vec<u8>) {
    location(waiting.location, out);
    put_varint(out, waiting.deliveries.into());
}

pub(crate) fn location(location: crate::format::ids::Location, out: &mut Vec<u8>) {
    put_varint(out, location.generation.0.into());
    put_varint(out, location.offset.into());
    put_varint(out, location.length.into());
}

/// Appends the copy of a message for these holders.
pub(crate) fn relocated<C: Content>(
    holders: &[Held],
    message: &Publish<C>,
    target: Target,
    out: &mut Vec<u8>,
) {
    out.push(kind::RELOCATED);
    with_checksum(target, out, |out| {
        put_varint(out, holders.len() as u64);
        for held in holders {
            put_held(out, *held);
        }
        message_fields(message, out);
    });
}

/// Appends a holder with the position under which it holds a message.
pub(crate) fn put_held(out: &mut Vec<u8>, held: Held) {
    let (holder, id) = match held.holder {
        Holder::Queue(queue) => (HOLDER_QUEUE, queue.0),
        Holder::Topic(topic) => (HOLDER_TOPIC, topic.0),
        Holder::Retained(topic) => (HOLDER_RETAINED, topic.0),
    };
    number(out, holder, id.into());
    put_varint(out, held.position);
}

/// Appends a checksum of the bytes that `write` appends, then the bytes. The checksum lets a reader check one message without
/// its frame.
fn with_checksum(target: Target, out: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>)) {
    let at = out.len();
    out.extend_from_slice(&[0; 4]);
    write(out);
    let checksum = target
        .checksum
        .of_message(target.generation, &out[at + 4..]);
    patch_u32(out, at, checksum);
}

/// Writes the checksum of a message's record again, for another segment.
pub(crate) fn restamp(record: &mut [u8], target: Target) {
    if let [kind::PUBLISH | kind::RELOCATED, a, b, c, d, content @ ..] = record {
        let checksum = target.checksum.of_message(target.generation, content);
        for (byte, value) in [a, b, c, d].into_iter().zip(checksum.to_le_bytes()) {
            *byte = value;
        }
    }
}
