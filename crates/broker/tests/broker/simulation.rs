//! Seeded runs of producers and readers against a model that keeps everything in plain vectors.

use std::{collections::HashMap, sync::Arc, task::Poll};

use broker::{Broker, Outcome, Overflow, OwnMessages, Publication, Retained, Start, Subscribe};
use simulation::Random;

use crate::{
    harness::{Bell, Client, as_filter, as_name, broker, publish},
    topic_model::{Expected, LookedAt, Member, Subscription, Topic, TopicNumber},
};

#[test]
fn every_session_sees_one_order_and_exact_gap_reports() {
    for seed in simulation::seeds(200) {
        simulate(Run::new(seed, 0));
    }
}

/// So many topics that what a subscription begins with is found in several steps.
#[test]
fn subscriptions_begin_in_order_beside_many_topics() {
    for seed in simulation::seeds(30) {
        simulate(Run::new(seed, 1_500));
    }
}

fn simulate(mut run: Run) {
    for _ in 0..400 {
        run.step();
    }
    run.finish();
}

const NAMES: [&str; 6] = ["a", "a.b", "a.b.c", "x", "x.y", "z.b"];
const FILTERS: [&str; 9] = ["a", "a.b", "x.y", ">", "a.>", "*", "a.*", "*.b", "x.>"];

/// The time after which topics are idle. Short, so that each call of the broker notes it.
const IDLE_MS: u64 = 60;

struct Run {
    random: Random,
    broker: Broker,
    position: u64,
    forgotten: u64,
    /// All topics, removed ones included.
    topics: Vec<Topic>,
    /// The topics that are there.
    present: HashMap<&'static str, TopicNumber>,
    members: Vec<Member>,
    /// True if readers read to the end before they leave, so that every drop has been reported.
    tidy: bool,
    /// True if some subscriptions exclude messages of their own session.
    has_partial: bool,
    /// Topics between the others that are published to once.
    others: usize,
    now_ms: u64,
    /// Times and the positions at them.
    samples: Vec<(u64, u64)>,
    delivered: u64,
    dropped: u64,
    published: u64,
}

impl Run {
    fn new(seed: u64, others: usize) -> Self {
        let mut random = Random::new(seed);
        let lag = 1 + random.below(12);
        let history = 1 + random.below(80);
        let has_idle = others == 0 && random.below(2) == 0;
        let broker = broker(|limits| {
            limits.lag_entries = lag;
            limits.history_entries = history;
            limits.topic_idle_ms = has_idle.then_some(IDLE_MS);
        });
        for number in 0..others {
            publish(&broker, &format!("m.m.{number}"), 1);
        }
        Self {
            tidy: random.below(2) == 0,
            has_partial: random.below(2) == 0,
            random,
            broker,
            others,
            now_ms: 0,
            samples: Vec::new(),
            position: others as u64,
            forgotten: 0,
            topics: Vec::new(),
            present: HashMap::new(),
            members: Vec::new(),
            delivered: 0,
            dropped: 0,
            published: others as u64,
        }
    }

