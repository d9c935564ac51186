//! Encoding of units into frames of the current segment.

use crate::{
    format::{
        checksum::Checksum,
        ids::{Generation, Location},
        segment_header::SegmentHeader,
    },
    log::{
        frame::{self, FRAME_HEADER, FrameHeader},
        group::{Records, Unit},
    },
    record::{
        Held, Publish, Record,
        content::Content,
        encode::{self, Target},
    },
    state::State,
};

/// Sizes of segments and frames in bytes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limit {
    pub segment_bytes: usize,
    pub frame_bytes: usize,
}

/// The place at which the log continues.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct LogEnd {
    pub generation: Generation,
    /// The offset in the segment file.
    pub offset: usize,
    /// The number of the next frame.
    pub next_frame: u64,
    /// The checksum of the last frame.
    pub previous: u32,
    /// The highest position in the log.
    pub position: u64,
}

impl LogEnd {
    /// Returns the end of a segment without frames.
    pub(crate) const fn of_empty(header: &SegmentHeader) -> Self {
        Self {
            generation: header.generation,
            offset: SegmentHeader::LENGTH,
            next_frame: header.first_frame,
            previous: header.previous,
            position: header.position,
        }
    }
}

/// The place of a message that was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Placement {
    /// The position with which the message was published.
    pub position: u64,
    /// The message's record.
    pub location: Location,
}

/// Frames that are not written yet.
#[derive(Debug)]
pub(crate) struct Encoder {
    checksum: Checksum,
    limit: Limit,
    /// The end of the log with all sealed frames.
    end: LogEnd,
    /// The highest frame that is synced.
    pub durable: u64,
    /// Sealed frames, then the open one.
    out: Vec<u8>,
    /// The beginning of the open frame in `out`.
    open: Option<usize>,
    /// Places of the messages that were encoded since the list was cleared.
    pub placements: Vec<Placement>,
}

/// Room for frames that is kept between groups, in bytes.
const KEPT: usize = 1 << 20;

impl Encoder {
    pub(crate) fn new(checksum: Checksum, limit: Limit, end: LogEnd) -> Self {
        Self {
            checksum,
            limit,
            end,
            durable: end.next_frame - 1,
            out: Vec::new(),
            open: None,
            placements: Vec::new(),
        }
    }

    pub(crate) fn end(&self) -> LogEnd {
        self.end
    }

    /// Returns the offset at which the next bytes are written.
    pub(crate) fn written(&self) -> usize {
        self.end.offset - self.open.unwrap_or(self.out.len())
    }

    /// True if a unit of this size fits into the segment, in a frame of its own.
    pub(crate) fn has_room(&self, bytes: usize) -> bool {
        self.written() + self.out.len() + FRAME_HEADER + bytes <= self.limit.segment_bytes
    }

    /// Continues in a new segment. All frames are sealed and written.
    pub(crate) fn continue_in(&mut self, header: &SegmentHeader) {
        self.checksum = Checksum::of_segment(header);
        self.end.generation = header.generation;
        self.end.offset = SegmentHeader::LENGTH;
    }

    /// Appends a unit, and applies its records to the state. The caller has checked that there is room.
    pub(crate) fn unit<C: Content>(&mut self, unit: Unit<C>, state: &mut State) {
        self.open_frame(unit.bytes);
        match unit.records {
            Records::One([record]) => self.record(record, state),
            Records::Many(records) => {
                for record in records {
                    self.record(record, state);
                }
            }
        }
    }

    fn record<C: Content>(&mut self, mut record: Record<C>, state: &mut State) {
        match &mut record {
            Record::Publish(publish) => publish
                .queues
                .retain(|queue| state.queues.contains_key(&queue)),
            Record::Settle(settle) => {
                let queue = settle.queue;
                settle.ranges.retain(|range| state.has_any(queue, *range));
            }
            _ => {}
        }
        if !state.is_changed_by(&record) {
            return;
        }
        let target = self.target();
        if let Record::Moved(moved) = record {
            if let Some(waiting) = state.waiting(moved.from, moved.position) {
                encode::with_length(&mut self.out, |out| encode::moved(moved, waiting, out));
                state.move_message(moved, waiting);
            }
        } else {
            let location = self.append(|out| encode::record(&record, target, out));
            if let Record::Publish(publish) = &record {
                self.placements.push(Placement {
                    position: publish.position,
                    location,
                });
            }
            state.apply(record, location);
        }
        self.end.position = self.end.position.max(state.last_position);
    }

    /// Appends a copy of a message for these holders, and applies it to the state. The caller has checked that there is
    /// room for `bytes`.
    pub(crate) fn relocated<C: Content>(
        &mut self,
        holders: &[Held],
        message: &Publish<C>,
        state: &mut State,
    ) -> Location {
        self.open_frame(relocated_bound(holders, message));
        let target = self.target();
        let location = self.append(|out| encode::relocated(holders, message, target, out));
        state.relocate(holders, location);
        location
    }

    /// Appends a record with its length, and returns its place.
    fn append(&mut self, write: impl FnOnce(&mut Vec<u8>)) -> Location {
        let offset = self.written() + self.out.len() + 4;
        let length = encode::with_length(&mut self.out, write);
        Location {
            generation: self.end.generation,
            offset: offset as u32,
            length,
        }
    }

    fn target(&self) -> Target {
        Target {
            checksum: self.checksum,
            generation: self.end.generation,
        }
    }

    /// Opens a frame for a unit; closes the open frame if the unit would make it too large.
    fn open_frame(&mut self, bytes: usize) {
        if let Some(at) = self.open {
            let payload = self.out.len() - at - FRAME_HEADER;
            if payload == 0 || payload + bytes <= self.limit.frame_bytes {
                return;
            }
            self.seal();
        }
        self.open = Some(self.out.len());
        frame::begin(&mut self.out);
    }

    /// Closes the open frame. A frame without records is taken back.
    pub(crate) fn seal(&mut self) {
        let Some(at) = self.open.take() else {
            return;
        };
        if self.out.len() == at + FRAME_HEADER {
            self.out.truncate(at);
            return;
        }
        self.seal_at(at);
    }

    /// Appends a frame without records, so that the log has a new end. The caller has checked that there is room.
    pub(crate) fn empty_frame(&mut self) {
        self.seal();
        let at = self.out.len();
        frame::begin(&mut self.out);
        self.seal_at(at);
    }

    fn seal_at(&mut self, at: usize) {
        let header = FrameHeader {
            generation: self.end.generation,
            number: self.end.next_frame,
            durable: self.durable,
            position: self.end.position,
            previous: self.end.previous,
            lost_through: 0,
        };
        self.end.previous = frame::seal(&mut self.out, at, header, self.checksum);
        self.end.next_frame += 1;
        self.end.offset += self.out.len() - at;
    }

    /// Returns the sealed frames that are not written.
    pub(crate) fn unwritten(&self) -> &[u8] {
        &self.out
    }

    /// Marks all sealed frames as written.
    pub(crate) fn set_written(&mut self) {
        self.out.clear();
        self.out.shrink_to(KEPT);
    }
}

/// An upper bound of the encoded size of a copied message, in bytes.
pub(crate) fn relocated_bound<C: Content>(holders: &[Held], message: &Publish<C>) -> usize {
    128 + holders.len() * 16 + message.queues.as_slice().len() * 5 + message.content.size()
}
