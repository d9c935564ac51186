//! Seeded runs of producers and consumers of queues against a plain model: no message is lost, no
//! message is delivered twice without a redelivery count, and no consumer with room waits while
//! messages are available.

use std::{collections::HashMap, sync::Arc};

use broker::{
    Acknowledgement, Broker, CommitError, Consume, DeliveryId, Limits, MessageId, Outcome,
    PublishError, Settlement, Verdict,
};
use simulation::Random;

use crate::{
    harness::{Client, EPOCH, as_filter},
    journal_harness::MemoryJournal,
    queue_harness::{expire, figures, message, queue, selector},
    queue_model::{Checks, Consumer, Fate, Member, Message, Model, QUEUES},
};

#[test]
fn every_message_has_one_state_and_consumers_with_room_do_not_wait() {
    let mut checks = Checks::default();
    let seeds = simulation::seeds(200);
    let count = seeds.count_left();
    for seed in seeds {
        let own = Run::new(seed).run();
        checks.add(&own);
    }
    check_all(&checks, count);
}

/// The same with a journal that has most of the messages, while memory has few of them.
#[test]
fn paged_messages_are_delivered_like_others() {
    let mut checks = Checks::default();
    let seeds = simulation::seeds(40);
    let count = seeds.count_left();
    for seed in seeds {
        let own = Run::with_paging(seed).run();
        checks.add(&own);
    }
    check_all(&checks, count);
    if count >= simulation::ENOUGH {
        assert!(checks.paged > 100 * count, "{checks:?}");
    }
}

fn check_all(checks: &Checks, count: u64) {
    if count >= simulation::ENOUGH {
        assert!(checks.order > 5 * count, "{checks:?}");
        assert!(checks.groups > 2 * count, "{checks:?}");
        assert!(checks.redelivered > 5 * count, "{checks:?}");
        assert!(checks.waiting > 5 * count, "{checks:?}");
        assert!(checks.moved > 5 * count, "{checks:?}");
        assert!(checks.revived > count, "{checks:?}");
    }
}

const FILTERS: [&str; 5] = ["q.a", "q.b", "q.c", "q.*", "*.b"];

pub struct Run {
    pub random: Random,
    pub broker: Broker,
    pub model: Model,
    pub members: Vec<Member>,
    /// Present if messages are paged.
    pub journal: Option<Arc<MemoryJournal>>,
}

/// A held delivery: the session and the consumer's tag.
#[derive(Clone, Copy)]
struct Choice {
    member: usize,
    tag: u8,
    number: u64,
}

impl Run {
    fn new(seed: u64) -> Self {
        Self::on(seed, |_, limits| (Broker::new(EPOCH, limits), None))
    }

    fn with_paging(seed: u64) -> Self {
        Self::on(seed, |random, limits| {
            let journal = Arc::<MemoryJournal>::default();
            let page_out_bytes = Some([0, 1_000, 5_000][random.index(3)]);
            let broker = journal.broker(Limits {
                page_out_bytes,
                ..limits
            });
            (broker, Some(journal))
        })
    }

    fn on(
        seed: u64,
        create: impl FnOnce(&mut Random, Limits) -> (Broker, Option<Arc<MemoryJournal>>),
    ) -> Self {
        let mut random = Random::new(seed);
        let max_redeliveries = random.below(4) as u32;
        let queue_entries = [15, 1_000_000][random.below(2) as usize];
        let mut model = Model::default();
        model.max_redeliveries = max_redeliveries;
        model.has_selectors = random.below(2) == 0;
        let limits = Limits {
            redelivery: broker::Redelivery {
                maximum_redeliveries: max_redeliveries,
                ..broker::Redelivery::default()
            },
            queue_entries,
            dead_letters: broker::DeadLetterQueue::Own,
            ..Limits::default()
        };
        let (broker, journal) = create(&mut random, limits);
        Self {
            random,
            broker,
            model,
            members: Vec::new(),
            journal,
        }
    }

