//! The identity of a queue, and the topics that feed it.

use crate::{
    memory::share::{Charge, Pool},
    name::subscription_name::{DurableName, SharedName},
    name::{TopicFilter, TopicName},
    selector::Selector,
};

/// The kind and name of a queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Identity {
    /// Every client can send to it and consume from it.
    Named(TopicName),
    /// The queue of a durable subscription.
    Durable(DurableName),
    /// The queue of one subscription, with which it ends.
    Private,
    /// The queue of a shared subscription; it ends with the last consumer.
    Shared(SharedName),
}

/// The topics that feed a queue.
#[derive(Debug)]
pub(crate) struct Binding {
    pub(crate) filter: TopicFilter,
    /// The condition on their messages.
    pub(crate) selector: Option<Selector>,
    /// The work of the selector, which is evaluated while the broker is locked.
    _work: Option<Charge>,
}

impl Binding {
    /// Returns a binding without a condition.
    pub(crate) const fn to_all(filter: TopicFilter) -> Self {
        Self {
            filter,
            selector: None,
            _work: None,
        }
    }

    /// Returns the binding of a subscription. `charge` charges the work of its selector to the subscriber.
    pub(crate) fn new<E>(
        filter: TopicFilter,
        selector: Option<Selector>,
        charge: impl FnOnce(Pool, u32) -> Result<Charge, E>,
    ) -> Result<Self, E> {
        let work = selector.as_ref().map_or(0, Selector::work);
        Ok(Self {
            filter,
            selector,
            _work: (work > 0)
                .then(|| charge(Pool::SelectorWork, work))
                .transpose()?,
        })
    }
}
