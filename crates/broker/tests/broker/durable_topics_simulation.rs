//! Seeded runs with crashes, clean stops and changed options: the history of a durable topic is there after a restart, and a
//! subscriber that resumes gets every message of a topic or a report that messages are missing.

use std::{collections::BTreeMap, sync::Arc};

use broker::{Broker, Limits, MessageId, Outcome, Overflow, Start};
use simulation::Random;

use crate::{
    harness::{Client, EPOCH, as_filter, as_name},
    journal_harness::MemoryJournal,
    queue_harness::{event, message},
};

#[test]
fn a_durable_topic_has_its_history_or_reports_a_gap_after_a_restart() {
    for seed in simulation::seeds(40) {
        let mut run = Run::new(seed);
        for _ in 0..150 {
            run.step();
        }
        run.check_parts();
    }
}

const TOPICS: [&str; 3] = ["a", "b", "c.d"];
const FILTERS: [Option<&str>; 4] = [None, Some("a"), Some("*"), Some(">")];

struct Run {
    random: Random,
    journal: Arc<MemoryJournal>,
    broker: Broker,
    limits: Limits,
    filter: Option<&'static str>,
    /// Each with its first position.
    epochs: Vec<(u64, u64)>,
    model: Model,
    /// The number of calls of the journal after each operation, and the model then.
    snapshots: Vec<(usize, Model)>,
    /// A session that survives a restart and reads slowly: it keeps messages that the topics do not keep any more.
    lasting: Client,
}

#[derive(Clone, Default)]
struct Model {
    /// The positions of all messages of each topic.
    published: BTreeMap<&'static str, Vec<u64>>,
    /// The position up to which a topic was cleared.
    cleared: BTreeMap<&'static str, u64>,
    /// The position from which on the history of a topic must be complete, in runs in which the topic is durable.
    complete_from: BTreeMap<&'static str, u64>,
    newest: u64,
}

impl Run {
    fn new(seed: u64) -> Self {
        let mut random = Random::new(seed);
        let limits = Limits {
            history_entries: [1, 3, 1_000][random.index(3)],
            ..Limits::default()
        };
        let filter = FILTERS[random.index(4)];
        let journal = MemoryJournal::default().with_durable(filter);
        let broker = journal.broker(limits.clone());
        let lasting = lasting(&broker, 0);
        let mut run = Self {
            random,
            broker,
            limits,
            filter,
            epochs: vec![(EPOCH, 1)],
            model: Model::default(),
            snapshots: Vec::new(),
            lasting,
            journal,
        };
        run.begin(1);
        run
    }

    /// Begins a run of the broker with the next position.
    fn begin(&mut self, next: u64) {
        for topic in TOPICS {
            match is_durable(self.filter, topic) {
                true => drop(self.model.complete_from.entry(topic).or_insert(next)),
                false => drop(self.model.complete_from.remove(topic)),
            }
        }
        self.snapshots = vec![(self.journal.calls(), self.model.clone())];
    }

    fn step(&mut self) {
        match self.random.below(30) {
            0..=19 => self.publish(),
            20..=21 => self.clear(),
            22..=25 => drop(self.lasting.read(1 + self.random.index(4))),
            26..=27 => self.check_parts(),
            28 => self.crash(),
            _ => self.stop(),
        }
        self.snapshots
            .push((self.journal.calls(), self.model.clone()));
    }

    fn publish(&mut self) {
        let mut batch = Vec::new();
        let mut topics = Vec::new();
        for _ in 0..1 + self.random.index(4) {
            let topic = match self.random.below(5) {
                0 => None,
                _ => Some(TOPICS[self.random.index(3)]),
            };
            let publication = match topic {
                Some(topic) => event(topic, "1", &[]),
                None => message("q", "1", &[]),
            };
            batch.push(match self.random.below(3) {
                0 => publication.persistent(),
                _ => publication,
            });
            topics.push(topic);
        }
        let mut outcome = Outcome::default();
        self.broker.publish(&mut batch, &mut outcome);
        for (topic, result) in topics.into_iter().zip(&outcome.results) {
            let position = result.as_ref().expect("there is room").id.position;
            self.model.newest = position;
            if let Some(topic) = topic {
                self.model
                    .published
                    .entry(topic)
                    .or_default()
                    .push(position);
            }
        }
    }

    fn clear(&mut self) {
        let topic = TOPICS[self.random.index(3)];
        self.broker.clear(&as_name(topic));
        self.model.cleared.insert(topic, self.model.newest);
    }

    /// Loses a part of what the journal has recorded since the last restart.
    fn crash(&mut self) {
        let first = self.snapshots[0].0;
        let calls = self.journal.calls();
        let part = match self.random.below(2) {
            0 => calls,
            _ => first + self.random.index(calls - first + 1),
        };
        let journal = self.journal.prefix(part);
        let next = journal.newest_position() + 1;
        self.model.crash(next);
        let epoch = self.epochs.last().map_or(EPOCH, |last| last.0) + 1;
        self.epochs.push((epoch, next));
        self.restart(journal, next, next - 1);
    }

    fn stop(&mut self) {
        let stopped = self.broker.record_all();
        let journal = self.journal.prefix(self.journal.calls());
        self.restart(journal, stopped.next_position, stopped.newest_removed);
    }

