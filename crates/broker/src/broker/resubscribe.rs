//! Replacing a subscription by another with the same filter, which continues at its position (MQTT 5.0, 3.8.4).

use std::sync::{Arc, Weak};

use crate::{
    broker::Broker,
    name::TopicName,
    outcome::{Outcome, SubscribeError},
    session::subscription::{Retained, Subscribe, Subscription, SubscriptionId},
    session::{FirstRetained, Readable, Session},
    state::BrokerState,
    sync::{StateMutex, lock_state},
};

impl Broker {
    /// Replaces a subscription to topics by one with the same filter and other options. Returns the id of the new one.
    /// No message is lost or delivered twice: in each topic the new subscription continues at the position of the old
    /// one, and reports what that one missed. [`Subscribe::start`] has no effect here; retained messages are delivered
    /// first again, if [`Subscribe::retained`] requests them [MQTT-3.8.4-4]. `outcome` is extended.
    ///
    /// A reader that is active may still read with the old options, and its unread messages may come after those that
    /// it then reads for other subscriptions; the order within each topic is kept.
    ///
    /// Consumers have no position at which to continue. To replace one, create the other with [`Broker::consume`] first
    /// and then end the old one: its messages in flight return to the queue and are delivered again.
    ///
    /// # Errors
    ///
    /// [`SubscribeError::NothingToReplace`] if the session has no such subscription to these topics; nothing is changed
    /// then.
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
        let requested = subscribe.retained.range(state.sequencer.newest());
        let (subscription, readable) = match replaced.filter.exact() {
            Some(name) => state.replace_one(&name, &replaced, subscribe),
            None => state.replace_many(&replaced, subscribe, &Arc::downgrade(&self.state)),
        };
        let id = subscription.id;
        if let Some(attached) = state.sessions.get_mut(&session.id) {
            attached.subscriptions[at] = subscription;
        }
        let filter = &replaced.filter;
        // The cursors of a replaced subscription to one topic have the retained message that it has not read. Those of one
        // with wildcards stay.
        let rest = match requested.is_some() || id != old {
            true => session.end_retained(old),
            false => None,
        };
        let retained = requested.or(rest);
        let retained = retained.map(|range| FirstRetained { id, filter, range });
        if session.push_first_readable(readable, retained) {
            outcome.ready.sessions.push(Arc::clone(session));
        }
        drop(state);
        // Publishers that waited for the old subscription check again.
        session.wake_publishers();
        Ok(id)
    }
}

impl BrokerState {
    /// Returns a session's subscription to topics, and its index.
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

    /// Replaces a subscription to one topic. Returns the new one and its source to read.
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

    /// Replaces a subscription with wildcards, which may have many cursors: the cursors stay, and are read with the
    /// options of the new one from now on.
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
            Retained::First | Retained::Rest(_) => self.collect_retained(&subscription, state),
            Retained::Omitted => Vec::new(),
        };
        (subscription, readable)
    }
}
