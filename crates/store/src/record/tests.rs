//! Records are read as they were written, and any bytes are read without a panic.

use proptest::{collection::vec, prelude::*};

use crate::{
    format::{
        bytes::DecodeError,
        checksum::Checksum,
        ids::{Generation, Location, NameId, PositionRange, QueueId, StoreId},
    },
    record::{
        Cursor, Deliveries, Flags, Held, Holder, Logged, Moved, Name, Publish, QueueSaved, Queues,
        Record, SessionSaved, Settle, Trim, Waiting,
        content::{Content, Header, StoredContent},
        decode, encode,
        encode::Target,
    },
};

/// The content of a message with its parts.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Parts {
    attributes: Vec<u8>,
    headers: Vec<[Vec<u8>; 2]>,
    body: Vec<u8>,
}

impl Content for Parts {
    fn attributes(&self) -> std::borrow::Cow<'_, [u8]> {
        (&self.attributes).into()
    }

    fn headers(&self) -> impl ExactSizeIterator<Item = Header<'_>> {
        self.headers
            .iter()
            .map(|[name, value]| Header { name, value })
    }

    fn body(&self) -> &[u8] {
        &self.body
    }
}

fn parts() -> impl Strategy<Value = Parts> {
    let bytes = || vec(any::<u8>(), 0..40);
    let headers = vec([bytes(), bytes()], 0..4);
    (bytes(), headers, bytes()).prop_map(|(attributes, headers, body)| Parts {
        attributes,
        headers,
        body,
    })
}

fn publish() -> impl Strategy<Value = Publish<Parts>> {
    let numbers = (any::<u64>(), any::<u32>(), any::<u8>(), any::<u8>());
    let times = (any::<u64>(), any::<u64>());
    let queues = vec(any::<u32>().prop_map(QueueId), 0..4);
    (numbers, times, queues, parts()).prop_map(|(numbers, times, queues, content)| Publish {
        position: numbers.0,
        destination: NameId(numbers.1),
        kind: numbers.2,
        flags: Flags(numbers.3),
        timestamp_ms: times.0,
        expires_ms: times.1,
        queues: Queues::Many(queues),
        content,
    })
}

fn record() -> impl Strategy<Value = Record<Parts>> {
    let text = || vec(any::<u8>(), 0..30).prop_map(Vec::into_boxed_slice);
    let id = any::<u32>;
    let range = (any::<u64>(), any::<u64>()).prop_map(|(a, b)| PositionRange {
        first: a.min(b),
        last: a.max(b),
    });
    prop_oneof![
        publish().prop_map(Record::Publish),
        (id(), any::<u8>(), text()).prop_map(|(number, kind, name)| Record::Name(Name {
            id: NameId(number),
            kind,
            name
        })),
        id().prop_map(|number| Record::NameRemoved(NameId(number))),
        (id(), vec(range, 0..5)).prop_map(|(queue, ranges)| Record::Settle(Settle {
            queue: QueueId(queue),
            ranges
        })),
        (id(), any::<u64>(), id()).prop_map(|(queue, position, count)| {
            Record::Deliveries(Deliveries {
                queue: QueueId(queue),
                position,
                count,
            })
        }),
        (id(), any::<u8>(), text()).prop_map(|(queue, kind, attributes)| {
            Record::QueueSaved(QueueSaved {
                queue: QueueId(queue),
                kind,
                attributes,
            })
        }),
        id().prop_map(|queue| Record::QueueRemoved(QueueId(queue))),
        (id(), any::<u64>()).prop_map(|(topic, before)| Record::Trim(Trim {
            topic: NameId(topic),
            before
        })),
        id().prop_map(|topic| Record::Forget(NameId(topic))),
        (text(), text())
            .prop_map(|(client, data)| Record::SessionSaved(SessionSaved { client, data })),
        text().prop_map(Record::SessionRemoved),
        (text(), any::<u64>(), text()).prop_map(|(client, position, window)| {
            Record::Cursor(Cursor {
                client,
                position,
                window,
            })
        }),
    ]
}

fn target() -> Target {
    Target {
        checksum: Checksum::new(StoreId([9; 16])),
        generation: Generation(3),
    }
}

