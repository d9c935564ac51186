//! The store on disk: what survives a restart.
//!
//! The crate `store` has the formats and the recovery. This module has the disk, the thread that writes, and the translation
//! between the broker's changes and the store's records.

pub mod codec;
pub mod directory_lock;
pub mod disk;
mod disk_status;
mod durable_topics;
mod journal;
mod lifecycle;
mod loader;
mod merged;
mod restore;
mod session_log;
#[cfg(test)]
pub mod test_log;
#[cfg(test)]
pub mod test_store;
mod writer;

pub use disk_status::DiskStatus;
pub use durable_topics::{DurableTopics, durable_filter};
pub use lifecycle::{Restored, Storage, StorageOptions};
pub use session_log::{
    InFlight, OwedRetained, RestoredSession, SentMessage, SessionData, SessionLog,
    SubscriptionChange, SubscriptionData, WillData, WindowData, client_of_changes,
};
pub use writer::StopError;
