//! Invariants of every simulated run of queues, checked after all sessions have read everything.

use broker::SharedEntry;

use crate::{
    harness::{as_filter, as_name},
    queue_harness::{expire, figures},
    queue_model::{Checks, Fate, Message, QUEUES},
    queue_simulation::Run,
};

impl Run {
    /// Lets all sessions read everything.
    pub fn read_all(&mut self) {
        expire(&self.broker, self.model.now_ms);
        loop {
            let is_loaded = self.load_all();
            let read: usize = (0..self.members.len())
                .map(|at| self.read_from(at, usize::MAX))
                .sum();
            if read == 0 && !is_loaded {
                break;
            }
        }
        expire(&self.broker, self.model.now_ms);
        self.load_all();
        self.model.expire();
    }

    /// Answers all requests for messages. Returns whether there were some.
    fn load_all(&mut self) -> bool {
        let Some(journal) = &self.journal else {
            return false;
        };
        let is_loaded = journal.open_requests() > 0;
        journal.answer_all(&self.broker, self.model.now_ms);
        is_loaded
    }

    /// Returns all messages of a queue.
    fn browse(&self, name: &str) -> Option<Vec<SharedEntry>> {
        match &self.journal {
            Some(journal) => journal.browse(&self.broker, name, self.model.now_ms),
            None => Some(self.broker.browse(&as_name(name), 0, usize::MAX)?.entries),
        }
    }

    pub fn purge(&mut self) {
        self.read_all();
        let name = QUEUES[self.random.below(3) as usize];
        if let Some(count) = self.broker.purge(&as_name(name)) {
            assert_eq!(self.model.discard(name), count);
        }
    }

    /// Compares an administrator's view with the model.
    pub fn look(&mut self) {
        self.read_all();
        for name in QUEUES {
            let Some(found) = self.browse(name) else {
                continue;
            };
            let found: Vec<_> = found.iter().map(|entry| entry.position()).collect();
            let is_there =
                |one: &&Message| one.queue == name && matches!(one.fate, Fate::Queued | Fate::Held);
            let wanted = self.model.messages.iter().filter(is_there);
            let mut wanted: Vec<_> = wanted.map(|one| one.position).collect();
            wanted.sort_unstable();
            assert_eq!(found, wanted);
        }
    }

    pub fn check(&mut self) {
        self.read_all();
        for name in QUEUES {
            if self.broker.queue(&as_name(name)).is_none() {
                continue;
            }
            let figures = figures(&self.broker, name);
            let count = |fate| self.model.count(name, fate);
            assert_eq!(figures.waiting, count(Fate::Queued), "{name}");
            assert_eq!(figures.unacknowledged, count(Fate::Held), "{name}");
            assert_eq!(figures.acknowledged, count(Fate::Acknowledged), "{name}");
            let ever = |fate| self.model.count_ever(name, fate);
            assert_eq!(figures.expired, ever(Fate::Expired), "{name}");
            // Messages for which the dead letter queue was full.
            let refused = ever(Fate::Dead).checked_sub(figures.dead_lettered);
            let refused = refused.expect("only the dead are dead letters");
            assert_eq!(
                figures.discarded,
                count(Fate::Discarded) + refused,
                "{name}"
            );
            assert!(refused == 0 || self.is_bounded(), "{name}");
            assert_eq!(
                figures.is_paused,
                self.model.paused.contains(name),
                "{name}"
            );
            if !figures.is_paused {
                self.check_waiting(name);
            }
        }
    }

    /// Checks that no message waits that a consumer with room could receive.
    fn check_waiting(&mut self, name: &str) {
        let there = self.members.iter().filter(|one| !one.is_paused);
        let consumers = there.flat_map(|one| one.consumers.values());
        let mut consumers: Vec<_> = consumers.filter(|one| one.covers(name)).collect();
        consumers.sort_by_key(|one| one.id);
        let only = consumers.iter().position(|one| one.is_exclusive);
        if let Some(only) = only {
            consumers = vec![consumers[only]];
        }
        let have_all_room = consumers.iter().all(|one| one.has_room());
        let waiting = self.model.messages.iter();
        for message in waiting.filter(|one| one.queue == name && one.fate == Fate::Queued) {
            let mut could = consumers
                .iter()
                .filter(|one| one.has_room() && one.wants(message));
            let is_free = message.group.is_none() || only.is_some();
            let owner_has_room = !self.model.has_selectors && have_all_room;
            if is_free || owner_has_room {
                assert!(could.next().is_none(), "{message:?}");
                self.model.checks.waiting += 1;
            }
        }
    }

    fn is_bounded(&self) -> bool {
        self.broker.limits().queue_entries < 1_000
    }

    pub fn check_figures(&self) {
        for one in self.broker.queues(&as_filter(">"), 100).0 {
            let gone =
                one.acknowledged + one.dead_lettered + one.expired + one.discarded + one.moved;
            assert_eq!(
                one.enqueued,
                one.waiting + one.unacknowledged + gone,
                "{one:?}"
            );
        }
    }

    pub fn finish(mut self) -> Checks {
        self.check();
        let mut found = Vec::new();
        for name in QUEUES {
            let letters = self.browse(&format!("DLQ.{name}"));
            let letters = letters.into_iter().flatten();
            found.extend(letters.map(|entry| String::from_utf8_lossy(entry.body()).into_owned()));
        }
        found.sort_unstable();
        let wanted = self.model.dead_letters.iter().map(ToString::to_string);
        let mut wanted: Vec<_> = wanted.collect();
        wanted.sort_unstable();
        if !self.is_bounded() {
            assert_eq!(found, wanted);
        }
        while !self.members.is_empty() {
            self.detach();
        }
        for name in QUEUES {
            self.broker.remove_queue(&as_name(name));
            self.broker.remove_queue(&as_name(&format!("DLQ.{name}")));
        }
        let figures = self.broker.figures();
        assert_eq!((figures.queues, figures.sessions), (0, 0));
        assert_eq!((figures.subscriptions, figures.held_bytes), (0, 0));
        self.model.checks
    }
}
