//! The format of a snapshot file: a header, then chunks of items. Each chunk has a checksum; the last one says that the
//! snapshot is complete.

use crate::{
    format::{
        FORMAT_VERSION, FormatError, MAGIC_SNAPSHOT,
        bytes::{DecodeError, Input},
        checksum::Checksum,
        ids::StoreId,
    },
    record::{decode, encode},
    state::HeldMessage,
};

/// Bytes of a file's header.
pub(crate) const HEADER: usize = 64;
const HEADER_CHECKSUM: usize = 60;
/// Bytes of a chunk before its items.
pub(crate) const CHUNK_HEADER: usize = 24;
/// Kinds of items besides those of records.
pub(crate) const ITEM_HELD: u8 = 32;
pub(crate) const ITEM_END: u8 = 33;

/// Encodes a file's header. `frame` is the last frame whose effects the snapshot has for certain.
pub(crate) fn header(store: StoreId, frame: u64) -> [u8; HEADER] {
    let mut header = [0; HEADER];
    header[..8].copy_from_slice(&MAGIC_SNAPSHOT);
    header[8..10].copy_from_slice(&FORMAT_VERSION.to_le_bytes());
    header[16..32].copy_from_slice(&store.0);
    header[32..40].copy_from_slice(&frame.to_le_bytes());
    let checksum = Checksum::new(store).of(&header[..HEADER_CHECKSUM]);
    header[HEADER_CHECKSUM..].copy_from_slice(&checksum.to_le_bytes());
    header
}

/// Reads a file's header, and returns its frame.
pub(crate) fn read_header(bytes: &[u8], store: StoreId) -> Result<u64, FormatError> {
    let mut input = Input::new(bytes);
    if input.take(8)? != MAGIC_SNAPSHOT {
        return Err(FormatError::Magic);
    }
    let version = input.u16()?;
    input.take(6)?;
    let found = StoreId(input.id()?);
    let frame = input.u64()?;
    input.take(HEADER_CHECKSUM - 40)?;
    if input.u32()? != Checksum::new(found).of(&bytes[..HEADER_CHECKSUM]) {
        return Err(FormatError::Checksum);
    }
    if version > FORMAT_VERSION {
        return Err(FormatError::Newer(version));
    }
    if found != store {
        return Err(FormatError::OtherStore(found));
    }
    Ok(frame)
}

/// The identity of a chunk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ChunkId {
    /// The snapshot's frame.
    pub frame: u64,
    /// Counts the chunks of a file, from 0.
    pub number: u32,
}

/// Appends the place of a chunk's header; [`seal_chunk`] fills it in.
pub(crate) fn begin_chunk(out: &mut Vec<u8>) {
    out.extend_from_slice(&[0; CHUNK_HEADER]);
}

/// Fills in the header of the chunk that is the whole buffer.
pub(crate) fn seal_chunk(out: &mut [u8], id: ChunkId, checksum: Checksum) {
    let length = (out.len() - CHUNK_HEADER) as u32;
    out[..4].copy_from_slice(&length.to_le_bytes());
    out[8..16].copy_from_slice(&id.frame.to_le_bytes());
    out[16..20].copy_from_slice(&id.number.to_le_bytes());
    let sum = checksum_of_chunk(out, checksum);
    out[4..8].copy_from_slice(&sum.to_le_bytes());
}

/// Returns the length of a chunk's items from the chunk's first bytes.
pub(crate) fn chunk_length(bytes: &[u8]) -> Result<usize, DecodeError> {
    Input::new(bytes).u32().map(|length| length as usize)
}

/// Checks a whole chunk, and returns its items.
pub(crate) fn read_chunk(
    bytes: &[u8],
    id: ChunkId,
    checksum: Checksum,
) -> Result<&[u8], FormatError> {
    let mut input = Input::new(bytes);
    input.u32()?;
    let sum = input.u32()?;
    let found = ChunkId {
        frame: input.u64()?,
        number: input.u32()?,
    };
    input.u32()?;
    if found != id || sum != checksum_of_chunk(bytes, checksum) {
        return Err(FormatError::Checksum);
    }
    Ok(input.rest())
}

fn checksum_of_chunk(bytes: &[u8], checksum: Checksum) -> u32 {
    let mut length = [0; 4];
    length.copy_from_slice(&bytes[..4]);
    checksum.of(&bytes[8..]) ^ u32::from_le_bytes(length)
}

/// Appends a held message.
pub(crate) fn held(message: &HeldMessage, out: &mut Vec<u8>) {
    out.push(ITEM_HELD);
    encode::put_held(out, message.held);
    encode::waiting(message.waiting, out);
}

/// Reads a held message after its item kind.
pub(crate) fn read_held(input: &mut Input<'_>) -> Result<HeldMessage, DecodeError> {
    Ok(HeldMessage {
        held: decode::held(input)?,
        waiting: decode::waiting(input)?,
    })
}
