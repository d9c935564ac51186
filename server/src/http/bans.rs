//! `/api/bans`: users, client ids and addresses that may not connect for a time.

use std::sync::Arc;

use axum::{
    Extension, Json,
    body::Body,
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::{Deserialize, Serialize};

use super::{
    body,
    extract::{PageQuery, Path, Query, last_of_full_page},
    login::{PeerAddress, Rights},
    problem::Problem,
};
use crate::{
    connection_control::{Ban, BanTarget, Network, Visitor},
    server::Server,
};

/// `GET /api/bans?after=…&limit=…`: lists the bans in force.
pub async fn bans(
    State(server): State<Arc<Server>>,
    rights: Rights,
    Query(query): Query<PageQuery<u64>>,
) -> Result<Json<Bans>, Problem> {
    rights.check_server()?;
    let limit = query.limit(MAX_LISTED);
    let now_ms = server.clock.now_ms();
    let bans = server.connections.bans();
    let (found, total) = bans.list(query.after.unwrap_or(0), limit, now_ms);
    Ok(Json(Bans {
        next: last_of_full_page(&found, limit).map(|last| last.id),
        bans: found
            .into_iter()
            .map(|ban| BanInfo::new(ban, now_ms))
            .collect(),
        total,
    }))
}

/// `POST /api/bans`: bans a user, a client id or the addresses of a network, and ends their connections.
pub async fn add(
    State(server): State<Arc<Server>>,
    rights: Rights,
    Extension(PeerAddress(address)): Extension<PeerAddress>,
    body: Body,
) -> Result<Response, Problem> {
    rights.check_server()?;
    let body = body::read_json(&server, body).await?;
    let request: NewBan = serde_json::from_slice(&body).map_err(Problem::bad_request)?;
    let NewBan {
        seconds, reason, ..
    } = &request;
    if !(1..=MAX_SECONDS).contains(seconds) {
        let detail = format!("seconds must be 1 to {MAX_SECONDS}");
        return Err(Problem::bad_request(detail));
    }
    if reason.len() > MAX_REASON_BYTES {
        let detail = format!("the reason is longer than {MAX_REASON_BYTES} bytes");
        return Err(Problem::bad_request(detail));
    }
    let target = request.target()?;
    let own = Visitor {
        user: rights.principal().user(),
        client: None,
        address,
    };
    if target.includes(&own) {
        let detail = "this would ban the sender of the request";
        return Err(Problem::new(StatusCode::CONFLICT, detail));
    }
    let name = target.to_string();
    let added = server.connections.ban(target, reason, *seconds);
    let id = added.map_err(|error| {
        Problem::new(StatusCode::INSUFFICIENT_STORAGE, error.to_string()).with_code("bans")
    })?;
    rights.note_managed("ban", &name);
    let location = (header::LOCATION, format!("/api/bans/{id}"));
    Ok((StatusCode::CREATED, [location], Json(AddedBan { id })).into_response())
}

/// `DELETE /api/bans/{id}`: ends a ban.
pub async fn remove(
    State(server): State<Arc<Server>>,
    rights: Rights,
    Path(id): Path<u64>,
) -> Result<StatusCode, Problem> {
    rights.check_server()?;
    match server.connections.bans().remove(id) {
        Some(ended) => {
            rights.note_managed("end-ban", &ended.target.to_string());
            Ok(StatusCode::NO_CONTENT)
        }
        None => Err(Problem::new(
            StatusCode::NOT_FOUND,
            format!("there is no ban {id}"),
        )),
    }
}

/// The body of `POST /api/bans`: one of `user`, `client` and `address`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "a JSON object")]
struct NewBan {
    user: Option<Arc<str>>,
    client: Option<Arc<str>>,
    /// An address, or a network such as `192.0.2.0/24`.
    address: Option<String>,
    seconds: u64,
    #[serde(default)]
    reason: String,
}

impl NewBan {
    fn target(&self) -> Result<BanTarget, Problem> {
        let named = self.user.as_ref().or(self.client.as_ref());
        if named.is_some_and(|name| !(1..=MAX_NAME_BYTES).contains(&name.len())) {
            let detail = format!("a user or client id must have 1 to {MAX_NAME_BYTES} bytes");
            return Err(Problem::bad_request(detail));
        }
        match (&self.user, &self.client, &self.address) {
            (Some(user), None, None) => Ok(BanTarget::User(Arc::clone(user))),
            (None, Some(client), None) => Ok(BanTarget::Client(Arc::clone(client))),
            (None, None, Some(address)) => {
                let network: Network = address
                    .parse()
                    .map_err(|error| Problem::bad_request(format!("{address:?} is {error}")))?;
                Ok(BanTarget::Network(network))
            }
            _ => Err(Problem::bad_request(
                "a ban needs one of user, client and address",
            )),
        }
    }
}

/// The response to a new ban.
#[derive(Serialize)]
struct AddedBan {
    id: u64,
}

/// The response of `/api/bans`.
#[derive(Serialize)]
pub struct Bans {
    bans: Vec<BanInfo>,
    /// Number of all bans, listed or not.
    total: usize,
    /// The value of `after` for the next page, if there may be more.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<u64>,
}

#[derive(Serialize)]
struct BanInfo {
    id: u64,
    #[serde(flatten)]
    target: TargetInfo,
    /// The time until the ban ends.
    seconds: u64,
    reason: Arc<str>,
}

#[derive(Serialize)]
#[serde(rename_all = "lowercase")]
enum TargetInfo {
    User(Arc<str>),
    Client(Arc<str>),
    Address(String),
}

impl BanInfo {
    fn new(ban: Ban, now_ms: u64) -> Self {
        Self {
            id: ban.id,
            target: match ban.target {
                BanTarget::User(user) => TargetInfo::User(user),
                BanTarget::Client(client) => TargetInfo::Client(client),
                BanTarget::Network(network) => TargetInfo::Address(network.to_string()),
            },
            seconds: ban.until_ms.saturating_sub(now_ms).div_ceil(1_000),
            reason: ban.reason,
        }
    }
}

/// Maximum number of bans in one response.
const MAX_LISTED: usize = 1_000;
/// Maximum time of a ban: ten years.
const MAX_SECONDS: u64 = 10 * 365 * 24 * 3_600;
/// Maximum length of a user or client id: that of a text in MQTT.
const MAX_NAME_BYTES: usize = 65_535;
/// Maximum length of a reason.
const MAX_REASON_BYTES: usize = 1_000;
