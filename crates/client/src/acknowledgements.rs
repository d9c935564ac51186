//! Tracks which messages may be acknowledged: those that were printed.
//!
//! The server keeps unacknowledged messages, and delivers them to other clients when this client
//! ends. So a message is acknowledged after its line was written, and the client never requests
//! more messages than it will print.

use std::collections::VecDeque;

/// The pending acknowledgements of one subscription on one connection. A ticket identifies a
/// message in the protocol's acknowledgement.
#[derive(Debug)]
pub(crate) struct Acknowledgements<T> {
    /// Maximum number of unacknowledged messages.
    window: u64,
    /// Tickets held back until the last message.
    held: Vec<T>,
    /// Tickets whose lines are not handed over to the output yet.
    next: Vec<T>,
    /// For each chunk of lines handed over: its number, and the tickets to acknowledge when it is
    /// written.
    handed_over: VecDeque<(u64, Vec<T>)>,
}

impl<T> Acknowledgements<T> {
    /// Starts a new subscription that needs `remaining` more messages. Returns the window to
    /// request from the server.
    pub(crate) fn start(&mut self, remaining: Option<u64>) -> u64 {
        let window = remaining.map_or(MAX_WINDOW, |remaining| remaining.min(MAX_WINDOW));
        *self = Self {
            window,
            ..Self::default()
        };
        window
    }

    /// Adds a message that may be acknowledged when it is printed. The ticket is None if the
    /// subscription needs no acknowledgements.
    pub(crate) fn received(&mut self, ticket: Option<T>) {
        self.next.extend(ticket);
    }

    /// Adds a message after which `remaining` more are needed.
    ///
    /// Each acknowledgement makes the server send one more message. Near the end that would be too
    /// many, so the last tickets are held back and released together with the last message. Only
    /// for servers that fill the requested window: a server with a smaller window would wait
    /// forever for the tickets held back.
    pub(crate) fn received_within(&mut self, ticket: Option<T>, remaining: Option<u64>) {
        self.held.extend(ticket);
        let is_due = remaining.is_none_or(|remaining| remaining == 0 || remaining >= self.window);
        if is_due {
            self.next.append(&mut self.held);
        }
    }

    /// Records that the lines of the messages added so far were handed over as the chunk with this
    /// number.
    pub(crate) fn handed_over(&mut self, chunk: u64) {
        if !self.next.is_empty() {
            let next = std::mem::take(&mut self.next);
            self.handed_over.push_back((chunk, next));
        }
    }

    /// Returns the tickets to acknowledge after this number of chunks was written, in the order
    /// received.
    pub(crate) fn written(&mut self, chunks: u64) -> Vec<T> {
        let mut tickets = Vec::new();
        while let Some((_, more)) = self.handed_over.pop_front_if(|(chunk, _)| *chunk <= chunks) {
            tickets.extend(more);
        }
        tickets
    }

    /// Returns true if all tickets that may be acknowledged have been returned.
    pub(crate) fn all_acknowledged(&self) -> bool {
        self.next.is_empty() && self.handed_over.is_empty()
    }
}

impl<T> Default for Acknowledgements<T> {
    fn default() -> Self {
        Self {
            window: 0,
            held: Vec::new(),
            next: Vec::new(),
            handed_over: VecDeque::new(),
        }
    }
}

/// Maximum window, in messages. The same as ActiveMQ's default prefetch for queues.
const MAX_WINDOW: u64 = 1000;

#[cfg(test)]
mod tests {
    use super::*;

    /// Receives the messages with these numbers, of `wanted` messages. The tickets are the numbers.
    fn receive(
        pending: &mut Acknowledgements<u64>,
        numbers: std::ops::RangeInclusive<u64>,
        wanted: u64,
    ) {
        for number in numbers {
            pending.received_within(Some(number), Some(wanted - number));
        }
    }

    #[test]
    fn messages_are_acknowledged_after_their_chunk_was_written() {
        let mut pending = Acknowledgements::default();
        assert_eq!(pending.start(None), MAX_WINDOW);
        for (chunk, ticket) in [(1, "a"), (2, "b"), (3, "c")] {
            pending.received(Some(ticket));
            assert!(!pending.all_acknowledged());
            pending.handed_over(chunk);
        }
        assert!(pending.written(0).is_empty());
        assert_eq!(pending.written(2), ["a", "b"]);
        assert!(!pending.all_acknowledged());
        assert_eq!(pending.written(3), ["c"]);
        assert!(pending.all_acknowledged());
    }

    #[test]
    fn no_more_messages_are_requested_than_remain() {
        let mut pending = Acknowledgements::default();
        assert_eq!(pending.start(Some(2)), 2);
        receive(&mut pending, 1..=1, 2);
        pending.handed_over(1);
        assert!(
            pending.written(1).is_empty(),
            "the server would send a third"
        );
        receive(&mut pending, 2..=2, 2);
        pending.handed_over(2);
        assert_eq!(pending.written(2), [1, 2]);
    }

    #[test]
    fn acknowledgements_never_leave_the_server_waiting() {
        let wanted = 3 * MAX_WINDOW + 7;
        let mut pending = Acknowledgements::default();
        let window = pending.start(Some(wanted));
        let (mut received, mut acknowledged) = (0, 0);
        while received < wanted {
            let sent = acknowledged + window;
            assert!(received < sent && sent <= wanted, "{received} {sent}");
            receive(&mut pending, received + 1..=sent, wanted);
            received = sent;
            pending.handed_over(received);
            let tickets = pending.written(received);
            assert!(tickets.is_sorted(), "{tickets:?}");
            acknowledged += tickets.len() as u64;
            assert_eq!(tickets.last(), Some(&acknowledged));
        }
        assert_eq!(acknowledged, wanted);
    }

    #[test]
    fn a_new_connection_starts_without_pending_acknowledgements() {
        let mut pending = Acknowledgements::default();
        pending.start(None);
        pending.received(Some("a"));
        pending.handed_over(1);
        pending.received(Some("b"));
        pending.start(None);
        assert!(pending.all_acknowledged());
        assert!(pending.written(1).is_empty());
    }
}
