//! `/api/topics/{topic}/messages`: the messages that a topic keeps.

use std::{collections::VecDeque, sync::Arc};

use access::Right;
use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use broker::{
    Broker, DestinationKind, HistoryPart, HistoryPlace, Selector, SharedEntry, Start, TopicName,
};
use serde::{Deserialize, Serialize};

use super::{
    api::no_topic,
    document::{Document, DocumentLimits},
    extract::{Path, Query, selector},
    login::Rights,
    problem::{Problem, refuse_temporary},
};
use crate::{
    clock, fairness,
    message::{Message, push_json},
    server::Server,
};

/// `GET /api/topics/{topic}/messages?before=…|after=…|atMs=…|id=…&limit=…&selector=…`: returns messages that the topic
/// keeps, oldest first; without a place the newest.
pub async fn messages(
    State(server): State<Arc<Server>>,
    rights: Rights,
    Path(topic): Path<String>,
    Query(query): Query<MessagesQuery>,
) -> Result<Response, Problem> {
    let name = readable_topic(&rights, &topic)?;
    let place = query.place(&server.broker)?;
    let search = Search {
        broker: &server.broker,
        topic: &name,
        selector: selector(query.selector.as_deref())?,
        now_ms: clock::unix_ms(),
        limit: query.limit.unwrap_or(DEFAULT_MESSAGES).min(MAX_MESSAGES),
    };
    let found = match place {
        Place::Before(sequence) => search.backward(sequence).await,
        Place::From(place) => search.forward(place).await,
    };
    let found = found.ok_or_else(|| no_topic(&name))?;
    let mut end = b"],".to_vec();
    let mut rest = Vec::new();
    push_json(&found.end(), &mut rest);
    // The JSON object continues.
    end.extend_from_slice(&rest[1..]);
    let limits = DocumentLimits {
        messages: found.messages.len(),
        bytes: usize::MAX,
    };
    let messages = found.messages.into_iter();
    let messages = messages.map(move |entry| Message::new(&server.broker, &entry));
    let before = b"{\"messages\":[".to_vec();
    Ok(Document::new(before, messages, limits, |_| end).into_response())
}

/// Returns the name of a topic whose messages the sender may read.
pub fn readable_topic(rights: &Rights, topic: &str) -> Result<TopicName, Problem> {
    let name = TopicName::new(topic)?;
    rights.check(Right::Subscribe, DestinationKind::Topic, &name)?;
    refuse_temporary(name.as_str())?;
    Ok(name)
}

/// The query `?before=…|after=…|atMs=…|id=…&limit=…&selector=…`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MessagesQuery {
    before: Option<u64>,
    after: Option<u64>,
    at_ms: Option<u64>,
    id: Option<String>,
    limit: Option<usize>,
    selector: Option<String>,
}

/// The place of the requested messages.
enum Place {
    /// The last ones before this sequence.
    Before(u64),
    From(HistoryPlace),
}

impl MessagesQuery {
    fn place(&self, broker: &Broker) -> Result<Place, Problem> {
        let given = [
            ("before", self.before.is_some()),
            ("after", self.after.is_some()),
            ("atMs", self.at_ms.is_some()),
            ("id", self.id.is_some()),
        ];
        let mut given = given.iter().filter(|(_, is_given)| *is_given);
        if let (Some((one, _)), Some((other, _))) = (given.next(), given.next()) {
            let detail = format!("{one} and {other} exclude each other: each is a place");
            return Err(Problem::bad_request(detail));
        }
        Ok(match (self.after, self.at_ms, &self.id) {
            (Some(sequence), ..) => Place::From(HistoryPlace::Sequence(sequence.saturating_add(1))),
            (_, Some(ms), _) => Place::From(HistoryPlace::Time(ms)),
            (.., Some(id)) => Place::From(place_of(id, broker)?),
            _ => Place::Before(self.before.unwrap_or(u64::MAX)),
        })
    }
}

/// Returns the place of a message by its id. The place of an id of an earlier run is that of the oldest message.
fn place_of(id: &str, broker: &Broker) -> Result<HistoryPlace, Problem> {
    let parsed = id
        .parse()
        .map_err(|error| Problem::bad_request(format!("id={id:?} is {error}")))?;
    Ok(match broker.start_after(parsed) {
        Start::AfterPosition(position) => HistoryPlace::Position(position),
        _ => HistoryPlace::Sequence(0),
    })
}

/// A search in the history of a topic.
struct Search<'a> {
    broker: &'a Broker,
    topic: &'a TopicName,
    selector: Option<Selector>,
    now_ms: u64,
    limit: usize,
}

/// The messages that were found, and the part of the history that was examined.
#[derive(Default)]
struct Found {
    messages: VecDeque<SharedEntry>,
    bytes: usize,
    examined: u64,
    left_out: u64,
    /// Bytes that the selector may have read.
    read_bytes: u64,
    /// The sequence of the first examined message, and of the one after the last.
    from: u64,
    to: u64,
    /// The sequence of the oldest message, and of the next one.
    first: u64,
    end: u64,
}

