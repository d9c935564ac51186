//! Sessions that end: for everybody else at once, and then out of the order, one subscription after another.

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

/// What a session that has ended still has in the broker.
#[derive(Debug)]
#[must_use = "it is in the broker until it has been taken out"]
pub struct Leaving {
    session: Arc<Session>,
    consumers: VecDeque<Arc<Consumer>>,
    /// Queues, by id, that the consumers have left; shared out when the last consumer has ended, so that none
    /// of them is given what another one had.
    queues: BTreeMap<u64, Arc<Queue>>,
    subscriptions: VecDeque<Arc<Subscription>>,
    /// A subscription that has been ended in part.
    unfinished: Option<Arc<Subscription>>,
    /// Topics and queues that end with the session.
    temporaries: Vec<(DestinationKind, TopicName)>,
}

impl Broker {
    /// Ends a session and its subscriptions; what it had not acknowledged goes to others. `outcome` is added
    /// to. Once is enough, more does no harm.
    ///
    /// Where there are many subscriptions it takes long: see [`Broker::leave`].
    pub fn detach(&self, session: &Arc<Session>, now_ms: u64, outcome: &mut Outcome) {
        let mut leaving = self.leave(session);
        while self.go_on_leaving(&mut leaving, now_ms, outcome) {}
    }

    /// The first part of [`Broker::detach`]: the session gets nothing any more. What it has in the broker is taken
    /// out, and what it held of queues given to others, by [`Broker::go_on_leaving`].
    pub fn leave(&self, session: &Arc<Session>) -> Leaving {
        // From here on it can have no more.
        let attached = lock_state(&self.state).detach(session);
        let consumers = session.take_consumers();
        consumers.iter().for_each(|one| one.stop());
        let (subscriptions, temporaries) = attached
            .map_or_else(<(Vec<_>, Vec<_>)>::default, |attached| {
                (attached.subscriptions, attached.temporaries)
            });
        subscriptions.iter().for_each(|one| one.cancel());
        session.end();
        Leaving {
            session: Arc::clone(session),
            consumers: consumers.into(),
            queues: BTreeMap::new(),
            subscriptions: subscriptions.into(),
            unfinished: None,
            temporaries,
        }
    }

    /// Does one more step: ends one consumer or subscription, or a part of a subscription with many cursors, or gives what one queue got back to others; at last it
    /// removes what else there is. Returns false when nothing is left. Publishers need not wait for all steps.
    pub fn go_on_leaving(&self, leaving: &mut Leaving, now_ms: u64, outcome: &mut Outcome) -> bool {
        if let Some(consumer) = leaving.consumers.pop_front() {
            let left = self.end_consumer(&consumer, outcome);
            let left = left.iter().map(|queue| (queue.id, Arc::clone(queue)));
            leaving.queues.extend(left);
            return true;
        }
        if let Some((_, queue)) = leaving.queues.pop_first() {
            queue.share_out(&mut Budget::new(), &mut outcome.ready);
            self.dead_letter(now_ms, outcome);
            return true;
        }
        if let Some(subscription) = leaving.unfinished.take() {
            if !self.go_on_cancelling(&subscription) {
                leaving.unfinished = Some(subscription);
            }
            return true;
        }
        if let Some(subscription) = leaving.subscriptions.pop_front() {
            self.watch(DestinationKind::Topic, &subscription.filter, false);
            let is_done = self.go_on_cancelling(&subscription);
            self.notice_subscription(&subscription, false, outcome);
            leaving.unfinished = (!is_done).then_some(subscription);
            return true;
        }
        for (kind, name) in leaving.temporaries.drain(..) {
            self.remove_temporary(kind, &name);
        }
        self.dead_letter(now_ms, outcome);
        // What is left in the inbox refers to the session, and would keep it alive.
        leaving.session.swap_inbox(&mut Vec::new());
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
