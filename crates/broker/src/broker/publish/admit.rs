//! The first step of a publication: checks of rights, sizes and bounds, and the creation of its topic or queue. A
//! refused publication adds nothing. It may have removed older messages to make room.

use std::sync::Arc;

use crate::{
    broker::Broker,
    memory::share::{Client, Pool, PoolError},
    message::entry::{DestinationKind, Publication},
    name::{TopicName, is_brokers_own, is_temporary},
    outcome::PublishError,
    queue::{Load, Queue, Room, State},
    state::BrokerState,
    state::age_index::NeededMemory,
    topic::Topic,
    topic::log::Released,
};

/// The publisher, which determines the allowed destinations and the bounds that are checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Publisher {
    /// All destinations except those of the broker.
    Client,
    /// The topics of the broker.
    Broker,
    /// All destinations, without a check of the memory: a dead letter was counted in the memory before.
    DeadLetter,
    /// All destinations except those of the broker, without a check of any bound: the caller has checked them.
    Transaction,
}

/// The destination of a publication, which may not exist yet.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Destination<'a> {
    pub(crate) kind: DestinationKind,
    pub(crate) name: &'a TopicName,
    /// The size of the publication in bytes.
    pub(crate) size: u64,
    pub(crate) publisher: Publisher,
    /// The client to which a new topic or queue is charged.
    pub(crate) client: &'a Arc<Client>,
}

impl Destination<'_> {
    /// Returns the topic's name for a publication to a topic.
    pub(crate) fn topic(&self) -> Option<&TopicName> {
        (self.kind == DestinationKind::Topic).then_some(self.name)
    }

    /// Returns whether the memory is already checked.
    pub(crate) fn is_checked(&self) -> bool {
        self.publisher == Publisher::Transaction
    }
}

impl Broker {
    /// Creates the topic or queue of a publication, if the limits allow it. A temporary destination that does not exist
    /// was deleted, and is not created again.
    pub(crate) fn admit(
        &self,
        state: &mut BrokerState,
        destination: Destination<'_>,
    ) -> Result<(), PublishError> {
        let Destination { name, size, .. } = destination;
        if destination.kind == DestinationKind::Topic && state.open_dormant(name) {
            return Ok(());
        }
        if is_temporary(name) {
            return Ok(());
        }
        if destination.publisher != Publisher::DeadLetter {
            self.make_room(state, destination, size)?;
        }
        match destination.kind {
            DestinationKind::Topic => {
                state.create_topic_if_allowed(name, &self.limits, destination.client)
            }
            DestinationKind::Queue => {
                let more = Load {
                    entries: 1,
                    bytes: size,
                    paged_bytes: 0,
                };
                let bounds = self.store.bounds_of_new(name);
                let held = Load::default();
                let room = self.store.room(held, more, bounds, destination.client);
                count_refused(room, destination.client);
                check_room(name, room)?;
                if destination.publisher == Publisher::Client {
                    state.check_new_queue(name)?;
                }
                state.admit_queue(name, &self.limits, &self.store, destination.client)
            }
        }
    }

    /// Checks that `size` more bytes fit into the memory.
    pub(crate) fn check_memory(&self, size: u64) -> Result<(), PublishError> {
        let held = self.memory.bytes();
        let limit = self.limits.memory_bytes;
        match self.is_within_memory(held, size) {
            true => Ok(()),
            false => Err(PublishError::MemoryFull { held, limit }),
        }
    }

    pub(super) fn is_within_memory(&self, held: u64, size: u64) -> bool {
        held + size <= self.limits.memory_bytes
    }

    /// Makes room for an entry of this size: first in its own topic, which keeps only its last image, then in other
    /// topics.
    #[cold]
    pub(crate) fn make_room(
        &self,
        state: &mut BrokerState,
        destination: Destination<'_>,
        size: u64,
    ) -> Result<(), PublishError> {
        if self.check_memory(size).is_ok() {
            return Ok(());
        }
        if let Some(topic) = destination.topic()
            && let Some(topic) = state.topics.find_mut(topic.as_str())
        {
            let mut released = Released::new();
            topic.log.keep_last(&mut released);
            // The memory is needed now, so it is freed with the lock held.
            drop(released);
        }
        if !destination.is_checked() {
            self.free_oldest(state, destination.topic(), size);
            self.remove_own_image(state, destination.topic(), size);
            return self.check_memory(size);
        }
        Ok(())
    }

