//! `/metrics`: the figures of the server for a monitoring system.

use std::{fmt, sync::Arc};

use axum::{
    extract::State,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse as _, Response},
};

use super::{login::Rights, problem::Problem};
use crate::{
    metrics::{self, Format},
    server::Server,
};

/// `GET /metrics`: returns the metrics in the format that the header Accept prefers. The sender needs the right to see what
/// belongs to others, as for `/api/connections`.
pub async fn metrics(
    State(server): State<Arc<Server>>,
    rights: Rights,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    rights.check_server()?;
    respond(server, &headers).await.map_err(|_| {
        let detail = "the metrics cannot be encoded";
        Problem::new(StatusCode::INTERNAL_SERVER_ERROR, detail)
    })
}

/// Returns the metrics, without a check of rights.
pub async fn respond(server: Arc<Server>, headers: &HeaderMap) -> Result<Response, fmt::Error> {
    let accept = headers.get(header::ACCEPT);
    let format = Format::accepted(accept.and_then(|value| value.to_str().ok()));
    let page = metrics::render(server, format).await?;
    let content_type = HeaderValue::from_static(format.content_type());
    let headers = [
        (header::CONTENT_TYPE, content_type),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
        (header::VARY, HeaderValue::from_static("accept")),
    ];
    Ok((headers, page).into_response())
}

/// The path, on the HTTP port and on the port of `--metrics`.
pub const PATH: &str = "/metrics";
