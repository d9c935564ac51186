//! Any bytes in the files of a store give a state or an error.

use proptest::prelude::*;
use store::{Disk, Generation};
use store::{
    Location, MessageReader, Options, Start, Store, disk::simulated::SimulatedDisk, read_message,
};

use crate::schedule::Run;

const START: Start = Start {
    now_ms: 1,
    random: [3; 16],
};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_directory_with_any_bytes_is_opened_or_refused(
        meta: Vec<u8>,
        segment: Vec<u8>,
        snapshot: Vec<u8>,
    ) {
        let disk = SimulatedDisk::new(1);
        disk.create_dir("log").expect("a directory");
        disk.create_dir("snap").expect("a directory");
        for (path, bytes) in [
            ("meta.a", &meta),
            ("log/00000001.seg", &segment),
            ("snap/0000000000000001.snap", &snapshot),
        ] {
            let file = disk.create(path).expect("a file");
            disk.write_at(&file, 0, bytes).expect("bytes");
        }
        prop_assert!(Store::open(disk, Options::default(), START).is_err());
    }

    #[test]
    fn a_place_that_is_no_message_is_reported(seed in 0..50_u64, offset in 0..5_000_u32, length in 0..600_u32) {
        let mut run = Run::new(seed);
        run.open().expect("a store");
        run.load(4).expect("groups");
        let store = run.store.as_ref().expect("an open store");
        let location = Location { generation: Generation(1), offset, length };
        let placed = store.placements().iter().any(|placement| placement.location == location);
        let read = read_message(store.disk(), store.id(), location);
        let mut reader = MessageReader::new(store.disk(), store.id());
        let again = reader.read(location);
        prop_assert_eq!(read.is_ok(), again.is_ok_and(|stored| stored.message().is_some()));
        prop_assert!(placed || read.is_err() || read.is_ok_and(|stored| stored.message().is_some()));
    }
}
