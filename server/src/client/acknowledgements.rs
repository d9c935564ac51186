//! Which messages may be acknowledged: those that were printed.
//!
//! The server keeps what is not acknowledged, and gives it to others when this client goes. So a message is
//! acknowledged when its line was written, and never more are asked for than are to be printed.

use std::{borrow::Cow, collections::VecDeque};

/// Of one subscription on one connection. Acknowledging a message acknowledges those before it as well.
#[derive(Debug, Default)]
pub struct Acknowledgements {
    /// Messages that may be here at a time, if anything is to be acknowledged.
    window: u64,
    /// The latest message that may be acknowledged, among the lines not handed over to the output.
    next: Option<String>,
    /// The number of each chunk of lines that was handed over, and its latest message.
    handed_over: VecDeque<(u64, String)>,
}

impl Acknowledgements {
    /// For a new subscription that is to have `wanted` more messages: what it may ask the server for.
    pub fn begin(&mut self, wanted: Option<u64>) -> u64 {
        let window = wanted.map_or(MOST_AT_A_TIME, |wanted| wanted.min(MOST_AT_A_TIME));
        *self = Self {
            window,
            ..Self::default()
        };
        window
    }

    /// A message was received, and after it so many are still wanted. `ack` is what to acknowledge it by; of
    /// a subscription where nothing is to be acknowledged it is absent.
    ///
    /// An acknowledgement makes the server send as many more. Near the end that would be too many: then the
    /// last message acknowledges all of them.
    pub fn received(&mut self, ack: Option<Cow<'_, str>>, wanted: Option<u64>) {
        let is_due = wanted.is_none_or(|wanted| wanted == 0 || wanted >= self.window);
        if is_due && let Some(ack) = ack {
            self.next = Some(ack.into_owned());
        }
    }

    /// The lines received so far are the output's chunk of this number.
    pub fn handed_over(&mut self, chunk: u64) {
        self.handed_over
            .extend(self.next.take().map(|ack| (chunk, ack)));
    }

    /// So many chunks were written: what there is to acknowledge.
    pub fn written(&mut self, chunks: u64) -> Option<String> {
        let mut latest = None;
        while let Some((_, ack)) = self.handed_over.pop_front_if(|(chunk, _)| *chunk <= chunks) {
            latest = Some(ack);
        }
        latest
    }

    /// Whether everything that may be acknowledged was.
    pub fn are_complete(&self) -> bool {
        self.next.is_none() && self.handed_over.is_empty()
    }
}

/// As ActiveMQ has it.
const MOST_AT_A_TIME: u64 = 1000;

#[cfg(test)]
mod tests {
    use super::*;

    /// Receives the messages from `first` to `last` of `wanted`, named by their numbers.
    fn receive(
        pending: &mut Acknowledgements,
        numbers: std::ops::RangeInclusive<u64>,
        wanted: u64,
    ) {
        for number in numbers {
            let ack = number.to_string();
            pending.received(Some(ack.into()), Some(wanted - number));
        }
    }

    #[test]
    fn messages_are_acknowledged_once_their_chunk_was_written() {
        let mut pending = Acknowledgements::default();
        assert_eq!(pending.begin(None), MOST_AT_A_TIME);
        for (chunk, ack) in [(1, "a"), (2, "b"), (3, "c")] {
            pending.received(Some(ack.into()), None);
            assert!(!pending.are_complete());
            pending.handed_over(chunk);
        }
        assert_eq!(pending.written(0), None);
        assert_eq!(pending.written(2).as_deref(), Some("b"));
        assert!(!pending.are_complete());
        assert_eq!(pending.written(3).as_deref(), Some("c"));
        assert!(pending.are_complete());
    }

    #[test]
    fn no_more_are_asked_for_than_are_wanted() {
        let mut pending = Acknowledgements::default();
        assert_eq!(pending.begin(Some(2)), 2);
        receive(&mut pending, 1..=1, 2);
        pending.handed_over(1);
        assert_eq!(pending.written(1), None, "the server would send a third");
        receive(&mut pending, 2..=2, 2);
        pending.handed_over(2);
        assert_eq!(pending.written(2).as_deref(), Some("2"));
    }

    #[test]
    fn however_many_are_wanted_the_server_is_never_left_waiting() {
        let wanted = 3 * MOST_AT_A_TIME + 7;
        let mut pending = Acknowledgements::default();
        let window = pending.begin(Some(wanted));
        let (mut received, mut acknowledged) = (0, 0);
        while received < wanted {
            let sent = acknowledged + window;
            assert!(received < sent && sent <= wanted, "{received} {sent}");
            receive(&mut pending, received + 1..=sent, wanted);
            received = sent;
            pending.handed_over(received);
            let acked = pending.written(received).expect("something to acknowledge");
            acknowledged = acked.parse().unwrap();
        }
        assert_eq!(acknowledged, wanted);
    }

    #[test]
    fn another_connection_has_nothing_of_the_last_ones() {
        let mut pending = Acknowledgements::default();
        pending.begin(None);
        pending.received(Some("a".into()), None);
        pending.handed_over(1);
        pending.received(Some("b".into()), None);
        pending.begin(None);
        assert!(pending.are_complete());
        assert_eq!(pending.written(1), None);
    }
}
