//! Publishing. Under the lock, each run (consecutive publications to one destination) takes three steps: admit
//! ([`admit`]), sequence ([`crate::sequence`]) and apply ([`topic`], [`queue`]). After the lock is released, overflow
//! rules are applied to the subscriptions with too much lag.

mod admit;
mod queue;
mod topic;

use std::sync::Arc;

use crate::{
    broker::Broker,
    broker::overdue::Overdue,
    memory::share::Client,
    message::entry::{DestinationKind, Publication},
    outcome::{Outcome, PublishError, Published},
    state::BrokerState,
    sync::{StateGuard, lock_state},
    topic::log::Released,
};

pub(crate) use admit::{Destination, Publisher, check_rights, check_room};

/// The work that remains after the lock is released.
#[derive(Default)]
pub(crate) struct AfterLock {
    released: Released,
    overdue: Vec<Overdue>,
}

impl AfterLock {
    /// Reduces the topic of a publication to its last image.
    pub(crate) fn keep_last(&mut self, state: &mut BrokerState, publication: &Publication) {
        if publication.kind() == DestinationKind::Topic
            && let Some(topic) = state.topics.find_mut(publication.topic().as_str())
        {
            topic.log.keep_last(&mut self.released);
            // The memory is needed now, so it is freed with the lock held.
            self.released.clear();
        }
    }
}

/// The context of a run of publications to one topic or queue.
pub(crate) struct PublishContext<'a> {
    pub(crate) publisher: Publisher,
    pub(crate) client: &'a Arc<Client>,
    pub(crate) outcome: &'a mut Outcome,
    pub(crate) after_lock: &'a mut AfterLock,
}

impl Broker {
    /// Publishes a batch in its order, and removes the published messages from it. [`Outcome::results`] is overwritten;
    /// everything else is added to `outcome`.
    ///
    /// When this returns, the broker has the messages up to the first refused one. The results end with the refusal.
    /// The later messages stay in the batch; the caller may publish them with another call. The caller must deliver to
    /// the sessions in [`Outcome::ready`].
    pub fn publish(&self, batch: &mut Vec<Publication>, outcome: &mut Outcome) {
        self.publish_for(self.own(), batch, outcome);
    }

    /// Publishes like [`Broker::publish`]. New topics and queues are charged to a client.
    pub fn publish_for(
        &self,
        client: &Arc<Client>,
        batch: &mut Vec<Publication>,
        outcome: &mut Outcome,
    ) {
        outcome.results.clear();
        self.publish_with(Publisher::Client, client, batch, outcome);
    }

    /// Publishes like [`Broker::publish_for`]. In the journal, the publications and what `record` records are one
    /// transaction; `record` is called with the broker's lock held, and not without a journal.
    pub fn publish_and_record(
        &self,
        client: &Arc<Client>,
        batch: &mut Vec<Publication>,
        record: impl FnOnce(),
        outcome: &mut Outcome,
    ) {
        outcome.results.clear();
        self.publish_in_transaction(Publisher::Client, client, batch, |_| record(), outcome);
    }

    /// Publishes a batch. In the journal, the publications and what `record` records are one transaction.
    fn publish_in_transaction(
        &self,
        publisher: Publisher,
        client: &Arc<Client>,
        batch: &mut Vec<Publication>,
        record: impl FnOnce(&Outcome),
        outcome: &mut Outcome,
    ) {
        self.relieve(outcome);
        let mut after_lock = AfterLock::default();
        let mut state = lock_state(&self.state);
        let transaction = state.sequencer.begin_transaction();
        let context = PublishContext {
            publisher,
            client,
            outcome,
            after_lock: &mut after_lock,
        };
        self.append_batch(&mut state, batch, context);
        if let Some(transaction) = transaction {
            record(outcome);
            transaction.end(outcome);
        }
        self.finish(state, after_lock, outcome);
    }

    /// Publishes to the broker's own topics.
    pub fn publish_reserved(&self, batch: &mut Vec<Publication>, outcome: &mut Outcome) {
        outcome.results.clear();
        self.publish_with(Publisher::Broker, self.own(), batch, outcome);
    }

    pub(crate) fn publish_with(
        &self,
        publisher: Publisher,
        client: &Arc<Client>,
        batch: &mut Vec<Publication>,
        outcome: &mut Outcome,
    ) {
        self.relieve(outcome);
        let mut after_lock = AfterLock::default();
        let mut state = lock_state(&self.state);
        let context = PublishContext {
            publisher,
            client,
            outcome,
            after_lock: &mut after_lock,
        };
        self.append_batch(&mut state, batch, context);
        self.finish(state, after_lock, outcome);
    }

