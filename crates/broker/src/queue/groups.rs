//! Message groups: messages of the same group (`JMSXGroupID` in JMS) go to the same consumer while it exists.
//!
//! A group has an owner from its first delivery on. While it has messages in the queue it is remembered, so their order
//! is kept for any number of groups. Groups without messages are remembered up to a bound; beyond it, the next message
//! of a group may go to another consumer.

use std::{
    collections::{HashMap, hash_map::RandomState},
    hash::BuildHasher,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use crate::{message::entry::Entry, subscription_id::SubscriptionId};

#[derive(Debug, Default)]
pub(super) struct Groups {
    /// Groups with messages in the queue.
    occupied: HashMap<Key, Group>,
    /// Groups without messages whose consumer is remembered. Removed when the consumer ends.
    idle: HashMap<Key, SubscriptionId>,
    /// True after owners of idle groups were forgotten.
    has_forgotten: bool,
    keys: RandomState,
    /// Number of idle groups in all queues.
    idle_in_all: IdleInAll,
}

/// A hash that stands for a group's id, which can be long. Clients cannot search for collisions, because the hasher's
/// secret is different for each queue; two groups that collide share a consumer.
type Key = u64;

#[derive(Debug, Default)]
struct Group {
    owner: Option<SubscriptionId>,
    /// Messages in the queue, including unacknowledged ones, without those on disk.
    messages: usize,
}

/// The groups of a consumer that has ended or is paused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Released {
    /// It owned groups with messages in the queue.
    pub(super) had_occupied: bool,
    /// It owned groups without messages, or may have. A group can still have messages on disk, which do not count for it.
    pub(super) had_idle: bool,
}

/// Number of remembered groups without messages in all queues.
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

    /// Notes that a message enters the queue.
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

    /// Notes that a message leaves the queue.
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

    /// Remembers the owner of a group that has no messages left. Without room, the queue forgets its other groups.
    fn remember(&mut self, key: Key, owner: SubscriptionId) {
        if self.idle.len() >= REMEMBERED || self.idle_in_all.is_full() {
            self.idle_in_all.subtract(self.idle.len());
            self.idle = HashMap::new();
            self.has_forgotten = true;
        }
        if self.idle_in_all.is_full() {
            self.has_forgotten = true;
        } else {
            self.idle_in_all.add(1);
            self.idle.insert(key, owner);
        }
    }

    /// Returns the consumer that must get a message of the queue, if there is one.
    pub(super) fn owner(&self, entry: &Entry) -> Option<SubscriptionId> {
        if self.occupied.is_empty() {
            return None;
        }
        self.occupied.get(&self.key_of(entry)?)?.owner
    }

    /// Notes that a consumer got a message: the consumer owns the message's group, or no consumer does if the message
    /// closes the group. Returns whether the message closes the group.
    pub(super) fn assigned(&mut self, entry: &Entry, consumer: SubscriptionId) -> bool {
        let Some(key) = self.key_of(entry) else {
            return false;
        };
        let closes = entry.closes_group();
        if let Some(group) = self.occupied.get_mut(&key) {
            group.owner = (!closes).then_some(consumer);
        }
        closes
    }

    /// Removes a consumer. Returns whether it owned groups.
    pub(super) fn release(&mut self, consumer: SubscriptionId) -> Released {
        let mut had_occupied = false;
        for group in self.occupied.values_mut() {
            if group.owner == Some(consumer) {
                had_occupied = true;
                group.owner = None;
            }
        }
        let before = self.idle.len();
        self.idle.retain(|_, owner| *owner != consumer);
        let removed = before - self.idle.len();
        self.idle_in_all.subtract(removed);
        shrink(&mut self.idle);
        Released {
            had_occupied,
            had_idle: removed > 0 || self.has_forgotten,
        }
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
    /// Capacity that is too small to be returned.
    const FEW: usize = 64;
    if groups.capacity() > FEW && groups.len() < groups.capacity() / 4 {
        groups.shrink_to(FEW);
    }
}

/// Returns the group of a message.
pub(super) fn group_of(entry: &Entry) -> Option<&str> {
    entry.group().filter(|id| !id.is_empty())
}

/// Maximum number of remembered groups without messages in one queue.
const REMEMBERED: usize = 1_000;
/// Maximum number in all queues.
const REMEMBERED_IN_ALL: usize = 100_000;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        message::entry::{Fields, Header, HeaderIndex, Publication, SharedEntry},
        name::TopicName,
    };

    const CONSUMER: SubscriptionId = SubscriptionId(1);

    fn message(group: &str) -> SharedEntry {
        let name = TopicName::new("q").expect("a name");
        let header = Header {
            name: "group".into(),
            value: group.into(),
        };
        Publication::to_queue(name, "p".into(), 0, &[])
            .with_headers(None, Box::new([header]))
            .with_fields(Fields {
                group: HeaderIndex::of(0),
                ..Fields::default()
            })
            .into_unplaced()
    }

    /// Passes one message through: it enters, is given to the consumer, and is acknowledged.
    fn pass(groups: &mut Groups, group: &str) {
        let message = message(group);
        groups.enter(&message);
        groups.assigned(&message, CONSUMER);
        groups.leave(&message);
    }

    /// Returns the owner of a group for its next message.
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
        // There is no room for groups of another queue, except groups with messages.
        let mut last = Groups::new(&idle);
        let kept = message("kept");
        last.enter(&kept);
        last.assigned(&kept, CONSUMER);
        pass(&mut last, "a");
        assert_eq!(next_owner(&mut last, "a"), None);
        assert_eq!(next_owner(&mut last, "kept"), Some(CONSUMER));
        assert_eq!(count(&idle), REMEMBERED_IN_ALL);
        // One queue has no room for another group either, and forgets the others.
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
    fn groups_of_ended_consumers_and_removed_queues_are_forgotten() {
        let idle = IdleInAll::default();
        let mut groups = Groups::new(&idle);
        for id in 0..REMEMBERED {
            pass(&mut groups, &id.to_string());
        }
        assert!(!groups.release(CONSUMER).had_occupied, "none had messages");
        assert!(groups.is_empty());
        assert_eq!(count(&idle), 0);
        assert!(groups.idle.capacity() < REMEMBERED / 4);
        pass(&mut groups, "a");
        assert_eq!(count(&idle), 1);
        drop(groups);
        assert_eq!(count(&idle), 0);
    }

    #[test]
    fn the_memory_of_a_group_does_not_depend_on_the_length_of_its_id() {
        let mut groups = Groups::default();
        let long = "x".repeat(8_000);
        pass(&mut groups, &long);
        assert_eq!(next_owner(&mut groups, &long), Some(CONSUMER));
        assert!(size_of::<(Key, Group)>() <= 32);
    }
}
