//! The sending half: encodes entries as MESSAGE frames.

use std::{cell::RefCell, sync::Arc};

use broker::{
    Broker, Delivery, DestinationKind, Entry, MessageIdText, Missed, Spelling, TopicName,
};
use destination::stomp::write as write_destination;
use wire::stomp::{
    Version,
    server::{self, Identity, Message},
};

use crate::{
    connection::{self, Encoder},
    dialect::Dialect,
    name_cache::NameCache,
    shared_headers,
};

/// Has no state of its own: the version is in each subscription's [`Tag`].
pub struct StompEncoder {
    broker: Arc<Broker>,
}

impl StompEncoder {
    /// Creates an encoder; the broker writes the message ids.
    pub fn new(broker: &Arc<Broker>) -> Self {
        Self {
            broker: Arc::clone(broker),
        }
    }
}

impl Encoder for StompEncoder {
    fn encode(&mut self, delivery: &Delivery<'_>, out: &mut Vec<u8>) -> connection::MessageType {
        let Tag {
            version,
            spelling: own,
            prefix,
        } = Tag::of(delivery.tag);
        out.extend_from_slice(prefix);
        if let Some(missed) = delivery.missed {
            server::missed(as_stomp(missed), out);
        }
        if let Some(id) = delivery.id {
            server::ack(version, &id.to_string(), out);
        }
        server::redelivered(delivery.count, out);
        let entry = delivery.entry;
        // A subscription with an unusual spelling gets its own encoding, so the shared encoding does not apply.
        let is_own = own.is_some() && entry.spelling() == Spelling::Unknown;
        if delivery.is_shared && !is_own {
            return self.shared(version, entry, out);
        }
        // One subscriber gets the message, so the encoding is not stored in the entry.
        if entry.is_end_of_browse() {
            server::end_of_browse(out);
        }
        let (kind, name) = match delivery.queue {
            None => (DestinationKind::Topic, entry.topic()),
            Some(queue) => (DestinationKind::Queue, queue),
        };
        let is_sent_there = kind == entry.kind() && name == entry.topic();
        let destination = match (entry.spelling(), own) {
            (Spelling::Other(text), _) if is_sent_there => Destination::Spelled(text),
            (Spelling::Usual, _) if is_sent_there => Destination::Usual(kind, name),
            // The message came over another protocol, or a topic fed it to this queue.
            (_, Some(text)) => Destination::Spelled(text),
            (_, None) => Destination::Usual(kind, name),
        };
        self.message(version, entry, destination, out);
        message_type_of(entry)
    }
}

/// The spelling of the header `destination`.
///
/// STOMP 1.2, "MESSAGE": "If the message has been sent using STOMP, this destination header SHOULD be identical to the
/// one used in the corresponding SEND frame." Other messages have the spelling of the subscription, if that names one
/// destination: clients look up their handler by it.
enum Destination<'a> {
    Spelled(&'a str),
    Usual(DestinationKind, &'a TopicName),
}

impl StompEncoder {
    /// Appends the part that is the same for all subscribers of a topic: encoded once, after one byte that marks text.
    fn shared(
        &self,
        version: Version,
        entry: &Entry,
        out: &mut Vec<u8>,
    ) -> connection::MessageType {
        // Encoded directly into the output the first time, and stored without spare capacity.
        let start = out.len();
        let shared = entry.encoding(Dialect::from(version).slot(), |entry| {
            out.push(u8::from(
                message_type_of(entry) == connection::MessageType::Text,
            ));
            let destination = match entry.spelling() {
                Spelling::Other(text) => Destination::Spelled(text),
                Spelling::Unknown | Spelling::Usual => {
                    Destination::Usual(DestinationKind::Topic, entry.topic())
                }
            };
            self.message(version, entry, destination, out);
            Box::from(&out[start..])
        });
        out.truncate(start);
        let (kind, shared) = split_message_type(shared);
        out.extend_from_slice(shared);
        kind
    }

    /// Encodes the parts of a MESSAGE that do not depend on the subscriber.
    fn message(
        &self,
        version: Version,
        entry: &Entry,
        destination: Destination<'_>,
        out: &mut Vec<u8>,
    ) {
        TEXTS.with_borrow_mut(|texts| {
            let id = texts.id.of(self.broker.id_of(entry));
            let destination = match destination {
                Destination::Spelled(text) => text,
                Destination::Usual(kind, name) => texts.destination.get(kind, name),
            };
            append(version, entry, Texts { id, destination }, out);
        });
    }
}

/// The id and the destination of a frame.
#[derive(Clone, Copy)]
struct Texts<'a> {
    id: &'a str,
    destination: &'a str,
}

