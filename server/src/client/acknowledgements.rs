//! Which messages may be acknowledged: those that were printed.
//!
//! The server keeps what is not acknowledged, and gives it to others when this client goes. So a message is
//! acknowledged when its line was written, and never more are asked for than are to be printed.

use std::collections::VecDeque;

/// Of one subscription on one connection. A ticket is what the protocol acknowledges a message by.
#[derive(Debug)]
pub struct Acknowledgements<T> {
    /// Messages that may be here at a time, if anything is to be acknowledged.
    window: u64,
    /// Those that are kept back for now.
    held: Vec<T>,
    /// Those that may be acknowledged, among the lines not handed over to the output.
    next: Vec<T>,
    /// The number of each chunk of lines that was handed over, and what may be acknowledged with it.
    handed_over: VecDeque<(u64, Vec<T>)>,
}

impl<T> Acknowledgements<T> {
    /// For a new subscription that is to have `wanted` more messages: what it may ask the server for.
    pub fn start(&mut self, remaining: Option<u64>) -> u64 {
        let window = remaining.map_or(MAX_WINDOW, |remaining| remaining.min(MAX_WINDOW));
        *self = Self {
            window,
            ..Self::default()
        };
        window
    }

    /// A message was received, and may be acknowledged once it was printed. Where nothing is to be acknowledged
    /// there is no ticket.
    pub fn received(&mut self, ticket: Option<T>) {
        self.next.extend(ticket);
    }

    /// Likewise, and after it so many are still wanted.
    ///
    /// An acknowledgement makes the server send as many more. Near the end that would be too many: then all of
    /// them are acknowledged with the last message. A server that has less than the window under way would wait
    /// for ever, so this is for those that are known to do what they are asked for.
    pub fn received_within(&mut self, ticket: Option<T>, remaining: Option<u64>) {
        self.held.extend(ticket);
        let is_due = remaining.is_none_or(|remaining| remaining == 0 || remaining >= self.window);
        if is_due {
            self.next.append(&mut self.held);
        }
    }

    /// The lines received so far are the output's chunk of this number.
    pub fn handed_over(&mut self, chunk: u64) {
        if !self.next.is_empty() {
            let next = std::mem::take(&mut self.next);
            self.handed_over.push_back((chunk, next));
        }
    }

    /// So many chunks were written: what there is to acknowledge, in the order received.
    pub fn written(&mut self, chunks: u64) -> Vec<T> {
        let mut tickets = Vec::new();
        while let Some((_, more)) = self.handed_over.pop_front_if(|(chunk, _)| *chunk <= chunks) {
            tickets.extend(more);
        }
        tickets
    }

    /// Whether everything that may be acknowledged was.
    pub fn all_acknowledged(&self) -> bool {
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

/// As ActiveMQ has it.
const MAX_WINDOW: u64 = 1000;

#[cfg(test)]
mod tests {
    use super::*;

    /// Receives the messages from `first` to `last` of `wanted`, named by their numbers.
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
    fn messages_are_acknowledged_once_their_chunk_was_written() {
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
    fn no_more_are_asked_for_than_are_wanted() {
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
    fn however_many_are_wanted_the_server_is_never_left_waiting() {
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
    fn another_connection_has_nothing_of_the_last_ones() {
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
