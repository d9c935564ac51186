//! Subscriptions that lie too far behind: what their rules make of them.

use std::sync::{Arc, Weak};

use crate::{
    broker::Broker,
    memory::limits::{ITEMS, Lag},
    outcome::Outcome,
    sync::lock_state,
    topic::cursor::{Cursor, Overflow},
    topic::log::End,
};

/// A cursor found too far behind the end its log had then.
pub(crate) struct Overdue {
    pub(crate) cursor: Arc<Cursor>,
    pub(crate) end: End,
}

impl Broker {
    /// Where memory is nearly full: applies the rules of all who lie behind what their topics keep anyway,
    /// so that one who does not read does not use up everybody's room.
    ///
    /// It looks at every cursor, so it is not done again before a part of the memory was published anew.
    pub(crate) fn relieve(&self, outcome: &mut Outcome) {
        let limit = self.limits.memory_bytes;
        if self.memory.bytes() < limit - limit / RELIEF_PART {
            return;
        }
        let mut state = lock_state(&self.state);
        let published = self.published.bytes();
        if state
            .relieved
            .is_some_and(|then| published < then + limit / RELIEF_PART)
        {
            return;
        }
        state.relieved = Some(published);
        drop(state);
        let mut lagging = Vec::new();
        self.for_each_topic(|topic, from| {
            lagging.extend(topic.lagging(from, ITEMS));
            topic.cursors().len() > from + ITEMS
        });
        for (cursor, end, kept) in lagging {
            self.settle_lag(&cursor, end, kept, outcome);
        }
        self.relieve_of_orphans(outcome);
    }

    /// Likewise for those who lie behind in topics that were removed: they keep nothing.
    fn relieve_of_orphans(&self, outcome: &mut Outcome) {
        loop {
            let orphans = lock_state(&self.state).wildcards.take_orphans();
            if orphans.is_empty() {
                return;
            }
            for cursor in orphans.iter().filter_map(Weak::upgrade) {
                let session = &cursor.subscription.session;
                let subscription = cursor.subscription.current();
                match subscription.overflow() {
                    _ if cursor.lag_entries() == 0 => {}
                    Overflow::Disconnect if session.end() => {
                        self.disconnected.add(1);
                        outcome.ready.add_once(session);
                    }
                    _ => self.notice_slow(&subscription, outcome),
                }
                cursor.abandon();
            }
        }
    }

    /// Applies the rule of a cursor that was found further behind `end` than `allowed`.
    pub(crate) fn settle_lag(
        &self,
        cursor: &Arc<Cursor>,
        end: End,
        allowed: Lag,
        outcome: &mut Outcome,
    ) {
        let session = &cursor.subscription.session;
        let subscription = cursor.subscription.current();
        match subscription.overflow() {
            _ if session.is_ended() => cursor.close(),
            Overflow::DropOldest | Overflow::Latest => {
                cursor.skip(end, allowed);
                self.notice_slow(&subscription, outcome);
            }
            Overflow::Disconnect => {
                if session.end() {
                    self.disconnected.add(1);
                    outcome.ready.add_once(session);
                }
                cursor.close();
            }
            Overflow::Block => outcome.blocked.add(Arc::clone(cursor)),
        }
    }
}

/// Memory is nearly full when all but this part of it is taken.
const RELIEF_PART: u64 = 8;
