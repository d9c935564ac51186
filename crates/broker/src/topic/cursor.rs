//! A cursor: the place of one subscription in the log of one topic.

mod reading;
mod start;

use std::sync::{Arc, atomic::AtomicU64 as PlainAtomicU64};

pub use crate::message::reading::Missed;
pub(crate) use crate::message::reading::{ReadLimits, Stop};
pub(crate) use start::CursorStart;
pub use start::Start;

use crate::{
    memory::account::Account,
    memory::limits::Lag,
    memory::share::Pool,
    message::entry::SharedEntry,
    session::subscription::{SkipReason, Subscription},
    sync::{AtomicBool, Mutex, Ordering, fence, lock, try_lock},
    topic::log::{End, Place},
};

/// The rule for a subscription with too much lag.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Overflow {
    /// It continues at the oldest entry within the bound, and reports the missed range.
    #[default]
    DropOldest,
    /// It gets only the newest entry. Earlier entries are skipped and counted, but not reported. For screens.
    Latest,
    /// The broker ends its session.
    Disconnect,
    /// Publishers to the topic wait until it has caught up.
    Block,
}

#[derive(Debug)]
pub(crate) struct Cursor {
    pub(crate) subscription: Arc<Subscription>,
    pub(crate) topic: Arc<Account>,
    /// True if the session's inbox or its reader has this cursor.
    queued: AtomicBool,
    /// The next sequence to read, and the bytes before it, from which the lag is computed.
    next_sequence: PlainAtomicU64,
    offset: PlainAtomicU64,
    reading: Mutex<Reading>,
}

#[derive(Debug)]
struct Reading {
    /// `None` once the cursor is closed.
    place: Option<Place>,
    /// State that few cursors have at a time.
    extra: Option<Box<ExtraState>>,
}

#[derive(Debug, Default)]
struct ExtraState {
    /// The retained message. It is not in the log after `place`, so it is read first.
    retained: Option<SharedEntry>,
    missed: Option<Missed>,
    /// For [`Overflow::Latest`]: the entries between the cursor and this sequence were examined. Only the first of them
    /// can match.
    examined: u64,
    /// The generation of the subscription for which this was examined.
    generation: u32,
}

/// The reason why an entry is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Origin {
    /// It is next in the log.
    Log,
    /// It was retained by its topic when the subscription was created.
    Retained,
}

impl Cursor {
    /// Returns a cursor in a log that ends at `end`, and whether there are messages to read at once.
    pub(crate) fn new(
        subscription: Arc<Subscription>,
        topic: Arc<Account>,
        cursor_start: CursorStart,
        end: End,
    ) -> (Self, bool) {
        let CursorStart { mut place, extra } = cursor_start;
        let next = place.peek().map(|entry| entry.start());
        let at = next.unwrap_or(end);
        let has_retained = extra.as_ref().is_some_and(|extra| extra.retained.is_some());
        let ready = next.is_some() || has_retained;
        if subscription.has_wildcards() {
            subscription.session.client().hold(Pool::Cursors, 1);
        }
        let cursor = Self {
            subscription,
            topic,
            queued: AtomicBool::new(false),
            next_sequence: PlainAtomicU64::new(at.sequence),
            offset: PlainAtomicU64::new(at.offset),
            reading: Mutex::new(Reading {
                place: Some(place),
                extra,
            }),
        };
        (cursor, ready)
    }

    /// Closes the cursor, and returns the place where another cursor can continue. Returns `None` if it was closed
    /// before. Waits for an active reader.
    pub(crate) fn close_and_take_place(&self) -> Option<CursorStart> {
        let mut reading = lock(&self.reading);
        let place = reading.place.take()?;
        let mut extra = reading.extra.take();
        if let Some(extra) = &mut extra {
            // The other subscription may have another selector.
            extra.examined = 0;
        }
        self.next_sequence.store(u64::MAX, Ordering::Relaxed);
        Some(CursorStart { place, extra })
    }

    /// Claims the cursor for an inbox. Returns false if an inbox or the reader has it already and will see the appended
    /// messages.
    ///
    /// Must be called after the append and [`Cursor::fence_before_claims`].
    pub(crate) fn claim(&self) -> bool {
        !self.queued.load(Ordering::Relaxed) && !self.queued.swap(true, Ordering::AcqRel)
    }

    /// Orders the append before the following claims. Together with the fence in [`Cursor::retire`] either the writer
    /// sees that the cursor has been released, or the reader sees the entry.
    pub(crate) fn fence_before_claims() {
        fence(Ordering::SeqCst);
    }

    /// Releases the cursor at the end of the log. Returns false if an entry was appended in the meantime and the caller
    /// still has the cursor.
    pub(crate) fn retire(&self) -> bool {
        self.queued.store(false, Ordering::Release);
        fence(Ordering::SeqCst);
        let more = self.next_position().is_some();
        !(more && self.claim())
    }

    /// Returns the position of the next entry, if there is one and the subscription is not cancelled.
    pub(crate) fn next_position(&self) -> Option<u64> {
        if self.subscription.current().is_cancelled() {
            return None;
        }
        let mut reading = lock(&self.reading);
        let Reading { place, extra } = &mut *reading;
        let place = place.as_mut()?;
        if let Some(retained) = extra.as_ref().and_then(|extra| extra.retained.as_ref()) {
            return Some(retained.position());
        }
        Some(place.peek()?.position())
    }

