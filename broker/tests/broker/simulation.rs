//! Seeded runs of producers and readers against a model that keeps everything in plain vectors.

use std::{collections::HashMap, sync::Arc, task::Poll};

use broker::{Broker, Missed, Outcome, Overflow, Start, SubscriptionId};

use crate::{
    harness::{Bell, Client, Got, as_filter, as_name, broker, publication},
    random::Random,
};

#[test]
fn every_session_sees_the_one_order_and_is_told_what_it_missed() {
    for seed in 0..200 {
        let mut run = Run::new(seed);
        for _ in 0..400 {
            run.step();
        }
        run.finish();
    }
}

const NAMES: [&str; 6] = ["a", "a.b", "a.b.c", "x", "x.y", "z.b"];
const FILTERS: [&str; 9] = ["a", "a.b", "x.y", ">", "a.>", "*", "a.*", "*.b", "x.>"];

/// What one life of a topic holds.
#[derive(Default)]
struct Topic {
    /// By sequence, from 1.
    positions: Vec<u64>,
    /// Sequence of the oldest entry kept.
    first: u64,
    trimmed_position: u64,
}

struct Subscription {
    id: SubscriptionId,
    filter: &'static str,
    overflow: Overflow,
    /// The broker's position when it was made: what came before is history.
    made_at: u64,
    last_position: u64,
    topics: HashMap<&'static str, Expected>,
}

/// What a subscription is to get next of a topic.
struct Expected {
    sequence: u64,
    /// What it is to be told at the first entry, if nothing else is dropped until then.
    missed: Option<Missed>,
    /// Entries of that which were gone before it subscribed.
    gone: u64,
}

struct Member {
    client: Client,
    subscriptions: HashMap<u8, Subscription>,
    /// The newest entry that it got when it was new.
    live_position: u64,
    next_tag: u8,
}

struct Run {
    random: Random,
    broker: Broker,
    position: u64,
    forgotten: u64,
    topics: HashMap<&'static str, Topic>,
    members: Vec<Member>,
    /// Whether readers read to the end before they leave, so that every drop has been told.
    tidy: bool,
    delivered: u64,
    dropped: u64,
    published: u64,
}

impl Run {
    fn new(seed: u64) -> Self {
        let mut random = Random(seed);
        let lag = 1 + random.below(12);
        let history = 1 + random.below(80);
        let broker = broker(|limits| {
            limits.lag_entries = lag;
            limits.history_entries = history;
        });
        Self {
            tidy: random.below(2) == 0,
            random,
            broker,
            position: 0,
            forgotten: 0,
            topics: HashMap::new(),
            members: Vec::new(),
            delivered: 0,
            dropped: 0,
            published: 0,
        }
    }

    fn step(&mut self) {
        match self.random.below(20) {
            0 => self.attach(),
            1..=2 => self.subscribe(),
            3 => self.unsubscribe(),
            4 if self.random.below(4) == 0 => self.detach(),
            5 if self.random.below(3) == 0 => self.clear(),
            4..=8 => self.read(),
            _ => self.publish(),
        }
    }

    fn attach(&mut self) {
        if self.members.len() < 6 {
            self.members.push(Member {
                client: Client::attach(&self.broker, "c"),
                subscriptions: HashMap::new(),
                live_position: 0,
                next_tag: 0,
            });
        }
    }

    fn member(&mut self) -> Option<usize> {
        let count = self.members.len() as u64;
        (count > 0).then(|| self.random.below(count) as usize)
    }

