//! A consumer: a subscription that takes messages from queues, with a bounded number of them in flight.
//!
//! Its life: [`Consumer::join`] adds queues. [`Consumer::pause`] and [`Consumer::resume`] are used while its session has
//! no connection. [`Consumer::leave`] keeps the deliveries until they are settled. At the end the broker calls
//! [`Consumer::leave_all_queues`] and [`Consumer::close`]. If a whole session ends, [`Consumer::stop`] is called first.

mod figures;
mod leaving;
mod reading;
mod settling;

use std::{fmt, sync::Arc};

pub use figures::ConsumerFigures;

use super::{
    Queue, Queued,
    browse::{Browse, Part},
    in_flight::{Assigned, InFlight},
};
use crate::{
    message::entry::{DestinationKind, Entry, SharedEntry},
    message::scan_budget::Budget,
    name::TopicFilter,
    outcome::Ready,
    selector::Selector,
    session::{Readable, Session},
    settlement::Acknowledgement,
    subscription_id::SubscriptionId,
    sync::{AtomicBool, AtomicU64, Mutex, Ordering, lock},
};

pub(crate) struct Consumer {
    pub(crate) id: SubscriptionId,
    pub(crate) session: Arc<Session>,
    /// Kind and filter of the subscription, for advisories.
    pub(crate) kind: DestinationKind,
    pub(crate) filter: TopicFilter,
    queue_use: QueueUse,
    pub(crate) is_exclusive: bool,
    acknowledgement: Acknowledgement,
    prefetch: usize,
    selector: Option<Selector>,
    tag: Box<[u8]>,
    /// The number of topics and queues that it covered when it was created.
    joined: AtomicU64,
    cancelled: AtomicBool,
    source: Source,
    in_flight: Mutex<InFlight>,
}

/// The options for creating a consumer.
pub(crate) struct ConsumerOptions<'a> {
    pub(crate) kind: DestinationKind,
    pub(crate) filter: TopicFilter,
    pub(crate) queue_use: QueueUse,
    pub(crate) acknowledgement: Acknowledgement,
    pub(crate) prefetch: usize,
    pub(crate) is_exclusive: bool,
    pub(crate) selector: Option<Selector>,
    pub(crate) tag: &'a [u8],
    /// For a browser: the queue, and the message after which browsing ends.
    pub(crate) browse: Option<(Arc<Queue>, SharedEntry)>,
}

/// States if a consumer shares its queues with others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum QueueUse {
    /// All messages are for this consumer.
    Alone,
    /// The queues are shared with other consumers.
    Shared,
}

/// The source of its messages.
enum Source {
    /// Consumed from these queues; a consumer with wildcards gets further queues.
    Queues(Mutex<Arc<Vec<Arc<Queue>>>>),
    /// Browsed.
    Browse(Browse),
}

/// The next message of a consumer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Next {
    /// A message at this position.
    At(u64),
    /// No message now.
    Nothing,
    /// Not known yet; a later call continues the scan.
    Later,
}

impl Consumer {
    pub(crate) fn new(
        id: SubscriptionId,
        session: &Arc<Session>,
        options: ConsumerOptions<'_>,
    ) -> Arc<Self> {
        session.client().hold_subscription(&options.filter);
        Arc::new(Self {
            id,
            session: Arc::clone(session),
            kind: options.kind,
            filter: options.filter,
            queue_use: options.queue_use,
            is_exclusive: options.is_exclusive,
            acknowledgement: options.acknowledgement,
            prefetch: options.prefetch.max(1),
            selector: options.selector,
            tag: options.tag.into(),
            joined: AtomicU64::new(0),
            cancelled: AtomicBool::new(false),
            source: match options.browse {
                Some((queue, end)) => Source::Browse(Browse::new(queue, end)),
                None => Source::Queues(Mutex::default()),
            },
            in_flight: Mutex::default(),
        })
    }

    /// Returns whether it has a selector.
    pub(super) fn is_selective(&self) -> bool {
        self.selector.is_some()
    }

    /// Returns whether it can be the exclusive consumer now.
    pub(super) fn may_be_exclusive(&self) -> bool {
        self.is_exclusive && !self.session.is_paused() && !lock(&self.in_flight).is_leaving()
    }

    pub(super) fn wants(&self, entry: &Entry) -> bool {
        let selector = self.selector.as_ref();
        selector.is_none_or(|selector| selector.matches(entry))
    }

