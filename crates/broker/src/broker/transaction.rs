//! Transactions: publications and settlements that take effect together, or not at all.
//!
//! The protocol keeps the content of a transaction; the broker reserves deliveries for it, and carries it out.

use std::{collections::HashMap, sync::Arc};

use crate::{
    broker::Broker,
    broker::publish::{
        AfterLock, Destination, PublishContext, Publisher, check_rights, check_room,
    },
    broker::scheduled::ScheduledLoad,
    broker::settle::consumer_of,
    message::entry::{DestinationKind, Publication},
    message::scan_budget::Budget,
    name::TopicName,
    outcome::{CommitError, Outcome, PublishError},
    queue::{Load, Phase, Queue},
    session::Session,
    settlement::{SettleError, Settlement, Verdict},
    state::BrokerState,
    sync::lock_state,
};

impl Broker {
    /// Reserves a delivery for a transaction: it no longer counts as in flight, so that the consumer can continue
    /// within the transaction, and only [`Broker::commit`] or [`Broker::unstage`] can change it.
    ///
    /// # Errors
    ///
    /// If the delivery is not waiting to be acknowledged.
    pub fn stage(
        &self,
        session: &Session,
        settlement: Settlement,
        outcome: &mut Outcome,
    ) -> Result<(), SettleError> {
        let consumer = consumer_of(session, settlement.delivery)?;
        consumer.stage(settlement.delivery)?;
        consumer.fetch_unless_scheduled(&mut Budget::new(), &mut outcome.ready);
        Ok(())
    }

    /// Returns the deliveries of a transaction: they wait to be acknowledged again.
    pub fn unstage(&self, session: &Session, settlements: &[Settlement]) {
        for Settlement { delivery, .. } in settlements {
            if let Some(consumer) = session.consumer(delivery.subscription) {
                consumer.unstage(*delivery);
            }
        }
    }

    /// Carries out a transaction: publishes `batch`, clears it, and settles the reserved deliveries, both in order.
    /// [`Outcome::results`] are overwritten; the rest of `outcome` is extended.
    ///
    /// # Errors
    ///
    /// If one of the publications or settlements is refused; then none has an effect, and the batch and the reserved
    /// deliveries are unchanged.
    pub fn commit(
        &self,
        session: &Arc<Session>,
        batch: &mut Vec<Publication>,
        settlements: &[Settlement],
        now_ms: u64,
        outcome: &mut Outcome,
    ) -> Result<(), CommitError> {
        outcome.results.clear();
        for settlement in settlements {
            consumer_of(session, settlement.delivery)?.check(*settlement, Phase::Staged)?;
        }
        if !batch.is_empty() || self.has_journal() {
            self.publish_whole(session, batch, settlements, outcome)?;
            session.count_published(outcome.results.len() as u64);
        }
        for settlement in settlements {
            // Reserved and checked, and only this session could have settled it in the meantime.
            let _ = self.settle_in(Phase::Staged, session, *settlement, now_ms, outcome);
        }
        self.dead_letter(now_ms, outcome);
        Ok(())
    }

    /// Publishes all of a batch, or nothing. In the journal, the publications and the settlements are one transaction.
    fn publish_whole(
        &self,
        session: &Session,
        batch: &mut Vec<Publication>,
        settlements: &[Settlement],
        outcome: &mut Outcome,
    ) -> Result<(), PublishError> {
        self.relieve(outcome);
        let mut after_lock = AfterLock::default();
        let mut state = lock_state(&self.state);
        let held = state.hold_topics(batch);
        let checked = self.check_all(&mut state, session, batch, &mut after_lock);
        let result = checked.map(|_queues| {
            let context = PublishContext {
                publisher: Publisher::Transaction,
                client: session.client(),
                outcome,
                after_lock: &mut after_lock,
            };
            let transaction = state.sequencer.begin_transaction();
            self.append_batch(&mut state, batch, context);
            if let Some(transaction) = transaction {
                record_accepted(session, settlements);
                transaction.end(outcome);
            }
        });
        state.release_topics(&held);
        self.finish(state, after_lock, outcome);
        if let Err(error) = &result {
            self.refusals.add(error.cause());
        }
        result
    }

