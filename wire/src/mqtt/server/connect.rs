//! CONNECT, validated and kept: what the server has to know of a client for the time it is there.

use super::super::{Connect, Properties, QoS, Version};
use super::config::Config;
use super::peer::Peer;

/// A client that is waiting for its CONNACK: [`accept`](Self::accept) or [`refuse`](Self::refuse) it.
#[derive(Clone, Debug)]
pub struct Opened {
    pub version: Version,
    /// Empty if the server is to assign one ([MQTT-3.1.3-6]): it has no session yet.
    pub client_id: Box<str>,
    /// The session of an earlier connection, if there is one, ends ([MQTT-3.1.2-4]).
    pub clean_start: bool,
    /// Seconds that the session outlives the connection, no more than is granted; 0 is not at all, and
    /// [`Config::FOR_EVER`] is for ever. Before 5.0 it is one of those two ("Clean Session"), as far
    /// as that is granted.
    pub session_expiry_s: u32,
    /// Seconds; that of the server if it does not accept the client's. 0 is never.
    pub keep_alive_s: u16,
    pub will: Option<Will>,
    /// The client's, for [`Outgoing`](super::super::Outgoing).
    pub receive_maximum: u16,
    /// The client's, for [`AliasesOut`](super::super::AliasesOut).
    pub topic_alias_maximum: u16,
    /// Whether the client would like to have Response Information.
    pub response_information: bool,
    pub peer: Peer,
    pub user_name: Option<Box<str>>,
    pub password: Option<Box<[u8]>>,
    /// What the client wanted, where it gets something else.
    pub(super) wanted: Wanted,
}

/// To be told in CONNACK if it is not what is granted.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wanted {
    pub session_expiry_s: u32,
    pub keep_alive_s: u16,
}

/// The will message: 5.0, 3.1.2.5.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Will {
    pub qos: QoS,
    pub retain: bool,
    /// A legal topic name.
    pub topic: Box<str>,
    pub payload: Box<[u8]>,
    /// Seconds after the connection, or until the session ends if that is earlier
    /// ([MQTT-3.1.3-9]).
    pub delay_s: u32,
    properties: Box<[u8]>,
}

impl Will {
    fn of(will: &super::super::Will<'_>) -> Self {
        Self {
            qos: will.qos,
            retain: will.retain,
            topic: will.topic.as_str().into(),
            payload: will.payload.into(),
            delay_s: will.properties.will_delay_interval().unwrap_or(0),
            properties: will.properties.as_bytes().into(),
        }
    }

    /// As CONNECT has them; all but the Will Delay Interval are those of the PUBLISH.
    pub fn properties(&self) -> Properties<'_> {
        Properties::checked(&self.properties)
    }
}

impl Opened {
    pub(super) fn of(connect: &Connect<'_>, config: &Config) -> Self {
        let properties = &connect.properties;
        let wanted = Wanted {
            session_expiry_s: session_expiry_s(connect),
            keep_alive_s: connect.keep_alive,
        };
        Self {
            version: connect.version,
            client_id: connect.client_id.into(),
            clean_start: connect.clean_start,
            session_expiry_s: wanted.session_expiry_s.min(config.session_expiry_maximum_s),
            keep_alive_s: keep_alive_s(connect, config),
            will: connect.will.as_ref().map(Will::of),
            receive_maximum: properties.receive_maximum().map_or(u16::MAX, u16::from),
            topic_alias_maximum: properties.topic_alias_maximum().unwrap_or(0),
            response_information: properties.request_response_information().unwrap_or(false),
            peer: peer(connect),
            user_name: connect.user_name.map(Into::into),
            password: connect.password.map(Into::into),
            wanted,
        }
    }
}

pub(super) fn peer(connect: &Connect<'_>) -> Peer {
    let properties = &connect.properties;
    Peer {
        version: connect.version,
        maximum_packet_size: properties.maximum_packet_size().map_or(u32::MAX, u32::from),
        problem_information: properties.request_problem_information().unwrap_or(true),
    }
}

/// 3.1.2.11.2; before 5.0 "Clean Session" says whether it ends with the connection, and nobody says
/// when it does otherwise.
fn session_expiry_s(connect: &Connect<'_>) -> u32 {
    match (connect.version.is_5(), connect.clean_start) {
        (true, _) => connect.properties.session_expiry_interval().unwrap_or(0),
        (false, true) => 0,
        (false, false) => Config::FOR_EVER,
    }
}

/// "If the Server sends a Server Keep Alive on the CONNACK packet, the Client MUST use this value"
/// ([MQTT-3.2.2-21]). Before 5.0 it cannot be told, so the client's counts.
fn keep_alive_s(connect: &Connect<'_>, config: &Config) -> u16 {
    let (wanted, maximum) = (connect.keep_alive, config.keep_alive_maximum_s);
    let is_too_long = maximum != 0 && (wanted == 0 || wanted > maximum);
    match is_too_long && connect.version.is_5() {
        true => maximum,
        false => wanted,
    }
}
