//! Seeded runs with crashes and clean stops against a plain model: what was recorded and not settled is there after a
//! restart, and nothing else. Also restores brokers from a part of the journal, which may end inside an operation.

use std::{collections::VecDeque, sync::Arc};

use broker::{
    Acknowledgement, Broker, Consume, DestinationKind, Limits, MessageId, Outcome, Overflow,
    Publication, Retained, Settlement, Start, Subscribe, SubscriptionId, Verdict,
};
use simulation::Random;

use crate::{
    harness::{Client, EPOCH, as_filter, as_name},
    journal_harness::MemoryJournal,
    queue_harness::{Taken, durable_name, event, message, queue},
    restart_model::{
        Binding, DEAD_LETTERS, DURABLES, Found, GROUPS, Held, Model, Place, QUEUES, TOPICS, check,
        consumer_of, covers, recorded_durable, shared_filter,
    },
    shared_subscriptions::shared,
};

#[test]
fn a_restart_keeps_what_was_recorded_and_nothing_else() {
    for seed in simulation::seeds(15) {
        Run::new(seed, None).run();
    }
}

/// The same while memory has few of the messages.
#[test]
fn a_restart_keeps_paged_messages() {
    let (mut paged, seeds) = (0, simulation::seeds(15));
    let count = seeds.count_left();
    for seed in seeds {
        let page_out_bytes = [0, 1_000, 5_000][seed as usize % 3];
        paged += Run::new(seed, Some(page_out_bytes)).run();
    }
    if count >= simulation::ENOUGH {
        assert!(paged > 100 * count, "{paged}");
    }
}

pub struct Run {
    pub random: Random,
    pub journal: Arc<MemoryJournal>,
    pub broker: Broker,
    limits: Limits,
    epochs: Vec<(u64, u64)>,
    pub model: Model,
    members: Vec<Member>,
    lasting: Vec<Lasting>,
    /// The number of calls of the journal after each operation, and the model then.
    snapshots: Vec<(usize, Model)>,
    /// A topic was removed, and may have been created again while messages of the first one were kept.
    may_have_two_names: bool,
    pub newest: MessageId,
}

/// A session with consumers of queues.
struct Member {
    client: Client,
    feeds: Vec<Feed>,
    next_tag: u8,
}

/// A consumer.
struct Feed {
    tag: u8,
    id: SubscriptionId,
    source: FeedSource,
    /// Deliveries that were not settled, and their places.
    held: Vec<(Place, Taken)>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum FeedSource {
    Queues,
    Place(Place),
}

/// A session that survives a restart, with one subscription.
struct Lasting {
    client: Client,
    filter: &'static str,
    unread: VecDeque<Unread>,
    /// Messages read since the position was saved.
    read: Vec<Unread>,
    saved_position: u64,
}

#[derive(Debug, Clone)]
struct Unread {
    position: u64,
    topic: &'static str,
    is_recorded: bool,
    /// The session must get it.
    is_due: bool,
}

/// A message to be published.
pub struct Made {
    pub kind: DestinationKind,
    pub name: &'static str,
    pub number: u64,
    pub is_retained: bool,
    pub held: Held,
}

impl Run {
    fn new(seed: u64, page_out_bytes: Option<u64>) -> Self {
        let mut random = Random::new(seed);
        let limits = Limits {
            history_entries: [1, 3, 1_000][random.index(3)],
            redelivery: broker::Redelivery {
                maximum_redeliveries: random.below(3) as u32,
                ..broker::Redelivery::default()
            },
            page_out_bytes,
            ..Limits::default()
        };
        let journal = Arc::<MemoryJournal>::default();
        let broker = journal.broker(limits.clone());
        let mut run = Self {
            random,
            broker,
            limits,
            epochs: vec![(EPOCH, 1)],
            model: Model::default(),
            members: Vec::new(),
            lasting: Vec::new(),
            snapshots: Vec::new(),
            may_have_two_names: false,
            newest: MessageId {
                epoch: EPOCH,
                position: 0,
            },
            journal,
        };
        run.model.now_ms = 1_000;
        run.snapshots.push((0, run.model.clone()));
        for filter in ["t.*", "u"] {
            let client = Client::attach(&run.broker, "lasting");
            client.reader.session().set_lasting(true);
            client.subscribe(&run.broker, filter, Start::New, Overflow::DropOldest);
            run.lasting.push(Lasting {
                client,
                filter,
                unread: VecDeque::new(),
                read: Vec::new(),
                saved_position: 0,
            });
        }
        run
    }

