//! A request's body as a message, for topics and queues.

use std::{sync::Arc, time::Duration};

use axum::{
    body::Body,
    http::{HeaderMap, StatusCode, header},
};
use broker::{Client, DestinationKind, Header, Outcome, Publication, Published, TopicName};
use serde::Deserialize;

use super::{body, extract::flag, problem::Problem};
use crate::{clock, content_type, server::Server};

/// The content of a request. Its headers `carillon-header-NAME` become headers NAME of the message.
pub struct Content {
    /// The client of the request.
    pub client: Arc<Client>,
    pub headers: HeaderMap,
    pub wishes: Wishes,
    pub body: Body,
}

/// The query `?retain=true&expires=…`.
#[derive(Default, Deserialize)]
pub struct Wishes {
    /// True if the topic must retain the message, as with MQTT's RETAIN flag.
    #[serde(default, deserialize_with = "flag")]
    retain: bool,
    /// The time of expiry, in Unix milliseconds.
    expires: Option<u64>,
}

impl Wishes {
    fn apply(&self, publication: Publication) -> Publication {
        let publication = match self.expires {
            Some(at_ms) => publication.expiring(at_ms),
            None => publication,
        };
        let publication = match self.retain {
            true => publication.retained(),
            false => publication,
        };
        match publication.kind() {
            DestinationKind::Queue => publication.persistent(),
            DestinationKind::Topic => publication,
        }
    }
}

/// A function that creates a message to a topic or queue from a body.
pub type Make = fn(TopicName, Arc<str>, u64, &[u8]) -> Publication;

/// Publishes the body unchanged.
///
/// With the rule `block` the response waits for subscribers with too much lag, at most half a minute; after that the
/// message is accepted.
pub async fn publish(
    server: &Server,
    make: Make,
    name: TopicName,
    Content {
        client,
        headers,
        wishes,
        body,
    }: Content,
) -> Result<Published, Problem> {
    let headers_of_message = own_headers(&headers)?;
    let content_type = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        // curl's default for every body.
        .filter(|value| *value != "application/x-www-form-urlencoded")
        .map(content_type::interned);
    let body = body::whole(server, body).await?;
    let publication = make(name, Arc::clone(&server.http_name), clock::unix_ms(), &body)
        .with_headers(content_type, headers_of_message);
    drop(body);
    let publication = wishes.apply(publication);
    let mut outcome = Outcome::default();
    {
        let passed = server.gate.pass();
        let _open = passed.ok_or_else(|| {
            Problem::new(StatusCode::SERVICE_UNAVAILABLE, "the server is stopping")
        })?;
        server
            .broker
            .publish_for(&client, &mut vec![publication], &mut outcome);
        server.carry_out(&mut outcome);
    }
    let broker = &server.broker;
    if let Some(position) = outcome.owed {
        let mut wait = broker.completion().wait_for(position);
        std::future::poll_fn(|context| wait.poll(context.waker())).await;
    }
    let caught_up = std::future::poll_fn(|context| {
        broker.poll_unblocked(&mut outcome.blocked, context.waker())
    });
    // The message is accepted in any case.
    let _ = tokio::time::timeout(BLOCKED_TIME, caught_up).await;
    match outcome.results.pop() {
        Some(result) => Ok(result?),
        None => Err(Problem::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "the broker gave no answer",
        )),
    }
}

/// Returns the headers of the message.
fn own_headers(headers: &HeaderMap) -> Result<Box<[Header]>, Problem> {
    let own = headers.iter().filter_map(|(name, value)| {
        let name = name.as_str().strip_prefix(OWN_HEADER)?;
        (!name.is_empty()).then_some((name, value))
    });
    own.map(|(name, value)| {
        let text = std::str::from_utf8(value.as_bytes());
        let text = text.map_err(|_| {
            Problem::bad_request(format!("the header {OWN_HEADER}{name} is not UTF-8"))
        })?;
        Ok(Header {
            name: name.into(),
            value: text.into(),
        })
    })
    .collect()
}

/// The beginning of the names of headers for the message.
const OWN_HEADER: &str = "carillon-header-";
/// Maximum time that a publisher waits for blocking subscribers.
const BLOCKED_TIME: Duration = Duration::from_secs(30);
