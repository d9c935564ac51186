//! `/api/connections`: the open connections, for operators.

use std::sync::Arc;

use axum::{Json, extract::State, http::StatusCode};
use broker::{
    ClientAddress, DestinationKind, Overflow, Skipped, SubscriptionFigures, SubscriptionReading,
};
use serde::{Deserialize, Serialize};

use super::{
    extract::{PageQuery, Path, Query, in_parts, last_of_full_page},
    login::Rights,
    problem::Problem,
};
use crate::{
    clock,
    connection_control::{MessageTotals, OpenConnection},
    fairness,
    server::Server,
};

/// `GET /api/connections?after=…&limit=…&text=…`: lists the connections in the order in which they were established; with a
/// text those whose name, client id, user, address or protocol contains it, in any case.
pub async fn connections(
    State(server): State<Arc<Server>>,
    rights: Rights,
    Query(query): Query<ConnectionsQuery>,
) -> Result<Json<Connections>, Problem> {
    rights.check_server()?;
    let Page { found, total, next } = find(&server, &query).await;
    let mut connections = Vec::with_capacity(found.len());
    for connection in found {
        connections.extend(ConnectionInfo::new(&server, &connection));
        fairness::yield_if_due().await;
    }
    Ok(Json(Connections {
        connections,
        total,
        next,
    }))
}

/// The query `?after=…&limit=…&text=…`.
#[derive(Deserialize)]
pub struct ConnectionsQuery {
    /// The value of `next` of the previous page, or the id of its last connection.
    after: Option<u64>,
    limit: Option<usize>,
    text: Option<String>,
}

/// A part of the list of connections.
struct Page {
    found: Vec<Arc<OpenConnection>>,
    total: usize,
    next: Option<u64>,
}

/// Finds the next connections that a query wants, among at most [`MAX_EXAMINED`].
async fn find(server: &Server, query: &ConnectionsQuery) -> Page {
    let limit = query.limit.unwrap_or(MAX_LISTED).min(MAX_LISTED);
    let text = query.text.as_deref().unwrap_or_default().to_lowercase();
    let mut after = query.after.unwrap_or(0);
    let mut found = Vec::new();
    let mut examined = 0;
    loop {
        // One more than wanted, to know whether there are more.
        let most = (limit + 1).min(EXAMINED_AT_ONCE);
        let (part, total) = server.connections.list(after, most);
        let is_last = part.len() < most;
        for connection in part {
            if found.len() == limit || examined == MAX_EXAMINED {
                let next = Some(after).filter(|_| limit > 0);
                return Page { found, total, next };
            }
            examined += 1;
            after = connection.id();
            if text.is_empty() || contains(&connection, &text) {
                found.push(connection);
            }
        }
        if is_last {
            let next = None;
            return Page { found, total, next };
        }
        fairness::yield_if_due().await;
    }
}

/// Returns whether the description of a connection contains a text, which is in lower case.
fn contains(connection: &OpenConnection, text: &str) -> bool {
    let names = [connection.client(), connection.user()];
    let mut names = names.into_iter().flatten().map(|name| &**name);
    names.any(|name| name.to_lowercase().contains(text))
        || connection.session().name().to_lowercase().contains(text)
        || connection.protocol().name().contains(text)
        || connection.address().to_string().contains(text)
}

/// `GET /api/connections/{id}?after=…&limit=…`: returns a connection with its subscriptions, in the order of their numbers.
pub async fn connection(
    State(server): State<Arc<Server>>,
    rights: Rights,
    Path(id): Path<u64>,
    Query(query): Query<PageQuery<u64>>,
) -> Result<Json<ConnectionDetails>, Problem> {
    rights.check_server()?;
    let limit = query.limit(MAX_LISTED);
    let found = server.connections.find(id);
    let info = found
        .as_ref()
        .and_then(|one| Some((one, ConnectionInfo::new(&server, one)?)));
    let (connection, info) = info.ok_or_else(|| no_connection(id))?;
    let session = connection.session();
    let subscriptions = in_parts(query.after.unwrap_or(0), limit, |after, most| {
        let part = server.broker.session_subscriptions(session, after, most);
        let last = part.last().map_or(after, |last| last.id.number());
        (part, last)
    });
    let subscriptions = subscriptions.await;
    let now_ms = clock::unix_ms();
    Ok(Json(ConnectionDetails {
        connection: info,
        next: last_of_full_page(&subscriptions, limit).map(|last| last.id.number()),
        subscriptions: subscriptions
            .iter()
            .map(|one| SubscriptionInfo::new(one, now_ms))
            .collect(),
    }))
}

/// `DELETE /api/connections/{id}`: ends a connection. Its client is informed, and may connect again.
pub async fn end(
    State(server): State<Arc<Server>>,
    rights: Rights,
    Path(id): Path<u64>,
) -> Result<StatusCode, Problem> {
    rights.check_server()?;
    match server.connections.end(id) {
        Some(ended) => {
            rights.note_managed("end-connection", ended.session().name());
            Ok(StatusCode::NO_CONTENT)
        }
        None => Err(no_connection(id)),
    }
}

fn no_connection(id: u64) -> Problem {
    let detail = format!("there is no connection {id}");
    Problem::new(StatusCode::NOT_FOUND, detail)
}

/// The response of `/api/connections`.
#[derive(Serialize)]
pub struct Connections {
    connections: Vec<ConnectionInfo>,
    /// Number of all connections, listed or not.
    total: usize,
    /// The value of `after` for the next page, if there may be more.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<u64>,
}

