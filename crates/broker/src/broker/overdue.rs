//! The overflow rules, applied to subscriptions with too much lag.

use std::sync::{Arc, Weak};

use crate::{
    broker::Broker,
    memory::limits::{ITEMS, Lag},
    outcome::Outcome,
    sync::lock_state,
    topic::cursor::{Cursor, Overflow},
    topic::log::End,
};

/// A cursor with too much lag relative to the end of its log at that time.
pub(crate) struct Overdue {
    pub(crate) cursor: Arc<Cursor>,
    pub(crate) end: End,
}

impl Broker {
    /// When memory is nearly full, applies the rules to all subscriptions whose lag exceeds what their topics keep
    /// anyway, so that one client that does not read cannot use the memory of all.
    ///
    /// It examines every cursor, so it is repeated only after a part of the memory has been published anew.
    pub(crate) fn relieve(&self, outcome: &mut Outcome) {
        let limit = self.limits.memory_bytes;
        if self.memory.bytes() < limit - limit / RELIEF_PART {
            return;
        }
        let mut state = lock_state(&self.state);
        let published = self.published.bytes();
        if state
            .relieved_at_bytes
            .is_some_and(|then| published < then + limit / RELIEF_PART)
        {
            return;
        }
        state.relieved_at_bytes = Some(published);
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

    /// Does the same for subscriptions that lag in removed topics, which keep nothing.
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

    /// Applies the rule of a cursor whose lag relative to `end` exceeded `allowed`.
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

/// Memory is nearly full when less than this part of it is free.
const RELIEF_PART: u64 = 8;
