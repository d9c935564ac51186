//! `carillon user check`: explains a decision.

use std::{io::Write, sync::Arc};

use access::{Identity, Right, split_kind};
use anyhow::{Context as _, bail};
use broker::{DestinationKind, TopicName};
use clap::Args;

use super::{UsersFileOption, file::FileEditor};

/// The options of `carillon user check`.
#[derive(Debug, Args)]
pub(super) struct CheckOptions {
    #[command(flatten)]
    file: UsersFileOption,
    /// The name of the user or token; `anonymous` for clients without a login
    name: String,
    /// publish, subscribe, send, receive, browse or manage
    #[arg(value_parser = right)]
    right: Right,
    /// The topic or queue, with `/topic/` or `/queue/` before it for `manage`
    destination: String,
    /// The client id, for rules with %c
    #[arg(long, value_name = "ID")]
    client: Option<String>,
    /// A group that a JWT of the user claims; then the user is not one of the file. May be given more than once
    #[arg(long = "jwt-group", value_name = "GROUP")]
    jwt_groups: Vec<String>,
}

/// Prints the decision and its cause. Returns whether it is allowed.
pub(super) fn run(options: &CheckOptions, out: &mut dyn Write) -> anyhow::Result<bool> {
    let CheckOptions {
        file,
        name,
        right,
        destination,
        client,
        jwt_groups,
    } = options;
    let editor = FileEditor::open(&file.path)?;
    let users = editor.users.users();
    if !jwt_groups.is_empty() && users.jwt().is_none() {
        bail!("JWTs are not accepted: there is no table [jwt]");
    }
    let jwt_groups = (!jwt_groups.is_empty()).then(|| users.known_groups(jwt_groups));
    let user: Option<Arc<str>> = match name.as_str() {
        name if jwt_groups.is_some() => Some(name.into()),
        "anonymous" if !users.has(name) && users.accepts_anonymous() => None,
        "anonymous" if !users.has(name) => bail!("anonymous clients are not accepted"),
        name if users.has(name) => Some(name.into()),
        name => bail!("there is no user {name:?}"),
    };
    let (kind, text) = destination_for(*right, destination)?;
    let topic_or_queue = TopicName::new(text).context("the name is not valid")?;
    let grants = users.grants(&Identity {
        user,
        client: client.as_deref().map(Into::into),
        groups: jwt_groups.clone(),
    });
    let decision = grants.decide(*right, kind, &topic_or_queue);
    let answer = match decision.is_allowed {
        true => "allowed",
        false => "denied",
    };
    writeln!(out, "{answer}: {}", decision.cause)?;
    let groups: Vec<_> = match &jwt_groups {
        Some(groups) => groups.iter().map(|group| &**group).collect(),
        None => users.groups_of(name).collect(),
    };
    match groups.as_slice() {
        [] => writeln!(out, "{name} is in no group")?,
        groups => writeln!(out, "{name} is in {}", groups.join(", "))?,
    }
    Ok(decision.is_allowed)
}

/// Returns the kind and the name of a destination to which the right applies.
fn destination_for(right: Right, destination: &str) -> anyhow::Result<(DestinationKind, &str)> {
    let (kind, name) = split_kind(destination);
    match (right.kind(), kind) {
        (Some(only), Some(kind)) if only != kind => {
            bail!("the right {right} does not apply to {destination}")
        }
        (Some(kind), _) | (None, Some(kind)) => Ok((kind, name)),
        (None, None) => bail!("write /topic/{name} or /queue/{name}"),
    }
}

fn right(text: &str) -> Result<Right, String> {
    let names = Right::ALL.map(Right::name);
    Right::from_name(text).ok_or_else(|| format!("one of {} is expected", names.join(", ")))
}