    /// Removes the last image of a topic, if the message that replaces it does not fit otherwise.
    fn remove_own_image(&self, state: &mut BrokerState, topic: Option<&TopicName>, size: u64) {
        let Some(topic) = topic.and_then(|name| state.topics.find_mut(name.as_str())) else {
            return;
        };
        let others = self
            .memory
            .bytes()
            .saturating_sub(topic.log.history_bytes());
        let fits_only_without =
            self.check_memory(size).is_err() && self.is_within_memory(others, size);
        if fits_only_without && !topic.retains_last() {
            let mut released = Released::new();
            topic.log.clear(&mut released);
        }
    }

    /// Removes messages of other topics, starting with the topics without a publication for the longest time, until
    /// there is room for `size` bytes.
    pub(crate) fn free_oldest(
        &self,
        state: &mut BrokerState,
        except: Option<&TopicName>,
        size: u64,
    ) {
        let limit = self.limits.memory_bytes;
        if size <= limit {
            state.free_oldest(NeededMemory {
                memory: &self.memory,
                most_held: limit - size,
                except,
            });
        }
    }

    /// Checks that every queue that a topic feeds can store a message, or can make room by dropping messages of its
    /// own. A message is refused if a queue would lose it because of the messages in other queues.
    #[inline]
    pub(super) fn check_fed_queues(
        &self,
        topic: &Topic,
        queues: &[Arc<Queue>],
        publication: &Publication,
        publisher: Publisher,
    ) -> Result<(), PublishError> {
        if (topic.queues.is_empty() && queues.is_empty()) || publisher == Publisher::Transaction {
            return Ok(());
        }
        let room = self.store.room_in_all(Load::of(publication));
        if room == Room::Enough {
            return Ok(());
        }
        let entry = publication.entry();
        let mut all = topic.queues.values().chain(queues);
        if !all.any(|queue| queue.would_lose(entry)) {
            return Ok(());
        }
        let pool = Pool::QueueBytes;
        self.pools().count_refused(pool);
        let limit = self.pools().limit(pool);
        Err(PoolError::Full { pool, limit }.into())
    }

    /// Checks that a queue has room for a message. If all queues together are full, the message is accepted only if a
    /// consumer takes it at once.
    pub(super) fn check_queue(
        &self,
        queue: &Queue,
        queue_state: &State,
        publication: &Publication,
    ) -> Result<(), PublishError> {
        let room = queue.room(Load::of(publication));
        if room.is_full_for_all() {
            if queue.may_hand_over(queue_state, publication.entry()) {
                return Ok(());
            }
            count_refused(room, queue.owner());
        }
        match queue.name() {
            Some(name) => check_room(name, room),
            None => Ok(()),
        }
    }
}

/// Checks that the publisher may send to a destination.
pub(crate) fn check_rights(
    publisher: Publisher,
    kind: DestinationKind,
    name: &TopicName,
) -> Result<(), PublishError> {
    let is_allowed = match publisher {
        Publisher::Client | Publisher::Transaction => !is_brokers_own(kind, name),
        Publisher::Broker => is_brokers_own(kind, name),
        Publisher::DeadLetter => true,
    };
    if is_allowed {
        Ok(())
    } else {
        Err(PublishError::Reserved(name.clone()))
    }
}

/// Counts a publication that is refused because of all queues, or of the share or quota of the queue's owner.
fn count_refused(room: Room, owner: &Client) {
    let pool = Pool::QueueBytes;
    match room {
        Room::ShareUsed(error) => owner.count_refused(pool, &error),
        full if full.is_full_for_all() => owner.pools().count_refused(pool),
        Room::Enough | Room::Full(..) => {}
    }
}

/// Converts the result of a check of a queue's room.
pub(crate) fn check_room(queue: &TopicName, room: Room) -> Result<(), PublishError> {
    match room {
        Room::Enough => Ok(()),
        Room::Full(of, limit) => Err(PublishError::QueueFull {
            name: queue.clone(),
            of,
            limit,
        }),
        Room::ShareUsed(error) => Err(error.into()),
    }
}
