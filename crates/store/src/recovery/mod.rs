//! Opening a store: reads the newest valid snapshot and the log after it, cuts a torn tail, and refuses damaged data.
//!
//! After an unclean end, the valid part of the last segment is copied to a new file and synced before anything is
//! acknowledged: after a failed sync, reads may show data that is not on the medium.

pub(crate) mod aliases;
pub(crate) mod replay;
pub(crate) mod survey;

use crate::{
    disk::{Disk, DiskError, DiskErrorKind},
    error::{Note, OpenError},
    format::{
        checksum::Checksum,
        ids::{Generation, StoreId},
        meta::{CleanEnd, Epoch, Meta},
        paths,
        segment_header::SegmentHeader,
    },
    log::{
        encoder::{Encoder, LogEnd},
        files,
        segment::{self, Copied},
    },
    maintenance::{Maintenance, compaction::Compaction},
    options::Options,
    recovery::{
        replay::{LastGeneration, LastSegment, Mode, Replayed, replay},
        survey::{Leftover, Survey, survey},
    },
    snapshot::Snapshots,
    state::State,
    store::{Durable, Segment, Store, write_meta},
};

/// The input of a start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Start {
    /// Unix milliseconds; the number of a new epoch.
    pub now_ms: u64,
    /// Random bytes, different at each start; the id of a new store, and the salt of checksums.
    pub random: [u8; 16],
}

impl Start {
    fn salt(&self) -> u32 {
        let [a, b, c, d, ..] = self.random;
        u32::from_le_bytes([a, b, c, d])
    }
}

/// The parameters of a new segment file.
#[derive(Debug, Clone, Copy)]
struct NewLog {
    store: StoreId,
    salt: u32,
}

/// A store after its start.
pub struct Opened<D: Disk> {
    /// The store.
    pub store: Store<D>,
    /// The epoch of new messages.
    pub epoch: Epoch,
    /// The position of the next message.
    pub next_position: u64,
    /// Events that an operator should know.
    pub notes: Vec<Note>,
}

impl<D: Disk> Store<D> {
    /// Opens the store in a directory, or creates one in an empty directory. The caller has locked the directory.
    ///
    /// # Errors
    ///
    /// [`OpenError::Damaged`] if data that was synced is damaged, [`OpenError::Newer`] if the format is newer,
    /// [`OpenError::Disk`] if an operation fails.
    pub fn open(disk: D, options: Options, start: Start) -> Result<Opened<D>, OpenError> {
        let survey = survey(&disk)?;
        let mut meta = match &survey.meta {
            Some(meta) if !survey.segments.is_empty() => meta.clone(),
            // An interrupted creation begins again: what it wrote may be in the page cache only.
            found => create(&disk, start, found.as_ref())?,
        };
        let last = last_generation(&survey, &meta);
        let replayed = replay(&disk, &survey, &meta, last, Mode::Strict)?;
        let new_log = NewLog {
            store: meta.store,
            salt: start.salt(),
        };
        if last != LastGeneration::Same {
            // The page cache may show this content although a sync of it failed. It must be durable before the log changes.
            let mut current = Meta {
                clean: None,
                ..meta.clone()
            };
            write_meta(&disk, &mut current)?;
            meta.counter = current.counter;
        }
        let log = open_log(&disk, &options, new_log, replayed.last.as_ref(), last)?;
        let mut notes = survey.notes.clone();
        notes.extend(replayed.notes.iter().cloned());

        let next_position = next_position(&mut meta, &replayed.state, start, &mut notes);
        let epoch = current_epoch(&mut meta, start);
        meta.clean = None;
        meta.newest = log.end.generation;
        write_meta(&disk, &mut meta)?;
        remove_leftovers(&disk, &survey, &options, last)?;

        let segments = segments(&survey, &replayed, &log);
        let store = Self {
            encoder: Encoder::new(log.checksum, options.limit(), log.end),
            snapshots: Snapshots {
                complete: replayed.snapshots,
                writer: None,
                log_bytes: replayed.log_bytes,
                began_ms: None,
            },
            compaction: Compaction::default(),
            maintenance: Maintenance::default(),
            durable: Durable::default(),
            salt: new_log.salt,
            is_failed: false,
            state: replayed.state,
            file: log.file,
            disk,
            options,
            meta,
            segments,
        };
        Ok(Opened {
            store,
            epoch,
            next_position,
            notes,
        })
    }
}

/// Creates the files of an empty store. The store counts as closed until it is opened.
fn create<D: Disk>(disk: &D, start: Start, found: Option<&Meta>) -> Result<Meta, DiskError> {
    disk.create_dir(paths::LOG)?;
    disk.create_dir(paths::SNAPSHOTS)?;
    disk.sync_dir("")?;
    let mut meta = Meta {
        copy: 0,
        counter: found.map_or(0, |meta| meta.counter),
        store: StoreId(start.random),
        newest: Generation(0),
        clean: Some(CleanEnd {
            frame: 0,
            checksum: 0,
            next_position: 1,
        }),
        epochs: vec![Epoch {
            number: start.now_ms,
            first_position: 1,
        }],
    };
    write_meta(disk, &mut meta)?;
    disk.sync_dir("")?;
    Ok(meta)
}