    fn step(&mut self) {
        match self.random.below(20) {
            0 => self.attach(),
            1..=2 => self.subscribe(),
            3 if self.random.below(2) == 0 => self.resubscribe(),
            3 => self.unsubscribe(),
            4 if self.random.below(4) == 0 => self.detach(),
            5 if self.random.below(3) == 0 => self.clear(),
            7 if self.random.below(2) == 0 => self.tidy(),
            6 if self.random.below(4) == 0 => self.pause_or_resume(),
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
                is_paused: false,
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
        if filter == ">" && self.others > 0 {
            return;
        }
        let overflow = match self.random.below(8) {
            0 => Overflow::Disconnect,
            1 => Overflow::Block,
            2..=3 => Overflow::Latest,
            _ => Overflow::DropOldest,
        };
        let start = match self.random.below(6) {
            0 => Start::Last,
            // In a topic that is made before it is looked at, these report a gap that is none.
            1 if self.others == 0 => Start::AfterSequence(self.random.below(60)),
            3 if self.others == 0 => Start::Lost,
            2 => Start::AfterPosition(self.random.below(self.position + 2)),
            _ => Start::New,
        };
        let retained = self.retained();
        let own_messages = match start {
            Start::New | Start::Last if overflow != Overflow::Latest => self.own_messages(),
            _ => OwnMessages::Delivered,
        };
        let mut topics = HashMap::new();
        if let Some(name) = NAMES.iter().find(|name| **name == filter) {
            self.topic(name);
        }
        for (name, number) in &self.present {
            if as_filter(filter).matches(&as_name(name)) {
                let topic = &self.topics[*number];
                let expected = topic.expected(start);
                let expected = expected.with_retained(topic, retained, LookedAt::AtOnce);
                topics.insert(*number, expected);
            }
        }
        let member = &mut self.members[at];
        let tag = member.next_tag;
        let Some(next) = tag.checked_add(1) else {
            return;
        };
        let covering = as_filter(filter);
        let asked = Subscribe {
            start,
            overflow,
            retained,
            own_messages,
            tag: &[tag],
            ..Subscribe::to(&covering)
        };
        let session = member.client.reader.session();
        let made = self
            .broker
            .subscribe(session, asked, &mut Outcome::default());
        let Ok(id) = made else {
            assert!(session.is_ended());
            return;
        };
        member.next_tag = next;
        let subscription = Subscription {
            id,
            filter,
            overflow,
            own_messages,
            is_partial: own_messages == OwnMessages::Skipped,
            made_at: self.position,
            last_position: 0,
            topics,
        };
        member.subscriptions.insert(tag, subscription);
    }

    fn retained(&mut self) -> Retained {
        match self.random.below(2) {
            0 => Retained::First,
            _ => Retained::Omitted,
        }
    }

    fn own_messages(&mut self) -> OwnMessages {
        match self.random.below(3) {
            0 if self.has_partial => OwnMessages::Skipped,
            _ => OwnMessages::Delivered,
        }
    }

    /// Replaces a subscription by another that continues at the same position.
    fn resubscribe(&mut self) {
        let Some(at) = self.member() else { return };
        let (retained, own_messages) = (self.retained(), self.own_messages());
        let member = &mut self.members[at];
        let Some(old) = member.subscriptions.keys().max().copied() else {
            return;
        };
        let Some(next) = member.next_tag.checked_add(1) else {
            return;
        };
        let tag = std::mem::replace(&mut member.next_tag, next);
        let Some(mut subscription) = member.subscriptions.remove(&old) else {
            return;
        };
        if subscription.is_partial {
            subscription.own_messages = own_messages;
        }
        let filter = as_filter(subscription.filter);
        let asked = Subscribe {
            overflow: subscription.overflow,
            retained,
            own_messages: subscription.own_messages,
            tag: &[tag],
            ..Subscribe::to(&filter)
        };
        let session = member.client.reader.session();
        let outcome = &mut Outcome::default();
        subscription.id = self
            .broker
            .resubscribe(session, subscription.id, asked, outcome)
            .expect("there is such a one");
        // Retained messages are delivered again.
        subscription.last_position = 0;
        let all = &self.topics;
        let looked_at = match self.others {
            0 => LookedAt::AtOnce,
            _ => LookedAt::Later,
        };
        let topics = std::mem::take(&mut subscription.topics).into_iter();
        subscription.topics = topics
            .map(
                |(number, expected)| match self.present.get(all[number].name) {
                    Some(present) if *present == number => (
                        number,
                        expected.with_retained(&all[number], retained, looked_at),
                    ),
                    _ => (number, expected),
                },
            )
            .collect();
        member.subscriptions.insert(tag, subscription);
    }

    /// Pauses or resumes a session.
    fn pause_or_resume(&mut self) {
        let Some(at) = self.member() else { return };
        self.pause_or_resume_at(at);
    }

    fn pause_or_resume_at(&mut self, at: usize) {
        let member = &mut self.members[at];
        let session = member.client.reader.session();
        let mut outcome = Outcome::default();
        if member.is_paused {
            self.broker.resume(session, &mut outcome);
        } else {
            self.broker.pause(session, 0, &mut outcome);
        }
        member.is_paused = !member.is_paused;
    }

    fn unsubscribe(&mut self) {
        let Some(at) = self.member() else { return };
        if self.members[at].is_paused {
            return;
        }
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
            if self.members[at].is_paused {
                self.pause_or_resume_at(at);
            }
            self.read_from(at, usize::MAX);
        }
        self.members.remove(at).client.detach(&self.broker);
        self.remove_idle();
    }

