//! A consumer: a subscription that takes messages out of queues, and has a bounded number of them in hand.

use std::{
    collections::{BTreeMap, VecDeque},
    fmt,
    ops::ControlFlow,
    sync::Arc,
};

use super::{Queue, Queued};
use crate::{
    cursor::Stop,
    entry::{Entry, Kind},
    name::TopicFilter,
    notice::DeathCause,
    outcome::Ready,
    reader::Delivery,
    selector::Selector,
    session::{Readable, Session, SubscriptionId},
    settlement::{Acknowledgement, DeliveryId, SettleError, Settlement, Verdict},
    sync::{AtomicBool, AtomicU64, Mutex, Ordering, lock},
};

pub(crate) struct Consumer {
    pub(crate) id: SubscriptionId,
    pub(crate) session: Arc<Session>,
    /// What it subscribes to, for those who are told of it.
    pub(crate) kind: Kind,
    pub(crate) filter: TopicFilter,
    pub(crate) is_exclusive: bool,
    acknowledgement: Acknowledgement,
    prefetch: usize,
    selector: Option<Selector>,
    tag: Box<[u8]>,
    /// Topics and queues that it came to when it was made.
    joined: AtomicU64,
    cancelled: AtomicBool,
    source: Source,
    hands: Mutex<Hands>,
}

/// What a consumer is made of.
pub(crate) struct ConsumerOptions<'a> {
    pub(crate) kind: Kind,
    pub(crate) filter: TopicFilter,
    pub(crate) acknowledgement: Acknowledgement,
    pub(crate) prefetch: usize,
    pub(crate) is_exclusive: bool,
    pub(crate) selector: Option<Selector>,
    pub(crate) tag: &'a [u8],
    /// Looks at this queue instead of taking from any, and says at the end that this was all.
    pub(crate) browse: Option<(Arc<Queue>, Arc<Entry>)>,
}

/// Where its messages come from.
enum Source {
    /// Taken from these queues, to which more may come while it has wildcards.
    Queues(Mutex<Vec<Arc<Queue>>>),
    /// Only looked at, until the end is reached.
    Browse {
        queue: Arc<Queue>,
        look: Mutex<Option<Look>>,
    },
}

/// How far a look at a queue has come.
struct Look {
    /// The position of the last message seen.
    after: u64,
    /// What says that this was all.
    end: Arc<Entry>,
}

/// What a consumer has been given and has not settled.
#[derive(Default)]
struct Hands {
    /// Not read yet.
    outbox: VecDeque<Assigned>,
    /// Read, and not acknowledged; by the number of the delivery.
    held: BTreeMap<u64, Held>,
    /// How many of those a transaction has.
    staged: usize,
    last_number: u64,
    /// Whether the session's inbox or its reader has this consumer.
    is_queued: bool,
    is_closed: bool,
}

#[derive(Clone)]
struct Assigned {
    message: Queued,
    /// None: it was only to be looked at.
    queue: Option<Arc<Queue>>,
}

struct Held {
    message: Queued,
    queue: Arc<Queue>,
    is_staged: bool,
}

/// What a settlement is about.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Deliveries that no transaction has.
    Free,
    /// Deliveries that a transaction has.
    Staged,
}

impl Consumer {
    pub(crate) fn new(
        id: SubscriptionId,
        session: &Arc<Session>,
        options: ConsumerOptions<'_>,
    ) -> Arc<Self> {
        Arc::new(Self {
            id,
            session: Arc::clone(session),
            kind: options.kind,
            filter: options.filter,
            is_exclusive: options.is_exclusive,
            acknowledgement: options.acknowledgement,
            prefetch: options.prefetch.max(1),
            selector: options.selector,
            tag: options.tag.into(),
            joined: AtomicU64::new(0),
            cancelled: AtomicBool::new(false),
            source: match options.browse {
                Some((queue, end)) => Source::Browse {
                    queue,
                    look: Mutex::new(Some(Look { after: 0, end })),
                },
                None => Source::Queues(Mutex::default()),
            },
            hands: Mutex::default(),
        })
    }

    /// Whether there are messages that it does not take.
    pub(super) fn is_selective(&self) -> bool {
        self.selector.is_some()
    }

