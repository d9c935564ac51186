//! Replacing a subscription by another of the same filter, which goes on where it is (MQTT 5.0, 3.8.4).

use std::sync::Arc;

use crate::{
    broker::Broker,
    outcome::{Outcome, SubscribeError},
    session::Session,
    session::subscription::{Retained, Subscribe, Subscription, SubscriptionId},
    state::BrokerState,
    sync::lock_state,
    topic::Topic,
    topic::cursor::Cursor,
};

impl Broker {
    /// Replaces a subscription to topics by one of the same filter with other options, which has an id of its
    /// own. Nothing is lost and nothing is delivered twice: in each topic the new one goes on where the old one
    /// was, and is told what that one missed. [`Subscribe::start`] has no meaning here; what the topics retain
    /// comes first again, if [`Subscribe::retained`] asks for it [MQTT-3.8.4-4]. `outcome` is added to.
    ///
    /// A reader at work just now is waited for, and what it has not read yet may come behind what it reads
    /// then of other subscriptions; the order within each topic is kept.
    ///
    /// Consumers have no place to go on at. One is replaced by making the other with [`Broker::consume`] first
    /// and then ending the old one: what that had in hand goes back to its queue and is delivered again.
    ///
    /// # Errors
    /// [`SubscribeError::NothingToReplace`] when the session has no such subscription to these topics;
    /// nothing is changed then.
    pub fn resubscribe(
        &self,
        session: &Arc<Session>,
        old: SubscriptionId,
        subscribe: Subscribe<'_>,
        outcome: &mut Outcome,
    ) -> Result<SubscriptionId, SubscribeError> {
        let retained = subscribe.retained;
        let mut state = lock_state(&self.state);
        let (at, replaced) = state.find(session, old)?;
        if replaced.filter != *subscribe.filter {
            return Err(SubscribeError::NothingToReplace);
        }
        let id = SubscriptionId(state.fresh_id());
        let mut subscription = Subscription::new(id, Arc::clone(session), subscribe);
        subscription.note_joined(replaced.joined());
        let subscription = Arc::new(subscription);
        let readable = state.replace(at, &replaced, (&subscription, retained));
        if session.queue_all(readable) {
            outcome.ready.sessions.push(Arc::clone(session));
        }
        drop(state);
        // Whoever waited for the old one is to look whether it still has to.
        session.release_waiting();
        Ok(id)
    }
}

impl BrokerState {
    /// A session's subscription to topics, and its place among the others.
    fn find(
        &self,
        session: &Session,
        id: SubscriptionId,
    ) -> Result<(usize, Arc<Subscription>), SubscribeError> {
        let attached = self.sessions.get(&session.id);
        let attached = attached.filter(|_| !session.is_ended());
        let attached = attached.ok_or(SubscribeError::SessionEnded)?;
        let mut own = attached.subscriptions.iter().enumerate();
        let (at, found) = own
            .find(|(_, own)| own.id == id)
            .ok_or(SubscribeError::NothingToReplace)?;
        Ok((at, Arc::clone(found)))
    }

    /// Puts a subscription in the place of the session's at `at`; tells the cursors that have something to read.
    fn replace(
        &mut self,
        at: usize,
        replaced: &Subscription,
        (subscription, retained): (&Arc<Subscription>, Retained),
    ) -> Vec<Arc<Cursor>> {
        let filter = &subscription.filter;
        let mut readable = Vec::new();
        let mut take_over = |topic: &mut Box<Topic>| {
            readable.extend(topic.take_over(subscription, replaced.id, retained));
        };
        match filter.exact() {
            Some(name) if self.wait_instead(&name, replaced.id, subscription) => {}
            Some(name) => self
                .topics
                .find_mut(name.as_str())
                .into_iter()
                .for_each(take_over),
            None => {
                self.topics.for_each_covered(filter, &mut take_over);
                self.cancel_wildcard(replaced);
                self.add_wildcard(subscription);
            }
        }
        replaced.cancel();
        if let Some(attached) = self.sessions.get_mut(&subscription.session.id) {
            attached.subscriptions[at] = Arc::clone(subscription);
        }
        readable
    }
}
