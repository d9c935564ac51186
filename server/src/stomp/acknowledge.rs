//! ACK and NACK (STOMP 1.2, "ACK", "NACK").

use broker::{DeliveryId, MessageId, Settlement, Verdict};
use wire::stomp::server::{AckTarget, Acknowledge, Fault, Identity};

use super::Stomp;
use crate::{clock, connection::ReadCycle};

impl Stomp {
    /// Processes ACK.
    ///
    /// # Errors
    ///
    /// The acknowledgement is for no message of the client, or its transaction does not exist or has no room.
    pub(super) fn ack(
        &mut self,
        ack: &Acknowledge<'_>,
        cycle: &mut ReadCycle,
    ) -> Result<(), Fault> {
        self.acknowledge(ack, Verdict::Accept, cycle)
    }

    /// Processes NACK, which returns the message to its queue, or rejects it with the header `requeue:false`.
    ///
    /// # Errors
    ///
    /// As for ACK.
    pub(super) fn nack(
        &mut self,
        nack: &Acknowledge<'_>,
        cycle: &mut ReadCycle,
    ) -> Result<(), Fault> {
        let verdict = if nack.requeue {
            Verdict::Return
        } else {
            Verdict::Reject
        };
        self.acknowledge(nack, verdict, cycle)
    }

    /// The broker knows the subscription's mode, and so whether earlier messages are covered too.
    fn acknowledge(
        &mut self,
        acknowledge: &Acknowledge<'_>,
        verdict: Verdict,
        cycle: &mut ReadCycle,
    ) -> Result<(), Fault> {
        let receipt = acknowledge.receipt.as_deref();
        let delivery = self.delivery(&acknowledge.target);
        let settlement = delivery.map(|delivery| Settlement { delivery, verdict });
        let transaction = acknowledge.transaction.as_deref();
        let is_settled = match (settlement, transaction) {
            (None, _) => false,
            (Some(settlement), Some(transaction)) => {
                self.settle_later(transaction, settlement, receipt, cycle)?
            }
            (Some(settlement), None) => {
                let now_ms = clock::unix_ms();
                let outcome = &mut cycle.outcome;
                let settled = self
                    .broker
                    .settle(&self.session, settlement, now_ms, outcome);
                settled.is_ok()
            }
        };
        if !is_settled && !self.is_late(&acknowledge.target) {
            return Err(Fault::unknown_delivery(&acknowledge.target, receipt));
        }
        self.carry_out(cycle);
        self.receipt(receipt, cycle);
        Ok(())
    }

    /// Returns true for a delivery of an ended subscription. It was settled with the subscription, and the client could
    /// not know that yet, so the frame is ignored.
    fn is_late(&self, target: &AckTarget<'_>) -> bool {
        match target {
            AckTarget::Id(id) => id
                .parse::<DeliveryId>()
                .is_ok_and(|delivery| self.ended.has(delivery.subscription)),
            AckTarget::Message {
                subscription,
                message_id,
            } => {
                let has_ended = match subscription {
                    Some(id) => self
                        .ended
                        .ids_of(&Identity::Id(id.clone()))
                        .next()
                        .is_some(),
                    None => !self.ended.is_empty(),
                };
                has_ended && message_id.parse::<MessageId>().is_ok()
            }
        }
    }

    /// Returns false if there is nothing to settle.
    fn settle_later(
        &mut self,
        transaction: &str,
        settlement: Settlement,
        receipt: Option<&str>,
        cycle: &mut ReadCycle,
    ) -> Result<bool, Fault> {
        let bytes = size_of::<Settlement>();
        let transaction = self.transactions.admit(transaction, bytes, receipt)?;
        let staged = self
            .broker
            .stage(&self.session, settlement, &mut cycle.outcome);
        if staged.is_ok() {
            transaction.settlements.push(settlement);
        }
        Ok(staged.is_ok())
    }

    /// Returns the delivery: 1.2 names the delivery itself; earlier versions name the message, and 1.1 the
    /// subscription.
    fn delivery(&self, target: &AckTarget<'_>) -> Option<DeliveryId> {
        match target {
            AckTarget::Id(id) => id.parse().ok(),
            AckTarget::Message {
                subscription,
                message_id,
            } => {
                let message = message_id.parse().ok()?;
                let find = |subscription| {
                    self.broker
                        .find_delivery(&self.session, subscription, message)
                };
                let Some(id) = subscription else {
                    return find(None);
                };
                // The client may have used the id again since.
                let identity = Identity::Id(id.clone());
                let current = self.subscriptions.get(&identity).map(|one| one.id);
                let all = current.into_iter().chain(self.ended.ids_of(&identity));
                all.map(Some).find_map(find)
            }
        }
    }
}
