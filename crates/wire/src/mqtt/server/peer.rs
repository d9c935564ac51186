//! Answers to a client, encoded for its version and within its Maximum Packet Size.

use super::super::{
    Acknowledgement, Disconnect, List, Packet, PacketId, Properties, Property, PublishReason,
    ReleaseReason, Suback, SubscribeReason, Unsuback, UnsubscribeReason, Version,
};
use super::fault::Fault;

/// The parameters for writing to a client.
///
/// Texts become Reason Strings. They are omitted if the version has none, if the client did not
/// request them ([MQTT-3.1.2-29]), or if the packet would exceed the client's Maximum Packet Size
/// ([MQTT-3.4.2-2] and similar statements).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peer {
    /// The version of the protocol.
    pub version: Version,
    /// Maximum bytes of a packet; `u32::MAX` is no bound.
    pub maximum_packet_size: u32,
    /// True if the client requested reason strings.
    pub problem_information: bool,
}

impl Peer {
    /// Writes a PUBACK.
    ///
    /// # Errors
    ///
    /// The packet is too large, or it is a refusal before 5.0.
    pub fn puback(
        &self,
        packet_id: PacketId,
        reason: PublishReason,
        text: &str,
        out: &mut Vec<u8>,
    ) -> Result<(), Fault> {
        self.check_refusal(packet_id, reason, text)?;
        let mut scratch = Vec::new();
        let problem = self.problem(text, &mut scratch);
        self.write(problem, out, |properties| {
            Packet::Puback(Acknowledgement {
                packet_id,
                reason,
                properties,
            })
        })
    }

    /// Writes a PUBREC.
    ///
    /// # Errors
    ///
    /// The packet is too large, or it is a refusal before 5.0.
    pub fn pubrec(
        &self,
        packet_id: PacketId,
        reason: PublishReason,
        text: &str,
        out: &mut Vec<u8>,
    ) -> Result<(), Fault> {
        self.check_refusal(packet_id, reason, text)?;
        let mut scratch = Vec::new();
        let problem = self.problem(text, &mut scratch);
        self.write(problem, out, |properties| {
            Packet::Pubrec(Acknowledgement {
                packet_id,
                reason,
                properties,
            })
        })
    }

    /// Writes a PUBREL. Before 5.0 it has no reason.
    ///
    /// # Errors
    ///
    /// The packet is too large for the client.
    pub fn pubrel(
        &self,
        packet_id: PacketId,
        reason: ReleaseReason,
        out: &mut Vec<u8>,
    ) -> Result<(), Fault> {
        let reason = self.release_reason(reason);
        self.write(Properties::EMPTY, out, |properties| {
            Packet::Pubrel(Acknowledgement {
                packet_id,
                reason,
                properties,
            })
        })
    }

    /// Writes a PUBCOMP. Before 5.0 it has no reason.
    ///
    /// # Errors
    ///
    /// The packet is too large for the client.
    pub fn pubcomp(
        &self,
        packet_id: PacketId,
        reason: ReleaseReason,
        out: &mut Vec<u8>,
    ) -> Result<(), Fault> {
        let reason = self.release_reason(reason);
        self.write(Properties::EMPTY, out, |properties| {
            Packet::Pubcomp(Acknowledgement {
                packet_id,
                reason,
                properties,
            })
        })
    }

    /// Writes a SUBACK with a reason for each filter, in order ([MQTT-3.9.3-1]). Before 5.0 all
    /// failures are 0x80.
    ///
    /// # Errors
    ///
    /// The packet is too large for the client.
    pub fn suback(
        &self,
        packet_id: PacketId,
        reasons: &[SubscribeReason],
        text: &str,
        out: &mut Vec<u8>,
    ) -> Result<(), Fault> {
        let mut scratch = Vec::new();
        let reasons = List::encode(reasons.iter().copied(), &mut scratch).unwrap_or_default();
        let mut scratch = Vec::new();
        let problem = self.problem(text, &mut scratch);
        self.write(problem, out, |properties| {
            Packet::Suback(Suback {
                packet_id,
                properties,
                reasons,
            })
        })
    }