fn owned(record: Record<StoredContent<'_>>) -> Option<Record<Parts>> {
    Some(match record {
        Record::Publish(publish) => Record::Publish(owned_message(publish)),
        Record::Name(it) => Record::Name(it),
        Record::NameRemoved(it) => Record::NameRemoved(it),
        Record::Settle(it) => Record::Settle(it),
        Record::Deliveries(it) => Record::Deliveries(it),
        Record::Moved(_) => return None,
        Record::QueueSaved(it) => Record::QueueSaved(it),
        Record::QueueRemoved(it) => Record::QueueRemoved(it),
        Record::Trim(it) => Record::Trim(it),
        Record::Forget(it) => Record::Forget(it),
        Record::SessionSaved(it) => Record::SessionSaved(it),
        Record::SessionRemoved(it) => Record::SessionRemoved(it),
        Record::Cursor(it) => Record::Cursor(it),
    })
}

fn owned_message(publish: Publish<StoredContent<'_>>) -> Publish<Parts> {
    let headers = publish.content.headers();
    Publish {
        content: Parts {
            attributes: publish.content.attributes().into_owned(),
            headers: headers
                .map(|header| [header.name.to_vec(), header.value.to_vec()])
                .collect(),
            body: publish.content.body().to_vec(),
        },
        position: publish.position,
        destination: publish.destination,
        kind: publish.kind,
        flags: publish.flags,
        timestamp_ms: publish.timestamp_ms,
        expires_ms: publish.expires_ms,
        queues: publish.queues,
    }
}

proptest! {
    #[test]
    fn a_record_is_read_as_it_was_written(record in record()) {
        let mut out = Vec::new();
        let length = encode::with_length(&mut out, |out| encode::record(&record, target(), out));
        prop_assert!(out.len() <= encode::bound(&record), "the bound holds");
        prop_assert_eq!(length as usize, out.len() - 4);
        let Ok(Logged::Pushed(found)) = decode::record(&out[4..], target()) else {
            panic!("not a record: {out:?}");
        };
        prop_assert_eq!(owned(found), Some(record));
    }

    #[test]
    fn any_bytes_are_a_record_or_an_error(mut bytes in vec(any::<u8>(), 0..80), kind in 0..16_u8) {
        let _ = decode::record(&bytes, target());
        // Bytes with a valid checksum reach the fields of a message.
        bytes.insert(0, kind);
        encode::restamp(&mut bytes, target());
        let _ = decode::record(&bytes, target());
        for record in decode::Records::of(&bytes) {
            let _ = record;
        }
    }

    #[test]
    fn a_message_with_one_changed_bit_is_refused(publish in publish(), bit: prop::sample::Index) {
        let mut out = Vec::new();
        encode::record(&Record::Publish(publish), target(), &mut out);
        // The kind is covered by the checksum of the frame only.
        let bit = 8 + bit.index((out.len() - 1) * 8);
        out[bit / 8] ^= 1 << (bit % 8);
        prop_assert!(matches!(decode::record(&out, target()), Err(DecodeError::Checksum)));
    }
}

#[test]
fn a_moved_message_is_read_as_it_was_written() {
    let moved = Moved {
        from: QueueId(1),
        position: 300,
        to: QueueId(2),
        new_position: 400,
    };
    let waiting = Waiting {
        location: Location {
            generation: Generation(5),
            offset: 70_000,
            length: 90,
        },
        deliveries: 6,
    };
    let mut out = Vec::new();
    encode::moved(moved, waiting, &mut out);
    match decode::record(&out, target()) {
        Ok(Logged::Moved {
            moved: found,
            waiting: state,
        }) => assert_eq!((found, state), (moved, waiting)),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_copied_message_is_read_with_its_holders() {
    let holders = [
        Holder::Queue(QueueId(1)),
        Holder::Topic(NameId(2)),
        Holder::Retained(NameId(3)),
    ]
    .map(|holder| Held {
        holder,
        position: 12,
    });
    let message = Publish {
        position: 12,
        destination: NameId(2),
        kind: 0,
        flags: Flags::IN_TOPIC,
        timestamp_ms: 1,
        expires_ms: 2,
        queues: Queues::one(QueueId(1)),
        content: Parts {
            attributes: vec![1],
            headers: vec![[vec![2], vec![3]]],
            body: vec![4],
        },
    };
    let mut out = Vec::new();
    encode::relocated(&holders, &message, target(), &mut out);
    match decode::record(&out, target()) {
        Ok(Logged::Relocated {
            holders: found,
            message: copy,
        }) => {
            assert_eq!(found, holders);
            assert_eq!(owned_message(copy), message);
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn counts_that_the_bytes_cannot_hold_are_refused_without_memory() {
    // A settlement of queue 1 with 2^60 ranges.
    let mut bytes = vec![encode::kind::SETTLE, 1];
    crate::format::bytes::put_varint(&mut bytes, 1 << 60);
    assert!(matches!(
        decode::record(&bytes, target()),
        Err(DecodeError::Truncated)
    ));
}
