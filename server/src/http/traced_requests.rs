//! Shows requests of HTTP and their responses to operators who trace the client.

use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
};

use axum::{
    body::{Body, Bytes, HttpBody},
    extract::{Request, State},
    http::{HeaderMap, HeaderName, Method, header, request::Parts},
    middleware::Next,
    response::Response,
};
use broker::{ClientAddress, Delivery, DestinationKind, TopicFilter};
use hyper::body::{Frame as BodyFrame, SizeHint};
use percent_encoding::percent_decode_str;

use super::{
    HttpState, SUBPROTOCOLS,
    login::{PeerAddress, PeerPort, claimed_user},
    publish::HEADER_PREFIX,
    trace_context::{TRACEPARENT, TRACESTATE},
};
use crate::{
    access_control::Principal,
    connection_control::OpenConnection,
    trace::{Direction, Frame, Identity, MAX_PAYLOAD_BYTES, Named, Traces},
};

/// Shows a request and its response. A request for a trace itself is not shown.
pub async fn show(State(state): State<HttpState>, request: Request, next: Next) -> Response {
    let traces = &state.server.traces;
    if !traces.is_active() {
        return next.run(request).await;
    }
    if let Some(accepted) = request.extensions().get::<Accepted>() {
        accepted.0.store(true, Ordering::Relaxed);
    }
    if request.uri().path() == TRACE_PATH {
        return next.run(request).await;
    }
    let (parts, body) = request.into_parts();
    let shown = ShownRequest::new(traces, &parts);
    let is_publication = parts.method == Method::POST && !shown.names.is_empty();
    let response = shown.response();
    let body = match is_publication {
        // The body is not here yet.
        true => Body::new(ShownBody {
            inner: body,
            request: Some(shown),
            beginning: Vec::new(),
            total: 0,
        }),
        false => {
            shown.show(None);
            body
        }
    };
    let answer = next.run(Request::from_parts(parts, body)).await;
    response.show(&answer);
    answer
}

/// Shows a request that is refused before [`show`], because of its host, its origin, a ban or its login, and the answer.
pub async fn show_refused(
    State(state): State<HttpState>,
    request: Request,
    next: Next,
) -> Response {
    let traces = &state.server.traces;
    if !traces.is_active() {
        return next.run(request).await;
    }
    let accepted = Accepted::default();
    let (mut parts, body) = request.into_parts();
    parts.extensions.insert(accepted.clone());
    let shown = ShownRequest::new(traces, &parts);
    let answer = next.run(Request::from_parts(parts, body)).await;
    if !accepted.0.load(Ordering::Relaxed) {
        shown.show(None);
        shown.response().show(&answer);
    }
    answer
}

/// True once a request has passed the rules of the server. An extension of the request.
#[derive(Clone, Default)]
struct Accepted(Arc<AtomicBool>);

/// Shows a message that an event stream delivers.
pub fn show_event(traces: &Traces, listed: Option<&Arc<OpenConnection>>, delivery: &Delivery<'_>) {
    let Some(listed) = listed.filter(|_| traces.is_active()) else {
        return;
    };
    traces.show(Direction::Out, &Identity::from(&**listed), || {
        let entry = delivery.entry;
        let mut frame = Frame {
            protocol: "HTTP".into(),
            frame_type: "event".into(),
            payload: Some(entry.body()),
            bytes: entry.body().len(),
            names: vec![Named::Name(entry.kind(), entry.topic().clone())],
            ..Frame::default()
        };
        frame.field("topic", entry.topic().as_str());
        frame.field("sequence", entry.sequence());
        for header in entry.headers() {
            frame.header(&header.name, &header.value);
        }
        frame
    });
}

/// The shown parts of a request.
struct ShownRequest {
    traces: Arc<Traces>,
    identity: Identity,
    protocol: String,
    method: String,
    path: String,
    query: Option<String>,
    headers: HeaderMap,
    names: Vec<Named>,
}

/// The parts of a response that are known before it is made.
struct ShownResponse {
    traces: Arc<Traces>,
    identity: Identity,
    protocol: String,
    request: String,
    names: Vec<Named>,
}

impl ShownRequest {
    fn new(traces: &Arc<Traces>, parts: &Parts) -> Self {
        let extensions = &parts.extensions;
        let address = extensions.get::<PeerAddress>();
        let principal = extensions.get::<Arc<Principal>>();
        let unknown = Identity::unknown(
            address.map_or(ClientAddress::Ip([0, 0, 0, 0].into()), |address| address.0),
            extensions.get::<PeerPort>().map(|port| port.0),
        );
        let path = parts.uri.path();
        Self {
            traces: Arc::clone(traces),
            identity: Identity {
                user: match principal {
                    Some(principal) => principal.user().cloned(),
                    None => claimed_user(&parts.headers).map(Into::into),
                },
                ..unknown
            },
            protocol: format!("{:?}", parts.version),
            method: parts.method.to_string(),
            path: path.to_owned(),
            query: parts.uri.query().map(ToOwned::to_owned),
            headers: parts.headers.clone(),
            names: name_in(path).into_iter().collect(),
        }
    }

    fn response(&self) -> ShownResponse {
        ShownResponse {
            traces: Arc::clone(&self.traces),
            identity: self.identity.clone(),
            protocol: self.protocol.clone(),
            request: format!("{} {}", self.method, self.path),
            names: self.names.clone(),
        }
    }

