//! Topics by the age of their newest message. When memory is full, the topics without a publication for the longest
//! time lose their messages. At the maximum number of topics, the oldest topic that has neither subscribers nor a
//! retained message is removed. Topics that were idle for a configured time are removed.
//!
//! A publication does not change the index. A topic is listed under the position that was its newest when it was last
//! examined. When it becomes the first in the list, it is moved to its actual place. There is at most one move for each
//! publication.

use std::{
    collections::{BTreeMap, VecDeque},
    ops::Bound,
};

use crate::{
    memory::account::Memory,
    name::{TopicName, is_temporary},
    state::BrokerState,
    topic::log::Released,
    topic::{Listed, Topic},
};

/// The topics that keep messages. Guarded by the broker's lock.
#[derive(Debug, Default)]
pub(crate) struct AgeIndex {
    /// Topics that keep more than their last image.
    histories: BTreeMap<u64, TopicName>,
    /// Topics that keep only their last image.
    images: BTreeMap<u64, TopicName>,
    /// Number of topics that lost their last image.
    emptied: u64,
    /// The position up to which topics were examined and could not be removed. The search continues after it.
    searched_up_to: u64,
    /// Number of topics removed because of their age.
    removed: u64,
    /// The newest position at several times, the oldest first.
    samples: VecDeque<Sample>,
}

/// The position at a time.
#[derive(Debug, Clone, Copy)]
struct Sample {
    time_ms: u64,
    position: u64,
}

/// The result of examining the oldest topic.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Examined {
    Removed,
    /// It was published to, or must not be removed.
    Kept,
}

/// The memory that must become free.
#[derive(Clone, Copy)]
pub(crate) struct NeededMemory<'a> {
    pub(crate) memory: &'a Memory,
    /// Maximum number of bytes held after the operation.
    pub(crate) most_held: u64,
    /// The topic of the publication, which has already released its messages.
    pub(crate) except: Option<&'a TopicName>,
}

impl AgeIndex {
    /// Notes a publication to a topic.
    #[inline]
    pub(crate) fn update(&mut self, topic: &mut Topic) {
        let is_listed = match topic.place_in_ages {
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
        topic.place_in_ages = Some(if topic.log.history_entries() > 1 {
            self.histories.insert(newest, name);
            Listed::History(newest)
        } else {
            self.images.insert(newest, name);
            Listed::Image(newest)
        });
    }

    /// Removes a topic.
    pub(crate) fn remove(&mut self, topic: &mut Topic) {
        match topic.place_in_ages.take() {
            Some(Listed::History(position)) => self.histories.remove(&position),
            Some(Listed::Image(position)) => self.images.remove(&position),
            None => None,
        };
    }

    /// Returns the number of topics that lost their last image.
    pub(crate) fn emptied(&self) -> u64 {
        self.emptied
    }

    /// Returns the number of topics removed because of their age.
    pub(crate) fn removed(&self) -> u64 {
        self.removed
    }

    /// Returns the topic with the smallest listed position after `searched_up_to`.
    fn next_oldest(&self) -> Option<(u64, &TopicName)> {
        let range = (Bound::Excluded(self.searched_up_to), Bound::Unbounded);
        let history = self.histories.range(range).next();
        let image = self.images.range(range).next();
        let oldest = history.into_iter().chain(image);
        let oldest = oldest.min_by_key(|(position, _)| **position)?;
        Some((*oldest.0, oldest.1))
    }

    /// Records the position at this time. Returns the newest position that is at least `idle_ms` old, if there is a
    /// sample of that age: topics whose newest message is not after it are idle.
    pub(crate) fn idle_before(&mut self, now_ms: u64, idle_ms: u64, position: u64) -> Option<u64> {
        let is_due = |last: &Sample| last.time_ms + idle_ms / SAMPLES <= now_ms;
        if self.samples.back().is_none_or(is_due) {
            let time_ms = now_ms;
            self.samples.push_back(Sample { time_ms, position });
        }
        let is_idle = |sample: &Sample| sample.time_ms + idle_ms <= now_ms;
        while self.samples.get(1).is_some_and(is_idle) {
            self.samples.pop_front();
        }
        let oldest = self.samples.front().filter(|sample| is_idle(sample));
        oldest.map(|sample| sample.position)
    }
}

impl BrokerState {
    /// Frees messages of the topics without a publication for the longest time, until there is the required room: first
    /// their histories, then their last images, but not retained messages.
    pub(crate) fn free_oldest(&mut self, needed: NeededMemory<'_>) {
        for _ in 0..MAX_EXAMINED {
            if needed.memory.bytes() <= needed.most_held {
                return;
            }
            let histories = self.ages.histories.first_key_value();
            let images = || self.ages.images.first_key_value();
            let Some((position, name)) = histories.or_else(images) else {
                return;
            };
            let (position, name) = (*position, name.clone());
            self.free_if_oldest(position, &name, needed);
        }
    }

