//! Replacing a subscription by another of the same filter, which goes on where it is (MQTT 5.0, 3.8.4).

use std::sync::{Arc, Weak};

use crate::{
    broker::Broker,
    name::TopicName,
    outcome::{Outcome, SubscribeError},
    session::subscription::{Retained, Subscribe, Subscription, SubscriptionId},
    session::{Readable, Session},
    state::BrokerState,
    sync::{StateMutex, lock_state},
};

impl Broker {
    /// Replaces a subscription to topics by one of the same filter with other options. Returns the id of the new one.
    /// Nothing is lost and nothing is delivered twice: in each topic the new one goes on where the old one
    /// was, and is told what that one missed. [`Subscribe::start`] has no meaning here; what the topics retain
    /// comes first again, if [`Subscribe::retained`] asks for it [MQTT-3.8.4-4]. `outcome` is added to.
    ///
    /// A reader at work just now may still read with the old options, and what it has not read yet may come behind what
    /// it reads then of other subscriptions; the order within each topic is kept.
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
        let mut state = lock_state(&self.state);
        let (at, replaced) = state.find(session, old)?;
        if replaced.filter != *subscribe.filter {
            return Err(SubscribeError::NothingToReplace);
        }
        let (subscription, readable) = match replaced.filter.exact() {
            Some(name) => state.replace_one(&name, &replaced, subscribe),
            None => state.replace_many(&replaced, subscribe, &Arc::downgrade(&self.state)),
        };
        let id = subscription.id;
        if let Some(attached) = state.sessions.get_mut(&session.id) {
            attached.subscriptions[at] = subscription;
        }
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

    /// Replaces a subscription to one topic. Returns the new one and what it has to read.
    fn replace_one(
        &mut self,
        name: &TopicName,
        replaced: &Subscription,
        subscribe: Subscribe<'_>,
    ) -> (Arc<Subscription>, Vec<Readable>) {
        let retained = subscribe.retained;
        let id = SubscriptionId(self.fresh_id());
        let session = Arc::clone(&replaced.session);
        let subscription = Arc::new(Subscription::new(id, session, subscribe));
        let mut cursor = None;
        if !self.wait_instead(name, replaced.id, &subscription)
            && let Some(topic) = self.topics.find_mut(name.as_str())
        {
            cursor = topic.take_over(&subscription, replaced.id, retained);
        }
        replaced.cancel();
        let readable = cursor.into_iter().map(Readable::Cursor);
        (subscription, readable.collect())
    }

    /// Replaces a subscription with wildcards, which may have many cursors: they stay, and are read with the options of
    /// the new one from now on.
    fn replace_many(
        &mut self,
        replaced: &Arc<Subscription>,
        subscribe: Subscribe<'_>,
        state: &Weak<StateMutex<Self>>,
    ) -> (Arc<Subscription>, Vec<Readable>) {
        let retained = subscribe.retained;
        let subscription = replaced.replaced_by(subscribe);
        self.wildcards.replace(&subscription);
        let readable = match retained {
            Retained::First => self.collect_retained(&subscription, state),
            Retained::Omitted => Vec::new(),
        };
        (subscription, readable)
    }
}
