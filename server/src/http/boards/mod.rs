//! `/api/boards`: boards, which the broker retains on the topics `$BOARDS.NAME`.
//!
//! The topics belong to the broker, so clients can read them but cannot publish to them: every board has been checked here.
//! Reading a board needs the right `subscribe` on its topic, changing it the right `publish`. `app::Board` has the form of
//! a board and its bounds.

mod values;

use std::sync::{Arc, Mutex, PoisonError};

use access::Right;
use app::{BOARD_TOPICS, Board, MOST_BOARD_BYTES, board_name_fault, board_tag, board_topic};
use axum::{
    Json,
    body::Body,
    extract::State,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use broker::{
    DestinationKind, Outcome, Publication, PublishError, SharedEntry, TopicFilter, TopicName,
};
use serde::Serialize;

use super::{
    HttpState, assets, body, extract::Path, login::Rights, problem::Problem, publish::wait_for_rate,
};
use crate::{clock, context::durable, fairness, server::Server};
pub use values::values;

/// Orders the changes of boards: a change is compared with the board that it replaces. Held for one publication.
#[derive(Default)]
pub struct Changes(Mutex<()>);

/// `GET /api/boards`: lists the boards that the sender may read.
pub async fn boards(
    State(server): State<Arc<Server>>,
    rights: Rights,
) -> Result<Json<BoardList>, Problem> {
    let mut boards = Vec::new();
    let mut after = None;
    loop {
        let page = server.broker.topic_page(&all()?, after.as_ref(), PAGE);
        for topic in &page.items {
            let may = |right| {
                let principal = rights.principal();
                principal
                    .check(right, DestinationKind::Topic, &topic.name)
                    .is_ok()
            };
            if may(Right::Subscribe)
                && let Some(entry) = server.broker.retained(&topic.name)
            {
                boards.extend(BoardInfo::new(&entry, may(Right::Publish)));
                fairness::yield_if_due().await;
            }
        }
        after = page.next;
        if after.is_none() || boards.len() >= MAX_BOARDS {
            break;
        }
        fairness::yield_if_due().await;
    }
    boards.truncate(MAX_BOARDS);
    Ok(Json(BoardList { boards }))
}

/// `GET /api/boards/{name}`: returns a board.
pub async fn board(
    State(server): State<Arc<Server>>,
    rights: Rights,
    Path(name): Path<String>,
) -> Result<Response, Problem> {
    let entry = readable_board(&server, &rights, &name)?;
    let headers = [
        (
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/json"),
        ),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-cache")),
        (header::ETAG, etag(&tag_of(&entry))?),
    ];
    Ok((headers, entry.body().to_vec()).into_response())
}

/// `PUT /api/boards/{name}`: creates or replaces a board. A board is replaced only by a sender that has seen it: the request
/// names its tag in If-Match.
pub async fn save(
    State(state): State<HttpState>,
    rights: Rights,
    Path(name): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let server = &state.server;
    let topic = topic_of(&name)?;
    rights.check(Right::Publish, DestinationKind::Topic, &topic)?;
    let account = rights.principal().account().cloned();
    if let Some(account) = &account {
        wait_for_rate(account).await?;
    }
    let body = body::read_body(server, body).await?;
    if body.len() > MOST_BOARD_BYTES {
        let detail = format!("a board has at most {MOST_BOARD_BYTES} bytes");
        return Err(Problem::new(StatusCode::PAYLOAD_TOO_LARGE, detail));
    }
    let text = String::from_utf8(body).map_err(|_| Problem::bad_request("a board is UTF-8"))?;
    let board = Board::read(&text).map_err(Problem::bad_request)?;
    if let Some(account) = &account {
        account.admit(1, text.len())?;
        account.count_published(1, text.len() as u64);
    }
    // Without white space, and with the members in their order.
    let text = board.write();
    let tag = board_tag(&text);
    let is_new = match server.broker.retained(&topic) {
        Some(_) => false,
        None => {
            check_room(server).await?;
            true
        }
    };
    let ticket = state
        .board_changes
        .publish(server, &topic, &text, |current| {
            check_conditions(&name, &headers, current)
        })?;
    durable(&server.broker, ticket).await;
    rights.note_managed("save-board", &name);
    let status = if is_new {
        StatusCode::CREATED
    } else {
        StatusCode::OK
    };
    let headers = [(header::ETAG, etag(&tag)?)];
    Ok((status, headers, Json(SavedBoard { name, tag })).into_response())
}

/// `DELETE /api/boards/{name}`: deletes a board. If-Match is optional.
pub async fn remove(
    State(state): State<HttpState>,
    rights: Rights,
    Path(name): Path<String>,
    headers: HeaderMap,
) -> Result<StatusCode, Problem> {
    let server = &state.server;
    let topic = topic_of(&name)?;
    rights.check(Right::Publish, DestinationKind::Topic, &topic)?;
    // A retained message without a body removes the board, and reaches the pages that have it open.
    let ticket = state.board_changes.publish(server, &topic, "", |current| {
        let current = current.ok_or_else(|| no_board(&name))?;
        match headers.get(header::IF_MATCH) {
            Some(known) if !matches(known, current) => Err(changed(&name)),
            _ => Ok(()),
        }
    })?;
    durable(&server.broker, ticket).await;
    rights.note_managed("delete-board", &name);
    Ok(StatusCode::NO_CONTENT)
}

impl Changes {
    /// Publishes a board, if `check` accepts the tag of the board that it replaces. Returns the ticket of the journal.
    fn publish(
        &self,
        server: &Server,
        topic: &TopicName,
        text: &str,
        check: impl FnOnce(Option<&str>) -> Result<(), Problem>,
    ) -> Result<Option<u64>, Problem> {
        let permit = server.gate.pass();
        let _open = permit.ok_or_else(|| {
            Problem::new(StatusCode::SERVICE_UNAVAILABLE, "the server is stopping")
        })?;
        let _order = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let current = server.broker.retained(topic).map(|entry| tag_of(&entry));
        check(current.as_deref())?;
        if !text.is_empty() {
            server.broker.check_new().map_err(PublishError::Journal)?;
        }
        let publication = Publication::new(
            topic.clone(),
            Arc::clone(&server.http_name),
            clock::unix_ms(),
            text.as_bytes(),
        );
        let publication = publication
            .with_headers(Some("application/json".into()), Box::default())
            .retained();
        let mut outcome = Outcome::default();
        server
            .broker
            .publish_reserved(&mut vec![publication], &mut outcome);
        server.carry_out(&mut outcome);
        if let Some(Err(error)) = outcome.results.pop() {
            return Err(error.into());
        }
        if text.is_empty() {
            // Before the next change, so that a board which is created after this one stays.
            server.broker.clear(topic);
        }
        Ok(outcome.owed)
    }
}

/// Checks that there is room for another board. Two requests at the same time may exceed the bound by one.
async fn check_room(server: &Server) -> Result<(), Problem> {
    let mut count = 0;
    let mut after = None;
    loop {
        let page = server.broker.topic_page(&all()?, after.as_ref(), PAGE);
        let names = page.items.iter().map(|topic| &topic.name);
        count += names
            .filter(|name| server.broker.retained(name).is_some())
            .count();
        if count >= MAX_BOARDS {
            let detail = format!("there are {MAX_BOARDS} boards already; delete one before");
            return Err(Problem::new(StatusCode::INSUFFICIENT_STORAGE, detail).with_code("boards"));
        }
        after = page.next;
        if after.is_none() {
            return Ok(());
        }
        fairness::yield_if_due().await;
    }
}

/// Checks If-Match and If-None-Match (RFC 9110, 13.1). `current` is the tag of the board that exists.
fn check_conditions(name: &str, headers: &HeaderMap, current: Option<&str>) -> Result<(), Problem> {
    let if_match = headers.get(header::IF_MATCH);
    let if_none_match = headers.get(header::IF_NONE_MATCH);
    match (current, if_match, if_none_match) {
        (Some(_), _, Some(_)) => Err(Problem::new(
            StatusCode::PRECONDITION_FAILED,
            format!("there is a board {name} already"),
        )),
        (Some(current), Some(known), None) if !matches(known, current) => Err(changed(name)),
        (Some(_), None, None) => Err(Problem::new(
            StatusCode::PRECONDITION_REQUIRED,
            format!(
                "there is a board {name} already: to replace it, send its ETag in If-Match, or * to replace whatever is there"
            ),
        )),
        (None, Some(_), _) => Err(Problem::new(
            StatusCode::PRECONDITION_FAILED,
            format!("there is no board {name} any more"),
        )),
        (Some(_), Some(_), None) | (None, None, _) => Ok(()),
    }
}

fn matches(known: &HeaderValue, tag: &str) -> bool {
    assets::matches_etag(known, &format!("\"{tag}\""))
}

fn changed(name: &str) -> Problem {
    let detail = format!("somebody else has changed board {name} meanwhile: get it again");
    Problem::new(StatusCode::PRECONDITION_FAILED, detail)
}

/// Returns the message with a board that the sender may read.
fn readable_board(server: &Server, rights: &Rights, name: &str) -> Result<SharedEntry, Problem> {
    let topic = topic_of(name)?;
    rights.check(Right::Subscribe, DestinationKind::Topic, &topic)?;
    let entry = server.broker.retained(&topic);
    entry.ok_or_else(|| no_board(name))
}

fn no_board(name: &str) -> Problem {
    Problem::new(StatusCode::NOT_FOUND, format!("there is no board {name}"))
}

/// Returns the topic of a board.
fn topic_of(name: &str) -> Result<TopicName, Problem> {
    match board_name_fault(name) {
        Some(fault) => Err(Problem::bad_request(format!("{name:?}: {fault}"))),
        None => Ok(TopicName::new(&board_topic(name))?),
    }
}

fn all() -> Result<TopicFilter, Problem> {
    Ok(TopicFilter::new(&format!("{BOARD_TOPICS}>"))?)
}

fn text_of(entry: &SharedEntry) -> String {
    String::from_utf8_lossy(entry.body()).into_owned()
}

fn tag_of(entry: &SharedEntry) -> String {
    board_tag(&text_of(entry))
}

fn etag(tag: &str) -> Result<HeaderValue, Problem> {
    let value = HeaderValue::try_from(format!("\"{tag}\""));
    value.map_err(|error| Problem::new(StatusCode::INTERNAL_SERVER_ERROR, error.to_string()))
}

/// The response of `/api/boards`.
#[derive(Serialize)]
pub struct BoardList {
    boards: Vec<BoardInfo>,
}

/// A board in the list.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct BoardInfo {
    name: String,
    title: String,
    /// Number of tiles.
    tiles: usize,
    bytes: usize,
    tag: String,
    /// The time of the last change, in Unix milliseconds.
    changed: u64,
    may_write: bool,
}

