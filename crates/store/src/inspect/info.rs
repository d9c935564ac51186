//! A description of a store.

use crate::{
    disk::{Disk, DiskError},
    error::{Note, OpenError},
    format::{
        ids::{Generation, StoreId},
        meta::Epoch,
        paths,
    },
    recovery::{
        replay::{LastGeneration, Mode, replay},
        survey::survey,
    },
    state::State,
};

/// The content of a store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Info {
    /// The id of the store.
    pub store: StoreId,
    /// The epochs, oldest first.
    pub epochs: Vec<Epoch>,
    /// True if the store was closed by a clean stop.
    pub is_closed: bool,
    /// The segments, oldest first.
    pub segments: Vec<SegmentInfo>,
    /// Frames of the snapshots, oldest first.
    pub snapshots: Vec<u64>,
    /// Bytes of log that a start reads after the newest snapshot.
    pub replayed_bytes: u64,
    /// The stored state.
    pub state: State,
    /// Events that the next start would report.
    pub notes: Vec<Note>,
}

/// A segment of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SegmentInfo {
    /// The segment.
    pub generation: Generation,
    /// Bytes of the file.
    pub bytes: u64,
    /// Bytes of messages that are still held.
    pub live_bytes: u64,
}

impl SegmentInfo {
    /// Returns the segment's file.
    #[must_use]
    pub fn file(&self) -> String {
        paths::segment(self.generation)
    }
}

/// True if a directory has a file of a store: a description, a segment or a snapshot, valid or not.
///
/// # Errors
///
/// An error of the disk.
pub fn has_store<D: Disk>(disk: &D) -> Result<bool, DiskError> {
    let has_description = disk
        .list("")?
        .iter()
        .any(|name| paths::META.contains(&&**name));
    Ok(has_description
        || !disk.list(paths::LOG)?.is_empty()
        || !disk.list(paths::SNAPSHOTS)?.is_empty())
}

/// Describes a store without changing it. Returns `None` if the directory has no store.
///
/// # Errors
///
/// The errors of [`Store::open`](crate::Store::open).
pub fn info<D: Disk>(disk: &D) -> Result<Option<Info>, OpenError> {
    let survey = survey(disk)?;
    let Some(meta) = &survey.meta else {
        return Ok(None);
    };
    let replayed = replay(disk, &survey, meta, LastGeneration::Same, Mode::Strict)?;
    let segments = survey.segments.iter().map(|segment| SegmentInfo {
        generation: segment.header.generation,
        bytes: segment.length,
        live_bytes: replayed.state.live_bytes(segment.header.generation),
    });
    Ok(Some(Info {
        store: meta.store,
        epochs: meta.epochs.clone(),
        is_closed: meta.clean.is_some(),
        segments: segments.collect(),
        snapshots: replayed.snapshots,
        replayed_bytes: replayed.log_bytes,
        state: replayed.state,
        notes: [survey.notes, replayed.notes].concat(),
    }))
}
