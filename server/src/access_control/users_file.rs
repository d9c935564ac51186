//! The users file of a running server: read at the start, and again after each change.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use access::{FileError, Users};
use broker::Broker;
use tokio::sync::watch;

use super::AccessControl;
use crate::{
    audit::{Event, Text},
    file_watch::{Stamps, WatchedFiles, watch_files},
};

/// A users file that was read.
#[derive(Debug, Clone)]
pub struct UsersFile {
    path: PathBuf,
    read: Stamps,
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
}

impl UsersFile {
    /// Reads a file.
    ///
    /// # Errors
    /// The file cannot be read, or has a fault.
    pub fn open(path: &Path) -> Result<(Self, Users), UsersFileError> {
        // Taken before reading, so that a change in the meantime causes another read.
        let read = Stamps::of(&[path]);
        let users = read_users(path)?;
        let path = path.to_owned();
        Ok((Self { path, read }, users))
    }
}

/// Reads the users again after a change of the file and at each SIGHUP, as long as the server runs. A file with a fault changes
/// nothing.
pub async fn reload_on_change(
    file: UsersFile,
    access: Arc<AccessControl>,
    broker: Arc<Broker>,
    hangup: watch::Receiver<()>,
) {
    let UsersFile { path, read } = file;
    let watched = WatchedFiles {
        paths: vec![path.clone()],
        read,
        interval: CHECK_INTERVAL,
    };
    let reload = move || match read_users(&path) {
        Ok(users) => {
            tracing::info!(path = %path.display(), "the users file was read again");
            if access.replace(users) {
                broker.rejoin_wildcards();
            }
        }
        Err(error) => {
            access.audit().record(&Event::UsersRefused {
                reason: Text::from(&error.to_string()),
            });
            tracing::error!(%error, "the users file is not used; the old users stay in force")
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

/// A change is in force after at most twice this time.
const CHECK_INTERVAL: Duration = Duration::from_millis(250);
