//! What one subscriber has seen: how much, in what order, and what is missing.

/// Counts the messages of several producers, each of which is known by its place among them.
pub struct Subscriber {
    /// The highest sequence of each producer.
    last: Vec<u64>,
    pub received: u64,
    /// Messages that came behind a later one of their producer, or twice.
    pub violations: u64,
    /// Tells whether another subscriber saw the same messages in the same order.
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

    /// Notes a message, and answers by how many it moves its producer on: itself, and those before it that
    /// did not come. 0 for one that is out of order.
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

    /// How far it has come with a producer.
    pub fn last(&self, producer: usize) -> u64 {
        self.last.get(producer).copied().unwrap_or_default()
    }
}

/// Subscribers of the same messages that saw them in another order than the first of those who saw as many.
/// They can be compared only where nothing was lost: `None` if no two can.
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

/// Odd, and otherwise without meaning: the multiplier of a linear congruential generator.
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
    fn gaps_count_as_progress_and_steps_back_as_violations() {
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
    fn another_order_of_the_same_messages_is_noticed() {
        let one = after(&[(0, 1), (1, 1), (0, 2)]);
        let same = after(&[(0, 1), (1, 1), (0, 2)]);
        let other = after(&[(1, 1), (0, 1), (0, 2)]);
        let behind = after(&[(1, 1)]);
        assert_eq!((one.violations, other.violations), (0, 0));
        assert_eq!(disagreeing([&one, &same, &behind].into_iter()), Some(0));
        assert_eq!(disagreeing([&one, &same, &other].into_iter()), Some(1));
        assert_eq!(disagreeing([&one, &behind].into_iter()), None);
    }
}