impl BoardInfo {
    fn new(entry: &SharedEntry, may_write: bool) -> Option<Self> {
        let text = text_of(entry);
        // A board of a later version may have a form that this one does not know; it is listed without its content.
        let board = Board::read(&text).unwrap_or_default();
        Some(Self {
            name: entry
                .topic()
                .as_str()
                .strip_prefix(BOARD_TOPICS)?
                .to_owned(),
            title: board.title,
            tiles: board.tiles.len(),
            bytes: text.len(),
            tag: board_tag(&text),
            changed: entry.timestamp_ms(),
            may_write,
        })
    }
}

/// The response to a change.
#[derive(Serialize)]
struct SavedBoard {
    name: String,
    tag: String,
}

/// Maximum number of boards.
const MAX_BOARDS: usize = 500;
/// Topics that are examined at once.
const PAGE: usize = 500;

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(name: Option<(header::HeaderName, &str)>) -> HeaderMap {
        let pairs = name.into_iter();
        pairs
            .map(|(name, value)| (name, HeaderValue::from_str(value).expect("a value")))
            .collect()
    }

    #[test]
    fn a_board_is_replaced_only_by_a_sender_that_has_seen_it() {
        let known = |value: &'static str| Some((header::IF_MATCH, value));
        let new = |value: &'static str| Some((header::IF_NONE_MATCH, value));
        for (current, header, status) in [
            (None, None, 0),
            (None, new("*"), 0),
            (None, known("*"), 412),
            (None, known("\"a\""), 412),
            (Some("a"), None, 428),
            (Some("a"), new("*"), 412),
            (Some("a"), known("\"a\""), 0),
            (Some("a"), known("\"b\", \"a\""), 0),
            (Some("a"), known("*"), 0),
            (Some("a"), known("\"b\""), 412),
            (Some("a"), known("a"), 412),
        ] {
            let checked = check_conditions("hall", &headers(header.clone()), current);
            let found = match checked {
                Ok(()) => 0,
                Err(problem) => problem.into_response().status().as_u16(),
            };
            assert_eq!(found, status, "{current:?} {header:?}");
        }
    }
}