    /// Returns the number of paged messages, counted at each step.
    fn run(mut self) -> u64 {
        let mut paged = 0;
        for _ in 0..250 {
            self.step_journal();
            let (queues, _) = self.broker.queues(&as_filter(">"), 100);
            paged += queues.iter().map(|one| one.paged).sum::<u64>();
            self.step();
        }
        self.check_parts();
        self.finish_lasting();
        self.check_all();
        paged
    }

    /// Lets the journal do some of its work, in any order.
    fn step_journal(&mut self) {
        if self.random.once_in(2) {
            self.journal.complete(&self.broker);
        }
        let open = self.journal.open_requests();
        if open > 0 && self.random.once_in(2) {
            let at = self.random.index(open);
            self.journal.answer(&self.broker, at, self.model.now_ms);
        }
    }

    /// Ends all sessions, and compares what is left with the model.
    fn check_all(&mut self) {
        while !self.members.is_empty() {
            self.detach(0);
        }
        self.sync_letters();
        for messages in self.model.places.values_mut() {
            messages
                .values_mut()
                .for_each(|held| held.is_recorded = true);
        }
        let found = find(&self.broker, &self.journal, self.model.now_ms);
        check(&found, &self.model, &self.model);
    }

    fn step(&mut self) {
        match self.random.below(65) {
            0..=1 => self.attach(),
            2..=7 => self.consume(),
            8..=24 => self.publish(),
            25..=34 => self.take(),
            35..=43 => self.settle(),
            44..=47 => self.commit(),
            48 => self.unsubscribe(),
            49 => self.detach_some(),
            50 => self.empty_queue(),
            51 => self.delete_durable(),
            52 => self.clear(),
            53 => self.pass_time(),
            54..=56 => self.read_lasting(),
            57 => self.save_position(),
            58 => self.crash(),
            59 => self.stop(),
            60..=61 => self.move_messages(),
            62 => self.retry(),
            63 => self.delete_messages(),
            _ => self.pause_or_resume_queue(),
        }
        self.sync_letters();
        self.snapshots
            .push((self.journal.calls(), self.model.clone()));
    }

    fn attach(&mut self) {
        if self.members.len() < 4 {
            let client = Client::attach(&self.broker, "c");
            self.members.push(Member::new(client));
        }
    }

    fn member(&mut self) -> Option<usize> {
        let count = self.members.len();
        (count > 0).then(|| self.random.index(count))
    }

    fn feeds(&self, place: Place) -> usize {
        let feeds = self.members.iter().flat_map(|one| &one.feeds);
        feeds
            .filter(|one| one.source == FeedSource::Place(place))
            .count()
    }

    fn consume(&mut self) {
        let Some(at) = self.member() else { return };
        let (source, consume) = match self.random.below(8) {
            0 => (FeedSource::Queues, queue("q.*")),
            1 => (FeedSource::Queues, queue(DEAD_LETTERS)),
            2..=3 => (FeedSource::Queues, queue(QUEUES[self.random.index(3)])),
            4..=5 => {
                let name = DURABLES[self.random.index(3)];
                if self.feeds(Place::Durable(name)) > 0 {
                    return;
                }
                (FeedSource::Place(Place::Durable(name)), self.durable(name))
            }
            _ => {
                let group = GROUPS[self.random.index(2)];
                self.model.at(Place::Shared(group));
                let place = FeedSource::Place(Place::Shared(group));
                (place, shared(group, shared_filter(group)))
            }
        };
        let consume = Consume {
            prefetch: 1 + self.random.index(6),
            acknowledgement: match self.random.below(5) {
                0 => Acknowledgement::Auto,
                _ => Acknowledgement::Individual,
            },
            ..consume
        };
        self.members[at].consume(&self.broker, source, consume);
    }