    /// Shows the request, with the beginning of its body and the body's size.
    fn show(&self, body: Option<(&[u8], usize)>) {
        self.traces.show(Direction::In, &self.identity, || {
            let mut frame = Frame {
                protocol: self.protocol.clone().into(),
                frame_type: self.method.clone().into(),
                payload: body.map(|(beginning, _)| beginning),
                payload_bytes: body.map(|(_, total)| total),
                bytes: body.map_or(0, |(_, total)| total),
                names: self.names.clone(),
                ..Frame::default()
            };
            frame.field("path", &self.path);
            if let Some(query) = &self.query {
                frame.field("query", query);
            }
            push_headers(&self.headers, &mut frame);
            frame
        });
    }
}

impl ShownResponse {
    fn show(&self, answer: &Response) {
        self.traces.show(Direction::Out, &self.identity, || {
            let mut frame = Frame {
                protocol: self.protocol.clone().into(),
                frame_type: answer.status().to_string().into(),
                names: self.names.clone(),
                ..Frame::default()
            };
            frame.field("request", &self.request);
            push_headers(answer.headers(), &mut frame);
            frame
        });
    }
}

/// Adds headers. Those that become a part of a message are content.
fn push_headers(headers: &HeaderMap, frame: &mut Frame<'_>) {
    let has_message = !frame.names.is_empty();
    for (name, value) in headers {
        let value = String::from_utf8_lossy(value.as_bytes());
        match name.as_str() {
            name if name.starts_with(HEADER_PREFIX) => frame.header(name, &value),
            text if has_message && is_of_message(name) => frame.content(text.to_owned(), &value),
            text if *name == header::SEC_WEBSOCKET_PROTOCOL => {
                frame.field(text.to_owned(), known_subprotocols(&value));
            }
            text => frame.field(text.to_owned(), value),
        }
    }
}

/// Returns whether a header of a request becomes a part of the message that the request publishes.
fn is_of_message(name: &HeaderName) -> bool {
    *name == header::CONTENT_TYPE || [TRACEPARENT, TRACESTATE].contains(&name.as_str())
}

/// Returns a list of subprotocols, with a mark in place of unknown ones. Some clients send a token as one, because a browser
/// cannot set other headers.
fn known_subprotocols(list: &str) -> String {
    let names = list.split(',').map(str::trim);
    let names = names.map(|name| match SUBPROTOCOLS.contains(&name) {
        true => name,
        false => "…",
    });
    names.collect::<Vec<_>>().join(", ")
}

/// Returns the topic, the queue or the filter in the path of a request.
fn name_in(path: &str) -> Option<Named> {
    let (kind, rest) = match path.strip_prefix("/api/topics/") {
        Some(rest) => (DestinationKind::Topic, rest),
        None => (DestinationKind::Queue, path.strip_prefix("/api/queues/")?),
    };
    let (name, _) = rest.split_once('/').unwrap_or((rest, ""));
    let name = percent_decode_str(name).decode_utf8().ok()?;
    let filter = TopicFilter::new(&name).ok()?;
    Some(Named::of(kind, filter))
}

/// The body of a publication, which is shown when it has arrived.
struct ShownBody {
    inner: Body,
    /// `None` once the request is shown.
    request: Option<ShownRequest>,
    /// The first bytes, as many as are shown.
    beginning: Vec<u8>,
    total: usize,
}

impl HttpBody for ShownBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<BodyFrame<Bytes>, axum::Error>>> {
        let this = self.get_mut();
        let polled = Pin::new(&mut this.inner).poll_frame(context);
        if let Poll::Ready(Some(Ok(frame))) = &polled
            && let Some(data) = frame.data_ref()
        {
            this.total += data.len();
            let room = (MAX_PAYLOAD_BYTES + 1).saturating_sub(this.beginning.len());
            let added = &data[..room.min(data.len())];
            this.beginning.extend_from_slice(added);
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

impl Drop for ShownBody {
    /// The handler drops the body when it has read it, before it acts.
    fn drop(&mut self) {
        if let Some(request) = self.request.take() {
            request.show(Some((&self.beginning, self.total)));
        }
    }
}

const TRACE_PATH: &str = "/api/trace";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_known_subprotocols_are_shown() {
        let shown = known_subprotocols("v12.stomp, bearer-hunter2,mqtt");
        assert_eq!(shown, "v12.stomp, …, mqtt");
    }

    #[test]
    fn headers_of_a_message_are_content() {
        let mut headers = HeaderMap::new();
        for name in ["content-type", "traceparent", "carillon-header-a", "accept"] {
            headers.insert(name, "x".parse().expect("a value"));
        }
        let content = |names: Vec<Named>| {
            let mut frame = Frame {
                names,
                ..Frame::default()
            };
            push_headers(&headers, &mut frame);
            let content = frame.fields.iter().filter(|field| field.is_content());
            content
                .map(|field| field.name.to_string())
                .collect::<Vec<_>>()
        };
        let names = name_in("/api/topics/a").into_iter().collect();
        let expected = ["content-type", "traceparent", "carillon-header-a"];
        assert_eq!(content(names), expected);
        assert_eq!(content(Vec::new()), ["carillon-header-a"]);
    }

    #[test]
    fn paths_name_topics_and_queues() {
        let name = |path| match name_in(path) {
            Some(Named::Name(kind, name)) => format!("{kind:?} {}", name.as_str()),
            Some(Named::Filter(kind, filter)) => format!("{kind:?}? {}", filter.as_str()),
            None => "nothing".to_owned(),
        };
        let table = [
            ("/api/topics/a.b", "Topic a.b"),
            ("/api/topics/a%20b", "Topic a b"),
            ("/api/topics/a.%3E/events", "Topic? a.>"),
            ("/api/queues/jobs/messages", "Queue jobs"),
            ("/api/topics", "nothing"),
            ("/topics", "nothing"),
        ];
        for (path, expected) in table {
            assert_eq!(name(path), expected, "{path}");
        }
    }
}
