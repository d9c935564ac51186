//! Reading a snapshot.

use crate::{
    disk::{Disk, DiskError, read_part},
    format::{
        FormatError,
        bytes::{DecodeError, Input},
        checksum::Checksum,
        ids::{Generation, StoreId},
        paths,
    },
    record::{
        Holder, Logged, Record,
        decode::{self, Records},
        encode::Target,
    },
    recovery::aliases::Aliases,
    snapshot::file::{self, CHUNK_HEADER, ChunkId, HEADER, ITEM_END, ITEM_HELD},
    state::{HeldMessage, RetainedMessage, State},
};

/// The reason why a snapshot cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum SnapshotError {
    #[error(transparent)]
    Disk(#[from] DiskError),
    #[error(transparent)]
    Format(#[from] FormatError),
}

impl From<DecodeError> for SnapshotError {
    fn from(error: DecodeError) -> Self {
        Self::Format(error.into())
    }
}

/// Reads the snapshot that begins at this frame.
pub(crate) fn read<D: Disk>(
    disk: &D,
    store: StoreId,
    frame: u64,
    aliases: &Aliases,
) -> Result<State, SnapshotError> {
    let path = paths::snapshot(frame);
    let file = disk.open(&path)?;
    let header = read_part(disk, &file, 0, HEADER)?;
    if file::read_header(&header, store)? != frame {
        return Err(FormatError::Checksum.into());
    }
    let checksum = Checksum::new(store);
    let length = disk.length(&file)?;
    let mut state = State::default();
    let mut offset = HEADER as u64;
    for number in 0.. {
        let id = ChunkId { frame, number };
        let first = read_part(disk, &file, offset, CHUNK_HEADER)?;
        let items = file::chunk_length(&first)?;
        let chunk_length = CHUNK_HEADER + items;
        // Memory is bounded by the file.
        if length.saturating_sub(offset) < chunk_length as u64 {
            return Err(DecodeError::Truncated.into());
        }
        let chunk = read_part(disk, &file, offset, chunk_length)?;
        let items = file::read_chunk(&chunk, id, checksum)?;
        if load(items, aliases, &mut state)? == Part::Last {
            return Ok(state);
        }
        offset += chunk_length as u64;
    }
    Err(DecodeError::Truncated.into())
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Inner,
    Last,
}

/// Applies the items of a chunk.
fn load(items: &[u8], aliases: &Aliases, state: &mut State) -> Result<Part, DecodeError> {
    let target = Target {
        checksum: Checksum::new(StoreId([0; 16])),
        generation: Generation(0),
    };
    for item in Records::of(items) {
        let bytes = item?.bytes;
        let mut input = Input::new(bytes);
        match input.u8()? {
            ITEM_HELD => {
                let mut message = file::read_held(&mut input)?;
                input.finish()?;
                let location = &mut message.waiting.location;
                location.generation = aliases.current(location.generation);
                insert(message, state);
            }
            ITEM_END => {
                state.last_position = state.last_position.max(input.varint()?);
                state.last_queue = state.last_queue.max(input.varint_u32()?);
                input.finish()?;
                return Ok(Part::Last);
            }
            kind => match decode::record(bytes, target)? {
                Logged::Pushed(Record::Name(name)) => {
                    state.apply(Record::<()>::Name(name), NOWHERE);
                }
                Logged::Pushed(Record::QueueSaved(saved)) => state.save_queue(saved),
                Logged::Pushed(Record::SessionSaved(saved)) => state.save_session(saved),
                Logged::Pushed(Record::Cursor(cursor)) => state.set_cursor(cursor),
                _ => return Err(DecodeError::UnknownKind(kind)),
            },
        }
    }
    Ok(Part::Inner)
}

fn insert(message: HeldMessage, state: &mut State) {
    let position = message.held.position;
    let location = message.waiting.location;
    match message.held.holder {
        Holder::Queue(queue) => state.insert(queue, position, message.waiting),
        Holder::Topic(topic) => state.insert_in_topic(topic, position, location),
        Holder::Retained(topic) => {
            state.retain(topic, RetainedMessage { position, location });
        }
    }
}

/// The location of records that hold no message.
const NOWHERE: crate::format::ids::Location = crate::format::ids::Location {
    generation: Generation(0),
    offset: 0,
    length: 0,
};
