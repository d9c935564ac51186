//! The protocols, as far as a load generator needs them: frames that are encoded once, and scanners that
//! only find where a frame ends and where its payload is.
//!
//! No full codec is used, of Carillon's or of anybody: the generator must cost far less than the server.

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

/// What one frame from the server is to the generator.
#[derive(Debug, PartialEq, Eq)]
pub enum Arrival<'a> {
    /// The answer to the oldest request that waits for one: CONNECTED, RECEIPT, CONNACK, SUBACK, PUBACK, PONG.
    Confirmed,
    /// A delivery; with a packet identifier that waits for its acknowledgement, or 0.
    Message { payload: &'a [u8], packet_id: u16 },
    /// The server asks for a sign of life.
    Ping,
    /// A heart-beat or a notice.
    Nothing,
}

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProtocolError {
    #[error("the server refused: {0}")]
    Refused(String),
    #[error("the server sent what is not understood: {0}")]
    Malformed(&'static str),
}

/// Finds frames in a stream.
pub trait Scan {
    /// The first frame, and how many bytes it takes; `None` until all of it is there.
    fn next(bytes: &[u8]) -> Result<Option<(Arrival<'_>, usize)>, ProtocolError>;
}

/// A frame that is sent again and again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Publication {
    pub frame: Vec<u8>,
    /// Where the payload begins, with its stamp.
    pub payload_at: usize,
    /// Where the packet identifier is, if there is one.
    pub packet_id_at: Option<usize>,
}

/// How much the server answers: QoS 0 or 1 of MQTT. In STOMP, 1 is a receipt for each SEND.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Quality {
    AtMostOnce,
    AtLeastOnce,
}

/// Who connects.
#[derive(Debug, Clone, Default)]
pub struct Credentials {
    pub user: Option<String>,
    pub password: Option<String>,
}

impl Protocol {
    /// What opens the conversation, and is confirmed.
    pub fn opening(self, client_id: &str, credentials: &Credentials) -> Vec<u8> {
        match self {
            Self::Stomp => stomp::opening(credentials),
            Self::Mqtt => mqtt::opening(client_id, credentials),
            Self::Nats => nats::opening(credentials),
        }
    }

    /// A subscription, which is confirmed. `number` is its own on its connection, and not 0.
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

    /// What answers a delivery that waits for its acknowledgement.
    pub const fn acknowledgement(packet_id: u16) -> [u8; 4] {
        mqtt::acknowledgement(packet_id)
    }

    /// What answers [`Arrival::Ping`].
    pub const fn pong() -> &'static [u8] {
        nats::PONG
    }

    /// A topic or filter as the protocol writes it. Levels are joined by dots; `*` stands for one level,
    /// `>`, last, for the rest.
    pub fn encode_name(self, name: &str) -> String {
        match self {
            Self::Stomp => format!("/topic/{name}"),
            Self::Mqtt => name.replace('.', "/").replace('*', "+").replace('>', "#"),
            Self::Nats => name.to_owned(),
        }
    }

    pub const fn websocket_subprotocol(self) -> Option<&'static str> {
        match self {
            Self::Stomp => Some("v12.stomp"),
            Self::Mqtt => Some("mqtt"),
            Self::Nats => None,
        }
    }

    /// Whether QoS 1 is known.
    pub const fn answers_publications(self) -> bool {
        matches!(self, Self::Stomp | Self::Mqtt)
    }

    pub const fn is_text(self) -> bool {
        matches!(self, Self::Stomp)
    }
}

/// What is there of a stream, frame by frame, and where the rest begins.
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
    fn names_are_spelt_as_each_protocol_has_it() {
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
    fn a_publication_is_delivered_with_its_payload() {
        let payload = [b'x'; 30];
        for protocol in [Protocol::Stomp, Protocol::Mqtt, Protocol::Nats] {
            for quality in [Quality::AtMostOnce, Quality::AtLeastOnce] {
                let publication = protocol.publication("t", &payload, quality);
                let rest = &publication.frame[publication.payload_at..];
                assert!(rest.starts_with(&payload), "{protocol:?} {quality:?}");
            }
        }
    }
}
