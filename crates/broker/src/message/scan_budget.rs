//! The budget of one call for examining messages that it does not deliver.

use crate::message::entry::Entry;

/// The messages that one call may still examine without delivering them. A selector, a group or an exclusive consumer
/// can reject any number of messages while other work waits for the thread. When the budget is spent, the session's own
/// reader continues, in as many calls as it needs.
#[derive(Debug)]
pub(crate) struct Budget {
    left: usize,
}

impl Budget {
    pub(crate) fn new() -> Self {
        Self { left: LOOKS }
    }

    /// Notes a step without a result.
    pub(crate) fn spend(&mut self) {
        self.left = self.left.saturating_sub(1);
    }

    /// Notes that a message was examined. Long headers count for more, because a selector may read all of them, and so do
    /// the bytes that it may read in the body.
    pub(crate) fn spend_on(&mut self, entry: &Entry, body_reads: u64) {
        let looks = 1 + ((entry.head_bytes() + body_reads) / LONG) as usize;
        self.left = self.left.saturating_sub(looks);
    }

    /// Notes a step of which one call is to do no more.
    pub(crate) fn spend_all(&mut self) {
        self.left = 0;
    }

    pub(crate) fn is_spent(&self) -> bool {
        self.left == 0
    }
}

/// Maximum number of non-matching messages examined per call. With a smaller number, interrupting would cost more than
/// examining.
const LOOKS: usize = 128;
/// Each additional amount of this many bytes, in headers, overhead and body, counts as one more message.
const LONG: u64 = 512;
