//! The sending half: entries as MESSAGE frames.

use std::{cell::RefCell, sync::Arc};

use broker::{Broker, Delivery, Dialect, Entry, Kind, MessageIdText, Missed, TopicName};
use wire::stomp::{
    Version,
    server::{self, Identity, Message},
};

use super::destination::write as write_destination;
use crate::{
    connection::{self, Encoder},
    written_name::WrittenName,
};

/// Keeps nothing of its own: the version spoken is in each subscription's [`tag`].
pub struct StompEncoder {
    broker: Arc<Broker>,
}

impl StompEncoder {
    pub fn new(broker: &Arc<Broker>) -> Self {
        Self {
            broker: Arc::clone(broker),
        }
    }
}

impl Encoder for StompEncoder {
    fn encode(&mut self, delivery: &Delivery<'_>, out: &mut Vec<u8>) -> connection::Kind {
        let (version, prefix) = split_tag(delivery.tag);
        out.extend_from_slice(prefix);
        if let Some(missed) = delivery.missed {
            server::missed(as_stomp(missed), out);
        }
        if let Some(id) = delivery.id {
            server::ack(version, &id.to_string(), out);
        }
        server::redelivered(delivery.count, out);
        if delivery.is_shared {
            return self.shared(version, delivery.entry, out);
        }
        // One subscriber gets it, so the entry does not keep what it is for the wire.
        let origin = match delivery.queue {
            None => (Kind::Topic, delivery.entry.topic()),
            Some(queue) => (Kind::Queue, queue),
        };
        self.message(version, delivery.entry, origin, out);
        kind_of(delivery.entry)
    }
}

impl StompEncoder {
    /// What all subscribers of a topic get alike: made once, behind one byte that says whether it is text.
    fn shared(&self, version: Version, entry: &Entry, out: &mut Vec<u8>) -> connection::Kind {
        // Written where it goes once, and kept without room to spare.
        let start = out.len();
        let shared = entry.encoding(dialect(version), |entry| {
            out.push(u8::from(kind_of(entry) == connection::Kind::Text));
            self.message(version, entry, (Kind::Topic, entry.topic()), out);
            Box::from(&out[start..])
        });
        out.truncate(start);
        let (kind, shared) = split_kind(shared);
        out.extend_from_slice(shared);
        kind
    }

    /// All of a MESSAGE but what is the subscriber's own.
    fn message(
        &self,
        version: Version,
        entry: &Entry,
        (kind, name): (Kind, &TopicName),
        out: &mut Vec<u8>,
    ) {
        TEXTS.with_borrow_mut(|Texts { id, destination }| {
            let texts = (id.of(self.broker.id_of(entry)), destination.of(kind, name));
            append(version, entry, texts, out);
        });
    }
}

/// Texts of the last frame, mostly alike in the next. Their lengths are bounded.
struct Texts {
    id: MessageIdText,
    destination: WrittenName,
}

thread_local! {
    static TEXTS: RefCell<Texts> = RefCell::new(Texts {
        id: MessageIdText::default(),
        destination: WrittenName::new(write_destination),
    });
}

fn append(version: Version, entry: &Entry, (id, destination): (&str, &str), out: &mut Vec<u8>) {
    let message = Message {
        message_id: id,
        destination,
        sequence: entry.sequence(),
        timestamp: entry.timestamp_ms(),
        producer: entry.producer(),
        content_type: entry.content_type(),
        body: entry.body(),
    };
    let headers = entry.headers().iter();
    let headers = headers.map(|header| (&*header.name, &*header.value));
    // Who sends with STOMP says so in a header of their own; other doors have another place for it.
    let is_told = entry.header(EXPIRES).is_some();
    let expires = entry.expires_ms().filter(|_| !is_told);
    let expires = expires.map(|at_ms| at_ms.to_string());
    let expires = expires.as_deref().map(|at_ms| (EXPIRES, at_ms));
    server::message_shared(version, &message, headers.chain(expires), out);
}

/// When a message is worth nothing any more, in Unix milliseconds.
const EXPIRES: &str = "expires";

/// What a subscription's deliveries begin with, and in which version of STOMP: its tag.
pub fn tag(version: Version, identity: &Identity<'_>) -> Vec<u8> {
    let mut tag = vec![version_code(version)];
    server::message_prefix(version, identity.id(), None, &mut tag);
    tag
}

fn split_tag(tag: &[u8]) -> (Version, &[u8]) {
    match tag.split_first() {
        Some((0, prefix)) => (Version::V1_2, prefix),
        Some((1, prefix)) => (Version::V1_1, prefix),
        Some((_, prefix)) => (Version::V1_0, prefix),
        None => (Version::V1_2, tag),
    }
}

const fn version_code(version: Version) -> u8 {
    match version {
        Version::V1_2 => 0,
        Version::V1_1 => 1,
        Version::V1_0 => 2,
    }
}

/// A version's place among an entry's encodings: they differ in what is escaped.
const fn dialect(version: Version) -> Dialect {
    Dialect::new(version_code(version)).expect("there is room for more than three")
}

fn kind_of(entry: &Entry) -> connection::Kind {
    match std::str::from_utf8(entry.body()) {
        Ok(_) => connection::Kind::Text,
        Err(_) => connection::Kind::Binary,
    }
}

fn split_kind(shared: &[u8]) -> (connection::Kind, &[u8]) {
    match shared.split_first() {
        Some((1, shared)) => (connection::Kind::Text, shared),
        Some((_, shared)) => (connection::Kind::Binary, shared),
        None => (connection::Kind::Binary, shared),
    }
}

fn as_stomp(missed: Missed) -> server::Missed {
    match missed {
        Missed::Range { from, to } => server::Missed::Range { from, to },
        Missed::Unknown => server::Missed::Unknown,
    }
}
