//! The data that all queues share: their bounds, the total of their bytes, and dead messages on their way to a dead
//! letter queue.

use std::sync::{
    Arc, RwLock,
    atomic::{AtomicU64, Ordering},
};

use super::{
    Queue, Queued, delayed::DelayedQueues, groups::IdleInAll, paging::Paging, paging::PendingLoad,
    rules::QueueBounds,
};
use crate::{
    alarm::Alarm,
    completion::Completion,
    figures::Totals,
    journal::Journal,
    memory::account::Account,
    memory::limits::Limits,
    memory::share::{Client, Pool, PoolError},
    message::entry::{Entry, Publication},
    notice::DeathCause,
    policy::Policies,
    sync::{AtomicBool, Mutex, lock},
};

#[derive(Debug)]
pub(crate) struct Store {
    pub(crate) limits: Limits,
    /// Bytes of all messages, each counted once for any number of queues, and of their places in the queues.
    bytes: AtomicU64,
    pub(super) paging: Paging,
    pub(super) idle_groups: IdleInAll,
    pub(super) totals: Arc<Totals>,
    pub(crate) journal: Option<Arc<dyn Journal>>,
    /// The time of the next work that no call causes.
    pub(crate) alarm: Alarm,
    pub(super) delayed: DelayedQueues,
    /// The policies of queues that are created.
    pub(super) policies: RwLock<Arc<Policies>>,
    /// Messages for a dead letter queue, if one accepts them.
    dead: Burial<Dead>,
    /// Messages dropped at a bound, to be reported.
    dropped: Burial<Dead>,
    /// The same, without their content.
    dropped_places: Burial<DroppedPlace>,
}

/// Dead messages are collected here, because the thread that finds one may hold locks that are needed to process it.
#[derive(Debug)]
struct Burial<T> {
    dead: Mutex<Vec<T>>,
    is_empty: AtomicBool,
}

/// A message that left its queue without an acknowledgement.
#[derive(Debug)]
pub(crate) struct Dead {
    pub(crate) queue: Arc<Queue>,
    pub(crate) message: Queued,
    pub(crate) cause: DeathCause,
}

/// A paged message that was dropped at a bound of its queue.
#[derive(Debug)]
pub(crate) struct DroppedPlace {
    pub(crate) queue: Arc<Queue>,
    /// The account of the message's destination.
    pub(crate) account: Arc<Account>,
    pub(crate) position: u64,
}

/// A number of messages and their bytes.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Load {
    pub(crate) entries: u64,
    /// Bytes in memory.
    pub(crate) bytes: u64,
    /// Bytes of paged messages that count for the bound on the bytes of the queue.
    pub(crate) paged_bytes: u64,
}

/// The amounts by which one new message would exceed the bounds.
#[derive(Debug, Clone, Copy)]
pub(super) struct Excess {
    entries: u64,
    bytes: u64,
    /// In all queues.
    bytes_in_all: u64,
    /// Above the queue's share of all queues.
    share: u64,
}

impl Load {
    pub(crate) fn of(publication: &Publication) -> Self {
        Self {
            entries: 1,
            bytes: publication.size(),
            paged_bytes: 0,
        }
    }

    /// Returns the bytes that count for the bound on the bytes of one queue.
    fn bytes_of_queue(self) -> u64 {
        self.bytes + self.paged_bytes
    }

    /// Returns the bytes it counts for in all queues, if no other queue has it.
    pub(crate) fn cost(self) -> u64 {
        self.bytes + self.entries * PLACE
    }
}

impl Excess {
    pub(super) fn is_none(&self) -> bool {
        self.entries == 0 && self.bytes == 0 && self.bytes_in_all == 0 && self.share == 0
    }

    /// Returns whether it is an excess over the bounds of the queue itself.
    pub(super) fn is_of_queue(&self) -> bool {
        self.entries > 0 || self.bytes > 0
    }

    /// Returns whether an excess would remain if everything a queue holds was dropped.
    pub(super) fn is_more_than(&self, held: Load) -> bool {
        self.entries > held.entries
            || self.bytes > held.bytes_of_queue()
            || self.bytes_in_all > held.cost()
    }

    /// Returns the remaining excess if the queue drops a paged message of this size.
    pub(super) fn without_paged(self, bytes: u64) -> Self {
        Self {
            entries: self.entries.saturating_sub(1),
            bytes: self.bytes.saturating_sub(bytes),
            bytes_in_all: self.bytes_in_all.saturating_sub(PLACE),
            share: self.share.saturating_sub(2 * PLACE),
        }
    }

