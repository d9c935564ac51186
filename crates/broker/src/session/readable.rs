//! The sources of the messages that a session reads.

use std::sync::Arc;

use crate::{
    message::scan_budget::Budget,
    outcome::Ready,
    queue::{Consumer, Next},
    session::collection::Collect,
    topic::cursor::Cursor,
};

/// A source of messages to read.
#[derive(Debug)]
pub(crate) enum Readable {
    /// The log of a topic.
    Cursor(Arc<Cursor>),
    /// Queues.
    Consumer(Arc<Consumer>),
    /// Topics that are still to be collected.
    Collection(Arc<dyn Collect>),
}

impl Readable {
    pub(crate) fn is_cancelled(&self) -> bool {
        match self {
            Self::Cursor(cursor) => cursor.subscription.current().is_cancelled(),
            Self::Consumer(consumer) => consumer.is_cancelled(),
            Self::Collection(collection) => collection.subscription().current().is_cancelled(),
        }
    }

    /// Returns whether this is a cursor or a collection of a subscription that `is_meant` selects.
    pub(crate) fn is_unread(&self, is_meant: &impl Fn(&[u8]) -> bool) -> bool {
        let subscription = match self {
            Self::Cursor(cursor) => cursor.subscription.current(),
            Self::Collection(collection) => collection.subscription().current(),
            Self::Consumer(_) => return false,
        };
        !subscription.is_cancelled() && is_meant(subscription.tag())
    }

    /// Returns the next message to read. `ready` gets other sessions that received messages in the meantime.
    #[inline]
    pub(crate) fn next(&self, budget: &mut Budget, ready: &mut Ready) -> Next {
        match self {
            Self::Cursor(cursor) => cursor.next_position().map_or(Next::Nothing, Next::At),
            Self::Consumer(consumer) => consumer.next(budget, ready),
            // Only the reader can continue a collection.
            Self::Collection(_) => Next::Later,
        }
    }

    /// Releases the source if it has nothing to read. Returns false if something arrived in the meantime.
    #[inline]
    pub(crate) fn retire(&self) -> bool {
        match self {
            Self::Cursor(cursor) => cursor.retire(),
            Self::Consumer(consumer) => consumer.retire(),
            Self::Collection(_) => true,
        }
    }
}
