//! A check of every byte that a store needs.

use crate::{
    disk::{Disk, DiskError, read_file},
    error::{Damage, Note, OpenError, ReadError},
    format::{checksum::Checksum, meta::Meta, paths},
    log::{files::read_message, frame::FRAME_HEADER, segment::Frames},
    record::{
        decode::{self, Records},
        encode::Target,
    },
    recovery::{
        aliases::Aliases,
        replay::{LastGeneration, Mode, replay},
        survey::{SegmentFile, Survey, survey},
    },
    snapshot::reader::{self, SnapshotError},
    state::{State, WalkKey},
};

/// The result of a check.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Checked {
    /// The damages; the store can be opened unless [`Store::open`](crate::Store::open) reports one of them. At most
    /// [`DAMAGES`].
    pub damages: Vec<Damage>,
    /// The number of all damages.
    pub damage_count: u64,
    /// Events that the next start would report.
    pub notes: Vec<Note>,
    /// Valid frames in all segments.
    pub frames: u64,
    /// Valid records in these frames.
    pub records: u64,
    /// Held messages that were read.
    pub messages: u64,
}

/// Damages that a check lists at most; others are counted.
pub const DAMAGES: usize = 1000;

/// Reads all segments, snapshots and held messages, and changes nothing.
///
/// # Errors
///
/// An error of the disk, or [`OpenError::Newer`]. Damage is no error.
pub fn check<D: Disk>(disk: &D) -> Result<Checked, OpenError> {
    let mut checked = Checked::default();
    let survey = match survey(disk) {
        Ok(survey) => survey,
        Err(OpenError::Damaged(damage)) => {
            checked.add(damage);
            return Ok(checked);
        }
        Err(error) => return Err(error),
    };
    checked.notes.extend(survey.notes.iter().cloned());
    let Some(meta) = &survey.meta else {
        return Ok(checked);
    };
    for (index, segment) in survey.segments.iter().enumerate() {
        checked.segment(disk, segment, survey.segments.get(index + 1))?;
    }
    checked.snapshots(disk, &survey, meta)?;
    match replay(disk, &survey, meta, LastGeneration::Same, Mode::Strict) {
        Ok(replayed) => {
            checked.notes.extend(replayed.notes);
            checked.messages(disk, meta, &replayed.state)?;
        }
        Err(OpenError::Damaged(damage)) => checked.add(damage),
        Err(error) => return Err(error),
    }
    Ok(checked)
}

impl Checked {
    /// Adds a damage, unless the same place is listed already.
    fn add(&mut self, damage: Damage) {
        let is_known =
            |known: &Damage| (&known.file, known.offset) == (&damage.file, damage.offset);
        if self.damages.iter().any(is_known) {
            return;
        }
        self.damage_count += 1;
        if self.damages.len() < DAMAGES {
            self.damages.push(damage);
        }
    }

    fn segment<D: Disk>(
        &mut self,
        disk: &D,
        segment: &SegmentFile,
        next: Option<&SegmentFile>,
    ) -> Result<(), DiskError> {
        let path = segment.path();
        let bytes = read_file(disk, &path, u32::MAX.into())?;
        let mut frames = Frames::of(&bytes, &segment.header);
        let target = Target {
            checksum: Checksum::new(segment.header.store),
            generation: segment.header.generation,
        };
        for found in frames.by_ref() {
            self.frames += 1;
            if found.frame.header.lost_through != 0 {
                continue;
            }
            for record in Records::of(found.frame.payload) {
                match record.and_then(|record| decode::record(record.bytes, target).map(drop)) {
                    Ok(()) => self.records += 1,
                    Err(cause) => self.add(Damage {
                        file: path.clone(),
                        offset: (found.offset + FRAME_HEADER) as u64,
                        reason: cause.to_string(),
                        positions: None,
                    }),
                }
            }
        }
        // The end of the last segment is judged by the replay.
        if let Some(next) = next
            && !frames.leads_to(&next.header)
        {
            let end = frames.end();
            self.add(Damage {
                file: path,
                offset: end.offset as u64,
                reason: format!(
                    "frame {} is not valid, but the next segment begins with frame {}",
                    end.next_frame, next.header.first_frame,
                ),
                positions: None,
            });
        }
        Ok(())
    }

    fn snapshots<D: Disk>(
        &mut self,
        disk: &D,
        survey: &Survey,
        meta: &Meta,
    ) -> Result<(), DiskError> {
        for &frame in &survey.snapshots {
            match reader::read(disk, meta.store, frame, &Aliases::default()) {
                Ok(_) => {}
                Err(SnapshotError::Disk(error)) => return Err(error),
                Err(SnapshotError::Format(cause)) => self.add(Damage {
                    file: paths::snapshot(frame),
                    offset: 0,
                    reason: cause.to_string(),
                    positions: None,
                }),
            }
        }
        Ok(())
    }

    fn messages<D: Disk>(&mut self, disk: &D, meta: &Meta, state: &State) -> Result<(), DiskError> {
        let mut key = WalkKey::default();
        loop {
            let messages = state.walk(&mut key, 1024);
            if messages.is_empty() {
                return Ok(());
            }
            for message in messages {
                match read_message(disk, meta.store, message.waiting.location) {
                    Ok(_) | Err(ReadError::Moved) => self.messages += 1,
                    Err(ReadError::Damaged(damage)) => self.add(damage),
                    Err(ReadError::Disk(error)) => return Err(error),
                }
            }
        }
    }
}
