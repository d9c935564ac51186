//! A walk through all held messages in steps, between which the state may change.

use std::ops::Bound;

use crate::{
    format::ids::{Generation, NameId},
    record::{Held, Holder},
    state::{RetainedMessage, State, Waiting},
};

/// The place after which a walk continues.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct WalkKey {
    after: Option<Held>,
}

/// A held message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct HeldMessage {
    pub held: Held,
    pub waiting: Waiting,
}

impl State {
    /// Returns the next held messages in the order queues, topics, retained messages, at most `limit`. Returns fewer only at
    /// the end.
    ///
    /// A message that is held from before the walk until after it is returned. A message that comes or goes meanwhile may be
    /// returned or not.
    pub(crate) fn walk(&self, key: &mut WalkKey, limit: usize) -> Vec<HeldMessage> {
        let mut found = Vec::with_capacity(limit.min(1024));
        let start = key.after;
        self.walk_queues(start, limit, &mut found);
        self.walk_topics(start, limit, &mut found);
        self.walk_retained(start, limit, &mut found);
        if let Some(last) = found.last() {
            key.after = Some(last.held);
        }
        found
    }

    fn walk_queues(&self, start: Option<Held>, limit: usize, found: &mut Vec<HeldMessage>) {
        let first = match start {
            None => Bound::Unbounded,
            Some(Held {
                holder: Holder::Queue(queue),
                ..
            }) => Bound::Included(queue),
            Some(_) => return,
        };
        for (&queue, stored) in self.queues.range((first, Bound::Unbounded)) {
            let holder = Holder::Queue(queue);
            let messages = stored
                .waiting
                .range((after(start, holder), Bound::Unbounded));
            for (&position, &waiting) in messages {
                if found.len() == limit {
                    return;
                }
                found.push(HeldMessage {
                    held: Held { holder, position },
                    waiting,
                });
            }
        }
    }

    fn walk_topics(&self, start: Option<Held>, limit: usize, found: &mut Vec<HeldMessage>) {
        let first = match start.map(|held| held.holder) {
            None | Some(Holder::Queue(_)) => Bound::Unbounded,
            Some(Holder::Topic(topic)) => Bound::Included(topic),
            Some(Holder::Retained(_)) => return,
        };
        for (&topic, messages) in self.topics.range((first, Bound::Unbounded)) {
            let holder = Holder::Topic(topic);
            for (&position, &location) in messages.range((after(start, holder), Bound::Unbounded)) {
                if found.len() == limit {
                    return;
                }
                found.push(HeldMessage {
                    held: Held { holder, position },
                    waiting: Waiting {
                        location,
                        deliveries: 0,
                    },
                });
            }
        }
    }

    fn walk_retained(&self, start: Option<Held>, limit: usize, found: &mut Vec<HeldMessage>) {
        let first = match start.map(|held| held.holder) {
            Some(Holder::Retained(topic)) => Bound::Excluded(topic),
            _ => Bound::<NameId>::Unbounded,
        };
        for (&topic, &RetainedMessage { position, location }) in
            self.retained.range((first, Bound::Unbounded))
        {
            if found.len() == limit {
                return;
            }
            found.push(HeldMessage {
                held: Held {
                    holder: Holder::Retained(topic),
                    position,
                },
                waiting: Waiting {
                    location,
                    deliveries: 0,
                },
            });
        }
    }

    /// Returns the segments that held messages need.
    pub(crate) fn needed_segments(&self) -> impl Iterator<Item = Generation> {
        self.live.segments()
    }
}

fn after(start: Option<Held>, holder: Holder) -> Bound<u64> {
    match start {
        Some(held) if held.holder == holder => Bound::Excluded(held.position),
        _ => Bound::Unbounded,
    }
}
