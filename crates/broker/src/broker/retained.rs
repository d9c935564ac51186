//! Retained messages: reads one, and removes those that have expired.

use crate::{broker::Broker, message::entry::SharedEntry, name::TopicName, sync::lock_state};

impl Broker {
    /// Returns the retained message of a topic. An expired one may be returned until the next [`Broker::expire`].
    #[must_use]
    pub fn retained(&self, topic: &TopicName) -> Option<SharedEntry> {
        let state = lock_state(&self.state);
        state.topics.find(topic.as_str())?.retained().cloned()
    }

    /// Removes retained messages that have expired at `now_ms`; only a part of them, if they are many.
    pub(crate) fn expire_retained(&self, now_ms: u64) {
        let mut gone = Vec::new();
        let mut guard = lock_state(&self.state);
        let state = &mut *guard;
        while gone.len() < AT_ONCE
            && let Some(name) = state.retained_index.expired(now_ms)
            && let Some(topic) = state.topics.find_mut(name.as_str())
        {
            let retained = topic.take_retained(&mut state.retained_index);
            retained
                .iter()
                .for_each(|entry| state.sequencer.record_removed(entry));
            gone.extend(retained);
        }
        drop(guard);
        // Freed when the lock is released.
        drop(gone);
    }
}

/// Maximum number of messages removed in one hold of the lock.
const AT_ONCE: usize = 1_000;
