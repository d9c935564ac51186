//! The broker's journal over a log on disk: collects the changes for the writer.
//!
//! A change is pushed to the open group under a short lock; the writer takes the whole group, so one sync serves all
//! changes of the group. A ticket is the number of a group.

use std::{
    sync::{
        Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread::{self, ThreadId},
    time::Duration,
};

use broker::{
    DestinationKind, Journal, JournalError, JournalMessage, LastingQueue, NameIds, PageRequest,
    TopicEnd, TopicName,
};
use store::{
    Cursor, Deliveries, Flags, Group, GroupLimits, Name, NameId, OpenGroup, PositionRange, Publish,
    QueueId, QueueSaved, Queues, Record, SessionSaved, Settle, Unit,
};

use super::{
    codec::{self, EntryContent},
    disk_status::Space,
    durable_topics::{DurableTopics, RecordedTopics},
};

/// The changes that wait for the writer.
#[derive(Debug)]
pub struct LogJournal {
    open: Mutex<Open>,
    emptied: Mutex<Emptied>,
    /// Wakes the writer.
    wake: Condvar,
    /// The largest unit that the log can store, in bytes.
    unit_bytes: usize,
    newest: AtomicU64,
    is_open: AtomicBool,
    is_full: AtomicBool,
    /// Free bytes of the disk, and bytes of the log, when they were last measured.
    free: AtomicU64,
    log_bytes: AtomicU64,
    options: JournalOptions,
}

/// The options of a journal.
#[derive(Debug, Default)]
pub struct JournalOptions {
    /// Bytes of the disk that must stay free: below it persistent messages are refused.
    pub required_free: u64,
    /// The topics whose messages are all recorded.
    pub durable_topics: DurableTopics,
}

#[derive(Debug)]
struct Open {
    group: OpenGroup<EntryContent>,
    /// The records of the open transaction, and the thread that has begun it. The records of other threads do not belong to
    /// it: their replies wait for an earlier group.
    transaction: Option<(ThreadId, Vec<Record<EntryContent>>)>,
    /// Messages that the broker needs. The broker bounds their number for each queue.
    requests: Vec<PageRequest>,
    /// The id of the next name.
    next_name: u32,
    /// The id of the next queue.
    next_queue: u32,
    is_waiting: bool,
    state: State,
}

/// The recorded position up to which durable topics have lost all their messages.
#[derive(Debug, Default)]
struct Emptied {
    position: u64,
    /// The ids of its records: one, if a position was recorded.
    records: Vec<u32>,
}

/// The state of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Changes are written.
    Open,
    /// A change could not be taken: the writer ends with an error.
    Failed,
    /// The server stops: the writer writes what is left and ends.
    Stopping,
    /// Nothing more is written, after a clean stop or a failure.
    Closed,
}

/// The work for the writer.
#[derive(Debug)]
pub struct Work {
    /// The changes to be written.
    pub group: Option<Group<EntryContent>>,
    /// Messages to be read, which are in the log or in `group`.
    pub requests: Vec<PageRequest>,
    /// After [`State::Stopping`] and no group, nothing is left.
    pub state: State,
}

/// The first ids that no earlier run has used.
#[derive(Debug, Clone, Copy)]
pub struct FirstIds {
    /// Of names.
    pub name: u32,
    /// Of queues.
    pub queue: u32,
}

impl LogJournal {
    /// Returns a journal without changes.
    pub fn new(limits: GroupLimits, first: FirstIds, options: JournalOptions) -> Self {
        let unit_bytes = limits.unit_bytes;
        let limits = GroupLimits {
            // The broker bounds the memory of messages, and publishers wait while the group is full; a change that was
            // made in the broker must be taken.
            group_bytes: usize::MAX / 2,
            ..limits
        };
        Self {
            open: Mutex::new(Open {
                group: OpenGroup::new(limits),
                transaction: None,
                requests: Vec::new(),
                next_name: first.name,
                next_queue: first.queue,
                is_waiting: false,
                state: State::Open,
            }),
            emptied: Mutex::default(),
            wake: Condvar::new(),
            unit_bytes,
            newest: AtomicU64::new(0),
            is_open: AtomicBool::new(true),
            is_full: AtomicBool::new(false),
            free: AtomicU64::new(u64::MAX),
            log_bytes: AtomicU64::new(0),
            options,
        }
    }

