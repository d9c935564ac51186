//! Receiving a request's body: at a minimum rate, and within the memory that all incomplete messages share.

use std::pin::pin;

use axum::{
    body::{Body, HttpBody as _},
    http::StatusCode,
};
use http_body_util::BodyExt as _;
use tokio::time::{Instant, timeout_at};

use super::problem::Problem;
use crate::{
    partial_input::{MESSAGE_DROPPED, MESSAGE_TOO_SLOW, time_limit},
    server::Server,
};

/// Waits for the complete body of a message.
///
/// # Errors
///
/// The problem for the response: the body is too large, too slow or broken, or was dropped in favour of others.
pub async fn read_body(server: &Server, body: Body) -> Result<Vec<u8>, Problem> {
    read_at_most(server, server.options.max_body_bytes, body).await
}

/// Waits for the JSON of a request for an action. Its limit is small, because the values in memory may be ten times as large as
/// the JSON.
///
/// # Errors
///
/// Those of [`read_body`].
pub async fn read_json(server: &Server, body: Body) -> Result<Vec<u8>, Problem> {
    let max_bytes = MAX_JSON_BYTES.min(server.options.max_body_bytes);
    read_at_most(server, max_bytes, body).await
}

async fn read_at_most(server: &Server, max_bytes: usize, body: Body) -> Result<Vec<u8>, Problem> {
    let started = Instant::now();
    let mut partial_message = server.partial_message();
    let mut received = Vec::new();
    let mut body = pin!(body);
    while !body.is_end_stream() {
        let deadline = started + time_limit(received.len());
        let frame = tokio::select! {
            biased;
            () = partial_message.dropped() => {
                return Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, MESSAGE_DROPPED));
            }
            frame = timeout_at(deadline, body.frame()) => frame,
        };
        let frame =
            frame.map_err(|_| Problem::new(StatusCode::REQUEST_TIMEOUT, MESSAGE_TOO_SLOW))?;
        let Some(frame) = frame else {
            break;
        };
        let frame = frame.map_err(Problem::bad_request)?;
        // Trailers are ignored.
        let Ok(data) = frame.into_data() else {
            continue;
        };
        if data.len() > max_bytes - received.len() {
            let detail = format!("the body is larger than the limit of {max_bytes} bytes");
            return Err(Problem::new(StatusCode::PAYLOAD_TOO_LARGE, detail));
        }
        received.extend_from_slice(&data);
        partial_message.set_bytes(received.capacity());
    }
    Ok(received)
}

/// Maximum length of the JSON of a request.
const MAX_JSON_BYTES: usize = 256 << 10;
