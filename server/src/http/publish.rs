//! A request's body as a message: the same for topics and queues.

use std::{sync::Arc, time::Duration};

use axum::{
    body::Body,
    http::{HeaderMap, StatusCode, header},
};
use broker::{Client, Header, Outcome, Publication, Published, TopicName};
use serde::Deserialize;

use super::{body, extract::flag, problem::Problem};
use crate::{clock, content_type, server::Server};

/// What a request brings. Its headers `carillon-header-NAME` are the message's, as NAME.
pub struct Content {
    /// Who made the request.
    pub client: Arc<Client>,
    pub headers: HeaderMap,
    pub wishes: Wishes,
    pub body: Body,
}

/// `?retain=true&expires=…`.
#[derive(Default, Deserialize)]
pub struct Wishes {
    /// Whether the topic is to retain the message, as MQTT's RETAIN flag has it.
    #[serde(default, deserialize_with = "flag")]
    retain: bool,
    /// When the message is worth nothing any more, in Unix milliseconds.
    expires: Option<u64>,
}

impl Wishes {
    fn apply(&self, publication: Publication) -> Publication {
        let publication = match self.expires {
            Some(at_ms) => publication.expiring(at_ms),
            None => publication,
        };
        match self.retain {
            true => publication.retained(),
            false => publication,
        }
    }
}

/// How a body becomes a message: to a topic, or to a queue.
pub type Make = fn(TopicName, Arc<str>, u64, &[u8]) -> Publication;

/// Publishes the body, as it is.
///
/// With the rule `block` the answer waits for subscribers that lie too far behind, half a minute at most: the
/// message has been taken then.
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
        // What curl says of every body, whatever it is.
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
    let caught_up =
        std::future::poll_fn(|context| broker.poll_clear(&mut outcome.blocked, context.waker()));
    // Late or not, the message is there.
    let _ = tokio::time::timeout(BLOCKED_TIME, caught_up).await;
    match outcome.results.pop() {
        Some(result) => Ok(result?),
        None => Err(Problem::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "the broker gave no answer",
        )),
    }
}

/// The headers that the message is to have.
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

/// What the names of a message's own headers begin with in a request.
const OWN_HEADER: &str = "carillon-header-";
/// How long a publisher waits for subscribers that make it wait.
const BLOCKED_TIME: Duration = Duration::from_secs(30);
