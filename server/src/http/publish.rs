//! A request's body as a message, for topics and queues.

use std::{sync::Arc, time::Duration};

use axum::{
    body::Body,
    http::{HeaderMap, StatusCode, header},
};
use broker::{Client, DestinationKind, Header, Outcome, Publication, Published, TopicName};
use serde::Deserialize;
use tokio::time::{Instant, sleep};

use super::{
    body,
    extract::{deserialize_bool, deserialize_some_bool},
    problem::Problem,
    trace_context,
};
use crate::{
    access_control::{RateExceeded, UserAccount},
    clock, content_type,
    context::{MAX_BLOCKED_TIME, durable, unblocked},
    scheduling::{InvalidRequest, ScheduleRequest},
    server::Server,
    shared_headers,
    spans::PublishSpans,
};

/// The content of a request. Its headers `carillon-header-NAME` become headers NAME of the message, and its trace context
/// headers with the same names.
pub struct Content {
    /// The client of the request.
    pub client: Arc<Client>,
    /// The account of the user; `None` without a users file.
    pub account: Option<Arc<UserAccount>>,
    /// The headers of the request.
    pub headers: HeaderMap,
    /// The query of the request.
    pub query: PublishQuery,
    /// The body of the message, not read yet.
    pub body: Body,
}

/// The query `?retain=true&persistent=true&expires=…&delay=…&period=…&repeat=…&cron=…`.
#[derive(Default, Deserialize)]
pub struct PublishQuery {
    /// True if the topic must retain the message, as with MQTT's RETAIN flag.
    #[serde(default, deserialize_with = "deserialize_bool")]
    retain: bool,
    /// True if a message must survive a restart: in its queue, or in the durable subscriptions and sessions of its topic. The
    /// default is true for queues and false for topics.
    #[serde(default, deserialize_with = "deserialize_some_bool")]
    persistent: Option<bool>,
    /// The time of expiry, in Unix milliseconds.
    expires: Option<u64>,
    /// Milliseconds until the delivery, as with `AMQ_SCHEDULED_DELAY`.
    delay: Option<u64>,
    /// Milliseconds between two deliveries.
    period: Option<u64>,
    /// Number of deliveries after the first one; -1 without an end.
    repeat: Option<i64>,
    /// A CRON entry.
    cron: Option<String>,
}

impl PublishQuery {
    /// Adds the schedule of the query to that of the headers; the query wins.
    fn schedule(&self, headers: ScheduleRequest) -> Result<ScheduleRequest, Problem> {
        let cron = self.cron.as_deref().map(str::parse);
        let cron = cron.transpose().map_err(InvalidRequest::Cron);
        Ok(ScheduleRequest {
            delay_ms: self.delay.or(headers.delay_ms),
            period_ms: self.period.or(headers.period_ms),
            repeat: self.repeat.or(headers.repeat),
            cron: cron.map_err(Problem::bad_request)?.or(headers.cron),
        })
    }

    fn apply(&self, publication: Publication) -> Publication {
        let publication = match self.expires {
            Some(at_ms) => publication.expiring(at_ms),
            None => publication,
        };
        let publication = match self.retain {
            true => publication.retained(),
            false => publication,
        };
        let is_to_queue = publication.kind() == DestinationKind::Queue;
        match self.persistent.unwrap_or(is_to_queue) {
            true => publication.persistent(),
            false => publication,
        }
    }
}

/// A function that creates a message to a topic or queue from a body.
pub type CreatePublication = fn(TopicName, Arc<str>, u64, &[u8]) -> Publication;

/// Publishes the body unchanged.
///
/// With the rule `block` the response waits for subscribers with too much lag, at most half a minute; after that the
/// message is accepted.
pub async fn publish(
    server: &Server,
    create_publication: CreatePublication,
    name: TopicName,
    Content {
        client,
        account,
        headers,
        query,
        body,
    }: Content,
) -> Result<Published, Problem> {
    let mut message_headers = message_headers(&headers)?;
    let schedule = ScheduleRequest::take(&mut message_headers).map_err(Problem::bad_request)?;
    let schedule = query.schedule(schedule)?;
    trace_context::add(&headers, &mut message_headers);
    let content_type = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        // curl's default for every body.
        .filter(|value| *value != "application/x-www-form-urlencoded")
        .map(content_type::interned);
    if let Some(account) = &account {
        wait_for_rate(account).await?;
    }
    let body = body::read_body(server, body).await?;
    if let Some(account) = &account {
        account.admit(1, body.len())?;
        account.count_published(1, body.len() as u64);
    }
    let now_ms = clock::unix_ms();
    let publication = create_publication(name, Arc::clone(&server.http_name), now_ms, &body);
    let publication = shared_headers::set(publication, content_type, message_headers.into());
    drop(body);
    let publication = schedule
        .apply(query.apply(publication), now_ms)
        .map_err(Problem::bad_request)?;
    let mut outcome = Outcome::default();
    {
        let permit = server.gate.pass();
        let _open = permit.ok_or_else(|| {
            Problem::new(StatusCode::SERVICE_UNAVAILABLE, "the server is stopping")
        })?;
        let mut batch = vec![publication];
        let spans = PublishSpans::begin(&batch);
        server.broker.publish_for(&client, &mut batch, &mut outcome);
        spans.end(&outcome.results);
        server.carry_out(&mut outcome);
    }
    let broker = &server.broker;
    durable(broker, outcome.owed).await;
    let until = Instant::now() + MAX_BLOCKED_TIME;
    unblocked(broker, &mut outcome.blocked, until).await;
    match outcome.results.pop() {
        Some(result) => Ok(result?),
        None => Err(Problem::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "the broker returned no result",
        )),
    }
}

/// Waits until the user may publish.
///
/// # Errors
///
/// The problem for the response, if the user may not publish within `MAX_RATE_WAIT`.
pub async fn wait_for_rate(account: &UserAccount) -> Result<(), Problem> {
    let until = Instant::now() + MAX_RATE_WAIT;
    while let Some(wait) = account.wait_time() {
        let now = Instant::now();
        if now + wait > until {
            return Err(RateExceeded { retry_after: wait }.into());
        }
        sleep(wait).await;
    }
    Ok(())
}

/// Returns the headers of the message.
fn message_headers(headers: &HeaderMap) -> Result<Vec<Header>, Problem> {
    let prefixed = headers.iter().filter_map(|(name, value)| {
        let name = name.as_str().strip_prefix(HEADER_PREFIX)?;
        (!name.is_empty()).then_some((name, value))
    });
    prefixed
        .map(|(name, value)| {
            let text = std::str::from_utf8(value.as_bytes());
            let text = text.map_err(|_| {
                Problem::bad_request(format!("the header {HEADER_PREFIX}{name} is not UTF-8"))
            })?;
            Ok(Header {
                name: name.into(),
                value: text.into(),
            })
        })
        .collect()
}

/// The beginning of the names of headers for the message.
pub const HEADER_PREFIX: &str = "carillon-header-";
/// Maximum time that a publisher waits for the rate of its user.
const MAX_RATE_WAIT: Duration = Duration::from_secs(10);
