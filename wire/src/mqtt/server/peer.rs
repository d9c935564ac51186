//! Answers to a client, as its version has them and no larger than it takes.

use super::super::{
    Acknowledgement, Disconnect, List, Packet, PacketId, Properties, Property, PublishReason,
    ReleaseReason, Suback, SubscribeReason, Unsuback, UnsubscribeReason, Version,
};
use super::fault::Fault;

/// What has to be known of a client to write to it.
///
/// Texts become Reason Strings. They are left out where the version has none, where the client does
/// not want them ([MQTT-3.1.2-29]), and where the packet would be too large for it with them
/// ([MQTT-3.4.2-2] and its like).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peer {
    pub version: Version,
    /// Bytes of a packet; `u32::MAX` is no bound.
    pub maximum_packet_size: u32,
    pub problem_information: bool,
}

impl Peer {
    /// # Errors
    ///
    /// It does not fit, or it refuses what cannot be refused before 5.0.
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

    /// # Errors
    ///
    /// It does not fit, or it refuses what cannot be refused before 5.0.
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

    /// Before 5.0 without a reason.
    ///
    /// # Errors
    ///
    /// It does not fit.
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

    /// Before 5.0 without a reason.
    ///
    /// # Errors
    ///
    /// It does not fit.
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

    /// A reason for each filter, in their order ([MQTT-3.9.3-1]). Before 5.0 all failures are 0x80.
    ///
    /// # Errors
    ///
    /// It does not fit.
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

    /// A reason for each filter, in their order ([MQTT-3.11.3-1]). Before 5.0 there are none.
    ///
    /// # Errors
    ///
    /// It does not fit.
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

    /// [MQTT-3.12.4-1].
    ///
    /// # Errors
    ///
    /// It does not fit.
    pub fn pingresp(&self, out: &mut Vec<u8>) -> Result<(), Fault> {
        self.write(Properties::EMPTY, out, |_| Packet::Pingresp)
    }

    /// Says why the connection ends, which is to be closed then ([MQTT-3.14.4-2]). Before 5.0, and
    /// where it does not fit, nothing is said.
    pub fn disconnect(&self, fault: &Fault, out: &mut Vec<u8>) {
        if !self.version.is_5() {
            return;
        }
        let reason = fault.reason();
        let text = fault.to_string();
        let mut scratch = Vec::new();
        let problem = self.problem(&text, &mut scratch);
        // Nothing is left to be done if it does not fit.
        let _ = self.write(problem, out, |properties| {
            Packet::Disconnect(Disconnect { reason, properties })
        });
    }

    /// A Reason String, if there is one and it is wanted.
    pub(super) fn problem<'a>(&self, text: &'a str, scratch: &'a mut Vec<u8>) -> Properties<'a> {
        if text.is_empty() || !self.version.is_5() || !self.problem_information {
            return Properties::EMPTY;
        }
        // What cannot be a string is left out.
        Properties::encode([Property::ReasonString(text)], scratch).unwrap_or_default()
    }

    /// Appends the packet: with its properties if that fits, or else without.
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

    /// Before 5.0 a server "MUST either make a positive acknowledgement, according to the normal QoS
    /// rules, or close the Network Connection" ([MQTT-3.3.5-2] of 3.1.1): it is closed, so that
    /// nobody takes for delivered what is not.
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
