//! The files of a [`LossyDisk`](super::LossyDisk): what a program sees, and what would be left after a power cut.
//!
//! A file keeps what was written until it is synced. A directory keeps its new, renamed and removed names until the directory
//! is synced; a file without a durable name is lost, although it was synced itself.

use std::collections::{BTreeMap, BTreeSet};

/// The number of a file or directory.
pub type Id = u64;

/// The root directory.
pub const ROOT: Id = 1;

/// Why an operation fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refused {
    NotFound,
    Exists,
    NotADirectory,
    IsADirectory,
}

/// All files. A file without a name stays until the next power cut, because a program may have it open.
pub struct Files {
    nodes: BTreeMap<Id, Node>,
    next: Id,
}

pub enum Node {
    File(File),
    Directory(Directory),
}

#[derive(Default)]
pub struct File {
    seen: Content,
    synced: Content,
    /// Pages that were written since the last sync.
    unsynced: BTreeSet<u64>,
}

/// A length, and the pages that are not all zero.
#[derive(Default, Clone, PartialEq, Debug)]
struct Content {
    length: u64,
    pages: BTreeMap<u64, Vec<u8>>,
}

/// Names with their files.
#[derive(Default)]
pub struct Directory {
    pub seen: BTreeMap<String, Id>,
    synced: BTreeMap<String, Id>,
}

const PAGE: u64 = 4096;

impl Files {
    /// Returns an empty root directory, which survives a power cut.
    pub fn new() -> Self {
        Self {
            nodes: BTreeMap::from([(ROOT, Node::Directory(Directory::default()))]),
            next: ROOT + 1,
        }
    }

    pub fn node(&self, id: Id) -> Result<&Node, Refused> {
        self.nodes.get(&id).ok_or(Refused::NotFound)
    }

    pub fn file(&mut self, id: Id) -> Result<&mut File, Refused> {
        match self.nodes.get_mut(&id) {
            Some(Node::File(file)) => Ok(file),
            Some(Node::Directory(_)) => Err(Refused::IsADirectory),
            None => Err(Refused::NotFound),
        }
    }

    pub fn directory(&mut self, id: Id) -> Result<&mut Directory, Refused> {
        match self.nodes.get_mut(&id) {
            Some(Node::Directory(directory)) => Ok(directory),
            Some(Node::File(_)) => Err(Refused::NotADirectory),
            None => Err(Refused::NotFound),
        }
    }

    pub fn find(&mut self, parent: Id, name: &str) -> Result<Id, Refused> {
        let directory = self.directory(parent)?;
        directory.seen.get(name).copied().ok_or(Refused::NotFound)
    }

    pub fn create(&mut self, parent: Id, name: &str, node: Node) -> Result<Id, Refused> {
        let id = self.next;
        let directory = self.directory(parent)?;
        if directory.seen.contains_key(name) {
            return Err(Refused::Exists);
        }
        directory.seen.insert(name.to_owned(), id);
        self.nodes.insert(id, node);
        self.next += 1;
        Ok(id)
    }

    pub fn rename(&mut self, from: (Id, &str), to: (Id, &str)) -> Result<(), Refused> {
        let id = self.find(from.0, from.1)?;
        self.directory(to.0)?.seen.insert(to.1.to_owned(), id);
        self.remove(from.0, from.1)
    }

    pub fn remove(&mut self, parent: Id, name: &str) -> Result<(), Refused> {
        let removed = self.directory(parent)?.seen.remove(name);
        removed.map(drop).ok_or(Refused::NotFound)
    }

    /// Forgets everything that was not synced.
    pub fn lose_unsynced(&mut self) {
        let mut reached = BTreeMap::new();
        let mut open = vec![ROOT];
        while let Some(id) = open.pop() {
            let Some(mut node) = self.nodes.remove(&id) else {
                continue;
            };
            match &mut node {
                Node::File(file) => file.lose_unsynced(),
                Node::Directory(directory) => {
                    directory.seen.clone_from(&directory.synced);
                    open.extend(directory.seen.values());
                }
            }
            reached.insert(id, node);
        }
        self.nodes = reached;
    }
}

impl File {
    pub fn length(&self) -> u64 {
        self.seen.length
    }

