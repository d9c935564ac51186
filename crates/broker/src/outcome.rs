//! What callers are told: of publications, of refusals, and of sessions that became readable.

use std::sync::Arc;

use crate::{
    memory::share::PoolError,
    message::id::MessageId,
    name::{TopicFilter, TopicName},
    notice::Notice,
    queue::DurableName,
    queue::settlement::SettleError,
    session::{Blocked, Session},
    sync::{Ordering, fence},
};

/// What became of a batch of publications, or of whatever else may concern other sessions.
#[derive(Debug, Default)]
pub struct Outcome {
    /// For each publication, in their order, up to the first that was refused.
    pub results: Vec<Result<Published, PublishError>>,
    /// Sessions with something to read: to be delivered to by the caller.
    pub ready: Ready,
    /// Subscriptions that make the caller wait before it publishes more.
    pub blocked: Blocked,
    /// What happened besides, for those who watch.
    pub notices: Vec<Notice>,
}

/// An entry's place, told to its publisher.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Published {
    /// The message's id.
    pub id: MessageId,
    /// The place in its topic's log, from 1.
    pub sequence: u64,
    /// Subscriptions that cover the topic now.
    pub subscriptions: usize,
}

/// Sessions that became readable: each is to be given [`Session::deliver`] or [`Session::wake`].
#[derive(Debug, Default)]
pub struct Ready {
    pub(crate) sessions: Vec<Arc<Session>>,
}

/// Why a publication was not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PublishError {
    /// The topic or queue is the broker's own.
    #[error("{0} is the broker's own; nobody else can publish to it")]
    Reserved(TopicName),
    /// [`Limits::topics`](crate::Limits::topics).
    #[error("topic {name} would be a new one, and the limit of {limit} topics is reached")]
    TooManyTopics {
        /// The topic asked for.
        name: TopicName,
        /// The limit.
        limit: usize,
    },
    /// [`Limits::cursors`](crate::Limits::cursors).
    #[error("topic {name} would be a new one, and the limit of {limit} cursors is reached")]
    TooManyCursors {
        /// The topic asked for.
        name: TopicName,
        /// The limit.
        limit: usize,
    },
    /// [`Limits::queues`](crate::Limits::queues).
    #[error("queue {name} would be a new one, and the limit of {limit} queues is reached")]
    TooManyQueues {
        /// The queue asked for.
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
        /// What is limited.
        of: &'static str,
        /// The limit.
        limit: u64,
    },
    /// A pool that all clients have in common has nothing for this one.
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
}

/// Why a subscription was not made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SubscribeError {
    /// The session was detached.
    #[error("the session has ended")]
    SessionEnded,
    /// The queues are the broker's own, and nothing ever comes to them.
    #[error(
        "queue {0} is the broker's own; nobody can publish to it, and so there is nothing to take"
    )]
    Reserved(TopicFilter),
    /// [`Limits::subscriptions_per_session`](crate::Limits::subscriptions_per_session).
    #[error("the limit of {limit} subscriptions for one connection is reached")]
    TooManySubscriptions {
        /// The limit.
        limit: usize,
    },
    /// [`Limits::topics`](crate::Limits::topics).
    #[error("topic {name} would be a new one, and the limit of {limit} topics is reached")]
    TooManyTopics {
        /// The topic asked for.
        name: TopicName,
        /// The limit.
        limit: usize,
    },
    /// [`Limits::cursors`](crate::Limits::cursors).
    #[error("{filter} covers more topics than the limit of {limit} cursors leaves room for")]
    TooManyCursors {
        /// The filter asked for.
        filter: TopicFilter,
        /// The limit.
        limit: usize,
    },
    /// [`Limits::queues`](crate::Limits::queues).
    #[error("queue {name} would be a new one, and the limit of {limit} queues is reached")]
    TooManyQueues {
        /// The queue asked for.
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
    /// A pool that all clients have in common has nothing for this one.
    #[error("{0}")]
    Pool(#[from] PoolError),
    /// Somebody else has the durable subscription.
    #[error(
        "the durable subscription {:?} of client {:?} is in use by another connection", .0.subscription, .0.client
    )]
    DurableInUse(DurableName),
    /// The session has no subscription to these topics that another could take the place of.
    #[error("there is no subscription of this filter to replace")]
    NothingToReplace,
}

/// Why a durable subscription was not deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ForgetError {
    /// There is none of this name.
    #[error("there is no durable subscription of this name")]
    Unknown,
    /// A session subscribes by it.
    #[error("the durable subscription is in use")]
    InUse,
}

/// Why a transaction was not carried out; nothing of it was then.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CommitError {
    /// One of its publications.
    #[error("{0}")]
    Publish(#[from] PublishError),
    /// One of its settlements.
    #[error("{0}")]
    Settle(#[from] SettleError),
}

impl Outcome {
    /// Takes in what else is to be done.
    pub(crate) fn add(&mut self, mut other: Self) {
        self.ready.sessions.append(&mut other.ready.sessions);
        self.blocked.extend(other.blocked);
        self.notices.append(&mut other.notices);
    }
}

impl Ready {
    pub(crate) fn is_empty(&self) -> bool {
        self.sessions.is_empty()
    }

    /// The sessions, each once, taken out.
    pub fn drain(&mut self) -> impl Iterator<Item = Arc<Session>> {
        // With the fence in `Session::is_scheduled`: whoever has the reader now sees the session
        // scheduled once it has let the reader go.
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
