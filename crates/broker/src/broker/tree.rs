//! The tree of topics: the children of a node, and the topics below it with their traffic. Each call is one step under
//! the lock.

use crate::{
    broker::Broker,
    memory::limits::{ITEMS, NAMES},
    message::entry::Entry,
    name::TopicName,
    name::subtree::Subtree,
    state::BrokerState,
    sync::{lock_state, pass_on},
    topic::log::{Log, Place},
};

/// A topic with its traffic.
#[derive(Debug, Clone, PartialEq)]
pub struct TopicTraffic {
    /// Its name.
    pub name: TopicName,
    /// Number of messages published to it.
    pub messages: u64,
    /// Time of publication of the newest message that it keeps, in Unix milliseconds.
    pub last_ms: Option<u64>,
    /// Messages in a second, over the last [`TopicTraffic::RATE_MS`], or over the age of the oldest message that it keeps
    /// if that is less. None if it keeps too few or too many messages to compute it.
    pub rate: Option<f64>,
}

impl TopicTraffic {
    /// The time over which messages are counted for a rate, in milliseconds.
    pub const RATE_MS: u64 = 5_000;
}

/// The kept messages of a topic, for counting the recent ones without the lock.
struct Recent {
    oldest: Place,
    end: u64,
    /// True if earlier messages were removed.
    is_trimmed: bool,
}

impl Broker {
    /// Returns the next children of a node, by name: at most `most`, and only those among the next names; the walk
    /// continues with the others. Only children with a name that `sees` accepts are returned. It is called with the
    /// broker's lock held, and must not block.
    pub fn children(
        &self,
        walk: &mut Subtree,
        most: usize,
        sees: impl Fn(&TopicName) -> bool,
    ) -> Vec<TopicName> {
        let mut children = Vec::new();
        if most == 0 {
            return children;
        }
        let state = lock_state(&self.state);
        state.names.visit_children(walk, NAMES, sees, |child| {
            // The beginning of a name, up to a dot, is a name.
            children.extend(TopicName::new(child));
            children.len() < most
        });
        pass_on(state);
        children
    }

    /// Returns the number of children among the next names of a walk, as in [`Broker::children`].
    pub fn count_children(&self, walk: &mut Subtree, sees: impl Fn(&TopicName) -> bool) -> usize {
        let mut count = 0;
        let state = lock_state(&self.state);
        state.names.visit_children(walk, NAMES, sees, |_| {
            count += 1;
            true
        });
        pass_on(state);
        count
    }

    /// Returns the next topics of a walk, by name, with their traffic at `now_ms`: those among the next names that `sees`
    /// accepts, as in [`Broker::children`].
    pub fn traffic(
        &self,
        walk: &mut Subtree,
        now_ms: u64,
        sees: impl Fn(&TopicName) -> bool,
    ) -> Vec<TopicTraffic> {
        let mut found = Vec::new();
        let state = lock_state(&self.state);
        state.names.visit_subtree(walk, NAMES, |name| {
            if sees(name) {
                found.push(state.traffic(name, now_ms));
            }
            found.len() < ITEMS
        });
        pass_on(state);
        let traffic = found.into_iter().map(|(traffic, recent)| TopicTraffic {
            rate: match recent {
                Some(recent) => recent.rate(now_ms),
                None => Some(0.0),
            },
            ..traffic
        });
        traffic.collect()
    }
}

impl BrokerState {
    /// Returns the traffic without the rate, and the messages for computing the rate if there was a recent one.
    fn traffic(&self, name: &TopicName, now_ms: u64) -> (TopicTraffic, Option<Recent>) {
        let mut traffic = TopicTraffic {
            name: name.clone(),
            messages: 0,
            last_ms: None,
            rate: None,
        };
        let Some(topic) = self.topics.find(name.as_str()) else {
            return (traffic, None);
        };
        traffic.messages = topic.account.published.entries();
        traffic.last_ms = topic.log.last().map(|last| last.timestamp_ms());
        let since_ms = now_ms.saturating_sub(TopicTraffic::RATE_MS);
        let is_recent = traffic.last_ms.is_some_and(|last_ms| last_ms >= since_ms);
        (traffic, is_recent.then(|| Recent::of(&topic.log)))
    }
}

impl Recent {
    fn of(log: &Log) -> Self {
        Self {
            oldest: log.head(),
            end: log.end().sequence,
            is_trimmed: log.first_sequence() > 1,
        }
    }

    fn rate(mut self, now_ms: u64) -> Option<f64> {
        let since_ms = now_ms.saturating_sub(TopicTraffic::RATE_MS);
        let oldest_ms = self.oldest.peek()?.timestamp_ms();
        let mut over_ms = TopicTraffic::RATE_MS;
        if self.is_trimmed && oldest_ms >= since_ms {
            over_ms = now_ms.saturating_sub(oldest_ms).max(1);
        } else {
            let is_before = |entry: &Entry| entry.timestamp_ms() < since_ms;
            if !self.oldest.skip_while(MAX_CHUNKS, is_before) {
                return None;
            }
        }
        let entries = self.end.saturating_sub(self.oldest.sequence());
        let tells = !self.is_trimmed || entries > 1 || over_ms == TopicTraffic::RATE_MS;
        tells.then(|| entries as f64 * 1_000.0 / over_ms as f64)
    }
}

/// Maximum number of chunks of a topic that are passed for its rate: 16,000 messages.
const MAX_CHUNKS: usize = 256;
