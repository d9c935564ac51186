//! A disk in memory for tests: it loses unsynced changes, and fails on request.

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
    rc::Rc,
};

use simulation::Random;

use crate::disk::{Disk, DiskError, DiskErrorKind};

/// Bytes that a power failure keeps or loses as a whole.
pub const SECTOR: usize = 512;

/// A disk in memory. Clones share the content.
#[derive(Debug, Clone)]
pub struct SimulatedDisk {
    inner: Rc<RefCell<Inner>>,
}

/// An open file of a [`SimulatedDisk`].
#[derive(Debug)]
pub struct SimulatedFile {
    inode: usize,
    path: String,
}

/// A fault at one operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The power fails: a write is done in part, and no later operation succeeds until
    /// [`SimulatedDisk::power_on`].
    PowerFailure,
    /// This operation fails, with a part of a write done. A failed sync loses what it should have synced, although later
    /// reads still show it, as Linux does.
    Io,
    /// This and all later operations that need space fail.
    NoSpace,
}

#[derive(Debug, Default)]
struct Inner {
    inodes: Vec<Inode>,
    directories: BTreeMap<String, Directory>,
    random: Random,
    /// Operations since the faults were set, reads not counted.
    operations: u64,
    fault: Option<(u64, Fault)>,
    is_off: bool,
    is_full: bool,
    capacity: u64,
}

#[derive(Debug, Default, Clone)]
struct Inode {
    /// The content that reads return.
    current: Vec<u8>,
    /// The content on the medium.
    synced: Vec<u8>,
    /// Changes since the last sync.
    pending: Vec<Change>,
}

#[derive(Debug, Clone)]
enum Change {
    Write { offset: usize, bytes: Vec<u8> },
    Extend { length: usize },
}

#[derive(Debug, Default, Clone)]
struct Directory {
    /// False until the parent directory is synced.
    is_durable: bool,
    current: BTreeMap<String, usize>,
    synced: BTreeMap<String, usize>,
    pending: Vec<NameChange>,
}

#[derive(Debug, Clone)]
enum NameChange {
    Add { name: String, inode: usize },
    Remove { name: String },
    Rename { from: String, to: String },
}

impl SimulatedDisk {
    /// Returns an empty disk. The seed decides what power failures keep.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        let mut inner = Inner {
            random: Random::new(seed),
            capacity: 1 << 40,
            ..Inner::default()
        };
        let root = Directory {
            is_durable: true,
            ..Directory::default()
        };
        inner.directories.insert(String::new(), root);
        Self {
            inner: Rc::new(RefCell::new(inner)),
        }
    }

    /// Returns an independent disk with the same content, for another continuation of the same run.
    #[must_use]
    pub fn fork(&self, seed: u64) -> Self {
        let inner = self.inner.borrow();
        Self {
            inner: Rc::new(RefCell::new(Inner {
                inodes: inner.inodes.clone(),
                directories: inner.directories.clone(),
                random: Random::new(seed),
                operations: 0,
                fault: None,
                is_off: inner.is_off,
                is_full: inner.is_full,
                capacity: inner.capacity,
            })),
        }
    }

    /// Makes a fault happen at operation `after` from now on, counted from 0. Reads are not counted.
    pub fn fail_at(&self, after: u64, fault: Fault) {
        let mut inner = self.inner.borrow_mut();
        inner.operations = 0;
        inner.fault = Some((after, fault));
    }

    /// Removes a fault that has not happened yet, and ends a shortage of space.
    pub fn heal(&self) {
        let mut inner = self.inner.borrow_mut();
        inner.operations = 0;
        inner.fault = None;
        inner.is_full = false;
    }

    /// Returns the number of operations since the last call of [`fail_at`](Self::fail_at) or [`heal`](Self::heal).
    #[must_use]
    pub fn operations(&self) -> u64 {
        self.inner.borrow().operations
    }

    /// Turns the power off and on: each file and directory has what was synced, and any part of what was not.
    pub fn power_on(&self) {
        let mut inner = self.inner.borrow_mut();
        let inner = &mut *inner;
        inner.is_off = false;
        inner.is_full = false;
        inner.fault = None;
        // One failure in four keeps nothing, one in four everything.
        let keep = [0, 50, 90, 100][inner.random.index(4)];
        let mut lottery = Lottery {
            random: &mut inner.random,
            percent: keep,
        };
        for inode in &mut inner.inodes {
            inode.lose_power(&mut lottery);
        }
        inner
            .directories
            .retain(|_, directory| directory.is_durable || lottery.keeps());
        for directory in inner.directories.values_mut() {
            directory.is_durable = true;
            directory.lose_power(&mut lottery);
        }
        inner.free_unnamed();
    }

    /// Returns the paths of all files.
    #[must_use]
    pub fn files(&self) -> Vec<String> {
        let inner = self.inner.borrow();
        let mut paths = Vec::new();
        for (directory, content) in &inner.directories {
            for name in content.current.keys() {
                paths.push(join(directory, name));
            }
        }
        paths
    }

    /// Returns the content of a file, if it exists.
    #[must_use]
    pub fn content(&self, path: &str) -> Option<Vec<u8>> {
        let inner = self.inner.borrow();
        let inode = inner.lookup(path)?;
        Some(inner.inodes[inode].current.clone())
    }

    /// Changes one bit of a file, in what reads show and on the medium. Does nothing if the file is shorter.
    pub fn flip_bit(&self, path: &str, bit: usize) {
        let mut inner = self.inner.borrow_mut();
        let Some(inode) = inner.lookup(path) else {
            return;
        };
        let inode = &mut inner.inodes[inode];
        for content in [&mut inode.current, &mut inode.synced] {
            if let Some(byte) = content.get_mut(bit / 8) {
                *byte ^= 1 << (bit % 8);
            }
        }
    }

    /// Changes the free space that [`Disk::free_space`] returns.
    pub fn set_capacity(&self, bytes: u64) {
        self.inner.borrow_mut().capacity = bytes;
    }
}

