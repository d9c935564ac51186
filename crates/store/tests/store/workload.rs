//! Random changes, as a broker could make them.

use simulation::Random;
use store::{
    Cursor, Deliveries, Flags, Moved, Name, NameId, PositionRange, Publish, QueueId, QueueSaved,
    Queues, Record, SessionSaved, Settle, Trim,
};

use crate::{
    message::Message,
    model::{Model, Waiting},
};

/// A source of random changes. `model` is the state after all changes.
#[derive(Debug, Clone)]
pub struct Workload {
    pub model: Model,
    pub random: Random,
    pub next_position: u64,
    next_message: u64,
    next_queue: u32,
}

const TOPICS: usize = 4;

impl Workload {
    pub fn new(seed: u64) -> Self {
        Self {
            model: Model::default(),
            random: Random::new(seed),
            next_position: 1,
            next_message: 1,
            next_queue: 1,
        }
    }

    /// Returns the records of a group: each element is one unit.
    pub fn group(&mut self) -> Vec<Vec<Record<Message>>> {
        let units = 1 + self.random.index(6);
        (0..units).map(|_| self.unit()).collect()
    }

    fn unit(&mut self) -> Vec<Record<Message>> {
        let records = match self.random.index(5) {
            0 => 1 + self.random.index(4),
            _ => 1,
        };
        (0..records)
            .map(|_| {
                let record = self.record();
                self.model.apply(&record);
                record
            })
            .collect()
    }

    fn record(&mut self) -> Record<Message> {
        match self.random.index(24) {
            0 => self.name(),
            1 | 2 => self.save_queue(),
            3 if self.random.once_in(4) => self.remove_queue(),
            3..=5 => self.session(),
            6 | 7 => self.trim(),
            8..=13 => self.settle(),
            14 => self.deliveries(),
            15 => self.moved(),
            _ => self.publish(),
        }
    }

    fn position(&mut self) -> u64 {
        // The broker gives positions to messages that are not stored as well.
        let position = self.next_position + self.random.index(2) as u64;
        self.next_position = position + 1;
        position
    }

    fn queue(&mut self) -> Option<u32> {
        let queues: Vec<u32> = self.model.queues.keys().copied().collect();
        (!queues.is_empty()).then(|| queues[self.random.index(queues.len())])
    }

    fn topic(&mut self) -> NameId {
        NameId(self.random.index(TOPICS) as u32)
    }

    /// Returns a queue and a message that waits in it.
    fn waiting(&mut self) -> Option<(QueueId, u64, Waiting)> {
        let queue = self.queue()?;
        let waiting = &self.model.queues[&queue].waiting;
        let index = self.random.index(waiting.len());
        let (&position, &message) = waiting.iter().nth(index)?;
        Some((QueueId(queue), position, message))
    }

    fn name(&mut self) -> Record<Message> {
        let id = self.topic();
        if self.random.once_in(4) {
            return Record::NameRemoved(id);
        }
        let name = format!("topic.{}.{}", id.0, self.random.index(3));
        Record::Name(Name {
            id,
            kind: 0,
            name: name.into_bytes().into(),
        })
    }

    fn save_queue(&mut self) -> Record<Message> {
        let queue = match self.queue() {
            Some(queue) if self.model.queues.len() > 3 || self.random.once_in(4) => queue,
            _ => {
                self.next_queue += 1;
                self.next_queue
            }
        };
        Record::QueueSaved(QueueSaved {
            queue: QueueId(queue),
            kind: 1,
            attributes: vec![self.random.number() as u8; 3].into(),
        })
    }

    fn remove_queue(&mut self) -> Record<Message> {
        match self.queue() {
            Some(queue) => Record::QueueRemoved(QueueId(queue)),
            None => self.publish(),
        }
    }

