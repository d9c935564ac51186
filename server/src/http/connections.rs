//! `/api/connections`: the open connections, for operators.

use std::{net::IpAddr, sync::Arc};

use axum::{Json, extract::State, http::StatusCode};
use serde::Serialize;

use super::{
    extract::{PageQuery, Path, Query, last_of_full_page},
    login::Rights,
    problem::Problem,
};
use crate::{connection_control::OpenConnection, server::Server};

/// `GET /api/connections?after=…&limit=…`: lists the connections in the order in which they were established.
pub async fn connections(
    State(server): State<Arc<Server>>,
    rights: Rights,
    Query(query): Query<PageQuery<u64>>,
) -> Result<Json<Connections>, Problem> {
    rights.check_server()?;
    let limit = query.limit(MAX_LISTED);
    let after = query.after.unwrap_or(0);
    let (found, total) = server.connections.list(after, limit);
    let connections = found.iter();
    let connections = connections.filter_map(|one| ConnectionInfo::new(&server, one));
    Ok(Json(Connections {
        connections: connections.collect(),
        total,
        next: last_of_full_page(&found, limit).map(|last| last.id()),
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
        None => Err(Problem::new(
            StatusCode::NOT_FOUND,
            format!("there is no connection {id}"),
        )),
    }
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
    address: IpAddr,
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<Arc<str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    client: Option<Arc<str>>,
    /// The time of the start, in Unix seconds.
    since: u32,
    subscriptions: usize,
    delivered: u64,
    dropped: u64,
}

impl ConnectionInfo {
    /// Returns `None` if the connection has just ended.
    fn new(server: &Server, connection: &OpenConnection) -> Option<Self> {
        let figures = server.broker.session_figures(connection.session())?;
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
        })
    }
}

/// Maximum number of connections in one response.
const MAX_LISTED: usize = 1_000;
