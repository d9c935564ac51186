//! A directory of files as the disk of a store.
//!
//! Owns what an operation of [`Disk`] means for the operating system. The content of the files belongs to the crate
//! `store`, and the lock to [`directory_lock`](super::directory_lock).

use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io,
    os::unix::fs::{DirBuilderExt as _, FileExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
    sync::Arc,
    time::Instant,
};

use rustix::fs::{FallocateFlags, fallocate, statvfs};
use store::{Disk, DiskError, DiskErrorKind};

use super::disk_status::SyncFigures;

/// A directory of files. Clones share the directory; any thread may use one.
#[derive(Debug, Clone)]
pub struct FileDisk {
    /// Absolute, so that a change of the working directory has no effect.
    directory: Arc<Path>,
    access: Access,
    syncs: Arc<SyncFigures>,
}

/// The operations that a [`FileDisk`] allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Operations that would change the directory fail.
    ReadOnly,
    /// All operations.
    ReadWrite,
}

/// An open file of a [`FileDisk`].
#[derive(Debug)]
pub struct DiskFile {
    file: File,
    path: PathBuf,
}

impl FileDisk {
    /// Returns a directory, which need not exist.
    ///
    /// # Errors
    ///
    /// The path is empty, or relative while the working directory is not known.
    pub fn new(directory: &Path, access: Access) -> Result<Self, DiskError> {
        let absolute = std::path::absolute(directory);
        Ok(Self {
            directory: absolute.map_err(failed("find", directory))?.into(),
            access,
            syncs: Arc::default(),
        })
    }

    /// Creates the directory if it is missing, readable for its owner only. Its parent must exist: if it is missing, a
    /// file system may not be mounted yet.
    ///
    /// # Errors
    ///
    /// An error of the disk.
    pub fn create_directory(&self) -> Result<(), DiskError> {
        self.create_dir("")?;
        match self.directory.parent() {
            Some(parent) => sync_directory(parent),
            None => Ok(()),
        }
    }

    /// Returns the figures about syncs of files.
    pub fn syncs(&self) -> &Arc<SyncFigures> {
        &self.syncs
    }

    /// Returns the directory as an absolute path.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    fn path(&self, path: &str) -> PathBuf {
        match path {
            // Joining an empty path would add a `/`.
            "" => self.directory.to_path_buf(),
            path => self.directory.join(path),
        }
    }

    /// Returns the path of a file that an operation changes.
    fn changed(&self, operation: &'static str, path: &str) -> Result<PathBuf, DiskError> {
        let path = self.path(path);
        match self.access {
            Access::ReadWrite => Ok(path),
            Access::ReadOnly => Err(DiskError {
                kind: DiskErrorKind::Other,
                operation,
                path: path.display().to_string(),
                message: "the directory is open for reading only".to_owned(),
            }),
        }
    }

    fn open_with(
        &self,
        options: &OpenOptions,
        operation: &'static str,
        path: PathBuf,
    ) -> Result<DiskFile, DiskError> {
        let file = options.open(&path).map_err(failed(operation, &path))?;
        Ok(DiskFile { file, path })
    }
}

impl Disk for FileDisk {
    type File = DiskFile;

    fn create(&self, path: &str) -> Result<DiskFile, DiskError> {
        let path = self.changed("create", path)?;
        let mut options = File::options();
        options.read(true).write(true).create(true).truncate(true);
        self.open_with(options.mode(FILE_MODE), "create", path)
    }

    fn open(&self, path: &str) -> Result<DiskFile, DiskError> {
        let mut options = File::options();
        options.read(true).write(self.access == Access::ReadWrite);
        self.open_with(&options, "open", self.path(path))
    }

