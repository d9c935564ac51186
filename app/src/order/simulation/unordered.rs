//! A broker that deliberately has no common order: it has a queue for each pair of producer and subscriber, as if a thread of
//! its own served each pair. So it keeps the order of each producer, and nothing else.

use std::collections::VecDeque;

use simulation::Random;

use super::{
    super::{
        row::Row,
        settings::{MOST, Settings},
    },
    plan::Arrival,
    random,
    timeline::Model,
};

pub struct Unordered {
    /// By subscriber and producer.
    pairs: Vec<[Pair; MOST]>,
    random: Random,
}

/// The messages of one producer for one subscriber, first in, first out.
#[derive(Clone, Default)]
struct Pair {
    waiting: VecDeque<(u64, Row)>,
    /// The time at which the newest message can be read.
    ready_ms: u64,
}

impl Unordered {
    pub fn new(settings: &Settings) -> Self {
        Self {
            pairs: vec![Default::default(); settings.subscribers],
            random: random(settings, PART),
        }
    }
}

impl Model for Unordered {
    /// Each pair needs its own time to pass the message on.
    fn publish(&mut self, arrival: Arrival) {
        let row = Row {
            position: 0,
            producer: arrival.producer,
            number: arrival.number,
        };
        for pairs in &mut self.pairs {
            let pair = &mut pairs[usize::from(arrival.producer) % MOST];
            let ready_ms = arrival.at_ms + self.random.below(LONGEST_MS);
            pair.ready_ms = pair.ready_ms.max(ready_ms);
            pair.waiting.push_back((pair.ready_ms, row));
        }
    }

    /// Takes all messages that are ready, each from a random producer.
    fn read(&mut self, subscriber: usize, now_ms: u64, take: &mut dyn FnMut(Row)) {
        let pairs = &mut self.pairs[subscriber];
        loop {
            let is_ready = |pair: &Pair| {
                let first = pair.waiting.front();
                first.is_some_and(|(ready_ms, _)| *ready_ms <= now_ms)
            };
            let ready: Vec<_> = (0..MOST).filter(|index| is_ready(&pairs[*index])).collect();
            if ready.is_empty() {
                break;
            }
            let chosen = ready[self.random.index(ready.len())];
            if let Some((_, row)) = pairs[chosen].waiting.pop_front() {
                take(row);
            }
        }
    }
}

const PART: u64 = 3;
/// The longest time that a pair needs for a message.
const LONGEST_MS: u64 = 120;
