//! A survey of all queues and all lags, for monitoring: its size does not depend on the number of queues and topics.

use std::{cmp::Reverse, ops::ControlFlow, sync::Arc};

use crate::{
    broker::{Broker, dead_letters::is_for_dead_letters},
    figures::{QueueAmounts, QueueFigures},
    memory::limits::{ITEMS, NAMES},
    name::is_temporary,
    queue::Queue,
    state::queues::Queues,
};

/// The queues and the lags of a broker at a time. Each queue and topic is examined alone, so this is not a snapshot.
#[derive(Debug, Clone, Default)]
pub struct Survey {
    /// The queues with the most messages, by name, without temporary ones.
    pub largest: Vec<SurveyedQueue>,
    /// All other queues that have a name, temporary ones included.
    pub others: QueueAmounts,
    /// The queues of durable subscriptions.
    pub durables: QueueAmounts,
    /// The queues of shared subscriptions.
    pub shared: QueueAmounts,
    /// Messages in all dead letter queues.
    pub dead_letters: u64,
    /// The lags of subscriptions to topics.
    pub lag: LagSurvey,
}

/// A queue with its figures.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SurveyedQueue {
    /// Its figures.
    pub figures: QueueFigures,
    /// See [`QueueAmounts::oldest_ms`].
    pub oldest_ms: Option<u64>,
}

/// The lags of all cursors. A cursor is a pair of a subscription and a topic; its lag is the number of messages that it has
/// not read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LagSurvey {
    /// The greatest lag.
    pub greatest: u64,
    /// The number of cursors by lag: those up to each of [`LagSurvey::BOUNDS`] and above the one before, and at last those
    /// above all.
    pub cursors: [u64; LagSurvey::BOUNDS.len() + 1],
}

impl LagSurvey {
    /// The bounds of [`LagSurvey::cursors`], in messages.
    pub const BOUNDS: [u64; 7] = [0, 1, 10, 100, 1_000, 10_000, 100_000];

    fn add(&mut self, lag: u64) {
        self.greatest = self.greatest.max(lag);
        let index = Self::BOUNDS.partition_point(|bound| *bound < lag);
        self.cursors[index] += 1;
    }
}

impl Broker {
    /// Examines all queues, and all subscriptions to topics. Returns the figures of at most `most` queues, and sums of the
    /// others.
    ///
    /// The time depends on the number of queues, topics and cursors, so callers should not call it often. The broker's lock is
    /// taken in steps.
    #[must_use]
    pub fn survey(&self, most: usize) -> Survey {
        let mut survey = Survey {
            durables: self.amounts_of_durables(),
            shared: self.amounts_of_shared(),
            lag: self.lags(),
            ..Survey::default()
        };
        let mut queues = Vec::new();
        let mut others = Vec::new();
        self.for_each_named_queue(|queue| match queue.name() {
            Some(name) if !is_temporary(name) => queues.push((queue.depth(), Arc::clone(queue))),
            // They come and go with connections, so their names are no use to monitoring.
            _ => others.push(Arc::clone(queue)),
        });
        if queues.len() > most {
            // A queue of the same depth stays where its name puts it, so that the listed ones do not change without need.
            queues.sort_by_key(|(depth, _)| Reverse(*depth));
        }
        let rest = queues.split_off(queues.len().min(most));
        others.extend(rest.into_iter().map(|(_, queue)| queue));
        for queue in &others {
            survey.others.add(queue.amounts());
            survey.dead_letters += dead_letters(queue);
        }
        for (_, queue) in &queues {
            survey.dead_letters += dead_letters(queue);
            let Some(name) = queue.name() else { continue };
            survey.largest.push(SurveyedQueue {
                figures: queue.figures(name),
                oldest_ms: queue.amounts().oldest_ms,
            });
        }
        let by_name = |one: &SurveyedQueue, other: &SurveyedQueue| {
            one.figures.name.as_str().cmp(other.figures.name.as_str())
        };
        survey.largest.sort_by(by_name);
        survey
    }

    fn lags(&self) -> LagSurvey {
        let mut lags = LagSurvey::default();
        self.for_each_topic(|topic, from| {
            let cursors = topic.cursors().skip(from).take(ITEMS);
            cursors.for_each(|cursor| lags.add(cursor.lag_entries()));
            topic.cursors().len() > from + ITEMS
        });
        lags
    }

    fn amounts_of_durables(&self) -> QueueAmounts {
        self.amounts_of(|queues, from| {
            let part = queues.durables.values().skip(from).take(NAMES);
            part.cloned().collect()
        })
    }

    fn amounts_of_shared(&self) -> QueueAmounts {
        self.amounts_of(|queues, from| {
            let part = queues.shared.values().skip(from).take(NAMES);
            part.map(|shared| Arc::clone(&shared.queue)).collect()
        })
    }

    /// Adds up the amounts of queues without an order: `part` returns at most [`NAMES`] from an index on. If queues are added
    /// or removed meanwhile, some may be missing or count twice.
    fn amounts_of(&self, part: impl Fn(&Queues, usize) -> Vec<Arc<Queue>>) -> QueueAmounts {
        let mut amounts = QueueAmounts::default();
        let mut from = 0;
        loop {
            let queues = self.in_steps(|state| ControlFlow::Break(part(&state.queues, from)));
            queues.iter().for_each(|queue| amounts.add(queue.amounts()));
            if queues.len() < NAMES {
                return amounts;
            }
            from += NAMES;
        }
    }
}

fn dead_letters(queue: &Queue) -> u64 {
    match queue.name() {
        Some(name) if is_for_dead_letters(name) => queue.depth(),
        _ => 0,
    }
}
