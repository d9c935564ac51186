//! Replaying the log: from the newest valid snapshot to the end of the last segment.

use crate::{
    disk::{Disk, read_file},
    error::{Damage, Note, OpenError},
    format::{
        checksum::Checksum,
        ids::{Generation, Location, PositionRange},
        meta::{CleanEnd, Meta},
        paths,
        segment_header::SegmentHeader,
    },
    log::{
        encoder::LogEnd,
        frame::{FRAME_HEADER, Frame},
        segment::{FrameAt, Frames},
    },
    record::{
        Logged, Record,
        decode::{self, Records},
        encode::Target,
    },
    recovery::{
        aliases::Aliases,
        survey::{SegmentFile, Survey, damage},
    },
    snapshot::reader::{self, SnapshotError},
    state::State,
};

/// The stored state, read without changing the disk.
#[derive(Debug)]
pub(crate) struct Replayed {
    pub state: State,
    /// Frames of the valid snapshots that were found, oldest first; the newest one was used.
    pub snapshots: Vec<u64>,
    /// Bytes of log after the snapshot.
    pub log_bytes: u64,
    /// The last segment; none if the log has no segment yet.
    pub last: Option<LastSegment>,
    /// Bytes that are used in the segments that were read.
    pub used: Vec<Used>,
    pub notes: Vec<Note>,
}

/// The last segment, as it was read.
#[derive(Debug)]
pub(crate) struct LastSegment {
    pub header: SegmentHeader,
    pub bytes: Vec<u8>,
    /// The end of its valid frames.
    pub end: LogEnd,
}

/// Bytes of a segment that its header and valid frames need.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Used {
    pub generation: Generation,
    pub bytes: u64,
}

/// The generation that the last segment has in locations of the state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LastGeneration {
    /// The one of its header.
    Same,
    /// The one of the copy that the caller makes.
    Copied(Generation),
}

/// The treatment of data that is known to be lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// The replay ends with an error.
    Strict,
    /// For a repair: the replay begins with the first frame that there is, and messages may be in segments that are missing.
    Lenient,
}

/// Reads the state of a store.
pub(crate) fn replay<D: Disk>(
    disk: &D,
    survey: &Survey,
    meta: &Meta,
    last: LastGeneration,
    mode: Mode,
) -> Result<Replayed, OpenError> {
    let mut aliases = Aliases::default();
    for (index, segment) in survey.segments.iter().enumerate() {
        let is_last = index + 1 == survey.segments.len();
        let by = match last {
            LastGeneration::Copied(generation) if is_last => generation,
            _ => segment.header.generation,
        };
        aliases.add(&segment.header, by);
    }
    let mut replayed = Replayed {
        state: State::default(),
        snapshots: Vec::new(),
        log_bytes: 0,
        last: None,
        used: Vec::new(),
        notes: Vec::new(),
    };
    let covered = read_snapshot(disk, survey, meta, &aliases, &mut replayed)?;
    let mut replay = Replay {
        covered,
        mode,
        aliases,
        clean: meta.clean,
        checksum: Checksum::new(meta.store),
        replayed,
    };
    replay.segments(disk, &survey.segments)?;
    if mode == Mode::Strict {
        replay.check_locations(&survey.segments, last)?;
    }
    Ok(replay.replayed)
}

/// Loads the newest valid snapshot. Returns its frame, 0 without snapshot.
fn read_snapshot<D: Disk>(
    disk: &D,
    survey: &Survey,
    meta: &Meta,
    aliases: &Aliases,
    replayed: &mut Replayed,
) -> Result<u64, OpenError> {
    let mut covered = None;
    for &frame in &survey.snapshots {
        if covered.is_some() {
            // Older snapshots are read only if the newer ones are damaged.
            replayed.snapshots.insert(0, frame);
            continue;
        }
        let file = paths::snapshot(frame);
        match reader::read(disk, meta.store, frame, aliases) {
            Ok(state) => {
                replayed.state = state;
                replayed.snapshots.insert(0, frame);
                covered = Some(frame);
            }
            Err(SnapshotError::Disk(error)) => return Err(error.into()),
            Err(SnapshotError::Format(cause @ crate::format::FormatError::Newer(_))) => {
                return Err(OpenError::Newer { file, cause });
            }
            Err(SnapshotError::Format(cause)) => {
                replayed.notes.push(Note::SnapshotDamaged {
                    file,
                    reason: cause.to_string(),
                });
            }
        }
    }
    Ok(covered.unwrap_or(0))
}

