//! The parts of the protocols that the generator needs: frames that are encoded once, and scanners
//! that only find the end and the payload of a frame.
//!
//! No full codec is used, because the generator must use far less CPU than the server.

mod mqtt;
mod nats;
mod stomp;

use clap::ValueEnum;

pub use mqtt::Mqtt;
pub use nats::Nats;
pub use stomp::Stomp;

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Protocol {
    /// STOMP 1.2
    Stomp,
    /// MQTT 3.1.1
    Mqtt,
    /// The protocol of NATS
    #[value(hide = true)]
    Nats,
}

/// The meaning of a frame from the server.
#[derive(Debug, PartialEq, Eq)]
pub enum Arrival<'a> {
    /// Confirms the oldest unconfirmed request: CONNECTED, RECEIPT, CONNACK, SUBACK, PUBACK or
    /// PONG.
    Confirmed,
    /// A delivery. `packet_id` is 0 if it needs no acknowledgement.
    Message { payload: &'a [u8], packet_id: u16 },
    /// A PING of NATS, which must be answered.
    Ping,
    /// A heart-beat or an informational frame.
    Nothing,
}

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProtocolError {
    #[error("the server refused: {0}")]
    Refused(String),
    #[error("the server sent an invalid frame: {0}")]
    Malformed(&'static str),
}

/// Finds frames in a stream.
pub trait Scan {
    /// Returns the first frame and its length in bytes, or None if it is incomplete.
    fn next(bytes: &[u8]) -> Result<Option<(Arrival<'_>, usize)>, ProtocolError>;
}

/// An encoded publication that is sent repeatedly.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Publication {
    pub frame: Vec<u8>,
    /// Offset of the payload, which starts with the stamp.
    pub payload_at: usize,
    /// Offset of the packet identifier, or None if there is none.
    pub packet_id_at: Option<usize>,
}

/// The quality of service: QoS 0 or 1 of MQTT. In STOMP, QoS 1 requests a receipt for each SEND.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Quality {
    AtMostOnce,
    AtLeastOnce,
}

/// The credentials of the connections.
#[derive(Debug, Clone, Default)]
pub struct Credentials {
    pub user: Option<String>,
    pub password: Option<String>,
}

impl Protocol {
    /// Returns the first frame of a connection. The server confirms it.
    pub fn opening(self, client_id: &str, credentials: &Credentials) -> Vec<u8> {
        match self {
            Self::Stomp => stomp::opening(credentials),
            Self::Mqtt => mqtt::opening(client_id, mqtt::Session::Clean, credentials),
            Self::Nats => nats::opening(credentials),
        }
    }

    /// Returns the frame for a subscription. The server confirms it. `number` is unique on the
    /// connection, and not 0.
    pub fn subscription(self, filter: &str, number: u32, quality: Quality) -> Vec<u8> {
        match self {
            Self::Stomp => stomp::subscription(filter, number),
            Self::Mqtt => mqtt::subscription(filter, number, quality),
            Self::Nats => nats::subscription(filter, number),
        }
    }

    pub fn publication(self, topic: &str, payload: &[u8], quality: Quality) -> Publication {
        match self {
            Self::Stomp => stomp::publication(topic, payload, quality),
            Self::Mqtt => mqtt::publication(topic, payload, quality),
            Self::Nats => nats::publication(topic, payload),
        }
    }

    /// Returns a publication that the server must store, and confirms. `name` is that of the client,
    /// and `destination` is encoded with [`encode_stored_name`](Self::encode_stored_name).
    pub fn persistent_publication(
        self,
        destination: &str,
        name: &str,
        payload: &[u8],
    ) -> Publication {
        match self {
            Self::Stomp => stomp::persistent_publication(destination, payload),
            Self::Mqtt => mqtt::publication(destination, payload, Quality::AtLeastOnce),
            Self::Nats => nats::persistent_publication(destination, name, payload),
        }
    }

    /// Returns the filter to which a publisher with this name must subscribe to get the server's
    /// confirmations, if there is one.
    pub fn confirmation_filter(self, name: &str) -> Option<String> {
        match self {
            Self::Stomp | Self::Mqtt => None,
            Self::Nats => Some(nats::inbox(name)),
        }
    }

