//! Publications to queues: each message gets its position, and goes to a waiting consumer or into the queue.

use std::sync::Arc;

use super::{
    PublishContext,
    admit::{Destination, Publisher},
};
use crate::{
    broker::Broker,
    memory::account::Account,
    message::entry::{DestinationKind, Publication},
    outcome::Published,
    sequence::LastingPlaces,
    state::BrokerState,
};

impl Broker {
    /// Puts a run of publications into one queue. Returns false if one was refused; the later ones are then still in
    /// `publications`.
    pub(super) fn append_to_queue(
        &self,
        state: &mut BrokerState,
        context: PublishContext<'_>,
        destination: Destination<'_>,
        publications: impl Iterator<Item = Publication>,
    ) -> bool {
        let PublishContext {
            publisher, outcome, ..
        } = context;
        let name = destination.name;
        let found = match state.queues.named.find(name.as_str()) {
            Some(queue) => Some(queue),
            None => {
                if let Err(error) = self.admit(state, destination) {
                    outcome.results.push(Err(error));
                    return false;
                }
                state.queues.named.find(name.as_str())
            }
        };
        let Some(queue) = found.map(Arc::clone) else {
            self.count_undeliverable(state.sequencer.newest(), publications, outcome);
            return true;
        };
        let mut queue_state = queue.lock();
        let subscriptions = queue_state.consumer_count();
        for publication in publications {
            let size = publication.size();
            if queue.drops_oldest() {
                queue.drop_oldest_for(&mut queue_state, &publication);
            }
            let room = || self.check_queue(&queue, &queue_state, &publication);
            let journal_id = queue.journal_id().filter(|_| publication.is_persistent());
            let places = LastingPlaces::in_queues(journal_id);
            let admitted = match publisher {
                Publisher::Transaction => Ok(()),
                Publisher::DeadLetter => room(),
                Publisher::Client | Publisher::Broker => self
                    .check_memory(size)
                    .or_else(|_| self.make_room(state, destination, size))
                    .and_then(|()| room())
                    .and_then(|()| state.sequencer.check(&places, size)),
            };
            if let Err(error) = admitted {
                outcome.results.push(Err(error));
                return false;
            }
            let end = queue_state.end;
            let account = queue_state.account.get_or_insert_with(|| {
                Account::new(DestinationKind::Queue, name.clone(), &self.memory)
            });
            self.memory.take(size);
            let position = state.sequencer.next();
            let publication = match queue.time_to_live_ms() {
                0 => publication,
                ms => publication.living_at_most(ms),
            };
            let entry = publication.into_entry(position, end, account);
            state.sequencer.record(&entry, account, &places, outcome);
            queue_state.end = entry.end();
            queue.enqueue(&mut queue_state, &entry, &mut outcome.ready);
            self.published.add(size);
            outcome.results.push(Ok(Published {
                id: self.id(position),
                sequence: end.sequence,
                subscriptions,
            }));
        }
        true
    }
}
