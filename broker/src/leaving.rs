//! Sessions that end: for everybody else at once, and then out of the order, one subscription after another.

use std::{collections::VecDeque, sync::Arc};

use crate::{
    broker::Broker, entry::Kind, name::TopicName, outcome::Outcome, session::Session,
    subscription::Subscription, sync::lock_order,
};

/// What a session that has ended still has in the broker.
#[derive(Debug)]
#[must_use = "it is in the broker until it has been taken out"]
pub struct Leaving {
    session: Arc<Session>,
    subscriptions: VecDeque<Arc<Subscription>>,
    /// Topics and queues that end with the session.
    temporaries: Vec<(Kind, TopicName)>,
}

impl Broker {
    /// Ends a session and its subscriptions; what it had not acknowledged goes to others. `outcome` is added
    /// to. Once is enough, more does no harm.
    ///
    /// Where there are many subscriptions it takes long: see [`Broker::leave`].
    pub fn detach(&self, session: &Arc<Session>, now_ms: u64, outcome: &mut Outcome) {
        let mut leaving = self.leave(session, now_ms, outcome);
        while self.go_on_leaving(&mut leaving, now_ms, outcome) {}
    }

    /// The first part of [`Broker::detach`]: the session gets nothing any more, and what it held of queues goes to
    /// others. What it has in the broker is to be taken out by [`Broker::go_on_leaving`].
    pub fn leave(&self, session: &Arc<Session>, now_ms: u64, outcome: &mut Outcome) -> Leaving {
        // From here on it can have no more.
        let attached = lock_order(&self.order).detach(session);
        self.end_consumers(&session.take_consumers(), outcome);
        self.bury(now_ms, outcome);
        let (subscriptions, temporaries) = attached
            .map_or_else(<(Vec<_>, Vec<_>)>::default, |attached| {
                (attached.subscriptions, attached.temporaries)
            });
        subscriptions.iter().for_each(|one| one.cancel());
        session.end();
        Leaving {
            session: Arc::clone(session),
            subscriptions: subscriptions.into(),
            temporaries,
        }
    }

    /// Takes one more subscription out of the order, since one may be to many topics, and publishers need not wait
    /// for all; and at last what else there is. False when nothing is left.
    pub fn go_on_leaving(&self, leaving: &mut Leaving, now_ms: u64, outcome: &mut Outcome) -> bool {
        if let Some(subscription) = leaving.subscriptions.pop_front() {
            self.cancel(&subscription);
            self.notice_subscription(&subscription, false, outcome);
            return true;
        }
        for (kind, name) in leaving.temporaries.drain(..) {
            self.remove_temporary(kind, &name);
        }
        self.bury(now_ms, outcome);
        // What is left in the inbox refers to the session, and would keep it alive.
        leaving.session.swap_inbox(&mut Vec::new());
        false
    }

    fn remove_temporary(&self, kind: Kind, name: &TopicName) {
        match kind {
            Kind::Topic => {
                self.clear(name);
                lock_order(&self.order).remove_if_idle(name);
            }
            Kind::Queue => {
                self.remove_queue(name);
            }
        }
    }
}
