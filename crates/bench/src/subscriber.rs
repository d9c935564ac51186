//! The messages that one subscriber has received: their number, order and gaps.

/// Counts the messages of several producers, which are identified by an index.
pub struct Subscriber {
    /// The highest sequence of each producer.
    last: Vec<u64>,
    pub received: u64,
    /// Number of messages that arrived after a later one of their producer, or twice.
    pub violations: u64,
    /// A hash of all messages in their order. Equal hashes mean the same messages in the same
    /// order.
    order_hash: u64,
    pub is_lost: bool,
}

impl Subscriber {
    pub fn new(producers: usize) -> Self {
        Self {
            last: vec![0; producers],
            received: 0,
            violations: 0,
            order_hash: 0,
            is_lost: false,
        }
    }

    /// Records a message. Returns the progress of its producer: 1 plus the number of skipped
    /// messages before it, or 0 if it is out of order. Returns None for an unknown producer.
    pub fn record(&mut self, producer: usize, sequence: u64) -> Option<u64> {
        let last = self.last.get_mut(producer)?;
        self.received += 1;
        self.order_hash = self
            .order_hash
            .wrapping_mul(ORDER_HASH_MULTIPLIER)
            .wrapping_add((producer as u64) << 48 ^ sequence);
        if sequence <= *last {
            self.violations += 1;
            return Some(0);
        }
        Some(sequence - std::mem::replace(last, sequence))
    }

    /// Returns the highest sequence received from a producer.
    pub fn last(&self, producer: usize) -> u64 {
        self.last.get(producer).copied().unwrap_or_default()
    }
}

/// Returns the number of subscribers that received the same messages in another order than the
/// first one. Only subscribers that lost nothing are compared, which have the highest number of
/// messages. Returns None if there are fewer than two.
pub fn disagreeing<'a>(subscribers: impl Iterator<Item = &'a Subscriber>) -> Option<u64> {
    let complete: Vec<_> = subscribers.filter(|one| !one.is_lost).collect();
    let most = complete.iter().map(|one| one.received).max()?;
    let mut comparable = complete.iter().filter(|one| one.received == most);
    let first = comparable.next()?;
    let others: Vec<_> = comparable.collect();
    let differs = others
        .iter()
        .filter(|one| one.order_hash != first.order_hash)
        .count();
    (!others.is_empty()).then_some(differs as u64)
}

/// An arbitrary odd number: the multiplier of a common linear congruential generator.
const ORDER_HASH_MULTIPLIER: u64 = 6_364_136_223_846_793_005;

#[cfg(test)]
mod tests {
    use super::*;

    fn after(messages: &[(usize, u64)]) -> Subscriber {
        let mut subscriber = Subscriber::new(2);
        for (producer, sequence) in messages {
            subscriber.record(*producer, *sequence);
        }
        subscriber
    }

    #[test]
    fn gaps_count_as_progress_and_late_messages_as_violations() {
        let mut subscriber = Subscriber::new(2);
        let table = [
            ((0, 1), Some(1)),
            ((0, 4), Some(3)),
            ((1, 2), Some(2)),
            ((0, 3), Some(0)),
            ((0, 4), Some(0)),
            ((0, 5), Some(1)),
            ((2, 1), None),
        ];
        for ((producer, sequence), wanted) in table {
            assert_eq!(subscriber.record(producer, sequence), wanted);
        }
        assert_eq!((subscriber.received, subscriber.violations), (6, 2));
        assert_eq!((subscriber.last(0), subscriber.last(1)), (5, 2));
    }

    #[test]
    fn another_order_of_the_same_messages_is_detected() {
        let one = after(&[(0, 1), (1, 1), (0, 2)]);
        let same = after(&[(0, 1), (1, 1), (0, 2)]);
        let other = after(&[(1, 1), (0, 1), (0, 2)]);
        let incomplete = after(&[(1, 1)]);
        assert_eq!((one.violations, other.violations), (0, 0));
        assert_eq!(disagreeing([&one, &same, &incomplete].into_iter()), Some(0));
        assert_eq!(disagreeing([&one, &same, &other].into_iter()), Some(1));
        assert_eq!(disagreeing([&one, &incomplete].into_iter()), None);
    }
}