/// Texts of the last frame, which the next frame often needs again. Their lengths are bounded.
struct LastTexts {
    id: MessageIdText,
    destination: NameCache,
}

thread_local! {
    static TEXTS: RefCell<LastTexts> = RefCell::new(LastTexts {
        id: MessageIdText::default(),
        destination: NameCache::new(write_destination),
    });
}

fn append(version: Version, entry: &Entry, texts: Texts<'_>, out: &mut Vec<u8>) {
    let Texts { id, destination } = texts;
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
    // A message from STOMP has it as a header; other protocols store it separately.
    let has_expires_header = entry.fields().expiry.get().is_some();
    let expires = entry.expires_ms().filter(|_| !has_expires_header);
    // The server's value replaces a user property of this name: "only the first header entry SHOULD be used" (STOMP 1.2).
    let headers = headers.filter(|(name, _)| expires.is_none() || *name != shared_headers::EXPIRES);
    let expires = expires.map(|at_ms| at_ms.to_string());
    let expires = expires
        .as_deref()
        .map(|at_ms| (shared_headers::EXPIRES, at_ms));
    server::message_shared(version, &message, headers.chain(expires), out);
}

/// The data that each delivery needs: the tag of a subscription.
pub struct Tag<'a> {
    version: Version,
    /// The subscription's spelling of its destination, if it names one and uses an unusual spelling.
    spelling: Option<&'a str>,
    /// The beginning of each MESSAGE.
    prefix: &'a [u8],
}

impl<'a> Tag<'a> {
    /// Returns the bytes of a tag: the version, the length of the spelling in two bytes, the spelling, the prefix.
    pub fn encode(version: Version, identity: &Identity<'_>, spelling: Option<&str>) -> Vec<u8> {
        let spelling = spelling.unwrap_or_default();
        // A destination has a bounded length; a longer one would get the usual spelling.
        let length = u16::try_from(spelling.len()).unwrap_or(0);
        let mut tag = vec![version_code(version)];
        tag.extend_from_slice(&length.to_le_bytes());
        tag.extend_from_slice(&spelling.as_bytes()[..length.into()]);
        server::message_prefix(version, identity.id(), None, &mut tag);
        tag
    }

    /// Decodes a value of [`encode`](Self::encode).
    fn of(tag: &'a [u8]) -> Self {
        let &[code, low, high, ref rest @ ..] = tag else {
            return Self {
                version: Version::V1_2,
                spelling: None,
                prefix: tag,
            };
        };
        let length = usize::from(u16::from_le_bytes([low, high]));
        let (spelling, prefix) = rest.split_at_checked(length).unwrap_or((&[], rest));
        let spelling = std::str::from_utf8(spelling).unwrap_or_default();
        Self {
            version: match code {
                0 => Version::V1_2,
                1 => Version::V1_1,
                _ => Version::V1_0,
            },
            spelling: (!spelling.is_empty()).then_some(spelling),
            prefix,
        }
    }
}

const fn version_code(version: Version) -> u8 {
    match version {
        Version::V1_2 => 0,
        Version::V1_1 => 1,
        Version::V1_0 => 2,
    }
}

fn message_type_of(entry: &Entry) -> connection::MessageType {
    match std::str::from_utf8(entry.body()) {
        Ok(_) => connection::MessageType::Text,
        Err(_) => connection::MessageType::Binary,
    }
}

fn split_message_type(shared: &[u8]) -> (connection::MessageType, &[u8]) {
    match shared.split_first() {
        Some((1, shared)) => (connection::MessageType::Text, shared),
        Some((_, shared)) => (connection::MessageType::Binary, shared),
        None => (connection::MessageType::Binary, shared),
    }
}

fn as_stomp(missed: Missed) -> server::Missed {
    match missed {
        Missed::Range { from, to } => server::Missed::Range { from, to },
        Missed::Unknown => server::Missed::Unknown,
    }
}
