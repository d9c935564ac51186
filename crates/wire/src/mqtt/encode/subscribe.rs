//! SUBSCRIBE, SUBACK, UNSUBSCRIBE and UNSUBACK: 5.0, 3.8 to 3.11.

use super::super::section::Section;
use super::super::subscription::Subscription;
use super::super::writer::{self, Written};
use super::super::{
    EncodeError, List, PacketId, PacketType, Properties, Suback, Subscribe, SubscriptionOptions,
    Unsuback, Unsubscribe, Version,
};
use super::properties;

/// The common beginning of the four packets.
struct Head<'a> {
    packet: PacketType,
    packet_id: PacketId,
    properties: Properties<'a>,
}

impl Head<'_> {
    fn write(
        &self,
        version: Version,
        out: &mut Vec<u8>,
        payload: impl FnOnce(&mut Vec<u8>) -> Written,
    ) -> Written {
        writer::packet(self.packet.first_byte(), out, |out| {
            out.extend_from_slice(&self.packet_id.get().to_be_bytes());
            let section = Section::Packet(self.packet);
            properties(section, &self.properties, version, out)?;
            payload(out)
        })
    }

    /// Requires at least one element ([MQTT-3.8.3-2], [MQTT-3.9.3-2], [MQTT-3.10.3-2],
    /// [MQTT-3.11.3-2]).
    fn check_list<T>(&self, list: &List<'_, T>) -> Written {
        match list.is_empty() {
            true => Err(EncodeError::Empty(self.packet)),
            false => Ok(()),
        }
    }
}

pub(super) fn subscribe(subscribe: &Subscribe<'_>, version: Version, out: &mut Vec<u8>) -> Written {
    let head = Head {
        packet: PacketType::Subscribe,
        packet_id: subscribe.packet_id,
        properties: subscribe.properties,
    };
    head.check_list(&subscribe.subscriptions)?;
    head.write(version, out, |out| {
        for subscription in subscribe.subscriptions {
            self::subscription(&subscription, version, out)?;
        }
        Ok(())
    })
}

/// Encodes a filter with its options. Before 5.0 the options are only the QoS.
fn subscription(subscription: &Subscription<'_>, version: Version, out: &mut Vec<u8>) -> Written {
    let mut options = subscription.options;
    if version.is_5() {
        // [MQTT-4.8.2-1], [MQTT-4.8.2-2], [MQTT-3.8.3-4].
        let shared = subscription.filter.check_shared()?;
        if options.no_local && shared.is_some() {
            return Err(EncodeError::NoLocalShared);
        }
    } else {
        options = SubscriptionOptions {
            maximum_qos: options.maximum_qos,
            ..SubscriptionOptions::default()
        };
    }
    writer::binary(subscription.filter.as_str().as_bytes(), out)?;
    out.push(options.byte());
    Ok(())
}

pub(super) fn suback(suback: &Suback<'_>, version: Version, out: &mut Vec<u8>) -> Written {
    let head = Head {
        packet: PacketType::Suback,
        packet_id: suback.packet_id,
        properties: suback.properties,
    };
    head.check_list(&suback.reasons)?;
    head.write(version, out, |out| {
        match version.is_5() {
            true => out.extend_from_slice(suback.reasons.as_bytes()),
            false => out.extend(suback.reasons.iter().map(|reason| reason.before_5().code())),
        }
        Ok(())
    })
}

pub(super) fn unsubscribe(
    unsubscribe: &Unsubscribe<'_>,
    version: Version,
    out: &mut Vec<u8>,
) -> Written {
    let head = Head {
        packet: PacketType::Unsubscribe,
        packet_id: unsubscribe.packet_id,
        properties: unsubscribe.properties,
    };
    head.check_list(&unsubscribe.filters)?;
    if version.is_5() {
        for filter in unsubscribe.filters {
            filter.check_shared()?;
        }
    }
    head.write(version, out, |out| {
        out.extend_from_slice(unsubscribe.filters.as_bytes());
        Ok(())
    })
}

/// Encodes UNSUBACK. Before 5.0 it has no payload.
pub(super) fn unsuback(unsuback: &Unsuback<'_>, version: Version, out: &mut Vec<u8>) -> Written {
    let head = Head {
        packet: PacketType::Unsuback,
        packet_id: unsuback.packet_id,
        properties: unsuback.properties,
    };
    if !version.is_5() {
        return head.write(version, out, |_| Ok(()));
    }
    head.check_list(&unsuback.reasons)?;
    head.write(version, out, |out| {
        out.extend_from_slice(unsuback.reasons.as_bytes());
        Ok(())
    })
}