    fn run(mut self) -> Checks {
        for _ in 0..400 {
            self.step();
        }
        self.finish()
    }

    /// Lets the journal do some of its work, in any order.
    fn step_journal(&mut self) {
        let Some(journal) = self.journal.clone() else {
            return;
        };
        let (queues, _) = self.broker.queues(&as_filter(">"), 100);
        self.model.checks.paged += queues.iter().map(|one| one.paged).sum::<u64>();
        if self.chance(2) {
            journal.complete(&self.broker);
        }
        let open = journal.open_requests();
        if open > 0 && self.chance(2) {
            let at = self.random.index(open);
            journal.answer(&self.broker, at, self.model.now_ms);
        }
    }

    fn step(&mut self) {
        self.model.step += 1;
        self.step_journal();
        match self.random.below(45) {
            0 => self.attach(),
            1..=3 => self.consume(),
            4 => self.unsubscribe(),
            5 if self.random.below(4) == 0 => self.detach(),
            6 => self.pass_time(),
            7..=16 => self.publish(),
            17..=24 => self.read(),
            25..=33 => self.settle(),
            34..=35 => self.stage(),
            36 => self.end_transaction(),
            37 => self.look(),
            38 => self.check(),
            39 if self.chance(2) => self.pause_or_resume(),
            40..=41 => self.move_messages(),
            42 => self.retry(),
            43 if self.chance(4) => self.delete_messages(),
            44 => self.pause_or_resume_queue(),
            _ if self.random.below(8) == 0 => self.purge(),
            _ => {}
        }
        self.check_figures();
    }

    pub fn chance(&mut self, one_in: u64) -> bool {
        self.random.below(one_in) == 0
    }

    fn attach(&mut self) {
        if self.members.len() < 5 {
            self.members.push(Member {
                client: Client::attach(&self.broker, "c"),
                consumers: HashMap::new(),
                next_tag: 0,
                open: Vec::new(),
                is_paused: false,
            });
        }
    }

    fn member(&mut self) -> Option<usize> {
        let count = self.members.len() as u64;
        (count > 0).then(|| self.random.below(count) as usize)
    }

    fn consume(&mut self) {
        let Some(at) = self.member() else { return };
        if self.members[at].is_paused {
            return;
        }
        let filter = FILTERS[self.random.below(FILTERS.len() as u64) as usize];
        let mode = match self.random.below(3) {
            0 => Acknowledgement::Auto,
            1 => Acknowledgement::Cumulative,
            _ => Acknowledgement::Individual,
        };
        let prefetch = 1 + self.random.below(6) as usize;
        let exclusive = self.chance(8);
        let red = (self.model.has_selectors && self.chance(2)).then(|| self.chance(2));
        let member = &mut self.members[at];
        let tag = member.next_tag;
        member.next_tag += 1;
        let consume = Consume {
            acknowledgement: mode,
            prefetch,
            exclusive,
            selector: red.and_then(|red| selector(&format!("red = {red}"))),
            tag: &[tag],
            ..queue(filter)
        };
        let id = member.client.consume(&self.broker, consume);
        let mut consumer = Consumer::new(id, filter);
        consumer.mode = mode;
        consumer.prefetch = prefetch;
        consumer.is_exclusive = exclusive;
        consumer.red = red;
        if exclusive {
            self.model.disturb(&consumer);
        }
        member.consumers.insert(tag, consumer);
    }

    fn unsubscribe(&mut self) {
        let Some(at) = self.member() else { return };
        let member = &mut self.members[at];
        let Some(tag) = member.consumers.keys().min().copied() else {
            return;
        };
        if let Some(consumer) = member.consumers.remove(&tag) {
            member.client.unsubscribe(&self.broker, consumer.id);
            member.open.retain(|(other, _)| *other != tag);
            self.model.leave(consumer);
        }
    }

    pub fn detach(&mut self) {
        let Some(at) = self.member() else { return };
        let member = self.members.swap_remove(at);
        member.client.detach(&self.broker);
        for consumer in member.consumers.into_values() {
            self.model.leave(consumer);
        }
    }