    fn subscribe(&mut self) {
        let Some(at) = self.member() else { return };
        let filter = FILTERS[self.random.below(FILTERS.len() as u64) as usize];
        let overflow = match self.random.below(8) {
            0 => Overflow::Disconnect,
            1 => Overflow::Block,
            2..=3 => Overflow::Latest,
            _ => Overflow::DropOldest,
        };
        let start = match self.random.below(6) {
            0 => Start::Last,
            1 => Start::AfterSequence(self.random.below(60)),
            2 => Start::AfterPosition(self.random.below(self.position + 2)),
            3 => Start::Lost,
            _ => Start::New,
        };
        let mut topics = HashMap::new();
        if let Some(name) = NAMES.iter().find(|name| **name == filter) {
            self.topic(name);
        }
        for (name, topic) in &self.topics {
            if as_filter(filter).matches(&as_name(name)) {
                topics.insert(*name, topic.expected(start));
            }
        }
        let member = &mut self.members[at];
        let tag = member.next_tag;
        let Some(next) = tag.checked_add(1) else {
            return;
        };
        let made = member
            .client
            .try_subscribe(&self.broker, filter, (start, overflow, tag));
        let Ok((id, _)) = made else {
            assert!(member.client.reader.session().is_ended());
            return;
        };
        member.next_tag = next;
        let subscription = Subscription {
            id,
            filter,
            overflow,
            made_at: self.position,
            last_position: 0,
            topics,
        };
        member.subscriptions.insert(tag, subscription);
    }

    fn unsubscribe(&mut self) {
        let Some(at) = self.member() else { return };
        if self.tidy {
            self.read_from(at, usize::MAX);
        }
        let member = &mut self.members[at];
        let Some(tag) = member.subscriptions.keys().min().copied() else {
            return;
        };
        if let Some(subscription) = member.subscriptions.remove(&tag) {
            member.client.unsubscribe(&self.broker, subscription.id);
        }
        self.remove_idle();
    }

    fn detach(&mut self) {
        let Some(at) = self.member() else { return };
        self.detach_at(at);
    }

    fn detach_at(&mut self, at: usize) {
        if self.tidy {
            self.read_from(at, usize::MAX);
        }
        self.members.remove(at).client.detach(&self.broker);
        self.remove_idle();
    }

    fn clear(&mut self) {
        let name = NAMES[self.random.below(NAMES.len() as u64) as usize];
        let found = self.topics.get_mut(name);
        assert_eq!(self.broker.clear(&as_name(name)), found.is_some());
        if let Some(topic) = found {
            topic.trim(0);
        }
        self.remove_idle();
    }

    fn publish(&mut self) {
        let mut batch = Vec::new();
        let mut names = Vec::new();
        for _ in 0..=self.random.below(12) {
            let name = NAMES[self.random.below(NAMES.len() as u64) as usize];
            names.push(name);
            batch.push(publication(name, self.random.below(40) as usize));
        }
        let mut outcome = Outcome::default();
        self.broker.publish(&mut batch, &mut outcome);
        for (name, result) in names.iter().zip(&outcome.results) {
            self.position += 1;
            self.published += 1;
            let position = self.position;
            let topic = self.topic(name);
            topic.positions.push(position);
            let published = result.as_ref().expect("within the limits");
            assert_eq!(published.id.position, position);
            assert_eq!(published.sequence, topic.positions.len() as u64);
        }
        let history = self.broker.limits().history_entries;
        self.topics
            .values_mut()
            .for_each(|topic| topic.trim(history));
        self.check_lags();
        let waker = Arc::new(Bell::default()).waker();
        while self.broker.poll_clear(&mut outcome.blocked, &waker) == Poll::Pending {
            (0..self.members.len()).for_each(|at| self.read_from(at, 3));
        }
        while let Some(at) = self.ended() {
            self.members.remove(at).client.detach(&self.broker);
            self.remove_idle();
        }
    }

    fn ended(&self) -> Option<usize> {
        self.members
            .iter()
            .position(|member| member.client.reader.session().is_ended())
    }

    fn read(&mut self) {
        let Some(at) = self.member() else { return };
        let most = 1 + self.random.below(30) as usize;
        self.read_from(at, most);
    }

    fn read_from(&mut self, at: usize, most: usize) {
        let (got, _) = self.members[at].client.read(most);
        assert!(got.len() <= most);
        for one in got {
            self.delivered += 1;
            self.dropped += self.members[at].check(&one, &self.topics);
        }
    }

