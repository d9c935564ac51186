//! The identity of a queue, and the topics that feed it.

use crate::{
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
}

impl Binding {
    /// Returns the binding of a shared subscription.
    pub(crate) fn of_shared(name: &SharedName) -> Self {
        Self {
            filter: name.filter.clone(),
            selector: None,
        }
    }
}
