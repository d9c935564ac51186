//! A subscription to topics: its options, and the state that all its cursors share.

use std::{
    collections::BTreeSet,
    hash::{DefaultHasher, Hash, Hasher},
    ops::Deref,
    sync::{Arc, Weak},
};

pub use crate::subscription_id::SubscriptionId;
use crate::{
    figures::Count,
    message::entry::Entry,
    name::short_bytes::ShortBytes,
    name::{TopicFilter, TopicName},
    selector::Selector,
    session::Session,
    session::unread_retained::RetainedRange,
    sync::{AtomicBool, Mutex, Ordering, lock},
    topic::cursor::{Cursor, Overflow, Start},
};

#[derive(Debug)]
pub(crate) struct Subscription {
    pub(crate) id: SubscriptionId,
    pub(crate) session: Arc<Session>,
    pub(crate) filter: TopicFilter,
    pub(crate) overflow: Overflow,
    /// The condition on entries. Few subscriptions have one.
    pub(crate) selector: Option<Box<Selector>>,
    own_messages: OwnMessages,
    tag: ShortBytes,
    /// The additional state of a subscription with wildcards, shared with the subscription that replaces it.
    wildcard: Option<Arc<Mutex<Wildcard>>>,
    /// The number of subscriptions that were replaced before this one.
    pub(crate) generation: u32,
    is_replaced: AtomicBool,
    is_reported_slow: AtomicBool,
    cancelled: AtomicBool,
    skipped: SkipCounts,
}

/// The reason why a subscription skips messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SkipReason {
    /// Its lag exceeded a bound, or memory was nearly full.
    Lag,
    /// The topic was removed before it had read them.
    TopicRemoved,
    /// It had no cursor in the topic, at the limit of cursors.
    CursorLimit,
}

/// Messages that a subscription has skipped, by reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Skipped {
    /// Because its lag exceeded a bound, or because memory was nearly full.
    pub lag: u64,
    /// Because their topic was removed before the subscription had read them.
    pub topic_removed: u64,
    /// Because it had no cursor in their topic, at the limit of cursors.
    pub cursor_limit: u64,
    /// Because the queue of the subscription was full.
    pub queue_full: u64,
}

#[derive(Debug, Default)]
struct SkipCounts {
    lag: Count,
    topic_removed: Count,
    cursor_limit: Count,
}

impl Skipped {
    /// Returns the number of all skipped messages.
    #[must_use]
    pub const fn total(self) -> u64 {
        self.lag + self.topic_removed + self.cursor_limit + self.queue_full
    }
}

/// The additional state of a subscription with wildcards. Except for `missed_topics`, only the holder of the broker's
/// lock changes it.
#[derive(Debug, Default)]
struct Wildcard {
    /// Its cursors. Some may no longer exist.
    cursors: Vec<Weak<Cursor>>,
    /// The approximate number of cursors that no longer exist.
    gone: usize,
    /// The index in `cursors` of the next cursor to examine for removal.
    next: usize,
    /// The start of new cursors while the collection runs; afterwards `None`, which means the end of the log.
    start_options: Option<StartOptions>,
    /// The newest of the subscriptions that share this state; empty if none was replaced.
    current: Weak<Subscription>,
    /// Hashes of the names of topics in which it missed messages, because it had no cursor there.
    missed_topics: BTreeSet<u64>,
    /// True if it lost messages of more topics than are noted.
    has_missed_more: bool,
}

/// The requested start of a subscription: in the history of a topic, and with or without its retained message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct StartOptions {
    pub(crate) start: Start,
    pub(crate) retained: Retained,
}

/// The subscription whose options apply to a cursor.
#[derive(Debug)]
pub(crate) enum Current<'a> {
    Own(&'a Arc<Subscription>),
    /// Another one, which replaces the cursor's own.
    Other(Arc<Subscription>),
}

/// The options of a subscription to topics.
#[derive(Debug)]
pub struct Subscribe<'a> {
    /// The topics.
    pub filter: &'a TopicFilter,
    /// The place where it starts in each topic.
    pub start: Start,
    /// The rule for too much lag.
    pub overflow: Overflow,
    /// States if retained messages are delivered first.
    pub retained: Retained,
    /// States if messages of its own session are delivered.
    pub own_messages: OwnMessages,
    /// The condition on entries; `None` for all.
    pub selector: Option<Selector>,
    /// Returned with each delivery.
    pub tag: &'a [u8],
}

