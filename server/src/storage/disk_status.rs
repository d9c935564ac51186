//! The state of the disk, for people and programs that watch the server.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use broker::{Journal as _, JournalError};

use super::journal::LogJournal;
use crate::measurements::{Histogram, HistogramFigures};

/// The state of the disk of a store. Clones share it.
#[derive(Debug, Clone)]
pub struct DiskStatus {
    journal: Arc<LogJournal>,
    syncs: Arc<SyncFigures>,
}

/// The number and the durations of syncs since the start, and the bytes written. Cheap to update.
#[derive(Debug)]
pub struct SyncFigures {
    count: AtomicU64,
    last_us: AtomicU64,
    durations: Histogram,
    written_bytes: AtomicU64,
}

/// The space of the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Space {
    /// Bytes that are free.
    pub free: u64,
    /// Bytes of the log that are in use.
    pub log: u64,
}

impl SyncFigures {
    /// Counts a sync that took this long.
    pub fn count(&self, duration: Duration) {
        let us = u64::try_from(duration.as_micros()).unwrap_or(u64::MAX);
        self.last_us.store(us, Ordering::Relaxed);
        self.count.fetch_add(1, Ordering::Relaxed);
        self.durations.observe(duration);
    }

    /// Counts bytes that were written.
    pub fn count_written(&self, bytes: usize) {
        self.written_bytes
            .fetch_add(bytes as u64, Ordering::Relaxed);
    }

    /// Returns the durations of syncs.
    pub fn durations(&self) -> HistogramFigures {
        self.durations.figures()
    }

    /// Returns the number of bytes that were written.
    pub fn written_bytes(&self) -> u64 {
        self.written_bytes.load(Ordering::Relaxed)
    }

    /// Returns the number of syncs.
    pub fn total(&self) -> u64 {
        self.count.load(Ordering::Relaxed)
    }
}

impl Default for SyncFigures {
    fn default() -> Self {
        Self {
            count: AtomicU64::new(0),
            last_us: AtomicU64::new(0),
            durations: Histogram::new(&SYNC_BOUNDS_US),
            written_bytes: AtomicU64::new(0),
        }
    }
}

impl DiskStatus {
    /// Returns the state of a store that this journal records in.
    pub const fn new(journal: Arc<LogJournal>, syncs: Arc<SyncFigures>) -> Self {
        Self { journal, syncs }
    }

    /// Returns the figures of syncs and writes.
    pub fn syncs(&self) -> &SyncFigures {
        &self.syncs
    }

    /// Returns the reason why persistent messages are refused now, if they are.
    pub fn refusal(&self) -> Option<JournalError> {
        self.journal.check(0).err()
    }

    /// Returns the figures now.
    pub fn figures(&self) -> app::DiskFigures {
        let Space { free, log } = self.journal.space();
        app::DiskFigures {
            free_bytes: free,
            required_bytes: self.journal.required_free(),
            refuses_persistent: self.refusal().is_some(),
            log_bytes: log,
            syncs: self.syncs.total(),
            last_sync_ms: self.syncs.last_us.load(Ordering::Relaxed) as f64 / 1_000.0,
        }
    }
}

const SYNC_BOUNDS_US: [u64; 12] = [
    100, 250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 500_000, 2_500_000,
];
