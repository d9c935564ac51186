//! Measures encoding and grouping, without a real disk. Run it with `cargo bench -p carillon-store`.

use std::{borrow::Cow, hint::black_box};

use divan::{Bencher, counter::ItemsCount};
use store::{
    Content, Disk, DiskError, Flags, Group, Header, OpenGroup, Options, PositionRange, Publish,
    QueueId, QueueSaved, Queues, Record, Settle, Start, Store, Unit,
    disk::simulated::{SimulatedDisk, SimulatedFile},
};

fn main() {
    divan::main();
}

const QUEUE: QueueId = QueueId(1);
const MEGABYTE: usize = 1 << 20;

/// A message of 100 bytes.
#[derive(Clone, Copy)]
struct Message;

impl Content for Message {
    fn attributes(&self) -> Cow<'_, [u8]> {
        Cow::Borrowed(b"")
    }

    fn headers(&self) -> impl ExactSizeIterator<Item = Header<'_>> {
        std::iter::empty()
    }

    fn body(&self) -> &[u8] {
        &[b'x'; 100]
    }

    fn size(&self) -> usize {
        140
    }
}

/// A disk that keeps names and headers, and drops what is written to the log.
struct Sink(SimulatedDisk);

impl Disk for Sink {
    type File = SimulatedFile;

    fn create(&self, path: &str) -> Result<SimulatedFile, DiskError> {
        self.0.create(path)
    }

    fn open(&self, path: &str) -> Result<SimulatedFile, DiskError> {
        self.0.open(path)
    }

    fn allocate(&self, _: &SimulatedFile, _: u64) -> Result<(), DiskError> {
        Ok(())
    }

    fn write_at(&self, file: &SimulatedFile, offset: u64, bytes: &[u8]) -> Result<(), DiskError> {
        match offset {
            0 => self.0.write_at(file, 0, bytes),
            _ => {
                black_box(bytes);
                Ok(())
            }
        }
    }

    fn read_at(
        &self,
        file: &SimulatedFile,
        offset: u64,
        buffer: &mut [u8],
    ) -> Result<usize, DiskError> {
        self.0.read_at(file, offset, buffer)
    }

    fn length(&self, file: &SimulatedFile) -> Result<u64, DiskError> {
        self.0.length(file)
    }

    fn sync_data(&self, file: &SimulatedFile) -> Result<(), DiskError> {
        self.0.sync_data(file)
    }

    fn create_dir(&self, path: &str) -> Result<(), DiskError> {
        self.0.create_dir(path)
    }

    fn sync_dir(&self, path: &str) -> Result<(), DiskError> {
        self.0.sync_dir(path)
    }

    fn rename(&self, from: &str, to: &str) -> Result<(), DiskError> {
        self.0.rename(from, to)
    }

    fn remove(&self, path: &str) -> Result<(), DiskError> {
        self.0.remove(path)
    }

    fn list(&self, path: &str) -> Result<Vec<String>, DiskError> {
        self.0.list(path)
    }

    fn free_space(&self) -> Result<u64, DiskError> {
        self.0.free_space()
    }
}

struct Bench {
    store: Store<Sink>,
    group: OpenGroup<Message>,
    position: u64,
}

impl Bench {
    fn new() -> Self {
        let start = Start {
            now_ms: 1,
            random: [1; 16],
        };
        let disk = Sink(SimulatedDisk::new(1));
        let store = Store::open(disk, Options::default(), start)
            .expect("a new store")
            .store;
        let mut bench = Self {
            group: OpenGroup::new(store.group_limits(16 * MEGABYTE)),
            store,
            position: 0,
        };
        bench.push(Record::QueueSaved(QueueSaved {
            queue: QUEUE,
            kind: 0,
            attributes: Box::default(),
        }));
        bench.commit();
        bench
    }

    fn push(&mut self, record: Record<Message>) {
        self.group.push(Unit::single(record)).expect("room");
    }

    fn publish(&mut self, count: usize) {
        for _ in 0..count {
            self.position += 1;
            self.push(Record::Publish(Publish {
                position: self.position,
                destination: store::NameId(1),
                kind: 1,
                flags: Flags::default(),
                timestamp_ms: 1_700_000_000_000,
                expires_ms: 0,
                queues: Queues::one(QUEUE),
                content: Message,
            }));
        }
    }

    fn settle(&mut self, count: usize) {
        let first = self.position + 1 - count as u64;
        let last = self.position;
        self.push(Record::Settle(Settle {
            queue: QUEUE,
            ranges: vec![PositionRange { first, last }],
        }));
    }

    fn take(&mut self) -> Group<Message> {
        self.group.take().expect("a group")
    }

    fn commit(&mut self) {
        let group = self.take();
        self.store.commit(group).expect("no error");
    }
}

/// Pushing to the open group, as under the broker's lock.
#[divan::bench(args = [16, 256, 4096])]
fn push(bencher: Bencher<'_, '_>, messages: usize) {
    let mut bench = Bench::new();
    bencher
        .counter(ItemsCount::new(messages))
        .bench_local(move || {
            bench.publish(messages);
            bench.take()
        });
}

/// Pushing, encoding and settling in the next group; without a disk.
#[divan::bench(args = [1, 16, 256, 4096])]
fn publish_and_settle(bencher: Bencher<'_, '_>, messages: usize) {
    let mut bench = Bench::new();
    bencher
        .counter(ItemsCount::new(messages))
        .bench_local(move || {
            bench.publish(messages);
            bench.commit();
            bench.settle(messages);
            bench.commit();
        });
}

/// Messages that are settled in the group in which they are published.
#[divan::bench(args = [16, 256, 4096])]
fn settled_before_written(bencher: Bencher<'_, '_>, messages: usize) {
    let mut bench = Bench::new();
    bencher
        .counter(ItemsCount::new(messages))
        .bench_local(move || {
            bench.publish(messages);
            bench.settle(messages);
            bench.commit();
        });
}
