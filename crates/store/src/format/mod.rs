//! The formats on disk; `FORMAT.md` describes them.

pub(crate) mod bytes;
pub(crate) mod checksum;
pub(crate) mod ids;
pub(crate) mod meta;
pub(crate) mod paths;
pub(crate) mod segment_header;

use bytes::DecodeError;
use ids::StoreId;

/// The version of the formats that this crate writes, and the highest version that it reads.
pub const FORMAT_VERSION: u16 = 1;

pub(crate) const MAGIC_META: [u8; 8] = *b"CARILLON";
pub(crate) const MAGIC_SEGMENT: [u8; 8] = *b"CARI-LOG";
pub(crate) const MAGIC_SNAPSHOT: [u8; 8] = *b"CARISNAP";

/// A file that is not a valid file of this store.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FormatError {
    /// The first bytes are those of another kind of file.
    #[error("the file does not begin with its mark")]
    Magic,
    /// A checksum does not match.
    #[error("a checksum does not match")]
    Checksum,
    /// The file has a newer format.
    #[error("the file has format version {0}, this program reads at most version {FORMAT_VERSION}")]
    Newer(u16),
    /// The file belongs to another store.
    #[error("the file belongs to store {0}")]
    OtherStore(StoreId),
    /// The content does not follow the format, although its checksum matches.
    #[error(transparent)]
    Content(#[from] DecodeError),
}
