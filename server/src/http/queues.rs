//! `/api/queues`: sending to queues with any HTTP client, and browsing them.

use std::{future::poll_fn, sync::Arc};

use access::Right;
use axum::{
    Json,
    body::Body,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use broker::{
    Broker, Browsed, DestinationKind, MessageId, Publication, QueueFigures, Selector, SharedEntry,
    Start, TopicName,
};
use serde::{Deserialize, Serialize};

use super::{
    document::{Document, DocumentLimits, Following},
    extract::{ListQuery, Path, Query, Requester},
    login::Rights,
    problem::{Problem, refuse_temporary},
    publish::{self, Content, PublishQuery},
    queue_rules::RulesInfo,
    visible_page::visible_page,
};
use crate::{fairness, message::Message, queues, server::Server};

/// `GET /api/queues?filter=…&after=…&limit=…`: lists the queues that the sender may see, by name, with figures, as on the
/// topic `$SYS.queues`.
pub async fn queues(
    State(server): State<Arc<Server>>,
    rights: Rights,
    Query(query): Query<ListQuery>,
) -> Result<Json<QueueList>, Problem> {
    let limit = query.limit(queues::MAX_PUBLISHED, MAX_QUEUES);
    let (filter, after) = (query.filter()?, query.after()?);
    let broker = &server.broker;
    let sees_all = rights.principal().check_server().is_ok();
    if sees_all && after.is_none() {
        let listed = queues::listed(broker, &filter, limit);
        let last = listed.queues.last().filter(|_| listed.omitted > 0);
        let next = last.map(|queue| queue.name.clone());
        return Ok(Json(QueueList { listed, next }));
    }
    let sees = |queue: &QueueFigures| sees_all || rights.sees(DestinationKind::Queue, &queue.name);
    let part = |after: Option<&TopicName>, most| broker.queue_page(&filter, after, most);
    let page = visible_page(after, limit, sees, part).await;
    Ok(Json(QueueList {
        listed: app::Queues {
            queues: page.items.iter().map(queues::figures).collect(),
            omitted: 0,
            warning: queues::warning(broker),
        },
        next: page.next.map(|name| name.to_string()),
    }))
}

/// `GET /api/queues/{queue}`: returns the queue's figures and rules.
pub async fn queue(
    State(server): State<Arc<Server>>,
    rights: Rights,
    Path(queue): Path<String>,
) -> Result<Json<QueueInfo>, Problem> {
    let name = TopicName::new(&queue)?;
    rights.check_visible(DestinationKind::Queue, &name)?;
    let figures = server.broker.queue(&name);
    let figures = figures.ok_or_else(|| Problem::no_queue(&name))?;
    let rules = server.broker.queue_rules(&name);
    Ok(Json(QueueInfo {
        figures: queues::figures(&figures),
        delayed: figures.delayed,
        rules: rules.map(|rules| RulesInfo::new(&queue, &rules)),
    }))
}

/// The response of `/api/queues/{queue}`.
#[derive(Serialize)]
pub struct QueueInfo {
    #[serde(flatten)]
    figures: app::QueueFigures,
    /// Those of the waiting messages that wait for their redelivery.
    delayed: u64,
    /// Missing if the queue was removed meanwhile.
    #[serde(skip_serializing_if = "Option::is_none")]
    rules: Option<RulesInfo>,
}

/// `POST /api/queues/{queue}`: publishes the body, unchanged, as a message.
pub async fn send(
    State(server): State<Arc<Server>>,
    Path(queue): Path<String>,
    Query(query): Query<PublishQuery>,
    rights: Rights,
    Requester { client, headers }: Requester,
    body: Body,
) -> Result<Json<SendResponse>, Problem> {
    let name = TopicName::new(&queue)?;
    rights.check(Right::Send, DestinationKind::Queue, &name)?;
    let content = Content {
        client,
        account: rights.principal().account().cloned(),
        headers,
        query,
        body,
    };
    let published = publish::publish(&server, Publication::to_queue, name, content).await?;
    Ok(Json(SendResponse {
        id: published.id.to_string(),
        queue,
        sequence: published.sequence,
        consumers: published.subscriptions,
    }))
}

/// `DELETE /api/queues/{queue}`: deletes the waiting messages and the queue. A queue with consumers stays.
pub async fn remove(
    State(server): State<Arc<Server>>,
    rights: Rights,
    Path(queue): Path<String>,
) -> Result<StatusCode, Problem> {
    let name = TopicName::new(&queue)?;
    rights.check(Right::Manage, DestinationKind::Queue, &name)?;
    refuse_reserved(&name)?;
    let removed = server.broker.remove_queue(&name);
    removed.ok_or_else(|| Problem::no_queue(&name))?;
    rights.note_managed("delete-queue", name.as_str());
    server.background_context().wait_until_durable().await;
    Ok(StatusCode::NO_CONTENT)
}

/// Refuses a change of a queue that belongs to the broker or to a connection.
pub fn refuse_reserved(queue: &TopicName) -> Result<(), Problem> {
    if !queue.is_reserved() {
        return Ok(());
    }
    let detail = format!("queue {queue} belongs to a connection");
    Err(Problem::new(StatusCode::FORBIDDEN, detail))
}

/// `GET /api/queues/{queue}/messages?after=…&limit=…&selector=…`: lists the messages, oldest first, without consuming them.
pub async fn messages(
    State(server): State<Arc<Server>>,
    rights: Rights,
    Path(queue): Path<String>,
    Query(query): Query<MessagesQuery>,
) -> Result<Response, Problem> {
    let name = TopicName::new(&queue)?;
    rights.check(Right::Browse, DestinationKind::Queue, &name)?;
    refuse_temporary(name.as_str())?;
    let after = query.after(&server.broker)?;
    let selector = query.selector()?;
    let limit = query.limit.unwrap_or(DEFAULT_MESSAGES).min(MAX_MESSAGES);
    let browse = Browse {
        after,
        most: limit + 1,
        selector,
    };
    let found = browse.run(&server.broker, &name).await;
    let BrowsedMessages { found, next } = found.ok_or_else(|| Problem::no_queue(&name))?;
    let limits = DocumentLimits {
        messages: limit,
        bytes: MAX_BYTES,
    };
    let messages = found
        .into_iter()
        .map(move |entry| Message::new(&server.broker, &entry));
    let before = b"{\"messages\":[".to_vec();
    let document = Document::new(before, messages, limits, move |following| {
        // Marks that further messages follow: after the last one, or after a message that does not match.
        match (following, next) {
            (Following::More, _) => b"],\"more\":true}".to_vec(),
            (Following::Nothing, None) => b"],\"more\":false}".to_vec(),
            (Following::Nothing, Some(next)) => {
                format!("],\"more\":true,\"next\":\"{next}\"}}").into_bytes()
            }
        }
    });
    Ok(document.into_response())
}

/// A request for messages of a queue.
struct Browse {
    /// The position after which it begins.
    after: u64,
    /// Maximum number of messages.
    most: usize,
    /// The condition on messages.
    selector: Option<Selector>,
}

/// The messages of a queue for a response.
struct BrowsedMessages {
    found: Vec<SharedEntry>,
    /// The last message that was examined, if there may be more that match.
    next: Option<MessageId>,
}

impl Browse {
    /// Returns messages of a queue. Those that are not in memory are read from the disk, until there are more than the
    /// response can have, or enough were examined.
    async fn run(mut self, broker: &Broker, name: &TopicName) -> Option<BrowsedMessages> {
        let mut found: Vec<SharedEntry> = Vec::new();
        let (mut bytes, mut examined, mut examined_bytes) = (0, 0, 0);
        while found.len() < self.most && bytes <= MAX_BYTES {
            if examined >= MAX_EXAMINED || examined_bytes >= MAX_EXAMINED_BYTES {
                let next = Some(broker.id(self.after));
                return Some(BrowsedMessages { found, next });
            }
            let most = match &self.selector {
                None => self.most - found.len(),
                Some(_) => EXAMINED_AT_ONCE,
            };
            let Browsed { mut entries, paged } = broker.browse(name, self.after, most)?;
            let mut is_last = entries.len() < most;
            if let Some(mut paged) = paged {
                entries.extend(poll_fn(|context| paged.poll(context.waker())).await);
                self.after = paged.last();
                is_last = false;
            } else if let Some(last) = entries.last() {
                self.after = last.position();
            }
            examined += entries.len();
            examined_bytes += entries.iter().map(|one| one.body().len()).sum::<usize>();
            for entry in entries {
                if found.len() < self.most && self.matches(&entry) {
                    bytes += entry.body().len();
                    found.push(entry);
                }
                fairness::yield_if_due().await;
            }
            if is_last {
                return Some(BrowsedMessages { found, next: None });
            }
        }
        // More messages may follow even if the response has room for all of these.
        let next = (bytes > MAX_BYTES).then(|| broker.id(self.after));
        Some(BrowsedMessages { found, next })
    }

    fn matches(&self, entry: &SharedEntry) -> bool {
        let selector = self.selector.as_ref();
        selector.is_none_or(|selector| selector.matches(&**entry))
    }
}

/// The query `?after=…&limit=…&selector=…`.
#[derive(Deserialize)]
pub struct MessagesQuery {
    /// The id of the last message of the previous page.
    after: Option<String>,
    limit: Option<usize>,
    selector: Option<String>,
}

impl MessagesQuery {
    /// Returns the condition on messages.
    fn selector(&self) -> Result<Option<Selector>, Problem> {
        let selector = self.selector.as_deref().map(Selector::new).transpose();
        selector.map_err(|error| Problem::bad_request(format!("selector: {error}")))
    }

    /// Returns the position after which to start. The messages of an earlier run are gone, so an id of that run returns
    /// all.
    fn after(&self, broker: &Broker) -> Result<u64, Problem> {
        let Some(after) = &self.after else {
            return Ok(0);
        };
        let id = after
            .parse()
            .map_err(|error| Problem::bad_request(format!("after={after:?} is {error}")))?;
        match broker.start_after(id) {
            Start::AfterPosition(position) => Ok(position),
            _ => Ok(0),
        }
    }
}

/// The response of `/api/queues`.
#[derive(Serialize)]
pub struct QueueList {
    #[serde(flatten)]
    listed: app::Queues,
    /// The value of `after` for the next page, if there may be more.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

/// The response to a publication to a queue.
#[derive(Serialize)]
pub struct SendResponse {
    id: String,
    queue: String,
    sequence: u64,
    consumers: usize,
}

const MAX_QUEUES: usize = 1_000;
const DEFAULT_MESSAGES: usize = 100;
const MAX_MESSAGES: usize = 1_000;
/// Messages that a request with a selector examines, the bytes of their bodies, and messages that it examines at once.
const MAX_EXAMINED: usize = 10_000;
const MAX_EXAMINED_BYTES: usize = 64 << 20;
const EXAMINED_AT_ONCE: usize = 500;
/// Maximum size of the JSON, not counting the rest of the message that exceeds it.
const MAX_BYTES: usize = 8 << 20;
