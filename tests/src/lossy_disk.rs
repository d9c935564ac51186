//! A file system that forgets at a power cut what was not synced: the page cache of a machine that loses its power. It is
//! mounted with FUSE, so the real binary runs on it.

use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use fuser::{
    BackgroundSession, Config, Errno, FileAttr, FileHandle, FileType, Filesystem, FopenFlags,
    Generation, INodeNo, LockOwner, OpenFlags, RenameFlags, ReplyAttr, ReplyCreate, ReplyData,
    ReplyDirectory, ReplyEmpty, ReplyEntry, ReplyOpen, ReplyStatfs, ReplyWrite, Request, Session,
    TimeOrNow, WriteFlags,
};

use files::{Directory, File, Files, Id, Node, Refused};

mod files;

/// A mounted file system. It is unmounted, and its directory removed, when the value is dropped.
pub struct LossyDisk {
    directory: PathBuf,
    files: Arc<Mutex<Files>>,
    /// `None` only during a power cut.
    session: Option<BackgroundSession>,
}

impl LossyDisk {
    /// Mounts an empty file system. Returns an error if the machine does not allow it: without `/dev/fuse`, or as a user
    /// without rights and without `fusermount`.
    pub fn mount() -> io::Result<Self> {
        let directory = crate::data::fresh_path("lossy");
        std::fs::create_dir(&directory)?;
        let mut disk = Self {
            directory,
            files: Arc::new(Mutex::new(Files::new())),
            session: None,
        };
        disk.session = Some(disk.start()?);
        Ok(disk)
    }

    fn start(&self) -> io::Result<BackgroundSession> {
        let view = View(Arc::clone(&self.files));
        Session::new(view, &self.directory, &Config::default())?.spawn()
    }

    pub fn path(&self) -> &Path {
        &self.directory
    }

    /// Forgets everything that was not synced. The programs that use the file system must have ended.
    pub fn cut_power(&mut self) {
        // Unmounted in between, so that the kernel remembers nothing either.
        let session = self.session.take().expect("it is mounted");
        session.umount_and_join().expect("no program uses it");
        lock(&self.files).lose_unsynced();
        self.session = Some(self.start().expect("it was mounted before"));
    }
}

impl Drop for LossyDisk {
    fn drop(&mut self) {
        drop(self.session.take());
        let _ = std::fs::remove_dir(&self.directory);
    }
}

fn lock(files: &Mutex<Files>) -> MutexGuard<'_, Files> {
    files.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The operations for the kernel.
struct View(Arc<Mutex<Files>>);

impl View {
    fn files(&self) -> MutexGuard<'_, Files> {
        lock(&self.0)
    }

    fn create(&self, parent: INodeNo, name: &OsStr, node: Node) -> Result<FileAttr, Errno> {
        let mut files = self.files();
        let id = files.create(parent.0, text(name)?, node)?;
        attributes(&files, id)
    }
}

impl From<Refused> for Errno {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::NotFound => Self::ENOENT,
            Refused::Exists => Self::EEXIST,
            Refused::NotADirectory => Self::ENOTDIR,
            Refused::IsADirectory => Self::EISDIR,
        }
    }
}

fn text(name: &OsStr) -> Result<&str, Errno> {
    name.to_str().ok_or(Errno::EINVAL)
}

fn attributes(files: &Files, id: Id) -> Result<FileAttr, Errno> {
    let (kind, size, perm) = match files.node(id)? {
        Node::File(file) => (FileType::RegularFile, file.length(), 0o600),
        Node::Directory(_) => (FileType::Directory, 0, 0o700),
    };
    Ok(FileAttr {
        ino: INodeNo(id),
        size,
        blocks: size.div_ceil(512),
        atime: SystemTime::UNIX_EPOCH,
        mtime: SystemTime::UNIX_EPOCH,
        ctime: SystemTime::UNIX_EPOCH,
        crtime: SystemTime::UNIX_EPOCH,
        kind,
        perm,
        nlink: 1,
        uid: 0,
        gid: 0,
        rdev: 0,
        blksize: 4096,
        flags: 0,
    })
}

/// The kernel keeps no attribute and no name.
const NO_CACHE: Duration = Duration::ZERO;
/// The kernel keeps no content.
const DIRECT: FopenFlags = FopenFlags::FOPEN_DIRECT_IO;
const HANDLE: FileHandle = FileHandle(0);
const GENERATION: Generation = Generation(0);
/// Blocks of 4 KiB: 1 TiB, all of it free.
const BLOCKS: u64 = 1 << 28;

impl Filesystem for View {
    fn lookup(&self, _: &Request, parent: INodeNo, name: &OsStr, reply: ReplyEntry) {
        let mut files = self.files();
        let found = text(name).and_then(|name| Ok(files.find(parent.0, name)?));
        match found.and_then(|id| attributes(&files, id)) {
            Ok(attributes) => reply.entry(&NO_CACHE, &attributes, GENERATION),
            Err(error) => reply.error(error),
        }
    }

    fn getattr(&self, _: &Request, id: INodeNo, _: Option<FileHandle>, reply: ReplyAttr) {
        match attributes(&self.files(), id.0) {
            Ok(attributes) => reply.attr(&NO_CACHE, &attributes),
            Err(error) => reply.error(error),
        }
    }

