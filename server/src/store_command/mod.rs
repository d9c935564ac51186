//! `carillon store`: commands for the store of a stopped server.
//!
//! Owns what these commands print and their exit status. The crate `store` reads, checks and repairs; `storage` has the files
//! and the lock.

mod check;
mod description;
mod export;
mod info;
mod repair;
#[cfg(test)]
mod tests;

use std::{
    io::{self, BufWriter, Write},
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::{Args, Subcommand};
use serde::Serialize;
use store::{DiskError, OpenError, has_store};

use crate::storage::{
    directory_lock::{DirectoryLock, LockError},
    disk::{Access, FileDisk},
};

#[derive(Debug, Args)]
pub struct StoreOptions {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Describe a store: its files, queues, topics and sessions
    Info(Reported),
    /// Read every byte of a store, and report damage. The exit status is 0 if the store is sound, 1 if it is damaged, 2
    /// after any other error
    Check(Reported),
    /// Print all messages as JSON, one object on each line. A message that several queues or topics hold is printed for
    /// each of them
    Export(Directory),
    /// Report what a repair of a damaged store would lose; repair it with --set-aside
    Repair {
        #[command(flatten)]
        reported: Reported,
        /// Repair the store. Damaged files are copied to the directory `damaged` in DIR first; what cannot be
        /// read is lost
        #[arg(long)]
        set_aside: bool,
    },
}

#[derive(Debug, Args)]
struct Directory {
    /// The directory of the store; no server may use it
    #[arg(value_name = "DIR")]
    directory: PathBuf,
}

#[derive(Debug, Args)]
struct Reported {
    #[command(flatten)]
    directory: Directory,
    /// Print one JSON object instead of text
    #[arg(long)]
    json: bool,
}

/// Runs a command. Its report is on standard output, and a reason why there is none on standard error.
pub fn run(options: &StoreOptions) -> ExitCode {
    let mut out = BufWriter::new(io::stdout().lock());
    let outcome = options.command.run(&mut out).and_then(|condition| {
        out.flush()?;
        Ok(condition)
    });
    match outcome {
        Ok(condition) => condition.into(),
        // The reader has what it wants.
        Err(Failure::Output(error)) if error.kind() == io::ErrorKind::BrokenPipe => {
            ExitCode::SUCCESS
        }
        Err(failure) => {
            printable::note(&format!("carillon: {failure}"));
            failure
                .condition()
                .map_or(ExitCode::from(2), ExitCode::from)
        }
    }
}

impl Command {
    fn run(&self, out: &mut dyn Write) -> Result<Condition, Failure> {
        match self {
            Self::Info(reported) => info::run(reported, out),
            Self::Check(reported) => check::run(reported, out),
            Self::Export(directory) => export::run(directory, out),
            Self::Repair {
                reported,
                set_aside: false,
            } => repair::plan(reported, out),
            Self::Repair {
                reported,
                set_aside: true,
            } => repair::repair(reported, out),
        }
    }
}

/// The condition of a store after a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Condition {
    Sound,
    Damaged,
}

impl From<Condition> for ExitCode {
    fn from(condition: Condition) -> Self {
        match condition {
            Condition::Sound => Self::SUCCESS,
            Condition::Damaged => Self::from(1),
        }
    }
}

/// The reason why a command has no complete report.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error(transparent)]
    Lock(#[from] LockError),
    #[error("{} has no store", .0.display())]
    NoStore(PathBuf),
    #[error(transparent)]
    Disk(#[from] DiskError),
    /// Damage or a newer format. The files of the cause are relative to the directory.
    #[error("{}: {cause}", .directory.display())]
    Store {
        directory: PathBuf,
        cause: OpenError,
    },
    #[error("standard output: {0}")]
    Output(#[from] io::Error),
}

impl Failure {
    fn condition(&self) -> Option<Condition> {
        match self {
            Self::Store {
                cause: OpenError::Damaged(_),
                ..
            } => Some(Condition::Damaged),
            _ => None,
        }
    }
}

/// A locked directory with a store.
#[derive(Debug)]
struct StoppedStore {
    disk: FileDisk,
    _lock: DirectoryLock,
}

impl StoppedStore {
    /// Locks a store for reading.
    fn for_reading(directory: &Path) -> Result<Self, Failure> {
        let disk = FileDisk::new(directory, Access::ReadOnly)?;
        let lock = DirectoryLock::shared(directory)?;
        Self::new(disk, lock)
    }

    /// Locks a store for a change.
    fn for_writing(directory: &Path) -> Result<Self, Failure> {
        // The lock of a directory without a store would create a file there.
        drop(Self::for_reading(directory)?);
        let lock = DirectoryLock::exclusive(directory)?;
        Self::new(FileDisk::new(directory, Access::ReadWrite)?, lock)
    }

    fn new(disk: FileDisk, lock: DirectoryLock) -> Result<Self, Failure> {
        match has_store(&disk)? {
            true => Ok(Self { disk, _lock: lock }),
            false => Err(Failure::NoStore(disk.directory().to_path_buf())),
        }
    }

    fn failure(&self, cause: OpenError) -> Failure {
        match cause {
            OpenError::Disk(error) => Failure::Disk(error),
            cause => Failure::Store {
                directory: self.disk.directory().to_path_buf(),
                cause,
            },
        }
    }
}

/// Prints an object on one line, without characters that control a terminal.
fn print_json(object: &impl Serialize, out: &mut dyn Write) -> Result<(), Failure> {
    let json = serde_json::to_string(object).map_err(io::Error::from)?;
    writeln!(out, "{}", printable::printable_json(&json))?;
    Ok(())
}