impl Search<'_> {
    /// Returns the first messages from a place on. Returns None if there is no such topic.
    async fn forward(&self, place: HistoryPlace) -> Option<Found> {
        let mut part = self.part(place, WINDOW)?;
        let mut found = Found::in_part(&part);
        let from = part.entries.first().map_or(part.end, |one| one.sequence());
        (found.from, found.to) = (from, from);
        while !part.entries.is_empty() {
            for entry in &part.entries {
                if !self.has_room(&found, entry) {
                    return Some(found);
                }
                if self.examine(&mut found, entry) {
                    found.messages.push_back(entry.clone());
                }
                found.to = entry.sequence() + 1;
                fairness::yield_if_due().await;
            }
            let next = self.part(HistoryPlace::Sequence(found.to), WINDOW);
            let Some(next) = next else { break };
            found.update(&next);
            part = next;
        }
        Some(found)
    }

    /// Returns the last messages before a sequence. Returns None if there is no such topic.
    async fn backward(&self, before: u64) -> Option<Found> {
        let mut found = Found::in_part(&self.part(HistoryPlace::Sequence(before), 0)?);
        let to = before.clamp(found.first, found.end);
        (found.from, found.to) = (to, to);
        while found.from > found.first {
            let window = match self.selector {
                Some(_) => WINDOW,
                None => self.limit.saturating_sub(found.messages.len()).max(1),
            };
            let start = found.from.saturating_sub(window as u64).max(found.first);
            let count = (found.from - start) as usize;
            let part = self.part(HistoryPlace::Sequence(start), count);
            let Some(part) = part else { break };
            let before = found.from;
            for entry in part.entries.iter().rev() {
                if entry.sequence() >= before {
                    continue;
                }
                if !self.has_room(&found, entry) {
                    return Some(found);
                }
                if self.examine(&mut found, entry) {
                    found.messages.push_front(entry.clone());
                }
                found.from = entry.sequence();
                fairness::yield_if_due().await;
            }
            found.update(&part);
            // The messages of the window may have been removed meanwhile.
            found.from = found.from.min(start.max(part.first));
        }
        Some(found)
    }

    fn part(&self, place: HistoryPlace, most: usize) -> Option<HistoryPart> {
        self.broker.history(self.topic, place, most, u64::MAX)
    }

    /// Returns whether this message may be examined: whether the response and the search are within their bounds.
    fn has_room(&self, found: &Found, entry: &SharedEntry) -> bool {
        found.messages.len() < self.limit
            && (found.messages.is_empty() || found.bytes + entry.body().len() <= MAX_BYTES)
            && found.examined < MAX_EXAMINED
            && found.read_bytes < MAX_READ_BYTES
    }

    /// Returns whether a message is wanted.
    fn examine(&self, found: &mut Found, entry: &SharedEntry) -> bool {
        found.examined += 1;
        if let Some(selector) = &self.selector {
            found.read_bytes += selector.body_reads(entry);
            if !selector.matches(&**entry) {
                found.left_out += 1;
                return false;
            }
        }
        let is_wanted = !entry.is_expired(self.now_ms);
        if is_wanted {
            found.bytes += entry.body().len();
        }
        is_wanted
    }
}

impl Found {
    fn in_part(part: &HistoryPart) -> Self {
        let mut found = Self::default();
        found.update(part);
        found
    }

    fn update(&mut self, part: &HistoryPart) {
        self.first = part.first;
        self.end = part.end;
    }

    /// Returns the members after the messages.
    fn end(&self) -> HistoryEnd {
        let keeps_some = self.first < self.end;
        let has_examined = self.from < self.to;
        HistoryEnd {
            oldest: keeps_some.then_some(self.first),
            newest: keeps_some.then(|| self.end - 1),
            examined: self.examined,
            left_out: self.left_out,
            from: has_examined.then_some(self.from),
            to: has_examined.then(|| self.to - 1),
            more_before: self.from > self.first,
            more_after: self.to < self.end,
        }
    }
}

/// The members of the response after the messages. All numbers but two are sequences.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct HistoryEnd {
    /// The oldest message that the topic keeps.
    oldest: Option<u64>,
    newest: Option<u64>,
    /// Number of examined messages.
    examined: u64,
    /// Number of examined messages that do not match the selector.
    left_out: u64,
    /// The first and the last examined message: a caller continues with `before` the first or `after` the last.
    from: Option<u64>,
    to: Option<u64>,
    /// True if the topic keeps messages before the examined ones.
    more_before: bool,
    more_after: bool,
}

const DEFAULT_MESSAGES: usize = 100;
const MAX_MESSAGES: usize = 1_000;
/// Maximum bytes of the bodies in a response. One message is always allowed.
const MAX_BYTES: usize = 8 << 20;
/// Messages that are fetched at once if not all of them may be wanted.
const WINDOW: usize = 256;
/// Maximum number of messages that one request examines.
const MAX_EXAMINED: u64 = 10_000;
/// Maximum number of bytes of bodies that the selector of one request may read.
const MAX_READ_BYTES: u64 = 64 << 20;
