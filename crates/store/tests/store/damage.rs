//! Damage of what was synced: always reported, and repaired on demand.

use std::ops::ControlFlow;

use simulation::Random;
use store::{
    Damage, Exported, Note, OpenError, Options, ReadError, Start, Store, check,
    disk::simulated::SimulatedDisk, export, has_store, info, plan_repair, repair,
};

use crate::{
    model::Model,
    schedule::{Crashed, Run},
    simulation::seeds,
};

const START: Start = Start {
    now_ms: 1 << 40,
    random: [5; 16],
};

const OPTIONS: Options = Options {
    segment_bytes: 8 << 10,
    frame_bytes: 4 << 10,
    snapshot_log_bytes: 1 << 20,
    snapshot_interval_ms: 1 << 40,
    step_items: 100,
    compact_below_percent: 30,
    compaction_step_bytes: 4 << 10,
    compaction_share_percent: 20,
    compaction_bytes_per_second: 0,
};

/// A store after a run, and its state.
struct Fixture {
    disk: SimulatedDisk,
    model: Model,
    random: Random,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Clean,
    Killed,
}

impl Fixture {
    fn new(seed: u64, end: End) -> Self {
        let mut run = Run::new(seed);
        let mut live = || -> Result<(), Crashed> {
            run.open()?;
            run.load(20)?;
            run.check_live();
            if end == End::Clean {
                run.close()?;
            }
            Ok(())
        };
        live().expect("no fault");
        Self {
            disk: run.disk.clone(),
            model: run.workload.model,
            random: Random::new(seed),
        }
    }

    /// Changes one bit of a file that the store needs. Returns the file.
    fn flip(&mut self, disk: &SimulatedDisk) -> String {
        let files = disk.files();
        let path = files[self.random.index(files.len())].clone();
        let bits = disk.content(&path).expect("a file").len() * 8;
        disk.flip_bit(&path, self.random.index(bits));
        path
    }
}

#[test]
fn one_changed_bit_is_reported_or_harmless() {
    let mut outcomes = [0; 4];
    for seed in seeds() {
        for end in [End::Clean, End::Killed] {
            let mut fixture = Fixture::new(seed, end);
            for _ in 0..FLIPS {
                let disk = fixture.disk.fork(seed);
                let path = fixture.flip(&disk);
                outcomes[judge(&fixture, &disk, &path, end)] += 1;
            }
        }
    }
    let [refused, unreadable, noted, harmless] = outcomes;
    println!("{refused} refused, {unreadable} unreadable, {noted} noted, {harmless} harmless");
}

const FLIPS: usize = 60;

/// Opens a store with one changed bit. Returns the kind of the outcome.
fn judge(fixture: &Fixture, disk: &SimulatedDisk, path: &str, end: End) -> usize {
    let is_sound = check(disk).is_ok_and(|checked| checked.damage_count == 0);
    let opened = match Store::open(disk.clone(), OPTIONS, START) {
        Ok(opened) => opened,
        Err(OpenError::Disk(error)) => panic!("{error}"),
        Err(_) => {
            assert!(!is_sound, "{path}: refused, but the check reported nothing");
            return 0;
        }
    };
    let store = opened.store;
    match Model::read(disk, store.id(), store.state()) {
        Err(ReadError::Damaged(_)) => {
            assert!(
                !is_sound,
                "{path}: unreadable, but the check reported nothing"
            );
            1
        }
        Err(error) => panic!("{path}: {error}"),
        Ok(found) => {
            let is_reported = opened
                .notes
                .iter()
                .any(|note| !matches!(note, Note::UncleanStart { .. }));
            if found == fixture.model {
                return if is_reported { 2 } else { 3 };
            }
            // Only the last frame of a store that was not closed may be lost, and this is reported.
            assert!(is_reported, "{path}: a change was not reported");
            assert_eq!(end, End::Killed, "{path}: a closed store lost a frame");
            let is_torn = |note: &Note| matches!(note, Note::TornTail { .. });
            assert!(
                opened.notes.iter().any(is_torn),
                "{path}: {:?}",
                opened.notes
            );
            2
        }
    }
}

#[test]
fn a_repaired_store_opens_with_what_was_left() {
    let mut repaired_stores = 0;
    for seed in seeds() {
        let mut fixture = Fixture::new(seed, End::Clean);
        for _ in 0..FLIPS / 4 {
            let disk = fixture.disk.fork(seed);
            let path = fixture.flip(&disk);
            let original = disk.content(&path);
            let before = contents(&disk);
            let planned = plan_repair(&disk);
            assert_eq!(contents(&disk), before, "{path}: the plan changed a file");
            let repaired = repair(&disk);
            assert_eq!(planned, repaired, "{path}");
            let repaired = match repaired {
                Ok(repaired) => repaired,
                // The only segment has no valid header.
                Err(OpenError::Damaged(damage)) => {
                    assert_eq!(damage.file, "log");
                    continue;
                }
                Err(error) => panic!("{path}: {error}"),
            };
            if !repaired.set_aside.is_empty() {
                let kept = &repaired.set_aside;
                let is_kept = |copy: &String| disk.content(copy) == original;
                assert!(kept.iter().any(is_kept), "{path} is not in {kept:?}");
                repaired_stores += 1;
            }
            let checked = check(&disk).expect("a readable disk");
            assert_eq!(checked.damages, [], "{path}: {repaired:?}");
            if !repaired.set_aside.is_empty() {
                let info = info(&disk).expect("a store").expect("a store");
                assert_eq!(repaired.state, info.state, "{path}");
            }
            let opened = Store::open(disk.clone(), OPTIONS, START)
                .unwrap_or_else(|error| panic!("{path}: {error}; {repaired:?}"));
            let store = opened.store;
            Model::read(&disk, store.id(), store.state()).expect("readable messages");
            // A repair that reports no loss has lost nothing.
            if repaired.lost_frames.is_empty() && repaired.lost_count == 0 {
                let found = Model::read(&disk, store.id(), store.state());
                assert_eq!(found.as_ref(), Ok(&fixture.model), "{path}");
            }
        }
    }
    assert!(repaired_stores > 0);
}

