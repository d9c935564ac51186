//! Transactions: publications and settlements that are carried out together, or not at all.
//!
//! What belongs to a transaction is kept by whoever speaks to the client; the broker sets deliveries aside
//! for it, and carries it out.

use std::sync::Arc;

use crate::{
    broker::Broker,
    consume::consumer_of,
    entry::{Kind, Publication},
    name::TopicName,
    order::Order,
    outcome::{CommitError, Outcome},
    queue::Phase,
    session::Session,
    settlement::{SettleError, Settlement},
    sync::lock,
};

impl Broker {
    /// Sets a delivery aside for a transaction: it does not count as in hand any more, so that a consumer
    /// can go on within the transaction, and only [`Broker::commit`] or [`Broker::unstage`] can touch it.
    ///
    /// # Errors
    /// When the delivery does not wait to be acknowledged.
    pub fn stage(
        &self,
        session: &Session,
        settlement: Settlement,
        outcome: &mut Outcome,
    ) -> Result<(), SettleError> {
        let consumer = consumer_of(session, settlement.delivery)?;
        consumer.check(settlement, Phase::Free)?;
        consumer.stage(settlement.delivery, Phase::Staged);
        consumer.replenish(&mut outcome.ready);
        Ok(())
    }

    /// Gives deliveries back that a transaction had: they wait to be acknowledged again.
    pub fn unstage(&self, session: &Session, settlements: &[Settlement]) {
        for Settlement { delivery, .. } in settlements {
            if let Some(consumer) = session.consumer(delivery.subscription) {
                consumer.stage(*delivery, Phase::Free);
            }
        }
    }

    /// Carries out a transaction: publishes `batch`, and clears it, and settles what was staged, in their
    /// orders. `outcome` is overwritten.
    ///
    /// # Errors
    /// When one of the publications or settlements cannot be carried out; then none is, and the batch and
    /// what is staged are as before.
    pub fn commit(
        &self,
        session: &Arc<Session>,
        (batch, settlements): (&mut Vec<Publication>, &[Settlement]),
        now_ms: u64,
        outcome: &mut Outcome,
    ) -> Result<(), CommitError> {
        outcome.clear();
        for settlement in settlements {
            consumer_of(session, settlement.delivery)?.check(*settlement, Phase::Staged)?;
        }
        if !batch.is_empty() {
            self.relieve(outcome);
            let mut order = lock(&self.order);
            let mut made = Vec::new();
            if let Err(error) = self.check_all(&mut order, batch, &mut made) {
                order.forget(made);
                self.refused.add(1);
                return Err(error.into());
            }
            let aftermath = self.append_checked(&mut order, batch, outcome);
            self.finish(order, aftermath, outcome);
        }
        for settlement in settlements {
            // Staged and checked, and only this session could have settled it meanwhile.
            let _ = self.settle_in(Phase::Staged, session, *settlement, outcome);
        }
        self.bury(now_ms, outcome);
        Ok(())
    }
}

impl Order {
    /// Lets go of topics and queues that were made for publications which were not made.
    fn forget(&mut self, made: Vec<(Kind, TopicName)>) {
        for (kind, name) in made {
            match kind {
                Kind::Topic => self.remove_if_idle(&name),
                Kind::Queue => {
                    self.remove_queue(&name);
                }
            }
        }
    }
}