struct Replay {
    /// The last frame whose effects the snapshot has for certain.
    covered: u64,
    mode: Mode,
    aliases: Aliases,
    clean: Option<CleanEnd>,
    checksum: Checksum,
    replayed: Replayed,
}

impl Replay {
    fn segments<D: Disk>(&mut self, disk: &D, segments: &[SegmentFile]) -> Result<(), OpenError> {
        let Some(first) = segments.first() else {
            return self.check_end_without_segments();
        };
        let next = self.covered + 1;
        let start = segments
            .iter()
            .rposition(|segment| segment.header.first_frame <= next);
        let start = match (start, self.mode) {
            (Some(start), _) => start,
            (None, Mode::Lenient) => 0,
            (None, Mode::Strict) => {
                let begin = first.header.first_frame;
                let reason = format!(
                    "the log begins at frame {begin}, and no valid snapshot has frames {next} to {}",
                    begin - 1,
                );
                return Err(damage(first.path(), 0, reason));
            }
        };
        for (index, segment) in segments.iter().enumerate().skip(start) {
            self.segment(disk, segment, segments.get(index + 1))?;
        }
        Ok(())
    }

    fn check_end_without_segments(&self) -> Result<(), OpenError> {
        let is_new = self.covered == 0 && self.clean.is_some_and(|end| end.frame == 0);
        if is_new {
            Ok(())
        } else {
            let reason = "the log has no segment".to_owned();
            Err(damage(paths::LOG.to_owned(), 0, reason))
        }
    }

    fn segment<D: Disk>(
        &mut self,
        disk: &D,
        segment: &SegmentFile,
        next: Option<&SegmentFile>,
    ) -> Result<(), OpenError> {
        let path = segment.path();
        let bytes = read_file(disk, &path, u32::MAX.into())?;
        let mut frames = Frames::of(&bytes, &segment.header);
        for frame in frames.by_ref() {
            if frame.frame.last_number() > self.covered {
                self.replayed.log_bytes += frame.frame.length() as u64;
                self.frame(frame, &path)?;
            }
        }
        let end = frames.end();
        self.replayed.used.push(Used {
            generation: segment.header.generation,
            bytes: end.offset as u64,
        });
        match next {
            Some(next) if frames.leads_to(&next.header) => Ok(()),
            Some(next) => Err(lost_before(&path, &frames, &next.header)),
            None => {
                self.check_end(&path, &frames)?;
                self.replayed.last = Some(LastSegment {
                    header: segment.header,
                    bytes,
                    end,
                });
                Ok(())
            }
        }
    }

    /// Distinguishes a torn tail, which a power failure leaves, from damage of what was synced.
    fn check_end(&mut self, path: &str, frames: &Frames<'_>) -> Result<(), OpenError> {
        let end = frames.end();
        let last_frame = end.next_frame - 1;
        if let Some(clean) = self.clean {
            if (clean.frame, clean.checksum) != (last_frame, end.previous) {
                let reason = format!(
                    "the log was closed after frame {}, but valid frames end at {last_frame}",
                    clean.frame,
                );
                return Err(lost_after(path, frames, reason));
            }
            return Ok(());
        }
        if let Some(proof) = frames.find_proof() {
            let reason = format!(
                "frame {} is not valid, but frame {} at byte {} shows that it was synced",
                end.next_frame, proof.frame, proof.offset,
            );
            return Err(lost_after(path, frames, reason));
        }
        if self.covered > last_frame {
            let reason = format!(
                "a snapshot has frame {}, but valid frames end at {last_frame}",
                self.covered,
            );
            return Err(lost_after(path, frames, reason));
        }
        if frames.is_torn() {
            self.replayed.notes.push(Note::TornTail {
                file: path.to_owned(),
                offset: end.offset as u64,
                frame: end.next_frame,
            });
        }
        Ok(())
    }

