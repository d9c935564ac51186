//! The first bytes of a segment file.

use crate::format::{
    FORMAT_VERSION, FormatError, MAGIC_SEGMENT,
    bytes::Input,
    checksum::Checksum,
    ids::{Generation, StoreId},
};

/// The header of a segment. It is written and synced before the file gets its name, so it is never torn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SegmentHeader {
    pub generation: Generation,
    /// The lowest generation that this file replaces: recovery copies the last segment to a new file, and frames stay at
    /// their offsets. Equal to `generation` if the segment is no copy.
    pub replaces: Generation,
    pub store: StoreId,
    /// The number of the first frame that the segment has or will have.
    pub first_frame: u64,
    /// The checksum of the frame before `first_frame`; 0 before frame 1.
    pub previous: u32,
    /// The highest position in all earlier segments.
    pub position: u64,
    /// A random number of the run that wrote the file; the checksums of frames depend on it.
    pub salt: u32,
}

impl SegmentHeader {
    /// Bytes of the header.
    pub(crate) const LENGTH: usize = 64;
    const CHECKSUM: usize = 60;

    pub(crate) fn encode(&self) -> [u8; Self::LENGTH] {
        let mut out = Vec::with_capacity(Self::LENGTH);
        out.extend_from_slice(&MAGIC_SEGMENT);
        out.extend_from_slice(&FORMAT_VERSION.to_le_bytes());
        out.extend_from_slice(&[0; 2]);
        out.extend_from_slice(&self.generation.0.to_le_bytes());
        out.extend_from_slice(&self.replaces.0.to_le_bytes());
        out.extend_from_slice(&self.previous.to_le_bytes());
        out.extend_from_slice(&self.store.0);
        out.extend_from_slice(&self.first_frame.to_le_bytes());
        out.extend_from_slice(&self.position.to_le_bytes());
        out.extend_from_slice(&self.salt.to_le_bytes());
        let mut header = [0; Self::LENGTH];
        header[..Self::CHECKSUM].copy_from_slice(&out);
        let checksum = Checksum::new(self.store).of(&header[..Self::CHECKSUM]);
        header[Self::CHECKSUM..].copy_from_slice(&checksum.to_le_bytes());
        header
    }

    /// Reads a header of this store.
    pub(crate) fn decode(bytes: &[u8], store: StoreId) -> Result<Self, FormatError> {
        let mut input = Input::new(bytes);
        let header = input.take(Self::LENGTH)?;
        let mut input = Input::new(header);
        if input.take(8)? != MAGIC_SEGMENT {
            return Err(FormatError::Magic);
        }
        let version = input.u16()?;
        input.u16()?;
        let generation = Generation(input.u32()?);
        let replaces = Generation(input.u32()?);
        let previous = input.u32()?;
        let found = StoreId(input.id()?);
        let (first_frame, position) = (input.u64()?, input.u64()?);
        let salt = input.u32()?;
        if input.u32()? != Checksum::new(found).of(&header[..Self::CHECKSUM]) {
            return Err(FormatError::Checksum);
        }
        if version > FORMAT_VERSION {
            return Err(FormatError::Newer(version));
        }
        if found != store {
            return Err(FormatError::OtherStore(found));
        }
        Ok(Self {
            generation,
            replaces,
            store,
            first_frame,
            previous,
            position,
            salt,
        })
    }
}