    /// Creates the topics and queues that a batch needs, or nothing. The queues must be kept until it has been
    /// published, because an empty queue may be removed to make room.
    fn check_all(
        &self,
        state: &mut BrokerState,
        session: &Session,
        batch: &[Publication],
        after_lock: &mut AfterLock,
    ) -> Result<Vec<Arc<Queue>>, PublishError> {
        self.check_memory_for_all(state, batch, after_lock)?;
        let mut made = Vec::new();
        let checked = self.admit_all(state, session, batch, &mut made);
        if checked.is_err() {
            for (kind, name) in made {
                state.remove_unused(kind, name);
            }
        }
        checked
    }

    /// Checks whether the batch fits into the memory, if necessary without the histories of its topics.
    fn check_memory_for_all(
        &self,
        state: &mut BrokerState,
        batch: &[Publication],
        after_lock: &mut AfterLock,
    ) -> Result<(), PublishError> {
        let size = batch.iter().map(Publication::size).sum();
        if self.check_memory(size).is_ok() {
            return Ok(());
        }
        for publication in batch {
            after_lock.keep_last(state, publication);
        }
        self.free_oldest(state, None, size);
        self.check_memory(size)
    }

    fn admit_all<'a>(
        &self,
        state: &mut BrokerState,
        session: &Session,
        batch: &'a [Publication],
        made: &mut Vec<(DestinationKind, &'a TopicName)>,
    ) -> Result<Vec<Arc<Queue>>, PublishError> {
        let sequencer = &state.sequencer;
        let may_be_recorded = |one: &Publication| {
            let is_topic = one.kind() == DestinationKind::Topic;
            let is_durable = || is_topic && sequencer.is_durable(one.topic());
            let is_scheduled = one.schedule().is_some();
            one.is_persistent() || one.is_retained() || is_scheduled || is_durable()
        };
        if let Some(journal) = sequencer.journal()
            && batch.iter().any(may_be_recorded)
        {
            // Approximately: not every publication is recorded.
            journal.check(batch.iter().map(Publication::size).sum())?;
        }
        let mut loads = HashMap::<&TopicName, Load>::new();
        let mut in_all = Load::default();
        let mut scheduled = ScheduledLoad::default();
        let mut queues = Vec::new();
        for publication in batch {
            let (kind, name) = (publication.kind(), publication.topic());
            check_rights(Publisher::Client, kind, name)?;
            if let Some(schedule) = publication.schedule() {
                scheduled.messages += 1;
                scheduled.bytes += publication.size() + schedule.size();
                self.check_scheduled(schedule, scheduled, session.client())?;
                in_all.entries += 1;
                in_all.bytes += publication.size();
                check_room(name, self.store.room_in_all(in_all))?;
                continue;
            }
            if !state.has(kind, name) {
                let destination = Destination {
                    kind,
                    name,
                    size: publication.size(),
                    publisher: Publisher::Client,
                    client: session.client(),
                };
                self.admit(state, destination)?;
                made.push((kind, name));
            }
            if kind == DestinationKind::Topic {
                continue;
            }
            let Some(queue) = state.queues.named.find(name.as_str()) else {
                continue;
            };
            let load = loads.entry(name).or_insert_with(|| {
                queues.push(Arc::clone(queue));
                Load::default()
            });
            for load in [&mut *load, &mut in_all] {
                load.entries += 1;
                load.bytes += publication.size();
            }
            check_room(name, queue.room(*load))?;
            check_room(name, self.store.room_in_all(in_all))?;
        }
        Ok(queues)
    }
}

/// Records that the accepted messages of a transaction have left their queues.
fn record_accepted(session: &Session, settlements: &[Settlement]) {
    for settlement in settlements {
        if settlement.verdict == Verdict::Accept
            && let Some(consumer) = session.consumer(settlement.delivery.subscription)
        {
            consumer.record_staged_settled(settlement.delivery);
        }
    }
}

impl BrokerState {
    /// Holds the topics that there are of a batch, so that none makes room for another. Returns their names.
    fn hold_topics(&mut self, batch: &[Publication]) -> Vec<TopicName> {
        let mut held = Vec::new();
        for publication in batch {
            if publication.kind() == DestinationKind::Topic
                && let Some(topic) = self.topics.find_mut(publication.topic().as_str())
                && !topic.is_in_transaction
            {
                topic.is_in_transaction = true;
                held.push(publication.topic().clone());
            }
        }
        held
    }

    fn release_topics(&mut self, held: &[TopicName]) {
        for name in held {
            if let Some(topic) = self.topics.find_mut(name.as_str()) {
                topic.is_in_transaction = false;
            }
        }
    }
}
