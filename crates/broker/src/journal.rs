//! The journal: the interface through which the broker records what must survive a restart.
//!
//! The broker calls the journal at the moment of each change; the journal's user, for example a log on disk, writes the
//! changes later and on another thread. When they are durable it reports that through
//! [`Completion::complete`](crate::Completion::complete), and the replies that promise durability are sent. Deliveries do
//! not wait for the journal.
//!
//! Recorded are retained messages; persistent messages in lasting queues (queues with a name, durable and shared
//! subscriptions), with their settlements and numbers of deliveries; these queues themselves, and whether their delivery is
//! paused; scheduled messages with their progress; persistent messages of topics to which a lasting session subscribes; and all messages of durable topics: see
//! [`Journal::keeps_history`]. Temporary queues and the queues of other subscriptions are not recorded.
//!
//! The broker also reads messages of lasting queues from the journal, when it does not keep their content in memory.

use crate::{
    message::entry::{Publication, SharedEntry},
    name::{
        TopicFilter, TopicName,
        ids::NameIds,
        subscription_name::{DurableName, SharedName},
    },
    schedule::Schedule,
    selector::Selector,
};

/// Records changes that must survive a restart.
///
/// No function may block, do I/O, or call the broker: most are called with the broker's lock held. Changes must become
/// durable in the order of the calls.
///
/// A *ticket* is a number that the journal gives to a change. Tickets never decrease; a change is durable when
/// [`Completion::complete`](crate::Completion::complete) was called with its ticket or a later one.
pub trait Journal: NameIds {
    /// Checks whether a message of this size can be recorded now, or with size 0, a new queue or subscription. The broker calls
    /// it before it accepts something new that has to be recorded, and refuses it if the check fails.
    ///
    /// # Errors
    /// [`JournalError`], for the publisher.
    fn check(&self, bytes: u64) -> Result<(), JournalError>;

    /// Returns true if the topic is durable: each of its messages, persistent or not, is recorded in the topic's history, until
    /// the message leaves memory. Called when a topic is opened; must always return the same for a topic. Temporary topics and
    /// the broker's own topics are never durable.
    fn keeps_history(&self, topic: &TopicName) -> bool;

    /// Returns true if so many changes wait to become durable that publishers of recorded messages have to wait.
    fn is_full(&self) -> bool;

    /// Returns the ticket of the newest change, 0 if there is none.
    fn newest(&self) -> u64;

    /// A reply waits for the changes up to now. Called without the broker's lock; other changes may be written later.
    fn wake(&self);

    /// Begins a transaction: the changes up to [`end_transaction`](Self::end_transaction) become durable together or not
    /// at all. The broker's lock is held in between, so there is one transaction at a time.
    fn begin_transaction(&self);

    /// Ends a transaction. Returns its ticket.
    fn end_transaction(&self) -> u64;

