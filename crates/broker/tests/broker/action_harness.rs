//! Actions of an operator on all waiting messages of a queue.

use std::{
    collections::BTreeSet,
    task::{Poll, Waker},
};

use broker::{
    Acted, ActionError, ActionRequest, Broker, DestinationKind, MessageAction, Outcome,
    SharedEntry, WaitingPart, WaitingWalk,
};

use crate::{harness::as_name, journal_harness::MemoryJournal};

/// A message on which an action was carried out, and the position of the new one.
pub struct Moved {
    pub entry: SharedEntry,
    pub to: u64,
}

/// The work of one request.
#[derive(Default)]
pub struct Work {
    pub moved: Vec<Moved>,
    /// The reason why it has ended before the last message.
    pub error: Option<ActionError>,
}

/// An operator, and the journal of the broker if it has one.
#[derive(Clone, Copy)]
pub struct Operator<'a> {
    pub broker: &'a Broker,
    pub journal: Option<&'a MemoryJournal>,
    pub now_ms: u64,
}

pub fn move_to(queue: &str) -> MessageAction {
    MessageAction::Move(DestinationKind::Queue, as_name(queue))
}

pub fn copy_to(queue: &str) -> MessageAction {
    MessageAction::Copy(DestinationKind::Queue, as_name(queue))
}

impl<'a> Operator<'a> {
    pub fn of(broker: &'a Broker) -> Self {
        Self {
            broker,
            journal: None,
            now_ms: 0,
        }
    }

    /// Acts on the waiting messages of a queue, or on those at some positions.
    pub fn act(self, queue: &str, only: Option<Vec<u64>>, action: &MessageAction) -> Work {
        let mut work = Work::default();
        let Some(mut walk) = self.broker.walk_waiting(&as_name(queue), 0, only) else {
            return work;
        };
        let client = self.broker.pools().own_client();
        while let Some(entries) = self.next(&mut walk) {
            for entry in entries {
                let request = ActionRequest {
                    action,
                    client: &client,
                    now_ms: self.now_ms,
                };
                let mut outcome = Outcome::default();
                let result = self.broker.act(&walk, &entry, request, &mut outcome);
                outcome.ready.deliver();
                match result {
                    Ok(Acted::Done(id)) => work.moved.push(Moved {
                        entry,
                        to: id.position,
                    }),
                    Ok(Acted::Gone) => {}
                    Err(error) => {
                        work.error = Some(error);
                        return work;
                    }
                }
            }
        }
        work
    }

    /// Returns the next messages of a walk.
    pub fn next(self, walk: &mut WaitingWalk) -> Option<Vec<SharedEntry>> {
        match self.broker.next_waiting(walk) {
            WaitingPart::End => None,
            WaitingPart::Messages(entries) => Some(entries),
            WaitingPart::Paged(mut paged) => {
                let journal = self.journal.expect("only a journal has paged messages");
                journal.answer_all(self.broker, self.now_ms);
                let Poll::Ready(entries) = paged.poll(Waker::noop()) else {
                    panic!("all requests are answered");
                };
                Some(entries)
            }
        }
    }

    /// Returns the positions of the messages that wait in a queue.
    pub fn waiting(self, queue: &str) -> Vec<u64> {
        let walk = self.broker.walk_waiting(&as_name(queue), 0, None);
        walk.map_or_else(Vec::new, |mut walk| {
            self.broker.next_positions(&mut walk, usize::MAX)
        })
    }

    /// Deletes the waiting messages of a queue, or those at some positions. Returns their number.
    pub fn delete(self, queue: &str, only: Option<Vec<u64>>) -> usize {
        let Some(mut walk) = self.broker.walk_waiting(&as_name(queue), 0, only) else {
            return 0;
        };
        let mut count = 0;
        loop {
            let positions = self.broker.next_positions(&mut walk, 3);
            if positions.is_empty() {
                return count;
            }
            count += self.broker.delete_waiting(&walk, &positions);
        }
    }

    /// Pauses the delivery from a queue, or lets it go on.
    pub fn set_paused(self, queue: &str, is_paused: bool) -> bool {
        let mut outcome = Outcome::default();
        let set = self
            .broker
            .set_queue_paused(&as_name(queue), is_paused, &mut outcome);
        outcome.ready.deliver();
        set.is_some()
    }
}

/// Notes that the delivery from a queue is paused, or that it goes on if it was paused.
pub fn flip(paused: &mut BTreeSet<&'static str>, queue: &'static str) {
    if !paused.remove(queue) {
        paused.insert(queue);
    }
}
