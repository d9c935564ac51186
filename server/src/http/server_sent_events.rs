//! The common part of responses with server-sent events.

use std::convert::Infallible;

use axum::{
    body::{Body, Bytes},
    http::{HeaderName, HeaderValue, header},
    response::{IntoResponse as _, Response},
};
use tokio_stream::{Stream, StreamExt as _, wrappers::WatchStream};

use super::read_deadline::ReadDeadline;
use crate::server::Server;

/// Returns the response whose body is a stream of encoded events. The read deadline of the connection ends: the stream has a rule
/// of its own for a client that does not read. As the stream is not polled then, `is_over` returns whether it must end.
pub fn response(
    events: impl Stream<Item = Result<Bytes, Infallible>> + Send + 'static,
    read_deadline: &ReadDeadline,
    is_over: impl Fn() -> bool + Send + 'static,
) -> Response {
    read_deadline.disable_until(is_over);
    let mut response = Body::from_stream(events).into_response();
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CONTENT_TYPE, "text/event-stream"),
        (header::CACHE_CONTROL, "no-store"),
        // Proxies that buffer responses would delay events.
        (HeaderName::from_static("x-accel-buffering"), "no"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

/// Returns a stream that is ready when the server stops.
pub fn stopping(server: &Server) -> impl Stream<Item = bool> + Send + Unpin + use<> {
    WatchStream::new(server.stopping.clone()).filter(|stopping| *stopping)
}