    fn lock(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Pushes a record, or adds it to the open transaction of this thread. Returns its ticket; that of a transaction may be
    /// greater.
    fn push(&self, record: Record<EntryContent>) -> u64 {
        let mut open = self.lock();
        if open.state == State::Closed {
            drop(open);
            // Without the lock: with the last reference to an entry, the broker records that it is gone.
            drop(record);
            return self.newest.load(Ordering::Relaxed);
        }
        match &mut open.transaction {
            Some((thread, records)) if *thread == thread::current().id() => {
                records.push(record);
                self.newest.load(Ordering::Relaxed)
            }
            _ => self.push_unit(open, Unit::single(record)),
        }
    }

    fn push_unit(&self, mut open: MutexGuard<'_, Open>, unit: Unit<EntryContent>) -> u64 {
        if open.state == State::Closed || unit.bytes() > self.unit_bytes {
            if open.state != State::Closed {
                // `check` should have refused it. What is not recorded must not be acknowledged.
                tracing::error!(bytes = unit.bytes(), "a change is too large for the log");
                self.fail(&mut open);
            }
            drop(open);
            drop(unit);
            return self.newest.load(Ordering::Relaxed);
        }
        match open.group.push(unit) {
            Ok(pushed) => self.newest.store(pushed.group, Ordering::Relaxed),
            Err(error) => {
                tracing::error!(%error, "a change cannot be recorded");
                self.fail(&mut open);
            }
        }
        if open.group.bytes() >= FULL_BYTES {
            self.is_full.store(true, Ordering::Relaxed);
        }
        self.newest.load(Ordering::Relaxed)
    }

    /// Ends the use of the log. No ticket becomes complete any more.
    fn fail(&self, open: &mut Open) {
        open.state = State::Failed;
        self.is_open.store(false, Ordering::Relaxed);
        self.newest.store(u64::MAX, Ordering::Relaxed);
        self.wake.notify_all();
    }

    /// Records the removal of a queue, or of the numbers of a clean stop, that the store has from an earlier run.
    pub fn remove_saved(&self, queue: QueueId) {
        self.push(Record::QueueRemoved(queue));
    }

    /// Returns the durable topics of this run.
    pub fn durable_topics(&self) -> &DurableTopics {
        &self.options.durable_topics
    }

    /// Records the durable topics of this run.
    pub fn save_durable_topics(&self, topics: &RecordedTopics) {
        self.save(codec::encode_durable_topics(topics));
    }

    /// Continues with the position up to which durable topics have lost all their messages, and its records.
    pub fn continue_emptied(&self, position: u64, records: Vec<u32>) {
        let mut emptied = self.lock_emptied();
        *emptied = Emptied { position, records };
        if emptied.records.len() != 1 {
            self.record_emptied(&mut emptied);
        }
    }

    fn lock_emptied(&self) -> MutexGuard<'_, Emptied> {
        self.emptied.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn record_emptied(&self, emptied: &mut Emptied) {
        let id = self.save(codec::encode_emptied(emptied.position));
        for before in std::mem::replace(&mut emptied.records, vec![id]) {
            self.push(Record::QueueRemoved(QueueId(before)));
        }
    }

    /// Records the numbers of the broker at a clean stop.
    pub fn set_broker_end(&self, newest_removed: u64) {
        self.save(codec::encode_broker_end(newest_removed));
    }

    /// Records a session.
    pub fn save_session(&self, client: &str, data: Box<[u8]>) {
        self.push(Record::SessionSaved(SessionSaved {
            client: client.as_bytes().into(),
            data,
        }));
    }

    /// Records the position and the window of a session.
    pub fn save_cursor(&self, client: &str, position: u64, window: Box<[u8]>) {
        self.push(Record::Cursor(Cursor {
            client: client.as_bytes().into(),
            position,
            window,
        }));
    }

    /// Records the end of a session.
    pub fn remove_session(&self, client: &str) {
        self.push(Record::SessionRemoved(client.as_bytes().into()));
    }

    fn save(&self, (kind, attributes): (u8, Box<[u8]>)) -> u32 {
        let id = self.take_id(|open| &mut open.next_queue);
        let saved = QueueSaved {
            queue: QueueId(id),
            kind,
            attributes,
        };
        self.push(Record::QueueSaved(saved));
        id
    }

    /// Returns the id that `next` holds, and increments it.
    fn take_id(&self, next: fn(&mut Open) -> &mut u32) -> u32 {
        let mut open = self.lock();
        let next = next(&mut open);
        *next += 1;
        *next - 1
    }

    /// Takes the open group and the requests. Waits at most this long for them.
    pub fn take(&self, longest: Duration) -> Work {
        let mut open = self.lock();
        let is_idle = open.group.is_empty() && open.requests.is_empty();
        if is_idle && open.state == State::Open && !longest.is_zero() {
            open.is_waiting = true;
            let waited = self.wake.wait_timeout(open, longest);
            (open, _) = waited.unwrap_or_else(PoisonError::into_inner);
            open.is_waiting = false;
        }
        let group = open.group.take();
        self.is_full.store(false, Ordering::Relaxed);
        Work {
            group,
            requests: std::mem::take(&mut open.requests),
            state: open.state,
        }
    }

    /// Asks the writer for the places of messages.
    pub fn request(&self, request: PageRequest) {
        let mut open = self.lock();
        open.requests.push(request);
        let is_waiting = open.is_waiting;
        drop(open);
        if is_waiting {
            self.wake.notify_one();
        }
    }

    /// Ends the use of the log, because a message cannot be read.
    pub fn fail_reading(&self) {
        self.fail(&mut self.lock());
    }

    /// Ends the use of the journal.
    pub fn set_state(&self, state: State) {
        let mut open = self.lock();
        open.state = state;
        self.is_open.store(state == State::Open, Ordering::Relaxed);
        if state == State::Closed {
            // Changes from now on are not recorded, so their tickets must not become complete.
            self.newest.store(u64::MAX, Ordering::Relaxed);
        }
        drop(open);
        self.wake.notify_all();
    }

    /// Notes the space of the disk.
    pub fn set_space(&self, space: Space) {
        self.log_bytes.store(space.log, Ordering::Relaxed);
        let before = self.free.swap(space.free, Ordering::Relaxed);
        let (free, required) = (space.free, self.required_free());
        match (before < required, free < required) {
            (true, false) => tracing::info!(free, required, "the disk has room again"),
            (false, true) => tracing::error!(
                free,
                required,
                "the disk is nearly full: persistent messages are refused"
            ),
            _ => {}
        }
    }

    /// Returns the space of the disk when it was last measured.
    pub fn space(&self) -> Space {
        Space {
            free: self.free.load(Ordering::Relaxed),
            log: self.log_bytes.load(Ordering::Relaxed),
        }
    }

    /// Returns the bytes that must stay free: below it persistent messages are refused.
    pub const fn required_free(&self) -> u64 {
        self.options.required_free
    }
}

impl NameIds for LogJournal {
    fn create_name(&self, kind: DestinationKind, name: &TopicName) -> u32 {
        let id = self.take_id(|open| &mut open.next_name);
        let name = Name {
            id: NameId(id),
            kind: codec::kind_number(kind),
            name: name.as_str().as_bytes().into(),
        };
        self.push(Record::Name(name));
        id
    }

