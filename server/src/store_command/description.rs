//! Names and kinds in a store, for people. Owns the texts; the encodings belong to `storage`.

use std::collections::BTreeMap;

use serde::Serialize;
use store::{Damage, Held, Holder, NameId, QueueId, State, StoredName, StoredQueue};

use crate::storage::codec::{self, kinds};

/// Returns the kind of a name or of a message's destination.
pub fn describe_kind(kind: u8) -> String {
    match kind {
        0 => "topic".to_owned(),
        1 => "queue".to_owned(),
        kind => format!("kind {kind}"),
    }
}

/// Returns the kind and the id of what a store keeps as a queue.
pub fn describe_queue(id: QueueId, queue: &StoredQueue) -> String {
    match codec::queue(&queue.attributes) {
        Ok(queue) => queue.to_string(),
        Err(_) => format!("queue {} of kind {}", id.0, queue.kind),
    }
}

/// True if a queue of this kind can have messages. The others keep numbers that a clean stop writes, or settings.
pub fn has_messages(queue: &StoredQueue) -> bool {
    let is_other = matches!(
        queue.kind,
        kinds::TOPIC_END | kinds::BROKER_END | kinds::DURABLE_TOPICS | kinds::EMPTIED
    );
    !is_other
}

/// The names and queues of a store.
#[derive(Debug, Default)]
pub struct Names {
    names: BTreeMap<NameId, String>,
    queues: BTreeMap<QueueId, String>,
}

impl Names {
    /// Returns the names and queues of a state.
    pub fn of(state: &State) -> Self {
        let mut names = Self::default();
        state.names().for_each(|(id, name)| names.add(id, name));
        state
            .queues()
            .for_each(|(id, queue)| names.add_queue(id, queue));
        names
    }

    /// Adds a name.
    pub fn add(&mut self, id: NameId, name: &StoredName) {
        self.names.insert(id, text(&name.name));
    }

    /// Adds a queue.
    pub fn add_queue(&mut self, id: QueueId, queue: &StoredQueue) {
        self.queues.insert(id, describe_queue(id, queue));
    }

    /// Returns a name, or its id if the store does not know it.
    pub fn name(&self, id: NameId) -> String {
        let name = self.names.get(&id).cloned();
        name.unwrap_or_else(|| format!("name {}", id.0))
    }

    /// Returns the description of a queue, or its id if the store does not know it.
    pub fn queue(&self, id: QueueId) -> String {
        let queue = self.queues.get(&id).cloned();
        queue.unwrap_or_else(|| format!("queue {}", id.0))
    }

    /// Returns the place of a message.
    pub fn held(&self, held: Held) -> String {
        let position = held.position;
        match held.holder {
            Holder::Queue(queue) => format!("position {position} of {}", self.queue(queue)),
            Holder::Topic(topic) => format!("position {position} of topic {}", self.name(topic)),
            Holder::Retained(topic) => {
                let topic = self.name(topic);
                format!("position {position}, retained by topic {topic}")
            }
        }
    }
}

/// Returns bytes as text. Names are Unicode; other bytes are replaced.
pub fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A damage as JSON.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DamageObject<'a> {
    file: &'a str,
    offset: u64,
    reason: &'a str,
    /// The first and the last position of messages that may be lost.
    positions: Option<[u64; 2]>,
}

impl<'a> From<&'a Damage> for DamageObject<'a> {
    fn from(damage: &'a Damage) -> Self {
        Self {
            file: &damage.file,
            offset: damage.offset,
            reason: &damage.reason,
            positions: damage.positions.map(|range| [range.first, range.last]),
        }
    }
}