    /// The topic, new for every subscription that covers it when it was not there.
    fn topic(&mut self, name: &'static str) -> &mut Topic {
        let forgotten = self.forgotten;
        self.topics.entry(name).or_insert_with(|| {
            let subscriptions = self
                .members
                .iter_mut()
                .flat_map(|one| one.subscriptions.values_mut());
            for subscription in subscriptions {
                if as_filter(subscription.filter).matches(&as_name(name)) {
                    subscription.topics.insert(name, Expected::new(1, None));
                }
            }
            Topic {
                positions: Vec::new(),
                first: 1,
                trimmed_position: forgotten,
            }
        })
    }

    fn remove_idle(&mut self) {
        let members = &self.members;
        let forgotten = &mut self.forgotten;
        self.topics.retain(|name, topic| {
            let covered = members
                .iter()
                .flat_map(|one| one.subscriptions.values())
                .any(|one| one.topics.contains_key(name));
            let kept = covered || topic.first <= topic.positions.len() as u64;
            if !kept {
                *forgotten = (*forgotten).max(topic.trimmed_position);
            }
            kept
        });
    }

    fn check_lags(&self) {
        let waiting = self.members.iter().any(|member| {
            let mut all = member.subscriptions.values();
            all.any(|one| one.overflow == Overflow::Block)
        });
        for topic in self.broker.topics(&as_filter(">"), usize::MAX) {
            // History that a subscription asked for is let go at the next publication.
            let limits = self.broker.limits();
            let bound = limits.lag_entries.max(limits.history_entries);
            assert!(waiting || topic.greatest_lag <= bound, "{topic:?}");
        }
    }

    fn finish(mut self) {
        for at in 0..self.members.len() {
            self.read_from(at, usize::MAX);
            for subscription in self.members[at].subscriptions.values() {
                for (name, expected) in &subscription.topics {
                    let end = self.topics[name].positions.len() as u64 + 1;
                    assert_eq!(expected.sequence, end, "{name} is not read to its end");
                }
            }
        }
        let figures = self.broker.figures();
        assert_eq!(figures.delivered, self.delivered);
        assert_eq!(figures.published, self.published);
        assert_eq!(figures.topics, self.topics.len());
        assert!(figures.dropped >= self.dropped);
        if self.tidy && figures.disconnected == 0 {
            assert_eq!(figures.dropped, self.dropped);
        }
        while !self.members.is_empty() {
            self.detach_at(0);
        }
        for name in NAMES {
            self.broker.clear(&as_name(name));
        }
        let figures = self.broker.figures();
        assert_eq!((figures.topics, figures.subscriptions), (0, 0));
        assert_eq!((figures.sessions, figures.held_bytes), (0, 0));
    }
}

impl Topic {
    fn trim(&mut self, history: u64) {
        let end = self.positions.len() as u64 + 1;
        let first = end.saturating_sub(history).max(self.first);
        if first > self.first {
            self.first = first;
            self.trimmed_position = self.positions[first as usize - 2];
        }
    }

    fn expected(&self, start: Start) -> Expected {
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

impl Expected {
    fn new(sequence: u64, missed: Option<Missed>) -> Self {
        Self {
            sequence,
            missed,
            gone: 0,
        }
    }
}

impl Member {
    /// Checks a delivery, and tells how many entries before it were dropped.
    fn check(&mut self, got: &Got, topics: &HashMap<&'static str, Topic>) -> u64 {
        let subscription = self.subscriptions.get_mut(&got.tag);
        let subscription = subscription.expect("nothing comes after unsubscribing");
        assert!(got.position > subscription.last_position, "{got:?}");
        subscription.last_position = got.position;
        if got.position > subscription.made_at {
            assert!(got.position >= self.live_position, "{got:?}");
            self.live_position = got.position;
        }
        let topic = &topics[got.topic.as_str()];
        assert_eq!(topic.positions[got.sequence as usize - 1], got.position);
        let expected = subscription.topics.get_mut(got.topic.as_str());
        let expected = expected.expect("only what its filter covers");
        let skipped = got.sequence - expected.sequence;
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
}
