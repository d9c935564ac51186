//! Errors in the form of RFC 9457.

use std::time::Duration;

use axum::{
    Json,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use broker::{
    InvalidName, JournalError, PublishError, RefusalCause, SubscribeError, TEMPORARY, TopicName,
};
use serde::Serialize;

use crate::access_control::RateExceeded;

/// An error response. The `type` is `about:blank`, so the title is that of the status (RFC 9457, 4.2.1); the detail
/// describes the error.
#[derive(Debug, Serialize)]
pub struct Problem {
    r#type: &'static str,
    title: &'static str,
    status: u16,
    detail: String,
    /// The cause as a stable word, for programs and for pages in other languages; an extension member of RFC 9457, 3.2.
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<&'static str>,
    /// The header Retry-After, in seconds.
    #[serde(skip)]
    retry_after_s: Option<u64>,
}

impl Problem {
    /// Creates a problem with this status.
    pub fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        Self {
            r#type: "about:blank",
            title: status.canonical_reason().unwrap_or("Error"),
            status: status.as_u16(),
            detail: detail.into(),
            code: None,
            retry_after_s: None,
        }
    }

    /// Adds the cause.
    pub(super) fn with_code(self, code: &'static str) -> Self {
        Self {
            code: Some(code),
            ..self
        }
    }

    /// Adds the time after which the request may succeed.
    pub fn retry_after(self, time: Duration) -> Self {
        let seconds = time.as_secs() + u64::from(time.subsec_nanos() > 0);
        Self {
            retry_after_s: Some(seconds),
            ..self
        }
    }

    /// Returns the description of the error.
    pub fn into_detail(self) -> String {
        self.detail
    }

    /// Creates the problem of a queue that does not exist.
    pub fn no_queue(name: &TopicName) -> Self {
        Self::new(StatusCode::NOT_FOUND, format!("there is no queue {name}")).with_code("no_queue")
    }

    /// Creates a problem with status 400.
    pub fn bad_request(detail: impl ToString) -> Self {
        Self::new(StatusCode::BAD_REQUEST, detail.to_string())
    }
}

/// Refuses access to the messages of a temporary topic or queue, which only its own connection may read.
pub fn refuse_temporary(name: &str) -> Result<(), Problem> {
    if !name.starts_with(TEMPORARY) {
        return Ok(());
    }
    let detail = "a temporary destination can be read only by its own connection";
    Err(Problem::new(StatusCode::FORBIDDEN, detail))
}

impl From<InvalidName> for Problem {
    fn from(error: InvalidName) -> Self {
        Self::bad_request(error)
    }
}

impl From<PublishError> for Problem {
    fn from(error: PublishError) -> Self {
        let status = match error {
            PublishError::Reserved(_) => StatusCode::FORBIDDEN,
            PublishError::Journal(JournalError::TooLarge { .. }) => StatusCode::PAYLOAD_TOO_LARGE,
            PublishError::Journal(JournalError::Closed) => StatusCode::SERVICE_UNAVAILABLE,
            PublishError::TooManyTopics { .. }
            | PublishError::TooManyCursors { .. }
            | PublishError::TooManyQueues { .. }
            | PublishError::QueueFull { .. }
            | PublishError::Pool(_)
            | PublishError::MemoryFull { .. }
            | PublishError::Journal(_) => StatusCode::INSUFFICIENT_STORAGE,
            PublishError::Schedule(_) => StatusCode::BAD_REQUEST,
        };
        Self::new(status, error.to_string()).with_code(error.cause().name())
    }
}

impl From<RateExceeded> for Problem {
    fn from(exceeded: RateExceeded) -> Self {
        Self::new(StatusCode::TOO_MANY_REQUESTS, exceeded.to_string())
            .with_code("rate")
            .retry_after(exceeded.retry_after)
    }
}

impl From<SubscribeError> for Problem {
    fn from(error: SubscribeError) -> Self {
        let status = match error {
            SubscribeError::SessionEnded => StatusCode::SERVICE_UNAVAILABLE,
            SubscribeError::Reserved(_) => StatusCode::FORBIDDEN,
            SubscribeError::TooManySubscriptions { .. }
            | SubscribeError::TooManyTopics { .. }
            | SubscribeError::TooManyCursors { .. }
            | SubscribeError::TooManyQueues { .. }
            | SubscribeError::TooManyDurables { .. }
            | SubscribeError::Pool(_)
            | SubscribeError::Journal(_) => StatusCode::INSUFFICIENT_STORAGE,
            SubscribeError::DurableInUse(_) | SubscribeError::NothingToReplace => {
                StatusCode::CONFLICT
            }
        };
        let problem = Self::new(status, error.to_string());
        match cause_of(&error) {
            Some(cause) => problem.with_code(cause.name()),
            None => problem,
        }
    }
}

/// Returns the cause of a refused subscription, if a publication can be refused for the same one.
const fn cause_of(error: &SubscribeError) -> Option<RefusalCause> {
    Some(match error {
        SubscribeError::Reserved(_) => RefusalCause::Reserved,
        SubscribeError::TooManyTopics { .. } => RefusalCause::Topics,
        SubscribeError::TooManyCursors { .. } => RefusalCause::Cursors,
        SubscribeError::TooManyQueues { .. } => RefusalCause::Queues,
        SubscribeError::Pool(_) => RefusalCause::Share,
        SubscribeError::Journal(_) => RefusalCause::Journal,
        SubscribeError::SessionEnded
        | SubscribeError::TooManySubscriptions { .. }
        | SubscribeError::TooManyDurables { .. }
        | SubscribeError::DurableInUse(_)
        | SubscribeError::NothingToReplace => return None,
    })
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let retry_after_s = self.retry_after_s;
        let mut response = (status, Json(self)).into_response();
        response.headers_mut().insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/problem+json"),
        );
        if let Some(seconds) = retry_after_s {
            let headers = response.headers_mut();
            headers.insert(header::RETRY_AFTER, seconds.into());
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use broker::RefusalCause;

    #[test]
    fn the_description_of_the_api_lists_the_codes() {
        let description = include_str!("../../api/openapi.json");
        let causes = RefusalCause::ALL.iter().map(|cause| cause.name());
        for code in causes.chain(["rate", "no_queue", "traces", "bans", "boards"]) {
            let code = format!("`{code}`");
            assert!(description.contains(&code), "{code}");
        }
    }
}
