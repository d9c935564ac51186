//! Topics by the age of their newest message: when memory is full, the topics that were not published to for longest
//! give up what they keep.
//!
//! A publication does not touch the index. A topic is listed under the position of the message that was its newest when
//! somebody looked last, and moved to its actual place when it comes up as the oldest: each move is paid by a
//! publication since the last look.

use std::collections::BTreeMap;

use crate::{
    broker::publish::{New, Rights},
    memory::account::Memory,
    message::entry::DestinationKind,
    name::TopicName,
    state::BrokerState,
    topic::Topic,
    topic::log::Released,
};

/// The topics that keep messages. Guarded by the broker's order.
#[derive(Debug, Default)]
pub(crate) struct AgeIndex {
    /// Topics that keep more than their last image.
    histories: BTreeMap<u64, TopicName>,
    /// Topics that keep only their last image.
    images: BTreeMap<u64, TopicName>,
    /// Topics that gave up their last image.
    emptied: u64,
}

/// Where a topic is listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Listed {
    History(u64),
    Image(u64),
}

/// What is needed.
#[derive(Clone, Copy)]
pub(crate) struct Wanted<'a> {
    pub(crate) memory: &'a Memory,
    /// Bytes that may be held then.
    pub(crate) most_held: u64,
    /// The topic of the publication, which has given up already what it could.
    pub(crate) except: Option<&'a TopicName>,
}

impl AgeIndex {
    /// Notes that a topic was published to.
    #[inline]
    pub(crate) fn note(&mut self, topic: &mut Topic) {
        let is_listed = match topic.listed {
            Some(Listed::History(_)) => topic.log.history_entries() > 1,
            Some(Listed::Image(_)) => topic.log.history_entries() == 1,
            None => false,
        };
        if !is_listed {
            self.list(topic);
        }
    }

    #[cold]
    fn list(&mut self, topic: &mut Topic) {
        self.remove(topic);
        let Some(newest) = topic.log.last().map(|entry| entry.position()) else {
            return;
        };
        let name = topic.account.name.clone();
        topic.listed = Some(if topic.log.history_entries() > 1 {
            self.histories.insert(newest, name);
            Listed::History(newest)
        } else {
            self.images.insert(newest, name);
            Listed::Image(newest)
        });
    }

    /// Takes a topic out.
    pub(crate) fn remove(&mut self, topic: &mut Topic) {
        match topic.listed.take() {
            Some(Listed::History(position)) => self.histories.remove(&position),
            Some(Listed::Image(position)) => self.images.remove(&position),
            None => None,
        };
    }

    /// Topics that gave up their last image.
    pub(crate) fn emptied(&self) -> u64 {
        self.emptied
    }
}

impl BrokerState {
    /// Frees what topics keep, of those that were not published to for longest first, until there is as much room as is
    /// wanted: first their histories, then their last images, but for those that a publisher asked to retain.
    pub(crate) fn free_oldest(&mut self, wanted: Wanted<'_>) {
        for _ in 0..LOOKED_AT {
            if wanted.memory.bytes() <= wanted.most_held {
                return;
            }
            let histories = self.ages.histories.first_key_value();
            let images = || self.ages.images.first_key_value();
            let Some((position, name)) = histories.or_else(images) else {
                return;
            };
            let (position, name) = (*position, name.clone());
            self.free_if_oldest(position, &name, wanted);
        }
    }

    fn free_if_oldest(&mut self, position: u64, name: &TopicName, wanted: Wanted<'_>) {
        let Some(topic) = self.topics.find_mut(name.as_str()) else {
            return;
        };
        let was_history = topic.listed == Some(Listed::History(position));
        let newest = topic.log.last().map(|entry| entry.position());
        self.ages.remove(topic);
        if wanted.except == Some(name) {
            // It is listed again when it has been published to.
            return;
        }
        if newest != Some(position) {
            // It has been published to, or cleared, since it was listed.
            self.ages.list(topic);
            return;
        }
        let mut released = Released::new();
        if was_history {
            topic.log.keep_last(&mut released);
            self.ages.list(topic);
        } else if !topic.retains_last() {
            topic.log.clear(&mut released);
            self.ages.emptied += 1;
        }
        // The memory is needed now.
        drop(released);
        self.remove_if_idle(name);
    }
}

impl New<'_> {
    /// The topic itself, when it is published to one.
    pub(crate) fn topic(&self) -> Option<&TopicName> {
        (self.kind == DestinationKind::Topic).then_some(self.name)
    }

    /// Whether memory is checked for it.
    pub(crate) fn is_checked(&self) -> bool {
        self.rights == Rights::Checked
    }
}

/// Topics that one publication looks at, so that others need not wait long.
const LOOKED_AT: usize = 10_000;
