//! `/api/tree`: the children of a node of the tree of topics.

mod listing;
mod ranking;

use std::sync::Arc;

use access::Right;
use axum::{Json, extract::State};
use broker::{Broker, DestinationKind, Entry, Owner, TopicName};
use serde::{Deserialize, Serialize};

use super::{
    api::TopicInfo,
    extract::Query,
    login::Rights,
    problem::{Problem, refuse_temporary},
};
use crate::{clock, server::Server};
use listing::{Child, Listing};
use ranking::{Rank, Ranking};

/// `GET /api/tree?under=…&sort=…&after=…&limit=…`: lists the children of a node that the sender may see.
pub async fn tree(
    State(server): State<Arc<Server>>,
    rights: Rights,
    Query(query): Query<TreeQuery>,
) -> Result<Json<Tree>, Problem> {
    let under = query.under()?;
    let limit = query.limit.unwrap_or(DEFAULT_CHILDREN);
    let limit = limit.clamp(1, MAX_CHILDREN);
    let listing = Listing {
        broker: &server.broker,
        sees_all: rights.principal().check_server().is_ok(),
        rights: &rights,
        now_ms: clock::unix_ms(),
    };
    let after = query.after.as_deref();
    let page = match query.sort {
        Sort::Name => listing.by_name(under.as_ref(), after, limit).await,
        Sort::Rate | Sort::Time => {
            let ranking = Ranking::new(query.sort, query.rank_after()?, limit);
            listing.ranked(under.as_ref(), ranking).await
        }
    };
    let children = page.children.into_iter();
    Ok(Json(Tree {
        children: children
            .map(|child| TreeChild::new(&server.broker, &rights, child))
            .collect(),
        under: under.map(|name| name.to_string()),
        total: page.total,
        total_more: page.total_more,
        next: page.next,
    }))
}

/// The query `?under=…&sort=…&after=…&limit=…`.
#[derive(Deserialize)]
pub struct TreeQuery {
    under: Option<String>,
    #[serde(default)]
    sort: Sort,
    /// The value of `next` of the previous page.
    after: Option<String>,
    limit: Option<usize>,
}

/// The order of the children.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Sort {
    #[default]
    Name,
    /// Those with the most messages in a second first.
    Rate,
    /// Those with the newest message first.
    Time,
}

impl TreeQuery {
    fn under(&self) -> Result<Option<TopicName>, Problem> {
        let under = self.under.as_deref().filter(|under| !under.is_empty());
        under
            .map(TopicName::new)
            .transpose()
            .map_err(|error| Problem::bad_request(format!("under: {error}")))
    }

    fn rank_after(&self) -> Result<Option<Rank>, Problem> {
        let after = self.after.as_deref().map(str::parse);
        after.transpose().map_err(|()| {
            let detail = "after: not the value of `next` of a page in this order";
            Problem::bad_request(detail)
        })
    }
}

/// The response of `/api/tree`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Tree {
    under: Option<String>,
    /// Number of children.
    total: usize,
    /// True if there may be more than `total`, because not all names were examined.
    #[serde(skip_serializing_if = "is_false")]
    total_more: bool,
    children: Vec<TreeChild>,
    /// The value of `after` for the next page, if there may be more.
    next: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct TreeChild {
    /// The last level of the name.
    level: String,
    name: String,
    /// True if the child belongs to the broker.
    #[serde(skip_serializing_if = "is_false")]
    system: bool,
    /// Number of topics at and below it.
    topics: usize,
    /// True if there may be more topics than were examined. The following three members are those of the examined ones.
    #[serde(skip_serializing_if = "is_false")]
    topics_more: bool,
    messages: u64,
    /// Messages in a second.
    rate: Option<f64>,
    /// Time of the newest message, in Unix milliseconds.
    last_ms: Option<u64>,
    topic: Option<TreeTopic>,
}

/// The topic with the name of a child.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct TreeTopic {
    #[serde(flatten)]
    info: TopicInfo,
    rate: Option<f64>,
    last_ms: Option<u64>,
    /// The beginning of the newest body, if it is text and the sender may read it.
    preview: Option<String>,
    /// True if the topic has a retained message.
    retained: bool,
}

impl TreeChild {
    fn new(broker: &Broker, rights: &Rights, child: Child) -> Self {
        let Child { name, traffic } = child;
        let is_everybodys = name.owner(DestinationKind::Topic) == Owner::Everybody;
        let level = name.as_str().rsplit('.').next();
        Self {
            level: level.unwrap_or_default().to_owned(),
            system: !is_everybodys || name.is_reserved(),
            topics: traffic.topics,
            topics_more: traffic.has_more,
            messages: traffic.messages,
            rate: traffic.rate,
            last_ms: traffic.last_ms,
            topic: TreeTopic::new(broker, rights, &name, traffic.own_rate),
            name: name.to_string(),
        }
    }
}

impl TreeTopic {
    /// Returns the topic with exactly this name, if the sender may see it.
    fn new(broker: &Broker, rights: &Rights, name: &TopicName, rate: Option<f64>) -> Option<Self> {
        if !rights.sees(DestinationKind::Topic, name) {
            return None;
        }
        let info = broker.topic(name)?.into();
        let principal = rights.principal();
        let may_read = principal.check(Right::Subscribe, DestinationKind::Topic, name);
        let may_read = may_read.is_ok() && refuse_temporary(name.as_str()).is_ok();
        let last = broker.last_image(name);
        let shown = last.as_ref().filter(|_| may_read);
        Some(Self {
            info,
            rate,
            last_ms: last.as_ref().map(|entry| entry.timestamp_ms()),
            preview: shown.and_then(|entry| preview(entry)),
            retained: broker.retained(name).is_some(),
        })
    }
}

/// Returns the beginning of a body, if it is text.
fn preview(entry: &Entry) -> Option<String> {
    let body = entry.body();
    let start = &body[..body.len().min(PREVIEW_CHARS * MAX_CHAR_BYTES)];
    let text = match str::from_utf8(start) {
        Ok(text) => text,
        // The last character is cut.
        Err(error) if error.error_len().is_none() && start.len() < body.len() => {
            str::from_utf8(&start[..error.valid_up_to()]).ok()?
        }
        Err(_) => return None,
    };
    Some(text.chars().take(PREVIEW_CHARS).collect())
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde passes a reference"
)]
fn is_false(value: &bool) -> bool {
    !value
}

const DEFAULT_CHILDREN: usize = 100;
const MAX_CHILDREN: usize = 1_000;
const PREVIEW_CHARS: usize = 120;
/// The bytes of the longest character in UTF-8.
const MAX_CHAR_BYTES: usize = 4;
