//! The operator of the queue simulation: moves, retries and deletes messages, and pauses queues.

use broker::{ActionError, MessageAction, PublishError};

use crate::{
    action_harness::{Moved, Operator, Work, flip, move_to},
    queue_model::{Fate, QUEUES},
    queue_simulation::Run,
};

impl Run {
    fn operator(&self) -> Operator<'_> {
        Operator {
            broker: &self.broker,
            journal: self.journal.as_deref(),
            now_ms: self.model.now_ms,
        }
    }

    fn queue(&mut self) -> &'static str {
        QUEUES[self.random.index(QUEUES.len())]
    }

    /// Returns some of the waiting messages of a queue, or none for all.
    fn selection(&mut self, queue: &str) -> Option<Vec<u64>> {
        if self.chance(2) {
            return None;
        }
        let waiting = self.model.waiting(queue);
        Some(waiting.into_iter().filter(|_| self.chance(2)).collect())
    }

    pub fn move_messages(&mut self) {
        self.read_all();
        let (from, to) = (self.queue(), self.queue());
        if from == to {
            return;
        }
        let only = self.selection(from);
        let wanted = only.clone().unwrap_or_else(|| self.model.waiting(from));
        let work = self.operator().act(from, only, &move_to(to));
        let moved = work.moved.iter().map(|one| one.entry.position());
        let moved: Vec<_> = moved.collect();
        assert_eq!(moved, wanted[..moved.len()]);
        self.check_end(&work, moved.len() == wanted.len(), to);
        self.model.checks.moved += moved.len() as u64;
        for one in work.moved {
            let number = number(&one);
            self.model.arrive(number, to, one.to);
        }
    }

    pub fn retry(&mut self) {
        self.read_all();
        let queue = self.queue();
        let work = self
            .operator()
            .act(&format!("DLQ.{queue}"), None, &MessageAction::Retry);
        self.check_end(&work, work.error.is_none(), queue);
        self.model.checks.revived += work.moved.len() as u64;
        for one in work.moved {
            let number = number(&one);
            assert_eq!(self.model.messages[number].queue, queue);
            self.model.revive(number, one.to);
        }
    }

    /// Checks that an action has ended early only because its destination was full.
    fn check_end(&self, work: &Work, is_complete: bool, to: &str) {
        match &work.error {
            None => assert!(is_complete),
            Some(ActionError::Publish(PublishError::QueueFull { .. })) => {
                assert!(self.is_full(to));
            }
            Some(other) => panic!("{other}"),
        }
    }

    pub fn delete_messages(&mut self) {
        self.read_all();
        let queue = self.queue();
        let only = self.selection(queue);
        let wanted = only.clone().unwrap_or_else(|| self.model.waiting(queue));
        assert_eq!(self.operator().delete(queue, only), wanted.len());
        for message in &mut self.model.messages {
            let is_waiting = message.queue == queue && message.fate == Fate::Queued;
            if is_waiting && wanted.contains(&message.position) {
                message.fate = Fate::Discarded;
            }
        }
    }

    pub fn pause_or_resume_queue(&mut self) {
        // Messages that consumers have already got stay with them; they are read first.
        self.read_all();
        let queue = self.queue();
        let is_paused = !self.model.paused.contains(queue);
        if self.operator().set_paused(queue, is_paused) {
            flip(&mut self.model.paused, queue);
        }
    }
}

fn number(moved: &Moved) -> usize {
    let body = String::from_utf8_lossy(moved.entry.body());
    body.parse().expect("the messages are numbered")
}
