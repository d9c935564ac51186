//! `/api/users`: what each user has and does, and its limits.

use std::sync::Arc;

use access::{Excess, UserLimits};
use axum::{Json, extract::State};
use broker::{ClientAddress, Holder, Quota};
use serde::Serialize;

use super::{
    extract::{PageQuery, Query, last_of_full_page},
    login::Rights,
    problem::Problem,
};
use crate::{
    access_control::{Subject, UserAccount},
    server::Server,
};

/// `GET /api/users?after=…&limit=…`: lists the users that were active, by name, and then the addresses of anonymous clients. A
/// sender without the right to manage everything sees only itself.
pub async fn users(
    State(server): State<Arc<Server>>,
    rights: Rights,
    Query(query): Query<PageQuery<String>>,
) -> Result<Json<Users>, Problem> {
    let sees_all = rights.principal().check_server().is_ok();
    if !sees_all {
        let own = rights.principal().account().into_iter();
        let users: Vec<UserInfo> = own.map(|account| UserInfo::new(account)).collect();
        let total = users.len();
        return Ok(Json(Users {
            users,
            total,
            next: None,
        }));
    }
    let limit = query.limit(MAX_LISTED);
    let after = query.after.as_deref().map(subject).transpose()?;
    let (found, total) = server.access.accounts(after.as_ref(), limit);
    Ok(Json(Users {
        users: found.iter().map(|account| UserInfo::new(account)).collect(),
        total,
        next: last_of_full_page(&found, limit).map(|last| key(last.subject())),
    }))
}

/// Returns the user at a place in the list.
fn subject(key: &str) -> Result<Subject, Problem> {
    let subject = match key.split_once(':') {
        Some((USER, user)) => Some(Subject::User(user.into())),
        Some((ADDRESS, address)) => address.parse().ok().map(Subject::Address),
        _ => None,
    };
    subject.ok_or_else(|| {
        let detail = format!("after={key:?} is not the value of `next` of a page");
        Problem::bad_request(detail)
    })
}

/// Returns the place of a user in the list.
fn key(subject: &Subject) -> String {
    match subject {
        Subject::User(user) => format!("{USER}:{user}"),
        Subject::Address(address) => format!("{ADDRESS}:{address}"),
    }
}

/// The response of `/api/users`.
#[derive(Serialize)]
pub struct Users {
    users: Vec<UserInfo>,
    /// Number of all users that the sender may see, listed or not.
    total: usize,
    /// The value of `after` for the next page, if there may be more.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

/// A user, or the anonymous clients of an address.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct UserInfo {
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<Arc<str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    address: Option<ClientAddress>,
    connections: u64,
    subscriptions: u64,
    queues: u64,
    queued_bytes: u64,
    sessions: u64,
    published_messages: u64,
    published_bytes: u64,
    messages_per_second: u64,
    bytes_per_second: u64,
    /// Requests refused because of the user's limits.
    refused: Refused,
    limits: LimitsInfo,
}

/// The number of refused requests for each limit.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Refused {
    connections: u64,
    subscriptions: u64,
    queues: u64,
    queued_bytes: u64,
    sessions: u64,
    publications: u64,
}

/// The limits in force; one that is absent is unlimited.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct LimitsInfo {
    #[serde(skip_serializing_if = "Option::is_none")]
    connections: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    subscriptions: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    queues: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    queued_bytes: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sessions: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    messages_per_second: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    bytes_per_second: Option<u64>,
    excess: &'static str,
}

impl UserInfo {
    fn new(account: &UserAccount) -> Self {
        let figures = account.figures();
        let holder = account.holder();
        Self {
            user: account.subject().user().cloned(),
            address: account.subject().address(),
            connections: holder.used(Quota::Connections),
            subscriptions: holder.used(Quota::Subscriptions),
            queues: holder.used(Quota::Queues),
            queued_bytes: holder.used(Quota::QueuedBytes),
            sessions: holder.used(Quota::Sessions),
            published_messages: figures.messages,
            published_bytes: figures.bytes,
            messages_per_second: figures.messages_per_second,
            bytes_per_second: figures.bytes_per_second,
            refused: Refused::new(holder, figures.refused),
            limits: figures.limits.into(),
        }
    }
}

impl Refused {
    fn new(holder: &Holder, publications: u64) -> Self {
        Self {
            connections: holder.refused(Quota::Connections),
            subscriptions: holder.refused(Quota::Subscriptions),
            queues: holder.refused(Quota::Queues),
            queued_bytes: holder.refused(Quota::QueuedBytes),
            sessions: holder.refused(Quota::Sessions),
            publications,
        }
    }
}

impl From<UserLimits> for LimitsInfo {
    fn from(limits: UserLimits) -> Self {
        Self {
            connections: limits.connections,
            subscriptions: limits.subscriptions,
            queues: limits.queues,
            queued_bytes: limits.queued_bytes,
            sessions: limits.sessions,
            messages_per_second: limits.messages_per_second,
            bytes_per_second: limits.bytes_per_second,
            excess: match limits.excess {
                Excess::Wait => "wait",
                Excess::Refuse => "refuse",
            },
        }
    }
}

/// The kinds of subjects in the value of `after`.
const USER: &str = "user";
const ADDRESS: &str = "address";
/// Maximum number of users in one response.
const MAX_LISTED: usize = 1_000;