/// The delivery of retained messages to a new subscription.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Retained {
    /// No retained messages.
    #[default]
    Omitted,
    /// Retained messages come before all others, each once, and are marked. A retained message that is part of the
    /// requested history comes at its place there, and is not marked. A topic created later has none.
    First,
    /// Like [`First`](Self::First), but only the messages in this range: those that a subscription of a session that is
    /// restored has not got yet.
    Rest(RetainedRange),
}

/// States if a subscription gets messages of its own session. They are recognised by their producer: it is the same `Arc`
/// as [`Session::name`]. An equal text is not enough.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OwnMessages {
    /// They are delivered.
    #[default]
    Delivered,
    /// They are skipped, and count neither as delivered nor as missed.
    Skipped,
}

impl Retained {
    /// Returns the positions of the retained messages; `None` for no messages. `newest` is the position of the newest message.
    pub(crate) fn range(self, newest: u64) -> Option<RetainedRange> {
        match self {
            Self::Omitted => None,
            Self::First => Some(RetainedRange {
                after: 0,
                up_to: newest,
            }),
            Self::Rest(range) => Some(range),
        }
    }
}

impl<'a> Subscribe<'a> {
    /// Returns the options for messages published from now on, with the default rule.
    #[must_use]
    pub fn to(filter: &'a TopicFilter) -> Self {
        Self {
            filter,
            start: Start::default(),
            overflow: Overflow::default(),
            retained: Retained::default(),
            own_messages: OwnMessages::default(),
            selector: None,
            tag: &[],
        }
    }
}

impl Subscription {
    pub(crate) fn new(id: SubscriptionId, session: Arc<Session>, subscribe: Subscribe<'_>) -> Self {
        session.client().hold_subscription(subscribe.filter);
        Self {
            id,
            session,
            filter: subscribe.filter.clone(),
            overflow: subscribe.overflow,
            own_messages: subscribe.own_messages,
            selector: subscribe.selector.map(Box::new),
            tag: subscribe.tag.into(),
            wildcard: subscribe.filter.exact().is_none().then(Arc::default),
            generation: 0,
            is_replaced: AtomicBool::new(false),
            is_reported_slow: AtomicBool::new(false),
            cancelled: AtomicBool::new(false),
            skipped: SkipCounts::default(),
        }
    }

    /// Counts messages that it will not deliver.
    pub(crate) fn count_skipped(&self, reason: SkipReason, entries: u64) {
        self.session.count_dropped(entries, |totals| match reason {
            SkipReason::Lag => &totals.dropped_for_lag,
            SkipReason::TopicRemoved => &totals.dropped_with_topic,
            SkipReason::CursorLimit => &totals.dropped_without_cursor,
        });
        let count = match reason {
            SkipReason::Lag => &self.skipped.lag,
            SkipReason::TopicRemoved => &self.skipped.topic_removed,
            SkipReason::CursorLimit => &self.skipped.cursor_limit,
        };
        count.add(entries);
    }

    /// Returns the messages that it has skipped since it was created or replaced.
    pub(crate) fn skipped(&self) -> Skipped {
        Skipped {
            lag: self.skipped.lag.total(),
            topic_removed: self.skipped.topic_removed.total(),
            cursor_limit: self.skipped.cursor_limit.total(),
            queue_full: 0,
        }
    }

    /// Returns the tag that the subscriber gave.
    #[inline]
    pub(crate) fn tag(&self) -> &[u8] {
        self.tag.as_bytes()
    }

    pub(crate) fn has_wildcards(&self) -> bool {
        self.wildcard.is_some()
    }

