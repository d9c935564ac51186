//! A subscription to topics: what is asked for, and what all its cursors have in common.

use std::{
    collections::BTreeSet,
    hash::{DefaultHasher, Hash, Hasher},
    ops::Deref,
    sync::{Arc, Weak},
};

pub use crate::subscription_id::SubscriptionId;
use crate::{
    message::entry::Entry,
    name::short_bytes::ShortBytes,
    name::{TopicFilter, TopicName},
    selector::Selector,
    session::Session,
    sync::{AtomicBool, Mutex, Ordering, lock},
    topic::cursor::{Cursor, Overflow, Start},
};

#[derive(Debug)]
pub(crate) struct Subscription {
    pub(crate) id: SubscriptionId,
    pub(crate) session: Arc<Session>,
    pub(crate) filter: TopicFilter,
    pub(crate) overflow: Overflow,
    /// Which of the entries it wants. Few subscriptions have one.
    pub(crate) selector: Option<Box<Selector>>,
    locality: Locality,
    tag: ShortBytes,
    /// What a subscription with wildcards has besides, and the one that replaces it as well.
    wildcard: Option<Arc<Mutex<Wildcard>>>,
    /// Counts the subscriptions that this one replaces, one after the other.
    pub(crate) generation: u32,
    is_replaced: AtomicBool,
    is_told_slow: AtomicBool,
    cancelled: AtomicBool,
}

/// What a subscription with wildcards has besides. Changed only by whoever holds the broker's order, but for `lost`.
#[derive(Debug, Default)]
struct Wildcard {
    /// Its cursors. Some may be gone.
    cursors: Vec<Weak<Cursor>>,
    /// About as many of them are gone.
    gone: usize,
    /// The cursor in `cursors` that is looked at next to be taken back.
    next: usize,
    /// Where it begins in topics in which it has no cursor, while topics are gone through.
    opening: Option<Opening>,
    /// The subscription itself, if it replaces another one.
    current: Weak<Subscription>,
    /// Hashes of the names of topics of which it lost messages without having a cursor.
    lost: BTreeSet<u64>,
    /// True if it lost messages of more topics than are noted.
    has_lost_more: bool,
}

/// Where a subscription begins in a topic.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Opening {
    pub(crate) start: Start,
    pub(crate) retained: Retained,
}

/// The subscription that counts for a cursor.
#[derive(Debug)]
pub(crate) enum Current<'a> {
    Own(&'a Arc<Subscription>),
    /// It replaces the cursor's own.
    Other(Arc<Subscription>),
}

/// What a subscription to topics is to be like.
#[derive(Debug)]
pub struct Subscribe<'a> {
    /// Which topics.
    pub filter: &'a TopicFilter,
    /// Where it begins.
    pub start: Start,
    /// What happens when it lies too far behind.
    pub overflow: Overflow,
    /// Whether it begins with what its topics retained.
    pub retained: Retained,
    /// Whether it wants what its own session publishes.
    pub locality: Locality,
    /// Which of the entries it wants; none for all.
    pub selector: Option<Selector>,
    /// Comes back with each delivery.
    pub tag: &'a [u8],
}

/// Whether a subscription begins with the retained messages of the topics that it covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Retained {
    /// It does not.
    #[default]
    Omitted,
    /// They come before everything else, each once, and are marked so. One that lies behind where the
    /// subscription begins comes in its place and is not marked. A topic that is made later has none.
    First,
}

/// Whether a subscription is given what its own session published, which is told by the session's own name
/// ([`Session::name`]) as the producer, not another of the same text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Locality {
    /// It is.
    #[default]
    Everywhere,
    /// It is passed over, and counts neither as delivered nor as missed.
    Others,
}