/// Decides for each part of unsynced data if a power failure keeps it.
struct Lottery<'a> {
    random: &'a mut Random,
    percent: usize,
}

impl Lottery<'_> {
    fn keeps(&mut self) -> bool {
        self.percent == 100 || self.random.index(100) < self.percent
    }
}

impl Inode {
    fn apply(content: &mut Vec<u8>, change: &Change) {
        match change {
            Change::Write { offset, bytes } => {
                if content.len() < offset + bytes.len() {
                    content.resize(offset + bytes.len(), 0);
                }
                content[*offset..offset + bytes.len()].copy_from_slice(bytes);
            }
            Change::Extend { length } => {
                if content.len() < *length {
                    content.resize(*length, 0);
                }
            }
        }
    }

    fn change(&mut self, change: Change) {
        Self::apply(&mut self.current, &change);
        self.pending.push(change);
    }

    fn sync(&mut self) {
        for change in self.pending.drain(..) {
            Self::apply(&mut self.synced, &change);
        }
    }

    /// Keeps any sectors of pending writes; a file that should have grown may have any of the lengths in between.
    fn lose_power(&mut self, lottery: &mut Lottery<'_>) {
        let mut length = self.synced.len();
        for change in std::mem::take(&mut self.pending) {
            match change {
                Change::Extend { length: extended } => {
                    if lottery.keeps() {
                        length = length.max(extended);
                    }
                }
                Change::Write { offset, bytes } => {
                    let mut at = 0;
                    while at < bytes.len() {
                        let end = bytes
                            .len()
                            .min(((offset + at) / SECTOR + 1) * SECTOR - offset);
                        if lottery.keeps() {
                            let sector = Change::Write {
                                offset: offset + at,
                                bytes: bytes[at..end].to_vec(),
                            };
                            Self::apply(&mut self.synced, &sector);
                            if lottery.keeps() {
                                length = length.max(offset + end);
                            }
                        }
                        at = end;
                    }
                }
            }
        }
        self.synced.resize(length, 0);
        self.current.clone_from(&self.synced);
    }
}

impl Directory {
    fn apply(names: &mut BTreeMap<String, usize>, change: &NameChange) {
        match change {
            NameChange::Add { name, inode } => {
                names.insert(name.clone(), *inode);
            }
            NameChange::Remove { name } => {
                names.remove(name);
            }
            NameChange::Rename { from, to } => {
                if let Some(inode) = names.remove(from) {
                    names.insert(to.clone(), inode);
                }
            }
        }
    }

    fn change(&mut self, change: NameChange) {
        Self::apply(&mut self.current, &change);
        self.pending.push(change);
    }

    fn sync(&mut self) {
        for change in self.pending.drain(..) {
            Self::apply(&mut self.synced, &change);
        }
    }

    fn lose_power(&mut self, lottery: &mut Lottery<'_>) {
        let mut lost = BTreeSet::new();
        for change in std::mem::take(&mut self.pending) {
            let names: Vec<&String> = match &change {
                NameChange::Add { name, .. } | NameChange::Remove { name } => vec![name],
                NameChange::Rename { from, to } => vec![from, to],
            };
            // Changes of one name keep their order.
            let depends_on_lost = names.iter().any(|name| lost.contains(*name));
            if !depends_on_lost && lottery.keeps() {
                Self::apply(&mut self.synced, &change);
            } else {
                lost.extend(names.into_iter().cloned());
            }
        }
        self.current.clone_from(&self.synced);
    }
}