    /// Returns a subscription with wildcards that replaces this one: with its id and its cursors.
    pub(crate) fn replaced_by(&self, subscribe: Subscribe<'_>) -> Arc<Self> {
        let session = Arc::clone(&self.session);
        let mut replacement = Self::new(self.id, session, subscribe);
        replacement.wildcard.clone_from(&self.wildcard);
        replacement.generation = self.generation.wrapping_add(1);
        let replacement = Arc::new(replacement);
        if let Some(wildcard) = &self.wildcard {
            lock(wildcard).current = Arc::downgrade(&replacement);
        }
        self.is_replaced.store(true, Ordering::Release);
        replacement
    }

    /// Returns the subscription that is valid for cursors of this one: itself, or the one that replaces it.
    #[inline]
    pub(crate) fn current(self: &Arc<Self>) -> Current<'_> {
        if self.is_replaced.load(Ordering::Acquire) {
            self.replacement()
        } else {
            Current::Own(self)
        }
    }

    #[cold]
    fn replacement(self: &Arc<Self>) -> Current<'_> {
        let wildcard = self.wildcard.as_ref().map(|wildcard| lock(wildcard));
        match wildcard.and_then(|one| one.current.upgrade()) {
            Some(current) => Current::Other(current),
            // The replacement no longer exists, so the subscription has ended.
            None => {
                self.cancel();
                Current::Own(self)
            }
        }
    }

    /// Adds a cursor of a subscription with wildcards.
    pub(crate) fn add_cursor(&self, cursor: &Arc<Cursor>) {
        let Some(wildcard) = &self.wildcard else {
            return;
        };
        let wildcard = &mut *lock(wildcard);
        if wildcard.cursors.len() == wildcard.cursors.capacity() {
            // The list is about to grow: remove cursors that no longer exist.
            wildcard.forget_gone();
        }
        wildcard.cursors.push(Arc::downgrade(cursor));
    }

    /// Counts a removed cursor, so that the list of cursors can be cleaned up.
    pub(crate) fn note_gone(&self) {
        if let Some(wildcard) = &self.wildcard {
            let mut wildcard = lock(wildcard);
            wildcard.gone += 1;
            if wildcard.gone > wildcard.cursors.len() / 2 {
                wildcard.forget_gone();
            }
        }
    }

    /// Returns at most `most` cursors of a wildcard subscription, from an index on.
    pub(crate) fn cursors_from(&self, index: usize, most: usize) -> Vec<Weak<Cursor>> {
        let Some(wildcard) = &self.wildcard else {
            return Vec::new();
        };
        let wildcard = lock(wildcard);
        let cursors = wildcard.cursors.iter().skip(index);
        cursors.take(most).cloned().collect()
    }

    /// Removes and returns at most `most` cursors of a wildcard subscription.
    pub(crate) fn take_cursors(&self, most: usize) -> Vec<Weak<Cursor>> {
        let Some(wildcard) = &self.wildcard else {
            return Vec::new();
        };
        let mut wildcard = lock(wildcard);
        let from = wildcard.cursors.len().saturating_sub(most);
        wildcard.cursors.split_off(from)
    }

    /// Examines the next `looks` cursors. Closes and returns the first one that has read everything.
    pub(crate) fn take_back_next(&self, looks: usize) -> Option<Arc<Cursor>> {
        let wildcard = &mut *lock(self.wildcard.as_ref()?);
        let mut looks_left = looks;
        while looks_left > 0 && !wildcard.cursors.is_empty() {
            wildcard.next = (wildcard.next + 1) % wildcard.cursors.len();
            match wildcard.cursors[wildcard.next].upgrade() {
                Some(cursor) if cursor.close_if_read() => {
                    wildcard.cursors.swap_remove(wildcard.next);
                    return Some(cursor);
                }
                Some(_) => looks_left -= 1,
                // Not counted as a look, because each of these entries is removed only once.
                None => drop(wildcard.cursors.swap_remove(wildcard.next)),
            }
        }
        None
    }

    /// Sets the start of new cursors, until [`Subscription::finish_collection`].
    pub(crate) fn begin_collection(&self, start_options: StartOptions) {
        if let Some(wildcard) = &self.wildcard {
            lock(wildcard).start_options = Some(start_options);
        }
    }

    /// Returns the start of a cursor that is created now.
    pub(crate) fn start_options(&self) -> StartOptions {
        let wildcard = self.wildcard.as_ref().map(|wildcard| lock(wildcard));
        let start_options = wildcard.and_then(|one| one.start_options);
        start_options.unwrap_or_default()
    }

    /// From now on, new cursors start at the end of the log.
    pub(crate) fn finish_collection(&self) {
        if let Some(wildcard) = &self.wildcard {
            lock(wildcard).start_options = None;
        }
    }

    /// Notes that messages of a topic are lost for it; its next cursor there reports this.
    pub(crate) fn note_missed(&self, topic: &TopicName) {
        let Some(wildcard) = &self.wildcard else {
            return;
        };
        let mut wildcard = lock(wildcard);
        let topic = hash_of(topic);
        if wildcard.missed_topics.len() < MISSED_TOPICS {
            wildcard.missed_topics.insert(topic);
        } else if !wildcard.missed_topics.contains(&topic) {
            wildcard.has_missed_more = true;
        }
    }

    /// Returns true if messages of a topic may have been lost since the last call.
    pub(crate) fn take_missed(&self, topic: &TopicName) -> bool {
        let wildcard = self.wildcard.as_ref().map(|wildcard| lock(wildcard));
        wildcard
            .is_some_and(|mut one| one.missed_topics.remove(&hash_of(topic)) || one.has_missed_more)
    }

    pub(crate) fn cancel(&self) {
        self.cancelled.store(true, Ordering::Release);
    }

    pub(crate) fn is_cancelled(&self) -> bool {
        self.cancelled.load(Ordering::Acquire)
    }

    /// Returns whether the subscription has a condition: a selector, or no messages of its own session.
    pub(crate) fn is_selective(&self) -> bool {
        self.own_messages == OwnMessages::Skipped || self.selector.is_some()
    }

    /// Returns whether an entry must be delivered at this time.
    #[inline]
    pub(crate) fn wants(&self, entry: &Entry, now_ms: u64) -> bool {
        !entry.is_expired(now_ms) && (!self.is_selective() || self.selects(entry))
    }

    /// Returns whether an entry matches the condition. Does not check its expiry.
    #[inline(never)] // So that reading is small for those who want everything.
    pub(crate) fn selects(&self, entry: &Entry) -> bool {
        let is_own = self.own_messages == OwnMessages::Skipped && entry.is_by(self.session.name());
        let selector = self.selector.as_ref();
        !is_own && selector.is_none_or(|selector| selector.matches(entry))
    }

    /// Returns the bytes of an entry's body that the selector may read.
    pub(crate) fn body_reads(&self, entry: &Entry) -> u64 {
        let selector = self.selector.as_ref();
        selector.map_or(0, |selector| selector.body_reads(entry))
    }

    /// Returns the rule for too much lag. No publisher waits for a paused session.
    pub(crate) fn overflow(&self) -> Overflow {
        match self.overflow {
            Overflow::Block | Overflow::Disconnect if self.session.is_paused() => {
                Overflow::DropOldest
            }
            own => own,
        }
    }

    /// Returns true in the first call, for reporting a slow subscription once.
    pub(crate) fn report_slow_once(&self) -> bool {
        !self.is_reported_slow.swap(true, Ordering::Relaxed)
    }
}

impl Wildcard {
    /// Removes the cursors that no longer exist from the list, and shrinks it.
    fn forget_gone(&mut self) {
        self.cursors.retain(|cursor| cursor.strong_count() > 0);
        self.cursors.shrink_to(2 * self.cursors.len());
        self.gone = 0;
    }
}

/// Returns a hash of the name. If two names have the same hash, a topic may report a gap although no message is
/// missing.
fn hash_of(topic: &TopicName) -> u64 {
    let mut hasher = DefaultHasher::new();
    topic.hash(&mut hasher);
    hasher.finish()
}

impl Deref for Current<'_> {
    type Target = Arc<Subscription>;

    #[inline]
    fn deref(&self) -> &Self::Target {
        match self {
            Self::Own(own) => own,
            Self::Other(other) => other,
        }
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        self.session.client().release_subscription(&self.filter);
    }
}

/// Maximum number of topics with missed messages that a subscription remembers. If there are more, every topic reports
/// that messages may be missing.
const MISSED_TOPICS: usize = 100;
