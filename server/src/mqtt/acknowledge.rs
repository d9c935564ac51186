//! The client's acknowledgements: PUBACK, PUBREC and PUBCOMP (5.0, 3.4, 3.5 and 3.7).
//!
//! The sending half has the messages in flight. So acknowledgements are collected here, applied there at the end of the
//! read cycle, and deliveries that the broker waits for are then settled.

use broker::Settlement;
use wire::mqtt::{Acknowledgement, PacketId, PublishReason};

use super::{Mqtt, encoder::MqttEncoder};
use crate::{clock, connection::ReadCycle};

/// An acknowledgement.
#[derive(Debug, Clone, Copy)]
pub enum Acknowledged {
    /// Ends a delivery of QoS 1.
    Puback(PacketId, PublishReason),
    /// The client has received a delivery of QoS 2. A failure ends the delivery.
    Pubrec(PacketId, PublishReason),
    /// Ends a delivery of QoS 2.
    Pubcomp(PacketId),
}

impl Acknowledged {
    /// Copies what is needed of a PUBACK.
    pub fn puback(ack: &Acknowledgement<'_, PublishReason>) -> Self {
        Self::Puback(ack.packet_id, ack.reason)
    }

    /// Copies what is needed of a PUBREC.
    pub fn pubrec(ack: &Acknowledgement<'_, PublishReason>) -> Self {
        Self::Pubrec(ack.packet_id, ack.reason)
    }
}

impl Mqtt {
    /// Applies the acknowledgements to the sending half; PUBREL packets are appended to the replies. For a session that
    /// survives a restart, PUBREC is recorded before PUBREL is sent: the client forgets the identifier at PUBREL, so a message
    /// that is sent again after it is a new one.
    pub(super) fn apply_acknowledgements(
        &mut self,
        encoder: &mut MqttEncoder,
        cycle: &mut ReadCycle,
    ) {
        let is_pubrec = |one: &Acknowledged| matches!(one, Acknowledged::Pubrec(..));
        let has_pubrec = self.acknowledged.iter().any(is_pubrec);
        for acknowledged in self.acknowledged.drain(..) {
            let settled = match acknowledged {
                Acknowledged::Puback(id, reason) => encoder.puback(id, reason),
                Acknowledged::Pubrec(id, reason) => encoder.pubrec(id, reason, &mut cycle.replies),
                Acknowledged::Pubcomp(id) => {
                    encoder.pubcomp(id);
                    None
                }
            };
            self.settled.extend(settled);
        }
        self.acknowledged.shrink_to(MAX_ACKNOWLEDGED_CAPACITY);
        encoder.update_progress();
        if has_pubrec {
            cycle.owed = cycle.owed.max(encoder.record_deliveries());
        }
        self.settled.extend(encoder.take_undeliverable());
    }

    /// Settles the deliveries in the broker.
    pub(super) fn settle(&mut self, cycle: &mut ReadCycle) {
        if self.settled.is_empty() {
            return;
        }
        let now_ms = clock::unix_ms();
        for (delivery, verdict) in self.settled.drain(..) {
            let settlement = Settlement { delivery, verdict };
            // The delivery of an ended subscription is no longer waiting.
            let _ = self
                .broker
                .settle(&self.session, settlement, now_ms, &mut cycle.outcome);
        }
        self.settled.shrink_to(MAX_SETTLED_CAPACITY);
        self.carry_out(cycle);
    }
}

/// Capacity that is always kept, so that steady reading allocates nothing: 1 kB, and at most the number that a client
/// has sent at once.
const MAX_ACKNOWLEDGED_CAPACITY: usize = 256;
/// The same for settlements, which are larger and rarer.
const MAX_SETTLED_CAPACITY: usize = 16;
