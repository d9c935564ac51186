//! `/api/queues`: sending to queues with any HTTP client, and browsing them.

use std::{future::poll_fn, sync::Arc};

use access::Right;
use axum::{
    Json,
    body::Body,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use broker::{Broker, Browsed, DestinationKind, Publication, SharedEntry, Start, TopicName};
use serde::{Deserialize, Serialize};

use super::{
    document::{Document, DocumentLimits, Following},
    extract::{ListQuery, Path, Query, Requester},
    login::Rights,
    problem::{Problem, refuse_temporary},
    publish::{self, Content, PublishQuery},
};
use crate::{message::Message, queues, server::Server};

/// `GET /api/queues?filter=…&limit=…`: lists the queues that the sender may see, by name, with figures, as on the topic
/// `$SYS.queues`.
pub async fn queues(
    State(server): State<Arc<Server>>,
    rights: Rights,
    Query(query): Query<ListQuery>,
) -> Result<Json<app::Queues>, Problem> {
    let limit = query.limit(queues::MAX_PUBLISHED, MAX_QUEUES);
    let filter = query.filter()?;
    Ok(Json(queues::visible(
        &server.broker,
        rights.principal(),
        &filter,
        limit,
    )))
}

/// `GET /api/queues/{queue}`: returns the queue's figures.
pub async fn queue(
    State(server): State<Arc<Server>>,
    rights: Rights,
    Path(queue): Path<String>,
) -> Result<Json<app::QueueFigures>, Problem> {
    let name = TopicName::new(&queue)?;
    rights.check_visible(DestinationKind::Queue, &name)?;
    let figures = server.broker.queue(&name);
    let figures = figures.ok_or_else(|| no_queue(&name))?;
    Ok(Json(queues::figures(&figures)))
}

/// `POST /api/queues/{queue}`: publishes the body, unchanged, as a message.
pub async fn send(
    State(server): State<Arc<Server>>,
    Path(queue): Path<String>,
    Query(query): Query<PublishQuery>,
    rights: Rights,
    Requester { client, headers }: Requester,
    body: Body,
) -> Result<Json<SendResponse>, Problem> {
    let name = TopicName::new(&queue)?;
    rights.check(Right::Send, DestinationKind::Queue, &name)?;
    let content = Content {
        client,
        account: rights.principal().account().cloned(),
        headers,
        query,
        body,
    };
    let published = publish::publish(&server, Publication::to_queue, name, content).await?;
    Ok(Json(SendResponse {
        id: published.id.to_string(),
        queue,
        sequence: published.sequence,
        consumers: published.subscriptions,
    }))
}

/// `DELETE /api/queues/{queue}`: deletes the waiting messages and the queue. A queue with consumers stays.
pub async fn remove(
    State(server): State<Arc<Server>>,
    rights: Rights,
    Path(queue): Path<String>,
) -> Result<StatusCode, Problem> {
    let name = TopicName::new(&queue)?;
    rights.check(Right::Manage, DestinationKind::Queue, &name)?;
    if name.is_reserved() {
        let detail = format!("queue {name} belongs to a connection");
        return Err(Problem::new(StatusCode::FORBIDDEN, detail));
    }
    let removed = server.broker.remove_queue(&name);
    removed.ok_or_else(|| no_queue(&name))?;
    rights.note_managed("delete-queue", name.as_str());
    server.background_context().wait_until_durable().await;
    Ok(StatusCode::NO_CONTENT)
}

/// `GET /api/queues/{queue}/messages?after=…&limit=…`: lists the messages, oldest first, without consuming them.
pub async fn messages(
    State(server): State<Arc<Server>>,
    rights: Rights,
    Path(queue): Path<String>,
    Query(query): Query<MessagesQuery>,
) -> Result<Response, Problem> {
    let name = TopicName::new(&queue)?;
    rights.check(Right::Browse, DestinationKind::Queue, &name)?;
    refuse_temporary(name.as_str())?;
    let after = query.after(&server.broker)?;
    let limit = query.limit.unwrap_or(DEFAULT_MESSAGES).min(MAX_MESSAGES);
    let found = browse(&server.broker, &name, after, limit + 1).await;
    let found = found.ok_or_else(|| no_queue(&name))?;
    let limits = DocumentLimits {
        messages: limit,
        bytes: MAX_BYTES,
    };
    let messages = found
        .into_iter()
        .map(move |entry| Message::new(&server.broker, &entry));
    let before = b"{\"messages\":[".to_vec();
    let document = Document::new(before, messages, limits, |following| {
        // Marks that further messages follow.
        format!("],\"more\":{}}}", following == Following::More).into_bytes()
    });
    Ok(document.into_response())
}

/// Returns messages of a queue after a position. Those that are not in memory are read from the disk, until there are more
/// than the response can have.
async fn browse(
    broker: &Broker,
    name: &TopicName,
    after: u64,
    most: usize,
) -> Option<Vec<SharedEntry>> {
    let mut found = Vec::new();
    let (mut after, mut bytes) = (after, 0);
    while found.len() < most && bytes <= MAX_BYTES {
        let Browsed { entries, paged } = broker.browse(name, after, most - found.len())?;
        let Some(mut paged) = paged else {
            found.extend(entries);
            break;
        };
        let loaded = poll_fn(|context| paged.poll(context.waker())).await;
        after = paged.last();
        let more = entries.into_iter().chain(loaded);
        found.extend(more.inspect(|entry| bytes += entry.body().len()));
    }
    Some(found)
}

/// The query `?after=…&limit=…`.
#[derive(Deserialize)]
pub struct MessagesQuery {
    /// The id of the last message of the previous page.
    after: Option<String>,
    limit: Option<usize>,
}

impl MessagesQuery {
    /// Returns the position after which to start. The messages of an earlier run are gone, so an id of that run returns
    /// all.
    fn after(&self, broker: &Broker) -> Result<u64, Problem> {
        let Some(after) = &self.after else {
            return Ok(0);
        };
        let id = after
            .parse()
            .map_err(|error| Problem::bad_request(format!("after={after:?} is {error}")))?;
        match broker.start_after(id) {
            Start::AfterPosition(position) => Ok(position),
            _ => Ok(0),
        }
    }
}

/// The response to a publication to a queue.
#[derive(Serialize)]
pub struct SendResponse {
    id: String,
    queue: String,
    sequence: u64,
    consumers: usize,
}

fn no_queue(name: &TopicName) -> Problem {
    Problem::new(StatusCode::NOT_FOUND, format!("there is no queue {name}"))
}

const MAX_QUEUES: usize = 1_000;
const DEFAULT_MESSAGES: usize = 100;
const MAX_MESSAGES: usize = 1_000;
/// Maximum size of the JSON, not counting the rest of the message that exceeds it.
const MAX_BYTES: usize = 8 << 20;
