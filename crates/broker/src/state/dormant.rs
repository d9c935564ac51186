//! Topics that have subscribers but no messages yet.
//!
//! Such a topic has no log, no cursors and no counters, only its subscriptions, and takes about a third of the memory.
//! It is opened by a publication, by a queue, or by a subscription that would be one too many for a dormant topic. Then
//! its subscriptions get their cursors. From outside it is like any other topic: it is listed, and counts for the
//! bounds on topics and on pairs of subscription and topic like an open one.

use std::sync::Arc;

use crate::{
    figures::TopicFigures,
    memory::share::{Client, Pool, TopicCharge},
    name::TopicName,
    one_or_many::OneOrMany,
    session::subscription::{Subscription, SubscriptionId},
    state::BrokerState,
    topic::cursor::Start,
};

/// The subscriptions that wait for a topic, in ascending order of ids; `None` for an open topic.
pub(crate) type DormantSubscriptions = Option<OneOrMany<Arc<Subscription>>>;

/// Maximum number of subscriptions that wait for one topic, so that opening it takes no longer than publishing.
const MAX_SUBSCRIPTIONS: usize = 8;

impl BrokerState {
    /// Adds a subscription to a dormant topic. Returns false if the topic is open or must be opened for this
    /// subscription.
    pub(crate) fn wait_for(
        &mut self,
        name: &TopicName,
        subscription: &Arc<Subscription>,
        start: Start,
    ) -> bool {
        if !self.can_wait(start) || self.topics.find(name.as_str()).is_some() {
            return false;
        }
        let waiting = self.waiting_for(name);
        if waiting.is_some_and(|waiting| waiting.len() >= MAX_SUBSCRIPTIONS) {
            return false;
        }
        match self.waiting_for_mut(name) {
            Some(waiting) => waiting.push(Arc::clone(subscription)),
            None => {
                let mut waiting = OneOrMany::new();
                waiting.push(Arc::clone(subscription));
                self.names.insert(name.clone(), Some(waiting));
                subscription.session.client().hold(Pool::Topics, 1);
            }
        }
        self.cursors += 1;
        true
    }

    /// Returns whether a subscription with this start can join a dormant topic: no earlier messages can be missing.
    pub(crate) fn can_wait(&self, start: Start) -> bool {
        match start {
            Start::New | Start::Last => true,
            Start::AfterPosition(position) => self.removed.newest() <= position,
            Start::AfterSequence(_) | Start::Lost => false,
        }
    }

    /// Opens a topic, if it is dormant.
    pub(crate) fn open_dormant(&mut self, name: &TopicName) -> bool {
        let Some(payer) = self.waiting_for(name).and_then(payer) else {
            return false;
        };
        let payer = Arc::clone(payer);
        self.open_topic(name, &payer);
        true
    }

    pub(crate) fn is_dormant(&self, name: &TopicName) -> bool {
        self.waiting_for(name).is_some()
    }

    fn waiting_for(&self, name: &TopicName) -> Option<&OneOrMany<Arc<Subscription>>> {
        self.names.find(name)?.as_ref()
    }

    fn waiting_for_mut(&mut self, name: &TopicName) -> Option<&mut OneOrMany<Arc<Subscription>>> {
        self.names.find_mut(name)?.as_mut()
    }

    /// Removes a subscription from a dormant topic. Returns false if it was not there.
    pub(crate) fn stop_waiting(&mut self, name: &TopicName, id: SubscriptionId) -> bool {
        let Some(waiting) = self.waiting_for_mut(name) else {
            return false;
        };
        let Some(at) = waiting.as_slice().iter().position(|own| own.id == id) else {
            return false;
        };
        let charge = take_charge(waiting);
        waiting.remove(at);
        move_charge(charge, waiting);
        let is_last = waiting.is_empty();
        self.cursors -= 1;
        if is_last {
            self.names.remove(name);
        }
        true
    }

    /// Replaces a subscription of a dormant topic. Returns false if the other does not wait for this topic.
    pub(crate) fn wait_instead(
        &mut self,
        name: &TopicName,
        other: SubscriptionId,
        subscription: &Arc<Subscription>,
    ) -> bool {
        let Some(waiting) = self.waiting_for_mut(name) else {
            return false;
        };
        let Some(at) = waiting.as_slice().iter().position(|own| own.id == other) else {
            return false;
        };
        let charge = take_charge(waiting);
        waiting.remove(at);
        waiting.push(Arc::clone(subscription));
        move_charge(charge, waiting);
        true
    }

    /// Returns the figures of a topic, if it is dormant.
    pub(crate) fn dormant_figures(&self, name: &TopicName) -> Option<TopicFigures> {
        let waiting = self.waiting_for(name)?;
        Some(TopicFigures {
            name: name.clone(),
            sequence: 0,
            bytes: 0,
            history_entries: 0,
            history_bytes: 0,
            subscriptions: waiting.len() + self.covering(name),
            delivered: 0,
            dropped: 0,
            greatest_lag: 0,
        })
    }
}

/// Returns the client that a dormant topic is charged to: that of its first subscription. The charge is not stored
/// separately, because there are many dormant topics.
fn payer(waiting: &OneOrMany<Arc<Subscription>>) -> Option<&Arc<Client>> {
    Some(waiting.as_slice().first()?.session.client())
}

/// Returns the charge of a dormant topic, as a value that releases it when it is dropped.
pub(crate) fn take_charge(waiting: &OneOrMany<Arc<Subscription>>) -> Option<TopicCharge> {
    payer(waiting).map(TopicCharge::from_existing)
}

/// Charges the client of the current first subscription, if there is one, instead of the previous one.
fn move_charge(charge: Option<TopicCharge>, waiting: &OneOrMany<Arc<Subscription>>) {
    if let Some(payer) = payer(waiting) {
        payer.hold(Pool::Topics, 1);
    }
    drop(charge);
}
