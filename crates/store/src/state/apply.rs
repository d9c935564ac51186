//! Changes of the state.

use std::collections::BTreeMap;

use crate::{
    format::ids::{Location, NameId, PositionRange, QueueId},
    record::{
        Cursor, Deliveries, Flags, Held, Holder, Moved, Name, Publish, QueueSaved, Record,
        SessionSaved, Settle, Trim, Waiting,
    },
    state::{RetainedMessage, State, StoredCursor, StoredName, StoredQueue, StoredSession},
};

impl State {
    /// True if the record changes the state. A record without effect is not written.
    pub(crate) fn is_changed_by<C>(&self, record: &Record<C>) -> bool {
        match record {
            Record::Name(name) => self
                .names
                .get(&name.id)
                .is_none_or(|known| known.kind != name.kind || known.name != name.name),
            Record::NameRemoved(id) => self.names.contains_key(id),
            Record::Publish(publish) => self.is_held(publish),
            Record::Settle(settle) => settle
                .ranges
                .iter()
                .any(|range| self.has_any(settle.queue, *range)),
            Record::Deliveries(deliveries) => self
                .waiting(deliveries.queue, deliveries.position)
                .is_some_and(|waiting| waiting.deliveries != deliveries.count),
            Record::Moved(moved) => {
                self.waiting(moved.from, moved.position).is_some()
                    && self.queues.contains_key(&moved.to)
            }
            Record::QueueSaved(saved) => self.queues.get(&saved.queue).is_none_or(|known| {
                known.kind != saved.kind || known.attributes != saved.attributes
            }),
            Record::QueueRemoved(queue) => self.queues.contains_key(queue),
            Record::Trim(trim) => self
                .topics
                .get(&trim.topic)
                .and_then(BTreeMap::first_key_value)
                .is_some_and(|(&first, _)| first < trim.before),
            Record::Forget(topic) => self.retained.contains_key(topic),
            Record::SessionSaved(saved) => self
                .sessions
                .get(&saved.client)
                .is_none_or(|known| known.data != saved.data),
            Record::SessionRemoved(client) => self.sessions.contains_key(client),
            Record::Cursor(cursor) => self.sessions.contains_key(&cursor.client),
        }
    }

    /// True if a place that exists holds the message.
    fn is_held<C>(&self, publish: &Publish<C>) -> bool {
        let is_known = |queue| self.queues.contains_key(queue);
        publish.flags.contains(Flags::IN_TOPIC)
            || publish.flags.contains(Flags::RETAINED)
            || publish.queues.as_slice().iter().any(is_known)
    }

    /// True if the queue holds a message in this range.
    pub(crate) fn has_any(&self, queue: QueueId, range: PositionRange) -> bool {
        range.first <= range.last
            && self.queues.get(&queue).is_some_and(|queue| {
                let mut waiting = queue.waiting.range(range.first..=range.last);
                waiting.next().is_some()
            })
    }

    pub(crate) fn waiting(&self, queue: QueueId, position: u64) -> Option<Waiting> {
        self.queues.get(&queue)?.waiting.get(&position).copied()
    }

    /// Applies a record that is at `location` in the log. [`Record::Moved`] is applied by
    /// [`move_message`](Self::move_message).
    pub(crate) fn apply<C>(&mut self, record: Record<C>, location: Location) {
        match record {
            Record::Name(Name { id, kind, name }) => {
                self.names.insert(id, StoredName { kind, name });
            }
            Record::NameRemoved(id) => {
                self.names.remove(&id);
            }
            Record::Publish(publish) => self.publish(&publish, location),
            Record::Settle(settle) => self.settle(&settle),
            Record::Deliveries(deliveries) => self.deliveries(deliveries),
            Record::Moved(_) => {}
            Record::QueueSaved(saved) => self.save_queue(saved),
            Record::QueueRemoved(queue) => self.remove_queue(queue),
            Record::Trim(trim) => self.trim(trim),
            Record::Forget(topic) => self.forget(topic),
            Record::SessionSaved(saved) => self.save_session(saved),
            Record::SessionRemoved(client) => {
                self.sessions.remove(&client);
            }
            Record::Cursor(cursor) => self.set_cursor(cursor),
        }
    }

    pub(crate) fn publish<C>(&mut self, publish: &Publish<C>, location: Location) {
        let position = publish.position;
        self.last_position = self.last_position.max(position);
        for queue in publish.queues.as_slice() {
            let waiting = Waiting {
                location,
                deliveries: 0,
            };
            self.insert(*queue, position, waiting);
        }
        if publish.flags.contains(Flags::IN_TOPIC) {
            self.insert_in_topic(publish.destination, position, location);
        }
        if publish.flags.contains(Flags::RETAINED) {
            self.retain(publish.destination, RetainedMessage { position, location });
        }
    }

    /// Puts a message into a queue; does nothing if the queue does not exist.
    pub(crate) fn insert(&mut self, queue: QueueId, position: u64, waiting: Waiting) {
        let Some(queue) = self.queues.get_mut(&queue) else {
            return;
        };
        self.live.add(waiting.location);
        if let Some(before) = queue.waiting.insert(position, waiting) {
            self.live.remove(before.location);
        }
    }

