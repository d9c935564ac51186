//! Requests of a client, and the encoding of CONNECT.

use std::num::{NonZeroU16, NonZeroU32};

use super::super::Connect as ConnectPacket;
use super::super::{
    EncodeError, List, Packet, Properties, Property, QoS, Subscription, SubscriptionId,
    TopicFilter, TopicName, Will,
};
use super::Config;

/// The parameters of a connection. Parameters that a version does not have are ignored.
#[derive(Clone, Copy, Debug)]
pub struct Connect<'a> {
    /// The client identifier. If it is empty, the server assigns one; before 5.0 this requires a
    /// clean start ([MQTT-3.1.3-7] of 3.1.1).
    pub client_id: &'a str,
    /// True to start a new session instead of continuing an existing one.
    pub clean_start: bool,
    /// Keep alive in seconds; 0 disables it.
    pub keep_alive_s: u16,
    /// Seconds that the session outlives the connection. Before 5.0 the session outlives the
    /// connection if `clean_start` is false.
    pub session_expiry_s: u32,
    /// Maximum number of unacknowledged messages of QoS 1 and 2 from the server.
    pub receive_maximum: NonZeroU16,
    /// The will message.
    pub will: Option<Will<'a>>,
    /// The user name.
    pub user_name: Option<&'a str>,
    /// The password.
    pub password: Option<&'a [u8]>,
}

/// A message to be published.
#[derive(Clone, Copy, Debug)]
pub struct Publication<'a> {
    /// The topic.
    pub topic: TopicName<'a>,
    /// The QoS.
    pub qos: QoS,
    /// True to publish a retained message.
    pub retain: bool,
    /// The properties, without a topic alias.
    pub properties: Properties<'a>,
    /// The payload.
    pub payload: &'a [u8],
    /// A value of the caller, returned with the acknowledgement.
    pub tag: u64,
}

/// The content of a SUBSCRIBE or an UNSUBSCRIBE.
#[derive(Clone, Copy, Debug)]
pub enum Topics<'a> {
    /// Filters with options, and a subscription identifier.
    Subscribe(&'a [Subscription<'a>], Option<SubscriptionId>),
    /// Filters.
    Unsubscribe(&'a [TopicFilter<'a>]),
}

impl Default for Connect<'_> {
    fn default() -> Self {
        Self {
            client_id: "",
            clean_start: true,
            keep_alive_s: 60,
            session_expiry_s: 0,
            receive_maximum: NonZeroU16::MAX,
            will: None,
            user_name: None,
            password: None,
        }
    }
}

impl Connect<'_> {
    /// Returns true if the session outlives the connection.
    pub(super) fn outlives(&self, config: &Config) -> bool {
        match config.version.is_5() {
            true => self.session_expiry_s > 0,
            false => !self.clean_start,
        }
    }

    pub(super) fn write(&self, config: &Config, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        let mut scratch = Vec::new();
        let properties = match config.version.is_5() {
            true => List::encode(self.properties(config), &mut scratch)?,
            false => Properties::EMPTY,
        };
        let connect = ConnectPacket {
            version: config.version,
            is_bridge: false,
            clean_start: self.clean_start,
            keep_alive: self.keep_alive_s,
            properties,
            client_id: self.client_id,
            will: self.will,
            user_name: self.user_name,
            password: self.password,
        };
        Packet::Connect(connect).encode(config.version, out)
    }

    /// Returns the properties whose values differ from their defaults.
    fn properties<'p>(&self, config: &Config) -> impl Iterator<Item = Property<'p>> + use<'p> {
        let expiry_s = self.session_expiry_s;
        let receive_maximum = self.receive_maximum;
        let aliases = config.topic_alias_maximum;
        let packet_bytes = NonZeroU32::new(config.limits.packet_bytes);
        let packet_bytes = packet_bytes.filter(|bytes| *bytes != NonZeroU32::MAX);
        let properties = [
            (expiry_s != 0).then_some(Property::SessionExpiryInterval(expiry_s)),
            (receive_maximum != NonZeroU16::MAX)
                .then_some(Property::ReceiveMaximum(receive_maximum)),
            packet_bytes.map(Property::MaximumPacketSize),
            (aliases != 0).then_some(Property::TopicAliasMaximum(aliases)),
        ];
        properties.into_iter().flatten()
    }
}
