//! Space comes back: acknowledgements pin nothing, and one old message does not hold a segment.

use store::{
    Deliveries, Flags, Moved, NameId, OpenGroup, Options, PositionRange, Publish, QueueId,
    QueueSaved, Queues, Record, Settle, Start, Store, Unit, disk::simulated::SimulatedDisk,
    read_message,
};

use crate::{message::Message, model::Model};

const START: Start = Start {
    now_ms: 1,
    random: [5; 16],
};
const QUEUE: QueueId = QueueId(1);
const SEGMENT: u32 = 16 << 10;

fn options() -> Options {
    Options {
        segment_bytes: SEGMENT,
        snapshot_log_bytes: 20 << 10,
        ..Options::default()
    }
}

struct Fixture {
    disk: SimulatedDisk,
    store: Store<SimulatedDisk>,
    group: OpenGroup<Message>,
    position: u64,
    now_ms: u64,
}

impl Fixture {
    fn new() -> Self {
        Self::with(options())
    }

    fn with(options: Options) -> Self {
        let disk = SimulatedDisk::new(0);
        let store = Store::open(disk.clone(), options, START)
            .expect("a new store")
            .store;
        let mut fixture = Self {
            disk,
            group: OpenGroup::new(store.group_limits(1 << 20)),
            store,
            position: 0,
            now_ms: 0,
        };
        fixture.push(Record::QueueSaved(QueueSaved {
            queue: QUEUE,
            kind: 0,
            attributes: Box::default(),
        }));
        fixture.commit();
        fixture
    }

    fn push(&mut self, record: Record<Message>) {
        self.group.push(Unit::single(record)).expect("room");
    }

    fn publish(&mut self) -> u64 {
        self.publish_to(QUEUE)
    }

    fn publish_to(&mut self, queue: QueueId) -> u64 {
        self.position += 1;
        self.push(Record::Publish(Publish {
            position: self.position,
            destination: NameId(1),
            kind: 0,
            flags: Flags::default(),
            timestamp_ms: 0,
            expires_ms: 0,
            queues: Queues::one(queue),
            content: Message::new(self.position),
        }));
        self.position
    }

    fn settle(&mut self, range: PositionRange) {
        self.push(Record::Settle(Settle {
            queue: QUEUE,
            ranges: vec![range],
        }));
    }

    fn commit(&mut self) {
        let group = self.group.take().expect("a group");
        self.store.commit(group).expect("no fault");
    }

    fn maintain(&mut self) -> Vec<store::Relocation> {
        let mut relocations = Vec::new();
        for _ in 0..50 {
            self.now_ms += 10;
            let step = self.store.maintain(self.now_ms).expect("no fault");
            relocations.extend(step.relocations);
        }
        relocations
    }

    fn segments(&self) -> usize {
        let files = self.disk.files();
        files.iter().filter(|path| path.ends_with(".seg")).count()
    }

    fn log_bytes(&self) -> usize {
        let files = self.disk.files();
        let segments = files.iter().filter(|path| path.ends_with(".seg"));
        segments
            .map(|path| {
                let content = self.disk.content(path).expect("a file");
                content
                    .iter()
                    .rposition(|&byte| byte != 0)
                    .map_or(0, |last| last + 1)
            })
            .sum()
    }
}

#[test]
fn settled_messages_free_their_segments_and_acknowledgements_pin_nothing() {
    let mut fixture = Fixture::new();
    for _ in 0..200 {
        for _ in 0..10 {
            fixture.publish();
        }
        fixture.commit();
        let last = fixture.position;
        fixture.settle(PositionRange { first: 1, last });
        fixture.commit();
        fixture.maintain();
    }
    // At most the log since the older of two snapshots.
    assert!(fixture.segments() <= 6, "{} segments", fixture.segments());
}

#[test]
fn one_old_message_does_not_hold_a_segment() {
    let mut fixture = Fixture::new();
    let old = fixture.publish();
    let mut relocations = Vec::new();
    for _ in 0..200 {
        for _ in 0..10 {
            fixture.publish();
        }
        fixture.commit();
        let last = fixture.position;
        fixture.settle(PositionRange {
            first: old + 1,
            last,
        });
        fixture.commit();
        relocations.extend(fixture.maintain());
    }
    assert!(fixture.segments() <= 6, "{} segments", fixture.segments());
    let relocation = relocations.last().expect("the old message was moved");
    assert_eq!(relocation.held.position, old);
    assert_eq!(
        fixture.store.state().location(relocation.held),
        Some(relocation.location)
    );
    let stored = read_message(&fixture.disk, fixture.store.id(), relocation.location)
        .expect("the message at its new place");
    assert_eq!(stored.message().map(|message| message.position), Some(old));

    // The copy counts after a restart as well.
    let Fixture { disk, store, .. } = fixture;
    drop(store);
    let opened = Store::open(disk.clone(), options(), START).expect("a store");
    let found = Model::read(&disk, opened.store.id(), opened.store.state()).expect("a message");
    assert_eq!(found.queues[&QUEUE.0].waiting.len(), 1);
}

#[test]
fn a_message_that_is_settled_before_it_is_written_is_never_written() {
    let mut fixture = Fixture::new();
    let before = fixture.log_bytes();
    for _ in 0..100 {
        let position = fixture.publish();
        fixture.push(Record::Deliveries(Deliveries {
            queue: QUEUE,
            position,
            count: 1,
        }));
        fixture.settle(PositionRange::single(position));
    }
    fixture.disk.heal();
    fixture.commit();
    assert_eq!(fixture.log_bytes(), before);
    assert_eq!(fixture.disk.operations(), 0, "no write and no sync");
}

