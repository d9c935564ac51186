//! Seeded runs of several consumers that return messages, against a plain model of the times: no message comes early, the order
//! of a group is kept, a consumer with room never misses a message, and in the end all have come.

use std::collections::BTreeMap;

use broker::{Broker, Consume, DueWork, Limits, Outcome, Redelivery, Verdict};
use simulation::Random;

use crate::{
    harness::{Client, EPOCH},
    queue_harness::{Taken, figures, message, publish_one, queue},
};

#[test]
fn returned_messages_come_again_at_their_time_and_none_is_lost() {
    for seed in simulation::seeds(40) {
        Run::new(seed).run();
    }
}

/// A message that no consumer has acknowledged.
#[derive(Debug, Clone, Default)]
struct Sent {
    group: Option<u64>,
    deliveries: u32,
    /// The time before which it must not come.
    due_ms: u64,
    is_held: bool,
}

struct Run {
    random: Random,
    broker: Broker,
    redelivery: Redelivery,
    consumers: Vec<(Client, Vec<Taken>)>,
    now_ms: u64,
    /// By number, which is the order of sending.
    sent: BTreeMap<u64, Sent>,
    count: u64,
}

impl Run {
    fn new(seed: u64) -> Self {
        let mut random = Random::new(seed);
        let redelivery = Redelivery {
            maximum_redeliveries: u32::MAX,
            initial_delay_ms: [0, 50][random.index(2)],
            delay_ms: 100 + random.below(200),
            ..Redelivery::default()
        };
        let limits = Limits {
            redelivery,
            ..Limits::default()
        };
        let mut run = Self {
            broker: Broker::new(EPOCH, limits),
            random,
            redelivery,
            consumers: Vec::new(),
            now_ms: 1_000,
            sent: BTreeMap::new(),
            count: 0,
        };
        for _ in 0..1 + run.random.index(3) {
            run.join();
        }
        run
    }

    fn join(&mut self) {
        let client = Client::attach(&self.broker, "c");
        let prefetch = 1 + self.random.index(3);
        client.consume(
            &self.broker,
            Consume {
                prefetch,
                ..queue("q")
            },
        );
        self.consumers.push((client, Vec::new()));
    }

    fn run(&mut self) {
        for _ in 0..300 {
            match self.random.below(12) {
                0..4 => self.send(),
                4..9 => self.settle(),
                9..11 => self.pass_time(),
                _ => self.replace(),
            }
            self.read();
        }
        for _ in 0..10_000 {
            if self.sent.is_empty() {
                break;
            }
            self.accept_all();
            self.now_ms += 100;
            self.release();
            self.read();
        }
        assert!(self.sent.is_empty(), "{:?}", self.sent);
        let left = figures(&self.broker, "q");
        assert_eq!((left.waiting, left.delayed, left.unacknowledged), (0, 0, 0));
    }

    fn send(&mut self) {
        self.count += 1;
        let group = (self.random.below(3) == 0).then(|| self.random.below(2));
        let header = group.map(|group| format!("JMSXGroupID:{group}"));
        let headers: Vec<_> = header.iter().map(String::as_str).collect();
        let sent = message("q", &self.count.to_string(), &headers);
        publish_one(&self.broker, sent).expect("room");
        let sent = Sent {
            group,
            ..Sent::default()
        };
        self.sent.insert(self.count, sent);
    }

    fn settle(&mut self) {
        let at = self.random.index(self.consumers.len());
        if self.consumers[at].1.is_empty() {
            return;
        }
        let index = self.random.index(self.consumers[at].1.len());
        let taken = self.consumers[at].1.swap_remove(index);
        let number: u64 = taken.body.parse().expect("a number");
        let client = &self.consumers[at].0;
        if self.random.below(2) == 0 {
            client.settle_at(&self.broker, &taken, Verdict::Accept, self.now_ms);
            self.sent.remove(&number);
        } else {
            client.settle_at(&self.broker, &taken, Verdict::Return, self.now_ms);
            let sent = self.sent.get_mut(&number).expect("it was sent");
            sent.is_held = false;
            sent.due_ms = self.now_ms + self.redelivery.delay_ms(sent.deliveries);
        }
    }

    fn accept_all(&mut self) {
        for (client, held) in &mut self.consumers {
            for taken in held.drain(..) {
                client.settle_at(&self.broker, &taken, Verdict::Accept, self.now_ms);
                let number: u64 = taken.body.parse().expect("a number");
                self.sent.remove(&number);
            }
        }
    }

    fn pass_time(&mut self) {
        self.now_ms += self.random.below(150);
        self.release();
    }

    fn release(&mut self) {
        let mut outcome = Outcome::default();
        while self.broker.deliver_due(self.now_ms, &mut outcome) == DueWork::More {}
    }

    /// A consumer ends, and its messages go to others at once; a new one comes.
    fn replace(&mut self) {
        let at = self.random.index(self.consumers.len());
        let (client, held) = self.consumers.swap_remove(at);
        for taken in held {
            let number: u64 = taken.body.parse().expect("a number");
            let sent = self.sent.get_mut(&number).expect("it was sent");
            sent.is_held = false;
        }
        client.detach(&self.broker);
        self.join();
    }

    /// All consumers read, and each delivery is compared with the model.
    fn read(&mut self) {
        for at in 0..self.consumers.len() {
            let (client, held) = &mut self.consumers[at];
            let taken = client.take_at(self.now_ms, usize::MAX);
            for one in taken {
                let number: u64 = one.body.parse().expect("a number");
                let sent = self.sent.get(&number).expect("it was sent").clone();
                assert!(!sent.is_held, "{number} is with two consumers");
                assert!(sent.due_ms <= self.now_ms, "{number} comes early");
                assert_eq!(one.count, sent.deliveries + 1);
                let earlier = self.sent.range(..number).filter(|(_, other)| {
                    other.group.is_some() && other.group == sent.group && !other.is_held
                });
                let waits = |(_, other): (&u64, &Sent)| other.due_ms > self.now_ms;
                assert!(
                    !earlier.into_iter().any(waits),
                    "{number} overtakes its group"
                );
                let sent = self.sent.get_mut(&number).expect("it was sent");
                sent.is_held = true;
                sent.deliveries += 1;
                held.push(one);
            }
        }
    }
}