    fn remove_name(&self, name: u32) {
        self.push(Record::NameRemoved(NameId(name)));
    }

    fn create_history(&self, topic: &TopicName) -> u32 {
        self.save(codec::encode_history(topic))
    }

    fn remove_history(&self, history: u32) {
        self.push(Record::QueueRemoved(QueueId(history)));
    }

    fn forget(&self, history: u32, position: u64) {
        self.settle(history, &[position]);
    }
}

impl Journal for LogJournal {
    fn check(&self, bytes: u64) -> Result<(), JournalError> {
        let free = self.free.load(Ordering::Relaxed);
        let required = self.required_free();
        if free < required {
            return Err(JournalError::DiskFull { free, required });
        }
        let limit = self.unit_bytes.saturating_sub(UNIT_MARGIN) as u64;
        if bytes > limit {
            return Err(JournalError::TooLarge { bytes, limit });
        }
        match self.is_open.load(Ordering::Relaxed) {
            true => Ok(()),
            false => Err(JournalError::Closed),
        }
    }

    fn keeps_history(&self, topic: &TopicName) -> bool {
        self.options.durable_topics.has(topic)
    }

    fn is_full(&self) -> bool {
        self.is_full.load(Ordering::Relaxed)
    }

    fn newest(&self) -> u64 {
        self.newest.load(Ordering::Relaxed)
    }

    fn wake(&self) {
        let open = self.lock();
        let is_waiting = open.is_waiting && !open.group.is_empty();
        drop(open);
        if is_waiting {
            self.wake.notify_one();
        }
    }

    fn begin_transaction(&self) {
        self.lock().transaction = Some((thread::current().id(), Vec::new()));
    }

    fn end_transaction(&self) -> u64 {
        let mut open = self.lock();
        match open.transaction.take() {
            Some((_, records)) if !records.is_empty() => {
                self.push_unit(open, Unit::transaction(records))
            }
            _ => self.newest.load(Ordering::Relaxed),
        }
    }

    fn create_queue(&self, queue: &LastingQueue<'_>) -> u32 {
        self.save(codec::encode_queue(queue))
    }

