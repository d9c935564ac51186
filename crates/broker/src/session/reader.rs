//! Draining a session: merges its cursors into one stream in the broker's order.

use std::{
    cmp::Reverse,
    collections::{BinaryHeap, VecDeque},
    ops::ControlFlow,
    sync::Arc,
};

use crate::{
    message::delivery::Delivery,
    message::entry::SharedEntry,
    message::reading::ReadLimits,
    message::scan_budget::Budget,
    outcome::Ready,
    queue::Next,
    session::collection::Collect,
    session::visible_position::VisiblePosition,
    session::{Readable, Session},
    topic::cursor::{Origin, Stop},
};

/// The reading side of a session. Each session has one, owned by the task that drains it.
#[derive(Debug)]
pub struct Reader {
    session: Arc<Session>,
    visible_position: Arc<VisiblePosition>,
    /// Cursors and consumers with messages to read, by the position of their next entry.
    active: BinaryHeap<Active>,
    /// Consumers that must scan further before it is known whether they have a message: they wait for the next call.
    later: VecDeque<Readable>,
    /// Number of collections in `later`. Nothing is read before they are complete, so that a subscription does not
    /// start in the middle of the others' messages.
    collections: usize,
    /// Empty between calls; exchanged with the session's inbox, so that neither allocates.
    arrived: Vec<Readable>,
    /// Other sessions that received messages while this one was drained.
    ready: Ready,
}

#[derive(Debug)]
struct Active {
    next: u64,
    source: Readable,
}

impl Reader {
    pub(crate) fn new(session: Arc<Session>, visible_position: Arc<VisiblePosition>) -> Self {
        Self {
            session,
            visible_position,
            active: BinaryHeap::new(),
            later: VecDeque::new(),
            collections: 0,
            arrived: Vec::new(),
            ready: Ready::default(),
        }
    }

    /// Returns the session of this reader.
    #[must_use]
    pub fn session(&self) -> &Arc<Session> {
        &self.session
    }

    /// Returns whether messages wait for the session through subscriptions for which `is_meant` returns true for their
    /// tags. Messages of a queue that stays do not count, because other consumers can get them.
    #[must_use]
    pub fn has_undelivered(&self, is_meant: impl Fn(&[u8]) -> bool) -> bool {
        let active = self.active.iter().map(|active| &active.source);
        let unread = active.chain(&self.later).chain(&self.arrived);
        unread.into_iter().any(|one| one.is_unread(&is_meant)) || self.session.has_unread(&is_meant)
    }

