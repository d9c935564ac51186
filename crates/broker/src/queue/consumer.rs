//! A consumer: a subscription that takes messages out of queues, and has a bounded number of them in hand.

use std::{fmt, ops::ControlFlow, sync::Arc};

use super::{
    Queue, Queued,
    browse::{Browse, Part},
    in_flight::{Assigned, InFlight, Phase, Received},
    returned::Returned,
};
use crate::{
    message::entry::{DestinationKind, Entry, SharedEntry},
    message::scan_budget::Budget,
    name::{TopicFilter, is_brokers_own},
    notice::DeathCause,
    outcome::Ready,
    queue::settlement::{Acknowledgement, DeliveryId, SettleError, Settlement, Verdict},
    selector::Selector,
    session::reader::Delivery,
    session::subscription::SubscriptionId,
    session::{Readable, Session},
    sync::{AtomicBool, AtomicU64, Mutex, Ordering, lock},
    topic::cursor::Stop,
};

pub(crate) struct Consumer {
    pub(crate) id: SubscriptionId,
    pub(crate) session: Arc<Session>,
    /// What it subscribes to, for those who are told of it.
    pub(crate) kind: DestinationKind,
    pub(crate) filter: TopicFilter,
    supply: Supply,
    pub(crate) is_exclusive: bool,
    acknowledgement: Acknowledgement,
    prefetch: usize,
    selector: Option<Selector>,
    tag: Box<[u8]>,
    /// Topics and queues that it came to when it was made.
    joined: AtomicU64,
    cancelled: AtomicBool,
    source: Source,
    hands: Mutex<InFlight>,
}

/// What a consumer is made of.
pub(crate) struct ConsumerOptions<'a> {
    pub(crate) kind: DestinationKind,
    pub(crate) filter: TopicFilter,
    pub(crate) supply: Supply,
    pub(crate) acknowledgement: Acknowledgement,
    pub(crate) prefetch: usize,
    pub(crate) is_exclusive: bool,
    pub(crate) selector: Option<Selector>,
    pub(crate) tag: &'a [u8],
    /// Looks at this queue instead of taking from any, and says at the end that this was all.
    pub(crate) browse: Option<(Arc<Queue>, SharedEntry)>,
}

/// Whether what is in a consumer's queues is for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Supply {
    /// All of it.
    Own,
    /// What others do not take, and as far as it wants it.
    Shared,
}

/// Where its messages come from.
enum Source {
    /// Taken from these queues, to which more may come while it has wildcards.
    Queues(Mutex<Arc<Vec<Arc<Queue>>>>),
    /// Only looked at.
    Browse(Browse),
}

