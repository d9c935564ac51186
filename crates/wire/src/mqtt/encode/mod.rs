//! Encodes packets and appends them to a buffer of the caller. Encoding checks the same rules as
//! decoding, since a peer would close the connection otherwise.

mod acknowledge;
mod connect;
mod publish;
mod shared;
mod subscribe;

pub use shared::{Alias, Own, SharedPublish};

use super::section::Section;
use super::writer::{self, Written};
use super::{EncodeError, Packet, PacketType, Properties, Version};

impl Packet<'_> {
    /// Appends the packet. CONNECT is encoded in its own version.
    ///
    /// Before 5.0 the following are omitted: properties, subscription options except the QoS, the
    /// reason codes of UNSUBACK, and the specific failure of a SUBACK.
    ///
    /// # Errors
    ///
    /// The version cannot express the packet, or the packet breaks a rule. Nothing is appended.
    pub fn encode(&self, version: Version, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        match self {
            Self::Connect(connect) => connect::connect(connect, out),
            Self::Connack(connack) => connect::connack(connack, version, out),
            Self::Publish(publish) => publish::publish(publish, version, out),
            Self::Puback(ack) | Self::Pubrec(ack) => {
                acknowledge::acknowledgement(self.packet_type(), &ack.into(), version, out)
            }
            Self::Pubrel(ack) | Self::Pubcomp(ack) => {
                acknowledge::acknowledgement(self.packet_type(), &ack.into(), version, out)
            }
            Self::Subscribe(subscribe) => subscribe::subscribe(subscribe, version, out),
            Self::Suback(suback) => subscribe::suback(suback, version, out),
            Self::Unsubscribe(unsubscribe) => subscribe::unsubscribe(unsubscribe, version, out),
            Self::Unsuback(unsuback) => subscribe::unsuback(unsuback, version, out),
            Self::Pingreq | Self::Pingresp => {
                out.extend_from_slice(&[self.packet_type().first_byte(), 0]);
                Ok(())
            }
            Self::Disconnect(disconnect) => acknowledge::disconnect(disconnect, version, out),
            Self::Auth(auth) => acknowledge::auth(auth, version, out),
        }
    }
}

/// Encodes properties with their length ([MQTT-2.2.2-1]); nothing before 5.0.
fn properties(
    section: Section,
    properties: &Properties<'_>,
    version: Version,
    out: &mut Vec<u8>,
) -> Written {
    if !version.is_5() {
        return Ok(());
    }
    section.check(properties)?;
    writer::variable(writer::length(properties.as_bytes().len())?, out);
    out.extend_from_slice(properties.as_bytes());
    Ok(())
}

const fn not_in(packet: PacketType, version: Version) -> EncodeError {
    EncodeError::NotInVersion { packet, version }
}
