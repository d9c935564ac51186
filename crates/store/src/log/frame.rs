//! Frames: the parts of the log that are valid or invalid as a whole.

use crate::format::{bytes::Input, checksum::Checksum, ids::Generation};

/// The header of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FrameHeader {
    pub generation: Generation,
    /// Counts the frames of the store, from 1.
    pub number: u64,
    /// The highest frame that was known to be synced when this frame was written. A frame that is damaged although a later
    /// frame calls it durable was lost on the medium, not by a power failure.
    pub durable: u64,
    /// The highest position in the log up to the end of this frame.
    pub position: u64,
    /// The checksum of the frame before.
    pub previous: u32,
    /// The last of the frames that this one stands for, or 0. A repair replaces lost frames by one such frame.
    pub lost_through: u64,
}

/// Bytes of a frame before its records.
pub(crate) const FRAME_HEADER: usize = 56;
pub(crate) const MAGIC: [u8; 4] = *b"CFRM";
/// Offset of the part that the checksum covers.
const COVERED: usize = 8;

/// A valid frame in a segment.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Frame<'a> {
    pub header: FrameHeader,
    pub checksum: u32,
    pub payload: &'a [u8],
}

impl Frame<'_> {
    /// Bytes of the frame.
    pub(crate) fn length(&self) -> usize {
        FRAME_HEADER + self.payload.len()
    }

    /// The frame after which the next one continues.
    pub(crate) fn last_number(&self) -> u64 {
        self.header.number.max(self.header.lost_through)
    }
}

/// Appends the place of a header; [`seal`] fills it in after the records are appended.
pub(crate) fn begin(out: &mut Vec<u8>) {
    out.extend_from_slice(&[0; FRAME_HEADER]);
}

/// Fills in the header of the frame that begins at `at` and ends with the buffer. Returns the frame's checksum.
pub(crate) fn seal(out: &mut [u8], at: usize, header: FrameHeader, checksum: Checksum) -> u32 {
    let frame = &mut out[at..];
    let length = (frame.len() - FRAME_HEADER) as u32;
    frame[..4].copy_from_slice(&MAGIC);
    frame[8..12].copy_from_slice(&length.to_le_bytes());
    frame[12..16].copy_from_slice(&header.generation.0.to_le_bytes());
    frame[16..24].copy_from_slice(&header.number.to_le_bytes());
    frame[24..32].copy_from_slice(&header.durable.to_le_bytes());
    frame[32..40].copy_from_slice(&header.position.to_le_bytes());
    frame[40..44].copy_from_slice(&header.previous.to_le_bytes());
    frame[44..52].copy_from_slice(&header.lost_through.to_le_bytes());
    let sum = checksum.of(&frame[COVERED..]);
    frame[4..8].copy_from_slice(&sum.to_le_bytes());
    sum
}

/// Returns the valid frame of this segment at the beginning of `bytes`, if there is one.
pub(crate) fn read(bytes: &[u8], generation: Generation, checksum: Checksum) -> Option<Frame<'_>> {
    let (sum, length, header) = read_header(bytes)?;
    let length = usize::try_from(length).ok()?;
    let frame = bytes.get(..FRAME_HEADER.checked_add(length)?)?;
    let is_valid = bytes.starts_with(&MAGIC)
        && header.generation == generation
        && checksum.of(&frame[COVERED..]) == sum;
    is_valid.then_some(Frame {
        header,
        checksum: sum,
        payload: &frame[FRAME_HEADER..],
    })
}

fn read_header(bytes: &[u8]) -> Option<(u32, u32, FrameHeader)> {
    let mut input = Input::new(bytes);
    input.take(4).ok()?;
    let (sum, length) = (input.u32().ok()?, input.u32().ok()?);
    let header = FrameHeader {
        generation: Generation(input.u32().ok()?),
        number: input.u64().ok()?,
        durable: input.u64().ok()?,
        position: input.u64().ok()?,
        previous: input.u32().ok()?,
        lost_through: input.u64().ok()?,
    };
    input.take(4).ok()?;
    Some((sum, length, header))
}

/// The frame that is expected at a place.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Expected {
    pub generation: Generation,
    pub number: u64,
    pub previous: u32,
}

/// True if the bytes look like the expected frame although they are not valid: most fields of the header match. Old
/// content of a recycled file does not match.
pub(crate) fn resembles(bytes: &[u8], expected: Expected) -> bool {
    let Some((_, _, header)) = read_header(bytes) else {
        return bytes.starts_with(&MAGIC);
    };
    let matches = [
        bytes.starts_with(&MAGIC) && header.generation == expected.generation,
        header.generation == expected.generation && header.number == expected.number,
        header.number == expected.number && header.previous == expected.previous,
    ];
    matches.contains(&true)
}
