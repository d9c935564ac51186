//! The disk as the store uses it. The server implements [`Disk`] with files.

#[cfg(feature = "simulated-disk")]
pub mod simulated;

/// A directory on a disk. Paths are relative to it, with `/` between directory and file.
///
/// An operation that returns an error may have been done in part. Only what a successful sync covers survives a power
/// failure: [`sync_data`](Disk::sync_data) for the content and length of a file, [`sync_dir`](Disk::sync_dir) for the
/// names in a directory.
pub trait Disk {
    /// An open file. Reads may go on while another thread writes.
    type File;

    /// Creates an empty file for reading and writing. An existing file of this name is replaced by the empty one.
    fn create(&self, path: &str) -> Result<Self::File, DiskError>;
    /// Opens an existing file for reading and writing.
    fn open(&self, path: &str) -> Result<Self::File, DiskError>;
    /// Extends a file with zeros to `length` bytes, and reserves the space: later writes within it do not fail with
    /// [`DiskErrorKind::NoSpace`].
    fn allocate(&self, file: &Self::File, length: u64) -> Result<(), DiskError>;
    /// Writes all bytes at this offset; extends the file if necessary.
    fn write_at(&self, file: &Self::File, offset: u64, bytes: &[u8]) -> Result<(), DiskError>;
    /// Reads from this offset until the buffer is full or the file ends. Returns the number of bytes.
    fn read_at(
        &self,
        file: &Self::File,
        offset: u64,
        buffer: &mut [u8],
    ) -> Result<usize, DiskError>;
    /// Returns the length of a file in bytes.
    fn length(&self, file: &Self::File) -> Result<u64, DiskError>;
    /// Waits until content and length of a file are on the medium.
    fn sync_data(&self, file: &Self::File) -> Result<(), DiskError>;
    /// Creates a directory; does nothing if it exists.
    fn create_dir(&self, path: &str) -> Result<(), DiskError>;
    /// Waits until the names of a directory are on the medium. The empty path is the store's own directory.
    fn sync_dir(&self, path: &str) -> Result<(), DiskError>;
    /// Renames a file within its directory. An existing file of the new name is replaced.
    fn rename(&self, from: &str, to: &str) -> Result<(), DiskError>;
    /// Removes a file.
    fn remove(&self, path: &str) -> Result<(), DiskError>;
    /// Returns the names in a directory, in any order; without a directory of this name, no names. The empty path is the
    /// store's own directory.
    fn list(&self, path: &str) -> Result<Vec<String>, DiskError>;
    /// Returns the free space in bytes.
    fn free_space(&self) -> Result<u64, DiskError>;
}

/// A failed operation of a disk.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{operation} {path}: {message}")]
pub struct DiskError {
    /// The cause, as far as the store distinguishes causes.
    pub kind: DiskErrorKind,
    /// The operation, for example `write`.
    pub operation: &'static str,
    /// The file or directory.
    pub path: String,
    /// The operating system's description.
    pub message: String,
}

/// The cause of a failed operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DiskErrorKind {
    /// The file does not exist.
    NotFound,
    /// The disk is full.
    NoSpace,
    /// Any other cause.
    Other,
}

/// Reads a part of a file; shorter than `length` if the file ends before.
pub(crate) fn read_part<D: Disk>(
    disk: &D,
    file: &D::File,
    offset: u64,
    length: usize,
) -> Result<Vec<u8>, DiskError> {
    let mut bytes = vec![0; length];
    let read = disk.read_at(file, offset, &mut bytes)?;
    bytes.truncate(read);
    Ok(bytes)
}

/// Reads a whole file of at most `limit` bytes; bytes after them are ignored.
pub(crate) fn read_file<D: Disk>(disk: &D, path: &str, limit: u64) -> Result<Vec<u8>, DiskError> {
    let file = disk.open(path)?;
    let length = disk.length(&file)?.min(limit);
    read_part(
        disk,
        &file,
        0,
        usize::try_from(length).unwrap_or(usize::MAX),
    )
}
