//! `/api`: publish with any HTTP client, and ask what there is.

use std::{sync::Arc, time::Duration};

use axum::{
    Json,
    body::Bytes,
    extract::{State, rejection::BytesRejection},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use broker::{Outcome, Publication, TopicFigures, TopicFilter, TopicName};
use serde::{Deserialize, Serialize};

use super::{
    extract::{Path, Query},
    problem::Problem,
};
use crate::{clock, connection, content_type, message::Message, server::Server};

/// `POST /api/topics/{topic}`: the body, as it is, is the message.
///
/// With the rule `block` the answer waits for subscribers that lie too far behind, half a minute at most: the
/// message has been taken then.
pub async fn publish(
    State(server): State<Arc<Server>>,
    Path(topic): Path<String>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Json<Publishing>, Problem> {
    let topic = TopicName::new(&topic).map_err(Problem::bad_request)?;
    let name = topic.to_string();
    let body = body.map_err(|rejection| body_refused(&server, &rejection))?;
    let content_type = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        // What curl says of every body, whatever it is.
        .filter(|value| *value != "application/x-www-form-urlencoded")
        .map(content_type::interned);
    // A body of its own: the one given may be a piece of a larger buffer.
    let body = Bytes::copy_from_slice(&body);
    let publication =
        Publication::new(topic, Arc::clone(&server.http_name), clock::unix_ms(), body)
            .with_headers(content_type, Box::default());
    let mut outcome = Outcome::default();
    server.broker.publish(&mut vec![publication], &mut outcome);
    connection::deliver(&mut outcome, None);
    let broker = &server.broker;
    let caught_up =
        std::future::poll_fn(|context| broker.poll_clear(&mut outcome.blocked, context.waker()));
    // Late or not, the message is there.
    let _ = tokio::time::timeout(BLOCKED_TIME, caught_up).await;
    match outcome.results.pop() {
        Some(Ok(published)) => Ok(Json(Publishing {
            id: published.id.to_string(),
            topic: name,
            sequence: published.sequence,
            subscriptions: published.subscriptions,
        })),
        Some(Err(error)) => Err(error.into()),
        None => Err(Problem::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "the broker gave no answer",
        )),
    }
}

/// `GET /api/topics?filter=…&limit=…`: figures of the topics, by name.
pub async fn topics(
    State(server): State<Arc<Server>>,
    Query(query): Query<TopicsQuery>,
) -> Result<Json<Topics>, Problem> {
    let filter = query.filter.as_deref().unwrap_or(">");
    let filter = TopicFilter::new(filter).map_err(Problem::bad_request)?;
    let limit = query.limit.unwrap_or(MOST_TOPICS).min(MOST_TOPICS);
    let found = server.broker.topics(&filter, limit);
    Ok(Json(Topics {
        total: server.broker.figures().topics,
        topics: found.into_iter().map(TopicInfo::from).collect(),
    }))
}

/// `GET /api/topics/{topic}`: its figures, and its last image.
pub async fn topic(
    State(server): State<Arc<Server>>,
    Path(topic): Path<String>,
) -> Result<Response, Problem> {
    let name = TopicName::new(&topic).map_err(Problem::bad_request)?;
    let figures = server.broker.topic(&name);
    let info = figures.ok_or_else(|| no_topic(&name))?.into();
    let last = server.broker.last_image(&name);
    let last = last
        .as_deref()
        .map(|entry| Message::new(&server.broker, entry));
    Ok(Json(TopicWithLast { info, last }).into_response())
}

/// `DELETE /api/topics/{topic}`: forgets its history and last image.
pub async fn clear(
    State(server): State<Arc<Server>>,
    Path(topic): Path<String>,
) -> Result<StatusCode, Problem> {
    let name = TopicName::new(&topic).map_err(Problem::bad_request)?;
    if name.is_reserved() {
        return Err(Problem::new(
            StatusCode::FORBIDDEN,
            format!("topic {name} is the broker's own"),
        ));
    }
    if server.broker.clear(&name) {
        Ok(StatusCode::NO_CONTENT)
    } else {
        Err(no_topic(&name))
    }
}

/// `GET /api/figures`: the broker as a whole, as on the topic `$SYS.figures`.
pub async fn figures(State(server): State<Arc<Server>>) -> Json<app::Figures> {
    Json(server.figures.current(&server))
}

/// `GET /api/connections`: who is there.
pub async fn connections(State(server): State<Arc<Server>>) -> Json<Connections> {
    let sessions = server.broker.sessions(MOST_CONNECTIONS);
    let infos = sessions.into_iter().map(|session| ConnectionInfo {
        name: session.name,
        subscriptions: session.subscriptions,
        delivered: session.delivered,
        dropped: session.dropped,
    });
    Json(Connections {
        connections: infos.collect(),
        total: server.broker.figures().sessions,
    })
}

/// `GET /readyz`: whether new work should be sent here.
pub async fn ready(State(server): State<Arc<Server>>) -> Response {
    if server.is_stopping() {
        Problem::new(StatusCode::SERVICE_UNAVAILABLE, "the server is stopping").into_response()
    } else {
        "ok\n".into_response()
    }
}

#[derive(Serialize)]
pub struct Publishing {
    id: String,
    topic: String,
    sequence: u64,
    subscriptions: usize,
}

#[derive(Deserialize)]
pub struct TopicsQuery {
    filter: Option<String>,
    limit: Option<usize>,
}

#[derive(Serialize)]
pub struct Topics {
    topics: Vec<TopicInfo>,
    /// Of all names, whatever was asked for.
    total: usize,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TopicInfo {
    name: String,
    sequence: u64,
    bytes: u64,
    history_entries: u64,
    history_bytes: u64,
    subscriptions: usize,
    delivered: u64,
    dropped: u64,
    greatest_lag: u64,
}

#[derive(Serialize)]
struct TopicWithLast<'a> {
    #[serde(flatten)]
    info: TopicInfo,
    #[serde(skip_serializing_if = "Option::is_none")]
    last: Option<Message<'a>>,
}

#[derive(Serialize)]
pub struct Connections {
    connections: Vec<ConnectionInfo>,
    /// Of all, however many are told.
    total: usize,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ConnectionInfo {
    name: String,
    subscriptions: usize,
    delivered: u64,
    dropped: u64,
}

impl From<TopicFigures> for TopicInfo {
    fn from(figures: TopicFigures) -> Self {
        Self {
            name: figures.name.to_string(),
            sequence: figures.sequence,
            bytes: figures.bytes,
            history_entries: figures.history_entries,
            history_bytes: figures.history_bytes,
            subscriptions: figures.subscriptions,
            delivered: figures.delivered,
            dropped: figures.dropped,
            greatest_lag: figures.greatest_lag,
        }
    }
}

fn no_topic(name: &TopicName) -> Problem {
    Problem::new(StatusCode::NOT_FOUND, format!("there is no topic {name}"))
}

fn body_refused(server: &Server, rejection: &BytesRejection) -> Problem {
    let status = rejection.status();
    if status == StatusCode::PAYLOAD_TOO_LARGE {
        let limit = server.options.max_body_bytes;
        return Problem::new(
            status,
            format!("the body is larger than the limit of {limit} bytes"),
        );
    }
    Problem::new(status, rejection.body_text())
}

/// How long a publisher waits for subscribers that make it wait.
const BLOCKED_TIME: Duration = Duration::from_secs(30);
const MOST_TOPICS: usize = 1_000;
const MOST_CONNECTIONS: usize = 1_000;
