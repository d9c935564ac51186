//! `/api`: publishing with any HTTP client, and lists and figures.

use std::{iter, sync::Arc};

use access::Right;
use axum::{
    Json,
    body::Body,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use broker::{DestinationKind, Publication, TopicFigures, TopicName};
use serde::Serialize;

use super::{
    document::{Document, DocumentLimits},
    extract::{ListQuery, Path, Query, Requester},
    login::Rights,
    problem::{Problem, refuse_temporary},
    publish::{self, Content, PublishQuery},
    visible_page::visible_page,
};
use crate::{
    figures,
    message::{Message, push_json},
    server::Server,
    storage::DiskStatus,
};

/// `POST /api/topics/{topic}`: publishes the body, unchanged, as a message.
pub async fn publish(
    State(server): State<Arc<Server>>,
    Path(topic): Path<String>,
    Query(query): Query<PublishQuery>,
    rights: Rights,
    Requester { client, headers }: Requester,
    body: Body,
) -> Result<Json<PublishResponse>, Problem> {
    let topic = TopicName::new(&topic)?;
    rights.check(Right::Publish, DestinationKind::Topic, &topic)?;
    let name = topic.to_string();
    let content = Content {
        client,
        account: rights.principal().account().cloned(),
        headers,
        query,
        body,
    };
    let published = publish::publish(&server, Publication::new, topic, content).await?;
    Ok(Json(PublishResponse {
        id: published.id.to_string(),
        topic: name,
        sequence: published.sequence,
        subscriptions: published.subscriptions,
    }))
}

/// `GET /api/topics?filter=…&after=…&limit=…`: lists the topics that the sender may see, by name, with figures.
pub async fn topics(
    State(server): State<Arc<Server>>,
    rights: Rights,
    Query(query): Query<ListQuery>,
) -> Result<Json<Topics>, Problem> {
    let limit = query.limit(MAX_TOPICS, MAX_TOPICS);
    let (filter, after) = (query.filter()?, query.after()?);
    let sees_all = rights.principal().check_server().is_ok();
    let sees = |topic: &TopicFigures| sees_all || rights.sees(DestinationKind::Topic, &topic.name);
    let part = |after: Option<&TopicName>, most| server.broker.topic_page(&filter, after, most);
    let page = visible_page(after, limit, sees, part).await;
    Ok(Json(Topics {
        total: sees_all.then(|| server.broker.figures().topics),
        topics: page.items.into_iter().map(TopicInfo::from).collect(),
        next: page.next.map(|name| name.to_string()),
    }))
}

/// `GET /api/topics/{topic}`: returns the topic's figures, and its last image unless the topic is temporary.
pub async fn topic(
    State(server): State<Arc<Server>>,
    rights: Rights,
    Path(topic): Path<String>,
) -> Result<Response, Problem> {
    let name = TopicName::new(&topic)?;
    rights.check_visible(DestinationKind::Topic, &name)?;
    let figures = server.broker.topic(&name);
    let info: TopicInfo = figures.ok_or_else(|| no_topic(&name))?.into();
    let may_read = rights
        .principal()
        .check(Right::Subscribe, DestinationKind::Topic, &name)
        .is_ok();
    let last = match refuse_temporary(name.as_str()) {
        Ok(()) if may_read => server.broker.last_image(&name),
        Ok(()) | Err(_) => None,
    };
    let Some(last) = last else {
        return Ok(Json(info).into_response());
    };
    let mut before = Vec::new();
    push_json(&info, &mut before);
    // The JSON object continues.
    before.pop();
    before.extend_from_slice(b",\"last\":");
    let last = Message::new(&server.broker, &last);
    let document = Document::new(before, iter::once(last), DocumentLimits::ONE, |_| {
        b"}".to_vec()
    });
    Ok(document.into_response())
}

/// `DELETE /api/topics/{topic}`: deletes the topic's history and last image.
pub async fn clear(
    State(server): State<Arc<Server>>,
    rights: Rights,
    Path(topic): Path<String>,
) -> Result<StatusCode, Problem> {
    let name = TopicName::new(&topic)?;
    rights.check(Right::Manage, DestinationKind::Topic, &name)?;
    if name.is_reserved() {
        return Err(Problem::new(
            StatusCode::FORBIDDEN,
            format!("topic {name} is the broker's own"),
        ));
    }
    if !server.broker.clear(&name) {
        return Err(no_topic(&name));
    }
    rights.note_managed("delete-topic", name.as_str());
    server.background_context().wait_until_durable().await;
    Ok(StatusCode::NO_CONTENT)
}

/// `GET /api/figures`: returns the broker's totals, as on the topic `$SYS.figures`, and further memory of the server.
pub async fn figures(
    State(server): State<Arc<Server>>,
    rights: Rights,
) -> Result<Json<AllFigures>, Problem> {
    let figures = TopicName::new(figures::TOPIC)?;
    rights.check(Right::Subscribe, DestinationKind::Topic, &figures)?;
    let partial_input = server.partial_input.figures();
    Ok(Json(AllFigures {
        figures: server.figures.current(),
        unfinished_bytes: partial_input.bytes,
        unfinished_given_up: partial_input.dropped,
        refused_logins: server.access.refused_logins(),
        refused_requests: server.access.refused_requests(),
    }))
}

/// `GET /readyz`: returns whether the server accepts new work, and all of it.
pub async fn ready(State(server): State<Arc<Server>>) -> Result<&'static str, Problem> {
    let refusal = match server.is_stopping() {
        true => Some("the server is stopping".to_owned()),
        false => {
            let refusal = server.disk.as_ref().and_then(DiskStatus::refusal);
            refusal.map(|error| error.to_string())
        }
    };
    match refusal {
        Some(detail) => Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, detail)),
        None => Ok("ok\n"),
    }
}

/// The response to a publication to a topic.
#[derive(Serialize)]
pub struct PublishResponse {
    id: String,
    topic: String,
    sequence: u64,
    subscriptions: usize,
}

/// The response of `/api/figures`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AllFigures {
    #[serde(flatten)]
    figures: app::Figures,
    /// Bytes of incomplete messages.
    unfinished_bytes: usize,
    /// Incomplete messages dropped in favour of others, since the start.
    unfinished_given_up: u64,
    /// Clients refused because of their credentials, since the start.
    refused_logins: u64,
    /// Requests refused because a right was missing, since the start.
    refused_requests: u64,
}

/// The response of `/api/topics`.
#[derive(Serialize)]
pub struct Topics {
    topics: Vec<TopicInfo>,
    /// Number of all topics, whatever the filter; only for a sender that sees all.
    #[serde(skip_serializing_if = "Option::is_none")]
    total: Option<usize>,
    /// The value of `after` for the next page, if there may be more.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

/// A topic with its figures; lags and history in messages, sizes in bytes.
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

/// Returns the problem that a topic does not exist.
pub fn no_topic(name: &TopicName) -> Problem {
    Problem::new(StatusCode::NOT_FOUND, format!("there is no topic {name}"))
}

const MAX_TOPICS: usize = 1_000;
