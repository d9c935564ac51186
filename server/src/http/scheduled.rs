//! `/api/scheduled`: the messages that wait for the time of their schedule.

use std::{str::FromStr, sync::Arc};

use access::Right;
use axum::{Json, extract::State, http::StatusCode};
use broker::{DestinationKind, MessageId, ScheduledFigures, ScheduledPlace, TopicName};
use serde::{Deserialize, Serialize};

use super::{
    extract::{PageQuery, Path, Query},
    login::Rights,
    problem::Problem,
};
use crate::{context::durable, fairness, server::Server};

/// `GET /api/scheduled?after=…&limit=…`: lists the scheduled messages to topics and queues that the sender may see, in the order
/// of their times.
pub async fn scheduled(
    State(server): State<Arc<Server>>,
    rights: Rights,
    Query(query): Query<PageQuery<Place>>,
) -> Result<Json<ScheduledList>, Problem> {
    let limit = query.limit(MAX_LISTED);
    let mut after = query
        .after
        .map_or_else(ScheduledPlace::default, |place| place.0);
    let mut scheduled = Vec::new();
    let (next, total) = loop {
        let sees = |kind, name: &TopicName| rights.sees(kind, name);
        let page = server
            .broker
            .scheduled(after, limit - scheduled.len(), sees);
        scheduled.extend(page.messages.iter().map(ScheduledInfo::new));
        match page.next {
            Some(next) if scheduled.len() < limit => after = next,
            next => break (next, page.total),
        }
        fairness::yield_if_due().await;
    };
    let sees_all = rights.principal().check_server().is_ok();
    Ok(Json(ScheduledList {
        scheduled,
        total: sees_all.then_some(total),
        next: next.map(|place| format!("{}-{}", place.next_ms, place.position)),
    }))
}

/// `DELETE /api/scheduled/{id}`: cancels a scheduled message.
pub async fn cancel(
    State(server): State<Arc<Server>>,
    rights: Rights,
    Path(id): Path<String>,
) -> Result<StatusCode, Problem> {
    let id: MessageId = id.parse().map_err(Problem::bad_request)?;
    let gone = || {
        let detail = format!("no message {id} is scheduled: it was delivered or cancelled");
        Problem::new(StatusCode::NOT_FOUND, detail)
    };
    let found = server.broker.scheduled_message(id).ok_or_else(gone)?;
    let (kind, name) = (found.entry.kind(), found.entry.topic());
    rights.check(Right::Manage, kind, name)?;
    if !server.broker.cancel_scheduled(id) {
        return Err(gone());
    }
    rights.note_managed(
        "cancel-scheduled",
        &format!("{id} to {} {name}", kind_name(kind)),
    );
    durable(&server.broker, server.broker.newest_ticket()).await;
    Ok(StatusCode::NO_CONTENT)
}

/// The value of `after`: the time and the position of the last message of the previous page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Place(ScheduledPlace);

impl TryFrom<String> for Place {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl FromStr for Place {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parts = text.split_once('-');
        let place = parts.and_then(|(next_ms, position)| {
            Some(ScheduledPlace {
                next_ms: next_ms.parse().ok()?,
                position: position.parse().ok()?,
            })
        });
        place.map(Self).ok_or_else(|| {
            "after is a time in milliseconds and a position, joined by '-'".to_owned()
        })
    }
}

/// The response of `/api/scheduled`.
#[derive(Serialize)]
pub struct ScheduledList {
    scheduled: Vec<ScheduledInfo>,
    /// Number of all scheduled messages; only for a sender that sees all.
    #[serde(skip_serializing_if = "Option::is_none")]
    total: Option<usize>,
    /// The value of `after` for the next page, if there may be more.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

/// A scheduled message without its content; times in Unix milliseconds.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ScheduledInfo {
    id: String,
    kind: &'static str,
    destination: String,
    producer: String,
    /// The time of the publication.
    published_ms: u64,
    /// The time of the next delivery, or of the next attempt.
    next_ms: u64,
    delay_ms: u64,
    period_ms: u64,
    /// Number of deliveries that remain; `None` without an end.
    #[serde(skip_serializing_if = "Option::is_none")]
    remaining: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cron: Option<String>,
    /// The reason why the last attempt was refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    refusal: Option<Box<str>>,
    /// Bytes of the body.
    body_bytes: usize,
}

impl ScheduledInfo {
    fn new(figures: &ScheduledFigures) -> Self {
        let ScheduledFigures {
            id,
            entry,
            schedule,
            next_ms,
            remaining,
            refusal,
        } = figures;
        Self {
            id: id.to_string(),
            kind: kind_name(entry.kind()),
            destination: entry.topic().to_string(),
            producer: entry.producer().to_owned(),
            published_ms: entry.timestamp_ms(),
            next_ms: *next_ms,
            delay_ms: schedule.delay_ms,
            period_ms: schedule.period_ms,
            remaining: *remaining,
            cron: schedule.cron.as_ref().map(ToString::to_string),
            refusal: refusal.clone(),
            body_bytes: entry.body().len(),
        }
    }
}

fn kind_name(kind: DestinationKind) -> &'static str {
    match kind {
        DestinationKind::Topic => "topic",
        DestinationKind::Queue => "queue",
    }
}

/// Maximum number of messages in one response.
const MAX_LISTED: usize = 1_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_a_time_and_a_position() {
        let place = ScheduledPlace {
            next_ms: 17,
            position: 4,
        };
        assert_eq!("17-4".parse(), Ok(Place(place)));
        for text in ["", "17", "17-", "-4", "a-4", "17-4-1"] {
            assert!(text.parse::<Place>().is_err(), "{text}");
        }
    }
}
