//! `carillon store info`.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
    io::Write,
};

use printable::printable;
use serde::Serialize;
use store::{Disk, DiskError, FORMAT_VERSION, Info, NameId, State, info};

use super::{
    Condition, Failure, Reported, StoppedStore,
    description::{Names, has_messages, text},
    print_json,
};
use crate::storage::{client_of_changes, disk::FileDisk};

/// Prints the content of a store.
pub fn run(reported: &Reported, out: &mut dyn Write) -> Result<Condition, Failure> {
    let store = StoppedStore::for_reading(&reported.directory.directory)?;
    let Some(info) = info(&store.disk).map_err(|cause| store.failure(cause))? else {
        // The creation of the store was interrupted.
        return Err(Failure::NoStore(store.disk.directory().to_path_buf()));
    };
    let description = Description::new(&info, &store.disk)?;
    match reported.json {
        true => print_json(&description, out)?,
        false => description.print(out)?,
    }
    Ok(Condition::Sound)
}

/// The content of a store.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Description {
    format_version: u16,
    store: String,
    /// True after a clean stop.
    closed: bool,
    epochs: Vec<EpochObject>,
    last_position: u64,
    segments: Vec<SegmentObject>,
    /// The last frame in each snapshot.
    snapshots: Vec<u64>,
    bytes: Bytes,
    /// Messages in all places; a message in several places counts for each of them.
    messages: usize,
    queues: Vec<QueueObject>,
    topics: Vec<TopicObject>,
    sessions: Vec<SessionObject>,
    /// Report that the next start would give.
    notes: Vec<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct EpochObject {
    number: u64,
    first_position: u64,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct SegmentObject {
    file: String,
    bytes: u64,
    /// Bytes of messages that are still needed.
    live_bytes: u64,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Bytes {
    /// Files of the log, with segments that are allocated ahead.
    log: u64,
    snapshots: u64,
    /// Files that repairs have set aside.
    damaged: u64,
    /// Log that the next start reads.
    replayed: u64,
    /// Free space of the file system.
    free: u64,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct QueueObject {
    id: u32,
    queue: String,
    messages: usize,
    first_position: Option<u64>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct TopicObject {
    id: u32,
    topic: String,
    messages: usize,
    /// The position of the retained message.
    retained: Option<u64>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct SessionObject {
    client: String,
    position: Option<u64>,
}

impl Description {
    fn new(info: &Info, disk: &FileDisk) -> Result<Self, DiskError> {
        let state = &info.state;
        let names = Names::of(state);
        let epochs = info.epochs.iter().map(|epoch| EpochObject {
            number: epoch.number,
            first_position: epoch.first_position,
        });
        let segments = info.segments.iter().map(|segment| SegmentObject {
            file: segment.file(),
            bytes: segment.bytes,
            live_bytes: segment.live_bytes,
        });
        let sessions = state.sessions().map(|(client, session)| SessionObject {
            client: text(client),
            position: session.cursor.as_ref().map(|cursor| cursor.position),
        });
        let sessions = sessions.filter(|session| client_of_changes(&session.client).is_none());
        Ok(Self {
            format_version: FORMAT_VERSION,
            store: info.store.to_string(),
            closed: info.is_closed,
            epochs: epochs.collect(),
            last_position: state.last_position(),
            segments: segments.collect(),
            snapshots: info.snapshots.clone(),
            bytes: Bytes {
                log: bytes_in(disk, "log")?,
                snapshots: bytes_in(disk, "snap")?,
                damaged: bytes_in(disk, "damaged")?,
                replayed: info.replayed_bytes,
                free: disk.free_space()?,
            },
            messages: state.held_messages(),
            queues: queues(state, &names),
            topics: topics(state, &names),
            sessions: sessions.collect(),
            notes: info.notes.iter().map(ToString::to_string).collect(),
        })
    }

    fn print(&self, out: &mut dyn Write) -> Result<(), Failure> {
        let end = match self.closed {
            true => "closed by a clean stop",
            false => "not closed by a clean stop",
        };
        writeln!(out, "store          {}", self.store)?;
        writeln!(out, "format         version {}, {end}", self.format_version)?;
        if let Some(epoch) = self.epochs.last() {
            let (count, number) = (self.epochs.len(), epoch.number);
            let first = epoch.first_position;
            writeln!(
                out,
                "epochs         {count}; the last is {number}, from position {first} on"
            )?;
        }
        writeln!(out, "last position  {}", self.last_position)?;
        let bytes = &self.bytes;
        let live: u64 = self.segments.iter().map(|segment| segment.live_bytes).sum();
        let (segments, log) = (self.segments.len(), bytes.log);
        writeln!(
            out,
            "segments       {segments}, {log} bytes; messages need {live} bytes"
        )?;
        let (snapshots, length) = (self.snapshots.len(), bytes.snapshots);
        writeln!(out, "snapshots      {snapshots}, {length} bytes")?;
        writeln!(
            out,
            "next start     reads {} bytes of the log",
            bytes.replayed
        )?;
        if bytes.damaged > 0 {
            writeln!(out, "set aside      {} bytes in damaged/", bytes.damaged)?;
        }
        writeln!(out, "free space     {} bytes", bytes.free)?;
        writeln!(out, "messages       {}", self.messages)?;
        self.print_content(out)?;
        for note in &self.notes {
            writeln!(out, "note: {}", printable(note))?;
        }
        Ok(())
    }

    fn print_content(&self, out: &mut dyn Write) -> Result<(), Failure> {
        let queues = self
            .queues
            .iter()
            .map(|queue| format!("{}: {}", queue.queue, messages(queue.messages)));
        print_list("queues and durable subscriptions", queues, out)?;
        let topics = self.topics.iter().map(|topic| {
            let retained = topic.retained.map_or("", |_| ", one retained");
            format!("{}: {}{retained}", topic.topic, messages(topic.messages))
        });
        print_list("topics", topics, out)?;
        let sessions = self.sessions.iter().map(|session| match session.position {
            Some(position) => format!("{}: received up to position {position}", session.client),
            None => session.client.clone(),
        });
        print_list("sessions", sessions, out)
    }
}

fn messages(count: usize) -> String {
    match count {
        1 => "1 message".to_owned(),
        count => format!("{count} messages"),
    }
}

/// Prints the first lines of a list, and the number of the others.
fn print_list(
    title: &str,
    mut lines: impl ExactSizeIterator<Item = String>,
    out: &mut dyn Write,
) -> Result<(), Failure> {
    writeln!(out, "{title}: {}", lines.len())?;
    for line in lines.by_ref().take(SHOWN) {
        writeln!(out, "  {}", printable(&line))?;
    }
    if lines.len() > 0 {
        writeln!(out, "  and {} more; --json lists all", lines.len())?;
    }
    Ok(())
}

/// Lines of each list in the text.
const SHOWN: usize = 50;

/// Returns the queues that can have messages, those with the most messages first.
fn queues(state: &State, names: &Names) -> Vec<QueueObject> {
    let mut queues: Vec<QueueObject> = state
        .queues()
        .filter(|(_, queue)| has_messages(queue))
        .map(|(id, queue)| QueueObject {
            id: id.0,
            queue: names.queue(id),
            messages: queue.length(),
            first_position: queue.waiting().next().map(|(position, _)| position),
        })
        .collect();
    queues.sort_by_key(|queue| Reverse(queue.messages));
    queues
}

/// Returns the topics with messages or a retained message, by name.
fn topics(state: &State, names: &Names) -> Vec<TopicObject> {
    let retained: BTreeMap<NameId, u64> = state
        .retained()
        .map(|(topic, message)| (topic, message.position))
        .collect();
    let ids: BTreeSet<NameId> = state.topics().chain(retained.keys().copied()).collect();
    let mut topics: Vec<TopicObject> = ids
        .into_iter()
        .map(|id| TopicObject {
            id: id.0,
            topic: names.name(id),
            messages: state.topic(id).count(),
            retained: retained.get(&id).copied(),
        })
        .collect();
    topics.sort_by(|a, b| a.topic.cmp(&b.topic));
    topics
}

/// Returns the bytes of all files in a directory of the store.
fn bytes_in(disk: &FileDisk, directory: &str) -> Result<u64, DiskError> {
    let mut bytes = 0;
    for name in disk.list(directory)? {
        let file = disk.open(&format!("{directory}/{name}"))?;
        bytes += disk.length(&file)?;
    }
    Ok(bytes)
}
