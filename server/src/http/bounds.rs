//! `/api/bounds`: the pools that all clients share.

use std::sync::Arc;

use axum::{Json, extract::State};
use broker::PoolFigures;
use serde::Serialize;

use super::{login::Rights, problem::Problem};
use crate::server::Server;

/// `GET /api/bounds`: returns the size and use of each pool, and the number of refusals.
pub async fn bounds(
    State(server): State<Arc<Server>>,
    rights: Rights,
) -> Result<Json<Bounds>, Problem> {
    rights.check_server()?;
    let figures = server.broker.pool_figures();
    let broker = server.broker.figures();
    Ok(Json(Bounds {
        memory: MemoryInfo {
            limit: server.broker.limits().memory_bytes,
            taken: broker.held_bytes,
            emptied: broker.emptied,
        },
        aged_out: broker.aged_out,
        pools: figures.into_iter().map(PoolInfo::from).collect(),
    }))
}

/// The response of `/api/bounds`.
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
