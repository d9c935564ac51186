//! Retained messages: messages that a topic stores, separately from its log, for later subscriptions (MQTT 5.0,
//! 3.3.1.3).
//!
//! The messages are stored in their topics; this module has the data about all of them.

use std::collections::BTreeMap;

use crate::{message::entry::Entry, name::TopicName, name::index::NameIndex};

/// The topics that retain a message, and the expiry of these messages. Guarded by the broker's lock.
#[derive(Debug, Default)]
pub(crate) struct RetainedIndex {
    names: NameIndex<()>,
    /// The topics of messages that expire, by time of expiry and by the message's position.
    expiring: BTreeMap<(u64, u64), TopicName>,
}

impl RetainedIndex {
    pub(crate) fn count(&self) -> usize {
        self.names.len()
    }

    /// Returns the topics that retain a message.
    pub(crate) fn names(&self) -> &NameIndex<()> {
        &self.names
    }

    /// Updates the index after the retained message of a topic was replaced or removed.
    pub(crate) fn replace(&mut self, before: Option<&Entry>, now: Option<&Entry>) {
        match (before, now) {
            (None, Some(entry)) => self.names.insert(entry.topic().clone(), ()),
            (Some(entry), None) => drop(self.names.remove(entry.topic())),
            (Some(_), Some(_)) | (None, None) => {}
        }
        before.iter().for_each(|entry| self.remove_expiring(entry));
        now.iter().for_each(|entry| self.add_expiring(entry));
    }

    fn add_expiring(&mut self, entry: &Entry) {
        if let Some(expires_ms) = entry.expires_ms() {
            let topic = entry.topic().clone();
            self.expiring.insert((expires_ms, entry.position()), topic);
        }
    }

    fn remove_expiring(&mut self, entry: &Entry) {
        if let Some(expires_ms) = entry.expires_ms() {
            self.expiring.remove(&(expires_ms, entry.position()));
        }
    }

    /// Returns the topic whose retained message has the earliest expiry, if that time has passed.
    pub(crate) fn expired(&self, now_ms: u64) -> Option<TopicName> {
        let (&(expires_ms, _), topic) = self.expiring.first_key_value()?;
        (expires_ms <= now_ms).then(|| topic.clone())
    }
}
