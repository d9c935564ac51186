//! The thread that writes the audit log.

use std::{
    fs::{File, OpenOptions},
    io::{self, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
        mpsc::{self, Receiver, SyncSender, TrySendError},
    },
    thread::{self, JoinHandle},
};

use super::event::lost_line;

/// Passes lines to the thread that writes them.
pub(super) struct Writer {
    commands: SyncSender<Command>,
    /// Number of lines for which there was no room, since the last one that was.
    lost: AtomicU64,
    thread: Mutex<Option<JoinHandle<()>>>,
}

enum Command {
    Write(String),
    Reopen,
    Close,
}

impl Writer {
    pub(super) fn start(path: &Path) -> io::Result<Self> {
        let file = open(path)?;
        let (commands, receiver) = mpsc::sync_channel(MAX_WAITING);
        let path = path.to_owned();
        let run = move || Output { path, file }.run(&receiver);
        let thread = thread::Builder::new().name("audit".into()).spawn(run)?;
        Ok(Self {
            commands,
            lost: AtomicU64::new(0),
            thread: Mutex::new(Some(thread)),
        })
    }

    pub(super) fn write(&self, mut line: String) {
        let lost = self.lost.swap(0, Ordering::Relaxed);
        if lost > 0 {
            line.insert_str(0, &lost_line(lost));
        }
        if let Err(TrySendError::Full(_)) = self.commands.try_send(Command::Write(line)) {
            self.lost.fetch_add(lost + 1, Ordering::Relaxed);
        }
    }

    pub(super) fn reopen(&self) {
        // Fails after the end, and while the thread is many lines behind; then the next SIGHUP does it.
        if self.commands.try_send(Command::Reopen).is_err() {
            tracing::warn!("the audit log was not opened again");
        }
    }

    pub(super) fn close(&self) {
        let _ = self.commands.send(Command::Close);
        let mut thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(thread) = thread.take() {
            let _ = thread.join();
        }
    }
}

/// The file of the log.
struct Output {
    path: PathBuf,
    file: File,
}

impl Output {
    fn run(mut self, commands: &Receiver<Command>) {
        let mut is_failing = false;
        let mut lost = 0;
        for command in commands {
            let result = match command {
                Command::Write(line) => self.write(line, &mut lost),
                Command::Reopen => open(&self.path).map(|file| self.file = file),
                Command::Close => return,
            };
            // One line for each time that writing begins to fail.
            if let Err(error) = &result
                && !is_failing
            {
                tracing::error!(path = %self.path.display(), %error, "the audit log cannot be written");
            }
            is_failing = result.is_err();
        }
    }

    /// Writes a line, after a report of the lines that could not be written before it.
    fn write(&mut self, line: String, lost: &mut u64) -> io::Result<()> {
        let text = match *lost {
            0 => line,
            count => lost_line(count) + &line,
        };
        let written = self.file.write_all(text.as_bytes());
        *lost = match written {
            Ok(()) => 0,
            Err(_) => *lost + 1,
        };
        written
    }
}

fn open(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.create(true).append(true).mode(0o600).open(path)
}

/// Maximum number of lines that wait for the thread. Each has less than 4 KiB.
const MAX_WAITING: usize = 4_096;
