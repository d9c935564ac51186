//! Changed permissions of a session: its subscriptions with wildcards leave what it may not read any more.

use std::sync::Weak;

use crate::{
    broker::{Broker, listing::step_after},
    memory::limits::ITEMS,
    message::scan_budget::Budget,
    outcome::Outcome,
    session::Session,
    sync::lock_state,
};

impl Broker {
    /// Ends the reading of topics and queues that the [`Permissions`](crate::Permissions) of a paused session do not allow
    /// any more, for subscriptions with wildcards: unread messages of these topics are not delivered. The caller ends
    /// subscriptions to one destination itself.
    pub fn recheck(&self, session: &Session, now_ms: u64, outcome: &mut Outcome) {
        self.leave_denied_topics(session);
        let mut budget = Budget::new();
        for consumer in session.consumers() {
            for queue in consumer.queues().iter() {
                let is_denied = queue.name().is_some_and(|name| !session.may_receive(name));
                if is_denied && consumer.leave_queue(queue) {
                    lock_state(&self.state).cursors -= 1;
                    // A paused consumer holds no messages.
                    queue.leave(&consumer, Vec::new());
                    queue.distribute(&mut budget, &mut outcome.ready);
                }
            }
        }
        self.dead_letter(now_ms, outcome);
    }

    /// Lets subscriptions with wildcards join topics that they were not allowed to join before, at the next message. Must be
    /// called when permissions were extended.
    pub fn rejoin_wildcards(&self) {
        let mut after = None;
        self.in_steps(|state| {
            let names = state.names.after(after.as_ref());
            let names: Vec<_> = names.take(ITEMS).cloned().collect();
            for name in &names {
                if let Some(topic) = state.topics.find_mut(name.as_str()) {
                    topic.covered_up_to = 0;
                }
            }
            step_after(names.last().cloned(), &mut after)
        });
    }

    fn leave_denied_topics(&self, session: &Session) {
        let mut guard = lock_state(&self.state);
        let state = &mut *guard;
        let Some(entry) = state.sessions.get(&session.id) else {
            return;
        };
        let subscriptions = entry.subscriptions.clone();
        let mut left = Vec::new();
        for subscription in subscriptions.iter().filter(|one| one.has_wildcards()) {
            let cursors = subscription.take_cursors(usize::MAX);
            for cursor in cursors.iter().filter_map(Weak::upgrade) {
                if session.may_subscribe(&cursor.topic.name) {
                    subscription.add_cursor(&cursor);
                    continue;
                }
                if let Some(topic) = state.topics.find_mut(cursor.topic.name.as_str()) {
                    topic.leave(subscription.id);
                }
                cursor.close();
                left.push(cursor);
            }
        }
        drop(guard);
        drop(left);
    }
}