/// Whether a consumer has something to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Next {
    /// At this position.
    At(u64),
    /// Not now.
    Nothing,
    /// There is more to look at before it is known, in another call.
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
            supply: options.supply,
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
            hands: Mutex::default(),
        })
    }

    /// Whether there are messages that it does not take.
    pub(super) fn is_selective(&self) -> bool {
        self.selector.is_some()
    }

    /// Whether it wants to be the only one, and is there.
    pub(super) fn may_be_only_one(&self) -> bool {
        self.is_exclusive && !self.session.is_paused() && !lock(&self.hands).is_leaving()
    }

    pub(super) fn wants(&self, entry: &Entry) -> bool {
        let selector = self.selector.as_ref();
        selector.is_none_or(|selector| selector.matches(entry))
    }

    pub(crate) fn is_cancelled(&self) -> bool {
        self.cancelled.load(Ordering::Acquire)
    }

    /// Whether it can be given a message.
    pub(super) fn has_room(&self) -> bool {
        lock(&self.hands).room(self.prefetch) > 0
    }

    /// Whether messages would go with it: those of a queue of its own, or of one that it shares with nobody.
    pub(crate) fn would_leave(&self, is_meant: &impl Fn(&[u8]) -> bool) -> bool {
        is_meant(&self.tag) && self.queues().iter().any(|queue| queue.ends_with_consumer())
    }

    /// Lets the consumer take from a queue.
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

    /// The queues it takes from.
    pub(crate) fn queues(&self) -> Arc<Vec<Arc<Queue>>> {
        match &self.source {
            Source::Queues(queues) => Arc::clone(&lock(queues)),
            Source::Browse(_) => Arc::default(),
        }
    }

    /// Lets the consumer forget a queue, in which there is nothing; whether it had it.
    pub(crate) fn part(&self, queue: &Arc<Queue>) -> bool {
        let Source::Queues(queues) = &self.source else {
            return false;
        };
        let mut queues = lock(queues);
        let found = queues.iter().position(|own| Arc::ptr_eq(own, queue));
        if let Some(at) = found {
            Arc::make_mut(&mut queues).remove(at);
        }
        drop(queues);
        lock(&self.hands).forget_unseen(queue);
        found.is_some()
    }

    /// Lets the consumer forget all its queues; they are the caller's to leave.
    pub(crate) fn part_all(&self) -> Arc<Vec<Arc<Queue>>> {
        match &self.source {
            Source::Queues(queues) => std::mem::take(&mut lock(queues)),
            Source::Browse(_) => Arc::default(),
        }
    }

    /// Gives it a message, if it has room; tells which one it was. Otherwise the consumer notes the queue,
    /// unless it has it noted.
    pub(super) fn assign(
        self: &Arc<Self>,
        queue: &Arc<Queue>,
        message: Queued,
        is_noted: bool,
        ready: &mut Ready,
    ) -> Result<SharedEntry, Queued> {
        let mut hands = lock(&self.hands);
        if hands.room(self.prefetch) == 0 {
            if !is_noted {
                hands.note_unseen(queue);
            }
            return Err(message);
        }
        let entry = SharedEntry::clone(&message.entry);
        let queue = Some(Arc::clone(queue));
        let is_first = hands.push([Assigned { message, queue }]);
        drop(hands);
        if is_first {
            self.announce(ready);
        }
        Ok(entry)
    }

    fn announce(self: &Arc<Self>, ready: &mut Ready) {
        if self.session.queue(Readable::Consumer(Arc::clone(self))) {
            ready.sessions.push(Arc::clone(&self.session));
        }
    }

    /// Notes that something waits in a queue that the consumer has not looked at.
    pub(super) fn note_unseen(&self, queue: &Arc<Queue>) {
        lock(&self.hands).note_unseen(queue);
    }

    /// Whether it has no room, and something waits in a queue that it has not looked at.
    pub(crate) fn awaits_acknowledgements(&self) -> bool {
        let hands = lock(&self.hands);
        hands.has_unseen() && hands.room(self.prefetch) == 0
    }

    /// Whether its reader is to look further.
    pub(super) fn goes_on(&self) -> bool {
        lock(&self.hands).goes_on()
    }

    /// Lets its reader look further, if it has room.
    pub(super) fn go_on(self: &Arc<Self>, ready: &mut Ready) {
        let mut hands = lock(&self.hands);
        let is_first = hands.room(self.prefetch) > 0 && hands.go_on();
        drop(hands);
        if is_first {
            self.announce(ready);
        }
    }

    /// Fetches what there is room for, as far as the budget goes. Its reader goes on, or does all when it is to
    /// go on anyway.
    pub(crate) fn replenish(self: &Arc<Self>, budget: &mut Budget, ready: &mut Ready) {
        if self.goes_on() {
            return;
        }
        self.fetch(budget, ready);
    }

    fn fetch(self: &Arc<Self>, budget: &mut Budget, ready: &mut Ready) {
        match &self.source {
            Source::Queues(_) => self.refill(budget, ready),
            Source::Browse(look) => self.look_on(look, budget, ready),
        }
    }

    /// Whether the budget is spent, for a consumer to which something may be refused. What is in the queue of a
    /// subscription to topics is all for its consumer, and in its place among what the session reads.
    pub(super) fn is_to_stop(&self, budget: &Budget) -> bool {
        budget.is_spent() && self.supply == Supply::Shared
    }

    fn refill(self: &Arc<Self>, budget: &mut Budget, ready: &mut Ready) {
        loop {
            let mut hands = lock(&self.hands);
            let room = hands.room(self.prefetch);
            if room == 0 {
                return;
            }
            if self.is_to_stop(budget) {
                let is_first = hands.has_unseen() && hands.go_on();
                drop(hands);
                if is_first {
                    self.announce(ready);
                }
                return;
            }
            // Who makes room looks there again, whatever others have seen: noting a queue and finding that
            // there is no room are one step.
            let Some(queue) = hands.take_unseen() else {
                return;
            };
            drop(hands);
            queue.refill(self, room, budget, ready);
        }
    }

    /// Takes the next look at the queue that is browsed.
    fn look_on(self: &Arc<Self>, look: &Browse, budget: &mut Budget, ready: &mut Ready) {
        let found = look.next(|entry| self.wants(entry), budget);
        if found.is_empty() {
            if look.goes_on() {
                self.go_on(ready);
            }
            return;
        }
        let seen = found.iter().map(|entry| Assigned {
            message: Queued::new(entry),
            queue: None,
        });
        let is_first = lock(&self.hands).push(seen);
        if is_first {
            self.announce(ready);
        }
    }

    /// What is read next. `ready` gets others who were given something meanwhile.
    #[inline(never)] // So that readers of topics stay small.
    pub(crate) fn next(self: &Arc<Self>, budget: &mut Budget, ready: &mut Ready) -> Next {
        if self.is_cancelled() {
            return Next::Nothing;
        }
        let mut hands = lock(&self.hands);
        if let Some(next) = hands.next_position() {
            return Next::At(next);
        }
        hands.begin();
        drop(hands);
        self.fetch(budget, ready);
        let hands = lock(&self.hands);
        match hands.next_position() {
            Some(next) => Next::At(next),
            None if hands.goes_on() => Next::Later,
            None => Next::Nothing,
        }
    }

    /// Gives up reading when there is nothing to read; false when something was assigned meanwhile.
    pub(crate) fn retire(&self) -> bool {
        lock(&self.hands).retire()
    }

    /// Hands over messages up to position `until`, for as long as `take` goes on.
    pub(crate) fn read(
        self: &Arc<Self>,
        (until, now_ms): (u64, u64),
        (budget, ready): (&mut Budget, &mut Ready),
        take: &mut impl FnMut(Delivery<'_>) -> ControlFlow<()>,
    ) -> Stop {
        let mut full = false;
        loop {
            let Next::At(position) = self.next(budget, ready) else {
                return Stop::End { full };
            };
            if full {
                return Stop::Full(position);
            }
            if position > until {
                return Stop::At(position);
            }
            full = self.read_one(now_ms, take).is_break();
        }
    }

    fn read_one(
        self: &Arc<Self>,
        now_ms: u64,
        take: &mut impl FnMut(Delivery<'_>) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        let received = lock(&self.hands).receive(now_ms, self.acknowledgement);
        let (number, Assigned { message, queue }) = match received {
            Some(Received::Message(number, assigned)) => (number, assigned),
            Some(Received::Expired(Assigned { message, queue })) => {
                if let Some(queue) = queue {
                    queue.reject(message, DeathCause::Expired);
                }
                return ControlFlow::Continue(());
            }
            None => return ControlFlow::Continue(()),
        };
        let Some(queue) = queue else {
            return take(self.delivery(&message, None, self.browsed()));
        };
        let id = number.map(|number| DeliveryId {
            subscription: self.id,
            number,
        });
        let flow = take(self.delivery(&message, id, Some(&queue)));
        queue.dispatched(&message);
        if !is_brokers_own(message.entry.kind(), message.entry.topic()) {
            self.session.delivered(1);
        }
        if id.is_none() {
            queue.forget(&message.entry);
        }
        flow
    }

    fn delivery<'a>(
        &'a self,
        message: &'a Queued,
        id: Option<DeliveryId>,
        queue: Option<&'a Queue>,
    ) -> Delivery<'a> {
        Delivery {
            tag: &self.tag,
            entry: &message.entry,
            missed: message.missed,
            is_retained: false,
            id,
            count: message.deliveries.max(1),
            queue: queue.and_then(Queue::name),
            // Of one queue's consumers one gets it; but several queues may be fed with it.
            is_shared: queue.and_then(Queue::name).is_none(),
        }
    }

    fn browsed(&self) -> Option<&Queue> {
        match &self.source {
            Source::Queues(_) => None,
            Source::Browse(look) => Some(&look.queue),
        }
    }

    /// Whether a settlement would find what it is about.
    pub(crate) fn check(&self, settlement: Settlement, phase: Phase) -> Result<(), SettleError> {
        if lock(&self.hands).has(settlement.delivery.number, phase) {
            Ok(())
        } else {
            Err(SettleError(settlement.delivery))
        }
    }

    /// Settles deliveries; tells which queues may want to give them to others.
    pub(crate) fn settle(
        &self,
        settlement: Settlement,
        phase: Phase,
    ) -> Result<Vec<Arc<Queue>>, SettleError> {
        let Settlement { delivery, verdict } = settlement;
        let settled = lock(&self.hands).let_go(delivery.number, phase, self.acknowledgement);
        let mut returned = Returned::default();
        for (_, held) in settled.ok_or(SettleError(delivery))? {
            match verdict {
                Verdict::Accept => held.queue.forget(&held.message.entry),
                Verdict::Reject => held.queue.reject(held.message, DeathCause::Rejected),
                Verdict::Return => returned.add(held),
            }
        }
        Ok(returned.take_back())
    }

    /// Lets a transaction have what a settlement is about.
    pub(crate) fn stage(&self, delivery: DeliveryId) -> Result<(), SettleError> {
        if lock(&self.hands).stage(delivery.number, self.acknowledgement) {
            Ok(())
        } else {
            Err(SettleError(delivery))
        }
    }

    /// Takes it back from the transaction.
    pub(crate) fn unstage(&self, delivery: DeliveryId) {
        lock(&self.hands).unstage(delivery.number);
    }

    /// The delivery of the message at this position.
    pub(crate) fn find(&self, position: u64) -> Option<DeliveryId> {
        let number = lock(&self.hands).find(position)?;
        Some(DeliveryId {
            subscription: self.id,
            number,
        })
    }

    /// Adds a part of the messages of `queue` that this consumer has behind a delivery; tells how far it
    /// came, or nothing when there is nothing behind it.
    pub(super) fn look_at_held(&self, queue: &Queue, after: u64, part: &mut Part) -> Option<u64> {
        lock(&self.hands).look(queue, after, part)
    }

    /// Calls for each message of `queue` that this consumer has.
    pub(super) fn for_each_unsettled(&self, queue: &Queue, each: impl FnMut(&SharedEntry)) {
        lock(&self.hands).for_each(queue, each);
    }

    /// Gives back what it has, and takes nothing more until [`Consumer::resume`]; tells which queues are to be
    /// shared out then. Its session is paused.
    pub(crate) fn pause(&self) -> Arc<Vec<Arc<Queue>>> {
        let queues = self.queues();
        if queues.is_empty() {
            return queues;
        }
        let left = lock(&self.hands).pause();
        let mut returned = Returned::default();
        left.into_iter().for_each(|held| returned.add(held));
        for queue in queues.iter() {
            queue.pause(self, returned.of(queue));
        }
        queues
    }

    /// Takes nothing more, and keeps what was delivered until it is settled. Returns the queues that are to be
    /// shared out then, or `None` if nothing is to be settled: then the consumer can end at once.
    pub(crate) fn leave(&self) -> Option<Arc<Vec<Arc<Queue>>>> {
        let unread = lock(&self.hands).leave()?;
        let mut returned = Returned::default();
        unread.into_iter().for_each(|held| returned.add(held));
        let queues = self.queues();
        for queue in queues.iter() {
            queue.pause(self, returned.of(queue));
        }
        Some(queues)
    }

    /// Returns true when everything is settled that the consumer had when it began to leave.
    pub(crate) fn has_left(&self) -> bool {
        lock(&self.hands).has_left()
    }

    /// Has room again; tells which queues are to be shared out. What else it has not looked at is for
    /// [`Consumer::replenish`].
    pub(crate) fn resume(&self) -> Vec<Arc<Queue>> {
        lock(&self.hands).resume();
        let queues = self.queues();
        let changed = queues.iter().filter(|queue| queue.resume());
        changed.cloned().collect()
    }

    /// Gives the consumer nothing more, from now on. What it has is for [`Consumer::close`] to give back.
    pub(crate) fn stop(&self) {
        self.cancelled.store(true, Ordering::Release);
        lock(&self.hands).stop();
    }

    /// Ends the consumer, which has parted from `queues`: what it had goes back, for others, to whom the
    /// queues are to be shared out then.
    pub(crate) fn close(&self, queues: &[Arc<Queue>]) {
        self.stop();
        let left = lock(&self.hands).close();
        if let Source::Browse(look) = &self.source {
            look.end();
        }
        let mut returned = Returned::default();
        left.into_iter().for_each(|held| returned.add(held));
        for queue in queues {
            queue.leave(self, returned.of(queue));
        }
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