    /// Passes deliveries to `take`, in the order of the broker's positions. Returns true when none are left. Returns
    /// false in two cases. If `take` breaks, the next call continues. If the call has examined many messages that do
    /// not match, the session is scheduled again, so that other tasks can run first.
    ///
    /// Messages that have expired at `now_ms`, in Unix milliseconds, are omitted. Locks are held while `take` runs: it
    /// must not call the broker or wait.
    pub fn drain(
        &mut self,
        now_ms: u64,
        mut take: impl FnMut(Delivery<'_>) -> ControlFlow<()>,
    ) -> bool {
        let is_done = self.drain_all(now_ms, &mut take);
        if !self.ready.is_empty() {
            self.ready.drain().for_each(|session| session.wake());
        }
        is_done
    }

    fn drain_all(
        &mut self,
        now_ms: u64,
        take: &mut impl FnMut(Delivery<'_>) -> ControlFlow<()>,
    ) -> bool {
        // The interrupted consumers have their own budget, so that they do not use up the budget of the others.
        self.resume_interrupted(&mut Budget::new());
        let mut budget = Budget::new();
        loop {
            // First the limit, then the inbox: everything visible up to the limit had been announced, so no earlier
            // entry can still be on its way to the inbox.
            let limit = self.visible_position.position();
            self.take_inbox(&mut budget);
            if self.collections > 0 {
                return false;
            }
            let Some(first) = self.active.peek() else {
                self.session.note_read_up_to(limit);
                self.shrink();
                return self.later.is_empty();
            };
            if first.next > limit {
                self.session.note_read_up_to(limit);
                // Its publisher is not finished, and will schedule the session when it is.
                if self.visible_position.wait_for(first.next, &self.session) {
                    return self.later.is_empty();
                }
                continue;
            }
            let progress = self.read_up_to(limit, now_ms, &mut budget, take);
            self.session.wake_publishers();
            if progress.is_break() {
                let next = self.active.peek().map(|first| first.next.saturating_sub(1));
                self.session
                    .set_read_up_to(next.map_or(limit, |read| read.min(limit)));
                return false;
            }
        }
    }

    /// Finds the start of all subscriptions, without reading. For a session that is restored: topics may lose their history
    /// afterwards.
    pub fn collect(&mut self) {
        loop {
            let mut budget = Budget::new();
            self.take_inbox(&mut budget);
            if self.collections == 0 {
                return;
            }
            self.resume_interrupted(&mut Budget::new());
        }
    }

    /// Reduces the capacity while there is nothing to read, so that an idle session is small.
    fn shrink(&mut self) {
        /// Capacity that is always kept, so that steady reading allocates nothing.
        const ROOM: usize = 128;
        self.active.shrink_to(ROOM);
        self.later.shrink_to(ROOM);
        self.arrived.shrink_to(ROOM);
    }

    /// Continues the consumers that were interrupted in the previous call, in turn.
    fn resume_interrupted(&mut self, budget: &mut Budget) {
        for _ in 0..self.later.len() {
            if budget.is_spent() {
                return;
            }
            if let Some(source) = self.later.pop_front() {
                self.collections -= usize::from(matches!(source, Readable::Collection(_)));
                self.keep_or_retire(source, budget);
            }
        }
    }

    fn take_inbox(&mut self, budget: &mut Budget) {
        let mut arrived = std::mem::take(&mut self.arrived);
        self.session.swap_inbox(&mut arrived);
        if self.active.len() + arrived.len() > self.active.capacity() {
            // Before the heap grows: sources that were unsubscribed before they were read to the end.
            self.active.retain(|active| !active.source.is_cancelled());
        }
        for source in arrived.drain(..) {
            self.keep_or_retire(source, budget);
        }
        self.arrived = arrived;
    }

    /// Reads until all active sources are beyond `limit`.
    fn read_up_to(
        &mut self,
        limit: u64,
        now_ms: u64,
        budget: &mut Budget,
        take: &mut impl FnMut(Delivery<'_>) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        while self.active.peek().is_some_and(|first| first.next <= limit) {
            let Some(Active { source, .. }) = self.active.pop() else {
                break;
            };
            // Reads until another source has an earlier entry. Two subscriptions that cover one entry are at the same
            // position, and take turns.
            let until = match self.active.peek() {
                Some(other) => limit.min(other.next),
                None => limit,
            };
            let limits = ReadLimits {
                until,
                visible: limit,
                now_ms,
            };
            let stop = match &source {
                Readable::Cursor(cursor) => {
                    let is_shared = cursor.topic.has_audience();
                    let subscription = cursor.subscription.current();
                    let tag = subscription.tag();
                    let take = &mut |entry: &SharedEntry, missed, origin| {
                        let is_retained = origin == Origin::Retained;
                        let control = take(Delivery {
                            tag,
                            entry,
                            missed,
                            is_retained,
                            id: None,
                            count: 1,
                            queue: None,
                            is_shared,
                        });
                        if is_retained {
                            let id = subscription.id;
                            subscription
                                .session
                                .note_read_retained(id, entry.position());
                        }
                        control
                    };
                    cursor.read(&subscription, limits, budget, take)
                }
                Readable::Consumer(consumer) => {
                    consumer.read(limits, budget, &mut self.ready, take)
                }
                // A collection is never active.
                Readable::Collection(_) => continue,
            };
            match stop {
                Stop::BeyondLimit(next) => self.active.push(Active { next, source }),
                Stop::Interrupted(next) => {
                    self.active.push(Active { next, source });
                    return ControlFlow::Break(());
                }
                Stop::AtEnd { is_full } => {
                    self.keep_or_retire(source, budget);
                    if is_full {
                        return ControlFlow::Break(());
                    }
                }
            }
        }
        ControlFlow::Continue(())
    }

    /// Does one more step of a collection, unless this call has done one.
    #[cold]
    fn step_collection(&mut self, collection: Arc<dyn Collect>, budget: &mut Budget) {
        let mut is_done = false;
        if !budget.is_spent() {
            budget.spend_all();
            let mut found = Vec::new();
            is_done = collection.step(&mut found);
            for cursor in found {
                self.keep_or_retire(Readable::Cursor(cursor), budget);
            }
        }
        if !is_done {
            self.collections += 1;
            self.later.push_back(Readable::Collection(collection));
        }
    }

    #[inline]
    fn keep_or_retire(&mut self, source: Readable, budget: &mut Budget) {
        if let Readable::Collection(collection) = source {
            return self.step_collection(collection, budget);
        }
        loop {
            match source.next(budget, &mut self.ready) {
                Next::At(next) => return self.active.push(Active { next, source }),
                Next::Later => return self.later.push_back(source),
                Next::Nothing if source.retire() => return,
                Next::Nothing => {}
            }
        }
    }
}

impl Drop for Reader {
    /// The session can no longer be read.
    fn drop(&mut self) {
        self.session.end();
    }
}

impl PartialEq for Active {
    fn eq(&self, other: &Self) -> bool {
        self.next == other.next
    }
}

impl Eq for Active {}

impl PartialOrd for Active {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Active {
    /// The earliest is the greatest, because the heap returns the greatest first.
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        Reverse(self.next).cmp(&Reverse(other.next))
    }
}