    fn restart(&mut self, journal: Arc<MemoryJournal>, next: u64, newest_removed: u64) {
        if self.random.once_in(3) {
            self.filter = FILTERS[self.random.index(4)];
        }
        self.journal = journal.with_durable(self.filter);
        let limits = self.limits.clone();
        self.broker = self
            .journal
            .restart(limits, &self.epochs, next, newest_removed);
        let read_up_to = self.random.below(next);
        self.lasting = lasting(&self.broker, read_up_to);
        self.broker.end_restoration();
        self.begin(next);
    }

    /// Restores brokers from parts of the journal, and resumes there.
    fn check_parts(&mut self) {
        let first = self.snapshots[0].0;
        let calls = self.journal.calls();
        self.snapshots.push((calls, self.model.clone()));
        for _ in 0..4 {
            let part = first + self.random.index(calls - first + 1);
            let at = self.snapshots.partition_point(|(calls, _)| *calls < part);
            let mut model = self.snapshots[at].1.clone();
            let journal = self.journal.prefix(part);
            let next = journal.newest_position() + 1;
            model.crash(next);
            let mut epochs = self.epochs.clone();
            epochs.push((EPOCH + 1_000, next));
            let broker = journal.restart(self.limits.clone(), &epochs, next, next - 1);
            broker.end_restoration();
            for topic in TOPICS {
                self.check_history(&broker, &model, topic);
                self.check_resumed(&broker, &mut model, topic);
            }
        }
    }

    /// Checks that a durable topic has its newest messages.
    fn check_history(&self, broker: &Broker, model: &Model, topic: &'static str) {
        let Some(from) = model.complete_from.get(topic) else {
            return;
        };
        let from = (*from).max(model.cleared.get(topic).map_or(0, |cleared| cleared + 1));
        let published = model.published.get(topic).into_iter().flatten();
        let complete: Vec<u64> = published.copied().filter(|at| *at >= from).collect();
        let kept = usize::try_from(self.limits.history_entries).expect("a small number");
        let kept = &complete[complete.len().saturating_sub(kept)..];
        let (found, _) = resume(
            broker,
            topic,
            kept.first().map_or(model.newest, |at| at - 1),
        );
        assert!(found.ends_with(kept), "{topic}: {found:?}, not {kept:?}");
    }

    /// Resumes after positions that are known: what is not delivered is reported as missed.
    fn check_resumed(&mut self, broker: &Broker, model: &mut Model, topic: &'static str) {
        for _ in 0..3 {
            let position = self.random.below(model.newest + 1);
            let id = |&(epoch, first): &(u64, u64)| (first <= position).then_some(epoch);
            let epoch = self.epochs.iter().rev().find_map(id).unwrap_or(EPOCH);
            let start = broker.start_after(MessageId { epoch, position });
            if position > 0 {
                assert_eq!(start, Start::AfterPosition(position));
            }
            let mut outcome = Outcome::default();
            broker.publish(&mut vec![event(topic, "marker", &[])], &mut outcome);
            let marker = outcome.results[0]
                .as_ref()
                .expect("there is room")
                .id
                .position;
            let published = model.published.entry(topic).or_default();
            published.push(marker);
            let expected: Vec<u64> = published
                .iter()
                .copied()
                .filter(|at| *at > position)
                .collect();
            let (found, has_missed) = resume(broker, topic, position);
            assert!(
                found.iter().all(|at| expected.contains(at)),
                "{found:?} invented"
            );
            let is_whole = found == expected;
            assert!(
                is_whole || has_missed,
                "{topic} after {position}: {found:?} of {expected:?}"
            );
            if is_whole && model.is_complete_after(topic, position) {
                assert!(!has_missed, "{topic} after {position}: nothing is missing");
            }
        }
    }
}

impl Model {
    /// Returns true if a durable topic knows that nothing is missing after a position.
    fn is_complete_after(&self, topic: &str, position: u64) -> bool {
        let from = self.complete_from.get(topic);
        let cleared = self.cleared.values().max();
        from.is_some_and(|from| *from <= position + 1)
            && cleared.is_none_or(|cleared| *cleared <= position)
    }

    /// Removes the messages whose positions are given to others.
    fn crash(&mut self, next: u64) {
        self.newest = self.newest.min(next - 1);
        for positions in self.published.values_mut() {
            positions.retain(|at| *at < next);
        }
        for cleared in self.cleared.values_mut() {
            *cleared = (*cleared).min(next - 1);
        }
    }
}

fn is_durable(filter: Option<&str>, topic: &str) -> bool {
    filter.is_some_and(|filter| as_filter(filter).matches(&as_name(topic)))
}

fn lasting(broker: &Broker, read_up_to: u64) -> Client {
    let client = Client::attach(broker, "lasting");
    let session = client.reader.session();
    session.set_lasting(true);
    session.set_read_up_to(read_up_to);
    let start = Start::AfterPosition(read_up_to);
    client.subscribe(broker, "a", start, Overflow::DropOldest);
    client
}

/// Returns the positions of what a subscription after this position gets, and whether messages are reported as missed.
fn resume(broker: &Broker, topic: &str, position: u64) -> (Vec<u64>, bool) {
    let mut client = Client::attach(broker, "reader");
    let start = Start::AfterPosition(position);
    client.subscribe(broker, topic, start, Overflow::DropOldest);
    let got = client.read_all();
    client.detach(broker);
    let has_missed = got.iter().any(|one| one.missed.is_some());
    (got.iter().map(|one| one.position).collect(), has_missed)
}
