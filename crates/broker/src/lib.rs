//! The broker: topics as logs, subscriptions as cursors.
//!
//! This crate contains topic names and filters, the logs, the queues, the one order of all publications, sessions with
//! their subscriptions, the bounds on all of these, and their figures. It is passive: its functions are called, and it
//! has no task, no clock and no I/O of its own. Time is an argument, and a [`Peer`] is called only by the thread that
//! published or subscribed, after all locks are released.
//!
//! It does not contain protocols (it stores a list of headers and a body, and has a slot for each protocol's encoding),
//! sockets, authentication or storage.

#![warn(missing_docs)]

mod broker;
mod completion;
mod figures;
mod memory;
mod message;
mod name;
mod notice;
mod one_or_many;
mod outcome;
mod queue;
mod selector;
mod sequence;
mod session;
mod state;
mod subscription_id;
mod sync;
mod topic;

pub use broker::Broker;
pub use broker::consume::{Consume, Source};
pub use broker::leaving::Leaving;
pub use broker::listing::Page;
pub use completion::{Completion, CompletionWait};
pub use figures::{Figures, QueueFigures, SessionFigures, TopicFigures};
pub use memory::limits::{DeadLetterQueue, Limits};
pub use memory::share::{Charge, Client, HolderKind, Pool, PoolError, PoolFigures, Pools};
pub use message::encodings::EncodingSlot;
pub use message::entry::{
    DestinationKind, Entry, Header, Provenance, Publication, SharedEntry, Spelling,
};
pub use message::id::{InvalidMessageId, MessageId, MessageIdText};
pub use name::level_tree::LevelTree;
pub use name::{ADVISORIES, InvalidName, NameFault, Owner, TEMPORARY, TopicFilter, TopicName};
pub use notice::{Consumption, DeathCause, Lost, Notice};
pub use outcome::{
    CommitError, ForgetError, Outcome, PublishError, Published, Ready, SubscribeError,
};
pub use queue::settlement::{
    Acknowledgement, DeliveryId, InvalidDeliveryId, SettleError, Settlement, Verdict,
};
pub use queue::{DurableName, SharedName};
pub use selector::{InvalidSelector, Properties, Selector, SelectorFault, Value};
pub use sequence::Journal;
pub use session::reader::{Delivery, Reader};
pub use session::subscription::{Locality, Retained, Subscribe, SubscriptionId};
pub use session::{Blocked, Peer, Session};
pub use topic::cursor::{Missed, Overflow, Start};
