//! The end of consumers and of durable subscriptions.

use std::sync::Arc;

use crate::{
    broker::Broker,
    message::entry::DestinationKind,
    message::scan_budget::Budget,
    name::subscription_name::DurableName,
    outcome::{DeleteDurableError, Outcome},
    queue::{Consumer, Identity, Queue},
    session::Session,
    session::subscription::SubscriptionId,
    sync::lock_state,
};

impl Broker {
    /// Ends one of a session's consumers.
    pub(crate) fn end_consumer_of(
        &self,
        session: &Session,
        id: SubscriptionId,
        outcome: &mut Outcome,
    ) {
        if let Some(consumer) = session.remove_consumer(id) {
            self.end_only_consumer(&consumer, outcome);
        }
    }

    /// Ends a consumer that its session no longer has; its messages go to others.
    pub(crate) fn end_only_consumer(&self, consumer: &Consumer, outcome: &mut Outcome) {
        let mut budget = Budget::new();
        for queue in self.end_consumer(consumer, outcome).iter() {
            queue.distribute(&mut budget, &mut outcome.ready);
        }
    }

    /// Ends a consumer. Returns its queues; the caller must distribute their messages.
    pub(crate) fn end_consumer(
        &self,
        consumer: &Consumer,
        outcome: &mut Outcome,
    ) -> Arc<Vec<Arc<Queue>>> {
        let mut state = lock_state(&self.state);
        state.leave_queues(consumer);
        if let Some(attached) = state.sessions.get_mut(&consumer.session.id) {
            attached.consumers -= 1;
            attached.consumers_joined -= consumer.joined();
        }
        state.subscriptions -= 1;
        // Done in one step, so that a thread that removes a queue does not count the consumer again.
        let queues = consumer.leave_all_queues();
        for queue in queues.iter() {
            match &queue.identity {
                Identity::Named(_) => state.cursors -= 1,
                Identity::Private => state.unbind(queue),
                Identity::Durable(_) => {}
                Identity::Shared(name) => state.leave_shared(name),
            }
        }
        drop(state);
        self.watch(consumer.kind, &consumer.filter, false);
        consumer.close(&queues);
        self.notice_consumer(consumer, false, outcome);
        queues
    }

    /// Ends a subscription like [`Broker::unsubscribe`], but lets a consumer of queues settle its deliveries: a job in
    /// progress is not given to another consumer as well.
    ///
    /// The consumer gets no more messages; its message groups, and messages that only it as an exclusive consumer could
    /// get, go to others. It counts as a subscription until everything is settled, or until its session ends or is
    /// paused. `outcome` is extended. Unknown ids are ignored.
    pub fn unsubscribe_when_settled(
        &self,
        session: &Session,
        id: SubscriptionId,
        now_ms: u64,
        outcome: &mut Outcome,
    ) {
        let consumer = session.consumer(id);
        // The queue of a topic subscription ends with its last consumer, so no message can be delivered twice.
        let of_queues = consumer.filter(|consumer| consumer.kind == DestinationKind::Queue);
        let Some(queues) = of_queues.and_then(|consumer| consumer.leave()) else {
            self.unsubscribe(session, id, now_ms, outcome);
            return;
        };
        let mut budget = Budget::new();
        for queue in queues.iter() {
            queue.distribute(&mut budget, &mut outcome.ready);
        }
        self.dead_letter(now_ms, outcome);
    }

    /// Deletes a durable subscription with its waiting messages.
    ///
    /// # Errors
    ///
    /// If it does not exist, or is in use.
    pub fn delete_durable(&self, name: &DurableName) -> Result<(), DeleteDurableError> {
        let mut state = lock_state(&self.state);
        let queue = state
            .queues
            .durables
            .get(name)
            .ok_or(DeleteDurableError::Unknown)?;
        if queue.consumer_count() > 0 {
            return Err(DeleteDurableError::InUse);
        }
        let queue = state.queues.durables.remove(name);
        if let Some(queue) = &queue {
            queue.record_removed();
            state.unbind(queue);
        }
        drop(state);
        // Its messages are freed without a lock.
        drop(queue);
        Ok(())
    }
}
