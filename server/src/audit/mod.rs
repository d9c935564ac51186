//! The audit log: logins, refusals, changes of the users file and management, as JSON lines in a file of their own.
//!
//! Recording never waits for the disk: a thread writes the lines. If it cannot keep up, lines are lost, and the next line that
//! is written says how many. Passwords, tokens and the content of messages are never recorded.

mod event;
mod repeated;
mod writer;

use std::{
    io,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
    time::Instant,
};

pub use event::{Event, Method, Text};

use repeated::Repeated;
use writer::Writer;

/// The audit log, if there is one.
pub struct AuditLog(Option<Open>);

struct Open {
    writer: Writer,
    repeated: Mutex<Repeated>,
}

/// The audit log cannot be opened.
#[derive(Debug, thiserror::Error)]
#[error("cannot open the audit log {}: {reason}", path.display())]
pub struct AuditError {
    path: PathBuf,
    reason: io::Error,
}

impl AuditLog {
    /// Returns a log that records nothing.
    pub const fn none() -> Self {
        Self(None)
    }

    /// Opens a file, and appends to it. A new file can be read by its owner only.
    ///
    /// # Errors
    /// The file cannot be opened.
    pub fn open(path: &Path) -> Result<Self, AuditError> {
        let writer = Writer::start(path).map_err(|reason| AuditError {
            path: path.to_owned(),
            reason,
        })?;
        Ok(Self(Some(Open {
            writer,
            repeated: Mutex::default(),
        })))
    }

    /// Records an event. Clients can cause refusals and logins over HTTP as often as they want, so only some of these are
    /// recorded, with the number of the others.
    pub fn record(&self, event: &Event<'_>) {
        let Some(Open { writer, repeated }) = &self.0 else {
            return;
        };
        let mut repeated = repeated.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(unrecorded) = repeated.count(event, Instant::now()) {
            drop(repeated);
            writer.write(event.line(unrecorded));
        }
    }

    /// Closes the file and opens it again by its name, after it was renamed.
    pub fn reopen(&self) {
        if let Some(open) = &self.0 {
            open.writer.reopen();
        }
    }

    /// Writes what is recorded, and ends the log.
    pub fn close(&self) {
        if let Some(open) = &self.0 {
            open.writer.close();
        }
    }
}
