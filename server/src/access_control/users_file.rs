//! The users file of a running server, and the key set for JWTs that it names: read at the start, and again after each change.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use access::{FileError, KeySet, KeySetError, Users};
use broker::Broker;
use tokio::sync::watch;

use super::AccessControl;
use crate::{
    audit::{Event, Text},
    file_watch::{ReadFiles, WatchedFiles, watch_files},
};

/// A users file that was read.
#[derive(Debug)]
pub struct UsersFile {
    path: UsersPath,
    files: ReadFiles,
}

/// The path of a users file, which can be replaced. The new file is read at the next SIGHUP.
#[derive(Debug, Clone)]
pub struct UsersPath(Arc<Mutex<PathBuf>>);

impl UsersPath {
    /// Replaces the path.
    pub fn replace(&self, path: &Path) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = path.to_owned();
    }

    fn get(&self) -> PathBuf {
        let path = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        path.clone()
    }
}

/// The reason why a users file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum UsersFileError {
    /// The file cannot be read.
    #[error("cannot read the users file {}: {reason}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The cause.
        reason: io::Error,
    },
    /// The file has a fault.
    #[error("{}, {reason}", path.display())]
    Invalid {
        /// The file.
        path: PathBuf,
        /// The fault, with its line.
        reason: FileError,
    },
    /// The key set for JWTs cannot be read.
    #[error("cannot read the keys for JWTs {}: {reason}", path.display())]
    UnreadableKeys {
        /// The file.
        path: PathBuf,
        /// The cause.
        reason: io::Error,
    },
    /// The key set has a fault.
    #[error("the keys for JWTs {}: {reason}", path.display())]
    InvalidKeys {
        /// The file.
        path: PathBuf,
        /// The fault.
        reason: KeySetError,
    },
}

impl UsersFile {
    /// Reads a file, and the key set that it names.
    ///
    /// # Errors
    /// One of the files cannot be read, or has a fault.
    pub fn open(path: &Path) -> Result<(Self, Users), UsersFileError> {
        let ReadUsers {
            mut users,
            files,
            keys,
        } = ReadUsers::read(path)?;
        users.set_jwt_keys(keys?);
        let path = UsersPath(Arc::new(Mutex::new(path.to_owned())));
        Ok((Self { path, files }, users))
    }

    /// Returns the path.
    pub fn path(&self) -> UsersPath {
        self.path.clone()
    }
}

/// The result of reading a users file.
struct ReadUsers {
    users: Users,
    files: ReadFiles,
    /// The keys for JWTs: none if the users file names no key set.
    keys: Result<KeySet, UsersFileError>,
}

impl ReadUsers {
    fn read(path: &Path) -> Result<Self, UsersFileError> {
        let mut files = ReadFiles::default();
        files.add(path);
        let users = read_users(path)?;
        let keys = match users.jwt() {
            None => Ok(KeySet::default()),
            Some(jwt) => {
                let directory = path.parent().unwrap_or(Path::new(""));
                let keys_path = directory.join(jwt.keys_file());
                files.add(&keys_path);
                read_keys(&keys_path)
            }
        };
        Ok(Self { users, files, keys })
    }
}

/// Reads the users and the keys again after a change of the files and at each SIGHUP, as long as the server runs. A file with a
/// fault changes nothing.
pub async fn reload_on_change(
    file: UsersFile,
    access: Arc<AccessControl>,
    broker: Arc<Broker>,
    hangup: watch::Receiver<()>,
) {
    let UsersFile { path, files } = file;
    let watched = WatchedFiles {
        files,
        interval: CHECK_INTERVAL,
    };
    let reload = move || {
        let path = path.get();
        let mut files_before = ReadFiles::default();
        files_before.add(&path);
        match ReadUsers::read(&path) {
            Ok(ReadUsers {
                mut users,
                files,
                keys,
            }) => {
                let keys = keys.unwrap_or_else(|error| {
                    tracing::error!(%error, "the new keys are not used; the old ones stay in force");
                    access.jwt_keys().unwrap_or_default()
                });
                users.set_jwt_keys(keys);
                tracing::info!(path = %path.display(), "the users file was read again");
                if access.replace(users) {
                    broker.rejoin_wildcards();
                }
                Some(files)
            }
            Err(error) => {
                access.audit().record(&Event::UsersRefused {
                    reason: Text::from(&error.to_string()),
                });
                tracing::error!(%error, "the users file is not used; the old users stay in force");
                Some(files_before)
            }
        }
    };
    watch_files(watched, hangup, reload).await;
}

fn read_users(path: &Path) -> Result<Users, UsersFileError> {
    let text = fs::read_to_string(path).map_err(|reason| UsersFileError::Unreadable {
        path: path.to_owned(),
        reason,
    })?;
    Users::parse(&text).map_err(|reason| UsersFileError::Invalid {
        path: path.to_owned(),
        reason,
    })
}

fn read_keys(path: &Path) -> Result<KeySet, UsersFileError> {
    let text = fs::read_to_string(path).map_err(|reason| UsersFileError::UnreadableKeys {
        path: path.to_owned(),
        reason,
    })?;
    let keys = KeySet::parse(&text).map_err(|reason| UsersFileError::InvalidKeys {
        path: path.to_owned(),
        reason,
    })?;
    for reason in keys.skipped() {
        tracing::warn!(path = %path.display(), reason, "a key for JWTs is not used");
    }
    Ok(keys)
}

/// A change is in force after at most twice this time.
const CHECK_INTERVAL: Duration = Duration::from_millis(250);