    /// A copy-on-write file system may need new space for a write within a reserved file, so there the reservation is only
    /// probable.
    fn allocate(&self, file: &DiskFile, length: u64) -> Result<(), DiskError> {
        if length == 0 {
            return Ok(());
        }
        let reserve = || fallocate(&file.file, FallocateFlags::empty(), 0, length);
        let allocated = match rustix::io::retry_on_intr(reserve) {
            Err(rustix::io::Errno::OPNOTSUPP | rustix::io::Errno::NOSYS) => {
                append_zeros(&file.file, length)
            }
            reserved => reserved.map_err(io::Error::from),
        };
        allocated.map_err(failed("allocate", &file.path))
    }

    fn write_at(&self, file: &DiskFile, offset: u64, bytes: &[u8]) -> Result<(), DiskError> {
        let written = file.file.write_all_at(bytes, offset);
        self.syncs.count_written(bytes.len());
        written.map_err(failed("write", &file.path))
    }

    fn read_at(&self, file: &DiskFile, offset: u64, buffer: &mut [u8]) -> Result<usize, DiskError> {
        let mut length = 0;
        while length < buffer.len() {
            let rest = &mut buffer[length..];
            match file.file.read_at(rest, offset + length as u64) {
                Ok(0) => break,
                Ok(read) => length += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(failed("read", &file.path)(error)),
            }
        }
        Ok(length)
    }

    fn length(&self, file: &DiskFile) -> Result<u64, DiskError> {
        let metadata = file.file.metadata();
        Ok(metadata.map_err(failed("length of", &file.path))?.len())
    }

    fn sync_data(&self, file: &DiskFile) -> Result<(), DiskError> {
        let started = Instant::now();
        let synced = file.file.sync_data();
        self.syncs.count(started.elapsed());
        synced.map_err(failed("sync", &file.path))
    }

    fn create_dir(&self, path: &str) -> Result<(), DiskError> {
        let path = self.changed("create directory", path)?;
        match DirBuilder::new().mode(DIRECTORY_MODE).create(&path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists && path.is_dir() => Ok(()),
            created => created.map_err(failed("create directory", &path)),
        }
    }

    fn sync_dir(&self, path: &str) -> Result<(), DiskError> {
        sync_directory(&self.changed("sync directory", path)?)
    }

    fn rename(&self, from: &str, to: &str) -> Result<(), DiskError> {
        let from = self.changed("rename", from)?;
        fs::rename(&from, self.path(to)).map_err(failed("rename", &from))
    }

    fn remove(&self, path: &str) -> Result<(), DiskError> {
        let path = self.changed("remove", path)?;
        fs::remove_file(&path).map_err(failed("remove", &path))
    }

    fn list(&self, path: &str) -> Result<Vec<String>, DiskError> {
        let path = self.path(path);
        let entries = match fs::read_dir(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries.map_err(failed("list", &path))?,
        };
        let mut names = Vec::new();
        for entry in entries {
            let name = entry.map_err(failed("list", &path))?.file_name();
            // All names of a store are ASCII; a name that is not Unicode belongs to another program.
            names.extend(name.into_string());
        }
        Ok(names)
    }

    fn free_space(&self) -> Result<u64, DiskError> {
        let found = statvfs(&*self.directory);
        let found =
            found.map_err(|error| failed("free space of", &self.directory)(error.into()))?;
        Ok(found.f_bavail.saturating_mul(found.f_frsize))
    }
}

/// Extends a file with written zeros, on a file system that cannot reserve space.
fn append_zeros(file: &File, length: u64) -> io::Result<()> {
    static ZEROS: [u8; 1 << 16] = [0; 1 << 16];
    let mut end = file.metadata()?.len();
    while end < length {
        let rest = usize::try_from(length - end).unwrap_or(usize::MAX);
        let zeros = &ZEROS[..rest.min(ZEROS.len())];
        file.write_all_at(zeros, end)?;
        end += zeros.len() as u64;
    }
    Ok(())
}

fn sync_directory(path: &Path) -> Result<(), DiskError> {
    let synced = File::open(path).and_then(|directory| directory.sync_all());
    synced.map_err(failed("sync directory", path))
}

