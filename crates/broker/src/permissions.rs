//! The interface through which the broker learns which destinations a session may read.

use std::fmt;

use crate::name::TopicName;

/// Decides which topics and queues a session may read.
///
/// The broker asks when a subscription with wildcards joins a topic or queue, not for each message. Before a subscription to
/// one destination, and before a publication, the embedding program decides itself. Called with the broker's lock held, so
/// the functions must not block.
pub trait Permissions: fmt::Debug + Send + Sync {
    /// Returns whether the session may get the messages of a topic.
    fn may_subscribe(&self, topic: &TopicName) -> bool;

    /// Returns whether the session may consume from a queue.
    fn may_receive(&self, queue: &TopicName) -> bool;
}
