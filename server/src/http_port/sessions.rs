//! `/api/sessions`: the sessions of MQTT clients. `/api/bounds`: the pools that all clients share.

use std::sync::Arc;

use axum::{Json, extract::State, http::StatusCode};
use broker::PoolFigures;
use serde::{Deserialize, Serialize};

use super::{
    extract::{Path, Query},
    problem::Problem,
};
use crate::{
    mqtt::{self, EndedSession, ListedSession},
    server::Server,
};

/// `GET /api/sessions?after=…&limit=…`: lists the sessions by client id, connected or not.
pub async fn sessions(
    State(server): State<Arc<Server>>,
    Query(page): Query<Page>,
) -> Json<Sessions> {
    let limit = page.limit.unwrap_or(LISTED).min(LISTED);
    let sessions = &server.mqtt.sessions;
    let (listed, more) = sessions.list(page.after.as_deref(), limit);
    let now_ms = server.clock.now_ms();
    Json(Sessions {
        sessions: listed
            .into_iter()
            .map(|one| SessionInfo::new(one, now_ms))
            .collect(),
        more,
        away: sessions.away(),
        ended_early: sessions.ended_early(),
    })
}

/// `DELETE /api/sessions/{client}`: ends the session, and the connection if there is one.
pub async fn end(
    State(server): State<Arc<Server>>,
    Path(client): Path<String>,
) -> Result<StatusCode, Problem> {
    match mqtt::end_session(&server, &client).await {
        EndedSession::Ended => Ok(StatusCode::NO_CONTENT),
        EndedSession::Unknown => Err(Problem::new(
            StatusCode::NOT_FOUND,
            format!("there is no session of the client {client:?}"),
        )),
        EndedSession::Busy => Err(Problem::new(
            StatusCode::SERVICE_UNAVAILABLE,
            format!("the connection of the client {client:?} did not end in time"),
        )),
    }
}

/// `GET /api/bounds`: returns the size and use of each pool, and the number of refusals.
pub async fn bounds(State(server): State<Arc<Server>>) -> Json<Bounds> {
    let figures = server.broker.pool_figures();
    let broker = server.broker.figures();
    Json(Bounds {
        memory: MemoryInfo {
            limit: server.broker.limits().memory_bytes,
            taken: broker.held_bytes,
            emptied: broker.emptied,
        },
        aged_out: broker.aged_out,
        pools: figures.into_iter().map(PoolInfo::from).collect(),
    })
}

#[derive(Deserialize)]
pub struct Page {
    /// The last client id of the previous page.
    after: Option<String>,
    limit: Option<usize>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Sessions {
    sessions: Vec<SessionInfo>,
    /// True if there are more after the last of these.
    more: bool,
    /// Number of all sessions without a connection.
    away: usize,
    /// Sessions without a connection that were ended to make room for others.
    ended_early: u64,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SessionInfo {
    client: Arc<str>,
    connected: bool,
    #[serde(flatten)]
    away: Option<AwayInfo>,
}

/// The state of a session without a connection.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct AwayInfo {
    subscriptions: usize,
    /// True if messages of QoS 1 or 2 wait.
    has_messages: bool,
    expires_in_seconds: u64,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Bounds {
    memory: MemoryInfo,
    /// Number of topics that were removed because they were idle.
    aged_out: u64,
    pools: Vec<PoolInfo>,
}

/// Bytes of all messages.
#[derive(Serialize)]
struct MemoryInfo {
    limit: u64,
    taken: u64,
    /// Number of times that a topic gave up its last image.
    emptied: u64,
}

#[derive(Serialize)]
struct PoolInfo {
    name: &'static str,
    limit: u64,
    taken: u64,
    refused: u64,
}

impl SessionInfo {
    fn new(listed: ListedSession, now_ms: u64) -> Self {
        Self {
            client: listed.client,
            connected: listed.away.is_none(),
            away: listed.away.map(|away| AwayInfo {
                subscriptions: away.subscriptions,
                has_messages: away.has_messages,
                expires_in_seconds: away.ends_ms.saturating_sub(now_ms).div_ceil(1_000),
            }),
        }
    }
}

impl From<PoolFigures> for PoolInfo {
    fn from(figures: PoolFigures) -> Self {
        Self {
            name: figures.pool.name(),
            limit: figures.limit,
            taken: figures.taken,
            refused: figures.refused,
        }
    }
}

/// Maximum number of sessions in one response.
const LISTED: usize = 1_000;
