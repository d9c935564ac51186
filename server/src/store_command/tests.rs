//! Each command on a small store.

use std::{collections::BTreeMap, fs, path::Path};

use clap::Parser;
use serde_json::{Value, json};

use super::*;
use crate::storage::test_store::{self, TestDirectory};

#[derive(Debug, Parser)]
struct Line {
    #[command(subcommand)]
    command: Command,
}

/// Runs a command, and returns what it printed.
fn run(directory: &TestDirectory, words: &[&str]) -> (Result<Condition, Failure>, String) {
    let path = directory.0.to_str().expect("Unicode");
    let line = Line::parse_from([&["store"], words, &[path]].concat());
    let mut out = Vec::new();
    let outcome = line.command.run(&mut out);
    (outcome, String::from_utf8(out).expect("Unicode"))
}

fn printed(directory: &TestDirectory, condition: Condition, words: &[&str]) -> String {
    let (outcome, text) = run(directory, words);
    assert_eq!(outcome.expect("a report"), condition, "{words:?}: {text}");
    text
}

fn object(directory: &TestDirectory, condition: Condition, words: &[&str]) -> Value {
    let words = [words, &["--json"]].concat();
    serde_json::from_str(&printed(directory, condition, &words)).expect("one object")
}

fn failure(directory: &TestDirectory, words: &[&str]) -> Failure {
    run(directory, words).0.expect_err("no report")
}

/// Returns the content of all files.
fn contents(directory: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(directory).expect("a directory") {
        let path = entry.expect("a file").path();
        match path.is_dir() {
            true => found.extend(contents(&path)),
            false => {
                let content = fs::read(&path).expect("a file");
                found.insert(path.display().to_string(), content);
            }
        }
    }
    found
}

fn store() -> TestDirectory {
    let directory = TestDirectory::new();
    test_store::create(&directory);
    directory
}

/// Returns a store in which the frame of the message at position 5 is damaged.
fn damaged_store() -> TestDirectory {
    let directory = store();
    let segment = directory.0.join("log/00000001.seg");
    let mut content = fs::read(&segment).expect("a segment");
    let body = content.windows(4).position(|bytes| bytes == b"five");
    content[body.expect("the message")] ^= 1;
    fs::write(&segment, content).expect("a segment");
    directory
}

#[test]
fn info_describes_files_queues_topics_and_sessions() {
    let directory = store();
    let mut info = object(&directory, Condition::Sound, &["info"]);
    let bytes = info["bytes"].take();
    assert!(bytes["free"].as_u64() > Some(0) && bytes["log"].as_u64() >= Some(4096));
    assert_eq!(
        (&bytes["snapshots"], &bytes["damaged"]),
        (&json!(0), &json!(0))
    );
    let live = info["segments"][0]["liveBytes"].take();
    assert!(live.as_u64() > Some(0));
    let expected = json!({
        "formatVersion": 1,
        "store": "636172696c6c6f6e2d6578616d706c65",
        "closed": true,
        "epochs": [{"number": 1_700_000_000_000_u64, "firstPosition": 1}],
        "lastPosition": 9,
        "segments": [{"file": "log/00000001.seg", "bytes": 4096, "liveBytes": null}],
        "snapshots": [],
        "bytes": null,
        "messages": 4,
        "queues": [{"id": 1, "queue": "queue orders", "messages": 2, "firstPosition": 5}],
        "topics": [{"id": 1, "topic": "news", "messages": 1, "retained": 9}],
        "sessions": [{"client": "sensor", "position": 8}],
        "notes": [],
    });
    assert_eq!(info, expected);

    let text = printed(&directory, Condition::Sound, &["info"]);
    for line in [
        "store          636172696c6c6f6e2d6578616d706c65",
        "format         version 1, closed by a clean stop",
        "epochs         1; the last is 1700000000000, from position 1 on",
        "messages       4",
        "  queue orders: 2 messages",
        "  news: 1 message, one retained",
        "  sensor: received up to position 8",
    ] {
        assert!(
            text.lines().any(|found| found == line),
            "{line} is not in\n{text}"
        );
    }
}

#[test]
fn a_store_that_was_killed_is_described_with_a_note() {
    let directory = TestDirectory::new();
    let mut store = test_store::open(&directory);
    test_store::write(&mut store, test_store::records());
    drop(store);
    let segment = directory.0.join("log/00000001.seg");
    let mut content = fs::read(&segment).expect("a segment");
    let last = content.iter().rposition(|&byte| byte != 0);
    content[last.expect("frames")] ^= 1;
    fs::write(&segment, content).expect("a segment");

    let info = object(&directory, Condition::Sound, &["info"]);
    assert_eq!(info["closed"], false);
    let note = info["notes"][0].as_str().expect("a note");
    assert!(note.contains("an incomplete write"), "{note}");
    assert_eq!(
        info["sessions"],
        json!([{"client": "sensor", "position": null}])
    );
    assert_eq!(
        object(&directory, Condition::Sound, &["check"])["notes"][0],
        note
    );
}

