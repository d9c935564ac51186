//! The clock of a simulation: publications and reads in the order of their times.

use super::{
    super::{row::Row, settings::Settings},
    plan::Arrival,
    random,
};

/// A broker with its subscribers.
pub trait Model {
    /// Takes a message from a producer.
    fn publish(&mut self, arrival: Arrival);

    /// Lets a subscriber read, and passes on what it gets.
    fn read(&mut self, subscriber: usize, now_ms: u64, take: &mut dyn FnMut(Row));
}

/// Runs a broker until its subscribers have `copies` of all messages together, and returns the column of each. A subscriber
/// reads every few milliseconds, a slow one every [`SLOW_MS`].
pub fn run(
    settings: &Settings,
    arrivals: &[Arrival],
    model: &mut dyn Model,
    copies: usize,
) -> Vec<Vec<Row>> {
    let mut random = random(settings, PART);
    let mut columns = vec![Vec::new(); settings.subscribers];
    let mut pause_ms = |subscriber: usize| match settings.slow[subscriber] {
        true => SLOW_MS,
        false => 1 + random.below(QUICK_MS),
    };
    let mut reads_ms: Vec<u64> = (0..settings.subscribers).map(&mut pause_ms).collect();
    let mut waiting = arrivals.iter().peekable();
    let (mut left, mut steps) = (copies * arrivals.len(), 0);
    while left > 0 && steps < MOST_STEPS {
        steps += 1;
        let next = reads_ms
            .iter()
            .copied()
            .enumerate()
            .min_by_key(|(_, at_ms)| *at_ms);
        let Some((subscriber, now_ms)) = next else {
            break;
        };
        if let Some(arrival) = waiting.next_if(|arrival| arrival.at_ms <= now_ms) {
            model.publish(*arrival);
            continue;
        }
        let column = &mut columns[subscriber];
        let before = column.len();
        model.read(subscriber, now_ms, &mut |row| column.push(row));
        left = left.saturating_sub(column.len() - before);
        reads_ms[subscriber] = now_ms + pause_ms(subscriber);
    }
    columns
}

const PART: u64 = 2;
/// The longest pause of a subscriber that is not slow.
const QUICK_MS: u64 = 20;
/// The pause of a slow subscriber.
const SLOW_MS: u64 = 150;
/// A bound for a broker that loses a message. The longest delays need about 6,000 steps.
const MOST_STEPS: usize = 50_000;
