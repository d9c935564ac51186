//! The model of the queue simulation: messages and consumers in plain vectors and maps.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use broker::{Acknowledgement, Settlement, SubscriptionId, Verdict};

use crate::{
    harness::{Client, as_filter, as_name},
    queue_harness::Taken,
};

pub const QUEUES: [&str; 3] = ["q.a", "q.b", "q.c"];

/// The state of a message; each message has exactly one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Fate {
    /// In its queue, or given to a consumer that has not read it.
    Queued,
    /// Read but not acknowledged.
    Held,
    Acknowledged,
    Dead,
    Expired,
    Discarded,
}

#[derive(Debug, Clone)]
pub struct Message {
    pub queue: &'static str,
    pub position: u64,
    pub group: Option<u64>,
    /// The message is the last of its group.
    pub closes: bool,
    /// Counts the segments of the group; a message that closes the group ends a segment.
    pub segment: u64,
    pub is_red: bool,
    pub expires_ms: u64,
    pub is_persistent: bool,
    pub deliveries: u32,
    pub fate: Fate,
    pub step: u64,
}

pub struct Consumer {
    pub id: SubscriptionId,
    pub filter: &'static str,
    pub mode: Acknowledgement,
    pub prefetch: usize,
    pub is_exclusive: bool,
    /// The colour that the consumer selects, or None for all.
    pub red: Option<bool>,
    /// Held deliveries by number.
    pub held: BTreeMap<u64, usize>,
    pub staged: BTreeMap<u64, Vec<(u64, usize)>>,
    /// Number of deliveries that aborted transactions returned; the prefetch may be exceeded by
    /// this number.
    slack: usize,
    /// The newest position read, by queue.
    newest: HashMap<&'static str, u64>,
}

pub struct Member {
    pub client: Client,
    pub consumers: HashMap<u8, Consumer>,
    pub next_tag: u8,
    /// Settlements staged in transactions, with the tag of their consumer.
    pub open: Vec<(u8, Settlement)>,
    pub is_paused: bool,
}