    /// Returns a consumer of a durable subscription, which may have a new binding.
    fn durable(&mut self, name: &'static str) -> Consume<'static> {
        let binding = match self.model.bindings.get(name) {
            Some(same) if !self.random.once_in(3) => *same,
            _ => Binding {
                filter: ["t.*", "t.a", "u"][self.random.index(3)],
                above: (self.random.below(2) == 0).then_some(4),
            },
        };
        if self.model.bindings.insert(name, binding) != Some(binding) {
            self.model
                .places
                .insert(Place::Durable(name), Default::default());
        }
        binding.consume(name)
    }

    fn make(&mut self) -> (Publication, Made) {
        self.model.bodies += 1;
        let (mut body, number) = (self.model.bodies.to_string(), self.random.below(10));
        let is_persistent = self.random.below(3) > 0;
        let expires_ms = match self.random.below(8) {
            0 => self.model.now_ms + 1 + self.random.below(100),
            _ => 0,
        };
        let kind = match self.random.below(2) {
            0 => DestinationKind::Queue,
            _ => DestinationKind::Topic,
        };
        let is_retained = kind == DestinationKind::Topic && self.random.once_in(5);
        if is_retained && self.random.once_in(4) {
            body.clear();
        }
        let header = format!("n:{number}");
        let (name, publication) = match kind {
            DestinationKind::Queue => {
                let name = QUEUES[self.random.index(3)];
                (name, message(name, &body, &[&header]))
            }
            DestinationKind::Topic => {
                let name = TOPICS[self.random.index(3)];
                (name, event(name, &body, &[&header]))
            }
        };
        let mut publication = publication.expiring(expires_ms);
        if is_persistent {
            publication = publication.persistent();
        }
        if is_retained {
            publication = publication.retained();
        }
        let held = Held {
            body,
            deliveries: 0,
            is_persistent,
            is_recorded: is_persistent,
            expires_ms,
        };
        let made = Made {
            kind,
            name,
            number,
            is_retained,
            held,
        };
        (publication, made)
    }

    fn publish(&mut self) {
        let count = 1 + self.random.index(4);
        let (mut batch, made): (Vec<_>, Vec<_>) = (0..count).map(|_| self.make()).unzip();
        let mut outcome = Outcome::default();
        self.broker.publish(&mut batch, &mut outcome);
        self.note_published(made, &outcome);
    }

    fn note_published(&mut self, made: Vec<Made>, outcome: &Outcome) {
        assert_eq!(outcome.results.len(), made.len());
        for (made, result) in made.into_iter().zip(&outcome.results) {
            let id = result.as_ref().expect("there is room").id;
            let key = |id: MessageId| (id.epoch, id.position);
            assert!(key(id) > key(self.newest), "{id} after {}", self.newest);
            self.newest = id;
            self.note(made, id.position);
        }
    }

    pub fn note(&mut self, made: Made, position: u64) {
        let Made { name, held, .. } = made;
        if made.kind == DestinationKind::Queue {
            self.model.at(Place::Queue(name)).insert(position, held);
            return;
        }
        self.model.feed(name, made.number, position, &held);
        if made.is_retained {
            self.model.retained.remove(name);
            if !held.body.is_empty() {
                let retained = (held.body, held.expires_ms);
                self.model.retained.insert(name, retained);
            }
        }
        for lasting in &mut self.lasting {
            if covers(lasting.filter, name) {
                lasting.unread.push_back(Unread {
                    position,
                    topic: name,
                    is_recorded: held.is_persistent,
                    is_due: held.expires_ms == 0,
                });
            }
        }
    }

    fn take(&mut self) {
        let Some(at) = self.member() else { return };
        let most = 1 + self.random.index(8);
        let member = &mut self.members[at];
        for taken in member.client.take_at(self.model.now_ms, most) {
            let feed = member.feeds.iter_mut();
            let mut feed = feed.filter(|one| one.tag == taken.subscription);
            let feed = feed.next().expect("the consumer of this tag");
            let place = feed.place_of(&taken);
            match self.model.held(place, taken.position) {
                Some(held) => {
                    assert_eq!(held.body, taken.body);
                    assert_eq!(held.deliveries + 1, taken.count, "{place:?} {taken:?}");
                }
                None => assert!(
                    self.model.loose.contains(&taken.body),
                    "{place:?} {taken:?}"
                ),
            }
            match taken.id {
                Some(_) => feed.held.push((place, taken)),
                None => drop(self.model.at(place).remove(&taken.position)),
            }
        }
    }

    /// Returns a delivery that was not settled.
    fn held(&mut self) -> Option<(usize, Place, Taken)> {
        let at = self.member()?;
        let feeds = &mut self.members[at].feeds;
        let mut with_held: Vec<_> = feeds
            .iter_mut()
            .filter(|one| !one.held.is_empty())
            .collect();
        let count = with_held.len();
        if count == 0 {
            return None;
        }
        let held = &mut with_held[self.random.index(count)].held;
        let (place, taken) = held.remove(self.random.index(held.len()));
        Some((at, place, taken))
    }

    fn verdict(&mut self) -> Verdict {
        match self.random.below(6) {
            0 => Verdict::Reject,
            1..=2 => Verdict::Return,
            _ => Verdict::Accept,
        }
    }

    fn settle(&mut self) {
        let Some((at, place, taken)) = self.held() else {
            return;
        };
        let verdict = self.verdict();
        self.members[at]
            .client
            .settle(&self.broker, &taken, verdict);
        self.note_settled(place, &taken, verdict);
    }

    fn note_settled(&mut self, place: Place, taken: &Taken, verdict: Verdict) {
        match verdict {
            Verdict::Accept => drop(self.model.at(place).remove(&taken.position)),
            Verdict::Reject => self.model.bury(place, taken.position),
            Verdict::Return if taken.count > self.limits.redelivery.maximum_redeliveries => {
                self.model.bury(place, taken.position);
            }
            Verdict::Return => {
                if let Some(held) = self.model.at(place).get_mut(&taken.position) {
                    held.deliveries = taken.count;
                }
            }
        }
    }

    /// Moves a message to another queue in a transaction, and publishes others.
    fn commit(&mut self) {
        let Some((at, place, taken)) = self.held() else {
            return;
        };
        let Some(held) = self.model.held(place, taken.position).cloned() else {
            return;
        };
        let client = &self.members[at].client;
        let settlement = client.stage(&self.broker, &taken, Verdict::Accept);
        if self.random.once_in(5) {
            let session = client.reader.session();
            self.broker.unstage(session, &[settlement]);
            self.members[at].keep(place, taken);
            return;
        }
        let name = QUEUES[self.random.index(3)];
        let moved = Made {
            kind: DestinationKind::Queue,
            name,
            number: 0,
            is_retained: false,
            held: Held {
                deliveries: 0,
                expires_ms: 0,
                is_persistent: held.is_recorded,
                ..held
            },
        };
        let publication = message(name, &moved.held.body, &["n:0"]);
        let publication = match held.is_recorded {
            true => publication.persistent(),
            false => publication,
        };
        let (other, made) = self.make();
        let settlements: &[Settlement] = &[settlement];
        let outcome = self.members[at]
            .client
            .commit(&self.broker, vec![publication, other], settlements)
            .expect("there is room");
        self.model.at(place).remove(&taken.position);
        self.note_published(vec![moved, made], &outcome);
    }

    fn unsubscribe(&mut self) {
        let Some(at) = self.member() else { return };
        let count = self.members[at].feeds.len();
        if count > 0 {
            let feed = self.members[at].feeds.remove(self.random.index(count));
            self.members[at].client.unsubscribe(&self.broker, feed.id);
            self.note_ended(&[feed]);
        }
    }

    fn detach_some(&mut self) {
        if let Some(at) = self.member() {
            self.detach(at);
        }
    }

    fn detach(&mut self, at: usize) {
        let member = self.members.remove(at);
        member.client.detach(&self.broker);
        self.note_ended(&member.feeds);
    }

    fn note_ended(&mut self, feeds: &[Feed]) {
        let is_ended = |place| self.members.iter().all(|one| !one.has(place));
        let ended: Vec<_> = GROUPS
            .map(Place::Shared)
            .into_iter()
            .filter(|place| is_ended(*place))
            .collect();
        for (place, taken) in feeds.iter().flat_map(|feed| &feed.held) {
            if ended.contains(place) {
                // Its dead letter follows after the removal of its queue, in another step.
                self.model.loose.insert(taken.body.clone());
            }
            self.note_settled(*place, taken, Verdict::Return);
        }
        for place in ended {
            self.model.places.remove(&place);
        }
    }

    /// Purges or removes a queue: what is in flight stays.
    fn empty_queue(&mut self) {
        let name = QUEUES[self.random.index(3)];
        match self.random.below(2) {
            0 => drop(self.broker.purge(&as_name(name))),
            _ => drop(self.broker.remove_queue(&as_name(name))),
        }
        if self.broker.queue(&as_name(name)).is_none() {
            self.model.paused.remove(name);
        }
        let left = self.browse(name);
        let place = Place::Queue(name);
        let held = self.members.iter().flat_map(|one| &one.feeds);
        for (_, taken) in held
            .flat_map(|one| &one.held)
            .filter(|(at, _)| *at == place)
        {
            assert!(left.iter().any(|(position, _)| *position == taken.position));
        }
        let messages = self.model.at(place);
        messages.retain(|position, _| left.iter().any(|(at, _)| at == position));
    }

    fn browse(&self, name: &str) -> Vec<(u64, String)> {
        let found = self.journal.browse(&self.broker, name, self.model.now_ms);
        let found = found.unwrap_or_default();
        let body = |body: &[u8]| String::from_utf8_lossy(body).into_owned();
        found
            .iter()
            .map(|entry| (entry.position(), body(entry.body())))
            .collect()
    }

    fn delete_durable(&mut self) {
        let name = DURABLES[self.random.index(3)];
        let place = Place::Durable(name);
        let is_used = self.feeds(place) > 0;
        let is_there = self.model.places.contains_key(&place);
        let deleted = self.broker.delete_durable(&durable_name(name));
        assert_eq!(deleted.is_ok(), is_there && !is_used);
        if deleted.is_ok() {
            self.model.places.remove(&place);
            self.model.bindings.remove(name);
        }
    }

    fn clear(&mut self) {
        let topic = TOPICS[self.random.index(3)];
        self.broker.clear(&as_name(topic));
        self.may_have_two_names = true;
        self.model.retained.remove(topic);
        for lasting in &mut self.lasting {
            for unread in &mut lasting.unread {
                if unread.topic == topic {
                    unread.is_due = false;
                }
            }
        }
    }

    fn pass_time(&mut self) {
        self.model.now_ms += self.random.below(60);
        self.broker
            .expire(self.model.now_ms, &mut Outcome::default());
        self.model.expire();
    }

    /// Finds the positions of the new dead letters.
    fn sync_letters(&mut self) {
        let letters = self.browse(DEAD_LETTERS);
        let Model {
            places,
            letters: new,
            loose,
            ..
        } = &mut self.model;
        let known = places.entry(Place::Queue(DEAD_LETTERS)).or_default();
        for position in known.keys() {
            assert!(letters.iter().any(|(at, _)| at == position), "{position}");
        }
        for (position, body) in letters {
            if known.contains_key(&position) {
                continue;
            }
            match new.iter().position(|one| one.0 == body) {
                Some(at) => {
                    let (body, is_persistent) = new.swap_remove(at);
                    let held = Held {
                        body,
                        deliveries: 0,
                        is_persistent,
                        is_recorded: is_persistent,
                        expires_ms: 0,
                    };
                    known.insert(position, held);
                }
                None => assert!(loose.contains(&body), "an invented dead letter {body}"),
            }
        }
        assert!(new.is_empty(), "lost dead letters {new:?}");
    }

    fn read_lasting(&mut self) {
        let at = self.random.index(2);
        let most = 1 + self.random.index(12);
        self.lasting[at].read(most);
    }

    /// Reads everything: nothing that is due may be missing.
    fn finish_lasting(&mut self) {
        for lasting in &mut self.lasting {
            lasting.read(usize::MAX);
            let missing = lasting.unread.iter().find(|one| one.is_due);
            assert!(missing.is_none(), "{missing:?} is lost");
        }
    }

    fn save_position(&mut self) {
        let at = self.random.index(2);
        self.lasting[at].save();
    }

    fn crash(&mut self) {
        self.check_parts();
        self.model.crash();
        self.may_have_two_names = true;
        let next = self.journal.newest_position() + 1;
        let epoch = self.epochs.last().map_or(EPOCH, |last| last.0) + 1;
        self.epochs.push((epoch, next));
        for lasting in &mut self.lasting {
            if self.random.below(2) == 0 {
                lasting.save();
            }
            // The caller's task: positions that a crash has lost are given to other messages.
            lasting.saved_position = lasting.saved_position.min(next - 1);
            lasting.return_read();
            lasting.unread.retain(|one| one.is_recorded);
        }
        self.restart(next, next - 1);
    }

    fn stop(&mut self) {
        while !self.members.is_empty() {
            self.detach(0);
        }
        self.sync_letters();
        self.check_parts();
        let images = TOPICS.map(|topic| self.image(topic));
        let has_sequences = !self.may_have_two_names;
        let stopped = self.broker.record_all();
        for messages in self.model.places.values_mut() {
            messages
                .values_mut()
                .for_each(|held| held.is_recorded = true);
        }
        let has_whole_history = self.limits.history_entries == 1_000;
        for lasting in &mut self.lasting {
            lasting.save();
            lasting.return_read();
            for unread in &mut lasting.unread {
                unread.is_due &= unread.is_recorded || has_whole_history;
                unread.is_recorded = true;
            }
        }
        self.restart(stopped.next_position, stopped.newest_removed);
        for (topic, image) in TOPICS.iter().zip(images) {
            // The messages of a topic that was cleared come back if a subscriber has not read them.
            let Some((position, sequence, body)) = image else {
                continue;
            };
            let (found, new_sequence, found_body) = self.image(topic).expect("the last image");
            assert_eq!((found, found_body), (position, body), "{topic}");
            assert!(!has_sequences || new_sequence == sequence, "{topic}");
        }
    }

    /// Returns the position, sequence and body of a topic's last message.
    fn image(&self, topic: &str) -> Option<(u64, u64, Vec<u8>)> {
        let last = self.broker.last_image(&as_name(topic))?;
        Some((last.position(), last.sequence(), last.body().to_vec()))
    }

    /// Continues with a broker that is restored from the journal.
    fn restart(&mut self, next: u64, newest_removed: u64) {
        self.check_part(self.journal.calls(), &self.model, &self.model);
        self.journal = self.journal.prefix(self.journal.calls());
        let limits = self.limits.clone();
        let restart = self
            .journal
            .restart(limits, &self.epochs, next, newest_removed);
        self.broker = restart;
        self.members.clear();
        for lasting in &mut self.lasting {
            lasting.restore(&self.broker);
        }
        for group in GROUPS {
            let place = Place::Shared(group);
            if self.model.places.contains_key(&place) && self.random.below(3) > 0 {
                let mut member = Member::new(Client::attach(&self.broker, "c"));
                let consume = shared(group, shared_filter(group));
                member.consume(&self.broker, FeedSource::Place(place), consume);
                self.members.push(member);
            } else {
                self.model.places.remove(&place);
            }
        }
        self.broker.end_restoration();
        if self.random.below(2) == 0 {
            self.finish_lasting();
        }
        let model = self.model.clone();
        self.snapshots = vec![(self.journal.calls(), model)];
    }

    /// Restores brokers from parts of the journal.
    fn check_parts(&mut self) {
        let first = self.snapshots[0].0;
        let calls = self.journal.calls();
        self.snapshots.push((calls, self.model.clone()));
        for _ in 0..8 {
            let part = first + self.random.index(calls - first + 1);
            let at = self.snapshots.partition_point(|(calls, _)| *calls < part);
            let after = &self.snapshots[at];
            let before = match after.0 == part {
                true => after,
                false => &self.snapshots[at.saturating_sub(1)],
            };
            self.check_part(part, &before.1, &after.1);
        }
    }

    fn check_part(&self, calls: usize, before: &Model, after: &Model) {
        let journal = self.journal.prefix(calls);
        let next = journal.newest_position() + 1;
        let mut epochs = self.epochs.clone();
        epochs.push((EPOCH + 1_000, next));
        let broker = journal.restart(self.limits.clone(), &epochs, next, next - 1);
        for name in QUEUES {
            let is_paused = broker.queue(&as_name(name)).map(|queue| queue.is_paused);
            let expected = [before, after].map(|model| model.paused.contains(name));
            let is_known = is_paused.is_none_or(|is_paused| expected.contains(&is_paused));
            let is_there = is_paused.is_some() || expected != [true, true];
            assert!(
                is_known && is_there,
                "{name}: {is_paused:?}, not {expected:?}"
            );
        }
        let mut found = find(&broker, &journal, before.now_ms);
        // Dead letters that only this broker has made.
        for messages in found.values_mut() {
            messages.retain(|position, _| *position < next);
        }
        check(&found, before, after);
        for topic in TOPICS {
            let entry = broker.retained(&as_name(topic));
            let body = entry.map(|entry| String::from_utf8_lossy(entry.body()).into_owned());
            let models = [before, after];
            let expected = models.map(|one| one.retained.get(topic).map(|one| &one.0));
            // Several messages of one publication may have been retained in turn.
            let number = body.as_ref().and_then(|body| body.parse::<u64>().ok());
            let is_new = number.is_some_and(|number| number > before.bodies);
            let is_removed = body.is_none() && expected[0] != expected[1];
            let is_expected = is_new || is_removed || expected.contains(&body.as_ref());
            assert!(is_expected, "{topic}: {body:?}, not {expected:?}");
            let subscribed = retained_for_new(&broker, topic);
            assert_eq!(subscribed, usize::from(body.is_some()), "{topic}");
        }
    }
}

/// Returns what is in the lasting queues, and settles all of it.
fn find(broker: &Broker, journal: &Arc<MemoryJournal>, now_ms: u64) -> Found {
    let mut client = Client::attach(broker, "all");
    let mut places = Vec::new();
    let mut consume = |place: Place, consume: Consume<'_>| {
        let tag = [places.len() as u8];
        let consume = Consume {
            prefetch: 100_000,
            tag: &tag,
            ..consume
        };
        client.consume(broker, consume);
        places.push(place);
    };
    for group in GROUPS {
        consume(Place::Shared(group), shared(group, shared_filter(group)));
    }
    broker.end_restoration();
    for name in QUEUES.into_iter().chain([DEAD_LETTERS]) {
        broker.set_queue_paused(&as_name(name), false, &mut Outcome::default());
        consume(
            Place::Queue(name),
            consumer_of(Place::Queue(name), &Default::default()),
        );
    }
    for (name, filter, selector) in journal.durables() {
        let known = DURABLES.iter().find(|one| **one == &*name.subscription);
        let place = Place::Durable(known.expect("its name"));
        consume(
            place,
            recorded_durable(&name.subscription, &filter, selector.as_ref()),
        );
    }
    let mut found = Found::new();
    let mut last = vec![0; places.len()];
    loop {
        let all = client.take_at(now_ms, usize::MAX);
        let is_empty = all.is_empty();
        for taken in all {
            let tag = usize::from(taken.subscription);
            assert!(
                taken.position > last[tag],
                "{:?} is not in order",
                places[tag]
            );
            last[tag] = taken.position;
            client.accept(broker, &taken);
            found
                .entry(places[tag])
                .or_default()
                .insert(taken.position, taken);
        }
        if journal.open_requests() > 0 {
            journal.answer_all(broker, now_ms);
        } else if is_empty {
            return found;
        }
    }
}

/// Returns how many retained messages a new subscription gets.
fn retained_for_new(broker: &Broker, topic: &str) -> usize {
    let mut client = Client::attach(broker, "new");
    let filter = as_filter(topic);
    let subscribe = Subscribe {
        retained: Retained::First,
        tag: &[0],
        ..Subscribe::to(&filter)
    };
    let session = client.reader.session();
    let subscribed = broker.subscribe(session, subscribe, &mut Outcome::default());
    assert!(subscribed.is_ok());
    let got = client.read_all();
    got.iter().filter(|one| one.is_retained).count()
}

impl Member {
    fn new(client: Client) -> Self {
        Self {
            client,
            feeds: Vec::new(),
            next_tag: 0,
        }
    }

