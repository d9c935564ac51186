//! The end of a session: it gets no more messages at once, and is then removed from the broker one subscription after
//! another.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
};

use crate::{
    broker::Broker,
    message::entry::DestinationKind,
    message::scan_budget::Budget,
    name::TopicName,
    outcome::Outcome,
    queue::{Consumer, Queue},
    session::Session,
    session::subscription::Subscription,
    sync::lock_state,
};

/// The parts of an ended session that are still in the broker.
#[derive(Debug)]
#[must_use = "it is in the broker until it has been taken out"]
pub struct DetachingSession {
    session: Arc<Session>,
    consumers: VecDeque<Arc<Consumer>>,
    /// Queues, by id, that the consumers have left. Their messages are distributed when the last consumer has ended, so
    /// that no consumer gets the messages of another one that is detaching too.
    queues: BTreeMap<u64, Arc<Queue>>,
    subscriptions: VecDeque<Arc<Subscription>>,
    /// A subscription of which a part has ended.
    unfinished: Option<Arc<Subscription>>,
    /// Topics and queues that end with the session.
    temporaries: Vec<(DestinationKind, TopicName)>,
}

impl Broker {
    /// Ends a session and its subscriptions; its unacknowledged messages go to others. `outcome` is extended. Further
    /// calls have no effect.
    ///
    /// With many subscriptions this takes long: see [`Broker::begin_detach`].
    pub fn detach(&self, session: &Arc<Session>, now_ms: u64, outcome: &mut Outcome) {
        let mut detaching = self.begin_detach(session);
        while self.continue_detach(&mut detaching, now_ms, outcome) {}
    }

    /// The first part of [`Broker::detach`]: the session gets no more messages. [`Broker::continue_detach`] removes the
    /// session from the broker and distributes its messages of queues.
    pub fn begin_detach(&self, session: &Arc<Session>) -> DetachingSession {
        // From here on it can get no more.
        let attached = lock_state(&self.state).detach(session);
        let consumers = session.take_consumers();
        consumers.iter().for_each(|one| one.stop());
        let (subscriptions, temporaries) = attached
            .map_or_else(<(Vec<_>, Vec<_>)>::default, |attached| {
                (attached.subscriptions, attached.temporaries)
            });
        subscriptions.iter().for_each(|one| one.cancel());
        session.end();
        DetachingSession {
            session: Arc::clone(session),
            consumers: consumers.into(),
            queues: BTreeMap::new(),
            subscriptions: subscriptions.into(),
            unfinished: None,
            temporaries,
        }
    }

    /// Does one more step: ends a consumer, a subscription or a part of a subscription with many cursors, or
    /// distributes the returned messages of one queue; finally removes the rest. Returns false when nothing is left.
    /// Publishers need not wait for all steps.
    pub fn continue_detach(
        &self,
        detaching: &mut DetachingSession,
        now_ms: u64,
        outcome: &mut Outcome,
    ) -> bool {
        if let Some(consumer) = detaching.consumers.pop_front() {
            let left = self.end_consumer(&consumer, outcome);
            let left = left.iter().map(|queue| (queue.id, Arc::clone(queue)));
            detaching.queues.extend(left);
            return true;
        }
        if let Some((_, queue)) = detaching.queues.pop_first() {
            queue.distribute(&mut Budget::new(), &mut outcome.ready);
            self.dead_letter(now_ms, outcome);
            return true;
        }
        if let Some(subscription) = detaching.unfinished.take() {
            if !self.go_on_cancelling(&subscription) {
                detaching.unfinished = Some(subscription);
            }
            return true;
        }
        if let Some(subscription) = detaching.subscriptions.pop_front() {
            self.watch(DestinationKind::Topic, &subscription.filter, false);
            let is_done = self.go_on_cancelling(&subscription);
            self.notice_subscription(&subscription, false, outcome);
            detaching.unfinished = (!is_done).then_some(subscription);
            return true;
        }
        for (kind, name) in detaching.temporaries.drain(..) {
            self.remove_temporary(kind, &name);
        }
        self.dead_letter(now_ms, outcome);
        // The rest of the inbox refers to the session, and would keep it alive.
        detaching.session.swap_inbox(&mut Vec::new());
        false
    }

    fn remove_temporary(&self, kind: DestinationKind, name: &TopicName) {
        match kind {
            DestinationKind::Topic => {
                self.clear(name);
                lock_state(&self.state).remove_if_idle(name);
            }
            DestinationKind::Queue => {
                self.remove_queue(name);
            }
        }
    }
}
