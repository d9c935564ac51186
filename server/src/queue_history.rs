//! The depth and the rates of queues over the last hour, for an operator.
//!
//! All queues are sampled once a minute, away from the way of a message. The memory is bounded: at most [`MAX_QUEUES`] queues
//! have a history of [`POINTS`] points, about 1.5 kB for each queue.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Mutex, MutexGuard, PoisonError},
};

use broker::{QueueFigures, TopicName};

/// The history of all queues.
#[derive(Debug, Default)]
pub struct QueueHistory(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    /// The time of the last sample, in milliseconds since the start.
    sampled_ms: Option<u64>,
    queues: HashMap<TopicName, Samples>,
}

#[derive(Debug)]
struct Samples {
    last: Totals,
    points: VecDeque<Point>,
}

/// The totals of a queue at a time.
#[derive(Debug, Clone, Copy)]
struct Totals {
    time_ms: u64,
    enqueued: u64,
    acknowledged: u64,
}

/// The state of a queue at a time, and its rates since the point before.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Point {
    /// Unix milliseconds.
    pub time_ms: u64,
    /// Messages that wait or that consumers have.
    pub depth: u64,
    /// Messages that entered the queue in a second.
    pub enqueued_per_second: f32,
    /// Messages that consumers acknowledged in a second.
    pub acknowledged_per_second: f32,
}

impl QueueHistory {
    /// Returns true once a minute: then the caller calls [`QueueHistory::sample`].
    pub fn is_due(&self, uptime_ms: u64) -> bool {
        let mut state = self.state();
        let is_due = state
            .sampled_ms
            .is_none_or(|last| uptime_ms >= last.saturating_add(STEP_MS));
        if is_due {
            state.sampled_ms = Some(uptime_ms);
        }
        is_due
    }

    /// Adds a point for each queue. Queues that are not in the list are forgotten; new ones are added while there is room.
    pub fn sample(&self, queues: &[QueueFigures], unix_ms: u64) {
        let mut state = self.state();
        let mut before = std::mem::take(&mut state.queues);
        let known: Vec<_> = queues
            .iter()
            .filter_map(|queue| Some((before.remove_entry(&queue.name)?, queue)))
            .collect();
        for ((name, mut samples), queue) in known {
            samples.add(queue, unix_ms);
            state.queues.insert(name, samples);
        }
        for queue in queues {
            if state.queues.len() >= MAX_QUEUES {
                break;
            }
            let samples = || Samples::new(queue, unix_ms);
            state
                .queues
                .entry(queue.name.clone())
                .or_insert_with(samples);
        }
    }

