//! The rules of a queue, which may change while the server runs.
//!
//! The numbers that each message needs can be read without a lock.

use std::sync::{
    Arc, PoisonError, RwLock,
    atomic::{AtomicBool, AtomicU64, Ordering},
};

use super::{Binding, Identity, Load, Queue, Room, State, Store};
use crate::{
    memory::redelivery::Redelivery,
    message::entry::{DestinationKind, Publication},
    name::TopicName,
    policy::{Policies, QueueOverflow, QueueRules},
};

/// The bounds on the content of one queue.
#[derive(Debug, Clone, Copy)]
pub(crate) struct QueueBounds {
    pub(crate) entries: u64,
    pub(crate) bytes: u64,
}

#[derive(Debug)]
pub(super) struct Rules {
    entries: AtomicU64,
    bytes: AtomicU64,
    /// 0 for none.
    time_to_live_ms: AtomicU64,
    drops_oldest: AtomicBool,
    all: RwLock<Arc<QueueRules>>,
}

impl Rules {
    pub(super) fn new(rules: QueueRules) -> Self {
        let own = Self {
            entries: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
            time_to_live_ms: AtomicU64::new(0),
            drops_oldest: AtomicBool::new(false),
            all: RwLock::new(Arc::new(rules.clone())),
        };
        own.set(rules);
        own
    }

    fn set(&self, rules: QueueRules) {
        self.entries.store(rules.entries, Ordering::Relaxed);
        self.bytes.store(rules.bytes, Ordering::Relaxed);
        let time_to_live_ms = rules.time_to_live_ms.unwrap_or(0);
        self.time_to_live_ms
            .store(time_to_live_ms, Ordering::Relaxed);
        let drops_oldest = rules.overflow == QueueOverflow::DropOldest;
        self.drops_oldest.store(drops_oldest, Ordering::Relaxed);
        *self.all.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(rules);
    }

    fn all(&self) -> Arc<QueueRules> {
        Arc::clone(&self.all.read().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Store {
    /// Returns the policies.
    pub(crate) fn policies(&self) -> Arc<Policies> {
        Arc::clone(&self.policies.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Replaces the policies for queues that are created from now on.
    pub(crate) fn set_policies(&self, policies: Arc<Policies>) {
        *self
            .policies
            .write()
            .unwrap_or_else(PoisonError::into_inner) = policies;
    }

    /// Returns the rules of a queue.
    pub(super) fn rules_of(&self, identity: &Identity, binding: Option<&Binding>) -> QueueRules {
        let policies = self.policies();
        match (identity, binding) {
            (Identity::Named(name), _) => {
                let policy = policies.of(DestinationKind::Queue, name);
                QueueRules::new(policy.map(|policy| &**policy), &self.limits)
            }
            (_, Some(Binding { filter, .. })) => {
                let policy = policies.of_subscription(filter);
                QueueRules::of_subscription(policy.map(|policy| &**policy), &self.limits)
            }
            (_, None) => QueueRules::new(None, &self.limits),
        }
    }

    /// Returns the bounds of a queue that does not exist yet.
    pub(crate) fn bounds_of_new(&self, name: &TopicName) -> QueueBounds {
        let rules = self.rules_of(&Identity::Named(name.clone()), None);
        QueueBounds {
            entries: rules.entries,
            bytes: rules.bytes,
        }
    }
}

impl Queue {
    /// Returns the rules.
    pub(crate) fn rules(&self) -> Arc<QueueRules> {
        self.rules.all()
    }

    /// Takes over the rules of changed policies. Messages that are in the queue stay, whatever the new bounds.
    pub(crate) fn follow_policies(&self) {
        let rules = self.store.rules_of(&self.identity, self.binding.as_ref());
        self.rules.set(rules);
    }

    /// Returns the rule for messages that consumers return.
    pub(super) fn redelivery(&self) -> Redelivery {
        self.rules.all().redelivery
    }

    #[inline]
    pub(super) fn bounds(&self) -> QueueBounds {
        QueueBounds {
            entries: self.rules.entries.load(Ordering::Relaxed),
            bytes: self.rules.bytes.load(Ordering::Relaxed),
        }
    }

    /// Returns the maximum time to live of messages that are sent to the queue, in milliseconds; 0 for none.
    #[inline]
    pub(crate) fn time_to_live_ms(&self) -> u64 {
        self.rules.time_to_live_ms.load(Ordering::Relaxed)
    }

    /// Returns whether the oldest messages are dropped for a new one that has no room.
    #[inline]
    pub(crate) fn drops_oldest(&self) -> bool {
        self.rules.drops_oldest.load(Ordering::Relaxed)
    }

    /// Drops the oldest waiting messages, if a new one has no room within the bounds of the queue itself.
    pub(crate) fn drop_oldest_for(self: &Arc<Self>, state: &mut State, publication: &Publication) {
        let room = self.room(Load::of(publication));
        // The bounds of all queues are no reason to drop messages of this one.
        if !matches!(room, Room::Full(..)) || room.is_full_for_all() {
            return;
        }
        let (before, entry) = (self.load(), publication.entry());
        if let Some(positions) = self.to_be_dropped(state, before, entry) {
            self.drop_all(state, &positions);
        }
    }
}