    fn session(&mut self) -> Record<Message> {
        let client = format!("client {}", self.random.index(3)).into_bytes();
        let client = client.into_boxed_slice();
        match self.random.index(6) {
            0 => Record::SessionRemoved(client),
            1 | 2 => Record::SessionSaved(SessionSaved {
                client,
                data: vec![self.random.number() as u8; 10].into(),
            }),
            _ => Record::Cursor(Cursor {
                client,
                position: self.next_position - 1,
                window: vec![self.random.number() as u8; self.random.index(20)].into(),
            }),
        }
    }

    fn trim(&mut self) -> Record<Message> {
        let topic = self.topic();
        if self.random.once_in(4) {
            return Record::Forget(topic);
        }
        let before =
            self.next_position - self.random.index(8).min(self.next_position as usize) as u64;
        Record::Trim(Trim { topic, before })
    }

    fn settle(&mut self) -> Record<Message> {
        let Some((queue, position, _)) = self.waiting() else {
            return self.publish();
        };
        let range = match self.random.index(6) {
            // All messages up to one, as a cumulative acknowledgement.
            0 => PositionRange {
                first: 0,
                last: position,
            },
            1 => PositionRange {
                first: 0,
                last: u64::MAX,
            },
            _ => PositionRange::single(position),
        };
        Record::Settle(Settle {
            queue,
            ranges: vec![range],
        })
    }

    fn deliveries(&mut self) -> Record<Message> {
        let Some((queue, position, waiting)) = self.waiting() else {
            return self.publish();
        };
        Record::Deliveries(Deliveries {
            queue,
            position,
            count: waiting.deliveries + 1,
        })
    }

    fn moved(&mut self) -> Record<Message> {
        let (Some((from, position, _)), Some(to)) = (self.waiting(), self.queue()) else {
            return self.publish();
        };
        Record::Moved(Moved {
            from,
            position,
            to: QueueId(to),
            new_position: self.position(),
        })
    }

    fn publish(&mut self) -> Record<Message> {
        let number = self.next_message;
        self.next_message += 1;
        let mut queues = Vec::new();
        for _ in 0..self.random.index(3) {
            if let Some(queue) = self.queue().map(QueueId)
                && !queues.contains(&queue)
            {
                queues.push(queue);
            }
        }
        let flags = [
            Flags::default(),
            Flags::default(),
            Flags::IN_TOPIC,
            Flags::RETAINED,
            Flags::IN_TOPIC.with(Flags::RETAINED),
        ][self.random.index(5)];
        Record::Publish(Publish {
            position: self.position(),
            destination: self.topic(),
            kind: 0,
            flags,
            timestamp_ms: 1_000 + number,
            expires_ms: 0,
            queues: match queues[..] {
                [one] => Queues::one(one),
                _ => Queues::Many(queues),
            },
            content: Message::new(number),
        })
    }
}

/// Returns the states that a crash in the middle of a group may leave: one for each number of complete units. A message that
/// is settled later in the group is missing in all of them.
pub fn states_within(before: &Model, group: &[Vec<Record<Message>>]) -> Vec<Model> {
    let records: Vec<&Record<Message>> = group.iter().flatten().collect();
    let mut states = vec![before.clone()];
    let mut state = before.clone();
    let mut index = 0;
    for unit in group {
        for record in unit {
            index += 1;
            let mut record = record.clone();
            if let Record::Publish(publish) = &mut record {
                let position = publish.position;
                let is_left_out = |queue: QueueId| is_settled(queue, position, &records[index..]);
                let kept = publish.queues.as_slice().iter().copied();
                publish.queues = Queues::Many(kept.filter(|&queue| !is_left_out(queue)).collect());
            }
            state.apply(&record);
        }
        states.push(state.clone());
    }
    states
}

fn is_settled(queue: QueueId, position: u64, later: &[&Record<Message>]) -> bool {
    let is_moved = later.iter().any(|record| {
        matches!(record, Record::Moved(moved) if (moved.from, moved.position) == (queue, position))
    });
    !is_moved
        && later.iter().any(|record| match record {
            Record::Settle(settle) => {
                settle.queue == queue
                    && settle
                        .ranges
                        .iter()
                        .any(|range| (range.first..=range.last).contains(&position))
            }
            _ => false,
        })
}
