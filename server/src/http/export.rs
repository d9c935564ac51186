//! `/api/topics/{topic}/export`: the messages that a topic keeps, as lines of JSON or as a table.
//!
//! The export ends with the message that is the newest when it begins. It reads the history in small parts while the
//! client reads, so an unread export uses the memory of one part. Messages that are removed meanwhile are missing; the
//! sequences show that.

use std::{
    collections::VecDeque,
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use access::Right;
use axum::{
    body::{Body, Bytes},
    extract::State,
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
};
use broker::{
    DestinationKind, FieldPath, HistoryPlace, JsonFields, Selector, SharedEntry, TopicName,
};
use tokio_stream::Stream;

use super::{
    api::no_topic,
    csv::{Columns, Row},
    extract::{Path, Query, selector},
    history::readable_topic,
    login::Rights,
    problem::Problem,
};
use crate::{
    access_control::Principal,
    clock, fairness,
    message::{Encoded, Message},
    server::Server,
};

/// `GET /api/topics/{topic}/export?format=ndjson|csv&field=…&fromMs=…&toMs=…&selector=…`
pub async fn export(
    State(server): State<Arc<Server>>,
    rights: Rights,
    Path(topic): Path<String>,
    Query(parameters): Query<Vec<(String, String)>>,
) -> Result<Response, Problem> {
    let topic = readable_topic(&rights, &topic)?;
    let query = ExportQuery::new(&parameters)?;
    let start = HistoryPlace::Time(query.from_ms);
    let history = server.broker.history(&topic, start, 1, u64::MAX);
    let history = history.ok_or_else(|| no_topic(&topic))?;
    let next = history.entries.first().map(|entry| entry.sequence());
    let (content_type, extension, table) = match query.format {
        Format::JsonLines => ("application/x-ndjson", "ndjson", None),
        Format::Table(columns) => (
            "text/csv; charset=utf-8; header=present",
            "csv",
            Some(columns),
        ),
    };
    let file = file_name(&topic, extension);
    let export = Export {
        principal: Arc::clone(rights.principal()),
        server,
        topic,
        selector: query.selector,
        to_ms: query.to_ms,
        next: next.unwrap_or(history.end),
        end: history.end,
        waiting: VecDeque::new(),
        current: None,
        head: table.as_ref().map_or_else(Vec::new, Columns::head),
        table,
    };
    let mut response = Body::from_stream(export).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    // A legal value: the name has only ASCII letters, digits and some signs.
    if let Ok(disposition) = HeaderValue::try_from(format!("attachment; filename=\"{file}\"")) {
        headers.insert(header::CONTENT_DISPOSITION, disposition);
    }
    Ok(response)
}

struct ExportQuery {
    format: Format,
    from_ms: u64,
    to_ms: u64,
    selector: Option<Selector>,
}

enum Format {
    JsonLines,
    Table(Columns),
}

impl ExportQuery {
    fn new(parameters: &[(String, String)]) -> Result<Self, Problem> {
        let last = |name: &str| {
            let mut given = parameters.iter().rev();
            let found = given.find(|(own, _)| own == name);
            found.map(|(_, value)| value.as_str())
        };
        let is_table = match last("format") {
            None | Some("ndjson") => false,
            Some("csv") => true,
            Some(other) => {
                let detail = format!("format={other:?} is neither ndjson nor csv");
                return Err(Problem::bad_request(detail));
            }
        };
        let time = |name: &str| {
            let value = last(name).map(str::parse::<u64>).transpose();
            value.map_err(|error| {
                Problem::bad_request(format!("{name}: a time in Unix milliseconds: {error}"))
            })
        };
        let (from_ms, to_ms) = (
            time("fromMs")?.unwrap_or(0),
            time("toMs")?.unwrap_or(u64::MAX),
        );
        if from_ms > to_ms {
            return Err(Problem::bad_request("fromMs: later than toMs"));
        }
        let fields = parameters.iter().filter(|(name, _)| name == "field");
        let columns = columns(fields.map(|(_, value)| value.as_str()))?;
        if !is_table && columns.has_fields() {
            let detail = "field: only a table has fields as columns; add format=csv";
            return Err(Problem::bad_request(detail));
        }
        Ok(Self {
            format: match is_table {
                true => Format::Table(columns),
                false => Format::JsonLines,
            },
            from_ms,
            to_ms,
            selector: selector(last("selector"))?,
        })
    }
}

/// Returns the columns for the parameters `field`.
fn columns<'f>(texts: impl Iterator<Item = &'f str>) -> Result<Columns, Problem> {
    let mut fields = JsonFields::default();
    let mut names = Vec::new();
    for text in texts {
        let invalid = |error: &dyn std::fmt::Display| {
            Problem::bad_request(format!("field={text:?}: {error}"))
        };
        if names.len() == MAX_FIELDS {
            return Err(invalid(&format!("more than {MAX_FIELDS} fields")));
        }
        let path: FieldPath = text.parse().map_err(|error| invalid(&error))?;
        let index = fields.add(&path).map_err(|fault| invalid(&fault))?;
        names.push((text.to_owned(), index));
    }
    Ok(Columns::new(names, fields))
}