    fn frame(
        &mut self,
        FrameAt { offset, frame }: FrameAt<'_>,
        path: &str,
    ) -> Result<(), OpenError> {
        if frame.header.lost_through != 0 {
            return Ok(());
        }
        let generation = frame.header.generation;
        let target = Target {
            checksum: self.checksum,
            generation,
        };
        let payload = offset + FRAME_HEADER;
        for record in Records::of(frame.payload) {
            let applied = record.and_then(|record| {
                let location = Location {
                    generation: self.aliases.current(generation),
                    offset: (payload + record.offset as usize) as u32,
                    length: record.bytes.len() as u32,
                };
                let logged = decode::record(record.bytes, target)?;
                self.apply(logged, location);
                Ok(())
            });
            if let Err(cause) = applied {
                let reason = format!("frame {}: {cause}", frame.header.number);
                return Err(damage(path.to_owned(), offset as u64, reason));
            }
        }
        Ok(())
    }

    fn apply(&mut self, logged: Logged<'_>, location: Location) {
        let state = &mut self.replayed.state;
        match logged {
            Logged::Pushed(record) => state.apply(record, location),
            Logged::Moved { moved, waiting } => {
                state.move_message(moved, self.aliases.update(waiting));
            }
            Logged::Relocated { holders, .. } => state.relocate(&holders, location),
        }
    }

    /// Each message must be in a segment that exists.
    fn check_locations(
        &self,
        segments: &[SegmentFile],
        last: LastGeneration,
    ) -> Result<(), OpenError> {
        for needed in self.replayed.state.needed_segments() {
            let exists = last == LastGeneration::Copied(needed)
                || segments
                    .iter()
                    .any(|segment| segment.header.generation == needed);
            if !exists {
                let reason = "the segment is missing, and messages in it are still held";
                return Err(damage(paths::segment(needed), 0, reason.to_owned()));
            }
        }
        Ok(())
    }
}

/// Damage between the end of the valid frames and the next segment.
fn lost_before(path: &str, frames: &Frames<'_>, next: &SegmentHeader) -> OpenError {
    let end = frames.end();
    let reason = format!(
        "frame {} is not valid, but the next segment begins with frame {}",
        end.next_frame, next.first_frame,
    );
    OpenError::Damaged(Damage {
        file: path.to_owned(),
        offset: end.offset as u64,
        reason,
        positions: range(end.position + 1, next.position),
    })
}

/// Damage at the end of the valid frames of the last segment.
fn lost_after(path: &str, frames: &Frames<'_>, reason: String) -> OpenError {
    let end = frames.end();
    let target = Target {
        checksum: frames.checksum(),
        generation: end.generation,
    };
    let next = frames.later_frames().next();
    let positions = next.and_then(|next| {
        let last = match first_position(&next.frame, target) {
            Some(first) => first.saturating_sub(1),
            None => next.frame.header.position,
        };
        range(end.position + 1, last)
    });
    OpenError::Damaged(Damage {
        file: path.to_owned(),
        offset: end.offset as u64,
        reason,
        positions,
    })
}

fn range(first: u64, last: u64) -> Option<PositionRange> {
    (first <= last).then_some(PositionRange { first, last })
}

/// Returns the position of the first message in a frame.
fn first_position(frame: &Frame<'_>, target: Target) -> Option<u64> {
    Records::of(frame.payload).find_map(|record| {
        match decode::record(record.ok()?.bytes, target).ok()? {
            Logged::Pushed(Record::Publish(publish)) => Some(publish.position),
            _ => None,
        }
    })
}
