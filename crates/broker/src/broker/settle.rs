//! The settlement of deliveries.

use std::sync::Arc;

use crate::{
    broker::Broker,
    message::id::MessageId,
    message::scan_budget::Budget,
    outcome::Outcome,
    queue::{Consumer, Phase},
    session::Session,
    session::subscription::SubscriptionId,
    settlement::{DeliveryId, SettleError, Settlement},
};

impl Broker {
    /// Settles a delivery. `outcome` is extended.
    ///
    /// # Errors
    ///
    /// If the delivery is not waiting to be settled.
    pub fn settle(
        &self,
        session: &Session,
        settlement: Settlement,
        now_ms: u64,
        outcome: &mut Outcome,
    ) -> Result<(), SettleError> {
        self.settle_in(Phase::Free, session, settlement, now_ms, outcome)?;
        self.dead_letter(now_ms, outcome);
        Ok(())
    }

    pub(crate) fn settle_in(
        &self,
        phase: Phase,
        session: &Session,
        settlement: Settlement,
        now_ms: u64,
        outcome: &mut Outcome,
    ) -> Result<(), SettleError> {
        let consumer = consumer_of(session, settlement.delivery)?;
        let mut budget = Budget::new();
        for queue in consumer.settle(settlement, phase, now_ms)? {
            queue.distribute(&mut budget, &mut outcome.ready);
        }
        if consumer.has_left() {
            self.end_consumer_of(session, consumer.id, outcome);
        } else {
            consumer.fetch_unless_scheduled(&mut budget, &mut outcome.ready);
        }
        Ok(())
    }

    /// Returns the delivery of an unacknowledged message by the message's id, for protocols without delivery ids.
    /// Without a subscription, the first consumer that has the message is used.
    #[must_use]
    pub fn find_delivery(
        &self,
        session: &Session,
        subscription: Option<SubscriptionId>,
        message: MessageId,
    ) -> Option<DeliveryId> {
        if !self.is_known(message) {
            return None;
        }
        match subscription {
            Some(id) => session.consumer(id)?.find(message.position),
            None => {
                let consumers = session.consumers();
                consumers.iter().find_map(|one| one.find(message.position))
            }
        }
    }
}

pub(crate) fn consumer_of(
    session: &Session,
    delivery: DeliveryId,
) -> Result<Arc<Consumer>, SettleError> {
    let consumer = session.consumer(delivery.subscription);
    consumer.ok_or(SettleError(delivery))
}
