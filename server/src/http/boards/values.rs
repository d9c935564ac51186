//! `/api/boards/{name}/values`: a board with all that its page shows at first, so that one request draws it.

use std::sync::Arc;

use access::Right;
use app::Board;
use axum::{
    Json,
    extract::State,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use broker::{
    Broker, DestinationKind, HistoryPlace, Owner, SharedEntry, TEMPORARY, TopicFilter, TopicName,
};
use serde::Serialize;
use serde_json::value::RawValue;

use super::{readable_board, tag_of, text_of};
use crate::{
    access_control::Principal,
    clock, fairness,
    http::{extract::Path, login::Rights, problem::Problem},
    server::Server,
};

/// `GET /api/boards/{name}/values`: returns a board, the sender's rights on its topics, and their newest messages.
pub async fn values(
    State(server): State<Arc<Server>>,
    rights: Rights,
    Path(name): Path<String>,
) -> Result<Response, Problem> {
    // Before the board and the messages are read: a subscription that starts here misses nothing.
    let at = server.broker.newest_id();
    let entry = readable_board(&server, &rights, &name)?;
    let text = text_of(&entry);
    let unreadable = |fault: String| {
        let detail = format!("the stored board cannot be read: {fault}");
        Problem::new(StatusCode::INTERNAL_SERVER_ERROR, detail)
    };
    let board = Board::read(&text).map_err(unreadable)?;
    // As it is stored: numbers keep their digits.
    let document = RawValue::from_string(text).map_err(|fault| unreadable(fault.to_string()))?;
    let principal = rights.principal();
    let topics = board.topics();
    let mut reader = Reader {
        broker: &server.broker,
        principal,
        newest: at.position,
        now_ms: clock::unix_ms(),
        bytes: 0,
    };
    let mut sources = Vec::with_capacity(topics.len());
    for (index, topic) in topics.iter().enumerate() {
        // Each topic gets its share of what is left.
        let share = MAX_BYTES.saturating_sub(reader.bytes) / (topics.len() - index);
        sources.push(reader.source(topic, board.wanted_messages(topic), share));
        fairness::yield_if_due().await;
    }
    let may_write = principal
        .check(Right::Publish, DestinationKind::Topic, entry.topic())
        .is_ok();
    let values = BoardValues {
        tag: tag_of(&entry),
        may_write,
        at: at.to_string(),
        board: document,
        sources,
    };
    let no_store = HeaderValue::from_static("no-store");
    Ok(([(header::CACHE_CONTROL, no_store)], Json(values)).into_response())
}

/// Reads the topics of a board with the rights of the sender.
struct Reader<'a> {
    broker: &'a Broker,
    principal: &'a Principal,
    /// The newest position that is read.
    newest: u64,
    now_ms: u64,
    /// Bytes of the bodies that were read.
    bytes: usize,
}

impl Reader<'_> {
    fn source(&mut self, text: &str, most: usize, most_bytes: usize) -> Source {
        let mut source = Source {
            topic: text.to_owned(),
            ..Source::default()
        };
        // `Board::read` has checked the filter.
        let Ok(filter) = TopicFilter::new(text) else {
            return source;
        };
        let kind = DestinationKind::Topic;
        match filter.exact() {
            Some(name) => {
                let may = |right| self.principal.check(right, kind, &name).is_ok();
                source.may_read = may(Right::Subscribe) && !text.starts_with(TEMPORARY);
                source.may_publish = may(Right::Publish) && name.owner(kind) == Owner::Everybody;
                if source.may_read {
                    source.messages = self.newest_of(&name, most, most_bytes);
                }
            }
            None => {
                let checked = self.principal.check_filter(Right::Subscribe, kind, &filter);
                source.may_read = checked.is_ok();
                if source.may_read {
                    source.messages = self.last_images(&filter, most, most_bytes);
                }
            }
        }
        source
    }

    /// Returns the newest messages of a topic, oldest first.
    fn newest_of(&mut self, name: &TopicName, most: usize, most_bytes: usize) -> Vec<BoardMessage> {
        let part = |from, most| {
            let place = HistoryPlace::Sequence(from);
            self.broker.history(name, place, most, u64::MAX)
        };
        let Some(ends) = part(u64::MAX, 0) else {
            return Vec::new();
        };
        let from = ends.end.saturating_sub(most as u64).max(ends.first);
        let entries = part(from, most).map(|part| part.entries);
        let mut messages = Vec::new();
        let mut bytes = 0;
        for entry in entries.unwrap_or_default().iter().rev() {
            if !self.take(entry, &mut bytes, most_bytes) {
                break;
            }
            messages.push(BoardMessage::new(self.broker, entry));
        }
        messages.reverse();
        messages
    }

    /// Returns the last image of each topic that a filter covers and the sender may read; of the first topics by name.
    fn last_images(
        &mut self,
        filter: &TopicFilter,
        most: usize,
        most_bytes: usize,
    ) -> Vec<BoardMessage> {
        let mut entries: Vec<SharedEntry> = self
            .broker
            .topic_page(filter, None, MAX_TOPICS)
            .items
            .into_iter()
            .filter(|topic| {
                let checked =
                    self.principal
                        .check(Right::Subscribe, DestinationKind::Topic, &topic.name);
                checked.is_ok()
            })
            .filter_map(|topic| self.broker.last_image(&topic.name))
            .collect();
        // In the order in which they were published, as a subscription delivers them.
        entries.sort_by_key(|entry| entry.position());
        let mut messages = Vec::new();
        let mut bytes = 0;
        for entry in entries.iter().rev().take(most) {
            if self.take(entry, &mut bytes, most_bytes) {
                messages.push(BoardMessage::new(self.broker, entry));
            }
        }
        messages.reverse();
        messages
    }

    /// Returns whether a message is part of the document: it is not newer than the document, has not expired, and fits.
    fn take(&mut self, entry: &SharedEntry, bytes: &mut usize, most_bytes: usize) -> bool {
        let size = entry.body().len();
        let is_taken = entry.position() <= self.newest
            && !entry.is_expired(self.now_ms)
            && *bytes + size <= most_bytes;
        if is_taken {
            *bytes += size;
            self.bytes += size;
        }
        is_taken
    }
}

/// The response.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct BoardValues {
    tag: String,
    may_write: bool,
    /// The id of the newest message when the document was made.
    at: String,
    board: Box<RawValue>,
    sources: Vec<Source>,
}

/// A topic or filter of the board.
#[derive(Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct Source {
    topic: String,
    may_read: bool,
    may_publish: bool,
    messages: Vec<BoardMessage>,
}

/// A message as a tile reads it.
#[derive(Serialize)]
struct BoardMessage {
    id: String,
    topic: String,
    sequence: u64,
    timestamp: u64,
    producer: String,
    /// Bytes that are not UTF-8 are replaced.
    body: String,
}

impl BoardMessage {
    fn new(broker: &Broker, entry: &SharedEntry) -> Self {
        Self {
            id: broker.id_of(entry).to_string(),
            topic: entry.topic().to_string(),
            sequence: entry.sequence(),
            timestamp: entry.timestamp_ms(),
            producer: entry.producer().to_owned(),
            body: text_of(entry),
        }
    }
}

/// Maximum bytes of the bodies in the document. As JSON they must fit into the first HTML of a page (`preload`).
const MAX_BYTES: usize = 128 << 10;
/// Topics of a filter whose newest message is in the document.
const MAX_TOPICS: usize = 200;
