//! A subscription to topics: what is asked for, and what all its cursors have in common.

use std::sync::Arc;

use crate::{
    message::entry::Entry,
    name::TopicFilter,
    name::short_bytes::ShortBytes,
    selector::Selector,
    session::Session,
    sync::{AtomicBool, Ordering},
    topic::cursor::{Overflow, Start},
};

/// Identifies a subscription for as long as the broker runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SubscriptionId(pub(crate) u64);

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
    joined: u32,
    is_told_slow: AtomicBool,
    cancelled: AtomicBool,
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
            joined: 0,
            is_told_slow: AtomicBool::new(false),
            cancelled: AtomicBool::new(false),
        }
    }

    /// What the subscriber gave to know it again.
    #[inline]
    pub(crate) fn tag(&self) -> &[u8] {
        self.tag.as_bytes()
    }

    /// Topics it covered when it was made.
    pub(crate) fn joined(&self) -> usize {
        self.joined as usize
    }

    pub(crate) fn note_joined(&mut self, joined: usize) {
        // There is not memory for more than so many cursors.
        self.joined = u32::try_from(joined).unwrap_or(u32::MAX);
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

impl Drop for Subscription {
    fn drop(&mut self) {
        self.session.client().release_subscription(&self.filter);
    }
}
