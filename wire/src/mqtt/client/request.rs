//! What a client asks for, and how CONNECT is written.

use std::num::{NonZeroU16, NonZeroU32};

use super::super::Connect as ConnectPacket;
use super::super::{
    EncodeError, List, Packet, Properties, Property, QoS, Subscription, SubscriptionId,
    TopicFilter, TopicName, Will,
};
use super::Config;

/// A connection. What a version does not have is left out.
#[derive(Clone, Copy, Debug)]
pub struct Connect<'a> {
    /// Empty for the server to assign one; before 5.0 only with a clean start ([MQTT-3.1.3-7] of
    /// 3.1.1).
    pub client_id: &'a str,
    pub clean_start: bool,
    /// Seconds; 0 is never.
    pub keep_alive_s: u16,
    /// Seconds that the session is to outlive the connection. Before 5.0 it does exactly if there is no
    /// clean start.
    pub session_expiry_s: u32,
    /// Messages of QoS 1 and 2 that may be unacknowledged.
    pub receive_maximum: NonZeroU16,
    pub will: Option<Will<'a>>,
    pub user_name: Option<&'a str>,
    pub password: Option<&'a [u8]>,
}

/// A message to be published.
#[derive(Clone, Copy, Debug)]
pub struct Publication<'a> {
    pub topic: TopicName<'a>,
    pub qos: QoS,
    pub retain: bool,
    /// Without a topic alias.
    pub properties: Properties<'a>,
    pub payload: &'a [u8],
    /// Comes back when it is acknowledged.
    pub tag: u64,
}

/// A SUBSCRIBE or an UNSUBSCRIBE.
#[derive(Clone, Copy, Debug)]
pub enum Topics<'a> {
    Subscribe(&'a [Subscription<'a>], Option<SubscriptionId>),
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
    /// Whether there is a session after the connection.
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

    /// Without those that have the value that their absence means.
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
