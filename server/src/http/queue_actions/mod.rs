//! `/api/queues/{queue}/move` and the other actions of an operator on the messages that wait in a queue.
//!
//! A request acts on a bounded number of messages, one after the other, and answers when the disk has confirmed all of
//! them. Messages that consumers hold are left alone.

mod request;
mod run;

use std::sync::Arc;

use access::Right;
use axum::{
    Json,
    body::Body,
    extract::{FromRequest, State},
    http::StatusCode,
};
use broker::{DestinationKind, MessageAction, Outcome, Owner, TopicName, is_for_dead_letters};
use serde::{Deserialize, Serialize};

pub use request::Sender;
use request::read;
use run::Run;

use super::{
    HttpState,
    extract::{Path, Query, deserialize_bool},
    login::Rights,
    problem::Problem,
    queues::refuse_reserved,
};
use crate::server::Server;

/// An action on the messages of a queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verb {
    Move,
    Copy,
    Retry,
    Delete,
}

/// The query `?dryRun=true`.
#[derive(Deserialize)]
pub struct ActionQuery {
    /// True if the messages are only counted. The alias is the name of earlier versions: if it were ignored, a request that only
    /// counts would act.
    #[serde(
        default,
        rename = "dryRun",
        alias = "dry-run",
        deserialize_with = "deserialize_bool"
    )]
    dry_run: bool,
}

/// The response to an action.
#[derive(Debug, Default, Serialize)]
pub struct Done {
    /// Waiting messages that the selection matches.
    matched: u64,
    /// Messages on which the action was carried out; absent in a dry run.
    #[serde(skip_serializing_if = "Option::is_none")]
    done: Option<u64>,
    /// The others of those that match; absent in a dry run.
    #[serde(skip_serializing_if = "Option::is_none")]
    remaining: Option<u64>,
    /// Messages that consumers hold. They are left alone, whether they match or not.
    held: u64,
    /// The reason why messages remain, if it is not only the limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    stopped: Option<String>,
    /// The id after which to continue: the request has not examined the whole queue, or not copied all messages.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

/// A request for an action.
#[derive(FromRequest)]
#[from_request(state(HttpState))]
pub struct QueueAction {
    sender: Sender,
    queue: Path<String>,
    query: Query<ActionQuery>,
    body: Body,
}

/// `POST /api/queues/{queue}/move`: moves messages to another queue or topic.
pub async fn move_messages(action: QueueAction) -> Result<Json<Done>, Problem> {
    act(Verb::Move, action).await
}

/// `POST /api/queues/{queue}/copy`: copies messages to another queue or topic.
pub async fn copy_messages(action: QueueAction) -> Result<Json<Done>, Problem> {
    act(Verb::Copy, action).await
}

/// `POST /api/queues/{queue}/retry`: sends dead letters to their original destinations.
pub async fn retry_messages(action: QueueAction) -> Result<Json<Done>, Problem> {
    act(Verb::Retry, action).await
}

/// `POST /api/queues/{queue}/delete-messages`: deletes messages.
pub async fn delete_messages(action: QueueAction) -> Result<Json<Done>, Problem> {
    act(Verb::Delete, action).await
}

/// `POST /api/queues/{queue}/pause`: stops the delivery to consumers. Publishing, browsing and acknowledgements go on.
pub async fn pause(
    State(server): State<Arc<Server>>,
    rights: Rights,
    Path(queue): Path<String>,
) -> Result<StatusCode, Problem> {
    set_paused(&server, &rights, &queue, true).await
}

/// `POST /api/queues/{queue}/resume`: lets the delivery to consumers go on.
pub async fn resume(
    State(server): State<Arc<Server>>,
    rights: Rights,
    Path(queue): Path<String>,
) -> Result<StatusCode, Problem> {
    set_paused(&server, &rights, &queue, false).await
}

async fn set_paused(
    server: &Server,
    rights: &Rights,
    queue: &str,
    is_paused: bool,
) -> Result<StatusCode, Problem> {
    let name = TopicName::new(queue)?;
    rights.check(Right::Manage, DestinationKind::Queue, &name)?;
    refuse_reserved(&name)?;
    let mut outcome = Outcome::default();
    let set = server
        .broker
        .set_queue_paused(&name, is_paused, &mut outcome);
    server.carry_out(&mut outcome);
    set.ok_or_else(|| Problem::no_queue(&name))?;
    let action = match is_paused {
        true => "pause-queue",
        false => "resume-queue",
    };
    rights.note_managed(action, name.as_str());
    server.background_context().wait_until_durable().await;
    Ok(StatusCode::NO_CONTENT)
}

async fn act(verb: Verb, action: QueueAction) -> Result<Json<Done>, Problem> {
    let QueueAction {
        sender,
        queue: Path(queue),
        query: Query(query),
        body,
    } = action;
    let name = TopicName::new(&queue)?;
    sender.check(verb, &name)?;
    refuse_reserved(&name)?;
    if verb == Verb::Retry && !is_for_dead_letters(&name) {
        let detail = format!("{name} is no dead letter queue, so its messages have no origin");
        return Err(Problem::new(StatusCode::CONFLICT, detail));
    }
    let selected = read(verb, &sender.server, body).await?;
    if selected.selector.is_some() {
        // The number of messages that match says something about their content.
        sender
            .rights
            .check(Right::Browse, DestinationKind::Queue, &name)?;
    }
    let action = selected.action(verb, &name)?;
    if let Some(MessageAction::Move(kind, to) | MessageAction::Copy(kind, to)) = &action {
        let right = Right::to_publish(*kind);
        sender.rights.check(right, *kind, to)?;
        if to.owner(*kind) != Owner::Everybody {
            let detail = format!("{to} belongs to the broker or to a connection");
            return Err(Problem::new(StatusCode::FORBIDDEN, detail));
        }
    }
    let run = Run::new(&sender, verb, &name, action, selected)?;
    Ok(Json(match query.dry_run {
        true => run.count().await,
        false => run.carry_out().await,
    }))
}

impl Verb {
    /// Returns the rights on the queue that the action needs.
    const fn rights(self) -> &'static [Right] {
        match self {
            Self::Move | Self::Retry => &[Right::Browse, Right::Manage],
            Self::Copy => &[Right::Browse],
            Self::Delete => &[Right::Manage],
        }
    }

    /// Returns the name of the action in the audit log.
    const fn name(self) -> &'static str {
        match self {
            Self::Move => "move-messages",
            Self::Copy => "copy-messages",
            Self::Retry => "retry-messages",
            Self::Delete => "delete-messages",
        }
    }
}
