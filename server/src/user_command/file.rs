//! The users file on disk: read, and replaced as a whole, so that a server never reads a part of it.

use std::{
    fs::{self, File, Metadata, OpenOptions},
    io::{self, Write as _},
    os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, fchown},
    path::{Path, PathBuf},
};

use access::{Identity, UsersEditor};
use anyhow::{Context as _, bail};

/// A users file that is being changed.
pub(super) struct FileEditor {
    path: PathBuf,
    pub(super) users: UsersEditor,
}

impl FileEditor {
    /// Opens an existing file.
    pub(super) fn open(path: &Path) -> anyhow::Result<Self> {
        let text = fs::read_to_string(path)
            .with_context(|| format!("cannot read the users file {}", path.display()))?;
        Self::of(path, &text)
    }

    /// Opens a file, or begins a new one.
    pub(super) fn open_or_new(path: &Path) -> anyhow::Result<Self> {
        match fs::read_to_string(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Self::of(path, NEW_FILE),
            text => {
                let text =
                    text.with_context(|| format!("cannot read the users file {}", path.display()))?;
                Self::of(path, &text)
            }
        }
    }

    fn of(path: &Path, text: &str) -> anyhow::Result<Self> {
        let users = UsersEditor::new(text).with_context(|| path.display().to_string())?;
        Ok(Self {
            path: path.to_owned(),
            users,
        })
    }

    pub(super) fn check_user(&self, name: &str) -> anyhow::Result<()> {
        match self.users.users().names().any(|user| user == name) {
            true => Ok(()),
            false => bail!("there is no user {name:?}"),
        }
    }

    /// Returns whether a user has no rights at all.
    pub(super) fn has_no_rules(&self, name: &str) -> bool {
        let identity = Identity {
            user: Some(name.into()),
            ..Identity::default()
        };
        self.users.users().grants(&identity) == access::Grants::default()
    }

    /// Replaces the file. It keeps its owner and its permissions, so that a server of another user can still read it; a new
    /// file can be read by its owner only.
    pub(super) fn save(&self) -> anyhow::Result<()> {
        let save = || -> io::Result<()> {
            // A link stays a link.
            let path = fs::canonicalize(&self.path).unwrap_or_else(|_| self.path.clone());
            let mut name = path.file_name().unwrap_or_default().to_owned();
            name.push(format!(".{}.tmp", std::process::id()));
            let temporary = path.with_file_name(name);
            let old = fs::metadata(&path).ok();
            let mut file = OpenOptions::new()
                .write(true)
                .create_new(true)
                .mode(0o600)
                .open(&temporary)?;
            let written = file
                .write_all(self.users.text().as_bytes())
                .and_then(|()| old.map_or(Ok(()), |old| take_over(&file, &old)))
                .and_then(|()| file.sync_all())
                .and_then(|()| fs::rename(&temporary, &path));
            if written.is_err() {
                // The error of writing is reported.
                let _ = fs::remove_file(&temporary);
            }
            written?;
            let directory = path
                .parent()
                .filter(|parent| !parent.as_os_str().is_empty());
            File::open(directory.unwrap_or(Path::new(".")))?.sync_all()
        };
        save().with_context(|| format!("cannot write the users file {}", self.path.display()))
    }
}

/// Gives a file the owner and the permissions of the one that it replaces.
fn take_over(file: &File, old: &Metadata) -> io::Result<()> {
    let new = file.metadata()?;
    if (new.uid(), new.gid()) != (old.uid(), old.gid()) {
        fchown(file, Some(old.uid()), Some(old.gid()))?;
    }
    file.set_permissions(old.permissions())
}

const NEW_FILE: &str = "\
# Users of Carillon and their rights: see \"Users and rights\" in the documentation. The server reads this file again when it changes.
#
# Rights: publish, subscribe (topics), send, receive, browse (queues), manage (both). Each has a list of filters: `*` is one
# level, `>` any number at the end, `%u` the user's name, `%c` the client id. `deny.publish` and so on take rights away. What
# nothing allows is denied.
";