    /// Returns the remaining excess if the queue drops an entry.
    pub(super) fn without(self, entry: &Entry) -> Self {
        let cost_in_all = cost(entry, entry.queues() == 1);
        // The queue's own load shrinks by the first amount, and the free amount grows by the second.
        let nearer = cost(entry, true) + cost_in_all;
        Self {
            entries: self.entries.saturating_sub(1),
            bytes: self.bytes.saturating_sub(entry.size()),
            bytes_in_all: self.bytes_in_all.saturating_sub(cost_in_all),
            share: self.share.saturating_sub(nearer),
        }
    }
}

/// Returns the bytes of an entry in a queue for the total: its place, and the entry itself if no other queue has it.
fn cost(entry: &Entry, is_only_here: bool) -> u64 {
    if is_only_here {
        entry.size() + PLACE
    } else {
        PLACE
    }
}

/// The result of a check for room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Room {
    Enough,
    /// A bound is reached: its name and its value.
    Full(&'static str, u64),
    /// The creator of the queue has used its share or quota.
    ShareUsed(PoolError),
}

impl Room {
    /// Returns whether all queues lack the room.
    pub(crate) fn is_full_for_all(&self) -> bool {
        match self {
            Self::Enough => false,
            Self::Full(of, _) => [IN_ALL, SHARE].contains(of),
            Self::ShareUsed(_) => true,
        }
    }
}

/// The names of the bounds of all queues and of a queue's share.
const IN_ALL: &str = "bytes in all queues";
const SHARE: &str = "bytes of its share in all queues";

impl Store {
    pub(crate) fn new(
        limits: &Limits,
        totals: &Arc<Totals>,
        journal: Option<Arc<dyn Journal>>,
        completion: &Arc<Completion>,
    ) -> Arc<Self> {
        Arc::new(Self {
            limits: limits.clone(),
            bytes: AtomicU64::new(0),
            paging: Paging::new(limits, completion),
            idle_groups: IdleInAll::default(),
            totals: Arc::clone(totals),
            journal,
            alarm: Alarm::default(),
            delayed: DelayedQueues::default(),
            policies: RwLock::default(),
            dead: Burial::new(),
            dropped: Burial::new(),
            dropped_places: Burial::new(),
        })
    }

    /// Returns the ticket of everything in the journal, if there is one.
    pub(crate) fn newest_ticket(&self) -> Option<u64> {
        self.journal.as_ref().map(|journal| {
            let newest = journal.newest();
            journal.wake();
            newest
        })
    }

    /// Checks whether a queue with these bounds that holds `held` may add `more`.
    pub(crate) fn room(&self, held: Load, more: Load, bounds: QueueBounds, owner: &Client) -> Room {
        if held.entries + more.entries > bounds.entries {
            Room::Full("messages in one queue", bounds.entries)
        } else if held.bytes_of_queue() + more.bytes > bounds.bytes {
            Room::Full("bytes in one queue", bounds.bytes)
        } else {
            match self.room_in_all(more) {
                Room::Enough => self.room_in_share(held, more, owner),
                full => full,
            }
        }
    }

    /// Checks the share of a queue that holds `held`, and the share of its owner, for `more`.
    fn room_in_share(&self, held: Load, more: Load, owner: &Client) -> Room {
        let free = self.free();
        if held.cost() > free {
            return Room::Full(SHARE, free);
        }
        match owner.check_uncounted(Pool::QueueBytes, more.cost(), free) {
            Ok(()) => Room::Enough,
            Err(error) => Room::ShareUsed(error),
        }
    }

    /// Checks whether all queues together have room for messages that none of them has.
    pub(crate) fn room_in_all(&self, more: Load) -> Room {
        if more.cost() > self.free() {
            Room::Full(IN_ALL, self.limit_in_all())
        } else {
            Room::Enough
        }
    }

    pub(crate) fn limit_in_all(&self) -> u64 {
        self.limits.pool(Pool::QueueBytes)
    }

