//! Writing a snapshot in steps.

use std::ops::Bound;

use crate::{
    disk::{Disk, DiskError},
    format::{
        bytes::put_varint,
        checksum::Checksum,
        ids::{Generation, NameId, QueueId, StoreId},
        paths,
    },
    record::{
        Cursor, Name, QueueSaved, Record, SessionSaved,
        content::StoredContent,
        encode::{self, Target},
    },
    snapshot::file::{self, ChunkId, HEADER, ITEM_END},
    state::{State, WalkKey},
};

/// A snapshot that is being written to a file without its final name.
#[derive(Debug)]
pub(crate) struct SnapshotWriter<F> {
    file: F,
    path: String,
    checksum: Checksum,
    chunk: ChunkId,
    offset: u64,
    section: Section,
}

/// The next items to write. Items are in the order of their keys, so a section continues after its last key.
#[derive(Debug, Clone)]
enum Section {
    Names(Bound<NameId>),
    Queues(Bound<QueueId>),
    Sessions(Bound<Box<[u8]>>),
    Held(WalkKey),
    End,
    Complete,
}

/// Bytes after which a chunk takes no further names, queues and sessions.
const CHUNK_BYTES: usize = 1 << 20;

/// The result of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    More,
    Complete,
}

impl<F> SnapshotWriter<F> {
    /// Begins a snapshot. `frame` is the last frame of the log, and durable.
    pub(crate) fn begin<D: Disk<File = F>>(
        disk: &D,
        store: StoreId,
        frame: u64,
    ) -> Result<Self, DiskError> {
        let path = paths::snapshot(frame);
        let file = disk.create(&format!("{path}{}", paths::INCOMPLETE))?;
        disk.write_at(&file, 0, &file::header(store, frame))?;
        Ok(Self {
            file,
            path,
            checksum: Checksum::new(store),
            chunk: ChunkId { frame, number: 0 },
            offset: HEADER as u64,
            section: Section::Names(Bound::Unbounded),
        })
    }

    /// Returns the snapshot's frame.
    pub(crate) fn frame(&self) -> u64 {
        self.chunk.frame
    }

    /// Writes the next items, at most `limit`; after the last items, syncs the file and gives it its name. The caller
    /// calls it only when everything in the state is durable.
    pub(crate) fn step<D: Disk<File = F>>(
        &mut self,
        disk: &D,
        state: &State,
        limit: usize,
    ) -> Result<Step, DiskError> {
        let mut out = Vec::new();
        file::begin_chunk(&mut out);
        let mut room = limit.max(1);
        while room > 0 && !matches!(self.section, Section::Complete) {
            self.section = self.items(state, &mut room, &mut out);
        }
        file::seal_chunk(&mut out, self.chunk, self.checksum);
        disk.write_at(&self.file, self.offset, &out)?;
        self.offset += out.len() as u64;
        self.chunk.number += 1;
        if !matches!(self.section, Section::Complete) {
            return Ok(Step::More);
        }
        disk.sync_data(&self.file)?;
        disk.rename(&format!("{}{}", self.path, paths::INCOMPLETE), &self.path)?;
        disk.sync_dir(paths::SNAPSHOTS)?;
        Ok(Step::Complete)
    }

    /// Appends items of the current section, and returns the section that is next.
    fn items(&self, state: &State, room: &mut usize, out: &mut Vec<u8>) -> Section {
        match &self.section {
            Section::Names(from) => {
                let mut last = None;
                for (&id, name) in state.names.range((*from, Bound::Unbounded)).take(*room) {
                    let name = Name {
                        id,
                        kind: name.kind,
                        name: name.name.clone(),
                    };
                    put_record(&Record::Name(name), room, out);
                    last = Some(id);
                    if *room == 0 {
                        break;
                    }
                }
                match last {
                    Some(id) => Section::Names(Bound::Excluded(id)),
                    None => Section::Queues(Bound::Unbounded),
                }
            }
            Section::Queues(from) => {
                let mut last = None;
                for (&id, queue) in state.queues.range((*from, Bound::Unbounded)).take(*room) {
                    let saved = QueueSaved {
                        queue: id,
                        kind: queue.kind,
                        attributes: queue.attributes.clone(),
                    };
                    put_record(&Record::QueueSaved(saved), room, out);
                    last = Some(id);
                    if *room == 0 {
                        break;
                    }
                }
                match last {
                    Some(id) => Section::Queues(Bound::Excluded(id)),
                    None => Section::Sessions(Bound::Unbounded),
                }
            }
            Section::Sessions(from) => sessions(from, state, room, out),
            Section::Held(key) => {
                let mut key = *key;
                let messages = state.walk(&mut key, *room);
                for message in &messages {
                    encode::with_length(out, |out| file::held(message, out));
                }
                *room -= messages.len();
                match messages.len() {
                    0 => Section::End,
                    _ => Section::Held(key),
                }
            }
            Section::End => {
                encode::with_length(out, |out| {
                    out.push(ITEM_END);
                    put_varint(out, state.last_position);
                    put_varint(out, u64::from(state.last_queue));
                });
                Section::Complete
            }
            Section::Complete => Section::Complete,
        }
    }
}

fn sessions(
    from: &Bound<Box<[u8]>>,
    state: &State,
    room: &mut usize,
    out: &mut Vec<u8>,
) -> Section {
    let mut last = None;
    let sessions = state.sessions.range((from.clone(), Bound::Unbounded));
    for (client, session) in sessions.take(*room) {
        let saved = SessionSaved {
            client: client.clone(),
            data: session.data.clone(),
        };
        put_record(&Record::SessionSaved(saved), room, out);
        if let Some(cursor) = &session.cursor {
            let cursor = Cursor {
                client: client.clone(),
                position: cursor.position,
                window: cursor.window.clone(),
            };
            put_record(&Record::Cursor(cursor), &mut 1, out);
        }
        last = Some(client.clone());
        if *room == 0 {
            break;
        }
    }
    match last {
        Some(client) => Section::Sessions(Bound::Excluded(client)),
        None => Section::Held(WalkKey::default()),
    }
}

/// Appends a record without message.
fn put_record(record: &Record<StoredContent<'_>>, room: &mut usize, out: &mut Vec<u8>) {
    // Only messages depend on the segment.
    let target = Target {
        checksum: Checksum::new(StoreId([0; 16])),
        generation: Generation(0),
    };
    encode::with_length(out, |out| encode::record(record, target, out));
    *room = room.saturating_sub(1);
    if out.len() > CHUNK_BYTES {
        *room = 0;
    }
}