    pub fn set_length(&mut self, length: u64) {
        let kept = length.div_ceil(PAGE);
        let cut = self.seen.pages.split_off(&kept);
        self.unsynced.extend(cut.into_keys());
        if let Some(page) = self.seen.pages.get_mut(&(length / PAGE)) {
            page[(length % PAGE) as usize..].fill(0);
            self.unsynced.insert(length / PAGE);
        }
        self.seen.length = length;
    }

    pub fn write(&mut self, offset: u64, bytes: &[u8]) {
        let mut at = offset;
        let mut rest = bytes;
        while !rest.is_empty() {
            let start = (at % PAGE) as usize;
            let (part, after) = rest.split_at(rest.len().min(PAGE as usize - start));
            let pages = &mut self.seen.pages;
            let page = pages
                .entry(at / PAGE)
                .or_insert_with(|| vec![0; PAGE as usize]);
            page[start..start + part.len()].copy_from_slice(part);
            self.unsynced.insert(at / PAGE);
            at += part.len() as u64;
            rest = after;
        }
        self.seen.length = self.seen.length.max(at);
    }

    pub fn read(&self, offset: u64, length: usize) -> Vec<u8> {
        let end = (offset + length as u64).min(self.seen.length);
        let mut bytes = Vec::new();
        let mut at = offset;
        while at < end {
            let start = (at % PAGE) as usize;
            let count = (PAGE as usize - start).min((end - at) as usize);
            match self.seen.pages.get(&(at / PAGE)) {
                Some(page) => bytes.extend_from_slice(&page[start..start + count]),
                None => bytes.resize(bytes.len() + count, 0),
            }
            at += count as u64;
        }
        bytes
    }

    pub fn sync(&mut self) {
        for page in std::mem::take(&mut self.unsynced) {
            match self.seen.pages.get(&page) {
                Some(content) => self.synced.pages.insert(page, content.clone()),
                None => self.synced.pages.remove(&page),
            };
        }
        self.synced.length = self.seen.length;
    }

    fn lose_unsynced(&mut self) {
        self.unsynced.clear();
        self.seen.clone_from(&self.synced);
    }
}

impl Directory {
    pub fn sync(&mut self) {
        self.synced.clone_from(&self.seen);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_file() -> (Files, Id) {
        let mut files = Files::new();
        let id = files.create(ROOT, "a", Node::File(File::default()));
        (files, id.expect("a new name"))
    }

    #[test]
    fn a_file_keeps_what_was_synced() {
        let (mut files, id) = with_file();
        files.directory(ROOT).expect("the root").sync();
        let file = files.file(id).expect("a file");
        file.write(PAGE - 2, b"abcd");
        file.sync();
        file.write(PAGE, b"xyz");
        file.write(5 * PAGE, b"x");
        assert_eq!(file.read(PAGE - 3, 6), b"\0abxyz");
        files.lose_unsynced();
        let file = files.file(id).expect("a file");
        assert_eq!(file.length(), PAGE + 2);
        assert_eq!(file.read(PAGE - 3, 100), b"\0abcd");
    }

    #[test]
    fn a_shorter_file_has_zeros_when_it_is_extended() {
        let (mut files, id) = with_file();
        let file = files.file(id).expect("a file");
        file.write(0, &[7; 3 * PAGE as usize]);
        file.sync();
        file.set_length(PAGE + 1);
        file.set_length(3 * PAGE);
        file.sync();
        file.lose_unsynced();
        let expected = [vec![7; PAGE as usize + 1], vec![0; 2 * PAGE as usize - 1]].concat();
        assert_eq!(file.read(0, usize::MAX), expected);
    }

    #[test]
    fn names_are_lost_unless_their_directory_is_synced() {
        let (mut files, id) = with_file();
        files.file(id).expect("a file").sync();
        files.lose_unsynced();
        assert_eq!(files.find(ROOT, "a"), Err(Refused::NotFound));

        let (mut files, id) = with_file();
        files.directory(ROOT).expect("the root").sync();
        files.rename((ROOT, "a"), (ROOT, "b")).expect("a file");
        assert_eq!(files.find(ROOT, "b"), Ok(id));
        files.lose_unsynced();
        assert_eq!(files.find(ROOT, "a"), Ok(id));
        assert_eq!(files.find(ROOT, "b"), Err(Refused::NotFound));
        files.remove(ROOT, "a").expect("a file");
        files.lose_unsynced();
        assert_eq!(files.find(ROOT, "a"), Ok(id));
    }
}
