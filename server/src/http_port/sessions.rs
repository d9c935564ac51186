//! `/api/sessions`: the sessions of MQTT clients.

use std::sync::Arc;

use axum::{Json, extract::State, http::StatusCode};
use serde::Serialize;

use crate::{
    http::{PageQuery, Path, Problem, Query, Rights},
    mqtt::{EndedSession, ListedSession, MqttHandler},
    server::Server,
};

/// `GET /api/sessions?after=…&limit=…`: lists the sessions by client id, connected or not.
pub async fn sessions(
    State(server): State<Arc<Server>>,
    State(mqtt): State<MqttHandler>,
    rights: Rights,
    Query(query): Query<PageQuery<String>>,
) -> Result<Json<Sessions>, Problem> {
    rights.check_server()?;
    let limit = query.limit(MAX_LISTED);
    let sessions = mqtt.sessions();
    let (listed, more) = sessions.list(query.after.as_deref(), limit);
    let now_ms = server.clock.now_ms();
    Ok(Json(Sessions {
        sessions: listed
            .into_iter()
            .map(|one| SessionInfo::new(one, now_ms))
            .collect(),
        more,
        away: sessions.detached_count(),
        ended_early: sessions.ended_early(),
    }))
}

/// `DELETE /api/sessions/{client}`: ends the session, and the connection if there is one.
pub async fn end(
    State(mqtt): State<MqttHandler>,
    rights: Rights,
    Path(client): Path<String>,
) -> Result<StatusCode, Problem> {
    rights.check_server()?;
    match mqtt.end_session(&client).await {
        EndedSession::Ended => {
            rights.note_managed("end-session", &client);
            Ok(StatusCode::NO_CONTENT)
        }
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

/// The response of `/api/sessions`.
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
    detached: Option<DetachedInfo>,
}

/// The state of a session without a connection.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct DetachedInfo {
    subscriptions: usize,
    /// True if messages of QoS 1 or 2 wait.
    has_messages: bool,
    expires_in_seconds: u64,
}

impl SessionInfo {
    fn new(listed: ListedSession, now_ms: u64) -> Self {
        Self {
            client: listed.client,
            connected: listed.detached.is_none(),
            detached: listed.detached.map(|detached| DetachedInfo {
                subscriptions: detached.subscriptions,
                has_messages: detached.has_messages,
                expires_in_seconds: detached.ends_ms.saturating_sub(now_ms).div_ceil(1_000),
            }),
        }
    }
}

/// Maximum number of sessions in one response.
const MAX_LISTED: usize = 1_000;
