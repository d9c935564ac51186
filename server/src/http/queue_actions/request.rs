//! The request of an action: who sends it, and which messages it selects.

use std::sync::Arc;

use axum::{
    body::Body,
    extract::{Extension, FromRequestParts, State},
};
use broker::{
    Broker, Client, DestinationKind, MessageAction, MessageId, Selector, Start, TopicName,
};
use destination::stomp::sent_to;
use serde::Deserialize;

use super::Verb;
use crate::{
    http::{HttpState, body::read_json, login::Rights, problem::Problem},
    server::Server,
};

/// The sender of an action.
#[derive(FromRequestParts)]
#[from_request(state(HttpState))]
pub struct Sender {
    #[from_request(via(State))]
    pub(super) server: Arc<Server>,
    pub(super) rights: Rights,
    /// The client that new queues and topics are charged to.
    #[from_request(via(Extension))]
    pub(super) client: Arc<Client>,
}

/// The body of a request. Without ids and selector it means all messages.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a JSON object")]
struct ActionBody {
    /// The destination of a move or copy: `/queue/NAME` or `/topic/NAME`.
    to: Option<String>,
    ids: Option<Vec<String>>,
    selector: Option<String>,
    limit: Option<u64>,
    /// The id after which the request begins.
    after: Option<String>,
}

/// The messages of a request.
#[derive(Debug)]
pub struct Selected {
    to: Option<(DestinationKind, TopicName)>,
    /// The positions of the wanted messages; `None` for all.
    pub only: Option<Vec<u64>>,
    pub selector: Option<Selector>,
    /// Maximum number of messages.
    pub limit: u64,
    /// The position after which the request begins.
    pub after: u64,
}

impl Sender {
    /// Checks the rights on the queue.
    pub(super) fn check(&self, verb: Verb, queue: &TopicName) -> Result<(), Problem> {
        let mut rights = verb.rights().iter();
        rights.try_for_each(|right| self.rights.check(*right, DestinationKind::Queue, queue))
    }
}

/// Reads the body of a request.
pub async fn read(verb: Verb, server: &Server, body: Body) -> Result<Selected, Problem> {
    let body = read_json(server, body).await?;
    let given: ActionBody = match body.is_empty() {
        true => ActionBody::default(),
        false => serde_json::from_slice(&body)
            .map_err(|error| Problem::bad_request(format!("the body: {error}")))?,
    };
    given.selected(verb, &server.broker)
}

impl ActionBody {
    fn selected(self, verb: Verb, broker: &Broker) -> Result<Selected, Problem> {
        let to = match (verb, self.to) {
            (Verb::Move | Verb::Copy, Some(to)) => Some(destination(&to)?),
            (Verb::Move | Verb::Copy, None) => {
                let detail = "`to` is missing: the destination, such as \"/queue/NAME\"";
                return Err(Problem::bad_request(detail));
            }
            (Verb::Retry | Verb::Delete, None) => None,
            (Verb::Retry | Verb::Delete, Some(_)) => {
                return Err(Problem::bad_request("`to` is for moves and copies only"));
            }
        };
        if self.ids.is_some() && self.selector.is_some() {
            let detail = "`ids` and `selector` exclude each other";
            return Err(Problem::bad_request(detail));
        }
        let limit = self.limit.unwrap_or(MAX_DONE);
        if !(1..=MAX_DONE).contains(&limit) {
            return Err(Problem::bad_request(format!(
                "`limit` must be 1 to {MAX_DONE}"
            )));
        }
        let only = self.ids.map(|ids| positions(&ids, broker)).transpose()?;
        let selector = self.selector.as_deref().map(Selector::new).transpose();
        let selector =
            selector.map_err(|error| Problem::bad_request(format!("`selector`: {error}")))?;
        let after = match &self.after {
            None => 0,
            Some(id) => position(id, "after", broker)?.unwrap_or(0),
        };
        Ok(Selected {
            to,
            only,
            selector,
            limit,
            after,
        })
    }
}

impl Selected {
    /// Returns the action on each message; `None` if messages are deleted.
    pub(super) fn action(
        &self,
        verb: Verb,
        queue: &TopicName,
    ) -> Result<Option<MessageAction>, Problem> {
        if let Some((DestinationKind::Queue, to)) = &self.to
            && to == queue
        {
            return Err(Problem::bad_request("`to` is the queue itself"));
        }
        let action = match (verb, self.to.clone()) {
            (Verb::Copy, Some((kind, to))) => MessageAction::Copy(kind, to),
            (_, Some((kind, to))) => MessageAction::Move(kind, to),
            (Verb::Retry, None) => MessageAction::Retry,
            (_, None) => return Ok(None),
        };
        Ok(Some(action))
    }
}

/// Returns the destination that a text names.
fn destination(text: &str) -> Result<(DestinationKind, TopicName), Problem> {
    if text.starts_with("/temp-") {
        let detail = "`to`: a temporary destination can be used only by its own connection";
        return Err(Problem::bad_request(detail));
    }
    let targets =
        sent_to(text, "").map_err(|error| Problem::bad_request(format!("`to`: {error}")))?;
    match &*targets {
        [only] => Ok((only.destination.kind, only.destination.name.clone())),
        _ => Err(Problem::bad_request("`to` must name one destination")),
    }
}

/// Returns the positions of messages. A message of an earlier run that was lost has none.
fn positions(ids: &[String], broker: &Broker) -> Result<Vec<u64>, Problem> {
    if ids.len() > MAX_IDS {
        let detail = format!("`ids` has {} ids; the limit is {MAX_IDS}", ids.len());
        return Err(Problem::bad_request(detail));
    }
    let mut positions = Vec::new();
    for id in ids {
        positions.extend(position(id, "ids", broker)?);
    }
    Ok(positions)
}

fn position(id: &str, member: &str, broker: &Broker) -> Result<Option<u64>, Problem> {
    let parsed: Result<MessageId, _> = id.parse();
    let id =
        parsed.map_err(|error| Problem::bad_request(format!("`{member}`: {id:?} is {error}")))?;
    Ok(match broker.start_after(id) {
        Start::AfterPosition(position) => Some(position),
        _ => None,
    })
}

/// Maximum number of messages on which one request acts.
const MAX_DONE: u64 = 10_000;
/// Maximum number of ids in one request.
const MAX_IDS: usize = 1_000;
