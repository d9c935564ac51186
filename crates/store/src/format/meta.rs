//! The store's description: `meta.a` and `meta.b`.
//!
//! Each change is written to both copies, one after the other, each with a sync. The copy that was not read is written
//! first, so a torn write never harms the only valid copy.

use crate::format::{
    FORMAT_VERSION, FormatError, MAGIC_META,
    bytes::{DecodeError, Input},
    ids::{Generation, StoreId},
};

/// A run of positions: positions from `first_position` on belong to this epoch, until the next epoch begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Epoch {
    /// The number of the epoch; higher than the numbers of the epochs before it.
    pub number: u64,
    /// The first position of the epoch.
    pub first_position: u64,
}

/// The end of the log at a clean stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct CleanEnd {
    /// The last frame's number; 0 if the log has none.
    pub frame: u64,
    /// The last frame's checksum.
    pub checksum: u32,
    /// The next position that the broker gives out.
    pub next_position: u64,
}

/// The content of a meta file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Meta {
    /// The copy that has this content, 0 or 1. The other copy may be older or torn, so it is overwritten first.
    pub copy: usize,
    /// Increases with each change; the copy with the higher counter is newer.
    pub counter: u64,
    pub store: StoreId,
    /// The newest segment that must exist.
    pub newest: Generation,
    /// Present after a clean stop, until the next start.
    pub clean: Option<CleanEnd>,
    /// The newest [`EPOCHS`] epochs, oldest first.
    pub epochs: Vec<Epoch>,
}

/// Number of epochs that are kept; the oldest are forgotten. A subscriber that resumes in a forgotten epoch gets a report of
/// missed messages.
pub const EPOCHS: usize = 1024;

impl Meta {
    /// Begins an epoch, and forgets the oldest one if there are more than [`EPOCHS`].
    pub(crate) fn begin_epoch(&mut self, epoch: Epoch) {
        self.epochs.push(epoch);
        let excess = self.epochs.len().saturating_sub(EPOCHS);
        self.epochs.drain(..excess);
    }

    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(HEADER + 64 + self.epochs.len() * 16);
        out.extend_from_slice(&MAGIC_META);
        out.extend_from_slice(&FORMAT_VERSION.to_le_bytes());
        out.extend_from_slice(&[0; 2]);
        // Length and checksum.
        out.extend_from_slice(&[0; 8]);
        out.extend_from_slice(&self.counter.to_le_bytes());
        out.extend_from_slice(&self.store.0);
        out.extend_from_slice(&self.newest.0.to_le_bytes());
        let clean = self.clean.unwrap_or(CleanEnd {
            frame: 0,
            checksum: 0,
            next_position: 0,
        });
        out.extend_from_slice(&u32::from(self.clean.is_some()).to_le_bytes());
        out.extend_from_slice(&clean.frame.to_le_bytes());
        out.extend_from_slice(&clean.next_position.to_le_bytes());
        out.extend_from_slice(&clean.checksum.to_le_bytes());
        out.extend_from_slice(&(self.epochs.len() as u32).to_le_bytes());
        for epoch in &self.epochs {
            out.extend_from_slice(&epoch.number.to_le_bytes());
            out.extend_from_slice(&epoch.first_position.to_le_bytes());
        }
        let length = (out.len() - HEADER) as u32;
        out[12..16].copy_from_slice(&length.to_le_bytes());
        let checksum = Self::checksum(&out);
        out[16..20].copy_from_slice(&checksum.to_le_bytes());
        out
    }

    /// Reads a copy. Bytes after the content are ignored: an earlier, longer content may have left them.
    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, FormatError> {
        let mut input = Input::new(bytes);
        if input.take(8)? != MAGIC_META {
            return Err(FormatError::Magic);
        }
        let version = input.u16()?;
        input.u16()?;
        let length = input.u32()? as usize;
        let checksum = input.u32()?;
        let content = bytes
            .get(..HEADER.saturating_add(length))
            .ok_or(DecodeError::Truncated)?;
        if Self::checksum(content) != checksum {
            return Err(FormatError::Checksum);
        }
        if version > FORMAT_VERSION {
            return Err(FormatError::Newer(version));
        }
        Ok(Self::decode_content(&content[HEADER..])?)
    }

    fn decode_content(content: &[u8]) -> Result<Self, DecodeError> {
        let mut input = Input::new(content);
        let counter = input.u64()?;
        let store = StoreId(input.id()?);
        let newest = Generation(input.u32()?);
        let is_clean = input.u32()? != 0;
        let (frame, next_position) = (input.u64()?, input.u64()?);
        let end = CleanEnd {
            frame,
            next_position,
            checksum: input.u32()?,
        };
        let count = input.u32()? as usize;
        if count > EPOCHS {
            return Err(DecodeError::OutOfRange);
        }
        let mut epochs = Vec::with_capacity(count);
        for _ in 0..count {
            epochs.push(Epoch {
                number: input.u64()?,
                first_position: input.u64()?,
            });
        }
        input.finish()?;
        Ok(Self {
            copy: 0,
            counter,
            store,
            newest,
            clean: is_clean.then_some(end),
            epochs,
        })
    }

    /// Returns the checksum of everything but the checksum itself.
    fn checksum(bytes: &[u8]) -> u32 {
        crc32c::crc32c_append(crc32c::crc32c(&bytes[..16]), &bytes[HEADER..])
    }
}

/// Bytes of magic, version, length and checksum.
const HEADER: usize = 20;
