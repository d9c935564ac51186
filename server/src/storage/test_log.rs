//! A log on a simulated disk, without a writer's thread: a test decides when it is synced.

use std::{
    cell::RefCell,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use broker::{Broker, Limits};
use store::{Options, Start, Store, disk::simulated::SimulatedDisk};

use super::{
    journal::{JournalOptions, LogJournal, Work},
    restore,
    session_log::{RestoredSession, SessionLog},
};

/// The log of one run of a server.
pub struct TestLog {
    journal: Arc<LogJournal>,
    store: RefCell<Store<SimulatedDisk>>,
    broker: Arc<Broker>,
}

impl TestLog {
    /// Opens the store on a disk, and restores what it has.
    pub fn open(disk: &SimulatedDisk) -> (Self, Vec<RestoredSession>) {
        static STARTS: AtomicU64 = AtomicU64::new(1_700_000_000_000);
        let start = Start {
            now_ms: STARTS.fetch_add(1, Ordering::Relaxed),
            random: *b"carillon-example",
        };
        let options = Options {
            // More than the margin of the largest message.
            segment_bytes: (1 << 20) + (128 << 10),
            ..Options::default()
        };
        let opened = Store::open(disk.clone(), options, start).expect("a sound store");
        let ids = restore::first_ids(opened.store.state());
        let limits = opened.store.group_limits(usize::MAX / 2);
        let journal = Arc::new(LogJournal::new(limits, ids, JournalOptions::default()));
        let restored = restore::restore(&opened, &journal, Limits::default());
        let (broker, sessions) = restored.expect("a broker");
        let log = Self {
            journal,
            store: RefCell::new(opened.store),
            broker: Arc::new(broker),
        };
        (log, sessions)
    }

    /// Returns the restored broker.
    pub fn broker(&self) -> &Arc<Broker> {
        &self.broker
    }

    /// Returns the log of sessions.
    pub fn session_log(&self) -> SessionLog {
        SessionLog::new(&self.journal)
    }

    /// Writes and syncs all changes.
    pub fn sync(&self) {
        let Work { group, .. } = self.journal.take(Duration::ZERO);
        if let Some(group) = group {
            let committed = self.store.borrow_mut().commit(group);
            let durable = committed.expect("a disk without faults");
            self.broker.completion().complete(durable.group);
        }
    }
}
