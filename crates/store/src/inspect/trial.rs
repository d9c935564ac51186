//! A disk that keeps changes in memory: shows what an operation would do, and leaves the real disk as it is.

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
};

use crate::disk::{Disk, DiskError, DiskErrorKind, read_file};

/// A disk with changes in memory.
#[derive(Debug)]
pub(crate) struct TrialDisk<'a, D> {
    disk: &'a D,
    /// The content of new files in this directory is not kept, so they cannot be read.
    unread: &'static str,
    changes: RefCell<Changes>,
}

#[derive(Debug, Default)]
struct Changes {
    /// Files that differ from those of the disk.
    files: BTreeMap<String, Change>,
    /// Contents of changed files. `None` is the content of a file in the directory `unread`.
    contents: Vec<Option<Vec<u8>>>,
}

#[derive(Debug, Clone, Copy)]
enum Change {
    Removed,
    /// The index of the content.
    Content(usize),
}

/// An open file of a [`TrialDisk`].
#[derive(Debug)]
pub(crate) enum TrialFile<F> {
    /// The file of the disk, as long as nothing is written to it.
    OfDisk { file: F, path: String },
    /// The index of the content.
    Changed(usize),
}

/// The place of a file's content.
enum Place<'f, F> {
    Disk { file: &'f F, path: &'f str },
    Memory(usize),
}

impl<'a, D: Disk> TrialDisk<'a, D> {
    pub(crate) fn new(disk: &'a D, unread: &'static str) -> Self {
        Self {
            disk,
            unread,
            changes: RefCell::default(),
        }
    }

    fn change(&self, path: &str) -> Option<Change> {
        self.changes.borrow().files.get(path).copied()
    }

    /// Returns the present place of a file's content.
    fn place<'f>(&self, file: &'f TrialFile<D::File>) -> Place<'f, D::File> {
        match file {
            TrialFile::Changed(index) => Place::Memory(*index),
            TrialFile::OfDisk { file, path } => match self.change(path) {
                Some(Change::Content(index)) => Place::Memory(index),
                _ => Place::Disk { file, path },
            },
        }
    }

    /// Returns the index of a file's content, after the content is copied to memory.
    fn copied(&self, file: &TrialFile<D::File>) -> Result<usize, DiskError> {
        match self.place(file) {
            Place::Memory(index) => Ok(index),
            Place::Disk { path, .. } => {
                let content = read_file(self.disk, path, u64::MAX)?;
                Ok(self.add(path, Some(content)))
            }
        }
    }

    fn add(&self, path: &str, content: Option<Vec<u8>>) -> usize {
        let mut changes = self.changes.borrow_mut();
        let index = changes.contents.len();
        changes.contents.push(content);
        let change = Change::Content(index);
        changes.files.insert(path.to_owned(), change);
        index
    }

    /// Changes a content in memory, if it is kept.
    fn edit(&self, index: usize, edit: impl FnOnce(&mut Vec<u8>)) {
        let mut changes = self.changes.borrow_mut();
        if let Some(Some(content)) = changes.contents.get_mut(index) {
            edit(content);
        }
    }
}

impl<D: Disk> Disk for TrialDisk<'_, D> {
    type File = TrialFile<D::File>;

    fn create(&self, path: &str) -> Result<Self::File, DiskError> {
        let is_read = !path.starts_with(self.unread);
        let index = self.add(path, is_read.then(Vec::new));
        Ok(TrialFile::Changed(index))
    }

    fn open(&self, path: &str) -> Result<Self::File, DiskError> {
        match self.change(path) {
            Some(Change::Content(index)) => Ok(TrialFile::Changed(index)),
            Some(Change::Removed) => Err(not_found("open", path)),
            None => Ok(TrialFile::OfDisk {
                file: self.disk.open(path)?,
                path: path.to_owned(),
            }),
        }
    }

    fn allocate(&self, file: &Self::File, length: u64) -> Result<(), DiskError> {
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        self.edit(self.copied(file)?, |content| {
            if content.is_empty() {
                // The system provides this memory when it is written.
                *content = vec![0; length];
            } else if content.len() < length {
                content.resize(length, 0);
            }
        });
        Ok(())
    }

    fn write_at(&self, file: &Self::File, offset: u64, bytes: &[u8]) -> Result<(), DiskError> {
        let start = usize::try_from(offset).unwrap_or(usize::MAX);
        self.edit(self.copied(file)?, |content| {
            let end = start + bytes.len();
            if content.len() < end {
                content.resize(end, 0);
            }
            content[start..end].copy_from_slice(bytes);
        });
        Ok(())
    }

    fn read_at(
        &self,
        file: &Self::File,
        offset: u64,
        buffer: &mut [u8],
    ) -> Result<usize, DiskError> {
        match self.place(file) {
            Place::Disk { file, .. } => self.disk.read_at(file, offset, buffer),
            Place::Memory(index) => {
                let start = usize::try_from(offset).unwrap_or(usize::MAX);
                let mut read = 0;
                self.edit(index, |content| {
                    let rest = content.get(start..).unwrap_or_default();
                    read = rest.len().min(buffer.len());
                    buffer[..read].copy_from_slice(&rest[..read]);
                });
                Ok(read)
            }
        }
    }

    fn length(&self, file: &Self::File) -> Result<u64, DiskError> {
        match self.place(file) {
            Place::Disk { file, .. } => self.disk.length(file),
            Place::Memory(index) => {
                let mut length = 0;
                self.edit(index, |content| length = content.len() as u64);
                Ok(length)
            }
        }
    }

    fn sync_data(&self, _: &Self::File) -> Result<(), DiskError> {
        Ok(())
    }

    fn create_dir(&self, _: &str) -> Result<(), DiskError> {
        Ok(())
    }

    fn sync_dir(&self, _: &str) -> Result<(), DiskError> {
        Ok(())
    }

    fn rename(&self, from: &str, to: &str) -> Result<(), DiskError> {
        let index = self.copied(&self.open(from)?)?;
        let mut changes = self.changes.borrow_mut();
        changes.files.insert(from.to_owned(), Change::Removed);
        changes.files.insert(to.to_owned(), Change::Content(index));
        Ok(())
    }

    fn remove(&self, path: &str) -> Result<(), DiskError> {
        let file = self.open(path)?;
        let mut changes = self.changes.borrow_mut();
        changes.files.insert(path.to_owned(), Change::Removed);
        if let TrialFile::Changed(index) = file {
            changes.contents[index] = None;
        }
        Ok(())
    }

    fn list(&self, path: &str) -> Result<Vec<String>, DiskError> {
        let mut names: BTreeSet<String> = self.disk.list(path)?.into_iter().collect();
        for (file, change) in &self.changes.borrow().files {
            let (directory, name) = file.rsplit_once('/').unwrap_or(("", file));
            if directory == path {
                match change {
                    Change::Removed => names.remove(name),
                    Change::Content(_) => names.insert(name.to_owned()),
                };
            }
        }
        Ok(names.into_iter().collect())
    }

    fn free_space(&self) -> Result<u64, DiskError> {
        self.disk.free_space()
    }
}

fn not_found(operation: &'static str, path: &str) -> DiskError {
    DiskError {
        kind: DiskErrorKind::NotFound,
        operation,
        path: path.to_owned(),
        message: "the file does not exist".to_owned(),
    }
}
