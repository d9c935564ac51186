//! The sending half: entries as MESSAGE frames.

use std::sync::Arc;

use broker::{Broker, Delivery, Dialect, Entry, MessageId, Missed};
use bytes::Bytes;
use wire::stomp::{
    Version,
    server::{self, Identity, Message},
};

use super::destination::TOPIC;
use crate::connection::{Encoder, Kind};

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
    fn encode(&mut self, delivery: &Delivery<'_>, out: &mut Vec<u8>) -> Kind {
        let (version, prefix) = split_tag(delivery.tag);
        out.extend_from_slice(prefix);
        if let Some(missed) = delivery.missed {
            server::missed(as_stomp(missed), out);
        }
        let shared = delivery.entry.encoding(dialect(version), |entry| {
            encode_shared(version, entry, self.broker.id_of(entry))
        });
        let (kind, shared) = split_kind(shared);
        out.extend_from_slice(shared);
        kind
    }
}

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

/// What all subscribers get alike, behind one byte that says whether it is text.
fn encode_shared(version: Version, entry: &Entry, id: MessageId) -> Bytes {
    let is_text = std::str::from_utf8(entry.body()).is_ok();
    let headers_bytes = entry.headers().iter();
    let headers_bytes = headers_bytes.map(|header| header.name.len() + header.value.len() + 2);
    let room = FIXED_BYTES + entry.body().len() + headers_bytes.sum::<usize>();
    let mut shared = Vec::with_capacity(room);
    shared.push(u8::from(is_text));
    let message = Message {
        message_id: &id.to_string(),
        destination: &format!("{TOPIC}{}", entry.topic()),
        sequence: entry.sequence(),
        timestamp: entry.timestamp_ms(),
        producer: entry.producer(),
        content_type: entry.content_type(),
        body: entry.body(),
    };
    let headers = entry.headers().iter();
    let headers = headers.map(|header| (&*header.name, &*header.value));
    server::message_shared(version, &message, headers, &mut shared);
    // Kept as long as the entry: without room to spare.
    shared.into_boxed_slice().into()
}

/// Enough for the headers of the server's own, as they usually are.
const FIXED_BYTES: usize = 256;

fn split_kind(shared: &[u8]) -> (Kind, &[u8]) {
    match shared.split_first() {
        Some((1, shared)) => (Kind::Text, shared),
        Some((_, shared)) => (Kind::Binary, shared),
        None => (Kind::Binary, shared),
    }
}

fn as_stomp(missed: Missed) -> server::Missed {
    match missed {
        Missed::Range { from, to } => server::Missed::Range { from, to },
        Missed::Unknown => server::Missed::Unknown,
    }
}