    fn setattr(
        &self,
        _: &Request,
        id: INodeNo,
        _mode: Option<u32>,
        _uid: Option<u32>,
        _gid: Option<u32>,
        size: Option<u64>,
        _atime: Option<TimeOrNow>,
        _mtime: Option<TimeOrNow>,
        _ctime: Option<SystemTime>,
        _handle: Option<FileHandle>,
        _crtime: Option<SystemTime>,
        _chgtime: Option<SystemTime>,
        _bkuptime: Option<SystemTime>,
        _flags: Option<fuser::BsdFileFlags>,
        reply: ReplyAttr,
    ) {
        let mut files = self.files();
        if let Some(size) = size {
            match files.file(id.0) {
                Ok(file) => file.set_length(size),
                Err(refused) => return reply.error(refused.into()),
            }
        }
        match attributes(&files, id.0) {
            Ok(attributes) => reply.attr(&NO_CACHE, &attributes),
            Err(error) => reply.error(error),
        }
    }

    fn mkdir(
        &self,
        _: &Request,
        parent: INodeNo,
        name: &OsStr,
        _mode: u32,
        _umask: u32,
        reply: ReplyEntry,
    ) {
        match self.create(parent, name, Node::Directory(Directory::default())) {
            Ok(attributes) => reply.entry(&NO_CACHE, &attributes, GENERATION),
            Err(error) => reply.error(error),
        }
    }

    fn create(
        &self,
        _: &Request,
        parent: INodeNo,
        name: &OsStr,
        _mode: u32,
        _umask: u32,
        _flags: i32,
        reply: ReplyCreate,
    ) {
        match View::create(self, parent, name, Node::File(File::default())) {
            Ok(attributes) => reply.created(&NO_CACHE, &attributes, GENERATION, HANDLE, DIRECT),
            Err(error) => reply.error(error),
        }
    }

    fn open(&self, _: &Request, _: INodeNo, _: OpenFlags, reply: ReplyOpen) {
        reply.opened(HANDLE, DIRECT);
    }

    fn unlink(&self, _: &Request, parent: INodeNo, name: &OsStr, reply: ReplyEmpty) {
        let mut files = self.files();
        answer(
            reply,
            text(name).and_then(|name| Ok(files.remove(parent.0, name)?)),
        );
    }

    fn rename(
        &self,
        _: &Request,
        parent: INodeNo,
        name: &OsStr,
        new_parent: INodeNo,
        new_name: &OsStr,
        _flags: RenameFlags,
        reply: ReplyEmpty,
    ) {
        let mut files = self.files();
        let renamed = text(name).and_then(|name| {
            let to = (new_parent.0, text(new_name)?);
            Ok(files.rename((parent.0, name), to)?)
        });
        answer(reply, renamed);
    }

    fn read(
        &self,
        _: &Request,
        id: INodeNo,
        _: FileHandle,
        offset: u64,
        size: u32,
        _flags: OpenFlags,
        _: Option<LockOwner>,
        reply: ReplyData,
    ) {
        match self.files().file(id.0) {
            Ok(file) => reply.data(&file.read(offset, size as usize)),
            Err(refused) => reply.error(refused.into()),
        }
    }

    fn write(
        &self,
        _: &Request,
        id: INodeNo,
        _: FileHandle,
        offset: u64,
        data: &[u8],
        _: WriteFlags,
        _flags: OpenFlags,
        _: Option<LockOwner>,
        reply: ReplyWrite,
    ) {
        match self.files().file(id.0) {
            Ok(file) => {
                file.write(offset, data);
                reply.written(data.len() as u32);
            }
            Err(refused) => reply.error(refused.into()),
        }
    }

    fn fallocate(
        &self,
        _: &Request,
        id: INodeNo,
        _: FileHandle,
        offset: u64,
        length: u64,
        _mode: i32,
        reply: ReplyEmpty,
    ) {
        let mut files = self.files();
        let extended = files.file(id.0).map(|file| {
            let length = file.length().max(offset + length);
            file.set_length(length);
        });
        answer(reply, extended.map_err(Errno::from));
    }

    fn flush(&self, _: &Request, _: INodeNo, _: FileHandle, _: LockOwner, reply: ReplyEmpty) {
        // `close` promises nothing.
        reply.ok();
    }

    fn fsync(&self, _: &Request, id: INodeNo, _: FileHandle, _datasync: bool, reply: ReplyEmpty) {
        let mut files = self.files();
        answer(reply, files.file(id.0).map(File::sync).map_err(Errno::from));
    }

    fn fsyncdir(
        &self,
        _: &Request,
        id: INodeNo,
        _: FileHandle,
        _datasync: bool,
        reply: ReplyEmpty,
    ) {
        let mut files = self.files();
        let synced = files.directory(id.0).map(Directory::sync);
        answer(reply, synced.map_err(Errno::from));
    }

    fn readdir(
        &self,
        _: &Request,
        id: INodeNo,
        _: FileHandle,
        offset: u64,
        mut reply: ReplyDirectory,
    ) {
        let mut files = self.files();
        let names: Vec<_> = match files.directory(id.0) {
            Ok(directory) => directory.seen.clone().into_iter().collect(),
            Err(refused) => return reply.error(refused.into()),
        };
        for (index, (name, id)) in names.iter().enumerate().skip(offset as usize) {
            let kind = match files.node(*id) {
                Ok(Node::Directory(_)) => FileType::Directory,
                _ => FileType::RegularFile,
            };
            if reply.add(INodeNo(*id), index as u64 + 1, kind, name) {
                break;
            }
        }
        reply.ok();
    }

    fn statfs(&self, _: &Request, _: INodeNo, reply: ReplyStatfs) {
        reply.statfs(BLOCKS, BLOCKS, BLOCKS, 1 << 20, 1 << 20, 4096, 255, 4096);
    }
}

fn answer(reply: ReplyEmpty, result: Result<(), Errno>) {
    match result {
        Ok(()) => reply.ok(),
        Err(error) => reply.error(error),
    }
}
