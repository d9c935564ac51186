//! Errors of a store, by cause.

use crate::{disk::DiskError, format::FormatError, format::ids::PositionRange};

/// The reason why a store cannot be opened. The store is not changed, except by [`OpenError::Disk`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// An operation of the disk failed.
    #[error(transparent)]
    Disk(#[from] DiskError),
    /// The store was written by a newer program.
    #[error("{file}: {cause}")]
    Newer {
        /// The file.
        file: String,
        /// The versions.
        cause: FormatError,
    },
    /// Data that was on the disk is damaged. [`repair`](crate::repair) sets it aside.
    #[error(transparent)]
    Damaged(#[from] Damage),
}

/// Damaged data: the medium has changed or lost what was synced.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{file} is damaged at byte {offset}: {reason}{}", Positions(.positions))]
pub struct Damage {
    /// The file.
    pub file: String,
    /// The offset in bytes at which valid data ends.
    pub offset: u64,
    /// A description of what is wrong.
    pub reason: String,
    /// The positions of the messages that may be lost, if messages may be lost and the range is known.
    pub positions: Option<PositionRange>,
}

/// Shows positions of lost messages, if there are any.
struct Positions<'a>(&'a Option<PositionRange>);

impl std::fmt::Display for Positions<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            Some(range) => write!(formatter, "; messages at positions {range} may be lost"),
            None => Ok(()),
        }
    }
}

/// An event of a start that an operator should know. Each is one line of a log.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Note {
    /// The last write before a crash was incomplete. Nothing in it had been acknowledged.
    #[error(
        "{file}: an incomplete write at byte {offset} (frame {frame}) was cut off; nothing in it was acknowledged"
    )]
    TornTail {
        /// The segment.
        file: String,
        /// The offset in bytes.
        offset: u64,
        /// The number of the frame that was cut off.
        frame: u64,
    },
    /// A snapshot cannot be read; the older one and the log replace it.
    #[error("{file} is damaged ({reason}); the state was restored from older data")]
    SnapshotDamaged {
        /// The snapshot.
        file: String,
        /// A description of what is wrong.
        reason: String,
    },
    /// One of the two meta files cannot be read; the other one replaces it.
    #[error("{file} is damaged ({cause}); its copy is used")]
    MetaCopyDamaged {
        /// The file.
        file: String,
        /// A description of what is wrong.
        cause: FormatError,
    },
    /// The program ended without a clean stop.
    #[error("the store was not closed; epoch {epoch} begins at position {first_position}")]
    UncleanStart {
        /// The number of the new epoch.
        epoch: u64,
        /// The first position of the new epoch.
        first_position: u64,
    },
}

/// The reason why an operation on an open store failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// An operation of the disk failed. The store accepts nothing more: after a failed sync, the content of the
    /// medium is unknown.
    #[error(transparent)]
    Disk(#[from] DiskError),
    /// An earlier operation failed.
    #[error("the store failed earlier and accepts nothing more")]
    Failed,
}

/// The reason why a message cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// An operation of the disk failed.
    #[error(transparent)]
    Disk(#[from] DiskError),
    /// The segment does not exist any more: the message was moved or removed. The caller looks up the location again.
    #[error("the message was moved")]
    Moved,
    /// The message is damaged.
    #[error(transparent)]
    Damaged(#[from] Damage),
}