/// The kind of an operation, for faults.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Need {
    /// The operation needs space on the disk.
    Space,
    /// The operation needs none.
    Nothing,
    /// The operation changes nothing; it fails only without power.
    Read,
}

/// The result that a fault gives an operation.
enum Luck {
    Good,
    Bad(DiskErrorKind),
}

impl Inner {
    fn lookup(&self, path: &str) -> Option<usize> {
        let (directory, name) = split(path);
        self.directories.get(directory)?.current.get(name).copied()
    }

    fn directory(&mut self, path: &str) -> Option<&mut Directory> {
        self.directories.get_mut(path)
    }

    fn luck(&mut self, need: Need) -> Luck {
        if self.is_off {
            return Luck::Bad(DiskErrorKind::Other);
        }
        if need == Need::Read {
            return Luck::Good;
        }
        let number = self.operations;
        self.operations += 1;
        match self.fault {
            Some((at, Fault::PowerFailure)) if at == number => {
                self.is_off = true;
                return Luck::Bad(DiskErrorKind::Other);
            }
            Some((at, Fault::Io)) if at == number => return Luck::Bad(DiskErrorKind::Other),
            Some((at, Fault::NoSpace)) if at <= number => self.is_full = true,
            _ => {}
        }
        if self.is_full && need == Need::Space {
            return Luck::Bad(DiskErrorKind::NoSpace);
        }
        Luck::Good
    }

    /// Frees the content of files without a name.
    fn free_unnamed(&mut self) {
        let named: BTreeSet<usize> = self
            .directories
            .values()
            .flat_map(|directory| directory.current.values().copied())
            .collect();
        for (number, inode) in self.inodes.iter_mut().enumerate() {
            if !named.contains(&number) {
                *inode = Inode::default();
            }
        }
    }

    /// Creates an inode with an empty file, and returns its number.
    fn add_inode(&mut self) -> usize {
        self.inodes.push(Inode::default());
        self.inodes.len() - 1
    }
}

impl Disk for SimulatedDisk {
    type File = SimulatedFile;

    fn create(&self, path: &str) -> Result<SimulatedFile, DiskError> {
        let mut inner = self.inner.borrow_mut();
        let luck = inner.luck(Need::Space);
        if let Luck::Bad(kind) = luck {
            return Err(error(kind, "create", path));
        }
        let inode = inner.add_inode();
        let (directory, name) = split(path);
        let directory = inner
            .directory(directory)
            .ok_or_else(|| error(DiskErrorKind::NotFound, "create", path))?;
        directory.change(NameChange::Add {
            name: name.to_owned(),
            inode,
        });
        Ok(file(inode, path))
    }

    fn open(&self, path: &str) -> Result<SimulatedFile, DiskError> {
        let mut inner = self.inner.borrow_mut();
        if let Luck::Bad(kind) = inner.luck(Need::Read) {
            return Err(error(kind, "open", path));
        }
        match inner.lookup(path) {
            Some(inode) => Ok(file(inode, path)),
            None => Err(error(DiskErrorKind::NotFound, "open", path)),
        }
    }

    fn allocate(&self, file: &SimulatedFile, length: u64) -> Result<(), DiskError> {
        let mut inner = self.inner.borrow_mut();
        if let Luck::Bad(kind) = inner.luck(Need::Space) {
            return Err(error(kind, "allocate", &file.path));
        }
        let length = length as usize;
        inner.inodes[file.inode].change(Change::Extend { length });
        Ok(())
    }

    fn write_at(&self, file: &SimulatedFile, offset: u64, bytes: &[u8]) -> Result<(), DiskError> {
        let mut inner = self.inner.borrow_mut();
        let offset = offset as usize;
        let reserved = inner.inodes[file.inode].current.len();
        let need = if offset + bytes.len() <= reserved {
            Need::Nothing
        } else {
            Need::Space
        };
        let luck = inner.luck(need);
        let written = match luck {
            Luck::Good => bytes.len(),
            Luck::Bad(_) if bytes.is_empty() => 0,
            Luck::Bad(_) => inner.random.index(bytes.len()),
        };
        inner.inodes[file.inode].change(Change::Write {
            offset,
            bytes: bytes[..written].to_vec(),
        });
        match luck {
            Luck::Good => Ok(()),
            Luck::Bad(kind) => Err(error(kind, "write", &file.path)),
        }
    }

