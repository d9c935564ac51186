//! ACK and NACK (STOMP 1.2, "ACK", "NACK").

use broker::{DeliveryId, Settlement, Verdict};
use wire::stomp::server::{AckTarget, Acknowledge, Fault, Identity};

use super::Stomp;
use crate::{clock, connection::Turn};

impl Stomp {
    pub(super) fn ack(&mut self, ack: &Acknowledge<'_>, turn: &mut Turn) -> Result<(), Fault> {
        self.acknowledge(ack, Verdict::Accept, turn)
    }

    pub(super) fn nack(&mut self, nack: &Acknowledge<'_>, turn: &mut Turn) -> Result<(), Fault> {
        let verdict = if nack.requeue {
            Verdict::Return
        } else {
            Verdict::Reject
        };
        self.acknowledge(nack, verdict, turn)
    }

    /// Whether it covers earlier messages too is for the broker to know, which has the subscription's mode.
    fn acknowledge(
        &mut self,
        acknowledge: &Acknowledge<'_>,
        verdict: Verdict,
        turn: &mut Turn,
    ) -> Result<(), Fault> {
        let receipt = acknowledge.receipt.as_deref();
        let unknown = || Fault::unknown_delivery(&acknowledge.target, receipt);
        let delivery = self.delivery(&acknowledge.target).ok_or_else(unknown)?;
        let settlement = Settlement { delivery, verdict };
        if let Some(transaction) = acknowledge.transaction.as_deref() {
            self.settle_later(transaction, settlement, acknowledge, turn)?;
        } else {
            self.broker
                .settle(
                    &self.session,
                    settlement,
                    clock::unix_ms(),
                    &mut turn.outcome,
                )
                .map_err(|_| unknown())?;
        }
        self.carry_out(turn);
        self.receipt(receipt, turn);
        Ok(())
    }

    fn settle_later(
        &mut self,
        transaction: &str,
        settlement: Settlement,
        acknowledge: &Acknowledge<'_>,
        turn: &mut Turn,
    ) -> Result<(), Fault> {
        let receipt = acknowledge.receipt.as_deref();
        let bytes = size_of::<Settlement>();
        let transaction = self.transactions.admit(transaction, bytes, receipt)?;
        self.broker
            .stage(&self.session, settlement, &mut turn.outcome)
            .map_err(|_| Fault::unknown_delivery(&acknowledge.target, receipt))?;
        transaction.settlements.push(settlement);
        Ok(())
    }

    /// 1.2 names the delivery; before, the message, and in 1.1 the subscription.
    fn delivery(&self, target: &AckTarget<'_>) -> Option<DeliveryId> {
        match target {
            AckTarget::Id(id) => id.parse().ok(),
            AckTarget::Message {
                subscription,
                message_id,
            } => {
                let subscription = match subscription {
                    Some(id) => Some(self.subscriptions.get(&Identity::Id(id.clone()))?.id),
                    None => None,
                };
                let message = message_id.parse().ok()?;
                self.broker
                    .find_delivery(&self.session, subscription, message)
            }
        }
    }
}
