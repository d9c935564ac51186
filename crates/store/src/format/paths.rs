//! Names of the store's files, relative to its directory.

use crate::format::ids::Generation;

/// The directory of the log's segments.
pub(crate) const LOG: &str = "log";
/// The directory of the snapshots.
pub(crate) const SNAPSHOTS: &str = "snap";
/// The directory for files that a repair sets aside.
pub(crate) const DAMAGED: &str = "damaged";
/// The file that the server locks, so that a second process is refused. This crate does not touch it.
pub const LOCK: &str = "lock";
/// The two copies of the store's description.
pub(crate) const META: [&str; 2] = ["meta.a", "meta.b"];
/// The suffix of files that are not complete yet; recovery removes them.
pub(crate) const INCOMPLETE: &str = ".tmp";
/// Number of segments that are allocated ahead, as a reserve for a full disk.
pub(crate) const SPARES: [&str; 2] = ["log/spare-1", "log/spare-2"];

pub(crate) fn segment(generation: Generation) -> String {
    format!("{LOG}/{:08x}.seg", generation.0)
}

pub(crate) fn snapshot(frame: u64) -> String {
    format!("{SNAPSHOTS}/{frame:016x}.snap")
}

/// Returns the generation of a segment from a file name in [`LOG`].
pub(crate) fn parse_segment(name: &str) -> Option<Generation> {
    let digits = name.strip_suffix(".seg").filter(|text| text.len() == 8)?;
    u32::from_str_radix(digits, 16).ok().map(Generation)
}

/// Returns the frame of a snapshot from a file name in [`SNAPSHOTS`].
pub(crate) fn parse_snapshot(name: &str) -> Option<u64> {
    let digits = name.strip_suffix(".snap").filter(|text| text.len() == 16)?;
    u64::from_str_radix(digits, 16).ok()
}