    /// Returns the frames of a client that makes the server store the messages of a filter after
    /// its connection has ended: it creates a lasting session of MQTT, or a stream of NATS. The
    /// server confirms each frame before the next one is sent.
    pub fn storing(self, name: &str, filter: &str, credentials: &Credentials) -> Vec<Vec<u8>> {
        let filter = self.encode_stored_name(filter);
        match self {
            Self::Stomp => Vec::new(),
            Self::Mqtt => vec![
                mqtt::opening(name, mqtt::Session::Lasting, credentials),
                mqtt::subscription(&filter, 1, Quality::AtLeastOnce),
            ],
            Self::Nats => vec![
                nats::opening(credentials),
                nats::subscription(&nats::inbox(name), 1),
                nats::stream_creation(name, &filter),
            ],
        }
    }

    /// Returns the frames of a client that removes what [`storing`](Self::storing) has created.
    pub fn removal(self, name: &str, credentials: &Credentials) -> Vec<Vec<u8>> {
        match self {
            Self::Stomp => Vec::new(),
            Self::Mqtt => vec![mqtt::opening(name, mqtt::Session::Clean, credentials)],
            Self::Nats => vec![
                nats::opening(credentials),
                nats::subscription(&nats::inbox(name), 1),
                nats::stream_removal(name),
            ],
        }
    }

    /// Returns the acknowledgement of a delivery.
    pub const fn acknowledgement(packet_id: u16) -> [u8; 4] {
        mqtt::acknowledgement(packet_id)
    }

    /// Returns the answer to [`Arrival::Ping`].
    pub const fn pong() -> &'static [u8] {
        nats::PONG
    }

    /// Returns a topic or filter in the protocol's notation. In `name`, levels are joined by dots,
    /// `*` stands for one level, and a final `>` for all remaining levels.
    pub fn encode_name(self, name: &str) -> String {
        match self {
            Self::Stomp => format!("/topic/{name}"),
            Self::Mqtt => name.replace('.', "/").replace('*', "+").replace('>', "#"),
            Self::Nats => name.to_owned(),
        }
    }

    /// Returns the destination of messages that the server stores, in the protocol's notation: a
    /// queue of STOMP, otherwise as [`encode_name`](Self::encode_name).
    pub fn encode_stored_name(self, name: &str) -> String {
        match self {
            Self::Stomp => format!("/queue/{name}"),
            Self::Mqtt | Self::Nats => self.encode_name(name),
        }
    }

    pub const fn websocket_subprotocol(self) -> Option<&'static str> {
        match self {
            Self::Stomp => Some("v12.stomp"),
            Self::Mqtt => Some("mqtt"),
            Self::Nats => None,
        }
    }

    /// Returns true if the protocol has QoS 1.
    pub const fn answers_publications(self) -> bool {
        matches!(self, Self::Stomp | Self::Mqtt)
    }

    pub const fn is_text(self) -> bool {
        matches!(self, Self::Stomp)
    }
}

/// Returns the complete frames of a stream, and the offset of the rest.
#[cfg(test)]
fn all<S: Scan>(bytes: &[u8]) -> Result<(Vec<Arrival<'_>>, usize), ProtocolError> {
    let (mut arrivals, mut at) = (Vec::new(), 0);
    while let Some((arrival, length)) = S::next(&bytes[at..])? {
        arrivals.push(arrival);
        at += length;
    }
    Ok((arrivals, at))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_encoded_in_the_notation_of_each_protocol() {
        let table = [
            (Protocol::Stomp, "a.*.c.>", "/topic/a.*.c.>"),
            (Protocol::Mqtt, "a.*.c.>", "a/+/c/#"),
            (Protocol::Nats, "a.*.c.>", "a.*.c.>"),
        ];
        for (protocol, name, wanted) in table {
            assert_eq!(protocol.encode_name(name), wanted);
        }
    }

    #[test]
    fn the_payload_of_a_publication_is_at_its_offset() {
        let payload = [b'x'; 30];
        for protocol in [Protocol::Stomp, Protocol::Mqtt, Protocol::Nats] {
            for quality in [Quality::AtMostOnce, Quality::AtLeastOnce] {
                let publication = protocol.publication("t", &payload, quality);
                let rest = &publication.frame[publication.payload_at..];
                assert!(rest.starts_with(&payload), "{protocol:?} {quality:?}");
            }
            let publication = protocol.persistent_publication("t", "name", &payload);
            let rest = &publication.frame[publication.payload_at..];
            assert!(rest.starts_with(&payload), "{protocol:?}");
        }
    }
}