/// A connection with its figures, in messages since its start.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ConnectionInfo {
    id: u64,
    name: String,
    protocol: &'static str,
    address: ClientAddress,
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<Arc<str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    client: Option<Arc<str>>,
    /// The time of the start, in Unix seconds.
    since: u32,
    subscriptions: usize,
    delivered: u64,
    dropped: u64,
    published: u64,
    delivered_per_second: f64,
    published_per_second: f64,
    /// Messages that its first subscriptions to topics have not read.
    lag: u64,
}

/// The response of `/api/connections/{id}`.
#[derive(Serialize)]
pub struct ConnectionDetails {
    connection: ConnectionInfo,
    subscriptions: Vec<SubscriptionInfo>,
    /// The value of `after` for the next page, if there may be more.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<u64>,
}

/// A subscription with its figures, in messages.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SubscriptionInfo {
    /// Its number.
    subscription: String,
    kind: &'static str,
    filter: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    selector: Option<String>,
    /// Messages that it has not got; absent if it shares them with others.
    #[serde(skip_serializing_if = "Option::is_none")]
    lag: Option<u64>,
    /// True if it reads so many topics that some are not included in the lag.
    #[serde(skip_serializing_if = "is_false")]
    lag_cut: bool,
    skipped: u64,
    /// The skipped messages by reason.
    #[serde(skip_serializing_if = "SkipInfo::is_empty")]
    reasons: SkipInfo,
    #[serde(flatten)]
    reading: ReadingInfo,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SkipInfo {
    /// It was too slow: its lag exceeded a bound.
    #[serde(skip_serializing_if = "is_zero")]
    lag: u64,
    #[serde(skip_serializing_if = "is_zero")]
    topic_removed: u64,
    #[serde(skip_serializing_if = "is_zero")]
    cursor_limit: u64,
    #[serde(skip_serializing_if = "is_zero")]
    queue_full: u64,
}

#[derive(Serialize)]
#[serde(untagged, rename_all_fields = "camelCase")]
enum ReadingInfo {
    Logs {
        overflow: &'static str,
    },
    Queues {
        prefetch: usize,
        held: u64,
        /// The time since the oldest of them was delivered.
        oldest_held_ms: Option<u64>,
    },
}

impl ConnectionInfo {
    /// Returns `None` if the connection has just ended.
    fn new(server: &Server, connection: &OpenConnection) -> Option<Self> {
        let session = connection.session();
        let figures = server.broker.session_figures(session)?;
        let totals = MessageTotals {
            delivered: figures.delivered,
            published: figures.published,
        };
        let rates = connection.rates(totals, clock::unix_ms());
        Some(Self {
            id: connection.id(),
            name: figures.name,
            protocol: connection.protocol().name(),
            address: connection.address(),
            user: connection.user().cloned(),
            client: connection.client().cloned(),
            since: connection.since_unix_s(),
            subscriptions: figures.subscriptions,
            delivered: figures.delivered,
            dropped: figures.dropped,
            published: figures.published,
            delivered_per_second: rates.delivered,
            published_per_second: rates.published,
            lag: server.broker.session_lag(session, LAG_SUBSCRIPTIONS),
        })
    }
}

impl SubscriptionInfo {
    fn new(figures: &SubscriptionFigures, now_ms: u64) -> Self {
        let Skipped {
            lag,
            topic_removed,
            cursor_limit,
            queue_full,
        } = figures.skipped;
        Self {
            subscription: figures.id.number().to_string(),
            kind: match figures.kind {
                DestinationKind::Topic => "topic",
                DestinationKind::Queue => "queue",
            },
            filter: figures.filter.to_string(),
            selector: figures.selector.clone(),
            lag: figures.lag,
            lag_cut: figures.is_lag_cut,
            skipped: figures.skipped.total(),
            reasons: SkipInfo {
                lag,
                topic_removed,
                cursor_limit,
                queue_full,
            },
            reading: match figures.reading {
                SubscriptionReading::Logs(rule) => ReadingInfo::Logs {
                    overflow: overflow_name(rule),
                },
                SubscriptionReading::Queues {
                    prefetch,
                    held,
                    oldest_held_ms,
                } => ReadingInfo::Queues {
                    prefetch,
                    held,
                    oldest_held_ms: oldest_held_ms.map(|since_ms| now_ms.saturating_sub(since_ms)),
                },
            },
        }
    }
}

impl SkipInfo {
    const fn is_empty(&self) -> bool {
        self.lag + self.topic_removed + self.cursor_limit + self.queue_full == 0
    }
}

/// Returns the name of a rule, as on the command line.
const fn overflow_name(rule: Overflow) -> &'static str {
    match rule {
        Overflow::DropOldest => "drop-oldest",
        Overflow::Latest => "latest",
        Overflow::Disconnect => "disconnect",
        Overflow::Block => "block",
    }
}

const fn is_false(value: &bool) -> bool {
    !*value
}

const fn is_zero(value: &u64) -> bool {
    *value == 0
}

/// Subscriptions of one connection whose lag a list adds up.
const LAG_SUBSCRIPTIONS: usize = 32;

/// Maximum number of connections in one response.
const MAX_LISTED: usize = 1_000;
/// Maximum number of connections that one request compares with its text.
const MAX_EXAMINED: usize = 100_000;
/// Number of connections that are copied while the list is locked.
const EXAMINED_AT_ONCE: usize = 1_000;