    pub(super) fn wants(&self, entry: &Entry) -> bool {
        let selector = self.selector.as_ref();
        selector.is_none_or(|selector| selector.matches(entry))
    }

    pub(crate) fn is_cancelled(&self) -> bool {
        self.cancelled.load(Ordering::Acquire)
    }

    /// Lets the consumer take from a queue.
    pub(crate) fn join(self: &Arc<Self>, queue: &Arc<Queue>) {
        if let Source::Queues(queues) = &self.source {
            lock(queues).push(Arc::clone(queue));
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
    pub(crate) fn queues(&self) -> Vec<Arc<Queue>> {
        match &self.source {
            Source::Queues(queues) => lock(queues).clone(),
            Source::Browse { .. } => Vec::new(),
        }
    }

    /// How many of those have names, and so were counted when it came to them.
    pub(crate) fn taken_from(&self) -> usize {
        let queues = self.queues();
        queues.iter().filter(|queue| queue.name().is_some()).count()
    }

    /// Gives it a message, if it has room; tells which one it was.
    pub(super) fn assign(
        self: &Arc<Self>,
        queue: &Arc<Queue>,
        message: Queued,
        ready: &mut Ready,
    ) -> Result<Arc<Entry>, Queued> {
        let mut hands = lock(&self.hands);
        if hands.is_closed || hands.room(self.prefetch) == 0 {
            return Err(message);
        }
        let entry = Arc::clone(&message.entry);
        let queue = Some(Arc::clone(queue));
        hands.outbox.push_back(Assigned { message, queue });
        let is_first = !std::mem::replace(&mut hands.is_queued, true);
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

    /// Fetches what there is room for; true when there is something to read then.
    pub(crate) fn replenish(self: &Arc<Self>, ready: &mut Ready) -> bool {
        let room = {
            let hands = lock(&self.hands);
            if hands.is_closed {
                0
            } else {
                hands.room(self.prefetch)
            }
        };
        if room > 0 {
            match &self.source {
                Source::Queues(queues) => self.refill(queues, room, ready),
                Source::Browse { queue, look } => self.look_on(queue, look, ready),
            }
        }
        !lock(&self.hands).outbox.is_empty()
    }

    fn refill(
        self: &Arc<Self>,
        queues: &Mutex<Vec<Arc<Queue>>>,
        mut room: usize,
        ready: &mut Ready,
    ) {
        let mut queues = lock(queues);
        if let [queue] = &**queues {
            let queue = Arc::clone(queue);
            drop(queues);
            queue.refill(self, room, ready);
            return;
        }
        // Another one first each time, so that none is starved by the others.
        if !queues.is_empty() {
            queues.rotate_left(1);
        }
        let queues = queues.clone();
        for queue in queues {
            room -= queue.refill(self, room, ready).min(room);
            if room == 0 {
                return;
            }
        }
    }

    /// Takes the next look at the queue that is browsed.
    fn look_on(self: &Arc<Self>, queue: &Queue, look: &Mutex<Option<Look>>, ready: &mut Ready) {
        let mut look = lock(look);
        let Some(Look { after, .. }) = &mut *look else {
            return;
        };
        let found = queue.browse(*after, BROWSED_AT_ONCE);
        let end = match found.last() {
            Some(last) => {
                *after = last.position();
                None
            }
            None => look.take().map(|look| look.end),
        };
        drop(look);
        let wanted = found.into_iter().filter(|entry| self.wants(entry));
        let seen = wanted.chain(end).map(|entry| Assigned {
            message: Queued::new(&entry),
            queue: None,
        });
        let mut hands = lock(&self.hands);
        hands.outbox.extend(seen);
        // Even where nothing was found: who reads it comes back for more.
        let is_first = !std::mem::replace(&mut hands.is_queued, true);
        drop(hands);
        if is_first {
            self.announce(ready);
        }
    }

    /// The position of what is read next.
    pub(crate) fn next_position(self: &Arc<Self>) -> Option<u64> {
        if self.is_cancelled() {
            return None;
        }
        loop {
            if let Some(first) = lock(&self.hands).outbox.front() {
                return Some(first.message.entry.position());
            }
            if !self.replenish(&mut Ready::default()) && !self.is_browsing() {
                return None;
            }
        }
    }

    /// Whether there may be more to look at, though nothing was found last.
    fn is_browsing(&self) -> bool {
        match &self.source {
            Source::Queues(_) => false,
            Source::Browse { look, .. } => lock(look).is_some(),
        }
    }

    /// Gives up reading when there is nothing to read; false when something was assigned meanwhile.
    pub(crate) fn retire(&self) -> bool {
        let mut hands = lock(&self.hands);
        hands.is_queued = !hands.outbox.is_empty() && !hands.is_closed;
        !hands.is_queued
    }

    /// Hands over messages up to position `until`, for as long as `take` goes on.
    pub(crate) fn read(
        self: &Arc<Self>,
        until: u64,
        now_ms: u64,
        take: &mut impl FnMut(Delivery<'_>) -> ControlFlow<()>,
    ) -> Stop {
        let mut full = false;
        loop {
            let Some(position) = self.next_position() else {
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
        let Some((number, assigned)) = self.receive(now_ms) else {
            return ControlFlow::Continue(());
        };
        let Assigned { message, queue } = assigned;
        let Some(queue) = queue else {
            return take(self.delivery(&message, None, self.browsed()));
        };
        let id = number.map(|number| DeliveryId {
            subscription: self.id,
            number,
        });
        let flow = take(self.delivery(&message, id, Some(&queue)));
        queue.dispatched();
        self.session.delivered(1);
        if id.is_none() {
            queue.forget(&message.entry);
        }
        flow
    }

    /// Takes the first out of the outbox, into the hand if it is to be acknowledged. Nothing, if there is
    /// none or its time is over.
    fn receive(&self, now_ms: u64) -> Option<(Option<u64>, Assigned)> {
        let mut hands = lock(&self.hands);
        let mut assigned = hands.outbox.pop_front()?;
        let Some(queue) = &assigned.queue else {
            return Some((None, assigned));
        };
        if assigned.message.entry.is_expired(now_ms) {
            drop(hands);
            queue.reject(assigned.message, DeathCause::Expired);
            return None;
        }
        assigned.message.deliveries += 1;
        if self.acknowledgement == Acknowledgement::Auto {
            return Some((None, assigned));
        }
        let held = Held {
            message: assigned.message.clone(),
            queue: Arc::clone(queue),
            is_staged: false,
        };
        hands.last_number += 1;
        let number = hands.last_number;
        hands.held.insert(number, held);
        Some((Some(number), assigned))
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
            id,
            count: message.deliveries.max(1),
            queue: queue.and_then(Queue::name),
        }
    }

    fn browsed(&self) -> Option<&Queue> {
        match &self.source {
            Source::Queues(_) => None,
            Source::Browse { queue, .. } => Some(queue),
        }
    }

    /// The deliveries that a settlement is about.
    pub(crate) fn check(&self, settlement: Settlement, phase: Phase) -> Result<(), SettleError> {
        let hands = lock(&self.hands);
        match hands.held.get(&settlement.delivery.number) {
            Some(held) if held.is_staged == (phase == Phase::Staged) => Ok(()),
            _ => Err(SettleError(settlement.delivery)),
        }
    }

    /// Settles deliveries; tells which queues may want to give them to others.
    pub(crate) fn settle(
        &self,
        settlement: Settlement,
        phase: Phase,
    ) -> Result<Vec<Arc<Queue>>, SettleError> {
        self.check(settlement, phase)?;
        let settled = self.let_go(settlement.delivery.number, phase);
        let mut returned = Returned::default();
        for Held { message, queue, .. } in settled {
            match settlement.verdict {
                Verdict::Accept => queue.forget(&message.entry),
                Verdict::Reject => queue.reject(message, DeathCause::Rejected),
                Verdict::Return => returned.add(queue, message),
            }
        }
        Ok(returned.take_back())
    }

    fn let_go(&self, number: u64, phase: Phase) -> Vec<Held> {
        let mut hands = lock(&self.hands);
        let numbers: Vec<u64> = match self.acknowledgement {
            Acknowledgement::Cumulative => hands
                .held
                .range(..=number)
                .filter(|(_, held)| held.is_staged == (phase == Phase::Staged))
                .map(|(number, _)| *number)
                .collect(),
            Acknowledgement::Auto | Acknowledgement::Individual => vec![number],
        };
        if phase == Phase::Staged {
            hands.staged -= numbers.len();
        }
        numbers
            .iter()
            .filter_map(|number| hands.held.remove(number))
            .collect()
    }

    /// Lets a transaction have deliveries, or gives them back.
    pub(crate) fn stage(&self, delivery: DeliveryId, phase: Phase) {
        let is_staged = phase == Phase::Staged;
        let mut hands = lock(&self.hands);
        let Hands { held, staged, .. } = &mut *hands;
        let first = match self.acknowledgement {
            Acknowledgement::Cumulative => 0,
            Acknowledgement::Auto | Acknowledgement::Individual => delivery.number,
        };
        for (_, held) in held.range_mut(first..=delivery.number) {
            if held.is_staged != is_staged {
                held.is_staged = is_staged;
                *staged = if is_staged { *staged + 1 } else { *staged - 1 };
            }
        }
    }

    /// The delivery of the message at this position.
    pub(crate) fn find(&self, position: u64) -> Option<DeliveryId> {
        let hands = lock(&self.hands);
        let mut held = hands.held.iter();
        let (number, _) = held.find(|(_, held)| held.message.entry.position() == position)?;
        Some(DeliveryId {
            subscription: self.id,
            number: *number,
        })
    }

    /// Adds the messages of `queue` behind a position that this consumer has.
    pub(super) fn collect_unsettled(&self, queue: &Queue, after: u64, found: &mut Vec<Arc<Entry>>) {
        let hands = lock(&self.hands);
        let in_outbox = hands.outbox.iter().filter_map(|assigned| {
            let queue = assigned.queue.as_deref()?;
            Some((queue, &assigned.message.entry))
        });
        let held = hands.held.values();
        let held = held.map(|held| (&*held.queue, &held.message.entry));
        for (from, entry) in in_outbox.chain(held) {
            if std::ptr::eq(from, queue) && entry.position() > after {
                found.push(Arc::clone(entry));
            }
        }
    }

    /// Ends the consumer: what it had goes back to its queues, for others.
    pub(crate) fn close(&self, ready: &mut Ready) {
        self.cancelled.store(true, Ordering::Release);
        let mut hands = lock(&self.hands);
        hands.is_closed = true;
        let outbox = std::mem::take(&mut hands.outbox);
        let held = std::mem::take(&mut hands.held);
        drop(hands);
        let mut returned = Returned::default();
        for Held { message, queue, .. } in held.into_values() {
            returned.add(queue, message);
        }
        for Assigned { message, queue } in outbox {
            if let Some(queue) = queue {
                returned.add(queue, message);
            }
        }
        let queues = match &self.source {
            Source::Queues(queues) => std::mem::take(&mut *lock(queues)),
            Source::Browse { look, .. } => {
                lock(look).take();
                Vec::new()
            }
        };
        for queue in queues {
            let left = returned.of(&queue);
            queue.leave(self, left, ready);
        }
        returned.take_back();
    }
}

impl Hands {
    fn room(&self, prefetch: usize) -> usize {
        let taken = self.outbox.len() + self.held.len() - self.staged;
        prefetch.saturating_sub(taken)
    }
}

/// Messages on their way back, by queue.
#[derive(Default)]
struct Returned(Vec<(Arc<Queue>, Vec<Queued>)>);

impl Returned {
    fn add(&mut self, queue: Arc<Queue>, message: Queued) {
        match self
            .0
            .iter_mut()
            .find(|(other, _)| Arc::ptr_eq(other, &queue))
        {
            Some((_, messages)) => messages.push(message),
            None => self.0.push((queue, vec![message])),
        }
    }

    fn of(&mut self, queue: &Arc<Queue>) -> Vec<Queued> {
        let at = self
            .0
            .iter()
            .position(|(other, _)| Arc::ptr_eq(other, queue));
        at.map_or_else(Vec::new, |at| self.0.swap_remove(at).1)
    }

    /// Gives all of them back; tells to which queues.
    fn take_back(self) -> Vec<Arc<Queue>> {
        self.0
            .into_iter()
            .map(|(queue, messages)| {
                queue.take_back(messages);
                queue
            })
            .collect()
    }
}

impl fmt::Debug for Consumer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Consumer({} of {:?})", self.id.0, self.session)
    }
}

/// Messages fetched at once for a subscription that only looks.
const BROWSED_AT_ONCE: usize = 100;