    pub(crate) fn insert_in_topic(&mut self, topic: NameId, position: u64, location: Location) {
        self.live.add(location);
        let messages = self.topics.entry(topic).or_default();
        if let Some(before) = messages.insert(position, location) {
            self.live.remove(before);
        }
    }

    pub(crate) fn retain(&mut self, topic: NameId, message: RetainedMessage) {
        self.live.add(message.location);
        if let Some(before) = self.retained.insert(topic, message) {
            self.live.remove(before.location);
        }
    }

    fn settle(&mut self, settle: &Settle) {
        let Some(queue) = self.queues.get_mut(&settle.queue) else {
            return;
        };
        for range in &settle.ranges {
            if range.first > range.last {
                continue;
            }
            if range.first == range.last {
                if let Some(waiting) = queue.waiting.remove(&range.first) {
                    self.live.remove(waiting.location);
                }
                continue;
            }
            let settled = queue
                .waiting
                .extract_if(range.first..=range.last, |_, _| true);
            for (_, waiting) in settled {
                self.live.remove(waiting.location);
            }
        }
    }

    fn deliveries(&mut self, deliveries: Deliveries) {
        let queue = self.queues.get_mut(&deliveries.queue);
        if let Some(waiting) = queue.and_then(|queue| queue.waiting.get_mut(&deliveries.position)) {
            waiting.deliveries = deliveries.count;
        }
    }

    /// Moves a message; the message need not be in the queue that it leaves.
    pub(crate) fn move_message(&mut self, moved: Moved, waiting: Waiting) {
        self.last_position = self.last_position.max(moved.new_position);
        if let Some(from) = self.queues.get_mut(&moved.from)
            && let Some(left) = from.waiting.remove(&moved.position)
        {
            self.live.remove(left.location);
        }
        self.insert(moved.to, moved.new_position, waiting);
    }

    /// Sets the place of a message that compaction has copied, for each holder that still holds the message.
    pub(crate) fn relocate(&mut self, holders: &[Held], location: Location) {
        for held in holders {
            if let Some(place) = self.location_mut(*held) {
                let before = std::mem::replace(place, location);
                self.live.add(location);
                self.live.remove(before);
            }
        }
    }

    fn location_mut(&mut self, held: Held) -> Option<&mut Location> {
        let position = held.position;
        match held.holder {
            Holder::Queue(queue) => self
                .queues
                .get_mut(&queue)
                .and_then(|queue| queue.waiting.get_mut(&position))
                .map(|waiting| &mut waiting.location),
            Holder::Topic(topic) => self.topics.get_mut(&topic)?.get_mut(&position),
            Holder::Retained(topic) => self
                .retained
                .get_mut(&topic)
                .filter(|message| message.position == position)
                .map(|message| &mut message.location),
        }
    }

    /// Removes a message from one place.
    pub(crate) fn remove_held(&mut self, held: Held) {
        let range = PositionRange::single(held.position);
        match held.holder {
            Holder::Queue(queue) => self.settle(&Settle {
                queue,
                ranges: vec![range],
            }),
            Holder::Topic(topic) => self.remove_from_topic(topic, held.position),
            Holder::Retained(topic) => self.forget(topic),
        }
    }

    fn remove_from_topic(&mut self, topic: NameId, position: u64) {
        if let Some(messages) = self.topics.get_mut(&topic)
            && let Some(location) = messages.remove(&position)
        {
            self.live.remove(location);
            if messages.is_empty() {
                self.topics.remove(&topic);
            }
        }
    }

    pub(crate) fn save_queue(&mut self, saved: QueueSaved) {
        self.last_queue = self.last_queue.max(saved.queue.0);
        let queue = self
            .queues
            .entry(saved.queue)
            .or_insert_with(|| StoredQueue {
                kind: saved.kind,
                attributes: Box::default(),
                waiting: BTreeMap::new(),
            });
        queue.kind = saved.kind;
        queue.attributes = saved.attributes;
    }

    fn remove_queue(&mut self, queue: QueueId) {
        if let Some(removed) = self.queues.remove(&queue) {
            for waiting in removed.waiting.values() {
                self.live.remove(waiting.location);
            }
        }
    }

    fn trim(&mut self, trim: Trim) {
        if let Some(messages) = self.topics.get_mut(&trim.topic) {
            let kept = messages.split_off(&trim.before);
            for location in std::mem::replace(messages, kept).values() {
                self.live.remove(*location);
            }
            if messages.is_empty() {
                self.topics.remove(&trim.topic);
            }
        }
    }

    fn forget(&mut self, topic: NameId) {
        if let Some(message) = self.retained.remove(&topic) {
            self.live.remove(message.location);
        }
    }

    pub(crate) fn save_session(&mut self, saved: SessionSaved) {
        let session = self
            .sessions
            .entry(saved.client)
            .or_insert_with(|| StoredSession {
                data: Box::default(),
                cursor: None,
            });
        session.data = saved.data;
    }

    pub(crate) fn set_cursor(&mut self, cursor: Cursor) {
        // A position that a cursor has passed must not be given out again.
        self.last_position = self.last_position.max(cursor.position);
        if let Some(session) = self.sessions.get_mut(&cursor.client) {
            session.cursor = Some(StoredCursor {
                position: cursor.position,
                window: cursor.window,
            });
        }
    }
}
