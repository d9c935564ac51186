//! The command `carillon store`: exit status, output, and the lock.

use std::borrow::Cow;
use std::fs::{self, File};
use std::io::Write;
use std::path::PathBuf;
use std::process::Output;
use std::sync::atomic::{AtomicU32, Ordering};

use harness::carillon::run;
use serde_json::{Value, json};
use store::disk::simulated::SimulatedDisk;
use store::{
    Content, Flags, Header, Name, NameId, OpenGroup, Options, Publish, QueueId, QueueSaved, Queues,
    Record, Start, Store, Unit,
};

/// A store in a directory, which is removed when the value is dropped.
struct StoreDirectory(PathBuf);

impl Drop for StoreDirectory {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).expect("it exists");
    }
}

struct Text(&'static str);

impl Content for Text {
    fn attributes(&self) -> Cow<'_, [u8]> {
        Cow::Borrowed(b"")
    }

    fn headers(&self) -> impl ExactSizeIterator<Item = Header<'_>> {
        [].into_iter()
    }

    fn body(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

impl StoreDirectory {
    /// Creates a store with a queue and two messages.
    fn new() -> Self {
        let disk = SimulatedDisk::new(1);
        let start = Start {
            now_ms: 1_700_000_000_000,
            random: [1; 16],
        };
        let options = Options {
            segment_bytes: 4096,
            ..Options::default()
        };
        let mut store = Store::open(disk.clone(), options, start)
            .expect("a new store")
            .store;
        let mut group = OpenGroup::new(store.group_limits(1 << 20));
        for record in records() {
            group.push(Unit::single(record)).expect("room");
            store.commit(group.take().expect("a group")).expect("space");
        }
        store.close(3).expect("a clean stop");

        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("carillon-e2e-store-{}-{number}", std::process::id());
        let directory = std::env::temp_dir().join(name);
        fs::create_dir(&directory).expect("a new directory");
        for file in disk.files() {
            let path = directory.join(&file);
            let parent = path.parent().expect("the directory");
            fs::create_dir_all(parent).expect("a directory");
            fs::write(path, disk.content(&file).expect("a file")).expect("a file");
        }
        Self(directory)
    }

    /// Changes a bit of the first message.
    fn damage(&self) {
        let path = self.0.join("log/00000001.seg");
        let mut content = fs::read(&path).expect("a segment");
        let body = content.windows(5).position(|bytes| bytes == b"first");
        content[body.expect("the message")] ^= 1;
        fs::write(path, content).expect("a segment");
    }

    /// Runs `carillon store` with these words and the directory.
    async fn run(&self, words: &[&str]) -> Output {
        let path = self.0.to_str().expect("Unicode");
        run(&[&["store"], words, &[path]].concat()).await
    }
}

fn records() -> Vec<Record<Text>> {
    let message = |position, text| {
        Record::Publish(Publish {
            position,
            destination: NameId(1),
            kind: 1,
            flags: Flags::default(),
            timestamp_ms: 5,
            expires_ms: 0,
            queues: Queues::one(QueueId(1)),
            content: Text(text),
        })
    };
    vec![
        Record::Name(Name {
            id: NameId(1),
            kind: 1,
            name: (*b"orders").into(),
        }),
        Record::QueueSaved(QueueSaved {
            queue: QueueId(1),
            kind: 1,
            attributes: (*b"").into(),
        }),
        message(1, "first"),
        message(2, "second"),
    ]
}

/// Returns the standard output of a command that ended with this status.
fn printed(output: &Output, status: i32) -> String {
    assert_eq!(output.status.code(), Some(status), "{output:?}");
    String::from_utf8(output.stdout.clone()).expect("Unicode")
}

/// Returns the error of a command that ended with this status.
fn complaint(output: &Output, status: i32) -> String {
    assert_eq!(printed(output, status), "");
    String::from_utf8(output.stderr.clone()).expect("Unicode")
}

#[tokio::test]
async fn a_sound_store_is_described_and_exported() {
    let store = StoreDirectory::new();
    let info = printed(&store.run(&["info"]).await, 0);
    assert!(info.contains("\nmessages       2\n"), "{info}");
    let info = printed(&store.run(&["info", "--json"]).await, 0);
    let info: Value = serde_json::from_str(&info).expect("an object");
    assert_eq!(
        (&info["closed"], &info["messages"]),
        (&json!(true), &json!(2))
    );

    let lines = printed(&store.run(&["export"]).await, 0);
    let lines = lines.lines().map(|line| -> Value {
        let message: Value = serde_json::from_str(line).expect("an object");
        json!([message["destination"], message["position"], message["body"]])
    });
    let expected = [
        json!(["orders", 1, "first"]),
        json!(["orders", 2, "second"]),
    ];
    assert_eq!(lines.collect::<Vec<_>>(), expected);

    let check = printed(&store.run(&["check"]).await, 0);
    assert!(check.ends_with("the store is sound\n"), "{check}");
    assert!(!store.0.join("lock").exists(), "nothing was created");
}

#[tokio::test]
async fn the_status_tells_damage_from_other_errors() {
    let store = StoreDirectory::new();
    store.damage();
    let check = printed(&store.run(&["check"]).await, 1);
    assert!(
        check.starts_with("log/00000001.seg is damaged at byte "),
        "{check}"
    );
    let refused = complaint(&store.run(&["export"]).await, 1);
    assert!(
        refused.contains("log/00000001.seg is damaged at byte "),
        "{refused}"
    );

    let missing = complaint(&run(&["store", "check", "/nonexistent/store"]).await, 2);
    assert_eq!(missing, "carillon: /nonexistent/store has no store\n");
    complaint(&run(&["store", "check"]).await, 2);
}

#[tokio::test]
async fn a_repair_needs_an_option_and_keeps_what_is_sound() {
    let store = StoreDirectory::new();
    store.damage();
    let plan = printed(&store.run(&["repair"]).await, 1);
    assert!(
        plan.contains("nothing was changed: add --set-aside"),
        "{plan}"
    );
    assert!(!store.0.join("damaged").exists());

    let repaired = printed(&store.run(&["repair", "--set-aside"]).await, 0);
    assert!(
        repaired.ends_with("the store is repaired; messages left: 1\n"),
        "{repaired}"
    );
    assert!(store.0.join("damaged/00000001.seg.0").exists());
    printed(&store.run(&["check"]).await, 0);
    let exported = printed(&store.run(&["export"]).await, 0);
    assert_eq!(exported.lines().count(), 1);
    assert!(exported.contains(r#""body":"second""#), "{exported}");
}

#[tokio::test]
async fn a_store_that_another_process_uses_is_refused() {
    let store = StoreDirectory::new();
    let mut lock = File::create(store.0.join("lock")).expect("a file");
    lock.try_lock().expect("a free lock");
    writeln!(lock, "123").expect("a write");
    for words in [&["info"][..], &["repair", "--set-aside"]] {
        let refused = complaint(&store.run(words).await, 2);
        let directory = store.0.display();
        let expected = format!("carillon: {directory} is used by another process (pid 123)\n");
        assert_eq!(refused, expected);
    }
    drop(lock);
    printed(&store.run(&["info"]).await, 0);
}