    fn consume(&mut self, broker: &Broker, source: FeedSource, consume: Consume<'_>) {
        let tag = self.next_tag;
        self.next_tag += 1;
        let consume = Consume {
            tag: &[tag],
            ..consume
        };
        let id = self.client.consume(broker, consume);
        self.feeds.push(Feed {
            tag,
            id,
            source,
            held: Vec::new(),
        });
    }

    fn has(&self, place: Place) -> bool {
        let mut feeds = self.feeds.iter();
        feeds.any(|one| one.source == FeedSource::Place(place))
    }

    /// Keeps a delivery that a transaction has returned.
    fn keep(&mut self, place: Place, taken: Taken) {
        let mut feeds = self.feeds.iter_mut();
        if let Some(feed) = feeds.find(|one| one.tag == taken.subscription) {
            feed.held.push((place, taken));
        }
    }
}

impl Feed {
    fn place_of(&self, taken: &Taken) -> Place {
        let FeedSource::Queues = self.source else {
            let FeedSource::Place(place) = self.source else {
                unreachable!()
            };
            return place;
        };
        let names = QUEUES.into_iter().chain([DEAD_LETTERS]);
        let name = names.into_iter().find(|name| *name == taken.topic);
        Place::Queue(name.expect("a queue of the test"))
    }
}

impl Lasting {
    fn read(&mut self, most: usize) {
        let (got, _) = self.client.read(most);
        for one in got {
            loop {
                let Some(unread) = self.unread.pop_front() else {
                    panic!("{one:?} was invented");
                };
                self.read.push(unread.clone());
                if unread.position == one.position {
                    break;
                }
                assert!(unread.position < one.position, "{one:?} was invented");
                assert!(!unread.is_due, "{unread:?} was lost before {one:?}");
            }
        }
    }

    fn save(&mut self) {
        self.saved_position = self.client.reader.session().read_up_to();
        self.read.clear();
    }

    /// Returns what was read after the saved position, which may be delivered again.
    fn return_read(&mut self) {
        let saved = self.saved_position;
        for mut again in self.read.drain(..).rev() {
            if again.position > saved {
                again.is_due = false;
                self.unread.push_front(again);
            }
        }
    }

    fn restore(&mut self, broker: &Broker) {
        self.client = Client::attach(broker, "lasting");
        let session = self.client.reader.session();
        session.set_lasting(true);
        session.set_read_up_to(self.saved_position);
        let start = Start::AfterPosition(self.saved_position);
        self.client
            .subscribe(broker, self.filter, start, Overflow::DropOldest);
        self.client.reader.collect();
    }
}
