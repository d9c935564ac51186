//! Server-sent events: a filter's messages for any HTTP client.
//!
//! <https://html.spec.whatwg.org/multipage/server-sent-events.html>

use std::{
    convert::Infallible,
    ops::ControlFlow,
    pin::Pin,
    sync::{Arc, Weak},
    task::{Context, Poll},
    time::Duration,
};

use axum::{
    extract::State,
    http::{HeaderMap, HeaderValue, header},
    response::{
        IntoResponse, Response,
        sse::{Event, KeepAlive, Sse},
    },
};
use broker::{
    Broker, Delivery, Missed, Outcome, Overflow, Peer, Reader, Start, Subscribe, TopicFilter,
};
use futures_util::task::AtomicWaker;
use serde::{Deserialize, Serialize};
use tokio_stream::{Stream, StreamExt, wrappers::WatchStream};

use super::{
    extract::{Path, Query},
    problem::{Problem, refuse_temporary},
};
use crate::{
    clock,
    connection::{self, Surroundings},
    message::Message,
    server::Server,
};

/// `GET /api/topics/{filter}/events`: resumes after `Last-Event-ID`; `since` and `overflow` as with
/// STOMP.
pub async fn events(
    State(server): State<Arc<Server>>,
    Path(filter): Path<String>,
    Query(query): Query<EventsQuery>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let filter = TopicFilter::new(&filter)?;
    refuse_temporary(filter.as_str())?;
    let start = query.start(&server.broker, &headers)?;
    let overflow = query.overflow(server.options.overflow)?;
    let subscription = Subscription::new(&server, &filter, start, overflow)?;
    let stopping = WatchStream::new(server.stopping.clone()).filter(|stopping| *stopping);
    let events = EventStream {
        subscription,
        stopping,
    };
    let keep_alive = KeepAlive::new().interval(KEEP_ALIVE).text("");
    let mut response = Sse::new(events).keep_alive(keep_alive).into_response();
    // Proxies that buffer would hold messages back.
    response
        .headers_mut()
        .insert("x-accel-buffering", HeaderValue::from_static("no"));
    response
        .headers_mut()
        .insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

#[derive(Deserialize)]
pub struct EventsQuery {
    since: Option<String>,
    overflow: Option<String>,
}

impl EventsQuery {
    /// A client that comes back says where it was; that goes before where it first wished to begin.
    fn start(&self, broker: &Broker, headers: &HeaderMap) -> Result<Start, Problem> {
        let last_id = headers
            .get("last-event-id")
            // What is no text is no id either, and is refused as one.
            .map(|value| value.to_str().unwrap_or("?"))
            .filter(|id| !id.is_empty());
        let Some(since) = last_id.or(self.since.as_deref()) else {
            return Ok(Start::New);
        };
        if since == "last" {
            return Ok(Start::Last);
        }
        if let Ok(sequence) = since.parse() {
            return Ok(Start::AfterSequence(sequence));
        }
        since
            .parse()
            .map(|id| broker.start_after(id))
            .map_err(|error| Problem::bad_request(format!("{since:?} is {error}")))
    }

    fn overflow(&self, default: Overflow) -> Result<Overflow, Problem> {
        match self.overflow.as_deref() {
            None => Ok(default),
            Some("drop-oldest") => Ok(Overflow::DropOldest),
            Some("latest") => Ok(Overflow::Latest),
            Some("disconnect") => Ok(Overflow::Disconnect),
            Some(other) => Err(Problem::bad_request(format!(
                "overflow={other:?} is none of drop-oldest, latest and disconnect"
            ))),
        }
    }
}

/// A session of the broker that is read by polling.
struct Subscription {
    surroundings: Surroundings,
    reader: Reader,
    waiting: Arc<Waiting>,
    /// Events of one delivery that has two: the gap, and the message behind it.
    next: Option<Event>,
}

/// The stream's end, as the broker sees it.
#[derive(Default)]
struct Waiting(AtomicWaker);

impl Peer for Waiting {
    fn deliver(&self) {
        self.0.wake();
    }

    fn wake(&self) {
        self.0.wake();
    }
}

impl Subscription {
    fn new(
        server: &Server,
        filter: &TopicFilter,
        start: Start,
        overflow: Overflow,
    ) -> Result<Self, Problem> {
        let waiting = Arc::<Waiting>::default();
        let peer: Weak<Waiting> = Arc::downgrade(&waiting);
        let reader = server.broker.attach(server.session_name("events"), peer);
        let subscription = Self {
            surroundings: server.surroundings(),
            reader,
            waiting,
            next: None,
        };
        let subscribe = Subscribe {
            start,
            overflow,
            ..Subscribe::to(filter)
        };
        let mut outcome = Outcome::default();
        let session = subscription.reader.session();
        server.broker.subscribe(session, subscribe, &mut outcome)?;
        connection::carry_out(&mut outcome, &server.advisories, Some(session));
        Ok(subscription)
    }

    /// The next event, or none when there is none yet or the session has ended.
    fn next(&mut self) -> Option<Event> {
        if let Some(event) = self.next.take() {
            return Some(event);
        }
        let Self {
            surroundings,
            reader,
            next,
            ..
        } = self;
        let mut event = None;
        reader.session().begin();
        let is_all = reader.drain(clock::unix_ms(), |delivery| {
            let message = message(&surroundings.broker, &delivery);
            match delivery.missed {
                None => event = Some(message),
                Some(missed) => {
                    event = Some(gap(&delivery, missed));
                    *next = Some(message);
                }
            }
            ControlFlow::Break(())
        });
        if event.is_none() && !is_all {
            // It is the others' turn.
            self.waiting.wake();
        }
        event
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        self.surroundings.detach(self.reader.session());
    }
}

/// The subscription as a stream that ends when the server stops or the broker ends the session.
struct EventStream<S> {
    subscription: Subscription,
    stopping: S,
}

impl<S: Stream<Item = bool> + Unpin> Stream for EventStream<S> {
    type Item = Result<Event, Infallible>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        // Register first, look second: what arrives in between wakes us.
        this.subscription.waiting.0.register(context.waker());
        if Pin::new(&mut this.stopping).poll_next(context).is_ready()
            || this.subscription.reader.session().is_ended()
        {
            return Poll::Ready(None);
        }
        match this.subscription.next() {
            Some(event) => Poll::Ready(Some(Ok(event))),
            None => Poll::Pending,
        }
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

fn message(broker: &Broker, delivery: &Delivery<'_>) -> Event {
    let message = Message::new(broker, delivery.entry);
    event("message", &message).id(message.id())
}

fn gap(delivery: &Delivery<'_>, missed: Missed) -> Event {
    let (from, to) = match missed {
        Missed::Range { from, to } => (Some(from), Some(to)),
        Missed::Unknown => (None, None),
    };
    let topic = delivery.entry.topic().as_str();
    event("missed", &MissedEvent { topic, from, to })
}

fn event(name: &str, data: &impl Serialize) -> Event {
    // These structures hold nothing that JSON could not.
    let data = serde_json::to_string(data).unwrap_or_default();
    Event::default().event(name).data(data)
}

/// Often enough that proxies and clients do not take the stream for dead.
const KEEP_ALIVE: Duration = Duration::from_secs(15);
