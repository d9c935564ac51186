//! What all queues share: their bounds, the bytes they hold together, and the dead on their way to a dead
//! letter queue.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use super::{Queue, Queued, groups::IdleInAll};
use crate::{
    memory::limits::Limits,
    memory::share::{Client, Pool, PoolError},
    message::entry::{Entry, Publication},
    notice::DeathCause,
    session::Totals,
    sync::{AtomicBool, Mutex, lock},
};

#[derive(Debug)]
pub(crate) struct Store {
    pub(crate) limits: Limits,
    /// Of all messages, each counted once however many queues have it, and of its places in them.
    bytes: AtomicU64,
    pub(super) idle_groups: IdleInAll,
    pub(super) totals: Arc<Totals>,
    /// To be sent to a dead letter queue, if they are wanted there.
    dead: Burial,
    /// Dropped at a bound: only to be told of.
    dropped: Burial,
}

/// Collected here, since who finds a message dead may hold locks that dealing with it needs.
#[derive(Debug)]
struct Burial {
    dead: Mutex<Vec<Dead>>,
    is_empty: AtomicBool,
}

/// A message that left its queue without having been acknowledged.
#[derive(Debug)]
pub(crate) struct Dead {
    pub(crate) queue: Arc<Queue>,
    pub(crate) message: Queued,
    pub(crate) cause: DeathCause,
}

/// Messages and their bytes.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Load {
    pub(crate) entries: u64,
    pub(crate) bytes: u64,
}

/// What is too much by one message that is to come into a queue.
#[derive(Debug, Clone, Copy)]
pub(super) struct Excess {
    entries: u64,
    bytes: u64,
    /// In all queues.
    bytes_in_all: u64,
    /// Beyond the queue's share of those.
    share: u64,
}

impl Load {
    pub(crate) fn of(publication: &Publication) -> Self {
        Self {
            entries: 1,
            bytes: publication.size(),
        }
    }

    /// What it counts for in all queues, if only one has it.
    pub(super) fn cost(self) -> u64 {
        self.bytes + self.entries * PLACE
    }
}

impl Excess {
    pub(super) fn is_none(&self) -> bool {
        self.entries == 0 && self.bytes == 0 && self.bytes_in_all == 0 && self.share == 0
    }

    /// Whether it would remain if all was dropped that a queue holds.
    pub(super) fn is_more_than(&self, held: Load) -> bool {
        self.entries > held.entries || self.bytes > held.bytes || self.bytes_in_all > held.cost()
    }

    /// What remains if the queue drops an entry.
    pub(super) fn without(self, entry: &Entry) -> Self {
        let cost_in_all = cost(entry, entry.queues() == 1);
        // The queue has so much less, and the more is free.
        let nearer = cost(entry, true) + cost_in_all;
        Self {
            entries: self.entries.saturating_sub(1),
            bytes: self.bytes.saturating_sub(entry.size()),
            bytes_in_all: self.bytes_in_all.saturating_sub(cost_in_all),
            share: self.share.saturating_sub(nearer),
        }
    }
}

/// What an entry in a queue counts for in all of them: its place, and itself if no other queue has it.
fn cost(entry: &Entry, is_only_here: bool) -> u64 {
    if is_only_here {
        entry.size() + PLACE
    } else {
        PLACE
    }
}

/// Whether there is room for messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Room {
    Enough,
    /// What is reached, and at what number.
    Full(&'static str, u64),
    /// Whoever made the queue has its share of all.
    ShareUsed(PoolError),
}

impl Room {
    /// Whether what is missing is missing for all queues.
    pub(crate) fn is_full_for_all(&self) -> bool {
        match self {
            Self::Enough => false,
            Self::Full(of, _) => [IN_ALL, SHARE].contains(of),
            Self::ShareUsed(_) => true,
        }
    }
}

/// What is reached where all queues are full, and where a queue has its share.
const IN_ALL: &str = "bytes in all queues";
const SHARE: &str = "bytes of its share in all queues";

impl Store {
    pub(crate) fn new(limits: &Limits, totals: &Arc<Totals>) -> Arc<Self> {
        Arc::new(Self {
            limits: limits.clone(),
            bytes: AtomicU64::new(0),
            idle_groups: IdleInAll::default(),
            totals: Arc::clone(totals),
            dead: Burial::new(),
            dropped: Burial::new(),
        })
    }

    /// Whether a queue that holds `held` may take `more` in.
    pub(crate) fn room(&self, held: Load, more: Load, owner: &Client) -> Room {
        if held.entries + more.entries > self.limits.queue_entries {
            Room::Full("messages in one queue", self.limits.queue_entries)
        } else if held.bytes + more.bytes > self.limits.queue_bytes {
            Room::Full("bytes in one queue", self.limits.queue_bytes)
        } else {
            match self.room_in_all(more) {
                Room::Enough => self.room_in_share(held, more, owner),
                full => full,
            }
        }
    }

