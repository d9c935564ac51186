//! Settling the deliveries of a consumer.

use std::sync::Arc;

use super::Consumer;
use crate::{
    notice::DeathCause,
    queue::Queue,
    queue::in_flight::Phase,
    queue::returned::Returned,
    settlement::{DeliveryId, SettleError, Settlement, Verdict},
    sync::lock,
};

impl Consumer {
    /// Checks whether a settlement would find its delivery.
    pub(crate) fn check(&self, settlement: Settlement, phase: Phase) -> Result<(), SettleError> {
        if lock(&self.in_flight).has(settlement.delivery.number, phase) {
            Ok(())
        } else {
            Err(SettleError(settlement.delivery))
        }
    }

    /// Settles deliveries at `now_ms`. Returns the queues whose messages may go to other consumers.
    pub(crate) fn settle(
        &self,
        settlement: Settlement,
        phase: Phase,
        now_ms: u64,
    ) -> Result<Vec<Arc<Queue>>, SettleError> {
        let Settlement { delivery, verdict } = settlement;
        let settled = lock(&self.in_flight).let_go(delivery.number, phase, self.acknowledgement);
        let mut returned = Returned::default();
        for (_, held) in settled.ok_or(SettleError(delivery))? {
            match verdict {
                Verdict::Accept => held.queue.acknowledge(&held.message.entry),
                Verdict::Reject => held.queue.discard(held.message, DeathCause::Rejected),
                Verdict::Return => returned.add(held),
            }
        }
        Ok(returned.take_back(now_ms))
    }

    /// Reserves the deliveries of a settlement for a transaction.
    pub(crate) fn stage(&self, delivery: DeliveryId) -> Result<(), SettleError> {
        if lock(&self.in_flight).stage(delivery.number, self.acknowledgement) {
            Ok(())
        } else {
            Err(SettleError(delivery))
        }
    }

    /// Records in the journal that the deliveries that a transaction has reserved are settled.
    pub(crate) fn record_staged_settled(&self, delivery: DeliveryId) {
        lock(&self.in_flight).for_each_staged(delivery.number, |held| {
            held.queue.record_settled(&held.message.entry);
        });
    }

    /// Returns the deliveries from the transaction.
    pub(crate) fn unstage(&self, delivery: DeliveryId) {
        lock(&self.in_flight).unstage(delivery.number);
    }

    /// Returns the delivery of the message at this position.
    pub(crate) fn find(&self, position: u64) -> Option<DeliveryId> {
        let number = lock(&self.in_flight).find(position)?;
        Some(DeliveryId {
            subscription: self.id,
            number,
        })
    }
}
