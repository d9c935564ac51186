//! Carillon's durable log.
//!
//! This crate owns the formats on disk, the writer's state machine, recovery, snapshots and compaction. It uses a disk
//! through the trait [`Disk`] and is otherwise pure: it has no threads, no clock, no randomness and no I/O of its own.
//!
//! It knows messages as ids, positions and bytes; what depends on the broker or on a protocol is opaque to it.
//!
//! The way of a record:
//!
//! 1. A caller pushes a [`Unit`] to the [`OpenGroup`], under a short lock.
//! 2. The writer takes the [`Group`] and calls [`Store::commit`], which encodes the group to frames, writes them and
//!    waits for one sync.
//! 3. The writer publishes the [`Durable`] that `commit` returns; replies that wait for it are sent.
//! 4. Between groups, the writer calls [`Store::maintain`].
//!
//! [`Store::open`] restores the [`State`] after a stop or a crash. `FORMAT.md` describes the files.

#![warn(missing_docs, unreachable_pub)]

pub mod disk;
mod error;
mod format;
mod inspect;
mod log;
mod maintenance;
mod options;
mod record;
mod recovery;
mod snapshot;
mod state;
mod store;

pub use disk::{Disk, DiskError, DiskErrorKind};
pub use error::{Damage, Note, OpenError, ReadError, StoreError};
pub use format::{
    FORMAT_VERSION, FormatError,
    bytes::DecodeError,
    ids::{Generation, Location, NameId, PositionRange, QueueId, StoreId},
    meta::{EPOCHS, Epoch},
    paths::LOCK,
};
pub use inspect::{
    check::{Checked, DAMAGES, check},
    export::{Exported, export},
    info::{Info, SegmentInfo, has_store, info},
    repair::{LOST, LostFrames, Repaired, plan_repair, repair},
};
pub use log::{
    encoder::Placement,
    files::{MessageReader, StoredMessage, read_message, read_messages},
    group::{Group, GroupLimits, OpenGroup, Pressure, PushError, Pushed, Unit},
};
pub use maintenance::{MaintenanceStep, Relocation};
pub use options::Options;
pub use record::{
    Cursor, Deliveries, Flags, Held, Holder, Moved, Name, Publish, QueueSaved, Queues, Record,
    SessionSaved, Settle, Trim, Waiting,
    content::{Content, Header, StoredContent},
    decode::MessageHead,
};
pub use recovery::{Opened, Start};
pub use state::{RetainedMessage, State, StoredCursor, StoredName, StoredQueue, StoredSession};
pub use store::{Durable, Store};