    /// Returns the bytes of an entry's body that the selector may read.
    pub(super) fn body_reads(&self, entry: &Entry) -> u64 {
        let selector = self.selector.as_ref();
        selector.map_or(0, |selector| selector.body_reads(entry))
    }

    pub(crate) fn is_cancelled(&self) -> bool {
        self.cancelled.load(Ordering::Acquire)
    }

    /// Returns whether it has room for a message.
    pub(super) fn has_room(&self) -> bool {
        lock(&self.in_flight).room(self.prefetch) > 0
    }

    /// Returns whether messages would be lost with this consumer: those of its own queue, or of a queue without other
    /// consumers.
    pub(crate) fn would_lose_messages(&self, is_meant: &impl Fn(&[u8]) -> bool) -> bool {
        is_meant(&self.tag)
            && self
                .queues()
                .iter()
                .any(|queue| queue.loses_messages_with_consumer())
    }

    /// Adds a queue.
    pub(crate) fn join(self: &Arc<Self>, queue: &Arc<Queue>) {
        if let Source::Queues(queues) = &self.source {
            Arc::make_mut(&mut lock(queues)).push(Arc::clone(queue));
            queue.join(self);
        }
    }

    pub(crate) fn note_joined(&self, joined: usize) {
        self.joined.store(joined as u64, Ordering::Relaxed);
    }

    pub(crate) fn joined(&self) -> usize {
        self.joined.load(Ordering::Relaxed) as usize
    }

    /// Returns its queues.
    pub(crate) fn queues(&self) -> Arc<Vec<Arc<Queue>>> {
        match &self.source {
            Source::Queues(queues) => Arc::clone(&lock(queues)),
            Source::Browse(_) => Arc::default(),
        }
    }

    /// Removes a deleted queue from the consumer. Returns whether the consumer had it.
    pub(crate) fn leave_queue(&self, queue: &Arc<Queue>) -> bool {
        let Source::Queues(queues) = &self.source else {
            return false;
        };
        let mut queues = lock(queues);
        let found = queues.iter().position(|own| Arc::ptr_eq(own, queue));
        if let Some(at) = found {
            Arc::make_mut(&mut queues).remove(at);
        }
        drop(queues);
        lock(&self.in_flight).remove_pending_scan(queue);
        found.is_some()
    }

    /// Removes all queues. The caller must end the consumer's membership in them.
    pub(crate) fn leave_all_queues(&self) -> Arc<Vec<Arc<Queue>>> {
        match &self.source {
            Source::Queues(queues) => std::mem::take(&mut lock(queues)),
            Source::Browse(_) => Arc::default(),
        }
    }

    /// Assigns a message if the consumer has room, and returns the message's entry. Otherwise the consumer lists the
    /// queue as not completely scanned, unless it is listed already.
    pub(super) fn assign(
        self: &Arc<Self>,
        queue: &Arc<Queue>,
        message: Queued,
        is_scan_pending: bool,
        ready: &mut Ready,
    ) -> Result<SharedEntry, Queued> {
        let mut in_flight = lock(&self.in_flight);
        if in_flight.room(self.prefetch) == 0 {
            if !is_scan_pending {
                in_flight.add_pending_scan(queue);
            }
            return Err(message);
        }
        let entry = SharedEntry::clone(&message.entry);
        let queue = Some(Arc::clone(queue));
        let is_first = in_flight.push([Assigned { message, queue }]);
        drop(in_flight);
        if is_first {
            self.announce(ready);
        }
        Ok(entry)
    }

    /// Returns whether it has room. Otherwise it lists the queue as not completely scanned, unless it is listed already.
    /// Both are one step, as in [`Consumer::assign`].
    pub(super) fn has_room_or_lists(&self, queue: &Arc<Queue>, is_scan_pending: bool) -> bool {
        let mut in_flight = lock(&self.in_flight);
        let has_room = in_flight.room(self.prefetch) > 0;
        if !has_room && !is_scan_pending {
            in_flight.add_pending_scan(queue);
        }
        has_room
    }

    fn announce(self: &Arc<Self>, ready: &mut Ready) {
        if self
            .session
            .push_readable(Readable::Consumer(Arc::clone(self)))
        {
            ready.sessions.push(Arc::clone(&self.session));
        }
    }

    /// Lists a queue as not completely scanned.
    pub(super) fn add_pending_scan(&self, queue: &Arc<Queue>) {
        lock(&self.in_flight).add_pending_scan(queue);
    }