#[test]
fn a_group_is_one_write_and_one_sync() {
    let mut fixture = Fixture::new();
    for _ in 0..50 {
        fixture.publish();
    }
    fixture.disk.heal();
    fixture.commit();
    assert_eq!(fixture.disk.operations(), 2);
}

#[test]
fn spare_segments_let_acknowledgements_go_on_when_the_disk_is_full() {
    let mut fixture = Fixture::new();
    for _ in 0..50 {
        fixture.publish();
    }
    fixture.commit();
    fixture.maintain();
    fixture
        .disk
        .fail_at(0, store::disk::simulated::Fault::NoSpace);
    // More than fits into the current segment.
    for position in 1..=50 {
        for count in 1..=16 {
            fixture.push(Record::Deliveries(Deliveries {
                queue: QUEUE,
                position,
                count,
            }));
        }
        fixture.settle(PositionRange::single(position));
        fixture.commit();
        fixture.maintain();
    }
    assert!(fixture.segments() > 1);
    assert_eq!(fixture.store.state().held_messages(), 0);
}

/// Fills some segments, and settles all messages but one in each.
fn mostly_settled() -> Fixture {
    let mut fixture = Fixture::with(Options {
        snapshot_log_bytes: 1 << 30,
        ..options()
    });
    while fixture.segments() < 6 {
        let first = fixture.publish();
        for _ in 0..40 {
            fixture.publish();
        }
        fixture.commit();
        let last = fixture.position;
        fixture.settle(PositionRange {
            first: first + 1,
            last,
        });
        fixture.commit();
    }
    fixture
}

#[test]
fn a_nearly_full_disk_gets_the_space_of_settled_messages_at_once() {
    let mut fixture = mostly_settled();
    fixture.maintain();
    assert_eq!(fixture.segments(), 6, "no snapshot is due");
    let held = fixture.store.state().held_messages();
    fixture.store.set_short_of_space(true);
    for _ in 0..20 {
        fixture.maintain();
    }
    let left = fixture.segments();
    assert!(left <= 2, "{left} segments");

    let Fixture { disk, store, .. } = fixture;
    drop(store);
    let opened = Store::open(disk.clone(), options(), START).expect("a store");
    let found = Model::read(&disk, opened.store.id(), opened.store.state()).expect("messages");
    assert_eq!(found.queues[&QUEUE.0].waiting.len(), held);
}

#[test]
fn a_nearly_full_disk_without_unused_segments_takes_no_snapshot() {
    let mut fixture = Fixture::with(Options {
        snapshot_log_bytes: 1 << 30,
        ..options()
    });
    while fixture.segments() < 3 {
        fixture.publish();
        fixture.commit();
    }
    fixture.store.set_short_of_space(true);
    for _ in 0..20 {
        fixture.maintain();
    }
    let files = fixture.disk.files();
    assert!(
        !files.iter().any(|path| path.ends_with(".snap")),
        "{files:?}"
    );
}

#[test]
fn a_message_that_moves_while_a_snapshot_is_written_is_not_lost() {
    // The snapshot visits the lower queue before the move, and the message's place in the higher one after it.
    let (lower, higher) = (QueueId(1), QueueId(2));
    let options = Options {
        snapshot_log_bytes: 1,
        step_items: 1,
        ..options()
    };
    let mut moves_in_between = 0;
    for steps in 1..12 {
        let mut fixture = Fixture::with(options);
        fixture.push(Record::QueueSaved(QueueSaved {
            queue: higher,
            kind: 0,
            attributes: Box::default(),
        }));
        let stays = fixture.publish();
        let visited_before = fixture.publish_to(higher);
        let moves = fixture.publish_to(higher);
        fixture.commit();
        for _ in 0..steps {
            fixture.now_ms += 1;
            fixture.store.maintain(fixture.now_ms).expect("no fault");
        }
        let is_complete = |disk: &SimulatedDisk| {
            let files = disk.files();
            files.iter().any(|path| path.ends_with(".snap"))
        };
        let was_complete = is_complete(&fixture.disk);
        fixture.position += 1;
        let new_position = fixture.position;
        fixture.push(Record::Moved(Moved {
            from: higher,
            position: moves,
            to: lower,
            new_position,
        }));
        fixture.commit();
        for _ in 0..20 {
            fixture.now_ms += 1;
            fixture.store.maintain(fixture.now_ms).expect("no fault");
            if is_complete(&fixture.disk) {
                break;
            }
        }
        moves_in_between += usize::from(!was_complete);

        let Fixture { disk, store, .. } = fixture;
        drop(store);
        let opened = Store::open(disk.clone(), options, START).expect("a store");
        let found = Model::read(&disk, opened.store.id(), opened.store.state()).expect("messages");
        let positions: Vec<u64> = found.queues[&lower.0].waiting.keys().copied().collect();
        assert_eq!(positions, [stays, new_position], "after {steps} steps");
        let left: Vec<u64> = found.queues[&higher.0].waiting.keys().copied().collect();
        assert_eq!(left, [visited_before], "after {steps} steps");
    }
    assert!(moves_in_between > 2);
}
