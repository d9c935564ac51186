//! A validated CONNECT: the values that the server needs during the connection.

use super::super::{Connect, Properties, QoS, Version};
use super::config::Config;
use super::peer::Peer;

/// A client that waits for CONNACK: [`accept`](Self::accept) or [`refuse`](Self::refuse) it.
#[derive(Clone, Debug)]
pub struct Opened {
    /// The version of the protocol.
    pub version: Version,
    /// True if the client is the bridge of another broker. Before 5.0 it has no subscription options,
    /// but expects no-local and retain-as-published.
    pub is_bridge: bool,
    /// Empty if the server has to assign an identifier ([MQTT-3.1.3-6]); such a client has no
    /// session yet.
    pub client_id: Box<str>,
    /// True if an existing session must be deleted ([MQTT-3.1.2-4]).
    pub clean_start: bool,
    /// Granted seconds that the session outlives the connection. 0 means that it ends with the
    /// connection, and [`Config::FOR_EVER`] that it does not expire. Before 5.0 only these two
    /// values are requested ("Clean Session"); the second is limited to the maximum.
    pub session_expiry_s: u32,
    /// Keep alive in seconds; the server's value if the client's is too long. 0 disables it.
    pub keep_alive_s: u16,
    /// The will message.
    pub will: Option<Will>,
    /// The client's Receive Maximum, for [`Outgoing`](super::super::Outgoing).
    pub receive_maximum: u16,
    /// The client's Topic Alias Maximum, for [`AliasesOut`](super::super::AliasesOut).
    pub topic_alias_maximum: u16,
    /// True if the client requests Response Information.
    pub response_information: bool,
    /// The parameters for writing to the client.
    pub peer: Peer,
    /// The user name.
    pub user_name: Option<Box<str>>,
    /// The password.
    pub password: Option<Box<[u8]>>,
    /// The requested values, which may differ from the granted ones.
    pub(super) wanted: Wanted,
}

/// Requested values. CONNACK reports the granted value if it differs.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wanted {
    pub session_expiry_s: u32,
    pub keep_alive_s: u16,
}

/// The will message: 5.0, 3.1.2.5.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Will {
    /// QoS of the will message.
    pub qos: QoS,
    /// True if the will message is published as a retained message.
    pub retain: bool,
    /// A valid topic name.
    pub topic: Box<str>,
    /// The payload.
    pub payload: Box<[u8]>,
    /// Delay after the connection in seconds. The will is published earlier if the session ends
    /// earlier ([MQTT-3.1.3-9]).
    pub delay_s: u32,
    properties: Box<[u8]>,
}

/// The content of a [`Will`].
#[derive(Clone, Debug)]
pub struct WillParts {
    /// See [`Will::qos`].
    pub qos: QoS,
    /// See [`Will::retain`].
    pub retain: bool,
    /// See [`Will::topic`].
    pub topic: Box<str>,
    /// See [`Will::payload`].
    pub payload: Box<[u8]>,
    /// See [`Will::delay_s`].
    pub delay_s: u32,
    /// The bytes of [`Will::properties`].
    pub properties: Box<[u8]>,
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

    /// Returns a will that was stored. The properties are the bytes that [`properties`](Self::properties) had.
    pub fn restored(parts: WillParts) -> Self {
        let WillParts {
            qos,
            retain,
            topic,
            payload,
            delay_s,
            properties,
        } = parts;
        Self {
            qos,
            retain,
            topic,
            payload,
            delay_s,
            properties,
        }
    }

    /// Returns the will properties of CONNECT; all except the Will Delay Interval are properties of
    /// the PUBLISH.
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
            is_bridge: connect.is_bridge,
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

/// Returns the requested session expiry: 3.1.2.11.2. Before 5.0 "Clean Session" only says whether
/// the session ends with the connection.
fn session_expiry_s(connect: &Connect<'_>) -> u32 {
    match (connect.version.is_5(), connect.clean_start) {
        (true, _) => connect.properties.session_expiry_interval().unwrap_or(0),
        (false, true) => 0,
        (false, false) => Config::FOR_EVER,
    }
}

/// Returns the keep alive: "If the Server sends a Server Keep Alive on the CONNACK packet, the
/// Client MUST use this value" ([MQTT-3.2.2-21]). Before 5.0 the server cannot send one, so the
/// client's value is used.
fn keep_alive_s(connect: &Connect<'_>, config: &Config) -> u16 {
    let (wanted, maximum) = (connect.keep_alive, config.keep_alive_maximum_s);
    let is_too_long = maximum != 0 && (wanted == 0 || wanted > maximum);
    match is_too_long && connect.version.is_5() {
        true => maximum,
        false => wanted,
    }
}
