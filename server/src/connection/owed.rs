//! Replies that are owed to the peer until the broker's journal has recorded what they promise.
//!
//! A reply such as PUBACK or RECEIPT promises that a message survives a restart. Replies are kept in the order in which
//! they were made, so a later reply never overtakes an owed one. Deliveries are not replies and do not wait here.

use std::{
    collections::VecDeque,
    sync::Arc,
    task::{Poll, Waker},
};

use broker::{Completion, CompletionWait};

/// The owed replies of one connection.
#[derive(Default)]
pub struct OwedReplies {
    /// By ticket, ascending.
    groups: VecDeque<Group>,
    bytes: usize,
    /// The newest ticket that later replies have to wait for.
    newest: Option<u64>,
    /// The journal was full when `newest` was given: nothing is read until it is complete.
    is_journal_full: bool,
    /// The wait for the oldest group.
    wait: Option<CompletionWait>,
}

/// The replies that become due when one ticket is complete.
struct Group {
    ticket: u64,
    replies: Vec<u8>,
}

impl OwedReplies {
    /// Returns whether no reply is owed.
    pub fn is_empty(&self) -> bool {
        self.groups.is_empty()
    }

    /// Returns true if the connection stops reading until some replies are due: too many are owed, or the journal is full.
    pub const fn is_full(&self) -> bool {
        self.bytes >= MAX_OWED_BYTES || self.is_journal_full
    }

    /// Returns whether the next replies are owed as well.
    pub const fn owes_next(&self) -> bool {
        self.newest.is_some()
    }

    /// Records that the following replies are owed until this ticket is complete.
    pub fn wait_for(&mut self, ticket: Option<u64>, is_journal_full: bool) {
        self.newest = self.newest.max(ticket);
        self.is_journal_full |= is_journal_full;
    }

    /// Takes the replies of one read. If nothing is owed, they are appended to `due` directly.
    pub fn push(&mut self, replies: &[u8], due: &mut Vec<u8>) {
        let Some(ticket) = self.newest else {
            due.extend_from_slice(replies);
            return;
        };
        if replies.is_empty() {
            return;
        }
        self.bytes += replies.len();
        match self.groups.back_mut() {
            Some(group) if group.ticket == ticket => group.replies.extend_from_slice(replies),
            _ => self.groups.push_back(Group {
                ticket,
                replies: replies.to_vec(),
            }),
        }
    }

    /// Moves the replies that are due to `out`.
    pub fn take_due(&mut self, completion: &Completion, out: &mut Vec<u8>) {
        while let Some(group) = self.groups.front()
            && completion.is_complete(group.ticket)
        {
            self.bytes -= group.replies.len();
            out.extend_from_slice(&group.replies);
            self.groups.pop_front();
            self.wait = None;
        }
        self.newest = self
            .newest
            .filter(|ticket| !completion.is_complete(*ticket));
        self.is_journal_full &= self.newest.is_some();
    }

    /// Returns ready when the oldest replies are due, or the connection may read again. Otherwise wakes `waker`, and no
    /// earlier one, when they are.
    pub fn poll_due(&mut self, completion: &Arc<Completion>, waker: &Waker) -> Poll<()> {
        let oldest = self.groups.front().map(|group| group.ticket);
        let Some(ticket) = oldest.or(self.newest.filter(|_| self.is_journal_full)) else {
            return Poll::Pending;
        };
        let wait = self.wait.get_or_insert_with(|| completion.wait_for(ticket));
        let due = wait.poll(waker);
        if due.is_ready() {
            self.wait = None;
        }
        due
    }
}

/// Bytes of owed replies after which the connection stops reading.
const MAX_OWED_BYTES: usize = 64 << 10;

#[cfg(test)]
mod tests {
    use super::*;

    fn pending() -> Arc<Completion> {
        Arc::new(Completion::pending())
    }

    #[test]
    fn replies_keep_their_order_and_wait_for_their_tickets() {
        let completion = &pending();
        let (mut owed, mut due) = (OwedReplies::default(), Vec::new());
        owed.push(b"a", &mut due);
        assert_eq!(due, b"a");
        owed.wait_for(Some(3), false);
        owed.push(b"b", &mut due);
        owed.wait_for(None, false);
        owed.push(b"c", &mut due);
        owed.wait_for(Some(5), false);
        owed.push(b"d", &mut due);
        owed.take_due(completion, &mut due);
        assert_eq!(due, b"a");
        completion.complete(4);
        owed.take_due(completion, &mut due);
        assert_eq!(due, b"abc");
        completion.complete(5);
        owed.take_due(completion, &mut due);
        assert_eq!(due, b"abcd");
        assert!(owed.is_empty());
    }

    #[test]
    fn the_wait_ends_when_the_oldest_reply_is_due() {
        let completion = &pending();
        let mut owed = OwedReplies::default();
        owed.wait_for(Some(1), false);
        owed.push(b"a", &mut Vec::new());
        assert!(owed.poll_due(completion, Waker::noop()).is_pending());
        completion.complete(1);
        assert!(owed.poll_due(completion, Waker::noop()).is_ready());
    }

    #[test]
    fn reading_stops_while_too_many_replies_are_owed() {
        let completion = pending();
        let mut owed = OwedReplies::default();
        owed.wait_for(Some(1), false);
        owed.push(&[0; MAX_OWED_BYTES], &mut Vec::new());
        assert!(owed.is_full());
        completion.complete(1);
        owed.take_due(&completion, &mut Vec::new());
        assert!(!owed.is_full());
    }

    #[test]
    fn reading_stops_without_replies_while_the_journal_is_full() {
        let completion = pending();
        let mut owed = OwedReplies::default();
        owed.wait_for(Some(1), true);
        assert!(owed.is_full());
        assert!(owed.poll_due(&completion, Waker::noop()).is_pending());
        completion.complete(1);
        assert!(owed.poll_due(&completion, Waker::noop()).is_ready());
        owed.take_due(&completion, &mut Vec::new());
        assert!(!owed.is_full());
        assert!(owed.poll_due(&completion, Waker::noop()).is_pending());
    }
}
