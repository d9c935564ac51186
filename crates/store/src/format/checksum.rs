//! CRC-32C checksums, seeded with the store and the place of the bytes.

use crate::format::{
    ids::{Generation, StoreId},
    segment_header::SegmentHeader,
};

/// Checksums of one store.
///
/// Each checksum begins with the store's id, so bytes of another store are never valid here. A publisher does not know the
/// id, so the content of a message cannot imitate a frame.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Checksum {
    store: u32,
    /// With the salt of a segment.
    file: u32,
}

impl Checksum {
    pub(crate) fn new(store: StoreId) -> Self {
        let seed = crc32c::crc32c(&store.0);
        Self {
            store: seed,
            file: seed,
        }
    }

    /// Returns the checksums of a segment. The salt differs between runs: a copy that a crash interrupted may leave valid
    /// frames in a file that the next run uses again, for a segment of the same generation.
    pub(crate) fn of_segment(header: &SegmentHeader) -> Self {
        let checksum = Self::new(header.store);
        let file = crc32c::crc32c_append(checksum.store, &header.salt.to_le_bytes());
        Self { file, ..checksum }
    }

    /// Returns the checksum of a part of a file.
    pub(crate) fn of(self, bytes: &[u8]) -> u32 {
        crc32c::crc32c_append(self.file, bytes)
    }

    /// Returns the checksum of a message's record. It depends on the segment, so a record that was left in a recycled
    /// file is not taken for a record of the new segment.
    pub(crate) fn of_message(self, generation: Generation, bytes: &[u8]) -> u32 {
        let seed = crc32c::crc32c_append(self.store, &generation.0.to_le_bytes());
        crc32c::crc32c_append(seed, bytes)
    }
}
