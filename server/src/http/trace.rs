//! `/api/trace`: what clients and the server send each other, for an operator who watches.

use std::{
    convert::Infallible,
    fmt::Write as _,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::{Duration, Instant},
};

use axum::{
    body::Bytes,
    extract::{Extension, State},
    http::StatusCode,
    response::Response,
};
use broker::TopicFilter;
use serde::{Deserialize, Serialize};
use tokio::time::{Interval, interval};
use tokio_stream::Stream;

use super::{
    extract::Query, login::Rights, problem::Problem, read_deadline::ReadDeadline,
    server_sent_events,
};
use crate::{
    clock, fairness,
    message::push_json,
    server::Server,
    trace::{
        AddressSelector, FRAMES_PER_SECOND, MAX_DURATION, RunningTrace, Taken, TooManyTraces,
        TraceSelector,
    },
};

/// `GET /api/trace?client=…&address=…&user=…&topic=…&connection=…&limit=…`: the frames as server-sent events. It needs the right
/// of `/api/connections`; the content of messages also the right to read them.
pub async fn trace(
    State(server): State<Arc<Server>>,
    rights: Rights,
    Query(query): Query<TraceQuery>,
    Extension(read_deadline): Extension<ReadDeadline>,
) -> Result<Response, Problem> {
    rights.check_server()?;
    let limit = query.limit;
    let selector = query.selector()?;
    let selected = selector.to_string();
    let reader = Arc::clone(rights.principal());
    let running = server.traces.start(selector, reader, limit)?;
    rights.note_managed("trace", &selected);
    let mut first = String::new();
    push_event(&mut first, "trace", &Started::new(&selected));
    let trace = Arc::downgrade(running.trace());
    let events = TraceStream {
        running,
        stopping: server_sent_events::stopping(&server),
        piece: first,
        ticks: interval(TICK),
        quiet_ticks: 0,
        is_ended: false,
    };
    // The bounds of a trace apply to a client that does not read.
    let is_over = move || {
        let trace = trace.upgrade();
        trace.is_some_and(|trace| trace.must_end(Instant::now()))
    };
    Ok(server_sent_events::response(
        events,
        &read_deadline,
        is_over,
    ))
}

/// The query.
#[derive(Deserialize)]
pub struct TraceQuery {
    client: Option<String>,
    address: Option<String>,
    user: Option<String>,
    /// A filter over topics.
    topic: Option<String>,
    /// The id of a connection in the list.
    connection: Option<u64>,
    /// Number of frames after which the trace ends.
    limit: Option<u64>,
}

impl TraceQuery {
    fn selector(self) -> Result<TraceSelector, Problem> {
        let address = self.address.as_deref().map(str::parse::<AddressSelector>);
        let topic = self.topic.as_deref().map(TopicFilter::new);
        let selector = TraceSelector {
            connection: self.connection,
            client: self.client,
            address: address
                .transpose()
                .map_err(|error| Problem::bad_request(format!("address is {error}")))?,
            user: self.user,
            topic: topic.transpose()?,
        };
        match selector.is_empty() {
            true => Err(Problem::bad_request(
                "name what to trace: client, address, user, topic or connection",
            )),
            false => Ok(selector),
        }
    }
}

impl From<TooManyTraces> for Problem {
    fn from(error: TooManyTraces) -> Self {
        Self::new(StatusCode::TOO_MANY_REQUESTS, error.to_string()).with_code("traces")
    }
}

/// The first event: the trace runs, and what the client sends from now on is shown.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Started<'a> {
    selector: &'a str,
    frames_per_second: u32,
    seconds: u64,
}

impl<'a> Started<'a> {
    const fn new(selector: &'a str) -> Self {
        Self {
            selector,
            frames_per_second: FRAMES_PER_SECOND,
            seconds: MAX_DURATION.as_secs(),
        }
    }
}

/// The last event.
#[derive(Serialize)]
struct Ended {
    reason: &'static str,
}

/// The frames as a stream. It ends at its limit of frames or time, if the reader loses rights, or when the server stops.
struct TraceStream<S> {
    running: RunningTrace,
    stopping: S,
    /// Encoded events.
    piece: String,
    /// Wakes the stream for reports of frames that were left out, and for comments.
    ticks: Interval,
    /// Ticks since the last piece.
    quiet_ticks: u32,
    is_ended: bool,
}

impl<S: Stream<Item = bool> + Unpin> TraceStream<S> {
    /// Encodes what can be taken, up to about [`PIECE_BYTES`].
    fn take(&mut self) {
        let now_ms = clock::unix_ms();
        while self.piece.len() < PIECE_BYTES {
            match self.running.trace().take(now_ms) {
                Taken::Frame(json) => push_line(&mut self.piece, "frame", &json),
                Taken::LeftOut(json) => push_line(&mut self.piece, "left-out", &json),
                Taken::Nothing => return,
                Taken::Finished(reason) => return self.finish(reason),
            }
        }
    }

    fn finish(&mut self, reason: &'static str) {
        push_event(&mut self.piece, "end", &Ended { reason });
        self.is_ended = true;
    }
}

impl<S: Stream<Item = bool> + Unpin> Stream for TraceStream<S> {
    type Item = Result<Bytes, Infallible>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        if this.is_ended {
            return Poll::Ready(None);
        }
        ready!(fairness::poll_yield_if_due(context));
        // Register before checking: a frame or an end in between wakes the task.
        this.running.trace().register(context.waker());
        if Pin::new(&mut this.stopping).poll_next(context).is_ready() {
            this.running.trace().end("the server is stopping");
        }
        loop {
            this.take();
            if !this.piece.is_empty() {
                this.quiet_ticks = 0;
                let piece = std::mem::take(&mut this.piece);
                return Poll::Ready(Some(Ok(piece.into())));
            }
            ready!(this.ticks.poll_tick(context));
            this.quiet_ticks += 1;
            if this.quiet_ticks >= KEEP_ALIVE_TICKS {
                this.piece.push_str(COMMENT);
            }
        }
    }
}

fn push_event(piece: &mut String, event: &str, data: &impl Serialize) {
    let mut json = Vec::new();
    push_json(data, &mut json);
    push_line(piece, event, &String::from_utf8_lossy(&json));
}

fn push_line(piece: &mut String, event: &str, json: &str) {
    // Writing to a text does not fail.
    let _ = write!(piece, "event: {event}\ndata: {json}\n\n");
}

/// Time between two looks at what was left out.
const TICK: Duration = Duration::from_secs(1);
/// Short enough that proxies and clients do not consider the stream dead.
const KEEP_ALIVE_TICKS: u32 = 15;
/// A comment, which clients ignore.
const COMMENT: &str = ":\n\n";
/// Bytes of events that are encoded at once.
const PIECE_BYTES: usize = 64 << 10;