#[derive(Default)]
pub struct Model {
    pub messages: Vec<Message>,
    pub step: u64,
    pub now_ms: u64,
    pub max_redeliveries: u32,
    pub has_selectors: bool,
    /// The open segment, by queue and group.
    open: HashMap<(&'static str, u64), u64>,
    /// The consumer and the time of assignment, by queue, group and segment.
    owners: HashMap<(&'static str, u64, u64), (u64, SubscriptionId)>,
    /// The time when a message was last returned, or a consumer became exclusive, by queue.
    disturbed: HashMap<&'static str, u64>,
    /// The expected content of the dead letter queue.
    pub dead_letters: Vec<usize>,
    /// Dead letters that were returned to their queue, by the queue and what they had become.
    revived: HashMap<(&'static str, Fate), u64>,
    /// Queues whose delivery is paused.
    pub paused: BTreeSet<&'static str>,
    pub checks: Checks,
}

/// Counts of the conditional checks, to detect a simulation that checks nothing.
#[derive(Debug, Default)]
pub struct Checks {
    pub order: u64,
    pub groups: u64,
    pub redelivered: u64,
    pub waiting: u64,
    /// Paged messages, counted at each step.
    pub paged: u64,
    /// Messages that an operator moved, and dead letters that were returned.
    pub moved: u64,
    pub revived: u64,
}

impl Checks {
    pub fn add(&mut self, other: &Self) {
        self.order += other.order;
        self.groups += other.groups;
        self.redelivered += other.redelivered;
        self.waiting += other.waiting;
        self.paged += other.paged;
        self.moved += other.moved;
        self.revived += other.revived;
    }
}

impl Consumer {
    pub fn new(id: SubscriptionId, filter: &'static str) -> Self {
        Self {
            id,
            filter,
            mode: Acknowledgement::Individual,
            prefetch: 1,
            is_exclusive: false,
            red: None,
            held: BTreeMap::new(),
            staged: BTreeMap::new(),
            slack: 0,
            newest: HashMap::new(),
        }
    }

    pub fn covers(&self, queue: &str) -> bool {
        as_filter(self.filter).matches(&as_name(queue))
    }

    pub fn wants(&self, message: &Message) -> bool {
        self.red.is_none_or(|red| red == message.is_red)
    }

    pub fn has_room(&self) -> bool {
        self.held.len() < self.prefetch
    }

    /// Removes and returns the deliveries that a settlement of this delivery covers.
    fn release(&mut self, number: u64) -> Vec<(u64, usize)> {
        let later = self.held.split_off(&(number + 1));
        let mut earlier = std::mem::replace(&mut self.held, later);
        if self.mode == Acknowledgement::Individual {
            let own = earlier.remove(&number);
            self.held.append(&mut earlier);
            return own.map(|message| (number, message)).into_iter().collect();
        }
        earlier.into_iter().collect()
    }

    pub fn stage(&mut self, number: u64) {
        let released = self.release(number);
        self.staged.insert(number, released);
    }

    pub fn unstage(&mut self, number: u64) {
        let back = self.staged.remove(&number).unwrap_or_default();
        self.slack += back.len();
        self.held.extend(back);
    }
}

impl Model {
    /// Records a published message; returns its number.
    pub fn publish(&mut self, mut message: Message) -> usize {
        self.enter_segment(&mut message);
        self.messages.push(message);
        self.messages.len() - 1
    }

    fn enter_segment(&mut self, message: &mut Message) {
        if let Some(group) = message.group {
            let open = self.open.entry((message.queue, group)).or_default();
            message.segment = *open;
            *open += u64::from(message.closes);
        }
    }

    /// Makes a message the newest one of a queue, as an operator does.
    pub fn arrive(&mut self, number: usize, queue: &'static str, position: u64) {
        let mut message = self.messages[number].clone();
        message.queue = queue;
        message.position = position;
        message.deliveries = 0;
        message.fate = Fate::Queued;
        message.step = self.step;
        self.enter_segment(&mut message);
        self.messages[number] = message;
    }

    /// Returns a dead letter to the queue that it comes from.
    pub fn revive(&mut self, number: usize, position: u64) {
        let Message { queue, fate, .. } = self.messages[number];
        *self.revived.entry((queue, fate)).or_default() += 1;
        let letter = self.dead_letters.iter().position(|one| *one == number);
        self.dead_letters
            .swap_remove(letter.expect("it is a dead letter"));
        self.messages[number].expires_ms = 0;
        self.arrive(number, queue, position);
    }

    /// Returns the positions of the messages of a queue that wait, after all sessions have read everything.
    pub fn waiting(&self, queue: &str) -> Vec<u64> {
        let waiting = self.messages.iter();
        let waiting = waiting.filter(|one| one.queue == queue && one.fate == Fate::Queued);
        let mut positions: Vec<_> = waiting.map(|one| one.position).collect();
        positions.sort_unstable();
        positions
    }

    pub fn disturb(&mut self, consumer: &Consumer) {
        for queue in QUEUES.into_iter().filter(|queue| consumer.covers(queue)) {
            self.disturbed.insert(queue, self.step);
        }
    }

    /// Checks and records a delivery.
    pub fn read(&mut self, consumer: &mut Consumer, taken: &Taken) {
        let number: usize = taken.body.parse().expect("the messages are numbered");
        let message = &mut self.messages[number];
        assert_eq!(message.fate, Fate::Queued, "{taken:?} {message:?}");
        assert!(!self.paused.contains(message.queue), "{taken:?}");
        message.deliveries += 1;
        assert_eq!(taken.count, message.deliveries, "{taken:?}");
        assert_eq!((taken.position, taken.missed), (message.position, None));
        assert_eq!(taken.queue.as_deref(), Some(message.queue));
        assert!(
            consumer.covers(message.queue) && consumer.wants(message),
            "{taken:?}"
        );
        assert!(
            message.expires_ms == 0 || message.expires_ms > self.now_ms,
            "{taken:?}"
        );
        if let Some(id) = taken.id {
            assert!(
                consumer.held.len() < consumer.prefetch + consumer.slack,
                "{taken:?}"
            );
            message.fate = Fate::Held;
            consumer.held.insert(id.number, number);
        } else {
            assert_eq!(consumer.mode, Acknowledgement::Auto);
            message.fate = Fate::Acknowledged;
        }
        self.checks.redelivered += u64::from(taken.count > 1);
        if taken.count == 1 {
            self.check_order(consumer, number);
            self.check_group(consumer, number);
        }
    }

    /// Checks that a consumer reads a queue's messages in order, except for returned ones.
    fn check_order(&mut self, consumer: &mut Consumer, number: usize) {
        let message = &self.messages[number];
        let newest = consumer.newest.entry(message.queue).or_default();
        let disturbed = self.disturbed.get(message.queue).copied().unwrap_or(0);
        if disturbed < message.step && message.group.is_none() {
            assert!(message.position > *newest, "{message:?}");
            self.checks.order += 1;
        }
        *newest = message.position.max(*newest);
    }

    /// Checks that a group's messages go to one consumer, except for returned ones.
    fn check_group(&mut self, consumer: &Consumer, number: usize) {
        let message = &self.messages[number];
        let Some(group) = message.group else { return };
        let key = (message.queue, group, message.segment);
        let own = (message.step, consumer.id);
        let (since, owner) = *self.owners.entry(key).or_insert(own);
        let disturbed = self.disturbed.get(message.queue).copied().unwrap_or(0);
        let began = since.min(message.step).min(self.segment_began(number));
        if disturbed < began && !self.has_selectors {
            assert_eq!(owner, consumer.id, "{message:?}");
            self.checks.groups += u64::from(since != message.step);
        }
    }

    fn segment_began(&self, number: usize) -> u64 {
        let own = &self.messages[number];
        let same = |one: &&Message| {
            (one.queue, one.group, one.segment) == (own.queue, own.group, own.segment)
        };
        // A message that was moved is not at its place in the list.
        let steps = self.messages.iter().filter(same).map(|one| one.step);
        steps.min().unwrap_or(0)
    }

    pub fn settle(&mut self, consumer: &mut Consumer, number: u64, verdict: Verdict) {
        let released = consumer.release(number);
        self.settle_all(consumer, released, verdict);
    }

    pub fn settle_staged(&mut self, consumer: &mut Consumer, number: u64, verdict: Verdict) {
        let released = consumer.staged.remove(&number).expect("it is staged");
        self.settle_all(consumer, released, verdict);
    }

    fn settle_all(&mut self, consumer: &Consumer, released: Vec<(u64, usize)>, verdict: Verdict) {
        for (_, number) in released {
            match verdict {
                Verdict::Accept => self.messages[number].fate = Fate::Acknowledged,
                Verdict::Reject => self.dead_letter(number),
                Verdict::Return => self.come_back(number),
            }
        }
        if verdict == Verdict::Return {
            self.disturb(consumer);
        }
    }

    /// Returns the messages of a consumer that has ended.
    pub fn leave(&mut self, mut consumer: Consumer) {
        self.give_back(&mut consumer);
    }

    /// Returns the messages of a consumer, read or not, to the queue.
    pub fn give_back(&mut self, consumer: &mut Consumer) {
        self.disturb(consumer);
        consumer.slack = 0;
        let staged = std::mem::take(&mut consumer.staged).into_values().flatten();
        let held = std::mem::take(&mut consumer.held).into_iter();
        for (_, number) in held.chain(staged) {
            self.come_back(number);
        }
    }

    fn come_back(&mut self, number: usize) {
        if self.messages[number].deliveries > self.max_redeliveries {
            self.dead_letter(number);
        } else {
            self.messages[number].fate = Fate::Queued;
        }
    }

    fn dead_letter(&mut self, number: usize) {
        self.messages[number].fate = Fate::Dead;
        self.dead_letters.push(number);
    }

    /// Expires messages, after all sessions have read everything and the broker has expired its
    /// own.
    pub fn expire(&mut self) {
        for (number, message) in self.messages.iter_mut().enumerate() {
            let is_late = message.expires_ms != 0 && message.expires_ms <= self.now_ms;
            if message.fate == Fate::Queued && is_late {
                message.fate = Fate::Expired;
                if message.is_persistent {
                    self.dead_letters.push(number);
                }
            }
        }
    }

    pub fn discard(&mut self, queue: &str) -> usize {
        let mut count = 0;
        for message in &mut self.messages {
            if message.queue == queue && message.fate == Fate::Queued {
                message.fate = Fate::Discarded;
                count += 1;
            }
        }
        count
    }

    /// Returns how many messages of a queue have had this fate, for the last time or before they were returned to it.
    pub fn count_ever(&self, queue: &'static str, fate: Fate) -> u64 {
        let revived = self.revived.get(&(queue, fate)).copied().unwrap_or(0);
        self.count(queue, fate) + revived
    }

    pub fn count(&self, queue: &str, fate: Fate) -> u64 {
        let is_it = |one: &&Message| one.queue == queue && one.fate == fate;
        self.messages.iter().filter(is_it).count() as u64
    }
}