    /// Returns the points of the last hour, oldest first, and one for now.
    pub fn points(&self, queue: &QueueFigures, unix_ms: u64) -> Vec<Point> {
        let state = self.state();
        let samples = state.queues.get(&queue.name);
        let points = samples.into_iter().flat_map(|samples| &samples.points);
        let now = match samples {
            Some(samples) => samples.last.point(queue, unix_ms),
            None => Point::without_rates(queue, unix_ms),
        };
        points.copied().chain([now]).collect()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Samples {
    fn new(queue: &QueueFigures, unix_ms: u64) -> Self {
        Self {
            last: Totals::of(queue, unix_ms),
            points: VecDeque::from([Point::without_rates(queue, unix_ms)]),
        }
    }

    fn add(&mut self, queue: &QueueFigures, unix_ms: u64) {
        if self.points.len() >= POINTS {
            self.points.pop_front();
        }
        self.points.push_back(self.last.point(queue, unix_ms));
        self.last = Totals::of(queue, unix_ms);
    }
}

impl Totals {
    const fn of(queue: &QueueFigures, unix_ms: u64) -> Self {
        Self {
            time_ms: unix_ms,
            enqueued: queue.enqueued,
            acknowledged: queue.acknowledged,
        }
    }

    /// Returns a point with the rates since these totals.
    fn point(&self, queue: &QueueFigures, unix_ms: u64) -> Point {
        let milliseconds = unix_ms.saturating_sub(self.time_ms).max(1);
        let rate = |now: u64, before: u64| {
            // A queue that was created again counts from 0.
            let added = now.checked_sub(before).unwrap_or(now);
            (added as f64 * 1_000.0 / milliseconds as f64) as f32
        };
        Point {
            enqueued_per_second: rate(queue.enqueued, self.enqueued),
            acknowledged_per_second: rate(queue.acknowledged, self.acknowledged),
            ..Point::without_rates(queue, unix_ms)
        }
    }
}

impl Point {
    const fn without_rates(queue: &QueueFigures, unix_ms: u64) -> Self {
        Self {
            time_ms: unix_ms,
            depth: queue.waiting + queue.unacknowledged,
            enqueued_per_second: 0.0,
            acknowledged_per_second: 0.0,
        }
    }
}

/// The time between two points.
pub const STEP_MS: u64 = 60_000;
/// Maximum number of queues with a history.
pub const MAX_QUEUES: usize = 1_000;
/// Points of a queue: those of an hour.
const POINTS: usize = 60;

#[cfg(test)]
mod tests {
    use broker::{Broker, Limits, Outcome, Publication};

    use super::*;

    fn name(text: &str) -> TopicName {
        TopicName::new(text).expect("a name")
    }

    /// Returns the figures of a new queue with these totals.
    fn queue(text: &str, enqueued: u64, acknowledged: u64) -> QueueFigures {
        let broker = Broker::new(1, Limits::default());
        let publication = Publication::to_queue(name(text), "p".into(), 0, b"");
        broker.publish(&mut vec![publication], &mut Outcome::default());
        QueueFigures {
            waiting: enqueued - acknowledged,
            enqueued,
            acknowledged,
            ..broker.queue(&name(text)).expect("the queue")
        }
    }

    #[test]
    fn samples_are_due_once_a_minute() {
        let history = QueueHistory::default();
        assert!(history.is_due(500));
        assert!(!history.is_due(60_000));
        assert!(history.is_due(60_500));
        assert!(!history.is_due(120_499));
    }

    #[test]
    fn points_have_the_depth_and_the_rates_since_the_point_before() {
        let history = QueueHistory::default();
        history.sample(&[queue("a", 10, 4)], 60_000);
        history.sample(&[queue("a", 130, 64)], 120_000);
        let points = history.points(&queue("a", 140, 64), 125_000);
        let short: Vec<_> = points
            .iter()
            .map(|one| {
                (
                    one.time_ms,
                    one.depth,
                    one.enqueued_per_second,
                    one.acknowledged_per_second,
                )
            })
            .collect();
        assert_eq!(
            short,
            [
                (60_000, 6, 0.0, 0.0),
                (120_000, 66, 2.0, 1.0),
                (125_000, 76, 2.0, 0.0),
            ]
        );
    }

    #[test]
    fn an_hour_is_kept() {
        let history = QueueHistory::default();
        for minute in 0..100 {
            history.sample(&[queue("a", minute, 0)], minute * STEP_MS);
        }
        let points = history.points(&queue("a", 99, 0), 99 * STEP_MS + 1);
        assert_eq!(points.len(), POINTS + 1);
        assert_eq!(points[0].time_ms, 40 * STEP_MS);
    }

    #[test]
    fn a_queue_that_is_gone_is_forgotten_and_a_new_one_counts_from_the_start() {
        let history = QueueHistory::default();
        history.sample(&[queue("a", 1_000, 900), queue("b", 1, 0)], 0);
        history.sample(&[queue("a", 60, 0)], 60_000);
        assert_eq!(history.state().queues.len(), 1);
        let points = history.points(&queue("a", 60, 0), 60_001);
        assert_eq!(points[1].enqueued_per_second, 1.0);
        assert_eq!(history.points(&queue("b", 1, 0), 60_001).len(), 1);
    }

    #[test]
    fn the_number_of_queues_is_bounded() {
        let history = QueueHistory::default();
        let one = queue("a", 1, 0);
        let queues: Vec<_> = (0..MAX_QUEUES + 5)
            .map(|number| QueueFigures {
                name: name(&format!("q{number}")),
                ..one.clone()
            })
            .collect();
        history.sample(&queues, 0);
        assert_eq!(history.state().queues.len(), MAX_QUEUES);
        // Queues that are known keep their place.
        let mut reordered = queues.clone();
        reordered.reverse();
        history.sample(&reordered, STEP_MS);
        assert_eq!(history.points(&queues[0], STEP_MS + 1).len(), 3);
        assert_eq!(
            history.points(&queues[MAX_QUEUES + 1], STEP_MS + 1).len(),
            1
        );
    }
}
