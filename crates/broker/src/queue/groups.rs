//! Message groups: messages with the same `JMSXGroupID` go to the same consumer, as long as it is there.
//!
//! A group has an owner from its first message that was given to somebody. As long as it has messages in
//! the queue it is remembered, so their order is kept whatever the number of groups; groups without
//! messages are remembered up to a bound, beyond which the next message of one may go to another consumer.

use std::{
    collections::{HashMap, hash_map::RandomState},
    hash::BuildHasher,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use crate::{message::entry::Entry, session::subscription::SubscriptionId};

#[derive(Debug, Default)]
pub(super) struct Groups {
    /// Those with messages in the queue.
    occupied: HashMap<Key, Group>,
    /// Those without, and whose consumer is remembered. It is gone from here when it leaves.
    idle: HashMap<Key, SubscriptionId>,
    keys: RandomState,
    /// How many of the latter all queues have.
    idle_in_all: IdleInAll,
}

/// Stands for a group's id, which can be long. Nobody can look for two that have the same, since the
/// hasher's secret is the queue's own; if two have, they share a consumer.
type Key = u64;

#[derive(Debug, Default)]
struct Group {
    owner: Option<SubscriptionId>,
    /// Messages in the queue, those included that wait to be acknowledged.
    messages: usize,
}

/// How many groups without messages are remembered, in all queues together.
#[derive(Debug, Clone, Default)]
pub(super) struct IdleInAll(Arc<AtomicUsize>);

impl Groups {
    pub(super) fn new(idle_in_all: &IdleInAll) -> Self {
        let mut groups = Self::default();
        groups.idle_in_all = idle_in_all.clone();
        groups
    }

    pub(super) fn is_empty(&self) -> bool {
        self.occupied.is_empty() && self.idle.is_empty()
    }

    /// A message comes into the queue.
    pub(super) fn enter(&mut self, entry: &Entry) {
        let Some(key) = self.key_of(entry) else {
            return;
        };
        let Self { occupied, idle, .. } = self;
        let group = occupied.entry(key).or_insert_with(|| {
            let owner = idle.remove(&key);
            self.idle_in_all.subtract(usize::from(owner.is_some()));
            Group { owner, messages: 0 }
        });
        group.messages += 1;
    }

    /// A message leaves the queue.
    pub(super) fn leave(&mut self, entry: &Entry) {
        let Some(key) = self.key_of(entry) else {
            return;
        };
        let Some(group) = self.occupied.get_mut(&key) else {
            return;
        };
        group.messages -= 1;
        if group.messages > 0 {
            return;
        }
        let owner = group.owner;
        self.occupied.remove(&key);
        shrink(&mut self.occupied);
        if let Some(owner) = owner {
            self.remember(key, owner);
        }
    }

    /// Notes whose a group was that has no messages any more. Where there is no room, the others' are
    /// forgotten.
    fn remember(&mut self, key: Key, owner: SubscriptionId) {
        if self.idle.len() >= REMEMBERED || self.idle_in_all.is_full() {
            self.idle_in_all.subtract(self.idle.len());
            self.idle = HashMap::new();
        }
        if !self.idle_in_all.is_full() {
            self.idle_in_all.add(1);
            self.idle.insert(key, owner);
        }
    }

    /// The consumer that a message in the queue must go to, if it cannot go to any.
    pub(super) fn owner(&self, entry: &Entry) -> Option<SubscriptionId> {
        if self.occupied.is_empty() {
            return None;
        }
        self.occupied.get(&self.key_of(entry)?)?.owner
    }

    /// A consumer was given a message: its group is this consumer's now, or nobody's if it was the last;
    /// whether it was.
    pub(super) fn assigned(&mut self, entry: &Entry, consumer: SubscriptionId) -> bool {
        let Some(key) = self.key_of(entry) else {
            return false;
        };
        let closes = entry
            .header(SEQUENCE)
            .is_some_and(|sequence| sequence.trim() == "-1");
        if let Some(group) = self.occupied.get_mut(&key) {
            group.owner = (!closes).then_some(consumer);
        }
        closes
    }

    /// A consumer goes; whether it had groups with messages.
    pub(super) fn release(&mut self, consumer: SubscriptionId) -> bool {
        let mut had = false;
        for group in self.occupied.values_mut() {
            if group.owner == Some(consumer) {
                had = true;
                group.owner = None;
            }
        }
        let before = self.idle.len();
        self.idle.retain(|_, owner| *owner != consumer);
        self.idle_in_all.subtract(before - self.idle.len());
        shrink(&mut self.idle);
        had
    }

    fn key_of(&self, entry: &Entry) -> Option<Key> {
        Some(self.keys.hash_one(group_of(entry)?))
    }
}

impl Drop for Groups {
    fn drop(&mut self) {
        self.idle_in_all.subtract(self.idle.len());
    }
}

impl IdleInAll {
    fn is_full(&self) -> bool {
        self.0.load(Ordering::Relaxed) >= REMEMBERED_IN_ALL
    }

    fn add(&self, groups: usize) {
        self.0.fetch_add(groups, Ordering::Relaxed);
    }

    fn subtract(&self, groups: usize) {
        self.0.fetch_sub(groups, Ordering::Relaxed);
    }
}

fn shrink<T>(groups: &mut HashMap<Key, T>) {
    /// Room that is not worth giving back.
    const FEW: usize = 64;
    if groups.capacity() > FEW && groups.len() < groups.capacity() / 4 {
        groups.shrink_to(FEW);
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
/// Groups without messages whose consumer is remembered, in one queue.
const REMEMBERED: usize = 1_000;
/// The same in all queues.
const REMEMBERED_IN_ALL: usize = 100_000;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        message::entry::{Header, Publication, SharedEntry},
        name::TopicName,
    };

    const CONSUMER: SubscriptionId = SubscriptionId(1);

    fn message(group: &str) -> SharedEntry {
        let name = TopicName::new("q").expect("a name");
        let header = Header {
            name: GROUP.into(),
            value: group.into(),
        };
        Publication::to_queue(name, "p".into(), 0, &[])
            .with_headers(None, Box::new([header]))
            .into_unplaced()
    }

    /// A message comes, is given to the consumer, and is done with.
    fn pass(groups: &mut Groups, group: &str) {
        let message = message(group);
        groups.enter(&message);
        groups.assigned(&message, CONSUMER);
        groups.leave(&message);
    }

    /// Whose a group's next message is.
    fn next_owner(groups: &mut Groups, group: &str) -> Option<SubscriptionId> {
        let message = message(group);
        groups.enter(&message);
        let owner = groups.owner(&message);
        groups.leave(&message);
        owner
    }

    fn count(idle: &IdleInAll) -> usize {
        idle.0.load(Ordering::Relaxed)
    }

    #[test]
    fn groups_without_messages_are_remembered_up_to_a_number_in_all_queues() {
        let idle = IdleInAll::default();
        let ids: Vec<_> = (0..=REMEMBERED).map(|id| id.to_string()).collect();
        let mut queues: Vec<_> = (0..REMEMBERED_IN_ALL / REMEMBERED)
            .map(|_| Groups::new(&idle))
            .collect();
        for groups in &mut queues {
            ids[1..].iter().for_each(|id| pass(groups, id));
        }
        assert_eq!(count(&idle), REMEMBERED_IN_ALL);
        // There is no room for those of one more queue, but for those with messages.
        let mut last = Groups::new(&idle);
        let kept = message("kept");
        last.enter(&kept);
        last.assigned(&kept, CONSUMER);
        pass(&mut last, "a");
        assert_eq!(next_owner(&mut last, "a"), None);
        assert_eq!(next_owner(&mut last, "kept"), Some(CONSUMER));
        assert_eq!(count(&idle), REMEMBERED_IN_ALL);
        // Nor in one queue for one more: it forgets the others.
        let first = &mut queues[0];
        assert_eq!(next_owner(first, &ids[1]), Some(CONSUMER));
        pass(first, &ids[0]);
        assert_eq!(next_owner(first, &ids[1]), None);
        assert_eq!(next_owner(first, &ids[0]), Some(CONSUMER));
        assert_eq!(count(&idle), REMEMBERED_IN_ALL - REMEMBERED + 1);
        pass(&mut last, "a");
        assert_eq!(next_owner(&mut last, "a"), Some(CONSUMER));
    }

    #[test]
    fn nothing_is_remembered_of_who_left_nor_by_a_queue_that_is_gone() {
        let idle = IdleInAll::default();
        let mut groups = Groups::new(&idle);
        for id in 0..REMEMBERED {
            pass(&mut groups, &id.to_string());
        }
        assert!(!groups.release(CONSUMER), "none had messages");
        assert!(groups.is_empty());
        assert_eq!(count(&idle), 0);
        assert!(groups.idle.capacity() < REMEMBERED / 4);
        pass(&mut groups, "a");
        assert_eq!(count(&idle), 1);
        drop(groups);
        assert_eq!(count(&idle), 0);
    }

    #[test]
    fn what_is_remembered_of_a_group_does_not_grow_with_its_id() {
        let mut groups = Groups::default();
        let long = "x".repeat(8_000);
        pass(&mut groups, &long);
        assert_eq!(next_owner(&mut groups, &long), Some(CONSUMER));
        assert!(size_of::<(Key, Group)>() <= 32);
    }
}