/// An export that is being read.
struct Export {
    server: Arc<Server>,
    principal: Arc<Principal>,
    topic: TopicName,
    selector: Option<Selector>,
    /// Messages from this time on are not exported.
    to_ms: u64,
    /// The sequence of the next message to fetch, and the one at which the export ends.
    next: u64,
    end: u64,
    /// Fetched messages.
    waiting: VecDeque<SharedEntry>,
    current: Option<Line>,
    /// The text before the first message.
    head: Vec<u8>,
    table: Option<Columns>,
}

/// A message that is being encoded.
enum Line {
    Json(Message),
    Row(Row),
}

impl Line {
    fn encode(&mut self, piece: &mut Vec<u8>) -> Encoded {
        match self {
            Self::Json(message) => {
                let encoded = message.encode(piece);
                if encoded == Encoded::Complete {
                    piece.push(b'\n');
                }
                encoded
            }
            Self::Row(row) => row.encode(piece),
        }
    }
}

impl Export {
    /// Returns the next piece. It is empty if other tasks must run before a message is found; None at the end.
    fn next_piece(&mut self) -> Option<Vec<u8>> {
        let mut piece = std::mem::take(&mut self.head);
        while piece.len() < PIECE_BYTES {
            if let Some(line) = &mut self.current {
                if line.encode(&mut piece) == Encoded::Complete {
                    self.current = None;
                }
                continue;
            }
            if fairness::is_due() {
                return Some(piece);
            }
            let Some(entry) = self.next_entry() else {
                return (!piece.is_empty()).then_some(piece);
            };
            if self.wants(&entry) {
                self.current = Some(self.line(&entry));
            }
        }
        Some(piece)
    }

    /// Returns the next message, fetched if necessary.
    fn next_entry(&mut self) -> Option<SharedEntry> {
        if self.waiting.is_empty() && self.next < self.end {
            let next = HistoryPlace::Sequence(self.next);
            let broker = &self.server.broker;
            let part = broker.history(&self.topic, next, FETCHED, FETCHED_BYTES)?;
            self.waiting = part.entries.into();
        }
        let entry = self.waiting.pop_front()?;
        // A topic that was deleted and created again begins with small sequences.
        let is_next = (self.next..self.end).contains(&entry.sequence());
        self.next = entry.sequence() + 1;
        is_next.then_some(entry)
    }

    fn wants(&self, entry: &SharedEntry) -> bool {
        let selector = self.selector.as_ref();
        entry.timestamp_ms() < self.to_ms
            && !entry.is_expired(clock::unix_ms())
            && selector.is_none_or(|selector| selector.matches(&**entry))
    }

    fn line(&self, entry: &SharedEntry) -> Line {
        match &self.table {
            Some(columns) => {
                let id = self.server.broker.id_of(entry).to_string();
                Line::Row(columns.row(entry, &id))
            }
            None => Line::Json(Message::new(&self.server.broker, entry)),
        }
    }

    /// Returns whether the client has lost the right to read the topic.
    fn is_forbidden(&self, context: &mut Context<'_>) -> bool {
        let checked = self
            .principal
            .check(Right::Subscribe, DestinationKind::Topic, &self.topic);
        checked.is_err() || self.principal.poll_revoked(context).is_ready()
    }
}

impl Stream for Export {
    type Item = io::Result<Bytes>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        if this.is_forbidden(context) {
            // The response ends without its last chunk, so that the client notices.
            let error = io::Error::new(io::ErrorKind::PermissionDenied, "the right is gone");
            return Poll::Ready(Some(Err(error)));
        }
        loop {
            ready!(fairness::poll_yield_if_due(context));
            match this.next_piece() {
                Some(piece) if piece.is_empty() => {}
                Some(piece) => return Poll::Ready(Some(Ok(piece.into()))),
                None => return Poll::Ready(None),
            }
        }
    }
}

/// Returns a name for the file, from the characters of the topic's name that every system allows.
fn file_name(topic: &TopicName, extension: &str) -> String {
    let is_plain =
        |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '.' | '-' | '_');
    let letters = topic.as_str().chars().take(MAX_FILE_NAME);
    let plain: String = letters
        .map(|letter| if is_plain(letter) { letter } else { '_' })
        .collect();
    format!("{plain}.{extension}")
}

/// Approximate number of bytes encoded at once.
const PIECE_BYTES: usize = 16 << 10;
/// Messages that are fetched at once, and bytes after which no further one is.
const FETCHED: usize = 256;
const FETCHED_BYTES: u64 = 1 << 20;
/// Maximum number of columns for fields.
const MAX_FIELDS: usize = 32;
const MAX_FILE_NAME: usize = 100;
