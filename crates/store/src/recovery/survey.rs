//! The content of the directory of a store: reads meta files and the headers of segments, and changes nothing.

use crate::{
    disk::{Disk, DiskError, DiskErrorKind, read_file, read_part},
    error::{Damage, Note, OpenError},
    format::{FormatError, ids::Generation, meta::Meta, paths, segment_header::SegmentHeader},
};

/// The files of a store.
#[derive(Debug)]
pub(crate) struct Survey {
    /// The newest valid description; none if the directory is empty.
    pub meta: Option<Meta>,
    /// The segments in the order of their frames, without those that another segment replaces.
    pub segments: Vec<SegmentFile>,
    /// Paths of replaced segments and of incomplete files.
    pub leftovers: Vec<Leftover>,
    /// Frames of the snapshots, newest first.
    pub snapshots: Vec<u64>,
    pub notes: Vec<Note>,
}

/// A segment file.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SegmentFile {
    pub header: SegmentHeader,
    pub length: u64,
}

impl SegmentFile {
    pub(crate) fn path(&self) -> String {
        paths::segment(self.header.generation)
    }
}

/// A file that the store does not need any more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Leftover {
    /// A segment that another one replaces.
    Segment(String),
    /// A file that was not complete when the program ended.
    Incomplete(String),
}

/// Largest meta file that is read, in bytes.
const META_LIMIT: u64 = 64 << 10;

/// Reads the directory of a store.
pub(crate) fn survey<D: Disk>(disk: &D) -> Result<Survey, OpenError> {
    let mut notes = Vec::new();
    let mut leftovers = Vec::new();
    let names = disk.list(paths::LOG)?;
    let generations: Vec<Generation> = names
        .iter()
        .filter_map(|name| paths::parse_segment(name))
        .collect();
    let snapshots = snapshots(disk, &mut leftovers)?;
    for name in names
        .iter()
        .filter(|name| name.ends_with(paths::INCOMPLETE))
    {
        leftovers.push(Leftover::Incomplete(format!("{}/{name}", paths::LOG)));
    }
    let content = match generations.is_empty() && snapshots.is_empty() {
        true => Content::Absent,
        false => Content::Present,
    };
    let meta = read_meta(disk, content, &mut notes)?;
    let mut segments = Vec::with_capacity(generations.len());
    if let Some(meta) = &meta {
        for generation in generations {
            segments.push(read_segment_header(disk, generation, meta)?);
        }
        segments = without_replaced(segments, &mut leftovers);
        check_newest(&segments, meta)?;
    }
    Ok(Survey {
        meta,
        segments,
        leftovers,
        snapshots,
        notes,
    })
}

fn snapshots<D: Disk>(disk: &D, leftovers: &mut Vec<Leftover>) -> Result<Vec<u64>, DiskError> {
    let mut frames = Vec::new();
    for name in disk.list(paths::SNAPSHOTS)? {
        if let Some(frame) = paths::parse_snapshot(&name) {
            frames.push(frame);
        } else if name.ends_with(paths::INCOMPLETE) {
            leftovers.push(Leftover::Incomplete(format!("{}/{name}", paths::SNAPSHOTS)));
        }
    }
    frames.sort_unstable_by(|a, b| b.cmp(a));
    Ok(frames)
}

/// The presence of segments or snapshots in the directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Content {
    Absent,
    Present,
}

/// Returns the newest valid copy. An interrupted creation leaves no valid copy and no segments; it counts as an empty
/// directory.
pub(crate) fn read_meta<D: Disk>(
    disk: &D,
    content: Content,
    notes: &mut Vec<Note>,
) -> Result<Option<Meta>, OpenError> {
    let mut newest: Option<Meta> = None;
    let mut damaged = Vec::new();
    for (index, file) in paths::META.into_iter().enumerate() {
        let copy = match read_file(disk, file, META_LIMIT) {
            Ok(bytes) => Meta::decode(&bytes),
            Err(error) if error.kind == DiskErrorKind::NotFound => Err(FormatError::Magic),
            Err(error) => return Err(error.into()),
        };
        match copy {
            Ok(meta)
                if newest
                    .as_ref()
                    .is_none_or(|known| known.counter < meta.counter) =>
            {
                newest = Some(Meta {
                    copy: index,
                    ..meta
                });
            }
            Ok(_) => {}
            Err(cause @ FormatError::Newer(_)) => {
                return Err(OpenError::Newer {
                    file: file.to_owned(),
                    cause,
                });
            }
            Err(cause) => damaged.push(Note::MetaCopyDamaged {
                file: file.to_owned(),
                cause,
            }),
        }
    }
    if newest.is_some() {
        notes.append(&mut damaged);
    } else if content == Content::Present {
        return Err(damage(
            paths::META[0].to_owned(),
            0,
            "neither it nor its copy is valid".to_owned(),
        ));
    }
    Ok(newest)
}

pub(crate) fn read_segment_header<D: Disk>(
    disk: &D,
    generation: Generation,
    meta: &Meta,
) -> Result<SegmentFile, OpenError> {
    let path = paths::segment(generation);
    let file = disk.open(&path)?;
    let bytes = read_part(disk, &file, 0, SegmentHeader::LENGTH)?;
    let header = match SegmentHeader::decode(&bytes, meta.store) {
        Ok(header) if header.generation == generation => header,
        Ok(_) => {
            let reason = "the header belongs to another segment".to_owned();
            return Err(damage(path, 0, reason));
        }
        Err(cause @ FormatError::Newer(_)) => {
            return Err(OpenError::Newer { file: path, cause });
        }
        Err(cause) => return Err(damage(path, 0, cause.to_string())),
    };
    Ok(SegmentFile {
        header,
        length: disk.length(&file)?,
    })
}

/// Removes the segments that a newer one replaces, and sorts the others.
fn without_replaced(
    mut segments: Vec<SegmentFile>,
    leftovers: &mut Vec<Leftover>,
) -> Vec<SegmentFile> {
    segments.sort_unstable_by_key(|segment| segment.header.generation);
    let mut kept: Vec<SegmentFile> = Vec::with_capacity(segments.len());
    for segment in segments {
        while let Some(before) = kept.last()
            && before.header.generation >= segment.header.replaces
        {
            leftovers.push(Leftover::Segment(before.path()));
            kept.pop();
        }
        kept.push(segment);
    }
    kept
}

/// The newest segment is recorded in the meta file, so its loss is noticed.
fn check_newest(segments: &[SegmentFile], meta: &Meta) -> Result<(), OpenError> {
    let newest = segments
        .last()
        .map_or(Generation(0), |segment| segment.header.generation);
    if newest < meta.newest {
        let path = paths::segment(meta.newest);
        return Err(damage(path, 0, "the newest segment is missing".to_owned()));
    }
    Ok(())
}

pub(crate) fn damage(file: String, offset: u64, reason: String) -> OpenError {
    OpenError::Damaged(Damage {
        file,
        offset,
        reason,
        positions: None,
    })
}