#[test]
fn check_reports_the_place_of_a_damage() {
    let sound = object(&store(), Condition::Sound, &["check"]);
    let expected = json!({
        "sound": true, "frames": 8, "records": 8, "messages": 4,
        "damageCount": 0, "damages": [], "notes": [],
    });
    assert_eq!(sound, expected);

    let directory = damaged_store();
    let damaged = object(&directory, Condition::Damaged, &["check"]);
    assert_eq!(
        (&damaged["sound"], &damaged["damageCount"]),
        (&json!(false), &json!(1))
    );
    let damage = &damaged["damages"][0];
    assert_eq!(damage["file"], "log/00000001.seg");
    assert_eq!(damage["positions"], json!([1, 6]));
    let text = printed(&directory, Condition::Damaged, &["check"]);
    let offset = &damage["offset"];
    let place = format!("log/00000001.seg is damaged at byte {offset}: ");
    assert!(text.starts_with(&place), "{text}");
}

#[test]
fn export_prints_each_message_of_each_place() {
    let text = printed(&store(), Condition::Sound, &["export"]);
    let lines = text
        .lines()
        .map(|line| serde_json::from_str(line).expect("an object"));
    let found: Vec<Value> = lines.collect();
    let message = |place: &str, name: &str, position: u64| {
        json!({
            place: name,
            "position": position,
            "publishedPosition": position,
            "destination": "orders",
            "destinationKind": "queue",
            "timestamp": 1_700_000_000_000 + position,
            "expires": null,
            "deliveries": 0,
            "headers": [["a", "1"], ["b", "2"]],
            "attributes": "dGV4dC9wbGFpbg==",
        })
    };
    let with = |mut message: Value, fields: Value| {
        let (Value::Object(message_fields), Value::Object(fields)) = (&mut message, fields) else {
            panic!("two objects");
        };
        message_fields.extend(fields);
        message
    };
    let news = json!({"destination": "news", "destinationKind": "topic", "body": "nine"});
    let expected = [
        with(message("queue", "queue orders", 5), json!({"body": "five"})),
        with(
            message("queue", "queue orders", 7),
            json!({"bodyBase64": "/wA="}),
        ),
        with(message("topic", "news", 9), news.clone()),
        with(message("retained", "news", 9), news),
    ];
    assert_eq!(found, expected);
}

#[test]
fn a_repair_is_planned_and_then_done() {
    let directory = damaged_store();
    let before = contents(&directory.0);
    let mut planned = object(&directory, Condition::Damaged, &["repair"]);
    assert_eq!(contents(&directory.0), before, "a plan changes nothing");
    let expected = json!({
        "done": false,
        "setAside": ["damaged/00000001.seg.0"],
        "lostFrames": [{"file": "log/00000001.seg", "first": 4, "last": 4}],
        "lostCount": 0,
        "lost": [],
        "messages": 3,
    });
    assert_eq!(planned, expected);
    let text = printed(&directory, Condition::Damaged, &["repair"]);
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(
        lines,
        [
            "would lose: frames 4 to 4 of log/00000001.seg, with all messages and changes in them",
            "would set aside: damaged/00000001.seg.0",
            "would keep: 3 messages",
            "nothing was changed: add --set-aside to repair the store",
        ]
    );

    let done = object(&directory, Condition::Sound, &["repair", "--set-aside"]);
    planned["done"] = json!(true);
    assert_eq!(done, planned);
    assert_eq!(
        object(&directory, Condition::Sound, &["check"])["messages"],
        3
    );
    let nothing = printed(&directory, Condition::Sound, &["repair", "--set-aside"]);
    assert_eq!(nothing, "nothing is damaged\n");
    let opened = test_store::open(&directory);
    assert_eq!(opened.state().held_messages(), 3);
}

#[test]
fn reading_commands_change_nothing() {
    for directory in [store(), damaged_store()] {
        let before = contents(&directory.0);
        for command in ["info", "check", "export", "repair"] {
            let _ = run(&directory, &[command]);
            assert_eq!(contents(&directory.0), before, "{command}");
        }
    }
}

#[test]
fn a_damaged_store_is_not_described_or_exported() {
    let directory = damaged_store();
    for command in ["info", "export"] {
        let failure = failure(&directory, &[command]);
        assert_eq!(failure.condition(), Some(Condition::Damaged));
        let path = directory.0.display();
        let place = format!("{path}: log/00000001.seg is damaged at byte ");
        assert!(failure.to_string().starts_with(&place), "{failure}");
    }
}

const COMMANDS: [&[&str]; 5] = [
    &["info"],
    &["check"],
    &["export"],
    &["repair"],
    &["repair", "--set-aside"],
];

#[test]
fn a_store_in_use_is_refused() {
    let directory = store();
    let lock = DirectoryLock::exclusive(&directory.0).expect("the lock");
    for command in COMMANDS {
        let failure = failure(&directory, command);
        assert_eq!(failure.condition(), None);
        let text = failure.to_string();
        assert!(text.contains("is used by another process (pid "), "{text}");
    }
    drop(lock);
    printed(&directory, Condition::Sound, &["check"]);
}

#[test]
fn a_directory_without_a_store_is_refused_and_stays_empty() {
    let directory = TestDirectory::new();
    let missing = TestDirectory::new();
    fs::remove_dir(&missing.0).expect("an empty directory");
    for command in COMMANDS {
        for directory in [&directory, &missing] {
            let failure = failure(directory, command);
            let text = failure.to_string();
            assert!(text.ends_with(" has no store"), "{command:?}: {text}");
            assert_eq!(failure.condition(), None);
        }
    }
    assert_eq!(contents(&directory.0), BTreeMap::new());
    assert!(!missing.0.exists());
    fs::create_dir(&missing.0).expect("for its removal");
}