    /// Publishes a message in place of another one, which `settle` records as settled. In the journal both are one
    /// transaction. A publication that is refused records nothing.
    pub(crate) fn publish_replacement(
        &self,
        publisher: Publisher,
        client: &Arc<Client>,
        publication: Publication,
        settle: impl FnOnce(),
        outcome: &mut Outcome,
    ) {
        let record = |outcome: &Outcome| {
            if outcome.results.iter().all(Result::is_ok) {
                settle();
            }
        };
        let mut batch = vec![publication];
        self.publish_in_transaction(publisher, client, &mut batch, record, outcome);
    }

    pub(crate) fn append_batch(
        &self,
        state: &mut BrokerState,
        batch: &mut Vec<Publication>,
        context: PublishContext<'_>,
    ) {
        let PublishContext {
            publisher,
            client,
            outcome,
            after_lock,
        } = context;
        let mut publications = batch.drain(..).peekable();
        let mut is_accepted = true;
        while is_accepted && let Some(mut first) = publications.next() {
            let (kind, name) = (first.kind(), first.topic().clone());
            if let Err(error) = check_rights(publisher, kind, &name) {
                outcome.results.push(Err(error));
                is_accepted = false;
                break;
            }
            if let Some(schedule) = first.take_schedule() {
                let context = PublishContext {
                    publisher,
                    client,
                    outcome,
                    after_lock,
                };
                is_accepted = self.append_scheduled(state, context, first, *schedule);
                continue;
            }
            let destination = Destination {
                kind,
                name: &name,
                size: first.size(),
                publisher,
                client,
            };
            let rest = std::iter::from_fn(|| {
                publications.next_if(|next| {
                    next.kind() == kind && *next.topic() == name && next.schedule().is_none()
                })
            });
            let publications = std::iter::once(first).chain(rest);
            let context = PublishContext {
                publisher,
                client,
                outcome,
                after_lock,
            };
            is_accepted = match kind {
                DestinationKind::Topic => {
                    self.append_to_topic(state, context, destination, publications)
                }
                DestinationKind::Queue => {
                    self.append_to_queue(state, context, destination, publications)
                }
            };
        }
        if !is_accepted {
            let left = publications.collect();
            *batch = left;
        }
    }

    /// Makes the appended entries visible to readers, and applies the overflow rules of subscriptions with too much
    /// lag.
    pub(crate) fn finish(
        &self,
        state: StateGuard<'_, BrokerState>,
        after_lock: AfterLock,
        outcome: &mut Outcome,
    ) {
        self.visible_position.advance(state.sequencer.newest());
        let must_page_out = self.store.must_page_out();
        if must_page_out && let Some(journal) = &self.store.journal {
            self.store
                .note_newest(state.sequencer.newest(), journal.newest());
        }
        drop(state);
        if let Some(journal) = &self.store.journal
            && outcome.owed.is_some()
        {
            journal.wake();
        }
        if must_page_out {
            self.store.page_out();
        }
        if outcome.owed.is_some() && self.store.must_wait_for_paging() {
            // A message that is not durable yet cannot be paged out.
            outcome.is_journal_full = true;
        }
        let AfterLock { released, overdue } = after_lock;
        drop(released);
        self.visible_position
            .schedule_waiting(&mut outcome.ready.sessions);
        self.count(&outcome.results);
        self.tell_dropped(outcome);
        for Overdue { cursor, end } in overdue {
            self.settle_lag(&cursor, end, self.limits.lag(), outcome);
        }
    }

    fn count(&self, results: &[Result<Published, PublishError>]) {
        for error in results.iter().filter_map(|result| result.as_ref().err()) {
            self.refusals.add(error.cause());
        }
    }

    /// Publishing to a deleted temporary destination succeeds; the message is discarded and counted.
    pub(super) fn count_undeliverable(
        &self,
        position: u64,
        publications: impl Iterator<Item = Publication>,
        outcome: &mut Outcome,
    ) {
        for _ in publications {
            self.undeliverable.add(1);
            outcome.results.push(Ok(Published {
                id: self.id(position),
                sequence: 0,
                subscriptions: 0,
            }));
        }
    }
}
