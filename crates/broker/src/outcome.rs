//! The results of calls: of publications and refusals, and the sessions that became readable.

use std::sync::Arc;

use crate::{
    figures::RefusalCause,
    journal::JournalError,
    memory::share::PoolError,
    message::id::MessageId,
    name::subscription_name::DurableName,
    name::{TopicFilter, TopicName},
    notice::Notice,
    schedule::InvalidSchedule,
    session::{Blocked, Session},
    settlement::SettleError,
    sync::{Ordering, fence},
};

/// The result of a batch of publications, or of another call that may concern other sessions.
#[derive(Debug, Default)]
pub struct Outcome {
    /// One for each publication, in order, up to the first refusal.
    pub results: Vec<Result<Published, PublishError>>,
    /// Sessions with messages to read; the caller must deliver to them.
    pub ready: Ready,
    /// Subscriptions for which the caller must wait before it publishes more.
    pub blocked: Blocked,
    /// The ticket of the journal that must be complete before the caller replies: see
    /// [`Broker::completion`](crate::Broker::completion).
    pub owed: Option<u64>,
    /// True if the caller must wait until [`Outcome::owed`] is complete before it publishes more, because the journal is
    /// full.
    pub is_journal_full: bool,
    /// Further events, for advisories.
    pub notices: Vec<Notice>,
}

/// The place of an entry, for its publisher.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Published {
    /// The message's id.
    pub id: MessageId,
    /// The number of the entry in its topic's log, from 1.
    pub sequence: u64,
    /// Number of subscriptions that cover the topic now.
    pub subscriptions: usize,
}

/// Sessions that became readable: the caller must call [`Session::deliver`] or [`Session::wake`]
/// for each.
#[derive(Debug, Default)]
pub struct Ready {
    pub(crate) sessions: Vec<Arc<Session>>,
}