impl<'a> Subscribe<'a> {
    /// To what is published from now on, by the usual rule.
    #[must_use]
    pub fn to(filter: &'a TopicFilter) -> Self {
        Self {
            filter,
            start: Start::default(),
            overflow: Overflow::default(),
            retained: Retained::default(),
            locality: Locality::default(),
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
            locality: subscribe.locality,
            selector: subscribe.selector.map(Box::new),
            tag: subscribe.tag.into(),
            wildcard: subscribe.filter.exact().is_none().then(Arc::default),
            generation: 0,
            is_replaced: AtomicBool::new(false),
            is_told_slow: AtomicBool::new(false),
            cancelled: AtomicBool::new(false),
        }
    }

    /// What the subscriber gave to know it again.
    #[inline]
    pub(crate) fn tag(&self) -> &[u8] {
        self.tag.as_bytes()
    }

    pub(crate) fn has_wildcards(&self) -> bool {
        self.wildcard.is_some()
    }

    /// Returns a subscription with wildcards in the place of this one: with its id and its cursors.
    pub(crate) fn replaced_by(&self, subscribe: Subscribe<'_>) -> Arc<Self> {
        let session = Arc::clone(&self.session);
        let mut replacing = Self::new(self.id, session, subscribe);
        replacing.wildcard.clone_from(&self.wildcard);
        replacing.generation = self.generation.wrapping_add(1);
        let replacing = Arc::new(replacing);
        if let Some(wildcard) = &self.wildcard {
            lock(wildcard).current = Arc::downgrade(&replacing);
        }
        self.is_replaced.store(true, Ordering::Release);
        replacing
    }

