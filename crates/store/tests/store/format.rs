//! The example in `FORMAT.md` is what the store writes, and the store reads it.

use store::{
    Flags, Name, NameId, OpenGroup, Options, Publish, QueueId, QueueSaved, Queues, Record, Start,
    Store, Unit, disk::simulated::SimulatedDisk,
};

use crate::{message::Message, model::Model};

const PAGE: &str = include_str!("../../FORMAT.md");
const SEGMENT: &str = "log/00000001.seg";
const START: Start = Start {
    now_ms: 1_700_000_000_000,
    random: *b"carillon-example",
};

#[test]
fn the_page_shows_what_the_store_writes() {
    let disk = SimulatedDisk::new(0);
    let options = Options {
        segment_bytes: 4096,
        ..Options::default()
    };
    let mut opened = Store::open(disk.clone(), options, START).expect("a new store");
    let mut group = OpenGroup::new(opened.store.group_limits(1 << 20));
    for record in records() {
        group.push(Unit::single(record)).expect("room");
    }
    let durable = opened.store.commit(group.take().expect("a group"));
    assert_eq!(durable.map(|durable| durable.position), Ok(7));
    opened.store.close(8).expect("a clean stop");

    for (file, length) in [("meta.a", 92), (SEGMENT, 194)] {
        let content = disk.content(file).expect("a file");
        assert!(
            content[length..].iter().all(|&byte| byte == 0),
            "{file} is longer"
        );
        let expected = hex(&content[..length]);
        assert!(
            PAGE.contains(&expected),
            "{file} is not in FORMAT.md:\n{expected}"
        );
    }

    let opened = Store::open(disk.clone(), options, START).expect("the example");
    let found = Model::read(&disk, opened.store.id(), opened.store.state()).expect("a message");
    let mut model = Model::default();
    records().iter().for_each(|record| model.apply(record));
    assert_eq!((found, opened.next_position), (model, 8));
}

fn records() -> [Record<Message>; 3] {
    [
        Record::Name(Name {
            id: NameId(1),
            kind: 1,
            name: (*b"orders").into(),
        }),
        Record::QueueSaved(QueueSaved {
            queue: QueueId(1),
            kind: 1,
            attributes: (*b"orders").into(),
        }),
        Record::Publish(Publish {
            position: 7,
            destination: NameId(1),
            kind: 1,
            flags: Flags::default(),
            timestamp_ms: START.now_ms,
            expires_ms: 0,
            queues: Queues::one(QueueId(1)),
            content: Message::new(1),
        }),
    ]
}

/// Returns lines of 16 bytes, each with its offset.
fn hex(bytes: &[u8]) -> String {
    let mut text = String::new();
    for (index, line) in bytes.chunks(16).enumerate() {
        let bytes: Vec<String> = line.iter().map(|byte| format!("{byte:02x}")).collect();
        text += &format!("{:04x}  {}\n", index * 16, bytes.join(" "));
    }
    text
}
