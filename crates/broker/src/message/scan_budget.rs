//! How much one call may look at in vain.

use crate::message::entry::Entry;

/// What one call may still look at without handing it over: a selector, a group or an exclusive consumer may
/// say no to any number of messages, and others wait for the thread meanwhile. Who comes to the end of it
/// leaves the rest to the session's own reader, which takes it in as many calls as it needs.
#[derive(Debug)]
pub(crate) struct Budget {
    left: usize,
}

impl Budget {
    pub(crate) fn new() -> Self {
        Self { left: LOOKS }
    }

    /// Notes that there was nothing where there could have been something.
    pub(crate) fn spend(&mut self) {
        self.left = self.left.saturating_sub(1);
    }

    /// Notes that a message was looked at. Long headers count for more: a selector may read all of them.
    pub(crate) fn spend_on(&mut self, entry: &Entry) {
        let head = entry.size() - entry.body().len() as u64;
        let looks = 1 + (head / LONG) as usize;
        self.left = self.left.saturating_sub(looks);
    }

    pub(crate) fn is_spent(&self) -> bool {
        self.left == 0
    }
}

/// Messages that one call looks at in vain. Less than this would cost more to break off than to look at.
const LOOKS: usize = 128;
/// Bytes of headers, and of what each message has besides its body, that count as one look more.
const LONG: u64 = 512;
