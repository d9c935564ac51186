//! Detects changes of files that are read again while the server runs: the certificate, the users file.

use std::{
    fs, io,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use tokio::{sync::watch, time::MissedTickBehavior};

/// Files that belong together, and the stamps that they had before they were read last.
#[derive(Debug, Clone, Default)]
pub struct ReadFiles {
    /// The files.
    pub paths: Vec<PathBuf>,
    /// Their stamps.
    pub read: Stamps,
}

impl ReadFiles {
    /// Takes the stamp of a file that is read next, so that a change in the meantime causes another read.
    pub fn add(&mut self, path: &Path) {
        self.paths.push(path.to_owned());
        self.read.0.push(Stamp::of(path).ok());
    }
}

/// Files that are read again after changes.
#[derive(Debug, Clone)]
pub struct WatchedFiles {
    /// The files.
    pub files: ReadFiles,
    /// The time between two checks. A change is read after it has stayed the same for this time.
    pub interval: Duration,
}

/// Calls `reload` after a change and at each SIGHUP, which `hangup` reports, as long as the server runs. `reload` returns the
/// files that it has read, if they may be others than before.
pub async fn watch_files(
    files: WatchedFiles,
    mut hangup: watch::Receiver<()>,
    mut reload: impl FnMut() -> Option<ReadFiles> + Send + 'static,
) {
    let WatchedFiles { files, interval } = files;
    let ReadFiles { mut paths, read } = files;
    let mut watch = FileWatch::new(read);
    let mut interval = tokio::time::interval(interval);
    interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let is_requested = tokio::select! {
            Ok(()) = hangup.changed() => true,
            _ = interval.tick() => false,
        };
        let names = format!("{paths:?}");
        // The files may be on a slow network file system.
        let checked = tokio::task::spawn_blocking(move || {
            let now = Stamps::of(&paths);
            if is_requested {
                watch = FileWatch::new(now.clone());
            }
            if (is_requested || watch.is_due(now))
                && let Some(files) = reload()
            {
                paths = files.paths;
                watch = FileWatch::new(files.read);
            }
            (paths, watch, reload)
        });
        match checked.await {
            Ok(after) => (paths, watch, reload) = after,
            Err(error) => {
                return tracing::error!(paths = names, %error, "changes of these files are no longer detected");
            }
        }
    }
}

/// Decides when to read the files: after a change, once they have stayed the same for one interval, because files are not
/// written at once, and not all at the same time.
#[derive(Debug)]
struct FileWatch {
    /// The stamps of the files read last.
    read: Stamps,
    seen: Stamps,
}

impl FileWatch {
    fn new(read: Stamps) -> Self {
        let seen = read.clone();
        Self { read, seen }
    }

    fn is_due(&mut self, now: Stamps) -> bool {
        let is_settled = now == self.seen;
        self.seen = now;
        if !is_settled || self.seen == self.read {
            return false;
        }
        self.read = self.seen.clone();
        true
    }
}

/// The stamps that show a change of files.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Stamps(Vec<Option<Stamp>>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Stamp {
    modified: SystemTime,
    bytes: u64,
    /// A link may point to another file now.
    inode: u64,
}

impl Stamps {
    /// Returns the present stamps of files.
    fn of<P: AsRef<Path>>(paths: &[P]) -> Self {
        let stamps = paths.iter().map(|path| Stamp::of(path.as_ref()).ok());
        Self(stamps.collect())
    }
}

impl Stamp {
    fn of(path: &Path) -> io::Result<Self> {
        let metadata = fs::metadata(path)?;
        Ok(Self {
            modified: metadata.modified()?,
            bytes: metadata.len(),
            inode: metadata.ino(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stamps(bytes: [u64; 2]) -> Stamps {
        let stamps = bytes.map(|bytes| {
            Some(Stamp {
                modified: SystemTime::UNIX_EPOCH,
                bytes,
                inode: 1,
            })
        });
        Stamps(stamps.into())
    }

    #[test]
    fn a_changed_pair_is_read_once_it_stays_the_same() {
        let mut watch = FileWatch::new(stamps([1, 1]));
        let checks = [
            ([1, 1], false),
            ([2, 1], false),
            ([2, 2], false),
            ([2, 2], true),
            ([2, 2], false),
            ([1, 1], false),
            ([1, 1], true),
        ];
        for (number, (seen, expected)) in checks.into_iter().enumerate() {
            assert_eq!(watch.is_due(stamps(seen)), expected, "look {number}");
        }
    }

    #[test]
    fn a_file_that_disappeared_and_returned_unchanged_is_not_read_again() {
        let mut watch = FileWatch::new(stamps([1, 1]));
        assert!(!watch.is_due(Stamps(vec![None, None])));
        assert!(!watch.is_due(stamps([1, 1])));
        assert!(!watch.is_due(stamps([1, 1])));
    }
}
