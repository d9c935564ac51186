//! The names of queues, and of the subscriptions that have one.

use crate::{
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

/// The name of a durable subscription.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct DurableName {
    /// The client's name, the same in all its connections.
    pub client: Box<str>,
    /// The subscription's name, unique for the client.
    pub subscription: Box<str>,
}

/// The name of a shared subscription.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct SharedName {
    /// The group: each group gets every message once.
    pub group: Box<str>,
    /// The topics.
    pub filter: TopicFilter,
}

/// The topics that feed a queue.
#[derive(Debug)]
pub(crate) struct Binding {
    pub(crate) filter: TopicFilter,
    /// The condition on their messages.
    pub(crate) selector: Option<Selector>,
}
