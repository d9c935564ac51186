//! Publishers that wait for subscriptions with too much lag.

use std::{
    sync::Arc,
    task::{Poll, Waker},
};

use crate::{
    memory::limits::Limits,
    topic::cursor::{Cursor, Overflow},
};

/// Subscriptions for which a publisher waits: those with [`Overflow::Block`] whose lag exceeds their bound.
#[derive(Debug, Default)]
pub struct Blocked {
    cursors: Vec<Arc<Cursor>>,
    /// Identifies the wakers of this value. Sessions drop a waker when the token no longer exists. `None` before the
    /// first wait.
    token: Option<Arc<()>>,
}

impl Blocked {
    /// Returns whether there is no subscription to wait for.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.cursors.is_empty()
    }

    /// Adds the subscriptions of `other`.
    pub fn extend(&mut self, other: Self) {
        other
            .cursors
            .into_iter()
            .for_each(|cursor| self.add(cursor));
    }

    pub(crate) fn add(&mut self, cursor: Arc<Cursor>) {
        if !self.cursors.iter().any(|other| Arc::ptr_eq(other, &cursor)) {
            self.cursors.push(cursor);
        }
    }

    /// Ready when all subscriptions are within their bounds again, or ended; otherwise `waker` is woken when one of
    /// them has read.
    pub fn poll_unblocked(&mut self, limits: &Limits, waker: &Waker) -> Poll<()> {
        if self.cursors.is_empty() {
            return Poll::Ready(());
        }
        let token = self.token.get_or_insert_default();
        self.cursors.retain(|cursor| {
            let session = &cursor.subscription.session;
            // Register before checking: a reader that catches up in between wakes the waker.
            session.wait(token, waker);
            cursor.is_overdue(cursor.topic.end(), limits.lag())
                && !cursor.subscription.current().is_cancelled()
                && cursor.subscription.current().overflow() == Overflow::Block
                && !session.is_paused()
                && !session.is_ended()
        });
        if self.cursors.is_empty() {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    }
}
