//! Server-sent events: a filter's messages for any HTTP client.
//!
//! <https://html.spec.whatwg.org/multipage/server-sent-events.html>

use std::{
    convert::Infallible,
    num::NonZeroU16,
    ops::ControlFlow,
    pin::Pin,
    sync::{Arc, Weak},
    task::{Context, Poll, ready},
    time::Duration,
};

use access::Right;
use axum::{
    body::Bytes,
    extract::{Extension, State},
    http::{HeaderMap, StatusCode},
    response::Response,
};
use broker::{
    Broker, ClientAddress, Delivery, DestinationKind, Missed, Outcome, Overflow, PoolError,
    QuotaCharge, Reader, Selector, Start, Subscribe, TopicFilter,
};
use serde::{Deserialize, Serialize};
use tokio::time::{Instant, Interval, interval_at};
use tokio_stream::Stream;
use wire::stomp::server::{self, Since};

use super::{
    extract::{Path, Query, RequestPeer, Requester, selector},
    login::Rights,
    problem::{Problem, refuse_temporary},
    read_deadline::ReadDeadline,
    server_sent_events, traced_requests,
};
use crate::{
    clock,
    connection_control::{ClientProtocol, NewConnection, OpenConnection},
    context::ServerContext,
    fairness,
    message::{Encoded, Message, push_json},
    polled_peer::PolledPeer,
    server::Server,
    spans, subscription_options,
};

/// `GET /api/topics/{filter}/events`: resumes after `Last-Event-ID`; `since`, `overflow` and `selector`
/// have the same meaning as in STOMP.
pub async fn events(
    State(server): State<Arc<Server>>,
    Path(filter): Path<String>,
    Query(query): Query<EventsQuery>,
    Extension(read_deadline): Extension<ReadDeadline>,
    RequestPeer { address, port }: RequestPeer,
    rights: Rights,
    Requester { client, headers }: Requester,
) -> Result<Response, Problem> {
    let filter = TopicFilter::new(&filter)?;
    refuse_temporary(filter.as_str())?;
    rights.check_filter(Right::Subscribe, DestinationKind::Topic, &filter)?;
    let start = query.start(&server.broker, &headers)?;
    let options = SubscriptionOptions {
        start,
        overflow: query.overflow(server.options.overflow)?,
        selector: selector(query.selector.as_deref())?,
    };
    let principal = Arc::clone(rights.principal());
    let charge = principal.account().map(|account| account.connect());
    let charge = charge.transpose().map_err(too_many_connections)?;
    let context = server.context(client, principal);
    let mut subscription = Subscription::new(&server, context, &filter, options)?;
    let listed = subscription.list(address.0, port.map(|port| port.0), charge);
    let listed = Arc::downgrade(listed);
    let is_over = move || listed.upgrade().is_some_and(|listed| must_end(&listed));
    let events = EventStream {
        subscription,
        stopping: server_sent_events::stopping(&server),
        is_stopping: false,
        keep_alive: interval_at(Instant::now() + KEEP_ALIVE, KEEP_ALIVE),
    };
    // A client that does not read lags, and the subscription's overflow rule applies.
    Ok(server_sent_events::response(
        events,
        &read_deadline,
        is_over,
    ))
}

/// The query `?since=…&overflow=…&selector=…`.
#[derive(Deserialize)]
pub struct EventsQuery {
    since: Option<String>,
    overflow: Option<String>,
    selector: Option<String>,
}

/// The options of a stream's subscription.
struct SubscriptionOptions {
    start: Start,
    overflow: Overflow,
    selector: Option<Selector>,
}

impl EventsQuery {
    /// Returns the start of the subscription. The id of a resumed stream has priority over `since`.
    fn start(&self, broker: &Broker, headers: &HeaderMap) -> Result<Start, Problem> {
        let last_id = headers
            .get("last-event-id")
            // A value that is not text is not an id, and is refused as such.
            .map(|value| value.to_str().unwrap_or("?"))
            .filter(|id| !id.is_empty());
        let Some(since) = last_id.or(self.since.as_deref()) else {
            return Ok(Start::New);
        };
        // The error of an invalid message id applies to any other text.
        let parsed = Since::parse(since.into()).unwrap_or(Since::Message(since.into()));
        subscription_options::start(&parsed, broker)
            .map_err(|error| Problem::bad_request(format!("{since:?} is {error}")))
    }

    fn overflow(&self, default: Overflow) -> Result<Overflow, Problem> {
        let Some(rule) = self.overflow.as_deref() else {
            return Ok(default);
        };
        server::Overflow::parse(rule)
            .map(subscription_options::overflow)
            .ok_or_else(|| {
                Problem::bad_request(format!(
                    "overflow={rule:?} is not drop-oldest, latest or disconnect"
                ))
            })
    }
}

/// A session of the broker that is read by polling.
struct Subscription {
    context: ServerContext,
    reader: Reader,
    peer: Arc<PolledPeer>,
    /// The place in the list of open connections; `None` before the response begins.
    listed: Option<Arc<OpenConnection>>,
    /// The message that is being encoded, piece by piece.
    current: Option<Message>,
    /// True if the search for the next message continues after other tasks have run.
    is_searching: bool,
}

