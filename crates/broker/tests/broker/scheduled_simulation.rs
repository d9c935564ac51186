//! Seeded runs of scheduled messages with crashes against a plain model: a list of the times at which each message is due.

use std::{collections::BTreeMap, sync::Arc};

use broker::{Broker, Limits, MessageId, Schedule, ScheduledPlace};
use simulation::Random;

use crate::{
    harness::{Client, EPOCH},
    journal_harness::MemoryJournal,
    queue_harness::{message, queue},
    scheduled::{deliver_due, publish},
};

#[test]
fn every_scheduled_message_is_delivered_as_often_as_the_model_says() {
    for seed in simulation::seeds(30) {
        Run::new(seed).run();
    }
}

/// A message in the model.
#[derive(Debug, Clone)]
struct Planned {
    body: String,
    next_ms: u64,
    period_ms: u64,
    left: u32,
}

struct Run {
    random: Random,
    journal: Arc<MemoryJournal>,
    broker: Broker,
    epochs: Vec<(u64, u64)>,
    now_ms: u64,
    /// By position.
    planned: BTreeMap<u64, Planned>,
    /// The messages that are in the queue, and their number.
    delivered: BTreeMap<String, u32>,
    ids: Vec<MessageId>,
}

impl Run {
    fn new(seed: u64) -> Self {
        let journal = Arc::<MemoryJournal>::default();
        Self {
            random: Random::new(seed),
            broker: journal.broker(Limits::default()),
            journal,
            epochs: vec![(EPOCH, 1)],
            now_ms: 10_000,
            planned: BTreeMap::new(),
            delivered: BTreeMap::new(),
            ids: Vec::new(),
        }
    }

    fn run(&mut self) {
        for step in 0..150 {
            match self.random.below(10) {
                0..4 => self.schedule(step),
                4..8 => self.pass_time(),
                8 => self.cancel(),
                _ => self.restart(),
            }
            self.check();
        }
        // Everything is delivered in the end.
        while !self.planned.is_empty() {
            self.pass_time();
        }
        self.check();
        let mut reader = Client::attach(&self.broker, "reader");
        reader.consume(&self.broker, queue("q"));
        let mut found = BTreeMap::new();
        for body in reader.take_bodies() {
            *found.entry(body).or_insert(0) += 1;
        }
        assert_eq!(found, self.delivered);
    }

    fn schedule(&mut self, step: u64) {
        let delay_ms = 1 + self.random.below(5_000);
        let (period_ms, repeats) = match self.random.below(3) {
            0 => (
                1_000 + self.random.below(3_000),
                self.random.below(4) as u32,
            ),
            _ => (0, 0),
        };
        let body = format!("m{step}");
        let publication = message("q", &body, &[]).persistent();
        let id = publish(
            &self.broker,
            publication.scheduled(Schedule {
                period_ms,
                repeats: Some(repeats),
                ..Schedule::after(self.now_ms, delay_ms)
            }),
        );
        let id = id.expect("there is room");
        self.ids.push(id);
        let planned = Planned {
            body,
            next_ms: self.now_ms + delay_ms,
            period_ms,
            left: repeats + 1,
        };
        self.planned.insert(id.position, planned);
    }

    /// The clock goes on, or, as it may, back.
    fn pass_time(&mut self) {
        self.now_ms = match self.random.below(10) {
            0 => self.now_ms.saturating_sub(self.random.below(2_000)),
            _ => self.now_ms + self.random.below(3_000),
        };
        deliver_due(&self.broker, self.now_ms);
        let now_ms = self.now_ms;
        for planned in self.planned.values_mut() {
            if planned.next_ms > now_ms {
                continue;
            }
            *self.delivered.entry(planned.body.clone()).or_insert(0) += 1;
            planned.left -= 1;
            let next_ms = planned.next_ms + planned.period_ms;
            planned.next_ms = match next_ms > now_ms {
                true => next_ms,
                false => now_ms + planned.period_ms,
            };
        }
        self.planned.retain(|_, planned| planned.left > 0);
    }

    fn cancel(&mut self) {
        if self.ids.is_empty() {
            return;
        }
        let at = self.random.below(self.ids.len() as u64) as usize;
        let id = self.ids.swap_remove(at);
        let was_planned = self.planned.remove(&id.position).is_some();
        assert_eq!(self.broker.cancel_scheduled(id), was_planned);
    }

    /// A crash, after which everything recorded is there. Late repetitions begin at the time of their number.
    fn restart(&mut self) {
        // A copy, because the broker of the run before removes names when it is dropped.
        self.journal = self.journal.prefix(self.journal.calls());
        let next = self.journal.newest_position() + 1;
        self.epochs.push((EPOCH + self.epochs.len() as u64, next));
        self.broker = self.journal.restart(
            Limits::default(),
            &self.epochs,
            next,
            next.saturating_sub(1),
        );
        self.broker.end_restoration();
        let page = self
            .broker
            .scheduled(ScheduledPlace::default(), 1_000, |_, _| true);
        for one in page.messages {
            let planned = self.planned.get_mut(&one.id.position);
            let planned = planned.expect("the model has it");
            assert!(one.next_ms <= planned.next_ms, "a restart delays nothing");
            planned.next_ms = one.next_ms;
        }
    }

    fn check(&self) {
        let page = self
            .broker
            .scheduled(ScheduledPlace::default(), 1_000, |_, _| true);
        let mut found: Vec<_> = page
            .messages
            .iter()
            .map(|one| (one.id.position, one.next_ms, one.remaining))
            .collect();
        assert!(found.is_sorted_by_key(|one| one.1), "{found:?}");
        found.sort_unstable();
        let planned = self.planned.iter();
        let planned: Vec<_> = planned
            .map(|(position, one)| (*position, one.next_ms, Some(one.left)))
            .collect();
        assert_eq!((found, page.total), (planned, self.planned.len()));
    }
}
