//! Snapshots: the state without contents of messages, so that a start replays only the newest part of the log.
//!
//! A snapshot begins at a frame of the log. Its items are written in steps, between which the store goes on; recovery
//! replays the log from that frame, so an item that is newer than the frame does no harm.

pub(crate) mod file;
pub(crate) mod reader;
pub(crate) mod writer;

use crate::snapshot::writer::SnapshotWriter;

/// Number of complete snapshots that are kept.
pub(crate) const KEPT: usize = 2;

/// The snapshots of an open store.
#[derive(Debug)]
pub(crate) struct Snapshots<F> {
    /// Frames of the complete snapshots, oldest first; at most [`KEPT`].
    pub complete: Vec<u64>,
    /// The snapshot that is being written.
    pub writer: Option<SnapshotWriter<F>>,
    /// Bytes that were written to the log since the newest snapshot began.
    pub log_bytes: u64,
    /// The time at which the newest snapshot began, in milliseconds; unknown before the first maintenance.
    pub began_ms: Option<u64>,
}

impl<F> Snapshots<F> {
    /// Returns the frame up to which segments are not needed for recovery, even if the newest snapshot is damaged.
    pub(crate) fn covered_frame(&self) -> u64 {
        match *self.complete {
            [.., older, _] => older,
            _ => 0,
        }
    }
}