    /// Returns the subscription that counts for cursors of this one: itself, or the one that replaces it.
    #[inline]
    pub(crate) fn current(self: &Arc<Self>) -> Current<'_> {
        if self.is_replaced.load(Ordering::Acquire) {
            self.replacing()
        } else {
            Current::Own(self)
        }
    }

    #[cold]
    fn replacing(self: &Arc<Self>) -> Current<'_> {
        let wildcard = self.wildcard.as_ref().map(|wildcard| lock(wildcard));
        match wildcard.and_then(|one| one.current.upgrade()) {
            Some(current) => Current::Other(current),
            // It has ended.
            None => {
                self.cancel();
                Current::Own(self)
            }
        }
    }

    /// Notes a cursor of a subscription with wildcards.
    pub(crate) fn add_cursor(&self, cursor: &Arc<Cursor>) {
        let Some(wildcard) = &self.wildcard else {
            return;
        };
        let wildcard = &mut *lock(wildcard);
        if wildcard.cursors.len() == wildcard.cursors.capacity() {
            // Before it grows: those that were taken back, or whose topics are gone.
            wildcard.forget_gone();
        }
        wildcard.cursors.push(Arc::downgrade(cursor));
    }

    /// Notes that a cursor of a subscription with wildcards was taken back.
    pub(crate) fn note_gone(&self) {
        if let Some(wildcard) = &self.wildcard {
            let mut wildcard = lock(wildcard);
            wildcard.gone += 1;
            if wildcard.gone > wildcard.cursors.len() / 2 {
                wildcard.forget_gone();
            }
        }
    }

    /// Takes at most `most` cursors out of those of a subscription with wildcards.
    pub(crate) fn take_cursors(&self, most: usize) -> Vec<Weak<Cursor>> {
        let Some(wildcard) = &self.wildcard else {
            return Vec::new();
        };
        let mut wildcard = lock(wildcard);
        let from = wildcard.cursors.len().saturating_sub(most);
        wildcard.cursors.split_off(from)
    }

    /// Takes one cursor back of the next `looks`, for another one in its place.
    pub(crate) fn take_back_next(&self, looks: usize) -> Option<Arc<Cursor>> {
        let wildcard = &mut *lock(self.wildcard.as_ref()?);
        let mut looks_left = looks;
        while looks_left > 0 && !wildcard.cursors.is_empty() {
            wildcard.next = (wildcard.next + 1) % wildcard.cursors.len();
            match wildcard.cursors[wildcard.next].upgrade() {
                Some(cursor) if cursor.take_back() => {
                    wildcard.cursors.swap_remove(wildcard.next);
                    return Some(cursor);
                }
                Some(_) => looks_left -= 1,
                // Each is removed once.
                None => drop(wildcard.cursors.swap_remove(wildcard.next)),
            }
        }
        None
    }

    /// Lets a subscription with wildcards begin there in the topics that have no cursor of it yet, until
    /// [`Subscription::end_opening`].
    pub(crate) fn begin_at(&self, opening: Opening) {
        if let Some(wildcard) = &self.wildcard {
            lock(wildcard).opening = Some(opening);
        }
    }

    /// Returns where a cursor of a subscription with wildcards begins that is made now.
    pub(crate) fn opening(&self) -> Opening {
        let wildcard = self.wildcard.as_ref().map(|wildcard| lock(wildcard));
        let opening = wildcard.and_then(|one| one.opening);
        opening.unwrap_or_default()
    }

    /// Lets the subscription begin at the end of the topics from now on.
    pub(crate) fn end_opening(&self) {
        if let Some(wildcard) = &self.wildcard {
            lock(wildcard).opening = None;
        }
    }

    /// Notes that messages of a topic are lost for it, which its next cursor there reports.
    pub(crate) fn note_lost(&self, topic: &TopicName) {
        let Some(wildcard) = &self.wildcard else {
            return;
        };
        let mut wildcard = lock(wildcard);
        let topic = hash_of(topic);
        if wildcard.lost.len() < LOST_TOPICS {
            wildcard.lost.insert(topic);
        } else if !wildcard.lost.contains(&topic) {
            wildcard.has_lost_more = true;
        }
    }

    /// Returns true if messages of a topic may have been lost since this was asked last.
    pub(crate) fn take_lost(&self, topic: &TopicName) -> bool {
        let wildcard = self.wildcard.as_ref().map(|wildcard| lock(wildcard));
        wildcard.is_some_and(|mut one| one.lost.remove(&hash_of(topic)) || one.has_lost_more)
    }

    pub(crate) fn cancel(&self) {
        self.cancelled.store(true, Ordering::Release);
    }

    pub(crate) fn is_cancelled(&self) -> bool {
        self.cancelled.load(Ordering::Acquire)
    }

    /// Whether there are entries that it does not want, for other reasons than their age.
    pub(crate) fn is_selective(&self) -> bool {
        self.locality == Locality::Others || self.selector.is_some()
    }

    /// Whether an entry is to be delivered, at this time.
    #[inline]
    pub(crate) fn wants(&self, entry: &Entry, now_ms: u64) -> bool {
        !entry.is_expired(now_ms) && (!self.is_selective() || self.selects(entry))
    }

    /// Whether it wants an entry, whatever its age.
    #[inline(never)] // So that reading is small for those who want everything.
    pub(crate) fn selects(&self, entry: &Entry) -> bool {
        let is_own = self.locality == Locality::Others && entry.is_by(self.session.name());
        let selector = self.selector.as_ref();
        !is_own && selector.is_none_or(|selector| selector.matches(entry))
    }

    /// What happens when it lies too far behind. Nobody waits for a session that nobody reads for.
    pub(crate) fn overflow(&self) -> Overflow {
        match self.overflow {
            Overflow::Block | Overflow::Disconnect if self.session.is_paused() => {
                Overflow::DropOldest
            }
            own => own,
        }
    }

    /// Whether nobody has been told yet that it is slow.
    pub(crate) fn begins_to_be_slow(&self) -> bool {
        !self.is_told_slow.swap(true, Ordering::Relaxed)
    }
}

impl Wildcard {
    /// Forgets the cursors that are gone, and their memory with them.
    fn forget_gone(&mut self) {
        self.cursors.retain(|cursor| cursor.strong_count() > 0);
        self.cursors.shrink_to(2 * self.cursors.len());
        self.gone = 0;
    }
}

/// The same for two topics only by chance: then one of them reports a gap that is none.
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

/// Topics of which a subscription notes that messages were lost. If there are more, each topic may be one of them.
const LOST_TOPICS: usize = 100;