    /// Returns whether it has no room and lists a queue as not completely scanned.
    pub(crate) fn awaits_acknowledgements(&self) -> bool {
        let in_flight = lock(&self.in_flight);
        in_flight.has_pending_scan() && in_flight.room(self.prefetch) == 0
    }

    /// Returns whether its reader must continue to scan.
    pub(super) fn reader_must_scan(&self) -> bool {
        lock(&self.in_flight).reader_must_scan()
    }

    /// Makes its reader continue to scan, if it has room.
    pub(super) fn scan_in_reader(self: &Arc<Self>, ready: &mut Ready) {
        let mut in_flight = lock(&self.in_flight);
        let is_first = in_flight.room(self.prefetch) > 0 && in_flight.scan_in_reader();
        drop(in_flight);
        if is_first {
            self.announce(ready);
        }
    }

    /// Fetches messages while there is room and budget. Does nothing if its reader continues the scan anyway.
    pub(crate) fn fetch_unless_scheduled(self: &Arc<Self>, budget: &mut Budget, ready: &mut Ready) {
        if self.reader_must_scan() {
            return;
        }
        self.fetch(budget, ready);
    }

    fn fetch(self: &Arc<Self>, budget: &mut Budget, ready: &mut Ready) {
        match &self.source {
            Source::Queues(_) => self.fetch_from_queues(budget, ready),
            Source::Browse(look) => self.browse_next(look, budget, ready),
        }
    }

    /// Returns whether the scan must stop because the budget is spent. The queue of a topic subscription needs no
    /// budget: all its messages are for its consumer.
    pub(super) fn must_stop_scan(&self, budget: &Budget) -> bool {
        budget.is_spent() && self.queue_use == QueueUse::Shared
    }

    fn fetch_from_queues(self: &Arc<Self>, budget: &mut Budget, ready: &mut Ready) {
        loop {
            let mut in_flight = lock(&self.in_flight);
            let room = in_flight.room(self.prefetch);
            if room == 0 {
                return;
            }
            if self.must_stop_scan(budget) {
                let is_first = in_flight.has_pending_scan() && in_flight.scan_in_reader();
                drop(in_flight);
                if is_first {
                    self.announce(ready);
                }
                return;
            }
            // This cannot miss a queue: another thread finds no room and lists the queue under one lock, so a consumer
            // that makes room afterwards sees it in the list.
            let Some(queue) = in_flight.take_pending_scan() else {
                return;
            };
            drop(in_flight);
            queue.refill(self, room, budget, ready);
        }
    }

    /// Fetches the next messages of a browse.
    fn browse_next(self: &Arc<Self>, look: &Browse, budget: &mut Budget, ready: &mut Ready) {
        let found = look.next(self, budget);
        if found.is_empty() {
            if look.has_more() {
                self.scan_in_reader(ready);
            }
            return;
        }
        self.push_browsed(&found, ready);
    }

    /// Takes messages that were loaded for its browse, up to a position.
    pub(super) fn take_browsed(
        self: &Arc<Self>,
        mut loaded: Vec<SharedEntry>,
        last: u64,
        ready: &mut Ready,
    ) {
        if let Source::Browse(look) = &self.source {
            look.end_load(last);
            loaded.retain(|entry| self.wants(entry));
            match loaded.is_empty() {
                true => self.scan_in_reader(ready),
                false => self.push_browsed(&loaded, ready),
            }
        }
    }

    fn push_browsed(self: &Arc<Self>, found: &[SharedEntry], ready: &mut Ready) {
        let browsed = found.iter().map(|entry| Assigned {
            message: Queued::new(entry),
            queue: None,
        });
        let is_first = lock(&self.in_flight).push(browsed);
        if is_first {
            self.announce(ready);
        }
    }

    /// Adds the unsettled messages of `queue` with delivery numbers after `after` to `part`. Returns the number of the
    /// last one, or `None` if there are no more.
    pub(super) fn look_at_held(&self, queue: &Queue, after: u64, part: &mut Part) -> Option<u64> {
        lock(&self.in_flight).look(queue, after, part)
    }

    /// Visits each message of `queue` that this consumer holds.
    pub(super) fn for_each_unsettled(&self, queue: &Queue, each: impl FnMut(&SharedEntry)) {
        lock(&self.in_flight).for_each(queue, each);
    }
}

impl Drop for Consumer {
    fn drop(&mut self) {
        self.session.client().release_subscription(&self.filter);
    }
}

impl fmt::Debug for Consumer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Consumer({} of {:?})", self.id.0, self.session)
    }
}
