//! The log: groups of records, frames, segments.

pub(crate) mod encoder;
pub(crate) mod files;
pub(crate) mod frame;
pub(crate) mod group;
pub(crate) mod segment;
pub(crate) mod settled;