    fn read_at(
        &self,
        file: &SimulatedFile,
        offset: u64,
        buffer: &mut [u8],
    ) -> Result<usize, DiskError> {
        let mut inner = self.inner.borrow_mut();
        if let Luck::Bad(kind) = inner.luck(Need::Read) {
            return Err(error(kind, "read", &file.path));
        }
        let content = &inner.inodes[file.inode].current;
        let rest = content.get(offset as usize..).unwrap_or_default();
        let length = rest.len().min(buffer.len());
        buffer[..length].copy_from_slice(&rest[..length]);
        Ok(length)
    }

    fn length(&self, file: &SimulatedFile) -> Result<u64, DiskError> {
        Ok(self.inner.borrow().inodes[file.inode].current.len() as u64)
    }

    fn sync_data(&self, file: &SimulatedFile) -> Result<(), DiskError> {
        let mut inner = self.inner.borrow_mut();
        let luck = inner.luck(Need::Nothing);
        let is_off = inner.is_off;
        let inode = &mut inner.inodes[file.inode];
        match luck {
            Luck::Good => inode.sync(),
            Luck::Bad(kind) => {
                if !is_off {
                    // The pages count as clean although they are not on the medium.
                    inode.pending.clear();
                }
                return Err(error(kind, "sync", &file.path));
            }
        }
        Ok(())
    }

    fn create_dir(&self, path: &str) -> Result<(), DiskError> {
        let mut inner = self.inner.borrow_mut();
        if let Luck::Bad(kind) = inner.luck(Need::Space) {
            return Err(error(kind, "create directory", path));
        }
        inner.directories.entry(path.to_owned()).or_default();
        Ok(())
    }

    fn sync_dir(&self, path: &str) -> Result<(), DiskError> {
        let mut inner = self.inner.borrow_mut();
        if let Luck::Bad(kind) = inner.luck(Need::Nothing) {
            return Err(error(kind, "sync directory", path));
        }
        inner
            .directory(path)
            .ok_or_else(|| error(DiskErrorKind::NotFound, "sync directory", path))?
            .sync();
        if path.is_empty() {
            for directory in inner.directories.values_mut() {
                directory.is_durable = true;
            }
        }
        Ok(())
    }

    fn rename(&self, from: &str, to: &str) -> Result<(), DiskError> {
        let mut inner = self.inner.borrow_mut();
        if let Luck::Bad(kind) = inner.luck(Need::Nothing) {
            return Err(error(kind, "rename", from));
        }
        if inner.lookup(from).is_none() {
            return Err(error(DiskErrorKind::NotFound, "rename", from));
        }
        let (directory, name) = split(from);
        let change = NameChange::Rename {
            from: name.to_owned(),
            to: split(to).1.to_owned(),
        };
        if let Some(directory) = inner.directory(directory) {
            directory.change(change);
        }
        Ok(())
    }

    fn remove(&self, path: &str) -> Result<(), DiskError> {
        let mut inner = self.inner.borrow_mut();
        if let Luck::Bad(kind) = inner.luck(Need::Nothing) {
            return Err(error(kind, "remove", path));
        }
        if inner.lookup(path).is_none() {
            return Err(error(DiskErrorKind::NotFound, "remove", path));
        }
        let (directory, name) = split(path);
        let name = name.to_owned();
        if let Some(directory) = inner.directory(directory) {
            directory.change(NameChange::Remove { name });
        }
        Ok(())
    }

    fn list(&self, path: &str) -> Result<Vec<String>, DiskError> {
        let mut inner = self.inner.borrow_mut();
        if let Luck::Bad(kind) = inner.luck(Need::Read) {
            return Err(error(kind, "list", path));
        }
        let names = inner
            .directory(path)
            .map(|directory| directory.current.keys().cloned().collect());
        Ok(names.unwrap_or_default())
    }

    fn free_space(&self) -> Result<u64, DiskError> {
        let inner = self.inner.borrow();
        let used: usize = inner.inodes.iter().map(|inode| inode.current.len()).sum();
        Ok(inner.capacity.saturating_sub(used as u64))
    }
}

fn file(inode: usize, path: &str) -> SimulatedFile {
    SimulatedFile {
        inode,
        path: path.to_owned(),
    }
}

fn split(path: &str) -> (&str, &str) {
    path.rsplit_once('/').unwrap_or(("", path))
}

fn join(directory: &str, name: &str) -> String {
    match directory {
        "" => name.to_owned(),
        directory => format!("{directory}/{name}"),
    }
}

fn error(kind: DiskErrorKind, operation: &'static str, path: &str) -> DiskError {
    DiskError {
        kind,
        operation,
        path: path.to_owned(),
        message: match kind {
            DiskErrorKind::NotFound => "the file does not exist",
            DiskErrorKind::NoSpace => "no space left on device",
            DiskErrorKind::Other => "input/output error",
        }
        .to_owned(),
    }
}
