//! Records of a queue in the journal: the queue itself, and the messages that leave it.

use std::sync::Arc;

use super::{Binding, Identity, Queue, Queued, State, Store};
use crate::{
    journal::LastingQueue,
    memory::account::Account,
    message::entry::{DestinationKind, Entry, SharedEntry},
    name::is_temporary,
};

/// Records a new queue, if it survives a restart. Returns its id in the journal.
pub(super) fn create(identity: &Identity, binding: Option<&Binding>, store: &Store) -> Option<u32> {
    let journal = store.journal.as_ref()?;
    let lasting = match identity {
        Identity::Named(name) if is_temporary(name) => return None,
        Identity::Named(name) => LastingQueue::Named(name),
        Identity::Durable(name) => {
            let Binding {
                filter, selector, ..
            } = binding?;
            let selector = selector.as_ref();
            LastingQueue::Durable {
                name,
                filter,
                selector,
            }
        }
        Identity::Shared(name) => LastingQueue::Shared(name),
        Identity::Private => return None,
    };
    Some(journal.create_queue(&lasting))
}

impl Queue {
    /// Returns the id in the journal, if the queue survives a restart.
    pub(crate) fn journal_id(&self) -> Option<u32> {
        self.journal_id
    }

    /// Records that the queue was removed.
    pub(crate) fn record_removed(&self) {
        if let (Some(journal), Some(id)) = (&self.store.journal, self.journal_id) {
            journal.remove_queue(id);
        }
    }

    /// Records that an operator has paused the delivery, or that the delivery goes on.
    pub(super) fn record_paused(&self, is_paused: bool) {
        if let (Some(journal), Some(id), Some(name)) =
            (&self.store.journal, self.journal_id, self.name())
        {
            journal.set_paused(id, name, is_paused);
        }
    }

    /// Restores a paused queue of an earlier run.
    pub(crate) fn restore_paused(self: &Arc<Self>) {
        self.lock().set_paused(self, true);
    }

    /// Records that a message has left the queue for good.
    #[inline]
    pub(crate) fn record_settled(&self, entry: &Entry) {
        if let (Some(journal), Some(id)) = (&self.store.journal, self.journal_id)
            && entry.may_be_recorded()
        {
            journal.settle(id, &[entry.position()]);
        }
    }

    /// Adds a message of an earlier run. The queue has no consumer yet.
    pub(crate) fn restore_message(&self, entry: &SharedEntry, deliveries: u32) {
        let mut state = self.lock();
        if entry.kind() == DestinationKind::Queue
            && let Some(account) = entry.account()
        {
            self.restore_end(&mut state, entry.sequence(), account);
        }
        self.enter(&mut state, entry);
        state.put_back(Queued {
            deliveries,
            ..Queued::new(entry)
        });
    }

    /// Continues after an own message of an earlier run.
    pub(super) fn restore_end(&self, state: &mut State, sequence: u64, account: &Arc<Account>) {
        if self.name() == Some(&account.name) {
            state.end.sequence = state.end.sequence.max(sequence + 1);
            if state.account.is_none() {
                state.account = Some(Arc::clone(account));
            }
        }
    }

    /// Records that messages, in ascending order, have left the queue for good.
    pub(super) fn record_all_settled<'a>(&self, entries: impl Iterator<Item = &'a Entry>) {
        let recorded = entries.filter(|entry| entry.may_be_recorded());
        self.record_positions_settled(recorded.map(Entry::position));
    }

    /// Records that the messages at these positions, in ascending order, have left the queue for good.
    pub(super) fn record_positions_settled(&self, positions: impl Iterator<Item = u64>) {
        let (Some(journal), Some(id)) = (&self.store.journal, self.journal_id) else {
            return;
        };
        let positions: Vec<_> = positions.collect();
        for positions in positions.chunks(AT_ONCE) {
            journal.settle(id, positions);
        }
    }

    /// Records the number of deliveries of a message that returns to the queue.
    pub(super) fn record_deliveries(&self, message: &Queued) {
        if let (Some(journal), Some(id)) = (&self.store.journal, self.journal_id)
            && message.deliveries > 0
            && message.entry.may_be_recorded()
        {
            let position = message.entry.position();
            journal.set_deliveries(id, position, message.deliveries);
        }
    }
}

/// Maximum number of messages in one record.
const AT_ONCE: usize = 1_000;
