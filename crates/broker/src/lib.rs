//! The broker: topics as logs, subscriptions as cursors.
//!
//! This crate owns topic names and filters, logs, queues, the one order of all messages, sessions with their
//! subscriptions, the bounds on all of these, and their figures. It is passive: it has no task, no clock and no I/O. Time
//! is an argument. It calls a [`Peer`] only from a function that its user called, after all locks are released.
//!
//! It leaves to its user: protocols (a message has headers, a body, and a slot for each form of encoding), sockets,
//! authentication and storage ([`Journal`]).
//!
//! [`Broker`] lists its functions in the order in which they are called.

#![warn(missing_docs, unreachable_pub)]

mod alarm;
mod broker;
mod completion;
mod figures;
mod journal;
mod memory;
mod message;
mod name;
mod notice;
mod one_or_many;
mod outcome;
mod permissions;
mod policy;
mod queue;
mod schedule;
mod selector;
mod sequence;
mod session;
mod settlement;
mod state;
mod subscription_id;
mod sync;
mod topic;

pub use broker::Broker;
pub use broker::consume::{Consume, Source};
pub use broker::dead_letters::is_for_dead_letters;
pub use broker::detach::DetachingSession;
pub use broker::history::{HistoryPart, HistoryPlace};
pub use broker::listing::Page;
pub use broker::page_in::MissingMessages;
pub use broker::queue_actions::{Acted, ActionError, ActionRequest, MessageAction};
pub use broker::restore::{
    Epoch, Positions, Restore, RestoredEnd, RestoredMessage, RestoredPlace, TopicIds,
};
pub use broker::scheduled::{DueWork, ScheduledFigures, ScheduledPage, ScheduledPlace};
pub use broker::stop::Stopped;
pub use broker::subscription_listing::{SubscriptionFigures, SubscriptionReading};
pub use broker::survey::{LagSurvey, Survey, SurveyedQueue};
pub use broker::tree::TopicTraffic;
pub use completion::{Completion, CompletionWait};
pub use figures::{
    Figures, QueueAmounts, QueueFigures, QueueResults, RefusalCause, RefusalFigures,
    SessionFigures, TopicFigures,
};
pub use journal::{
    Journal, JournalError, JournalMessage, LastingQueue, LoadedMessage, PageRequest, TopicEnd,
};
pub use memory::limits::{DeadLetterQueue, Limits};
pub use memory::redelivery::{BackOff, Redelivery};
pub use memory::share::{
    Charge, Client, ClientAddress, Holder, HolderKind, InvalidClientAddress, Pool, PoolError,
    PoolFigures, Pools, Quota, QuotaCharge, network,
};
pub use message::delivery::Delivery;
pub use message::encodings::EncodingSlot;
pub use message::entry::{
    DestinationKind, Entry, Fields, Header, HeaderIndex, Provenance, Publication, SharedEntry,
    Spelling,
};
pub use message::id::{InvalidMessageId, MessageId, MessageIdText};
pub use name::ids::NameIds;
pub use name::level_tree::LevelTree;
pub use name::subscription_name::{DurableName, SharedName};
pub use name::subtree::Subtree;
pub use name::{ADVISORIES, InvalidName, NameFault, Owner, TEMPORARY, TopicFilter, TopicName};
pub use notice::{ConsumerChange, DeathCause, LostMessage, Notice};
pub use outcome::{
    CommitError, DeleteDurableError, Outcome, PublishError, Published, Ready, SubscribeError,
};
pub use permissions::Permissions;
pub use policy::{DeadLetterCycle, DuplicatePolicy, Policies, Policy, QueueOverflow, QueueRules};
pub use queue::{Browsed, ConsumerFigures, PagedMessages, WaitingPart, WaitingWalk};
pub use schedule::{Cron, InvalidCron, InvalidSchedule, Schedule};
pub use selector::{
    FieldPath, FieldValue, InvalidSelector, JsonFields, Properties, Selector, SelectorFault, Value,
};
pub use session::reader::Reader;
pub use session::subscription::{OwnMessages, Retained, Skipped, Subscribe, SubscriptionId};
pub use session::unread_retained::{RetainedRange, RetainedRound, UnreadRetained};
pub use session::{Blocked, Peer, Session};
pub use settlement::{
    Acknowledgement, DeliveryId, InvalidDeliveryId, SettleError, Settlement, Verdict,
};
pub use state::removed::CompleteTopics;
pub use topic::cursor::{Missed, Overflow, Start};