    /// Pauses or resumes a session.
    fn pause_or_resume(&mut self) {
        let Some(at) = self.member() else { return };
        let member = &mut self.members[at];
        let session = member.client.reader.session();
        let mut outcome = Outcome::default();
        if member.is_paused {
            self.broker.resume(session, &mut outcome);
        } else {
            self.broker.pause(session, self.model.now_ms, &mut outcome);
            member.open.clear();
        }
        member.is_paused = !member.is_paused;
        for consumer in member.consumers.values_mut() {
            if member.is_paused {
                self.model.give_back(consumer);
            } else {
                // The consumer may become exclusive again.
                self.model.disturb(consumer);
            }
        }
    }

    fn pass_time(&mut self) {
        self.model.now_ms += self.random.below(20);
        if self.chance(2) {
            expire(&self.broker, self.model.now_ms);
        }
    }

    /// Creates a publication, and its message for the model if the broker accepts it.
    fn make(&mut self, number: usize) -> (broker::Publication, Message) {
        let group = self.chance(3).then(|| self.random.below(4));
        let closes = group.is_some() && self.chance(6);
        let expires_ms = match self.random.below(6) {
            0 => self.model.now_ms + 1 + self.random.below(40),
            _ => 0,
        };
        let message_ = Message {
            queue: QUEUES[self.random.below(3) as usize],
            position: 0,
            group,
            closes,
            segment: 0,
            is_red: self.chance(2),
            expires_ms,
            is_persistent: self.chance(2),
            deliveries: 0,
            fate: Fate::Queued,
            step: self.model.step,
        };
        let mut headers = vec![
            format!("red:{}", message_.is_red),
            format!("persistent:{}", message_.is_persistent),
        ];
        headers.extend(group.map(|group| format!("JMSXGroupID:{group}")));
        headers.extend(closes.then(|| "JMSXGroupSeq:-1".to_owned()));
        let headers: Vec<_> = headers.iter().map(String::as_str).collect();
        let publication = message(message_.queue, &number.to_string(), &headers);
        (publication.expiring(expires_ms), message_)
    }

    fn make_batch(&mut self, most: u64) -> (Vec<broker::Publication>, Vec<Message>) {
        let first = self.model.messages.len();
        let count = self.random.below(most + 1) as usize;
        (0..count).map(|index| self.make(first + index)).unzip()
    }

    fn publish(&mut self) {
        let (mut batch, messages) = self.make_batch(8);
        let mut outcome = Outcome::default();
        self.broker.publish(&mut batch, &mut outcome);
        self.note_published(messages, &outcome);
    }

    fn note_published(&mut self, messages: Vec<Message>, outcome: &Outcome) {
        for (mut message, result) in messages.into_iter().zip(&outcome.results) {
            match result {
                Ok(published) => {
                    message.position = published.id.position;
                    self.model.publish(message);
                }
                Err(_) => assert!(self.is_full(message.queue)),
            }
        }
    }

    pub fn is_full(&self, queue: &str) -> bool {
        let figures = figures(&self.broker, queue);
        figures.waiting + figures.unacknowledged >= self.broker.limits().queue_entries
    }

    fn read(&mut self) {
        let Some(at) = self.member() else { return };
        let most = 1 + self.random.below(10) as usize;
        self.read_from(at, most);
    }

    pub fn read_from(&mut self, at: usize, most: usize) -> usize {
        let member = &mut self.members[at];
        let taken = member.client.take_at(self.model.now_ms, most);
        assert!(taken.is_empty() || !member.is_paused, "{taken:?}");
        for one in &taken {
            let consumer = member.consumers.get_mut(&one.subscription);
            let consumer = consumer.expect("nothing comes after unsubscribing");
            self.model.read(consumer, one);
        }
        taken.len()
    }

