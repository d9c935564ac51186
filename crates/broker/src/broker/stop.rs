//! A clean stop: records what is not recorded while the broker runs, so that the next run continues without a gap.

use std::sync::Arc;

use crate::{
    broker::Broker,
    broker::listing::step_after,
    journal::{Journal, JournalMessage, TopicEnd},
    memory::limits::ITEMS,
    message::entry::DestinationKind,
    name::is_temporary,
    queue::Queue,
    sequence::record_in_queue,
    state::BrokerState,
    sync::lock_state,
};

/// The positions with which the next run continues.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stopped {
    /// The position of the next message.
    pub next_position: u64,
    /// Removed topics may have lost messages up to this position.
    pub newest_removed: u64,
}

impl Broker {
    /// Records the histories of all topics, and the messages of lasting queues that are not persistent, in the journal.
    /// Must be called when no session is left and nothing is published any more.
    pub fn record_all(&self) -> Stopped {
        let mut are_topics_recorded = false;
        if let Some(journal) = &self.store.journal {
            // Histories are not worth a full disk.
            are_topics_recorded = journal.check(0).is_ok();
            if are_topics_recorded {
                self.record_topics(journal);
            }
            self.record_queues(journal);
        }
        let state = lock_state(&self.state);
        let newest = state.sequencer.newest();
        Stopped {
            next_position: newest + 1,
            newest_removed: match are_topics_recorded {
                true => state.removed.newest(),
                false => newest,
            },
        }
    }

    fn record_topics(&self, journal: &Arc<dyn Journal>) {
        let mut after = None;
        self.in_steps(|state| {
            let mut last = None;
            for name in state.names.after(after.as_ref()).take(ITEMS) {
                state.record_topic(name.as_str(), journal);
                last = Some(name.clone());
            }
            step_after(last, &mut after)
        });
    }

    fn record_queues(&self, journal: &Arc<dyn Journal>) {
        let mut queues = Vec::new();
        self.for_each_named_queue(|queue| queues.push(Arc::clone(queue)));
        let state = lock_state(&self.state);
        queues.extend(state.queues.durables.values().cloned());
        let shared = state.queues.shared.values();
        queues.extend(shared.map(|shared| Arc::clone(&shared.queue)));
        drop(state);
        for queue in queues {
            queue.record_unrecorded(journal);
        }
    }
}

impl BrokerState {
    fn record_topic(&self, name: &str, journal: &Arc<dyn Journal>) {
        let Some(topic) = self.topics.find(name) else {
            return;
        };
        let account = &topic.account;
        if account.is_own || is_temporary(&account.name) || topic.log.end().sequence == 1 {
            return;
        }
        let id = account.name_id(DestinationKind::Topic, || journal.clone());
        let end = topic.log.end();
        journal.set_topic_end(
            id,
            TopicEnd {
                next_sequence: end.sequence,
                bytes: end.offset,
                removed_up_to: topic.log.trimmed_position(),
            },
        );
        let history = account.history_id(|| journal.clone());
        topic.log.for_each(|entry| {
            if !entry.is_in_history() {
                journal.append(&JournalMessage {
                    entry,
                    name: id,
                    queues: &[history],
                    previous: None,
                    is_retained: false,
                    schedule: None,
                });
            }
        });
    }
}

impl Queue {
    /// Records the messages that are not persistent. They are all in memory.
    fn record_unrecorded(&self, journal: &Arc<dyn Journal>) {
        let Some(id) = self.journal_id() else {
            return;
        };
        let mut last = 0;
        loop {
            let messages = self.browse_in_memory(last, ITEMS);
            for entry in messages.iter().filter(|entry| !entry.may_be_recorded()) {
                record_in_queue(entry, id, journal);
                let deliveries = self.lock().deliveries_of(entry.position());
                if deliveries > 0 {
                    journal.set_deliveries(id, entry.position(), deliveries);
                }
            }
            match messages.last() {
                Some(entry) => last = entry.position(),
                None => return,
            }
        }
    }
}
