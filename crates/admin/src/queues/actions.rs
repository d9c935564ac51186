//! The actions on the messages that wait in a queue.
//!
//! The server acts on a bounded number of messages in one request, so these commands send requests until all are done. The
//! first ones only count, for the question before the change.

use anyhow::bail;
use clap::Args;
use serde::{Deserialize, Serialize};

use super::command::QUEUES;
use crate::{
    api::Api,
    confirmation::{Confirmation, counted},
    options::ShowOptions,
    output::{print, print_json, read},
    target::Target,
};

/// An action on messages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Action {
    /// To another destination.
    Move(String),
    /// To another destination.
    Copy(String),
    /// Dead letters, to where they came from.
    Retry,
    Delete,
}

/// The queue of an action, and the messages.
#[derive(Debug, Args)]
pub(super) struct ActionOptions {
    /// The name of the queue
    name: String,

    #[command(flatten)]
    selection: Selection,

    #[command(flatten)]
    confirmation: Confirmation,

    #[command(flatten)]
    show: ShowOptions,
}

/// The messages of an action: all that wait, without these options.
#[derive(Debug, Args)]
struct Selection {
    /// Only the message with this id; may be given several times
    #[arg(long = "id", value_name = "ID", conflicts_with = "selector")]
    ids: Vec<String>,

    /// Only messages that match this selector, such as "price > 10"
    #[arg(long)]
    selector: Option<String>,

    /// Maximum number of messages
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u64).range(1..))]
    limit: Option<u64>,
}

/// Counts the messages, asks, and carries out the action.
pub(super) async fn act(action: &Action, options: &ActionOptions) -> anyhow::Result<()> {
    let work = Work {
        api: Api::new(&options.show.server)?,
        action,
        options,
    };
    let mut counted_messages = work.count().await?.matched;
    if let Some(limit) = options.selection.limit {
        counted_messages = counted_messages.min(limit);
    }
    let (queue, messages) = (&options.name, counted(counted_messages, "message"));
    if counted_messages > 0 {
        let effect = action.effect();
        options
            .confirmation
            .ask(&format!("{messages} of queue {queue} will be {effect}."))?;
    }
    let total = match counted_messages {
        0 => Total::default(),
        _ => work.carry_out().await?,
    };
    match options.show.json {
        true => print_json(&serde_json::to_vec(&total)?)?,
        false => {
            let messages = counted(total.done, "message");
            let (verb, effect) = (was(total.done), action.effect());
            print(&format!("{messages} of queue {queue} {verb} {effect}\n"))?;
        }
    }
    let (left, verb) = (counted(total.remaining, "message"), was(total.remaining));
    match total.stopped {
        Some(reason) => bail!("{left} of queue {queue} {verb} left: {reason}"),
        None if total.remaining > 0 && options.selection.limit.is_none() => {
            bail!(
                "{left} of queue {queue} {verb} left; repeat the command with --selector or --id for them"
            )
        }
        None => Ok(()),
    }
}

/// The requests of an action.
struct Work<'o> {
    api: Api,
    action: &'o Action,
    options: &'o ActionOptions,
}

impl Work<'_> {
    /// Counts the messages that the selection matches.
    async fn count(&self) -> anyhow::Result<Total> {
        let mut total = Total::default();
        let mut after = None;
        loop {
            let body = self.body(after.as_deref(), None);
            let answer = self.request(&body, true).await?;
            total.matched += answer.matched;
            after = answer.next;
            if after.is_none() {
                return Ok(total);
            }
        }
    }

    async fn carry_out(&self) -> anyhow::Result<Total> {
        let mut total = Total::default();
        let mut after: Option<String> = None;
        let limit = self.options.selection.limit;
        loop {
            let left = limit.map(|limit| limit - total.done);
            let body = self.body(after.as_deref(), left);
            let answer = self.request(&body, false).await?;
            let done = answer.done.min(left.unwrap_or(u64::MAX));
            total.done += done;
            total.remaining = answer.remaining;
            total.stopped = answer.stopped;
            let is_at_limit = limit == Some(total.done);
            // Copied messages stay, so the same request would copy them again.
            let repeats =
                done > 0 && answer.remaining > 0 && !matches!(self.action, Action::Copy(_));
            let goes_on = answer.next.is_some() || repeats;
            after = answer.next.or(after);
            if is_at_limit || total.stopped.is_some() || !goes_on {
                total.matched = total.done + total.remaining;
                return Ok(total);
            }
        }
    }

    async fn request(&self, body: &Body<'_>, counts_only: bool) -> anyhow::Result<Answer> {
        let target = Target::new(QUEUES)
            .part(&self.options.name)
            .part(self.action.path())
            .query("dryRun", counts_only.then_some(true));
        read(&self.api.post(&target, body).await?)
    }

    fn body<'b>(&'b self, after: Option<&'b str>, limit: Option<u64>) -> Body<'b> {
        let selection = &self.options.selection;
        Body {
            to: self.action.destination(),
            ids: Some(&selection.ids[..]).filter(|ids| !ids.is_empty()),
            selector: selection.selector.as_deref(),
            limit: limit.map(|limit| limit.min(MAX_PER_REQUEST)),
            after,
        }
    }
}

/// The body of a request.
#[derive(Debug, Serialize)]
struct Body<'o> {
    #[serde(skip_serializing_if = "Option::is_none")]
    to: Option<&'o str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ids: Option<&'o [String]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    selector: Option<&'o str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    limit: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    after: Option<&'o str>,
}

/// The answer to a request.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Answer {
    matched: u64,
    done: u64,
    remaining: u64,
    stopped: Option<String>,
    next: Option<String>,
}

/// The result of all requests, in the form of one answer.
#[derive(Debug, Default, Serialize)]
struct Total {
    matched: u64,
    done: u64,
    remaining: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    stopped: Option<String>,
}

impl Action {
    const fn path(&self) -> &'static str {
        match self {
            Self::Move(_) => "move",
            Self::Copy(_) => "copy",
            Self::Retry => "retry",
            Self::Delete => "delete-messages",
        }
    }

    fn destination(&self) -> Option<&str> {
        match self {
            Self::Move(to) | Self::Copy(to) => Some(to),
            Self::Retry | Self::Delete => None,
        }
    }

    /// Returns what happens to the messages.
    fn effect(&self) -> String {
        match self {
            Self::Move(to) => format!("moved to {to}"),
            Self::Copy(to) => format!("copied to {to}"),
            Self::Retry => "sent back to where they came from".to_owned(),
            Self::Delete => "deleted".to_owned(),
        }
    }
}

/// Returns the verb for a number of messages.
const fn was(number: u64) -> &'static str {
    if number == 1 { "was" } else { "were" }
}

/// Parses a destination, which must name its kind: a name alone is a queue for some commands and a topic for others.
pub(super) fn destination(text: &str) -> Result<String, &'static str> {
    match text.starts_with("/queue/") || text.starts_with("/topic/") {
        true => Ok(text.to_owned()),
        false => Err("expected /queue/NAME or /topic/NAME"),
    }
}

/// Maximum number of messages for which a request may ask.
const MAX_PER_REQUEST: u64 = 10_000;