    /// Records a new queue, and gives it an id that no other queue ever has.
    fn create_queue(&self, queue: &LastingQueue<'_>) -> u32;

    /// Records that the delivery from a queue with a name is paused, or goes on.
    fn set_paused(&self, queue: u32, name: &TopicName, is_paused: bool);

    /// Records the removal of a queue with its messages.
    fn remove_queue(&self, queue: u32);

    /// Records a message, in the order of positions. Returns its ticket.
    fn append(&self, message: &JournalMessage<'_>) -> u64;

    /// Records that messages have left a queue; `positions` are in ascending order. A message that was never recorded in
    /// the queue is ignored.
    fn settle(&self, queue: u32, positions: &[u64]);

    /// Records the number of deliveries of a message.
    fn set_deliveries(&self, queue: u32, position: u64, deliveries: u32);

    /// Records that a topic's retained message was removed.
    fn remove_retained(&self, name: u32);

    /// Records that a durable topic has lost all its messages, up to this position. A smaller position than before changes
    /// nothing.
    fn set_emptied(&self, position: u64);

    /// Records the numbers of a topic at a clean stop, before the messages of its history.
    fn set_topic_end(&self, name: u32, end: TopicEnd);

    /// Reads messages that were recorded before this call. The journal answers each request once, at any time and on any
    /// thread, with [`Broker::page_in`](crate::Broker::page_in).
    fn load(&self, request: PageRequest);
}

/// A request for the content of messages of one queue, which the broker does not keep in memory.
#[derive(Debug)]
pub struct PageRequest {
    /// Identifies the request.
    pub(crate) number: u64,
    pub(crate) queue: u32,
    pub(crate) positions: Box<[u64]>,
}

impl PageRequest {
    /// Returns the id of the queue.
    #[must_use]
    pub fn queue(&self) -> u32 {
        self.queue
    }

    /// Returns the positions of the messages, ascending; at least one, and at most about a thousand.
    #[must_use]
    pub fn positions(&self) -> &[u64] {
        &self.positions
    }
}

/// A message that the journal has read for a [`PageRequest`].
#[derive(Debug)]
pub struct LoadedMessage {
    /// The position.
    pub position: u64,
    /// The number of the message in its topic or queue, from 1.
    pub sequence: u64,
    /// The content. The broker replaces its topic or queue by that of the message.
    pub publication: Publication,
}

/// The numbers of a topic at a clean stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TopicEnd {
    /// The sequence of the topic's next message, from 1.
    pub next_sequence: u64,
    /// Bytes of all messages that were ever published to the topic.
    pub bytes: u64,
    /// The position up to which messages of the topic were removed, 0 if none were.
    pub removed_up_to: u64,
}

/// A queue that survives a restart.
#[derive(Debug, Clone)]
pub enum LastingQueue<'a> {
    /// A queue for all clients.
    Named(&'a TopicName),
    /// The queue of a durable subscription.
    Durable {
        /// The name of the subscription.
        name: &'a DurableName,
        /// The topics.
        filter: &'a TopicFilter,
        /// The condition on messages.
        selector: Option<&'a Selector>,
    },
    /// The queue of a shared subscription.
    Shared(&'a SharedName),
    /// The messages that wait for the time of their schedule, whatever their destinations. There is one, and it is never
    /// removed. The number of deliveries of its messages is the progress of their schedules.
    Scheduled,
}

/// A message to be recorded, and the places that hold it.
#[derive(Debug)]
pub struct JournalMessage<'a> {
    /// The message.
    pub entry: &'a SharedEntry,
    /// The id of the destination's name.
    pub name: u32,
    /// The ids of the queues that hold the message, and of its topic's history if that holds it. Each may settle or forget it
    /// at any time after this call.
    pub queues: &'a [u32],
    /// For a message of a durable topic: the position of the topic's message before it, or the position up to which the topic
    /// may have lost messages, whichever is greater. So the journal's user can find out after a restart from which position
    /// on a history is complete.
    pub previous: Option<u64>,
    /// The topic retains the message.
    pub is_retained: bool,
    /// The schedule of a message of [`LastingQueue::Scheduled`].
    pub schedule: Option<&'a Schedule>,
}

/// The reason why a message cannot be recorded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum JournalError {
    /// The disk is nearly full.
    #[error(
        "the disk has {free} bytes left and the limit is {required}: persistent messages, new queues and new lasting \
         subscriptions are refused"
    )]
    DiskFull {
        /// Free bytes.
        free: u64,
        /// Bytes that must stay free.
        required: u64,
    },
    /// The message is larger than the log can store.
    #[error("the message needs {bytes} bytes on disk; the limit is {limit}")]
    TooLarge {
        /// Bytes of the message.
        bytes: u64,
        /// Maximum number of bytes.
        limit: u64,
    },
    /// The log accepts nothing more, because the disk failed or the server stops.
    #[error("the log on disk is closed")]
    Closed,
}
