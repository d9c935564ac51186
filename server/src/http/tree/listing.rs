//! A page of the children of a node.
//!
//! By name, a page is found in the index of the names, however many there are, and only the names below its children are
//! examined for their traffic. By rate or time, the names below the node are examined. All of it happens in steps,
//! between which other tasks run and others get the broker's lock.

use broker::{Broker, DestinationKind, Subtree, TopicName, TopicTraffic};

use super::{super::login::Rights, Ranking};
use crate::fairness;

/// The parts of a request that its steps need.
pub(super) struct Listing<'a> {
    pub(super) broker: &'a Broker,
    pub(super) rights: &'a Rights,
    pub(super) sees_all: bool,
    pub(super) now_ms: u64,
}

/// A page of children.
pub(super) struct Page {
    pub(super) children: Vec<Child>,
    /// Number of children of the node.
    pub(super) total: usize,
    /// True if there may be more than `total`.
    pub(super) total_more: bool,
    pub(super) next: Option<String>,
}

/// A child, with the traffic of the topics at and below it.
pub(super) struct Child {
    pub(super) name: TopicName,
    pub(super) traffic: Traffic,
}

/// The traffic of several topics.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Traffic {
    pub(super) topics: usize,
    /// True if not all topics were examined.
    pub(super) has_more: bool,
    pub(super) messages: u64,
    pub(super) last_ms: Option<u64>,
    pub(super) rate: Option<f64>,
    /// Of the topic with the name of the child.
    pub(super) own_rate: Option<f64>,
}

impl Traffic {
    /// Adds a topic that is a child or below it.
    pub(super) fn add(&mut self, topic: &TopicTraffic, child: &str) {
        self.topics += 1;
        self.messages += topic.messages;
        self.last_ms = self.last_ms.max(topic.last_ms);
        if let Some(rate) = topic.rate {
            *self.rate.get_or_insert(0.0) += rate;
        }
        if topic.name.as_str() == child {
            self.own_rate = topic.rate;
        }
    }
}

impl Listing<'_> {
    fn sees(&self, name: &TopicName) -> bool {
        self.sees_all || self.rights.sees(DestinationKind::Topic, name)
    }

    /// Returns the children after a place, by name.
    pub(super) async fn by_name(
        &self,
        under: Option<&TopicName>,
        after: Option<&str>,
        limit: usize,
    ) -> Page {
        let mut walk = Subtree::below(under);
        if let Some(after) = after {
            walk = walk.after(after);
        }
        let mut names = Vec::new();
        while names.len() < limit && !walk.is_done() {
            let most = limit - names.len();
            let found = self
                .broker
                .children(&mut walk, most, |name| self.sees(name));
            names.extend(found);
            fairness::yield_if_due().await;
        }
        let next = walk.place().map(str::to_owned);
        let (total, total_more) = self.count(under).await;
        Page {
            children: self.with_traffic(names).await,
            total,
            total_more,
            next,
        }
    }

    /// Returns the number of children, and true if there may be more.
    async fn count(&self, under: Option<&TopicName>) -> (usize, bool) {
        let mut walk = Subtree::below(under);
        let mut count = 0;
        while !walk.is_done() && walk.looked() < MAX_COUNTED {
            count += self
                .broker
                .count_children(&mut walk, |name| self.sees(name));
            fairness::yield_if_due().await;
        }
        (count, !walk.is_done())
    }

    /// Examines the topics of all children; those of one child only as far as they leave some for the others.
    async fn with_traffic(&self, names: Vec<TopicName>) -> Vec<Child> {
        let mut left = MAX_EXAMINED;
        let mut children = Vec::with_capacity(names.len());
        let count = names.len();
        for (index, name) in names.into_iter().enumerate() {
            let mut walk = Subtree::of(&name);
            let mut traffic = Traffic::default();
            let share = left / (count - index);
            // At least one topic, because that made the child visible.
            while !walk.is_done() && (walk.looked() < share || traffic.topics == 0) {
                for topic in self.traffic(&mut walk) {
                    traffic.add(&topic, name.as_str());
                }
                fairness::yield_if_due().await;
            }
            traffic.has_more = !walk.is_done();
            left = left.saturating_sub(walk.looked());
            children.push(Child { name, traffic });
        }
        children
    }

    /// Returns the children that come first in a ranking.
    pub(super) async fn ranked(&self, under: Option<&TopicName>, mut ranking: Ranking) -> Page {
        let mut walk = Subtree::below(under);
        while !walk.is_done() && walk.looked() < MAX_COUNTED {
            for topic in self.traffic(&mut walk) {
                let child = walk.child_of(&topic.name);
                ranking.add(child, &topic);
            }
            fairness::yield_if_due().await;
        }
        ranking.page(!walk.is_done())
    }

    fn traffic(&self, walk: &mut Subtree) -> Vec<TopicTraffic> {
        self.broker
            .traffic(walk, self.now_ms, |name| self.sees(name))
    }
}

/// Maximum number of names below the children of one page that are examined for their traffic.
const MAX_EXAMINED: usize = 5_000;
/// Maximum number of names below a node that are counted, or examined for a ranking.
const MAX_COUNTED: usize = 100_000;
