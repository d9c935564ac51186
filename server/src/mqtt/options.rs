//! The options of the server for MQTT clients, and the options of a subscription that each delivery needs.

use broker::{Overflow, SubscriptionId};
use wire::mqtt::{self, QoS, server::Config};

/// The command-line options for MQTT.
#[derive(Debug, Clone, Copy)]
pub struct MqttOptions {
    /// The configuration of the state machine.
    pub machine: Config,
    /// The overflow rule of subscriptions.
    pub overflow: Overflow,
    /// Maximum number of deliveries of QoS 1 and 2 in flight to one client, whatever the client requests.
    pub inflight: u16,
    /// Maximum number of sessions without a connection.
    pub sessions: usize,
    /// Maximum size of a payload in bytes.
    pub body_bytes: usize,
}

/// A subscription of the session.
#[derive(Debug, Clone, Copy)]
pub struct Subscribed {
    /// The subscription in the broker.
    pub id: SubscriptionId,
    /// The options of its deliveries.
    pub options: DeliveryOptions,
    /// Messages of the client itself are skipped.
    pub skips_own: bool,
}

/// The options that each delivery needs, stored in the subscription's tag.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct DeliveryOptions {
    /// The granted QoS.
    pub maximum_qos: QoS,
    /// True if the RETAIN flag stays as published.
    pub retain_as_published: bool,
    /// The subscription identifier.
    pub subscription: Option<mqtt::SubscriptionId>,
}

/// One byte of options, and the subscription identifier, with 0 for none.
pub type Tag = [u8; 5];

impl DeliveryOptions {
    /// Returns the tag of the subscription's deliveries.
    pub fn tag(self) -> Tag {
        let [a, b, c, d] = self
            .subscription
            .map_or(0, mqtt::SubscriptionId::get)
            .to_le_bytes();
        let flag = if self.retain_as_published { RETAIN } else { 0 };
        [self.maximum_qos.level() | flag, a, b, c, d]
    }

    /// Decodes a value of [`tag`](Self::tag).
    #[inline]
    pub fn from_tag(tag: &[u8]) -> Self {
        let &[flags, a, b, c, d] = tag else {
            return Self::default();
        };
        Self {
            maximum_qos: QoS::from_level(flags & !RETAIN).unwrap_or_default(),
            retain_as_published: flags & RETAIN != 0,
            subscription: mqtt::SubscriptionId::new(u32::from_le_bytes([a, b, c, d])),
        }
    }
}

const RETAIN: u8 = 0b100;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_survive_a_round_trip_through_a_tag() {
        for level in 0..3 {
            for (retain_as_published, number) in [(false, 0), (true, 1), (true, 268_435_455)] {
                let options = DeliveryOptions {
                    maximum_qos: QoS::from_level(level).expect("a level"),
                    retain_as_published,
                    subscription: mqtt::SubscriptionId::new(number),
                };
                assert_eq!(DeliveryOptions::from_tag(&options.tag()), options);
            }
        }
    }
}