    fn clear(&mut self) {
        if self.others > 0 {
            // A topic that is cleared before it is examined is not found.
            return;
        }
        let name = NAMES[self.random.below(NAMES.len() as u64) as usize];
        let found = self.present.get(name);
        assert_eq!(self.broker.clear(&as_name(name)), found.is_some());
        if let Some(number) = found {
            let topic = &mut self.topics[*number];
            topic.trim(0);
            topic.retained = None;
        }
        self.remove_idle();
    }

    /// Lets time pass, after which topics may be idle.
    fn tidy(&mut self) {
        self.now_ms += self.random.below(IDLE_MS / 2);
        self.broker.tidy(self.now_ms);
        if self.broker.limits().topic_idle_ms.is_none() {
            return;
        }
        self.samples.push((self.now_ms, self.position));
        let idle = self.samples.iter().rev();
        let mut idle = idle.filter(|(time_ms, _)| time_ms + IDLE_MS <= self.now_ms);
        let Some((_, idle_before)) = idle.next() else {
            return;
        };
        for (name, number) in &self.present {
            let topic = &mut self.topics[*number];
            let is_named = self
                .members
                .iter()
                .flat_map(|one| one.subscriptions.values())
                .any(|one| one.filter == *name);
            let is_idle = topic.positions.last() <= Some(idle_before);
            if is_idle && !is_named && topic.retained.is_none() {
                topic.trim(0);
            }
        }
        self.remove_idle();
    }

    fn publish(&mut self) {
        let mut batch = Vec::new();
        let mut made = Vec::new();
        for _ in 0..=self.random.below(12) {
            let (publication, name, producer) = self.make();
            made.push((name, producer, publication.1));
            batch.push(publication.0);
        }
        let mut outcome = Outcome::default();
        self.broker.publish(&mut batch, &mut outcome);
        assert_eq!(outcome.results.len(), made.len());
        for ((name, producer, retains), result) in made.into_iter().zip(&outcome.results) {
            self.position += 1;
            self.published += 1;
            let position = self.position;
            let topic = self.topic(name);
            topic.positions.push(position);
            topic.producers.push(producer);
            let sequence = topic.positions.len() as u64;
            if let Some(retains) = retains {
                topic.retained = retains.then_some(sequence);
            }
            let published = result.as_ref().expect("within the limits");
            assert_eq!(published.id.position, position);
            assert_eq!(published.sequence, topic.positions.len() as u64);
        }
        let history = self.broker.limits().history_entries;
        self.topics.iter_mut().for_each(|topic| topic.trim(history));
        self.check_lags();
        let waker = Arc::new(Bell::default()).waker();
        while self.broker.poll_unblocked(&mut outcome.blocked, &waker) == Poll::Pending {
            (0..self.members.len()).for_each(|at| self.read_from(at, 3));
        }
        while let Some(at) = self.ended() {
            self.members.remove(at).client.detach(&self.broker);
            self.remove_idle();
        }
    }