/// Returns the conversion of an error of the operating system.
fn failed(operation: &'static str, path: &Path) -> impl FnOnce(io::Error) -> DiskError {
    move |error| DiskError {
        kind: match error.kind() {
            io::ErrorKind::NotFound => DiskErrorKind::NotFound,
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => DiskErrorKind::NoSpace,
            _ => DiskErrorKind::Other,
        },
        operation,
        path: path.display().to_string(),
        message: error.to_string(),
    }
}

/// Messages are for the owner of the store only.
const FILE_MODE: u32 = 0o600;
const DIRECTORY_MODE: u32 = 0o700;

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use store::{Store, check, info};

    use super::*;
    use crate::storage::test_store::{self, OPTIONS, START, TestDirectory, to_queue};

    #[test]
    fn files_are_written_read_renamed_and_removed() {
        let (_directory, disk) = disk();
        disk.create_dir("log").expect("a directory");
        disk.create_dir("log")
            .expect("an existing directory is no error");
        let file = disk.create("log/a.tmp").expect("a file");
        disk.write_at(&file, 3, b"abc").expect("a write");
        disk.sync_data(&file).expect("a sync");
        assert_eq!(disk.syncs().total(), 1);
        let mut buffer = [1; 8];
        assert_eq!(disk.read_at(&file, 1, &mut buffer), Ok(5));
        assert_eq!(buffer, *b"\0\0abc\x01\x01\x01");
        assert_eq!(disk.read_at(&file, 6, &mut buffer), Ok(0));

        disk.rename("log/a.tmp", "log/a").expect("a rename");
        disk.sync_dir("log").expect("a sync");
        disk.sync_dir("").expect("a sync");
        assert_eq!(disk.list("log"), Ok(vec!["a".to_owned()]));
        assert_eq!(disk.list("snap"), Ok(vec![]), "a missing directory");
        disk.remove("log/a").expect("removed");
        assert_eq!(disk.list("log"), Ok(vec![]));
        assert!(disk.free_space().is_ok_and(|bytes| bytes > 0));
    }

    #[test]
    fn allocation_extends_a_file_with_zeros_and_keeps_its_content() {
        let (_directory, disk) = disk();
        let file = disk.create("a").expect("a file");
        disk.write_at(&file, 0, b"abc").expect("a write");
        disk.allocate(&file, 100_000).expect("space");
        assert_eq!(disk.length(&file), Ok(100_000));
        disk.allocate(&file, 10).expect("space");
        assert_eq!(disk.length(&file), Ok(100_000), "it does not get shorter");

        let other = disk.create("b").expect("a file");
        disk.write_at(&other, 0, b"abc").expect("a write");
        append_zeros(&other.file, 100_000).expect("space");
        let content = |file| {
            let mut content = vec![1; 100_001];
            let read = disk.read_at(file, 0, &mut content);
            (read, content)
        };
        assert_eq!(content(&file), content(&other));
        assert_eq!(content(&file).0, Ok(100_000));
    }

    #[test]
    fn files_and_directories_are_private() {
        let (directory, disk) = disk();
        let inner = FileDisk::new(&directory.0.join("data"), Access::ReadWrite).expect("a path");
        inner.create_directory().expect("a directory");
        inner
            .create_directory()
            .expect("an existing directory is no error");
        inner.create_dir("log").expect("a directory");
        inner.create("log/a").expect("a file");
        for (path, expected) in [("data", 0o700), ("data/log", 0o700), ("data/log/a", 0o600)] {
            let metadata = fs::metadata(disk.path(path)).expect("it exists");
            assert_eq!(metadata.permissions().mode() & 0o777, expected, "{path}");
        }
    }

    #[test]
    fn errors_have_kind_operation_and_path() {
        let (directory, disk) = disk();
        let root = disk.directory().display();
        let missing = disk.open("log/a").expect_err("no file");
        assert_eq!(missing.kind, DiskErrorKind::NotFound);
        assert_eq!(
            missing.to_string(),
            format!("open {root}/log/a: No such file or directory (os error 2)")
        );
        let missing = disk.rename("a", "b").expect_err("no file");
        assert_eq!(
            (missing.kind, missing.operation),
            (DiskErrorKind::NotFound, "rename")
        );

        disk.create("file").expect("a file");
        let errors = [
            disk.create("file/a").map(drop),
            disk.create_dir("file"),
            disk.list("file").map(drop),
        ];
        for error in errors {
            assert_eq!(error.map_err(|error| error.kind), Err(DiskErrorKind::Other));
        }

        let no_parent = directory.0.join("a/b");
        let no_parent = FileDisk::new(&no_parent, Access::ReadWrite).expect("a path");
        let error = no_parent.create_directory().expect_err("no parent");
        assert_eq!(error.operation, "create directory");

        let full = File::options()
            .read(true)
            .write(true)
            .open("/dev/full")
            .expect("Linux has it");
        let full = DiskFile {
            file: full,
            path: "/dev/full".into(),
        };
        let error = disk.write_at(&full, 0, b"a").expect_err("no space");
        assert_eq!(
            (error.kind, error.operation),
            (DiskErrorKind::NoSpace, "write")
        );
        for errno in [rustix::io::Errno::NOSPC, rustix::io::Errno::DQUOT] {
            let error = failed("write", Path::new("a"))(errno.into());
            assert_eq!(error.kind, DiskErrorKind::NoSpace);
        }
    }

    #[test]
    fn a_disk_for_reading_changes_nothing() {
        let (directory, disk) = disk();
        let file = disk.create("a").expect("a file");
        disk.write_at(&file, 0, b"abc").expect("a write");
        let reader = FileDisk::new(&directory.0, Access::ReadOnly).expect("a path");
        let opened = reader.open("a").expect("a file");
        assert_eq!(reader.length(&opened), Ok(3));
        let refused = [
            reader.create("a").map(drop),
            reader.write_at(&opened, 0, b"b"),
            reader.create_dir("b"),
            reader.create_directory(),
            reader.rename("a", "b"),
            reader.remove("a"),
            reader.sync_dir(""),
        ];
        for refused in refused {
            assert!(refused.is_err());
        }
        let mut content = [0; 3];
        assert_eq!(reader.read_at(&opened, 0, &mut content), Ok(3));
        assert_eq!(content, *b"abc");
    }

    #[test]
    fn a_store_keeps_its_groups_in_files() {
        let directory = TestDirectory::new();
        let mut store = test_store::open(&directory);
        test_store::write(&mut store, test_store::records());
        // They need more than one segment.
        let messages = (10..60).map(|position| to_queue(position, vec![1; 100]));
        test_store::write(&mut store, messages);
        drop(store);

        let positions = [5, 7].into_iter().chain(10..60).collect::<Vec<u64>>();
        let found = |store: &Store<FileDisk>| {
            let (_, queue) = store.state().queues().next().expect("a queue");
            queue
                .waiting()
                .map(|(position, _)| position)
                .collect::<Vec<_>>()
        };
        let opened = Store::open(directory.disk(), OPTIONS, START).expect("it was killed");
        assert_eq!(opened.next_position, 60);
        assert_eq!(found(&opened.store), positions);
        opened.store.close(70).expect("a clean stop");

        let checked = check(&directory.disk()).expect("a readable directory");
        assert_eq!((checked.damages, checked.messages), (vec![], 54));
        let opened = Store::open(directory.disk(), OPTIONS, START).expect("it was closed");
        assert_eq!((opened.next_position, opened.notes), (70, vec![]));
        assert_eq!(found(&opened.store), positions);
        let info = info(&directory.disk()).expect("a store").expect("a store");
        assert!(info.segments.len() > 1);
    }

    fn disk() -> (TestDirectory, FileDisk) {
        let directory = TestDirectory::new();
        let disk = directory.disk();
        (directory, disk)
    }
}
