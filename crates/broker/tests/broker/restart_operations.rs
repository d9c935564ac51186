//! The operator of the restart simulation: moves, retries and deletes messages, and pauses queues.

use broker::{DestinationKind, Entry, MessageAction};

use crate::{
    action_harness::{Moved, Operator, flip, move_to},
    restart_model::{DEAD_LETTERS, Held, Place, QUEUES, TOPICS},
    restart_simulation::{Made, Run},
};

impl Run {
    fn operator(&self) -> Operator<'_> {
        Operator {
            broker: &self.broker,
            journal: Some(&self.journal),
            now_ms: self.model.now_ms,
        }
    }

    fn queue(&mut self) -> &'static str {
        QUEUES[self.random.index(QUEUES.len())]
    }

    pub fn move_messages(&mut self) {
        let from = match self.random.below(4) {
            0 => DEAD_LETTERS,
            _ => self.queue(),
        };
        let to = self.queue();
        if from == to {
            return;
        }
        let work = self.operator().act(from, None, &move_to(to));
        assert_eq!(work.error, None);
        for moved in work.moved {
            let expires_ms = moved.entry.expires_ms().unwrap_or(0);
            self.leave(from, moved.entry.position());
            let made = made(DestinationKind::Queue, to, &moved.entry, expires_ms);
            self.arrive(made, &moved);
        }
    }

    pub fn retry(&mut self) {
        let work = self
            .operator()
            .act(DEAD_LETTERS, None, &MessageAction::Retry);
        assert_eq!(work.error, None);
        for moved in work.moved {
            let origin = moved.entry.dead_letter_origin();
            let (kind, name) = origin.expect("the broker has written it");
            let names = QUEUES.into_iter().chain(TOPICS);
            let name = names.into_iter().find(|one| *one == name.as_str());
            self.leave(DEAD_LETTERS, moved.entry.position());
            let name = name.expect("a queue or topic of the test");
            self.arrive(made(kind, name, &moved.entry, 0), &moved);
        }
    }

    pub fn delete_messages(&mut self) {
        let queue = self.queue();
        let walk = self.operator().waiting(queue);
        let some: Vec<_> = walk
            .into_iter()
            .filter(|_| self.random.once_in(2))
            .collect();
        assert_eq!(
            self.operator().delete(queue, Some(some.clone())),
            some.len()
        );
        for position in some {
            self.leave(queue, position);
        }
    }

    pub fn pause_or_resume_queue(&mut self) {
        let queue = self.queue();
        let is_paused = !self.model.paused.contains(queue);
        if self.operator().set_paused(queue, is_paused) {
            flip(&mut self.model.paused, queue);
        }
    }

    /// Notes that a message has left a queue.
    fn leave(&mut self, queue: &'static str, position: u64) {
        self.model.at(Place::Queue(queue)).remove(&position);
    }

    fn arrive(&mut self, made: Made, moved: &Moved) {
        self.newest.position = self.newest.position.max(moved.to);
        let now_ms = self.model.now_ms;
        if made.held.expires_ms > 0 && made.held.expires_ms <= now_ms {
            // The broker has not found out yet that it has expired.
            self.model.loose.insert(made.held.body);
            return;
        }
        self.note(made, moved.to);
    }
}

/// Returns a message that an operator has published to a destination.
fn made(kind: DestinationKind, name: &'static str, entry: &Entry, expires_ms: u64) -> Made {
    let number = entry.header("n").and_then(|number| number.parse().ok());
    Made {
        kind,
        name,
        number: number.unwrap_or(0),
        is_retained: false,
        held: Held {
            body: String::from_utf8_lossy(entry.body()).into_owned(),
            deliveries: 0,
            is_persistent: entry.is_persistent(),
            is_recorded: entry.is_persistent(),
            expires_ms,
        },
    }
}
