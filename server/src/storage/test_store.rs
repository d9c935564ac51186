//! A small store in a temporary directory, for tests.

use std::{
    borrow::Cow,
    env, fs,
    path::PathBuf,
    process,
    sync::atomic::{AtomicU32, Ordering},
};

use broker::{LastingQueue, TopicName};
use store::{
    Content, Cursor, Flags, Header, Name, NameId, OpenGroup, Options, Publish, QueueId, QueueSaved,
    Queues, Record, SessionSaved, Start, Store, Unit,
};

use crate::storage::{
    codec,
    disk::{Access, FileDisk},
};

/// An empty directory. It is removed when the value is dropped.
pub struct TestDirectory(pub PathBuf);

impl TestDirectory {
    /// Creates a directory that no other test uses.
    pub fn new() -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let path = env::temp_dir().join(format!("carillon-store-{}-{number}", process::id()));
        fs::create_dir(&path).expect("an empty directory");
        Self(path)
    }

    /// Returns the directory as a disk for reading and writing.
    pub fn disk(&self) -> FileDisk {
        FileDisk::new(&self.0, Access::ReadWrite).expect("a path")
    }
}

impl Drop for TestDirectory {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).expect("it exists");
    }
}

/// The content of a message: two headers and a body.
pub struct TestContent(pub Vec<u8>);

impl Content for TestContent {
    fn attributes(&self) -> Cow<'_, [u8]> {
        Cow::Borrowed(b"text/plain")
    }

    fn headers(&self) -> impl ExactSizeIterator<Item = Header<'_>> {
        [("a", "1"), ("b", "2")].iter().map(|(name, value)| Header {
            name: name.as_bytes(),
            value: value.as_bytes(),
        })
    }

    fn body(&self) -> &[u8] {
        &self.0
    }
}

/// Small segments, and no snapshot by itself.
pub const OPTIONS: Options = Options {
    segment_bytes: 4 << 10,
    frame_bytes: 1 << 10,
    snapshot_log_bytes: 1 << 20,
    snapshot_interval_ms: 1 << 40,
    step_items: 100,
    compact_below_percent: 30,
    compaction_step_bytes: 4 << 10,
    compaction_share_percent: 20,
    compaction_bytes_per_second: 0,
};

/// The input of each start.
pub const START: Start = Start {
    now_ms: 1_700_000_000_000,
    random: *b"carillon-example",
};

/// Opens the store in a directory, or creates one.
pub fn open(directory: &TestDirectory) -> Store<FileDisk> {
    let opened = Store::open(directory.disk(), OPTIONS, START);
    opened.expect("a store").store
}

/// Writes each record as a group of its own, so each has a frame of its own.
pub fn write(store: &mut Store<FileDisk>, records: impl IntoIterator<Item = Record<TestContent>>) {
    let mut group = OpenGroup::new(store.group_limits(1 << 20));
    for record in records {
        group.push(Unit::single(record)).expect("room");
        let taken = group.take().expect("a group");
        store.commit(taken).expect("space");
    }
}

/// Creates a store with queue `orders`, topic `news` and one session, and closes it.
pub fn create(directory: &TestDirectory) {
    let mut store = open(directory);
    write(&mut store, records());
    store.close(20).expect("a clean stop");
}

/// The kinds of names and of destinations.
pub const TOPIC: u8 = 0;
pub const QUEUE: u8 = 1;
const NEWS: NameId = NameId(1);
const ORDERS: NameId = NameId(2);

/// The frames of the store of [`create`]: record 0 is in frame 1.
pub fn records() -> Vec<Record<TestContent>> {
    let name = |id, kind, name: &[u8]| {
        let name = name.into();
        Record::Name(Name { id, kind, name })
    };
    let orders = TopicName::new("orders").expect("a name");
    vec![
        name(NEWS, TOPIC, b"news"),
        name(ORDERS, QUEUE, b"orders"),
        Record::QueueSaved(QueueSaved {
            queue: QueueId(1),
            kind: QUEUE,
            attributes: codec::encode_queue(&LastingQueue::Named(&orders)).1,
        }),
        to_queue(5, b"five".to_vec()),
        to_queue(7, b"\xff\x00".to_vec()),
        Record::Publish(Publish {
            destination: NEWS,
            kind: TOPIC,
            flags: Flags::IN_TOPIC.with(Flags::RETAINED),
            queues: Queues::none(),
            ..message(9, b"nine".to_vec())
        }),
        Record::SessionSaved(SessionSaved {
            client: (*b"sensor").into(),
            data: (*b"").into(),
        }),
        Record::Cursor(Cursor {
            client: (*b"sensor").into(),
            position: 8,
            window: (*b"").into(),
        }),
    ]
}

/// Returns a message to queue `orders`.
pub fn to_queue(position: u64, body: Vec<u8>) -> Record<TestContent> {
    Record::Publish(message(position, body))
}

fn message(position: u64, body: Vec<u8>) -> Publish<TestContent> {
    Publish {
        position,
        destination: ORDERS,
        kind: QUEUE,
        flags: Flags::default(),
        timestamp_ms: START.now_ms + position,
        expires_ms: 0,
        queues: Queues::one(QueueId(1)),
        content: TestContent(body),
    }
}
