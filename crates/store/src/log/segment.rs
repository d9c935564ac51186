//! Reading the frames of a segment.

use crate::{
    format::{checksum::Checksum, segment_header::SegmentHeader},
    log::{
        encoder::LogEnd,
        frame::{self, Expected, Frame, MAGIC},
    },
};

/// A frame and its place in the segment file.
#[derive(Debug, Clone, Copy)]
pub(crate) struct FrameAt<'a> {
    pub offset: usize,
    pub frame: Frame<'a>,
}

/// Walks over the valid frames of a segment, and stops at the first that is not valid.
#[derive(Debug, Clone)]
pub(crate) struct Frames<'a> {
    bytes: &'a [u8],
    checksum: Checksum,
    end: LogEnd,
    /// True after a frame that stands for lost frames: the checksum of the frame before is unknown.
    is_after_loss: bool,
}

/// A later frame that proves that the frames before it were synced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Proof {
    pub offset: usize,
    pub frame: u64,
}

impl<'a> Frames<'a> {
    /// Begins after the header of a segment file.
    pub(crate) fn of(bytes: &'a [u8], header: &SegmentHeader) -> Self {
        Self {
            bytes,
            checksum: Checksum::of_segment(header),
            end: LogEnd::of_empty(header),
            is_after_loss: false,
        }
    }

    /// Returns the place after the last frame that was returned.
    pub(crate) fn end(&self) -> LogEnd {
        self.end
    }

    pub(crate) fn checksum(&self) -> Checksum {
        self.checksum
    }

    /// True if the segment's frames lead to this header of the next segment.
    pub(crate) fn leads_to(&self, next: &SegmentHeader) -> bool {
        self.end.next_frame == next.first_frame
            && (self.end.previous == next.previous || self.is_after_loss)
    }

    fn rest(&self) -> &'a [u8] {
        self.bytes.get(self.end.offset..).unwrap_or_default()
    }

    fn expected(&self) -> Expected {
        Expected {
            generation: self.end.generation,
            number: self.end.next_frame,
            previous: self.end.previous,
        }
    }

    /// Continues after a frame of `length` bytes that stands for lost frames up to `last`.
    pub(crate) fn skip_lost(&mut self, length: usize, last: u64, checksum: u32) {
        self.end.offset += length;
        self.end.next_frame = last + 1;
        self.end.previous = checksum;
        self.is_after_loss = true;
    }

    /// True if a torn frame seems to follow, and not unused space.
    pub(crate) fn is_torn(&self) -> bool {
        frame::resembles(self.rest(), self.expected())
    }

    /// Searches for a frame that proves that the frame at the end was synced.
    pub(crate) fn find_proof(&self) -> Option<Proof> {
        self.later_frames()
            .find(|found| found.frame.header.durable >= self.end.next_frame)
            .map(|found| Proof {
                offset: found.offset,
                frame: found.frame.header.number,
            })
    }

    /// Returns the valid frames of this segment after the end, wherever they begin.
    pub(crate) fn later_frames(&self) -> impl Iterator<Item = FrameAt<'a>> + use<'a> {
        let (bytes, checksum, end) = (self.bytes, self.checksum, self.end);
        let mut offset = end.offset;
        std::iter::from_fn(move || {
            loop {
                let rest = bytes.get(offset..)?;
                offset += rest
                    .windows(MAGIC.len())
                    .position(|window| window == MAGIC)?;
                let frame = frame::read(&bytes[offset..], end.generation, checksum)
                    .filter(|frame| frame.header.number >= end.next_frame);
                match frame {
                    Some(frame) => {
                        let found = FrameAt { offset, frame };
                        offset += frame.length();
                        return Some(found);
                    }
                    None => offset += 1,
                }
            }
        })
    }
}

impl<'a> Iterator for Frames<'a> {
    type Item = FrameAt<'a>;

    fn next(&mut self) -> Option<FrameAt<'a>> {
        let frame = frame::read(self.rest(), self.end.generation, self.checksum)?;
        let follows = frame.header.number == self.end.next_frame
            && (frame.header.previous == self.end.previous || self.is_after_loss);
        if !follows {
            return None;
        }
        let offset = self.end.offset;
        self.end.offset += frame.length();
        self.end.next_frame = frame.last_number() + 1;
        self.end.previous = frame.checksum;
        self.end.position = frame.header.position;
        self.is_after_loss = frame.header.lost_through != 0;
        Some(FrameAt { offset, frame })
    }
}

/// Copies the valid frames of a segment for a new segment file. The frames keep their offsets.
pub(crate) struct Copied {
    pub header: SegmentHeader,
    pub bytes: Vec<u8>,
    pub end: LogEnd,
}

/// Returns the content of a segment file that replaces `old`, with the same valid frames.
pub(crate) fn copy(bytes: &[u8], old: &SegmentHeader, header: SegmentHeader) -> Copied {
    let checksum = Checksum::of_segment(&header);
    let mut end = LogEnd::of_empty(&header);
    let mut out = header.encode().to_vec();
    for FrameAt { offset, frame } in Frames::of(bytes, old) {
        out.extend_from_slice(&bytes[offset..offset + frame.length()]);
        restamp_records(&mut out[offset + frame::FRAME_HEADER..], &header);
        let stamped = frame::FrameHeader {
            generation: header.generation,
            previous: end.previous,
            ..frame.header
        };
        end.previous = frame::seal(&mut out, offset, stamped, checksum);
        end.offset = out.len();
        end.next_frame = frame.last_number() + 1;
        end.position = frame.header.position;
    }
    Copied {
        header,
        bytes: out,
        end,
    }
}

fn restamp_records(payload: &mut [u8], header: &SegmentHeader) {
    let target = crate::record::encode::Target {
        checksum: Checksum::new(header.store),
        generation: header.generation,
    };
    let mut rest = payload;
    while let Some((length, after)) = std::mem::take(&mut rest).split_first_chunk_mut::<4>() {
        let length = u32::from_le_bytes(*length) as usize;
        let Some((record, after)) = after.split_at_mut_checked(length) else {
            return;
        };
        crate::record::encode::restamp(record, target);
        rest = after;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        format::ids::{Generation, StoreId},
        log::frame::FrameHeader,
    };

    #[test]
    fn frames_of_an_interrupted_copy_are_not_valid_in_a_segment_of_the_same_generation() {
        let header = |salt| SegmentHeader {
            generation: Generation(2),
            replaces: Generation(1),
            store: StoreId([1; 16]),
            first_frame: 1,
            previous: 0,
            position: 0,
            salt,
        };
        let mut bytes = header(1).encode().to_vec();
        frame::begin(&mut bytes);
        let first = FrameHeader {
            generation: Generation(2),
            number: 1,
            durable: 1,
            position: 0,
            previous: 0,
            lost_through: 0,
        };
        let checksum = Checksum::of_segment(&header(1));
        frame::seal(&mut bytes, SegmentHeader::LENGTH, first, checksum);
        assert_eq!(Frames::of(&bytes, &header(1)).count(), 1);

        bytes[..SegmentHeader::LENGTH].copy_from_slice(&header(2).encode());
        let frames = Frames::of(&bytes, &header(2));
        assert_eq!(frames.find_proof(), None);
        assert_eq!(frames.count(), 0);
    }
}
