//! The ids with which a journal refers to names and to the histories of topics.

use std::{fmt, sync::Arc};

use super::{DestinationKind, TopicName};

/// Gives ids to names and to the histories of topics. A part of the [`Journal`](crate::Journal).
pub trait NameIds: fmt::Debug + Send + Sync {
    /// Gives an id to the name of a topic or queue, before the first message that uses it. A name may have several ids.
    fn create_name(&self, kind: DestinationKind, name: &TopicName) -> u32;

    /// Ends the use of a name's id.
    fn remove_name(&self, name: u32);

    /// Records a topic's history: the messages of the topic that must survive a restart. Returns an id that no other history
    /// or queue ever has.
    fn create_history(&self, topic: &TopicName) -> u32;

    /// Records that a history is not needed any more.
    fn remove_history(&self, history: u32);

    /// Records that a history does not need the message at this position any more.
    fn forget(&self, history: u32, position: u64);
}

/// The id of a name. The use of the id ends when this is dropped.
#[derive(Debug)]
pub(crate) struct NameId {
    id: u32,
    ids: Arc<dyn NameIds>,
}

impl NameId {
    pub(crate) fn new(id: u32, ids: Arc<dyn NameIds>) -> Self {
        Self { id, ids }
    }

    pub(crate) fn id(&self) -> u32 {
        self.id
    }
}

impl Drop for NameId {
    fn drop(&mut self) {
        self.ids.remove_name(self.id);
    }
}

/// The id of a topic's history. The history is removed when this is dropped.
#[derive(Debug)]
pub(crate) struct HistoryId {
    id: u32,
    ids: Arc<dyn NameIds>,
}

impl HistoryId {
    pub(crate) fn new(id: u32, ids: Arc<dyn NameIds>) -> Self {
        Self { id, ids }
    }

    pub(crate) fn id(&self) -> u32 {
        self.id
    }

    pub(crate) fn forget(&self, position: u64) {
        self.ids.forget(self.id, position);
    }
}

impl Drop for HistoryId {
    fn drop(&mut self) {
        self.ids.remove_history(self.id);
    }
}