impl Subscription {
    fn new(
        server: &Server,
        context: ServerContext,
        filter: &TopicFilter,
        options: SubscriptionOptions,
    ) -> Result<Self, Problem> {
        let peer = Arc::<PolledPeer>::default();
        let callback: Weak<PolledPeer> = Arc::downgrade(&peer);
        let name = server.session_name("events");
        let reader = server.broker.attach_for(&context.client, name, callback);
        context.restrict(reader.session());
        let subscription = Self {
            context,
            reader,
            peer,
            listed: None,
            current: None,
            is_searching: false,
        };
        let subscribe = Subscribe {
            start: options.start,
            overflow: options.overflow,
            selector: options.selector,
            ..Subscribe::to(filter)
        };
        let mut outcome = Outcome::default();
        let session = subscription.reader.session();
        server.broker.subscribe(session, subscribe, &mut outcome)?;
        server.advisories.carry_out(&mut outcome, Some(session));
        Ok(subscription)
    }

    /// Lists the stream as an open connection.
    fn list(
        &mut self,
        address: ClientAddress,
        port: Option<NonZeroU16>,
        charge: Option<QuotaCharge>,
    ) -> &Arc<OpenConnection> {
        let ServerContext {
            connections,
            principal,
            ..
        } = &self.context;
        self.listed.insert(connections.open(NewConnection {
            session: self.reader.session(),
            principal,
            protocol: ClientProtocol::Events,
            address,
            port,
            charge,
        }))
    }

    /// Returns whether an operator, a change of rights or the broker has ended the stream.
    fn is_ended(&self, context: &mut Context<'_>) -> bool {
        let is_revoked = self.context.principal.poll_revoked(context).is_ready();
        is_revoked || self.listed.as_ref().is_some_and(|listed| must_end(listed))
    }

    /// Returns the next piece of an event, or `None` if there is none yet or the session has ended.
    fn next(&mut self) -> Option<Bytes> {
        let mut piece = Vec::new();
        if self.current.is_none() {
            self.start_next_event(&mut piece);
        }
        if let Some(message) = &mut self.current
            && message.encode(&mut piece) == Encoded::Complete
        {
            piece.extend_from_slice(b"\n\n");
            self.current = None;
        }
        (!piece.is_empty()).then(|| piece.into())
    }

    /// Takes the next delivery, and appends the text before its message.
    fn start_next_event(&mut self, piece: &mut Vec<u8>) {
        let Self {
            context,
            reader,
            listed,
            current,
            is_searching,
            ..
        } = self;
        reader.session().begin_drain();
        let has_no_more = reader.drain(clock::unix_ms(), |delivery| {
            if let Some(missed) = delivery.missed {
                push_gap(&delivery, missed, piece);
            }
            spans::delivered(&delivery);
            traced_requests::show_event(&context.traces, listed.as_ref(), &delivery);
            let message = Message::new(&context.broker, delivery.entry);
            piece.extend_from_slice(
                format!("event: message\nid: {}\ndata: ", message.id()).as_bytes(),
            );
            *current = Some(message);
            ControlFlow::Break(())
        });
        *is_searching = current.is_none() && !has_no_more;
        if *is_searching {
            // Other tasks run first.
            self.peer.wake();
        }
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        if let Some(listed) = &self.listed {
            self.context.connections.close(listed);
        }
        self.context.end_session(self.reader.session());
    }
}

/// The subscription as a stream that ends when the server stops, the broker or an operator ends the session, or its user loses
/// rights.
struct EventStream<S> {
    subscription: Subscription,
    stopping: S,
    is_stopping: bool,
    /// The time of the next comment if nothing else is sent.
    keep_alive: Interval,
}

impl<S: Stream<Item = bool> + Unpin> Stream for EventStream<S> {
    type Item = Result<Bytes, Infallible>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        // Register before checking: an event in between wakes the task.
        this.subscription.peer.register(context.waker());
        if this.subscription.is_ended(context) {
            return Poll::Ready(None);
        }
        if !this.is_stopping {
            this.is_stopping = Pin::new(&mut this.stopping).poll_next(context).is_ready();
        }
        ready!(fairness::poll_yield_if_due(context));
        if let Some(piece) = this.subscription.next() {
            this.keep_alive.reset();
            return Poll::Ready(Some(Ok(piece)));
        }
        // Messages acknowledged to publishers were announced before the server started to stop.
        if this.is_stopping && !this.subscription.is_searching {
            return Poll::Ready(None);
        }
        this.keep_alive
            .poll_tick(context)
            .map(|_| Some(Ok(Bytes::from_static(COMMENT))))
    }
}

#[derive(Serialize)]
struct MissedEvent<'a> {
    topic: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    from: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    to: Option<u64>,
}

/// Appends the event that reports a gap.
fn push_gap(delivery: &Delivery<'_>, missed: Missed, piece: &mut Vec<u8>) {
    let (from, to) = match missed {
        Missed::Range { from, to } => (Some(from), Some(to)),
        Missed::Unknown => (None, None),
    };
    let topic = delivery.entry.topic().as_str();
    piece.extend_from_slice(b"event: missed\ndata: ");
    push_json(&MissedEvent { topic, from, to }, piece);
    piece.extend_from_slice(b"\n\n");
}

/// Returns whether an operator, a change of rights or the broker has ended the stream.
fn must_end(listed: &OpenConnection) -> bool {
    listed.must_end() || listed.principal().is_revoked() || listed.session().is_ended()
}

fn too_many_connections(error: PoolError) -> Problem {
    Problem::new(StatusCode::TOO_MANY_REQUESTS, error.to_string()).with_code("share")
}

/// Short enough that proxies and clients do not consider the stream dead.
const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// A comment, which clients ignore.
const COMMENT: &[u8] = b":\n\n";
