//! Repair of a damaged store: sets damaged files aside, and keeps what can be read.
//!
//! A damaged segment is written again. Valid frames keep their offsets; a frame that stands for the lost ones fills each gap.
//! Messages that cannot be read any more leave the state, and a new snapshot records that.

use crate::{
    disk::{Disk, DiskError, DiskErrorKind, read_file},
    error::{OpenError, ReadError},
    format::{checksum::Checksum, ids::Generation, meta::Meta, paths},
    inspect::trial::TrialDisk,
    log::{
        files::read_message,
        frame::{self, FRAME_HEADER, FrameHeader},
        segment::Frames,
    },
    record::Held,
    recovery::{
        replay::{LastGeneration, Mode, replay},
        survey::{self, SegmentFile, survey},
    },
    snapshot::{
        reader::{self, SnapshotError},
        writer::{SnapshotWriter, Step},
    },
    state::{State, WalkKey},
    store::write_meta,
};

/// The result of a repair.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Repaired {
    /// Copies of the damaged files, in the directory `damaged`.
    pub set_aside: Vec<String>,
    /// Parts of the log that are lost.
    pub lost_frames: Vec<LostFrames>,
    /// Messages that the state named but that cannot be read; they are not held any more. At most [`LOST`].
    pub lost: Vec<Held>,
    /// The number of these messages.
    pub lost_count: u64,
    /// The state after the repair; empty if nothing was damaged.
    pub state: State,
}

/// A part of the log that is lost. Messages and changes in it are not in the state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LostFrames {
    /// The segment, or the directory of the log if the segment is missing.
    pub file: String,
    /// The first lost frame.
    pub first: u64,
    /// The last lost frame.
    pub last: u64,
}

/// Messages that the report of a repair lists at most; others are counted.
pub const LOST: usize = 1000;

/// Repairs a store that [`Store::open`](crate::Store::open) refuses, or in which [`check`](crate::check) finds damage. A
/// store without damage is not changed. The next start begins a new epoch.
///
/// # Errors
///
/// An error of the disk, [`OpenError::Newer`], or [`OpenError::Damaged`] if nothing is left that could be repaired: no
/// valid `meta` file, or no segment with a valid header.
pub fn repair<D: Disk>(disk: &D) -> Result<Repaired, OpenError> {
    let checked = crate::inspect::check::check(disk)?;
    if checked.damage_count == 0 {
        return Ok(Repaired::default());
    }
    let mut repair = Repair {
        disk,
        repaired: Repaired::default(),
    };
    disk.create_dir(paths::DAMAGED)?;
    // A copy of a store may lack an empty directory.
    disk.create_dir(paths::SNAPSHOTS)?;
    disk.sync_dir("")?;
    repair.segment_headers()?;
    let mut survey = survey(disk)?;
    let Some(mut meta) = survey.meta.clone() else {
        return Ok(repair.repaired);
    };
    if survey.segments.is_empty() {
        let reason = "no segment has a valid header".to_owned();
        return Err(survey::damage(paths::LOG.to_owned(), 0, reason));
    }
    let covered = repair.snapshots(&survey.snapshots, &meta)?;
    repair.lost_beginning(&survey.segments, covered);
    let closed_after = meta.clean.map_or(0, |end| end.frame);
    repair.segments(&survey.segments, covered.max(closed_after))?;
    meta.clean = None;
    write_meta(disk, &mut meta)?;

    survey = survey::survey(disk)?;
    let mut state = replay(disk, &survey, &meta, LastGeneration::Same, Mode::Lenient)?;
    repair.lost_messages(&meta, &mut state.state)?;
    let last = state.last.map_or(0, |last| last.end.next_frame - 1);
    repair.snapshot(&meta, &state.state, last)?;
    repair.repaired.state = state.state;
    Ok(repair.repaired)
}

/// Returns the result that [`repair`] would have, and changes nothing. The files that it would write are in memory, without
/// those that it would set aside.
///
/// # Errors
///
/// The errors of [`repair`], except those of writing.
pub fn plan_repair<D: Disk>(disk: &D) -> Result<Repaired, OpenError> {
    repair(&TrialDisk::new(disk, paths::DAMAGED))
}