    /// Returns the bytes in all queues.
    pub(crate) fn bytes_in_all(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    /// Returns the free bytes for all queues.
    pub(crate) fn free(&self) -> u64 {
        self.limit_in_all().saturating_sub(self.bytes_in_all())
    }

    /// Returns whether a queue that holds `held` may give an entry to a consumer that takes it at once: within the
    /// queue's own bounds, and within its share or while it holds little. The content of other queues does not count
    /// then.
    pub(super) fn may_hand_over(&self, held: Load, entry: &Entry, bounds: QueueBounds) -> bool {
        held.entries < bounds.entries
            && held.bytes_of_queue() + entry.size() <= bounds.bytes
            && (held.bytes <= IN_HAND || held.cost() <= self.free())
    }

    /// Returns whether a queue holds so little that its share does not apply, as long as all queues have room.
    fn is_little(&self, held: Load) -> bool {
        held.cost() <= self.limit_in_all() / LITTLE
    }

    /// Returns whether a waiting entry would have no room, for a reason other than the content of the queue or its
    /// owner's share.
    pub(super) fn is_too_full_for(&self, held: Load, entry: &Entry, owner: &Client) -> bool {
        let free = self.free();
        let more = cost(entry, true);
        more > free && self.is_little(held) && owner.is_within_share(Pool::QueueBytes, more, free)
    }

    /// Returns the excess after an entry, which other queues may have, was added to a queue that held `before`.
    pub(super) fn excess(
        &self,
        before: Load,
        entry: &Entry,
        bounds: QueueBounds,
        owner: &Client,
    ) -> Excess {
        let (free, cost) = (self.free(), cost(entry, true));
        let beyond_share = match self.is_little(before) {
            true => 0,
            false => (before.cost() + cost).saturating_sub(free),
        };
        // A queue above its share is not emptied at once.
        let share = match owner.is_within_share(Pool::QueueBytes, cost, free) {
            true => beyond_share.min(FASTEST * cost),
            false => cost,
        };
        Excess {
            entries: (before.entries + 1).saturating_sub(bounds.entries),
            bytes: (before.bytes_of_queue() + entry.size()).saturating_sub(bounds.bytes),
            bytes_in_all: self.bytes_in_all().saturating_sub(self.limit_in_all()),
            share,
        }
    }

    /// Counts an entry that enters one more queue.
    pub(super) fn take(&self, entry: &Entry) {
        self.take_bytes(cost(entry, entry.enter_queue()));
    }

    pub(super) fn take_bytes(&self, more: u64) {
        self.bytes.fetch_add(more, Ordering::Relaxed);
    }

    /// Counts an entry that leaves a queue.
    pub(super) fn give_back(&self, entry: &Entry) {
        self.give_back_bytes(cost(entry, entry.leave_queue()));
    }

    pub(super) fn give_back_bytes(&self, less: u64) {
        self.bytes.fetch_sub(less, Ordering::Relaxed);
    }

    /// Returns messages on their way from the journal that have arrived, with their queue. `None` if the queue was removed.
    pub(crate) fn end_load(&self, number: u64) -> Option<(Arc<Queue>, PendingLoad)> {
        let load = self.paging.end_load(number)?;
        match load.queue.upgrade() {
            Some(queue) => Some((queue, load)),
            None => {
                load.give_up();
                None
            }
        }
    }

    /// Notes that all messages up to this position are durable, because they are from an earlier run.
    pub(crate) fn note_restored(&self, position: u64) {
        self.paging.note_restored(position);
    }

    pub(super) fn dead_letter(&self, dead: Dead) {
        match dead.cause {
            DeathCause::QueueFull => self.dropped.add(dead),
            DeathCause::TooManyDeliveries(_) | DeathCause::Rejected | DeathCause::Expired => {
                self.dead.add(dead);
            }
        }
    }

    /// Takes the messages for a dead letter queue.
    pub(crate) fn take_dead(&self) -> Vec<Dead> {
        self.dead.take()
    }

    pub(super) fn note_dropped_place(&self, dropped: DroppedPlace) {
        self.dropped_places.add(dropped);
    }

    /// Takes the paged messages dropped at a bound.
    pub(crate) fn take_dropped_places(&self) -> Vec<DroppedPlace> {
        self.dropped_places.take()
    }

    /// Takes the messages dropped at a bound.
    pub(crate) fn take_dropped(&self) -> Vec<Dead> {
        self.dropped.take()
    }
}

impl<T> Burial<T> {
    fn new() -> Self {
        Self {
            dead: Mutex::default(),
            is_empty: AtomicBool::new(true),
        }
    }

    fn add(&self, dead: T) {
        let mut all = lock(&self.dead);
        all.push(dead);
        self.is_empty.store(false, Ordering::Relaxed);
    }

    fn take(&self) -> Vec<T> {
        // A thread that added a message sees it here; other threads take their own.
        if self.is_empty.load(Ordering::Relaxed) {
            return Vec::new();
        }
        let mut all = lock(&self.dead);
        self.is_empty.store(true, Ordering::Relaxed);
        std::mem::take(&mut *all)
    }
}

/// Bytes of a queue that its consumers may have in flight, whatever other queues hold.
const IN_HAND: u64 = 64 << 10;
/// A queue that holds less than this part of the total limit need not drop messages for others.
const LITTLE: u64 = 16 << 10;
/// Maximum amount that one message makes a queue above its share drop, in multiples of its own size.
const FASTEST: u64 = 4;
/// Bytes of a place in a queue, in addition to the message, which other queues may have too: approximately the memory
/// of the maps for waiting, in-flight and group data. A paged message has only a place.
pub(super) const PLACE: u64 = 128;
