//! The storage of a server, from its start to its stop.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::{Context as _, anyhow};
use broker::{Broker, Limits};
use ring::rand::{SecureRandom as _, SystemRandom};
use rustix::fs::statvfs;
use store::{Options, Start, Store, StoreError};
use tokio::{runtime::Handle, sync::oneshot};

use super::{
    directory_lock::DirectoryLock,
    disk::{Access, FileDisk},
    disk_status::{DiskStatus, SyncFigures},
    durable_topics::DurableTopics,
    journal::{JournalOptions, LogJournal},
    loader::{self, Loader},
    restore,
    session_log::{RestoredSession, SessionLog},
    writer::{self, Writer},
};
use crate::{advisory::Advisories, clock};

/// The options of the storage.
#[derive(Debug, Clone)]
pub struct StorageOptions {
    /// The directory of the store.
    pub directory: PathBuf,
    /// Bytes of the disk that must stay free; `None` means a twentieth of the disk, at least 1 GiB.
    pub disk_free: Option<u64>,
    /// The topics whose history survives a crash.
    pub durable_topics: DurableTopics,
}

/// The storage of a running server.
pub struct Storage {
    writer: Writer<FileDisk>,
    journal: Arc<LogJournal>,
    syncs: Arc<SyncFigures>,
    /// Not started yet.
    loader: Option<Loader<FileDisk>>,
    _lock: DirectoryLock,
}

/// A broker that was restored, and its storage.
pub struct Restored {
    /// The broker.
    pub broker: Arc<Broker>,
    /// The storage.
    pub storage: Storage,
    /// The sessions of MQTT. The caller restores them before [`Broker::end_restoration`].
    pub sessions: Vec<RestoredSession>,
    /// Gets the error after which nothing more is written.
    pub failed: oneshot::Receiver<StoreError>,
}

impl Storage {
    /// Opens the store, restores the broker from it, and starts the writer.
    ///
    /// # Errors
    /// Another process uses the directory, the store is damaged or was written by a newer version, or the disk failed.
    pub fn open(options: &StorageOptions, limits: Limits) -> anyhow::Result<Restored> {
        let directory = options.directory.display();
        let disk = FileDisk::new(&options.directory, Access::ReadWrite)?;
        disk.create_directory()?;
        let syncs = Arc::clone(disk.syncs());
        let lock = DirectoryLock::exclusive(disk.directory())?;
        let required_free = match options.disk_free {
            Some(bytes) => bytes,
            None => default_free(disk.directory())?,
        };
        let start = Start {
            now_ms: clock::unix_ms(),
            random: random()?,
        };
        let opened = Store::open(disk, Options::default(), start)
            .with_context(|| format!("cannot open the store in {directory}"))?;
        for note in &opened.notes {
            tracing::warn!(store = %directory, "{note}");
        }
        let limits_of_group = opened.store.group_limits(usize::MAX / 2);
        let ids = restore::first_ids(opened.store.state());
        let journal_options = JournalOptions {
            required_free,
            durable_topics: options.durable_topics.clone(),
        };
        let journal = Arc::new(LogJournal::new(limits_of_group, ids, journal_options));
        let (broker, sessions) = match restore::restore(&opened, &journal, limits) {
            Ok(restored) => restored,
            Err(error) => {
                if restore::was_clean(&opened) {
                    // So that the next start, perhaps with another version, is not one after a crash.
                    let _ = opened.store.close(opened.next_position);
                }
                let text = format!("cannot restore the broker from the store in {directory}");
                return Err(error.context(text));
            }
        };
        let space = writer::space(&opened.store).map_err(StoreError::Disk)?;
        journal.set_space(space);
        let broker = Arc::new(broker);
        let (failure, failed) = oneshot::channel();
        let completion = Arc::clone(broker.completion());
        let disk = opened.store.disk().clone();
        let (placer, loader) = loader::create(disk, opened.store.id(), &journal)?;
        let own = Arc::clone(&journal);
        let writer = Writer::start(opened.store, own, completion, placer, failure)
            .context("cannot start the writer of the log")?;
        Ok(Restored {
            broker,
            storage: Self {
                writer,
                journal,
                syncs,
                loader: Some(loader),
                _lock: lock,
            },
            sessions,
            failed,
        })
    }

    /// Returns the log of sessions.
    pub fn session_log(&self) -> SessionLog {
        SessionLog::new(&self.journal)
    }

    /// Returns the state of the disk.
    pub fn disk_status(&self) -> DiskStatus {
        DiskStatus::new(Arc::clone(&self.journal), Arc::clone(&self.syncs))
    }

    /// Starts to read messages for the broker. Before this, consumers wait for messages that are not in memory.
    ///
    /// # Errors
    /// The thread cannot be created.
    pub fn start_loading(
        &mut self,
        broker: &Arc<Broker>,
        advisories: &Arc<Advisories>,
    ) -> anyhow::Result<()> {
        if let Some(loader) = self.loader.take() {
            loader
                .start(
                    Arc::clone(broker),
                    Arc::clone(advisories),
                    Handle::current(),
                )
                .context("cannot start the reader of the log")?;
        }
        Ok(())
    }

    /// Records what a clean stop keeps, and closes the store. The caller has ended all sessions.
    ///
    /// # Errors
    /// The disk failed. What had been acknowledged is in the store; the histories of topics may not be.
    pub fn close(self, broker: &Broker) -> anyhow::Result<()> {
        let stopped = broker.record_all();
        self.journal.set_broker_end(stopped.newest_removed);
        Ok(self.writer.stop(stopped.next_position)?)
    }
}

/// Returns the default number of bytes that must stay free.
fn default_free(directory: &Path) -> anyhow::Result<u64> {
    let found = statvfs(directory).with_context(|| {
        format!(
            "cannot find the size of the disk of {}",
            directory.display()
        )
    })?;
    let size = found.f_blocks.saturating_mul(found.f_frsize);
    Ok((size / 20).max(1 << 30))
}

fn random() -> anyhow::Result<[u8; 16]> {
    let mut bytes = [0; 16];
    SystemRandom::new()
        .fill(&mut bytes)
        .map_err(|_| anyhow!("the system has no random numbers"))?;
    Ok(bytes)
}