/// After a clean stop the log goes on in the last segment, otherwise in a copy of it. An empty log counts as not closed: its
/// creation may have been interrupted, with the segment's name in the page cache only.
fn last_generation(survey: &Survey, meta: &Meta) -> LastGeneration {
    let is_closed = meta.clean.is_some_and(|end| end.frame > 0);
    match survey.segments.last() {
        Some(last) if !is_closed => {
            LastGeneration::Copied(Generation(last.header.generation.0.saturating_add(1)))
        }
        _ => LastGeneration::Same,
    }
}

/// The segment in which the log goes on.
struct OpenLog<F> {
    file: F,
    checksum: Checksum,
    end: LogEnd,
    first_frame: u64,
}

fn open_log<D: Disk>(
    disk: &D,
    options: &Options,
    new_log: NewLog,
    last: Option<&LastSegment>,
    generation: LastGeneration,
) -> Result<OpenLog<D::File>, DiskError> {
    let length = options.limit().segment_bytes as u64;
    let Some(last) = last else {
        return first_segment(disk, new_log, length);
    };
    let LastGeneration::Copied(generation) = generation else {
        return Ok(OpenLog {
            file: disk.open(&paths::segment(last.header.generation))?,
            checksum: Checksum::of_segment(&last.header),
            end: last.end,
            first_frame: last.header.first_frame,
        });
    };
    let header = SegmentHeader {
        generation,
        salt: new_log.salt,
        ..last.header
    };
    let Copied { bytes, end, header } = segment::copy(&last.bytes, &last.header, header);
    Ok(OpenLog {
        file: files::create(disk, generation, &bytes, length)?,
        checksum: Checksum::of_segment(&header),
        end,
        first_frame: header.first_frame,
    })
}

fn first_segment<D: Disk>(
    disk: &D,
    new_log: NewLog,
    length: u64,
) -> Result<OpenLog<D::File>, DiskError> {
    let header = SegmentHeader {
        generation: Generation(1),
        replaces: Generation(1),
        store: new_log.store,
        first_frame: 1,
        previous: 0,
        position: 0,
        salt: new_log.salt,
    };
    Ok(OpenLog {
        file: files::create(disk, header.generation, &header.encode(), length)?,
        checksum: Checksum::of_segment(&header),
        end: LogEnd::of_empty(&header),
        first_frame: header.first_frame,
    })
}

/// Returns the position of the next message. After an unclean end, positions above the stored ones may have been seen, so a
/// new epoch begins.
fn next_position(meta: &mut Meta, state: &State, start: Start, notes: &mut Vec<Note>) -> u64 {
    if let Some(clean) = meta.clean {
        return clean.next_position.max(state.last_position + 1);
    }
    let last = meta.epochs.last().map_or(0, |epoch| epoch.number);
    let epoch = Epoch {
        number: start.now_ms.max(last.saturating_add(1)),
        first_position: state.last_position + 1,
    };
    meta.begin_epoch(epoch);
    notes.push(Note::UncleanStart {
        epoch: epoch.number,
        first_position: epoch.first_position,
    });
    epoch.first_position
}

fn current_epoch(meta: &mut Meta, start: Start) -> Epoch {
    if let Some(epoch) = meta.epochs.last() {
        return *epoch;
    }
    let epoch = Epoch {
        number: start.now_ms,
        first_position: 1,
    };
    meta.begin_epoch(epoch);
    epoch
}

/// Removes what an earlier run left, and the segment that was copied.
fn remove_leftovers<D: Disk>(
    disk: &D,
    survey: &Survey,
    options: &Options,
    last: LastGeneration,
) -> Result<(), DiskError> {
    let length = options.limit().segment_bytes as u64;
    for leftover in &survey.leftovers {
        match leftover {
            Leftover::Segment(path) => files::drop_segment(disk, path, length)?,
            Leftover::Incomplete(path) => match disk.remove(path) {
                Err(error) if error.kind == DiskErrorKind::NotFound => {}
                removed => removed?,
            },
        }
    }
    match (last, survey.segments.last()) {
        (LastGeneration::Copied(_), Some(copied)) => {
            files::drop_segment(disk, &copied.path(), length)
        }
        _ => Ok(()),
    }
}

fn segments<F>(survey: &Survey, replayed: &Replayed, log: &OpenLog<F>) -> Vec<Segment> {
    let used = |generation| {
        let mut used = replayed.used.iter();
        used.find(|used| used.generation == generation)
            .map(|used| used.bytes)
    };
    let older = survey.segments.len().saturating_sub(1);
    let mut segments: Vec<Segment> = survey.segments[..older]
        .iter()
        .map(|segment| Segment {
            generation: segment.header.generation,
            first_frame: segment.header.first_frame,
            used: used(segment.header.generation).unwrap_or(segment.length),
        })
        .collect();
    segments.push(Segment {
        generation: log.end.generation,
        first_frame: log.first_frame,
        used: log.end.offset as u64,
    });
    segments
}
