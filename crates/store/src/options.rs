//! Options of a store.

use crate::log::{encoder::Limit, group};

/// Sizes and rates. The defaults suit a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// Bytes of a segment file, at least 1,024.
    pub segment_bytes: u32,
    /// Bytes from which on a frame is closed. A unit that is larger has a frame of its own.
    pub frame_bytes: u32,
    /// Bytes of log after which a snapshot is taken.
    pub snapshot_log_bytes: u64,
    /// Milliseconds after which a snapshot is taken if the log has grown.
    pub snapshot_interval_ms: u64,
    /// Items of the state that one step of a snapshot or of a search for live messages visits.
    pub step_items: usize,
    /// A segment is compacted if held messages need fewer percent of it.
    pub compact_below_percent: u8,
    /// Bytes that one step of compaction copies.
    pub compaction_step_bytes: u32,
    /// Compaction copies at most this part of what is written otherwise, in percent …
    pub compaction_share_percent: u8,
    /// … or this number of bytes for each second, if that is more.
    pub compaction_bytes_per_second: u64,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            segment_bytes: 64 << 20,
            frame_bytes: 1 << 20,
            snapshot_log_bytes: 256 << 20,
            snapshot_interval_ms: 5 * 60 * 1000,
            step_items: 4096,
            compact_below_percent: 30,
            compaction_step_bytes: 256 << 10,
            compaction_share_percent: 20,
            compaction_bytes_per_second: 1 << 20,
        }
    }
}

impl Options {
    /// Returns the bytes of the largest unit that the log can hold.
    #[must_use]
    pub fn largest_unit(&self) -> usize {
        group::largest_unit(self.limit())
    }

    pub(crate) fn limit(&self) -> Limit {
        Limit {
            segment_bytes: self.segment_bytes.max(SMALLEST_SEGMENT) as usize,
            frame_bytes: self.frame_bytes as usize,
        }
    }
}

const SMALLEST_SEGMENT: u32 = 1024;