struct Repair<'a, D: Disk> {
    disk: &'a D,
    repaired: Repaired,
}

impl<D: Disk> Repair<'_, D> {
    /// Copies a file to the directory `damaged`.
    fn set_aside(&mut self, path: &str) -> Result<(), DiskError> {
        let name = path.rsplit('/').next().unwrap_or(path);
        let taken = self.disk.list(paths::DAMAGED)?;
        let free = (0_u32..).map(|number| format!("{name}.{number}"));
        let Some(name) = free.into_iter().find(|name| !taken.contains(name)) else {
            return Ok(());
        };
        let bytes = read_file(self.disk, path, u32::MAX.into())?;
        let copy = format!("{}/{name}", paths::DAMAGED);
        let file = self.disk.create(&copy)?;
        self.disk.write_at(&file, 0, &bytes)?;
        self.disk.sync_data(&file)?;
        self.disk.sync_dir(paths::DAMAGED)?;
        self.repaired.set_aside.push(copy);
        Ok(())
    }

    /// Removes segments without a valid header, after they are set aside, and notes the newest segment that is left.
    fn segment_headers(&mut self) -> Result<(), OpenError> {
        let mut notes = Vec::new();
        let Some(mut meta) = survey::read_meta(self.disk, survey::Content::Present, &mut notes)?
        else {
            return Ok(());
        };
        let mut newest = Generation(0);
        for name in self.disk.list(paths::LOG)? {
            let Some(generation) = paths::parse_segment(&name) else {
                continue;
            };
            match survey::read_segment_header(self.disk, generation, &meta) {
                Ok(_) => newest = newest.max(generation),
                Err(OpenError::Damaged(damage)) => {
                    self.set_aside(&damage.file)?;
                    self.disk.remove(&damage.file)?;
                    self.disk.sync_dir(paths::LOG)?;
                }
                Err(error) => return Err(error),
            }
        }
        if newest < meta.newest {
            // The end of the log at a clean stop is kept: it shows which frames are lost.
            meta.newest = newest;
            write_meta(self.disk, &mut meta)?;
        }
        Ok(())
    }

    /// Removes damaged snapshots, after they are set aside. Returns the frame of the newest valid one, or 0.
    fn snapshots(&mut self, frames: &[u64], meta: &Meta) -> Result<u64, OpenError> {
        let mut covered = 0;
        for &frame in frames {
            let path = paths::snapshot(frame);
            let aliases = crate::recovery::aliases::Aliases::default();
            match reader::read(self.disk, meta.store, frame, &aliases) {
                Ok(_) => covered = covered.max(frame),
                Err(SnapshotError::Disk(error)) => return Err(error.into()),
                Err(SnapshotError::Format(_)) => {
                    self.set_aside(&path)?;
                    self.disk.remove(&path)?;
                    self.disk.sync_dir(paths::SNAPSHOTS)?;
                }
            }
        }
        Ok(covered)
    }

    /// Reports the frames between the newest snapshot and the first segment.
    fn lost_beginning(&mut self, segments: &[SegmentFile], covered: u64) {
        if let Some(first) = segments.first()
            && first.header.first_frame > covered + 1
        {
            self.repaired.lost_frames.push(LostFrames {
                file: paths::LOG.to_owned(),
                first: covered + 1,
                last: first.header.first_frame - 1,
            });
        }
    }

    /// Writes damaged segments again. The frames of all segments have no gap then, from the first one to `last_frame` at least:
    /// the end of the log at a clean stop, or the frame of the newest snapshot.
    fn segments(&mut self, segments: &[SegmentFile], last_frame: u64) -> Result<(), OpenError> {
        for (index, segment) in segments.iter().enumerate() {
            let until = match segments.get(index + 1) {
                Some(next) => next.header.first_frame,
                None => last_frame + 1,
            };
            let path = segment.path();
            let bytes = read_file(self.disk, &path, u32::MAX.into())?;
            let filled = self.fill(&bytes, segment, until);
            if bytes.starts_with(&filled) {
                continue;
            }
            self.set_aside(&path)?;
            self.replace(&path, &filled, segment.length)?;
        }
        Ok(())
    }

    /// Returns the used part of a segment: valid frames at their offsets, and a frame for each gap.
    fn fill(&mut self, bytes: &[u8], segment: &SegmentFile, until: u64) -> Vec<u8> {
        let mut frames = Frames::of(bytes, &segment.header);
        let mut out = segment.header.encode().to_vec();
        loop {
            for found in frames.by_ref() {
                out.extend_from_slice(&bytes[found.offset..found.offset + found.frame.length()]);
            }
            let end = frames.end();
            // Without a proof that the frame at the end was synced, what follows is a torn tail.
            let is_lost = end.next_frame < until || frames.find_proof().is_some();
            let next = frames
                .later_frames()
                .filter(|found| is_lost && found.frame.header.number > end.next_frame)
                .find(|found| found.offset >= end.offset + FRAME_HEADER);
            let (last, length) = match next {
                Some(next) => (next.frame.header.number - 1, next.offset - end.offset),
                None if end.next_frame < until => (until - 1, FRAME_HEADER),
                None => return out,
            };
            let header = FrameHeader {
                generation: end.generation,
                number: end.next_frame,
                durable: end.next_frame - 1,
                position: end.position,
                previous: end.previous,
                lost_through: last,
            };
            let at = out.len();
            out.resize(at + length, 0);
            let checksum = Checksum::of_segment(&segment.header);
            let sum = frame::seal(&mut out, at, header, checksum);
            frames.skip_lost(length, last, sum);
            self.repaired.lost_frames.push(LostFrames {
                file: segment.path(),
                first: header.number,
                last,
            });
        }
    }

    /// Replaces a segment file by one with this content.
    fn replace(&self, path: &str, content: &[u8], length: u64) -> Result<(), DiskError> {
        let temporary = format!("{path}{}", paths::INCOMPLETE);
        let file = self.disk.create(&temporary)?;
        self.disk
            .allocate(&file, length.max(content.len() as u64))?;
        self.disk.write_at(&file, 0, content)?;
        self.disk.sync_data(&file)?;
        self.disk.rename(&temporary, path)?;
        self.disk.sync_dir(paths::LOG)
    }

    /// Removes messages from the state that cannot be read.
    fn lost_messages(&mut self, meta: &Meta, state: &mut State) -> Result<(), DiskError> {
        let mut key = WalkKey::default();
        loop {
            let messages = state.walk(&mut key, 1024);
            if messages.is_empty() {
                return Ok(());
            }
            for message in messages {
                match read_message(self.disk, meta.store, message.waiting.location) {
                    Ok(_) => {}
                    Err(ReadError::Disk(error)) => return Err(error),
                    Err(ReadError::Damaged(_) | ReadError::Moved) => {
                        state.remove_held(message.held);
                        self.repaired.lost_count += 1;
                        if self.repaired.lost.len() < LOST {
                            self.repaired.lost.push(message.held);
                        }
                    }
                }
            }
        }
    }

    /// Writes a snapshot of the repaired state, and sets older ones aside: they name messages that are lost.
    fn snapshot(&mut self, meta: &Meta, state: &State, frame: u64) -> Result<(), DiskError> {
        let path = paths::snapshot(frame);
        let name = path.rsplit('/').next().unwrap_or_default().to_owned();
        for old in self.disk.list(paths::SNAPSHOTS)? {
            if paths::parse_snapshot(&old).is_some() {
                self.set_aside(&format!("{}/{old}", paths::SNAPSHOTS))?;
            }
        }
        let mut writer = SnapshotWriter::begin(self.disk, meta.store, frame)?;
        while writer.step(self.disk, state, 1024)? == Step::More {}
        for old in self.disk.list(paths::SNAPSHOTS)? {
            if old != name {
                match self.disk.remove(&format!("{}/{old}", paths::SNAPSHOTS)) {
                    Err(error) if error.kind == DiskErrorKind::NotFound => {}
                    removed => removed?,
                }
            }
        }
        self.disk.sync_dir(paths::SNAPSHOTS)
    }
}
