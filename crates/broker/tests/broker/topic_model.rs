//! The model of the topic simulation: topics and subscriptions in plain vectors and maps.

use std::{collections::HashMap, sync::Arc};

use broker::{Missed, Overflow, OwnMessages, Retained, Start, SubscriptionId};

use crate::harness::{Client, Got};

/// A topic from its creation to its removal, by its number in the list of all topics.
pub type TopicNumber = usize;

/// The state of a topic from its creation to its removal.
#[derive(Default)]
pub struct Topic {
    pub name: &'static str,
    /// Positions by sequence, from 1.
    pub positions: Vec<u64>,
    /// Producers by sequence.
    pub producers: Vec<Arc<str>>,
    /// The sequence of the oldest entry kept.
    pub first: u64,
    pub trimmed_position: u64,
    /// The sequence of the retained entry.
    pub retained: Option<u64>,
}

pub struct Subscription {
    pub id: SubscriptionId,
    pub filter: &'static str,
    pub overflow: Overflow,
    pub own_messages: OwnMessages,
    /// True if the subscription, or one that it replaced, excludes messages of its own session.
    pub is_partial: bool,
    /// The broker's position at the time of subscribing; earlier entries are history.
    pub made_at: u64,
    pub last_position: u64,
    /// Topics that were removed included: what was not read before is read after that.
    pub topics: HashMap<TopicNumber, Expected>,
}

/// The next entry of a topic that a subscription should receive.
pub struct Expected {
    pub sequence: u64,
    /// The retained entry to be delivered first, from outside the log.
    pub retained: Option<u64>,
    /// Entries that may also be delivered first, if they are among those that were dropped and not
    /// reported yet.
    pub maybe: Vec<u64>,
    /// The sequence after the retained entry that was delivered first.
    pub after_retained: u64,
    /// The expected report of missed entries with the first entry, if no more are dropped before
    /// it.
    pub missed: Option<Missed>,
    /// The number of entries in this report that were dropped before the subscription.
    pub gone: u64,
}

pub struct Member {
    pub client: Client,
    pub subscriptions: HashMap<u8, Subscription>,
    /// The newest entry that was delivered live.
    pub live_position: u64,
    pub next_tag: u8,
    pub is_paused: bool,
}

impl Topic {
    pub fn trim(&mut self, history: u64) {
        let end = self.positions.len() as u64 + 1;
        let first = end.saturating_sub(history).max(self.first);
        if first > self.first {
            self.first = first;
            self.trimmed_position = self.positions[first as usize - 2];
        }
    }

    pub fn expected(&self, start: Start) -> Expected {
        let end = self.positions.len() as u64 + 1;
        match start {
            Start::New => Expected::new(end, None),
            Start::Last => Expected::new((end - 1).max(self.first), None),
            Start::AfterSequence(sequence) if sequence >= end => {
                Expected::new(end, Some(Missed::Unknown))
            }
            Start::AfterSequence(sequence) if sequence + 1 >= self.first => {
                Expected::new(sequence + 1, None)
            }
            Start::AfterSequence(sequence) => Expected {
                sequence: sequence + 1,
                missed: Some(Missed::Range {
                    from: sequence + 1,
                    to: self.first - 1,
                }),
                gone: self.first - 1 - sequence,
                retained: None,
                maybe: Vec::new(),
                after_retained: 0,
            },
            Start::AfterPosition(position) => {
                let read = self.positions.partition_point(|one| *one <= position) as u64;
                let missed = (self.trimmed_position > position).then_some(Missed::Unknown);
                Expected::new((read + 1).max(self.first), missed)
            }
            Start::Lost => Expected::new(self.first, Some(Missed::Unknown)),
        }
    }
}

/// When a subscription looks for retained messages. If it replaces another one and looks later, a topic may be published to
/// before, and its earlier retained message is not delivered again.
#[derive(Clone, Copy, PartialEq)]
pub enum LookedAt {
    AtOnce,
    Later,
}

impl Expected {
    pub fn new(sequence: u64, missed: Option<Missed>) -> Self {
        Self {
            sequence,
            retained: None,
            maybe: Vec::new(),
            after_retained: 0,
            missed,
            gone: 0,
        }
    }

