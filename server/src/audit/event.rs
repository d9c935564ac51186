//! The events of the audit log, and their lines.

use std::time::SystemTime;

use broker::ClientAddress;
use serde::{Serialize, Serializer};

use crate::clock::rfc_3339;

/// An event. Its names and those of its fields are stable.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(
    tag = "event",
    rename_all = "kebab-case",
    rename_all_fields = "camelCase"
)]
pub enum Event<'a> {
    /// The server has started.
    Started {
        /// Its version.
        version: &'a str,
    },
    /// The server stops.
    Stopped,
    /// A client has logged in.
    Login {
        /// The user; `None` if the client is anonymous.
        user: Option<Text<'a>>,
        /// The credentials.
        method: Method,
        /// The protocol.
        protocol: &'a str,
        /// The client's network address.
        address: ClientAddress,
        /// The client id, if there is one.
        client: Option<Text<'a>>,
    },
    /// A client was refused because of its credentials.
    LoginRefused {
        /// The user that the client named.
        user: Option<Text<'a>>,
        /// The credentials.
        method: Method,
        /// The protocol.
        protocol: &'a str,
        /// The client's network address.
        address: ClientAddress,
        /// The client id, if there is one.
        client: Option<Text<'a>>,
        /// The reason.
        reason: &'a str,
    },
    /// A request was refused because a right is missing.
    RequestRefused {
        /// The user; `None` if the client is anonymous.
        user: Option<Text<'a>>,
        /// The network address from which the client logged in.
        address: Option<ClientAddress>,
        /// The client id, if there is one.
        client: Option<Text<'a>>,
        /// The missing right.
        right: &'a str,
        /// The topic, queue or filter; empty if the right concerns the whole server.
        on: Text<'a>,
    },
    /// The users file was read again.
    UsersChanged {
        /// The tables that are new, such as `users.anna`.
        added: &'a [String],
        /// The tables that are gone.
        removed: &'a [String],
        /// The tables with another content.
        changed: &'a [String],
    },
    /// The users file has a fault, and the users of before stay in force.
    UsersRefused {
        /// The fault.
        reason: Text<'a>,
    },
    /// A client has changed or ended something that is not its own.
    Managed {
        /// The user; `None` if the client is anonymous, or without a users file.
        user: Option<Text<'a>>,
        /// The network address from which the client logged in.
        address: Option<ClientAddress>,
        /// The action, such as `delete-queue`.
        action: &'a str,
        /// The destination, connection or session that the action concerns.
        on: Text<'a>,
    },
}

/// The credentials of a login.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Method {
    /// No credentials.
    None,
    /// A user name and a password.
    Password,
    /// A token.
    Token,
    /// A TLS client certificate.
    Certificate,
    /// A JSON Web Token.
    Jwt,
}

/// A text that a client has chosen. It is cut after [`MAX_TEXT_BYTES`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Text<'a>(&'a str);

impl<'a> Text<'a> {
    /// Returns the whole text.
    pub fn as_str(self) -> &'a str {
        self.0
    }
}

impl<'a, T: AsRef<str> + ?Sized> From<&'a T> for Text<'a> {
    fn from(text: &'a T) -> Self {
        Self(text.as_ref())
    }
}

impl Serialize for Text<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let end = self.0.floor_char_boundary(MAX_TEXT_BYTES);
        match end < self.0.len() {
            true => serializer.collect_str(&format_args!("{}…", &self.0[..end])),
            false => serializer.serialize_str(self.0),
        }
    }
}

/// A line: the time, the event and the number of similar events before it that were not recorded.
#[derive(Serialize)]
struct Line<'a> {
    time: String,
    #[serde(flatten)]
    event: &'a Event<'a>,
    #[serde(skip_serializing_if = "is_zero")]
    unrecorded: u64,
}

impl Event<'_> {
    /// Returns the line of an event that happens now.
    pub(super) fn line(&self, unrecorded: u64) -> String {
        self.line_at(SystemTime::now(), unrecorded)
    }

    fn line_at(&self, time: SystemTime, unrecorded: u64) -> String {
        let line = Line {
            time: rfc_3339(time),
            event: self,
            unrecorded,
        };
        // Every part of an event can be written as JSON.
        let mut text = serde_json::to_string(&line).unwrap_or_default();
        text.push('\n');
        text
    }
}

/// Returns the line that reports lost lines.
pub(super) fn lost_line(count: u64) -> String {
    let time = rfc_3339(SystemTime::now());
    format!("{{\"time\":\"{time}\",\"event\":\"lost\",\"count\":{count}}}\n")
}

fn is_zero(count: &u64) -> bool {
    *count == 0
}

/// Maximum length of a text that a client has chosen, in bytes.
const MAX_TEXT_BYTES: usize = 512;

#[cfg(test)]
mod tests {
    use std::{
        net::IpAddr,
        time::{Duration, UNIX_EPOCH},
    };

    use super::*;

    #[test]
    fn an_event_is_one_line_of_json() {
        let event = Event::RequestRefused {
            user: Some("an\"na\n".into()),
            address: Some(IpAddr::from([192, 0, 2, 7]).into()),
            client: None,
            right: "publish",
            on: "news.sport".into(),
        };
        let time = UNIX_EPOCH + Duration::from_millis(1_796_000_000_007);
        assert_eq!(
            event.line_at(time, 3),
            "{\"time\":\"2026-11-30T00:53:20.007Z\",\"event\":\"request-refused\",\"user\":\"an\\\"na\\n\",\
             \"address\":\"192.0.2.7\",\"client\":null,\"right\":\"publish\",\"on\":\"news.sport\",\"unrecorded\":3}\n"
        );
    }

    #[test]
    fn a_long_text_is_cut_between_two_characters() {
        let long = "é".repeat(MAX_TEXT_BYTES);
        let cut = serde_json::to_string(&Text::from(&long)).expect("JSON");
        assert_eq!(cut, format!("\"{}…\"", "é".repeat(MAX_TEXT_BYTES / 2)));
    }
}
