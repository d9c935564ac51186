//! The lock of a store's directory: either one process uses the store, or any number of processes inspect it.
//!
//! The operating system releases the lock when its process ends, however that happens.

use std::{
    fs::{File, OpenOptions, TryLockError},
    io::{self, Read as _, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::Path,
};

/// A lock of a store's directory. Dropping the value releases it.
#[derive(Debug)]
pub struct DirectoryLock {
    /// None if the directory has no lock file and must not be changed.
    file: Option<File>,
    sharing: Sharing,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sharing {
    Exclusive,
    Shared,
}

/// The reason why a directory is not locked.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Another process has the lock.
    #[error("{directory} is used by another process{}", id(.process))]
    Used {
        directory: String,
        /// The id that the process has written, if it uses the store and does not only inspect it.
        process: Option<u32>,
    },
    /// The lock file cannot be opened, locked or written.
    #[error("lock {path}: {cause}")]
    Failed { path: String, cause: io::Error },
}

impl DirectoryLock {
    /// Locks an existing directory for a process that uses its store, and writes the process id into the lock file.
    ///
    /// # Errors
    ///
    /// Another process has the lock, or the lock file cannot be written.
    pub fn exclusive(directory: &Path) -> Result<Self, LockError> {
        let path = directory.join(store::LOCK);
        let failed = failed(&path);
        let mut options = File::options();
        options.read(true).write(true).create(true).truncate(false);
        let mut file = options.mode(0o600).open(&path).map_err(&failed)?;
        take(file.try_lock(), &mut file, directory)?;
        let written = file
            .set_len(0)
            .and_then(|()| writeln!(file, "{}", std::process::id()));
        written.map_err(&failed)?;
        Ok(Self {
            file: Some(file),
            sharing: Sharing::Exclusive,
        })
    }

    /// Locks a directory for a process that reads its store, and changes nothing. A directory without a lock file was never
    /// used by a server, so it is not locked.
    ///
    /// # Errors
    ///
    /// A process uses the store, or the lock file cannot be read.
    pub fn shared(directory: &Path) -> Result<Self, LockError> {
        let path = directory.join(store::LOCK);
        let file = match OpenOptions::new().read(true).open(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            opened => {
                let mut file = opened.map_err(failed(&path))?;
                take(file.try_lock_shared(), &mut file, directory)?;
                Some(file)
            }
        };
        Ok(Self {
            file,
            sharing: Sharing::Shared,
        })
    }
}

impl Drop for DirectoryLock {
    fn drop(&mut self) {
        if let Some(file) = &self.file
            && self.sharing == Sharing::Exclusive
        {
            // So that a process that inspects the store later is not reported with this id. The id has no other use, so
            // an error has no effect.
            let _ = file.set_len(0);
        }
    }
}

/// Returns an error if the lock is not taken.
fn take(
    taken: Result<(), TryLockError>,
    file: &mut File,
    directory: &Path,
) -> Result<(), LockError> {
    match taken {
        Ok(()) => Ok(()),
        Err(TryLockError::WouldBlock) => Err(LockError::Used {
            directory: directory.display().to_string(),
            process: read_id(file),
        }),
        Err(TryLockError::Error(error)) => Err(failed(&directory.join(store::LOCK))(error)),
    }
}

fn read_id(file: &mut File) -> Option<u32> {
    let mut text = String::new();
    file.take(16).read_to_string(&mut text).ok()?;
    text.trim().parse().ok()
}

fn id(process: &Option<u32>) -> String {
    process.map_or_else(String::new, |id| format!(" (pid {id})"))
}

fn failed(path: &Path) -> impl Fn(io::Error) -> LockError {
    move |cause| LockError::Failed {
        path: path.display().to_string(),
        cause,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::test_store::TestDirectory;

    fn refusal(locked: Result<DirectoryLock, LockError>) -> String {
        locked.expect_err("it is locked").to_string()
    }

    #[test]
    fn a_second_process_is_refused_with_the_id_of_the_first() {
        let directory = TestDirectory::new();
        let lock = DirectoryLock::exclusive(&directory.0).expect("the lock");
        let shown = directory.0.display();
        let used = format!(
            "{shown} is used by another process (pid {})",
            std::process::id()
        );
        assert_eq!(refusal(DirectoryLock::exclusive(&directory.0)), used);
        assert_eq!(refusal(DirectoryLock::shared(&directory.0)), used);
        drop(lock);
        DirectoryLock::exclusive(&directory.0).expect("the lock is free again");
    }

    #[test]
    fn inspections_share_the_lock_and_exclude_a_use() {
        let directory = TestDirectory::new();
        drop(DirectoryLock::exclusive(&directory.0).expect("the lock"));
        let first = DirectoryLock::shared(&directory.0).expect("the lock");
        let second = DirectoryLock::shared(&directory.0).expect("the lock");
        let used = format!("{} is used by another process", directory.0.display());
        assert_eq!(refusal(DirectoryLock::exclusive(&directory.0)), used);
        drop((first, second));
        DirectoryLock::exclusive(&directory.0).expect("the lock is free again");
    }

    #[test]
    fn an_inspection_creates_no_lock_file() {
        let directory = TestDirectory::new();
        DirectoryLock::shared(&directory.0).expect("no lock is needed");
        assert!(!directory.0.join(store::LOCK).exists());
    }

    #[test]
    fn a_lock_file_that_cannot_be_opened_is_reported() {
        let directory = TestDirectory::new();
        let file = directory.0.join("file");
        std::fs::write(&file, "").expect("a file");
        for locked in [
            DirectoryLock::exclusive(&file),
            DirectoryLock::shared(&file),
            DirectoryLock::exclusive(&directory.0.join("missing")),
        ] {
            assert!(
                matches!(locked, Err(LockError::Failed { .. })),
                "{locked:?}"
            );
        }
    }
}
