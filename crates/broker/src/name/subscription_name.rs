//! The names of subscriptions that have a queue.

use crate::name::TopicFilter;

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