    /// Writes an UNSUBACK with a reason for each filter, in order ([MQTT-3.11.3-1]). Before 5.0 it
    /// has no reasons.
    ///
    /// # Errors
    ///
    /// The packet is too large for the client.
    pub fn unsuback(
        &self,
        packet_id: PacketId,
        reasons: &[UnsubscribeReason],
        text: &str,
        out: &mut Vec<u8>,
    ) -> Result<(), Fault> {
        let mut scratch = Vec::new();
        let reasons = List::encode(reasons.iter().copied(), &mut scratch).unwrap_or_default();
        let mut scratch = Vec::new();
        let problem = self.problem(text, &mut scratch);
        self.write(problem, out, |properties| {
            Packet::Unsuback(Unsuback {
                packet_id,
                properties,
                reasons,
            })
        })
    }

    /// Writes a PINGRESP ([MQTT-3.12.4-1]).
    ///
    /// # Errors
    ///
    /// The packet is too large for the client.
    pub fn pingresp(&self, out: &mut Vec<u8>) -> Result<(), Fault> {
        self.write(Properties::EMPTY, out, |_| Packet::Pingresp)
    }

    /// Writes a DISCONNECT with the reason; close the connection then ([MQTT-3.14.4-2]). Before
    /// 5.0, and if the packet is too large, nothing is written.
    pub fn disconnect(&self, fault: &Fault, out: &mut Vec<u8>) {
        if !self.version.is_5() {
            return;
        }
        let reason = fault.reason();
        let text = fault.to_string();
        let mut scratch = Vec::new();
        let problem = self.problem(&text, &mut scratch);
        // If the packet is too large, the connection is closed without it.
        let _ = self.write(problem, out, |properties| {
            Packet::Disconnect(Disconnect { reason, properties })
        });
    }

    /// Returns a Reason String, if the text is not empty and the client requested it.
    pub(super) fn problem<'a>(&self, text: &'a str, scratch: &'a mut Vec<u8>) -> Properties<'a> {
        if text.is_empty() || !self.version.is_5() || !self.problem_information {
            return Properties::EMPTY;
        }
        // A text that cannot be encoded is omitted.
        Properties::encode([Property::ReasonString(text)], scratch).unwrap_or_default()
    }

    /// Appends the packet with its properties, or without them if it would be too large.
    pub(super) fn write<'a>(
        &self,
        properties: Properties<'a>,
        out: &mut Vec<u8>,
        packet: impl Fn(Properties<'a>) -> Packet<'a>,
    ) -> Result<(), Fault> {
        let start = out.len();
        let limit = self.maximum_packet_size;
        let mut fits = |packet: Packet<'_>| {
            let written = packet.encode(self.version, out);
            let is_small = out.len() - start <= limit as usize;
            if !is_small {
                out.truncate(start);
            }
            written.is_ok() && is_small
        };
        if fits(packet(properties)) {
            return Ok(());
        }
        let least = packet(Properties::EMPTY);
        if !properties.is_empty() && fits(least) {
            return Ok(());
        }
        let packet = least.packet_type();
        Err(Fault::AnswerTooLarge { packet, limit })
    }

    /// Before 5.0 a server "MUST either make a positive acknowledgement, according to the normal
    /// QoS rules, or close the Network Connection" ([MQTT-3.3.5-2] of 3.1.1). It is closed, so that
    /// the client does not take the message for delivered.
    fn check_refusal(
        &self,
        packet_id: PacketId,
        reason: PublishReason,
        text: &str,
    ) -> Result<(), Fault> {
        match reason.is_failure() && !self.version.is_5() {
            true => Err(Fault::NotTaken {
                packet_id,
                text: text.into(),
            }),
            false => Ok(()),
        }
    }

    const fn release_reason(&self, reason: ReleaseReason) -> ReleaseReason {
        match self.version.is_5() {
            true => reason,
            false => ReleaseReason::Success,
        }
    }
}
