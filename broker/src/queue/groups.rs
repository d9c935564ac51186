//! Message groups: messages with the same `JMSXGroupID` go to the same consumer, as long as it is there.
//!
//! A group has an owner from its first message that was given to somebody. As long as it has messages in
//! the queue it is remembered, so their order is kept whatever the number of groups; groups without
//! messages are remembered up to a bound, beyond which the next message of one may go to another consumer.

use std::collections::HashMap;

use crate::{entry::Entry, session::SubscriptionId};

#[derive(Debug, Default)]
pub(super) struct Groups {
    groups: HashMap<Box<str>, Group>,
    /// Groups with messages in the queue.
    occupied: usize,
}

#[derive(Debug, Default)]
struct Group {
    owner: Option<SubscriptionId>,
    /// Messages in the queue, those included that wait to be acknowledged.
    messages: usize,
}

impl Groups {
    pub(super) fn is_empty(&self) -> bool {
        self.groups.is_empty()
    }

    /// A message comes into the queue.
    pub(super) fn enter(&mut self, entry: &Entry) {
        let Some(id) = group_of(entry) else { return };
        if !self.groups.contains_key(id) {
            if self.groups.len() - self.occupied >= REMEMBERED {
                self.groups.retain(|_, group| group.messages > 0);
            }
            self.groups.insert(id.into(), Group::default());
        }
        if let Some(group) = self.groups.get_mut(id) {
            self.occupied += usize::from(group.messages == 0);
            group.messages += 1;
        }
    }

    /// A message leaves the queue.
    pub(super) fn leave(&mut self, entry: &Entry) {
        let Some(id) = group_of(entry) else { return };
        let Some(group) = self.groups.get_mut(id) else {
            return;
        };
        group.messages -= 1;
        if group.messages == 0 {
            self.occupied -= 1;
            if group.owner.is_none() {
                self.groups.remove(id);
            }
        }
        self.shrink();
    }

    /// The consumer that a message must go to, if it cannot go to any.
    pub(super) fn owner(&self, entry: &Entry) -> Option<SubscriptionId> {
        if self.groups.is_empty() {
            return None;
        }
        self.groups.get(group_of(entry)?)?.owner
    }

    /// A consumer was given a message: its group is this consumer's now, or nobody's if it was the last;
    /// whether it was.
    pub(super) fn assigned(&mut self, entry: &Entry, consumer: SubscriptionId) -> bool {
        let Some(id) = group_of(entry) else {
            return false;
        };
        let closes = entry
            .header(SEQUENCE)
            .is_some_and(|sequence| sequence.trim() == "-1");
        if let Some(group) = self.groups.get_mut(id) {
            group.owner = (!closes).then_some(consumer);
        }
        closes
    }

    /// A consumer goes; whether it had groups.
    pub(super) fn release(&mut self, consumer: SubscriptionId) -> bool {
        let mut had = false;
        self.groups.retain(|_, group| {
            if group.owner == Some(consumer) {
                had = true;
                group.owner = None;
            }
            group.messages > 0 || group.owner.is_some()
        });
        self.shrink();
        had
    }

    fn shrink(&mut self) {
        /// Room that is not worth giving back.
        const FEW: usize = 64;
        if self.groups.capacity() > FEW && self.groups.len() < self.groups.capacity() / 4 {
            self.groups.shrink_to(FEW);
        }
    }
}

/// The group a message belongs to.
pub(super) fn group_of(entry: &Entry) -> Option<&str> {
    entry.header(GROUP).filter(|id| !id.is_empty())
}

/// The headers' names are those of JMS 2.0, 3.5.9.
const GROUP: &str = "JMSXGroupID";
/// ActiveMQ: -1 closes the group.
const SEQUENCE: &str = "JMSXGroupSeq";
/// Groups without messages whose consumer is remembered.
const REMEMBERED: usize = 10_000;