/// The reason why a publication was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PublishError {
    /// The topic or queue belongs to the broker.
    #[error("{0} is the broker's own; clients cannot publish to it")]
    Reserved(TopicName),
    /// [`Limits::topics`](crate::Limits::topics).
    #[error("topic {name} does not exist, and the limit of {limit} topics is reached")]
    TooManyTopics {
        /// The requested topic.
        name: TopicName,
        /// The limit.
        limit: usize,
    },
    /// [`Limits::cursors`](crate::Limits::cursors).
    #[error("queue {name} does not exist, and the limit of {limit} cursors is reached")]
    TooManyCursors {
        /// The requested queue.
        name: TopicName,
        /// The limit.
        limit: usize,
    },
    /// [`Limits::queues`](crate::Limits::queues).
    #[error("queue {name} does not exist, and the limit of {limit} queues is reached")]
    TooManyQueues {
        /// The requested queue.
        name: TopicName,
        /// The limit.
        limit: usize,
    },
    /// [`Limits::queue_entries`](crate::Limits::queue_entries) or
    /// [`Limits::queue_bytes`](crate::Limits::queue_bytes).
    #[error("queue {name} is full: the limit of {limit} {of} is reached")]
    QueueFull {
        /// The queue.
        name: TopicName,
        /// The limited quantity.
        of: &'static str,
        /// The limit.
        limit: u64,
    },
    /// A pool that all clients share has no room for this client.
    #[error("{0}")]
    Pool(#[from] PoolError),
    /// [`Limits::memory_bytes`](crate::Limits::memory_bytes).
    #[error("the broker holds {held} bytes of messages; the limit is {limit}")]
    MemoryFull {
        /// Bytes held.
        held: u64,
        /// The limit.
        limit: u64,
    },
    /// The journal cannot record the message.
    #[error("{0}")]
    Journal(#[from] JournalError),
    /// The schedule of the message is not allowed.
    #[error("{0}")]
    Schedule(#[from] InvalidSchedule),
}

impl PublishError {
    /// Returns the cause in the figures.
    #[must_use]
    pub const fn cause(&self) -> RefusalCause {
        match self {
            Self::Reserved(_) => RefusalCause::Reserved,
            Self::TooManyTopics { .. } => RefusalCause::Topics,
            Self::TooManyCursors { .. } => RefusalCause::Cursors,
            Self::TooManyQueues { .. } => RefusalCause::Queues,
            Self::QueueFull { .. } => RefusalCause::QueueFull,
            Self::Pool(_) => RefusalCause::Share,
            Self::MemoryFull { .. } => RefusalCause::Memory,
            Self::Journal(_) => RefusalCause::Journal,
            Self::Schedule(_) => RefusalCause::Schedule,
        }
    }
}

/// The reason why a subscription was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SubscribeError {
    /// The session was detached.
    #[error("the session has ended")]
    SessionEnded,
    /// The queues belong to the broker, and never have messages.
    #[error("queue {0} is the broker's own; clients cannot publish to it, so it has no messages")]
    Reserved(TopicFilter),
    /// [`Limits::subscriptions_per_session`](crate::Limits::subscriptions_per_session).
    #[error("the limit of {limit} subscriptions for one connection is reached")]
    TooManySubscriptions {
        /// The limit.
        limit: usize,
    },
    /// [`Limits::topics`](crate::Limits::topics).
    #[error("topic {name} does not exist, and the limit of {limit} topics is reached")]
    TooManyTopics {
        /// The requested topic.
        name: TopicName,
        /// The limit.
        limit: usize,
    },
    /// [`Limits::cursors`](crate::Limits::cursors).
    #[error("{filter} covers more topics than the limit of {limit} cursors allows")]
    TooManyCursors {
        /// The requested filter.
        filter: TopicFilter,
        /// The limit.
        limit: usize,
    },
    /// [`Limits::queues`](crate::Limits::queues).
    #[error("queue {name} does not exist, and the limit of {limit} queues is reached")]
    TooManyQueues {
        /// The requested queue.
        name: TopicName,
        /// The limit.
        limit: usize,
    },
    /// [`Limits::durables`](crate::Limits::durables).
    #[error("the limit of {limit} durable subscriptions is reached")]
    TooManyDurables {
        /// The limit.
        limit: usize,
    },
    /// A pool that all clients share has no room for this client.
    #[error("{0}")]
    Pool(#[from] PoolError),
    /// The journal cannot record a new subscription or queue.
    #[error("{0}")]
    Journal(#[from] JournalError),
    /// Another session has the durable subscription.
    #[error(
        "the durable subscription {:?} of client {:?} is in use by another connection", .0.subscription, .0.client
    )]
    DurableInUse(DurableName),
    /// The session has no subscription to these topics that could be replaced.
    #[error("there is no subscription of this filter to replace")]
    NothingToReplace,
}

/// The reason why a durable subscription was not deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DeleteDurableError {
    /// There is no subscription with this name.
    #[error("there is no durable subscription with this name")]
    Unknown,
    /// A session has this subscription.
    #[error("the durable subscription is in use")]
    InUse,
}

/// The reason why a transaction was refused; it has no effect then.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CommitError {
    /// One of its publications was refused.
    #[error("{0}")]
    Publish(#[from] PublishError),
    /// One of its settlements was refused.
    #[error("{0}")]
    Settle(#[from] SettleError),
}

impl Outcome {
    /// Adds a ticket of the journal.
    pub(crate) fn owe(&mut self, ticket: u64, is_journal_full: bool) {
        self.owed = self.owed.max(Some(ticket));
        self.is_journal_full |= is_journal_full;
    }

    /// Adds the effects of another outcome.
    pub(crate) fn add(&mut self, mut other: Self) {
        self.ready.sessions.append(&mut other.ready.sessions);
        self.blocked.extend(other.blocked);
        self.owed = self.owed.max(other.owed);
        self.is_journal_full |= other.is_journal_full;
        self.notices.append(&mut other.notices);
    }
}

impl Ready {
    pub(crate) fn is_empty(&self) -> bool {
        self.sessions.is_empty()
    }

    /// Takes the sessions, each once.
    pub fn drain(&mut self) -> impl Iterator<Item = Arc<Session>> {
        // With the fence in `Session::is_scheduled`: a task that has the reader now sees the session
        // scheduled once it has released the reader.
        fence(Ordering::SeqCst);
        self.sessions.drain(..)
    }

    pub(crate) fn add_once(&mut self, session: &Arc<Session>) {
        if !self
            .sessions
            .iter()
            .any(|other| Arc::ptr_eq(other, session))
        {
            self.sessions.push(Arc::clone(session));
        }
    }

    /// Delivers to all of them on the calling thread.
    pub fn deliver(mut self) {
        for session in self.drain() {
            session.deliver();
        }
    }
}
