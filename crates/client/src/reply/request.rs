//! A received request.

use std::collections::BTreeMap;

use wire::stomp::client::Message;

use crate::{
    render::printable,
    stomp::destination::{InvalidDestination, Target, display_name},
};

#[derive(Clone, Debug, Default)]
pub(super) struct Request {
    pub message_id: String,
    /// The destination that it was sent to.
    pub destination: String,
    /// The id for its acknowledgement, or None if it needs none.
    pub ack: Option<String>,
    pub reply_to: Option<String>,
    correlation_id: Option<String>,
    content_type: Option<String>,
    /// The user-defined headers. Of repeated headers only the first.
    headers: BTreeMap<String, String>,
    pub body: Vec<u8>,
}

/// The reason why a message cannot be answered.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Unanswerable {
    #[error("it has no reply-to")]
    NoReplyTo,
    #[error("its reply-to is {text:?}: {error}")]
    InvalidReplyTo {
        text: String,
        error: InvalidDestination,
    },
}

impl Request {
    pub(super) fn of(message: &Message<'_>) -> Self {
        let mut headers = BTreeMap::new();
        for header in message.user_headers() {
            // "Only the first header entry SHOULD be used" (STOMP 1.2, "Repeated Header Entries").
            let name = header.name().into_owned();
            headers
                .entry(name)
                .or_insert_with(|| header.value().into_owned());
        }
        Self {
            message_id: message.message_id.as_ref().into(),
            destination: message.destination.as_ref().into(),
            ack: message.ack().map(Into::into),
            reply_to: message.reply_to().map(Into::into),
            correlation_id: message.correlation_id().map(Into::into),
            content_type: message.content_type.as_deref().map(Into::into),
            headers,
            body: message.body.to_vec(),
        }
    }

    /// Returns the destination of the answer. Checks it here, because the server would end the
    /// connection for an invalid one.
    pub(super) fn target(&self) -> Result<Target, Unanswerable> {
        let text = self.reply_to.as_deref().ok_or(Unanswerable::NoReplyTo)?;
        Target::from_stomp(text).map_err(|error| Unanswerable::InvalidReplyTo {
            text: text.to_owned(),
            error,
        })
    }

    /// Returns the `correlation-id` of the answer: the request's own, else its message id, as is
    /// usual in JMS.
    pub(super) fn correlation(&self) -> &str {
        self.correlation_id.as_deref().unwrap_or(&self.message_id)
    }

    /// Returns the environment variables for the command.
    pub(super) fn environment(&self) -> BTreeMap<String, &str> {
        let given = [
            (
                "CARILLON_DESTINATION",
                Some(display_name(&self.destination)),
            ),
            ("CARILLON_MESSAGE_ID", Some(self.message_id.as_str())),
            ("CARILLON_REPLY_TO", self.reply_to.as_deref()),
            ("CARILLON_CORRELATION_ID", Some(self.correlation())),
            ("CARILLON_CONTENT_TYPE", self.content_type.as_deref()),
        ];
        let given = given
            .into_iter()
            .filter_map(|(name, value)| Some((name.to_owned(), value?)));
        let headers = self.headers.iter();
        let headers = headers.map(|(name, value)| (variable(name), value.as_str()));
        // Environment variables cannot contain NUL.
        let all = headers.chain(given);
        all.filter(|(_, value)| !value.contains('\0')).collect()
    }

    /// Returns the name of the request for notices on standard error.
    pub(super) fn name(&self) -> String {
        let place = printable(display_name(&self.destination));
        format!("message {} of {place}", printable(&self.message_id))
    }
}

/// Returns the name of the environment variable for a header: `CARILLON_HEADER_RETRY_COUNT` for
/// `retry-count`. The prefix keeps requesters from setting other variables.
fn variable(header: &str) -> String {
    let letters = header.chars().map(|letter| match letter {
        letter if letter.is_ascii_alphanumeric() => letter.to_ascii_uppercase(),
        _ => '_',
    });
    format!("CARILLON_HEADER_{}", letters.collect::<String>())
}

#[cfg(test)]
impl Request {
    pub(super) fn with_body(body: &[u8]) -> Self {
        Self {
            body: body.to_vec(),
            ..Self::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request() -> Request {
        let headers = [
            ("reply-to", "/topic/answers"),
            ("retry-count", "3"),
            ("LD_PRELOAD=x", "y"),
            ("zero", "a\0b"),
        ];
        let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned()));
        Request {
            message_id: "19a-42".into(),
            destination: "/queue/orders".into(),
            reply_to: Some("/topic/answers".into()),
            headers: headers.into(),
            ..Request::default()
        }
    }

    #[test]
    fn the_environment_of_a_command_describes_the_request() {
        let request = request();
        let wanted = [
            ("CARILLON_CORRELATION_ID", "19a-42"),
            ("CARILLON_DESTINATION", "/queue/orders"),
            ("CARILLON_HEADER_LD_PRELOAD_X", "y"),
            ("CARILLON_HEADER_REPLY_TO", "/topic/answers"),
            ("CARILLON_HEADER_RETRY_COUNT", "3"),
            ("CARILLON_MESSAGE_ID", "19a-42"),
            ("CARILLON_REPLY_TO", "/topic/answers"),
        ];
        let found = request.environment();
        let found = found.iter().map(|(name, value)| (name.as_str(), *value));
        assert_eq!(found.collect::<Vec<_>>(), wanted);
    }

    #[test]
    fn the_answer_goes_to_the_reply_to_of_the_request() {
        let mut request = request();
        let target = request.target().unwrap();
        assert_eq!(target.as_stomp(), "/topic/answers");
        request.reply_to = Some("/exchange/a".into());
        let error = request.target().unwrap_err().to_string();
        assert!(
            error.starts_with("its reply-to is \"/exchange/a\": "),
            "{error}"
        );
        request.reply_to = None;
        assert_eq!(request.target(), Err(Unanswerable::NoReplyTo));
    }

    #[test]
    fn the_correlation_id_is_the_requests_or_its_message_id() {
        let mut request = request();
        assert_eq!(request.correlation(), "19a-42");
        request.correlation_id = Some("c-1".into());
        assert_eq!(request.correlation(), "c-1");
    }
}