    fn set_paused(&self, queue: u32, name: &TopicName, is_paused: bool) {
        let (kind, attributes) = codec::encode_named_queue(name, is_paused);
        // Replaces the record of the queue; its messages stay.
        self.push(Record::QueueSaved(QueueSaved {
            queue: QueueId(queue),
            kind,
            attributes,
        }));
    }

    fn remove_queue(&self, queue: u32) {
        self.push(Record::QueueRemoved(QueueId(queue)));
    }

    fn append(&self, message: &JournalMessage<'_>) -> u64 {
        let entry = message.entry;
        let mut flags = Flags::default();
        if message.is_retained {
            flags = flags.with(Flags::RETAINED);
        }
        let publish = Publish {
            position: entry.position(),
            destination: NameId(message.name),
            kind: codec::kind_number(entry.kind()),
            flags,
            timestamp_ms: entry.timestamp_ms(),
            expires_ms: entry.expires_ms().unwrap_or(0),
            queues: match message.queues {
                [only] => Queues::one(QueueId(*only)),
                many => Queues::Many(many.iter().copied().map(QueueId).collect()),
            },
            content: EntryContent {
                entry: entry.clone(),
                previous: message.previous,
                schedule: message.schedule.map(|one| Box::new(one.clone())),
            },
        };
        self.push(Record::Publish(publish))
    }

    fn settle(&self, queue: u32, positions: &[u64]) {
        let ranges = positions.iter().copied().map(PositionRange::single);
        self.push(Record::Settle(Settle {
            queue: QueueId(queue),
            ranges: ranges.collect(),
        }));
    }

    fn set_deliveries(&self, queue: u32, position: u64, deliveries: u32) {
        self.push(Record::Deliveries(Deliveries {
            queue: QueueId(queue),
            position,
            count: deliveries,
        }));
    }

    fn remove_retained(&self, name: u32) {
        self.push(Record::Forget(NameId(name)));
    }

    fn set_emptied(&self, position: u64) {
        let mut emptied = self.lock_emptied();
        if position > emptied.position {
            emptied.position = position;
            self.record_emptied(&mut emptied);
        }
    }

    fn set_topic_end(&self, name: u32, end: TopicEnd) {
        self.save(codec::encode_topic_end(name, end));
    }

    fn load(&self, request: PageRequest) {
        self.request(request);
    }
}

/// Bytes of waiting changes from which on publishers of persistent messages wait.
const FULL_BYTES: usize = 16 << 20;
/// A message must be smaller than the largest unit by this number of bytes, for what is stored besides its content.
const UNIT_MARGIN: usize = 1 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    fn journal() -> LogJournal {
        let limits = GroupLimits {
            group_bytes: 1 << 20,
            unit_bytes: 4 << 20,
        };
        let first = FirstIds { name: 0, queue: 1 };
        LogJournal::new(limits, first, JournalOptions::default())
    }

    #[test]
    fn a_change_after_the_end_of_the_log_gets_a_ticket_that_never_completes() {
        let journal = journal();
        journal.remove_session("client");
        assert_eq!(journal.newest(), 1);
        journal.set_state(State::Closed);
        journal.remove_session("client");
        assert_eq!(journal.newest(), u64::MAX);
        assert_eq!(journal.check(1), Err(JournalError::Closed));
    }

    #[test]
    fn a_change_that_is_too_large_fails_the_log() {
        let journal = journal();
        journal.save_session("client", vec![0; 8 << 20].into());
        assert_eq!(journal.newest(), u64::MAX);
        assert_eq!(journal.take(Duration::ZERO).state, State::Failed);
    }

    #[test]
    fn a_pause_replaces_the_record_of_its_queue() {
        let journal = journal();
        let name = TopicName::new("orders").expect("a name");
        let id = journal.create_queue(&LastingQueue::Named(&name));
        assert_eq!(journal.newest(), 1);
        journal.set_paused(id, &name, true);
        let next = journal.create_queue(&LastingQueue::Named(&name));
        assert_eq!(next, id + 1, "a pause takes no id");
    }

    #[test]
    fn a_record_of_another_thread_is_not_part_of_an_open_transaction() {
        let journal = journal();
        journal.begin_transaction();
        journal.remove_session("own");
        assert_eq!(journal.newest(), 0);
        thread::scope(|scope| {
            scope.spawn(|| journal.remove_session("other"));
        });
        assert_eq!(journal.newest(), 1, "it is in the group already");
        assert!(journal.take(Duration::ZERO).group.is_some());
        assert_eq!(journal.end_transaction(), 2);
    }
}