    /// Removes the oldest topic that has neither subscribers nor a retained message. Examines a limited number of
    /// topics; returns false if none of them can be removed.
    pub(crate) fn remove_oldest(&mut self) -> bool {
        let mut may_wrap = self.ages.searched_up_to > 0;
        for _ in 0..MAX_EXAMINED_FOR_REMOVAL {
            match self.examine_oldest(u64::MAX) {
                Some(Examined::Removed) => return true,
                Some(Examined::Kept) => {}
                None if may_wrap => may_wrap = false,
                None => return false,
            }
        }
        false
    }

    /// Examines the next `looks` topics. Removes those that have no publication after `position`, no subscribers and no
    /// retained message. Returns true if there are no more
    /// topics to examine.
    pub(crate) fn remove_idle_before(&mut self, position: u64, looks: usize) -> bool {
        (0..looks).any(|_| self.examine_oldest(position).is_none())
    }

    /// Examines the next topic without a publication after `position`, and removes it if possible. Returns `None` if
    /// there is no such topic; the next call then starts with the oldest.
    fn examine_oldest(&mut self, position: u64) -> Option<Examined> {
        let next = self.ages.next_oldest();
        let Some((listed_at, name)) = next.filter(|(listed_at, _)| *listed_at <= position) else {
            self.ages.searched_up_to = 0;
            return None;
        };
        let name = name.clone();
        let topic = self.topics.find_mut(name.as_str())?;
        let newest = topic.log.last().map(|entry| entry.position());
        if newest != Some(listed_at) {
            // It has been published to, or cleared, since it was listed.
            self.ages.list(topic);
            return Some(Examined::Kept);
        }
        let is_used = topic.exact_subscriptions() > 0 || topic.is_in_transaction;
        if is_used || topic.retained().is_some() || is_temporary(&name) {
            self.ages.searched_up_to = listed_at;
            return Some(Examined::Kept);
        }
        let mut released = Released::new();
        topic.clear_log(&self.sequencer, &mut released);
        drop(released);
        self.ages.removed += 1;
        self.remove_if_idle(&name);
        Some(Examined::Removed)
    }

    fn free_if_oldest(&mut self, position: u64, name: &TopicName, needed: NeededMemory<'_>) {
        let Some(topic) = self.topics.find_mut(name.as_str()) else {
            return;
        };
        let was_history = topic.place_in_ages == Some(Listed::History(position));
        let newest = topic.log.last().map(|entry| entry.position());
        self.ages.remove(topic);
        if needed.except == Some(name) {
            // It is listed again at its next publication.
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
            topic.clear_log(&self.sequencer, &mut released);
            self.ages.emptied += 1;
        }
        // The memory is needed now.
        drop(released);
        self.remove_if_idle(name);
    }
}

/// Maximum number of topics that one publication examines, so that others do not wait long.
const MAX_EXAMINED: usize = 10_000;
/// Maximum number of topics examined to find a removable one.
const MAX_EXAMINED_FOR_REMOVAL: usize = 128;
/// Number of parts of the idle time for which positions are noted.
const SAMPLES: u64 = 64;