/// Returns all files with their contents.
fn contents(disk: &SimulatedDisk) -> Vec<(String, Option<Vec<u8>>)> {
    let files = disk.files().into_iter();
    files
        .map(|path| (path.clone(), disk.content(&path)))
        .collect()
}

#[test]
fn a_directory_with_any_file_of_a_store_has_a_store() {
    let disk = SimulatedDisk::new(0);
    assert_eq!(has_store(&disk), Ok(false));
    let other = store::Disk::create(&disk, "other").expect("a file");
    store::Disk::write_at(&disk, &other, 0, b"text").expect("space");
    assert_eq!(has_store(&disk), Ok(false));
    Store::open(disk.clone(), OPTIONS, START).expect("a new store");
    assert_eq!(has_store(&disk), Ok(true));
    for description in ["meta.a", "meta.b"] {
        store::Disk::remove(&disk, description).expect("a file");
    }
    assert_eq!(has_store(&disk), Ok(true));
}

#[test]
fn damage_in_the_middle_is_refused_with_file_offset_and_positions() {
    let (disk, offset) = damaged_in_the_middle();
    let refused = Store::open(disk.clone(), OPTIONS, START).err();
    let Some(OpenError::Damaged(Damage {
        file,
        offset: found,
        positions,
        ..
    })) = refused
    else {
        panic!("{refused:?}");
    };
    assert_eq!((file.as_str(), found), ("log/00000001.seg", offset));
    assert!(positions.is_some());
    assert_eq!(check(&disk).map(|checked| checked.damage_count), Ok(1));

    let repaired = repair(&disk).expect("a repair");
    let [lost] = &repaired.lost_frames[..] else {
        panic!("{repaired:?}");
    };
    assert_eq!((lost.first, lost.last), (1, 1));
    assert_eq!(repaired.set_aside, ["damaged/00000001.seg.0"]);
    assert!(Store::open(disk, OPTIONS, START).is_ok());
}

/// Returns a store with several frames, the first of which is damaged, and the place of the damage.
fn damaged_in_the_middle() -> (SimulatedDisk, u64) {
    const FIRST_FRAME: u64 = 64;
    let disk = SimulatedDisk::new(0);
    let opened = Store::open(disk.clone(), OPTIONS, START).expect("a new store");
    let mut store = opened.store;
    let mut group = store::OpenGroup::new(store.group_limits(1 << 20));
    for position in 1..=5 {
        let unit = store::Unit::single(store::Record::Publish(store::Publish {
            position,
            destination: store::NameId(1),
            kind: 0,
            flags: store::Flags::IN_TOPIC,
            timestamp_ms: 0,
            expires_ms: 0,
            queues: store::Queues::none(),
            content: crate::message::Message::new(position),
        }));
        group.push(unit).expect("room");
        store
            .commit(group.take().expect("a group"))
            .expect("no fault");
    }
    disk.flip_bit("log/00000001.seg", (FIRST_FRAME as usize + 60) * 8);
    (disk, FIRST_FRAME)
}

#[test]
fn a_newer_format_is_refused_by_name() {
    let fixture = Fixture::new(1, End::Clean);
    for path in ["meta.a", "meta.b"] {
        let mut content = fixture.disk.content(path).expect("a file");
        content[8] = 2;
        let length = u32::from_le_bytes(*content[12..].first_chunk().expect("4 bytes")) as usize;
        let checksum =
            crc32c::crc32c_append(crc32c::crc32c(&content[..16]), &content[20..20 + length]);
        content[16..20].copy_from_slice(&checksum.to_le_bytes());
        let file = store::Disk::open(&fixture.disk, path).expect("a file");
        store::Disk::write_at(&fixture.disk, &file, 0, &content).expect("space");
    }
    let refused = Store::open(fixture.disk, OPTIONS, START).err();
    let text = refused.map(|error| error.to_string());
    assert_eq!(
        text.as_deref(),
        Some("meta.a: the file has format version 2, this program reads at most version 1")
    );
}

#[test]
fn info_and_export_show_everything_without_a_change() {
    for seed in seeds() {
        let fixture = Fixture::new(seed, End::Clean);
        fixture.disk.heal();
        let info = info(&fixture.disk).expect("a store").expect("a store");
        let state = Model::read(&fixture.disk, info.store, &info.state);
        assert_eq!(state, Ok(fixture.model.clone()));
        assert!(info.is_closed && !info.segments.is_empty());

        let mut messages = 0;
        let mut others = 0;
        let visited = export(&fixture.disk, &mut |item| {
            match item {
                Exported::Message { message, .. } => {
                    assert!(message.message().is_some());
                    messages += 1;
                }
                Exported::Damaged(held, damage) => panic!("{held:?}: {damage}"),
                _ => others += 1,
            }
            ControlFlow::Continue(())
        });
        assert_eq!(visited, Ok(()));
        assert_eq!(messages, info.state.held_messages());
        let model = &fixture.model;
        assert_eq!(
            others,
            model.names.len() + model.queues.len() + model.sessions.len()
        );
        assert_eq!(fixture.disk.operations(), 0, "nothing was written");
    }
}
