//! The thread that writes the log: it takes what has collected in the journal, writes it with one sync, and reports what is
//! durable. Between groups it maintains the store and watches the free space.

use std::{
    io,
    sync::Arc,
    thread::{Builder, JoinHandle},
    time::{Duration, Instant},
};

use broker::Completion;
use store::{Disk, DiskError, Store, StoreError};
use tokio::sync::oneshot;

use super::{
    disk_status::Space,
    journal::{LogJournal, State, Work},
    loader::Placer,
};

/// The running writer.
pub struct Writer<D: Disk> {
    thread: JoinHandle<Result<Store<D>, StoreError>>,
    journal: Arc<LogJournal>,
}

/// The reason why the store was not closed.
#[derive(Debug, thiserror::Error)]
pub enum StopError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The thread panicked.
    #[error("the writer of the log has panicked")]
    Panicked,
}

impl<D: Disk + Send + 'static> Writer<D>
where
    D::File: Send,
{
    /// Starts the thread. `failed` gets the error after which nothing more is written.
    ///
    /// # Errors
    /// The thread cannot be created.
    pub fn start(
        store: Store<D>,
        journal: Arc<LogJournal>,
        completion: Arc<Completion>,
        placer: Placer,
        failed: oneshot::Sender<StoreError>,
    ) -> io::Result<Self> {
        let own = Arc::clone(&journal);
        let thread = Builder::new()
            .name("carillon-log".to_owned())
            .spawn(move || run(store, &own, &completion, &placer, failed))?;
        Ok(Self { thread, journal })
    }

    /// Waits until everything is written, and closes the store. `next_position` is the position of the next message.
    ///
    /// # Errors
    /// The store has failed, or cannot be closed. The next start is then one after a crash.
    pub fn stop(self, next_position: u64) -> Result<(), StopError> {
        self.journal.set_state(State::Stopping);
        let store = self.thread.join().map_err(|_| StopError::Panicked)??;
        store.close(next_position)?;
        Ok(())
    }
}

fn run<D: Disk>(
    mut store: Store<D>,
    journal: &LogJournal,
    completion: &Completion,
    placer: &Placer,
    failed: oneshot::Sender<StoreError>,
) -> Result<Store<D>, StoreError> {
    match write_groups(&mut store, journal, completion, placer) {
        Ok(()) => {
            journal.set_state(State::Closed);
            Ok(store)
        }
        Err(error) => {
            // First, so that nothing more is accepted.
            journal.set_state(State::Closed);
            // The server may have stopped already.
            let _ = failed.send(error.clone());
            Err(error)
        }
    }
}

/// Writes until the server stops.
fn write_groups<D: Disk>(
    store: &mut Store<D>,
    journal: &LogJournal,
    completion: &Completion,
    placer: &Placer,
) -> Result<(), StoreError> {
    let start = Instant::now();
    let mut longest = IDLE;
    let mut free_checked = None;
    loop {
        let Work {
            group,
            requests,
            state,
        } = journal.take(longest);
        match state {
            State::Failed => return Err(StoreError::Failed),
            State::Stopping | State::Closed if group.is_none() => return Ok(()),
            State::Open | State::Stopping | State::Closed => {}
        }
        // Before the group, so that consumers do not wait for its sync.
        let requests = placer.pass_complete(store.state(), requests);
        if let Some(group) = group {
            let durable = store.commit(group)?;
            completion.complete(durable.group);
        }
        store.set_short_of_space(journal.space().free < journal.required_free());
        placer.pass(store.state(), requests);
        let step = store.maintain(start.elapsed().as_millis() as u64)?;
        for damage in step.damages {
            tracing::error!(%damage, "the store is damaged; its segment is kept");
        }
        longest = if step.has_more { Duration::ZERO } else { IDLE };
        let is_due = |checked: Instant| checked.elapsed() >= FREE_INTERVAL;
        if free_checked.is_none_or(is_due) {
            journal.set_space(space(store).map_err(StoreError::Disk)?);
            free_checked = Some(Instant::now());
        }
    }
}

/// Measures the space of the disk.
pub fn space<D: Disk>(store: &Store<D>) -> Result<Space, DiskError> {
    Ok(Space {
        free: store.disk().free_space()?,
        log: store.log_bytes(),
    })
}

/// Maximum time without a look at changes for which nobody waits, and at the free space.
const IDLE: Duration = Duration::from_secs(1);
const FREE_INTERVAL: Duration = Duration::from_secs(1);
