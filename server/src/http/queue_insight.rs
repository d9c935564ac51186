//! `/api/queues/{queue}/consumers` and `/history`: who consumes from a queue, and how it developed over the last hour.

use std::sync::Arc;

use axum::{Json, extract::State};
use broker::{ConsumerFigures, DestinationKind, TopicName};
use serde::Serialize;

use super::{
    extract::{PageQuery, Path, Query, in_parts, last_of_full_page},
    login::Rights,
    problem::Problem,
};
use crate::{clock, queue_history, server::Server};

/// `GET /api/queues/{queue}/consumers?after=…&limit=…`: lists the consumers in the order in which they subscribed. Connections
/// and users are shown only to a sender that may see the connections of others.
pub async fn consumers(
    State(server): State<Arc<Server>>,
    rights: Rights,
    Path(queue): Path<String>,
    Query(query): Query<PageQuery<u64>>,
) -> Result<Json<Consumers>, Problem> {
    let name = TopicName::new(&queue)?;
    rights.check_visible(DestinationKind::Queue, &name)?;
    if server.broker.queue(&name).is_none() {
        return Err(Problem::no_queue(&name));
    }
    let limit = query.limit(MAX_LISTED);
    let found = in_parts(query.after.unwrap_or(0), limit, |after, most| {
        let part = server.broker.queue_consumers(&name, after, most);
        let part = part.unwrap_or_default();
        let last = part.last().map_or(after, |last| last.id.number());
        (part, last)
    });
    let found = found.await;
    let sees_connections = rights.principal().check_server().is_ok();
    let now_ms = clock::unix_ms();
    let consumers = found.iter().map(|one| {
        let owner = sees_connections.then(|| Owner::of(&server, one));
        ConsumerInfo::new(one, owner, now_ms)
    });
    Ok(Json(Consumers {
        consumers: consumers.collect(),
        next: last_of_full_page(&found, limit).map(|last| last.id.number()),
    }))
}

/// `GET /api/queues/{queue}/history`: returns the depth and the rates of the last hour, a point for each minute and one for now.
pub async fn history(
    State(server): State<Arc<Server>>,
    rights: Rights,
    Path(queue): Path<String>,
) -> Result<Json<History>, Problem> {
    let name = TopicName::new(&queue)?;
    rights.check_visible(DestinationKind::Queue, &name)?;
    let figures = server.broker.queue(&name);
    let figures = figures.ok_or_else(|| Problem::no_queue(&name))?;
    let points = server.queue_history.points(&figures, clock::unix_ms());
    Ok(Json(History {
        step_ms: queue_history::STEP_MS,
        points: points.into_iter().map(PointInfo::from).collect(),
    }))
}

/// The response of `/api/queues/{queue}/consumers`.
#[derive(Serialize)]
pub struct Consumers {
    consumers: Vec<ConsumerInfo>,
    /// The value of `after` for the next page, if there may be more.
    next: Option<u64>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ConsumerInfo {
    /// The number of the subscription.
    subscription: String,
    /// The queues or topics that it subscribes to.
    filter: String,
    #[serde(flatten)]
    owner: Option<Owner>,
    prefetch: usize,
    /// Messages of this queue that it has and has not acknowledged.
    held: u64,
    /// The time since the oldest of them was delivered.
    oldest_held_ms: Option<u64>,
    exclusive: bool,
    selector: Option<String>,
}

/// The connection of a consumer. A session without a connection has only a name.
#[derive(Serialize)]
struct Owner {
    connection: Option<u64>,
    session: Arc<str>,
    client: Option<Arc<str>>,
    user: Option<Arc<str>>,
}

impl Owner {
    fn of(server: &Server, consumer: &ConsumerFigures) -> Self {
        let connection = server.connections.of_session(&consumer.session);
        let connection = connection.as_deref();
        Self {
            connection: connection.map(|one| one.id()),
            session: Arc::clone(consumer.session.name()),
            client: connection.and_then(|one| one.client().cloned()),
            user: connection.and_then(|one| one.user().cloned()),
        }
    }
}

impl ConsumerInfo {
    fn new(consumer: &ConsumerFigures, owner: Option<Owner>, now_ms: u64) -> Self {
        Self {
            subscription: consumer.id.number().to_string(),
            filter: consumer.filter.to_string(),
            owner,
            prefetch: consumer.prefetch,
            held: consumer.held,
            oldest_held_ms: consumer
                .oldest_held_ms
                .map(|since_ms| now_ms.saturating_sub(since_ms)),
            exclusive: consumer.is_exclusive,
            selector: consumer.selector.clone(),
        }
    }
}

/// The response of `/api/queues/{queue}/history`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct History {
    /// The time between two points, except for the last one.
    step_ms: u64,
    points: Vec<PointInfo>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PointInfo {
    time_ms: u64,
    depth: u64,
    enqueued_per_second: f32,
    acknowledged_per_second: f32,
}

impl From<queue_history::Point> for PointInfo {
    fn from(point: queue_history::Point) -> Self {
        Self {
            time_ms: point.time_ms,
            depth: point.depth,
            enqueued_per_second: point.enqueued_per_second,
            acknowledged_per_second: point.acknowledged_per_second,
        }
    }
}

/// Maximum number of consumers in one response.
const MAX_LISTED: usize = 1_000;