    /// Sets the retained entry as the first, if it is requested and not delivered anyway.
    pub fn with_retained(mut self, topic: &Topic, asked: Retained, looked_at: LookedAt) -> Self {
        let own = topic.retained.filter(|_| asked == Retained::First);
        match own {
            Some(own) if own < self.sequence && looked_at == LookedAt::AtOnce => {
                self.retained = Some(own)
            }
            _ => self.maybe.extend(own),
        }
        self
    }
}

impl Member {
    /// Checks a delivery; returns the number of dropped entries before it.
    pub fn check(&mut self, got: &Got, topics: &[Topic]) -> u64 {
        let subscription = self.subscriptions.get_mut(&got.tag);
        let subscription = subscription.expect("nothing comes after unsubscribing");
        assert!(got.position > subscription.last_position, "{got:?}");
        subscription.last_position = got.position;
        if got.position > subscription.made_at && !got.is_retained {
            assert!(got.position >= self.live_position, "{got:?}");
            self.live_position = got.position;
        }
        let mut covered = subscription.topics.iter_mut();
        let found = covered.find(|(number, _)| {
            let topic = &topics[**number];
            let position = topic.positions.get(got.sequence as usize - 1);
            topic.name == got.topic && position == Some(&got.position)
        });
        let (number, expected) = found.expect("only what its filter covers");
        let topic = &topics[*number];
        let is_own = |sequence: u64| {
            let producer = &topic.producers[sequence as usize - 1];
            Arc::ptr_eq(producer, self.client.reader.session().name())
        };
        let is_wanted =
            subscription.own_messages == OwnMessages::Delivered || !is_own(got.sequence);
        assert!(is_wanted, "{got:?}");
        if got.is_retained {
            let mut candidates = std::mem::take(&mut expected.maybe);
            candidates.extend(expected.retained.take());
            assert!(candidates.contains(&got.sequence), "{got:?}");
            // The retained entry is not delivered again at its position.
            expected.after_retained = got.sequence + 1;
            assert_eq!(got.missed, None, "{got:?}");
            return 0;
        }
        // Entries that are not wanted are skipped.
        let unread = expected.retained.take();
        assert!(
            unread.is_none_or(|one| subscription.is_partial && is_own(one)),
            "{got:?}"
        );
        assert!(got.sequence >= expected.after_retained, "{got:?}");
        let skipped = got.sequence - expected.sequence;
        if subscription.is_partial {
            let (from, to) = match got.missed {
                None => (got.sequence, got.sequence - 1),
                Some(Missed::Range { from, to }) => (from, to),
                Some(Missed::Unknown) => panic!("{got:?}"),
            };
            let mut silent = (expected.sequence..from).chain(to + 1..got.sequence);
            assert!(silent.all(is_own), "{got:?}");
            expected.sequence = got.sequence + 1;
            return to + 1 - from;
        }
        let told = match (subscription.overflow, expected.missed.take()) {
            (_, Some(Missed::Unknown)) => Some(Missed::Unknown),
            (Overflow::Latest, initial) => initial,
            (_, initial) if skipped == 0 => initial,
            _ => Some(Missed::Range {
                from: expected.sequence,
                to: got.sequence - 1,
            }),
        };
        assert_eq!(got.missed, told, "{got:?}");
        if subscription.overflow == Overflow::Latest {
            assert_eq!(got.sequence, topic.positions.len() as u64, "{got:?}");
        }
        expected.sequence = got.sequence + 1;
        skipped - std::mem::take(&mut expected.gone)
    }

    /// Checks that no entry is unread.
    pub fn check_end(&self, topics: &[Topic]) {
        for subscription in self.subscriptions.values() {
            for (number, expected) in &subscription.topics {
                let topic = &topics[*number];
                let end = topic.positions.len() as u64 + 1;
                let next = expected.sequence + expected.gone;
                let unread = expected.retained.into_iter().chain(next..end);
                let is_own = |sequence: u64| {
                    let producer = &topic.producers[sequence as usize - 1];
                    Arc::ptr_eq(producer, self.client.reader.session().name())
                };
                // Entries before the excluded ones may have been dropped without a report yet.
                let newest = unread.last();
                let is_read = newest.is_none_or(|one| subscription.is_partial && is_own(one));
                assert!(is_read, "{} is not read to its end", topic.name);
            }
        }
    }
}