    /// Returns a held delivery that is not staged in a transaction.
    fn held(&mut self) -> Option<Choice> {
        let mut all = Vec::new();
        for (member, one) in self.members.iter().enumerate() {
            for (tag, consumer) in &one.consumers {
                let numbers = consumer.held.keys();
                all.extend(numbers.map(|number| Choice {
                    member,
                    tag: *tag,
                    number: *number,
                }));
            }
        }
        all.sort_by_key(|one| (one.member, one.tag, one.number));
        let count = all.len() as u64;
        (count > 0).then(|| all[self.random.below(count) as usize])
    }

    fn settlement(&mut self, choice: Choice) -> Settlement {
        let verdict = match self.random.below(8) {
            0..=1 => Verdict::Return,
            2 => Verdict::Reject,
            _ => Verdict::Accept,
        };
        let subscription = self.members[choice.member].consumers[&choice.tag].id;
        let delivery = DeliveryId {
            subscription,
            number: choice.number,
        };
        Settlement { delivery, verdict }
    }

    fn settle(&mut self) {
        let Some(choice) = self.held() else { return };
        let Settlement { delivery, verdict } = self.settlement(choice);
        let member = &mut self.members[choice.member];
        let session = member.client.reader.session();
        let consumer = member
            .consumers
            .get_mut(&choice.tag)
            .expect("chosen from them");
        let position = self.model.messages[consumer.held[&choice.number]].position;
        let message = MessageId {
            epoch: EPOCH,
            position,
        };
        assert_eq!(
            self.broker
                .find_delivery(session, Some(consumer.id), message),
            Some(delivery)
        );
        member
            .client
            .try_settle(&self.broker, delivery, verdict)
            .expect("it is held");
        self.model.settle(consumer, choice.number, verdict);
        assert!(
            member
                .client
                .try_settle(&self.broker, delivery, verdict)
                .is_err()
        );
    }

    /// Stages a settlement in a transaction that ends later.
    fn stage(&mut self) {
        let Some(choice) = self.held() else { return };
        let settlement = self.settlement(choice);
        let member = &mut self.members[choice.member];
        let session = member.client.reader.session();
        let staged = self
            .broker
            .stage(session, settlement, &mut Outcome::default());
        staged.expect("it is held");
        let consumer = member
            .consumers
            .get_mut(&choice.tag)
            .expect("chosen from them");
        consumer.stage(choice.number);
        member.open.push((choice.tag, settlement));
    }

    /// Ends a transaction with some of the staged settlements.
    fn end_transaction(&mut self) {
        let Some(at) = self.member() else { return };
        let count = self.random.below(self.members[at].open.len() as u64 + 1) as usize;
        let own: Vec<_> = self.members[at].open.drain(..count).collect();
        let settlements: Vec<_> = own.iter().map(|(_, settlement)| *settlement).collect();
        let (publications, messages) = self.make_batch(3);
        let committed = if self.chance(3) {
            None
        } else {
            let client = &self.members[at].client;
            let result = client.commit(&self.broker, publications, &settlements);
            if let Err(error) = &result {
                let full = matches!(error, CommitError::Publish(PublishError::QueueFull { .. }));
                assert!(full, "{error}");
            }
            result.ok()
        };
        let Some(outcome) = committed else {
            let session = self.members[at].client.reader.session();
            self.broker.unstage(session, &settlements);
            self.end(at, &own, |_, consumer, one| {
                consumer.unstage(one.delivery.number)
            });
            return;
        };
        self.note_published(messages, &outcome);
        self.end(at, &own, |model, consumer, one| {
            model.settle_staged(consumer, one.delivery.number, one.verdict);
        });
    }

    fn end(
        &mut self,
        at: usize,
        open: &[(u8, Settlement)],
        change: impl Fn(&mut Model, &mut Consumer, &Settlement),
    ) {
        for (tag, settlement) in open {
            let consumer = self.members[at]
                .consumers
                .get_mut(tag)
                .expect("it has not left");
            change(&mut self.model, consumer, settlement);
        }
    }
}
