//! The broker: topics as logs, subscriptions as cursors.
//!
//! This crate owns topic names and filters, the logs, the queues, the one order in which everything published is
//! seen, sessions with their subscriptions, the bounds on all of these and the figures about them. It is
//! passive: functions that are called, with no task, no clock and no I/O of its own; time is an argument,
//! and a [`Peer`] is called back only by whoever published or subscribed, after every lock is released.
//!
//! It deliberately leaves to others: protocols (it carries a header list and a body and gives each door a
//! place to keep its encoding of them), sockets, authentication, storage.

#![warn(missing_docs)]

mod account;
mod administration;
mod ages;
mod awaited;
mod broker;
mod budget;
mod children;
mod consume;
mod cursor;
mod dead_letters;
mod encodings;
mod entry;
mod few;
mod figures;
mod horizon;
mod leaving;
mod level_tree;
mod limits;
mod listing;
mod log;
mod message_id;
mod name;
mod name_index;
mod notice;
mod order;
mod outcome;
mod overdue;
mod pause;
mod publish;
mod queue;
mod queues;
mod reader;
mod replace;
mod retained;
mod selector;
mod session;
mod settlement;
mod share;
mod short_bytes;
mod spare;
mod steps;
mod subscription;
mod sync;
mod topic;
mod transaction;

pub use broker::Broker;
pub use consume::{Consume, Source};
pub use cursor::{Missed, Overflow, Start};
pub use encodings::Dialect;
pub use entry::{Entry, Header, Kind, Provenance, Publication, SharedEntry, Spelling};
pub use figures::{Figures, PoolFigures, QueueFigures, SessionFigures, TopicFigures};
pub use leaving::Leaving;
pub use level_tree::LevelTree;
pub use limits::{DeadLetterQueue, Limits};
pub use listing::Page;
pub use message_id::{InvalidMessageId, MessageId, MessageIdText};
pub use name::{InvalidName, NameFault, Owner, TEMPORARY, TopicFilter, TopicName};
pub use notice::{ADVISORIES, Consumption, DeathCause, Lost, Notice};
pub use outcome::{
    CommitError, ForgetError, Outcome, PublishError, Published, Ready, SubscribeError,
};
pub use queue::{DurableName, SharedName};
pub use reader::{Delivery, Reader};
pub use selector::{InvalidSelector, Properties, Selector, SelectorFault, Value};
pub use session::{Blocked, Peer, Session};
pub use settlement::{
    Acknowledgement, DeliveryId, InvalidDeliveryId, SettleError, Settlement, Verdict,
};
pub use share::{Charge, Client, HolderKind, Pool, PoolError, Pools};
pub use subscription::{Locality, Retained, Subscribe, SubscriptionId};