    /// Creates a publication; the option is its effect on the retained message. Also returns topic
    /// and producer.
    fn make(&mut self) -> ((Publication, Option<bool>), &'static str, Arc<str>) {
        let name = NAMES[self.random.below(NAMES.len() as u64) as usize];
        let producer = match self.member() {
            Some(at) if self.random.below(2) == 0 => {
                self.members[at].client.reader.session().name()
            }
            _ => &Arc::from("p"),
        };
        let producer = Arc::clone(producer);
        let body = vec![0; self.random.below(40).saturating_sub(10) as usize];
        let retains = (self.random.below(6) == 0).then_some(!body.is_empty());
        let publication = Publication::new(as_name(name), Arc::clone(&producer), 0, &body);
        let publication = match retains {
            Some(_) => publication.retained(),
            None => publication,
        };
        ((publication, retains), name, producer)
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
        if self.members[at].is_paused {
            return;
        }
        let mut is_done = false;
        let mut left = most;
        while !is_done && left > 0 {
            let (got, done) = self.members[at].client.read(left);
            assert!(got.len() <= left);
            left -= got.len();
            // A part of the time the others go on before everything was looked at.
            is_done = done || (most < usize::MAX && self.random.below(4) > 0);
            for one in got {
                self.delivered += 1;
                self.dropped += self.members[at].check(&one, &self.topics);
            }
        }
    }

    /// Returns the topic; creates it for every subscription that covers it if it did not exist.
    fn topic(&mut self, name: &'static str) -> &mut Topic {
        let forgotten = self.forgotten;
        let number = *self.present.entry(name).or_insert_with(|| {
            let number = self.topics.len();
            let subscriptions = self
                .members
                .iter_mut()
                .flat_map(|one| one.subscriptions.values_mut());
            for subscription in subscriptions {
                if as_filter(subscription.filter).matches(&as_name(name)) {
                    subscription.topics.insert(number, Expected::new(1, None));
                }
            }
            self.topics.push(Topic {
                name,
                first: 1,
                trimmed_position: forgotten,
                ..Topic::default()
            });
            number
        });
        &mut self.topics[number]
    }

    /// Removes topics without entries, unless a subscription is to just this name.
    fn remove_idle(&mut self) {
        let members = &self.members;
        let forgotten = &mut self.forgotten;
        let topics = &self.topics;
        self.present.retain(|name, number| {
            let topic = &topics[*number];
            let is_named = members
                .iter()
                .flat_map(|one| one.subscriptions.values())
                .any(|one| one.filter == *name);
            let kept = is_named || topic.first <= topic.positions.len() as u64;
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
        for name in self.present.keys() {
            let topic = self.broker.topic(&as_name(name)).expect("it is there");
            // History that a subscription asked for is dropped at the next publication.
            let limits = self.broker.limits();
            let bound = limits.lag_entries.max(limits.history_entries);
            assert!(waiting || topic.greatest_lag <= bound, "{topic:?}");
        }
    }

    fn finish(mut self) {
        for at in 0..self.members.len() {
            if self.members[at].is_paused {
                self.pause_or_resume_at(at);
            }
            self.read_from(at, usize::MAX);
            self.members[at].check_end(&self.topics);
        }
        for name in NAMES {
            let entry = self.broker.retained(&as_name(name));
            let number = self.present.get(name);
            let expected = number.and_then(|number| self.topics[*number].retained);
            assert_eq!(entry.map(|entry| entry.sequence()), expected, "{name}");
        }
        let figures = self.broker.figures();
        let retained = self.topics.iter().filter(|one| one.retained.is_some());
        assert_eq!(figures.retained, retained.count());
        assert_eq!(figures.delivered, self.delivered);
        assert_eq!(figures.published, self.published);
        assert_eq!(figures.topics, self.present.len() + self.others);
        assert!(self.has_partial || figures.dropped >= self.dropped);
        if self.tidy && !self.has_partial && figures.disconnected == 0 {
            assert_eq!(figures.dropped, self.dropped);
        }
        while !self.members.is_empty() {
            self.detach_at(0);
        }
        for name in NAMES {
            self.broker.clear(&as_name(name));
        }
        for number in 0..self.others {
            assert!(self.broker.clear(&as_name(&format!("m.m.{number}"))));
        }
        let figures = self.broker.figures();
        assert_eq!((figures.topics, figures.subscriptions), (0, 0));
        assert_eq!((figures.sessions, figures.held_bytes), (0, 0));
    }
}