    /// Whether a queue that holds `held` may take `more` of what is free, and its owner may have it.
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

    /// Whether all queues together may take so much in that none of them has.
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

    /// Bytes in all queues.
    pub(crate) fn bytes_in_all(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    /// Bytes that are left for all queues.
    pub(crate) fn free(&self) -> u64 {
        self.limit_in_all().saturating_sub(self.bytes_in_all())
    }

    /// Whether a queue that holds `held` may give an entry to a consumer that takes it at once: within the queue's
    /// own bounds, and within its share or while it holds little. What others hold does not count then.
    pub(super) fn may_hand_over(&self, held: Load, entry: &Entry) -> bool {
        held.entries < self.limits.queue_entries
            && held.bytes + entry.size() <= self.limits.queue_bytes
            && (held.bytes <= IN_HAND || held.cost() <= self.free())
    }

    /// Whether it is so little that a queue may hold it whatever its share is, as far as there is room in all.
    fn is_little(&self, held: Load) -> bool {
        held.cost() <= self.limit_in_all() / LITTLE
    }

    /// Whether an entry that waits would have no room, and not because of what the queue or its owner holds.
    pub(super) fn is_too_full_for(&self, held: Load, entry: &Entry, owner: &Client) -> bool {
        let free = self.free();
        let more = cost(entry, true);
        more > free && self.is_little(held) && owner.is_within_share(Pool::QueueBytes, more, free)
    }

    /// What is too much now that an entry, which others may have, came to what the queue held `before`.
    pub(super) fn excess(&self, before: Load, entry: &Entry, owner: &Client) -> Excess {
        let (free, cost) = (self.free(), cost(entry, true));
        let beyond_share = match self.is_little(before) {
            true => 0,
            false => (before.cost() + cost).saturating_sub(free),
        };
        // A queue that has too much is not emptied at once.
        let share = match owner.is_within_share(Pool::QueueBytes, cost, free) {
            true => beyond_share.min(FASTEST * cost),
            false => cost,
        };
        Excess {
            entries: (before.entries + 1).saturating_sub(self.limits.queue_entries),
            bytes: (before.bytes + entry.size()).saturating_sub(self.limits.queue_bytes),
            bytes_in_all: self.bytes_in_all().saturating_sub(self.limit_in_all()),
            share,
        }
    }

    /// An entry comes into one more queue.
    pub(super) fn take(&self, entry: &Entry) {
        let more = cost(entry, entry.enter_queue());
        self.bytes.fetch_add(more, Ordering::Relaxed);
    }

    /// An entry leaves a queue.
    pub(super) fn give_back(&self, entry: &Entry) {
        let less = cost(entry, entry.leave_queue());
        self.bytes.fetch_sub(less, Ordering::Relaxed);
    }

    pub(super) fn dead_letter(&self, dead: Dead) {
        match dead.cause {
            DeathCause::QueueFull => self.dropped.add(dead),
            DeathCause::TooManyDeliveries(_) | DeathCause::Rejected | DeathCause::Expired => {
                self.dead.add(dead);
            }
        }
    }

    /// The dead that a dead letter queue may want, taken out.
    pub(crate) fn take_dead(&self) -> Vec<Dead> {
        self.dead.take()
    }

    /// Those that were dropped at a bound, taken out.
    pub(crate) fn take_dropped(&self) -> Vec<Dead> {
        self.dropped.take()
    }
}

impl Burial {
    fn new() -> Self {
        Self {
            dead: Mutex::default(),
            is_empty: AtomicBool::new(true),
        }
    }

    fn add(&self, dead: Dead) {
        let mut all = lock(&self.dead);
        all.push(dead);
        self.is_empty.store(false, Ordering::Relaxed);
    }

    fn take(&self) -> Vec<Dead> {
        // Who added one and comes here sees it; others' are theirs to take.
        if self.is_empty.load(Ordering::Relaxed) {
            return Vec::new();
        }
        let mut all = lock(&self.dead);
        self.is_empty.store(true, Ordering::Relaxed);
        std::mem::take(&mut *all)
    }
}

/// Bytes of a queue that its consumers may have in hand whatever other queues hold.
const IN_HAND: u64 = 64 << 10;
/// A queue that holds less than this part of what all may hold need not drop anything for others.
const LITTLE: u64 = 16 << 10;
/// How many times its own size a message makes a queue give up that holds more than its share.
const FASTEST: u64 = 4;
/// What a place in a queue counts for besides the message itself, which others may have too: about what
/// the maps need in which it waits, or is in somebody's hands, and what is known of its group.
const PLACE: u64 = 128;