    /// Returns the number of entries between the cursor and the end of its log.
    pub(crate) fn lag_entries(&self) -> u64 {
        let next = self.next_sequence.load(Ordering::Relaxed);
        self.topic.end().sequence.saturating_sub(next)
    }

    /// Returns whether the lag relative to `end` of its log exceeds `allowed`. A single entry never exceeds it,
    /// whatever its size.
    pub(crate) fn is_overdue(&self, end: End, allowed: Lag) -> bool {
        let next = self.next_sequence.load(Ordering::Relaxed);
        let entries = end.sequence.saturating_sub(next);
        let bytes = end
            .offset
            .saturating_sub(self.offset.load(Ordering::Relaxed));
        entries > 1 && (entries > allowed.entries || bytes > allowed.bytes)
    }

    /// Moves forward until the lag relative to `end` is within `allowed`, and records the missed entries. Does nothing
    /// while a reader is active. `end` must have been read from the log by the caller.
    pub(crate) fn skip(&self, end: End, allowed: Lag) {
        let Some(mut reading) = try_lock(&self.reading) else {
            return;
        };
        let Reading { place, extra } = &mut *reading;
        let Some(place) = place else { return };
        let newest = end.sequence - 1;
        let by_entries = end.sequence.saturating_sub(allowed.entries).min(newest);
        let floor = end.offset.saturating_sub(allowed.bytes);
        let mut ahead = place.clone();
        ahead.skip_to(by_entries);
        while let Some(entry) = ahead.peek() {
            if entry.offset >= floor || entry.sequence() >= newest {
                break;
            }
            ahead.advance();
        }
        if let Some((from, to)) = self.go_to(place, ahead)
            && self.subscription.current().overflow != Overflow::Latest
        {
            let missed = &mut extra.get_or_insert_default().missed;
            *missed = Some(extend_missed(*missed, from, to));
        }
    }

    /// Releases the log permanently: no more is read, and nothing is kept for this cursor. Waits for an active reader.
    pub(crate) fn close(&self) {
        // It may be the last reference to a long part of the log.
        drop(self.close_and_take_place());
    }

    /// Releases the log like [`Cursor::close`], if everything was read and reported, and the reader has released the
    /// cursor; otherwise returns false. A cursor created in its place at the end of the log reads the same entries as
    /// this one would have read.
    ///
    /// Must be called by the holder of the broker's lock.
    pub(crate) fn close_if_read(&self) -> bool {
        if self.queued.load(Ordering::Relaxed) {
            return false;
        }
        let Some(mut reading) = try_lock(&self.reading) else {
            return false;
        };
        let Reading { place, extra } = &mut *reading;
        let has_more = place.as_mut().is_some_and(|place| place.peek().is_some());
        let is_read = !has_more
            && extra
                .as_ref()
                .is_none_or(|extra| extra.has_nothing_to_report());
        // The claim prevents the reader from claiming the cursor at the same time.
        let is_taken = is_read && self.claim();
        if is_taken {
            *place = None;
            self.next_sequence.store(u64::MAX, Ordering::Relaxed);
        }
        is_taken
    }

    /// Closes the cursor of a topic that was removed, and counts its unread entries as dropped.
    pub(crate) fn abandon(&self) {
        let unread = self.lag_entries();
        if self.close_and_take_place().is_some() {
            self.topic.dropped.add(unread);
            self.subscription
                .current()
                .count_skipped(SkipReason::TopicRemoved, unread);
            self.subscription.note_missed(&self.topic.name);
        }
    }

    /// Moves forward to `ahead`, if there is an entry and it comes after `place`. Returns the first and last sequence
    /// of the dropped entries.
    fn go_to(&self, place: &mut Place, mut ahead: Place) -> Option<(u64, u64)> {
        let from = place.sequence();
        let at = ahead.peek()?.start();
        if at.sequence <= from {
            return None;
        }
        *place = ahead;
        self.mark(at);
        self.topic.dropped.add(at.sequence - from);
        self.subscription
            .current()
            .count_skipped(SkipReason::Lag, at.sequence - from);
        Some((from, at.sequence - 1))
    }

    fn mark(&self, at: End) {
        self.next_sequence.store(at.sequence, Ordering::Relaxed);
        self.offset.store(at.offset, Ordering::Relaxed);
    }
}

impl Drop for Cursor {
    fn drop(&mut self) {
        if self.subscription.has_wildcards() {
            self.subscription.session.client().release(Pool::Cursors, 1);
        }
    }
}

impl ExtraState {
    fn has_nothing_to_report(&self) -> bool {
        self.retained.is_none() && self.missed.is_none()
    }

    fn is_empty(&self) -> bool {
        self.retained.is_none() && self.missed.is_none() && self.examined == 0
    }
}

fn extend_missed(missed: Option<Missed>, from: u64, to: u64) -> Missed {
    match missed {
        None => Missed::Range { from, to },
        Some(Missed::Range { from, .. }) => Missed::Range { from, to },
        Some(Missed::Unknown) => Missed::Unknown,
    }
}
