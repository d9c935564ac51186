//! A decoded frame: what a trace shows of it.

use std::{borrow::Cow, net::SocketAddr, num::NonZeroU16, sync::Arc};

use access::Right;
use broker::{ClientAddress, DestinationKind, TopicFilter, TopicName};
use serde::Serialize;

use super::{payload::Payload, secrets};
use crate::access_control::Principal;

/// The client of a connection, as far as it is known.
#[derive(Debug, Clone)]
pub struct Identity {
    /// The number of the connection in the list; `None` if it is not listed.
    pub connection: Option<u64>,
    /// The address of the client.
    pub address: ClientAddress,
    /// The port of the client; `None` if a proxy does not name it.
    pub port: Option<NonZeroU16>,
    /// The user. Before the login it is the one that the client claims to be.
    pub user: Option<Arc<str>>,
    /// The client id.
    pub client: Option<Arc<str>>,
}

/// The direction of a frame, as the server sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Direction {
    /// From the client to the server.
    In,
    /// From the server to the client.
    Out,
}

/// A frame with its fields.
#[derive(Debug, Default)]
pub struct Frame<'a> {
    /// The protocol with its version, such as `MQTT 5.0`.
    pub protocol: Cow<'static, str>,
    /// The type of the packet or the command; `malformed` and `end` are none.
    pub frame_type: Cow<'static, str>,
    /// The size, in bytes of the protocol without its framing.
    pub bytes: usize,
    /// The fields in the order of the frame, with the names of the specification.
    pub fields: Vec<Field>,
    /// The body, or its beginning.
    pub payload: Option<&'a [u8]>,
    /// The size of the body, if `payload` is only its beginning.
    pub payload_bytes: Option<usize>,
    /// The topics and queues that the frame names, or that it comes from.
    pub names: Vec<Named>,
    /// The reason why the frame is not accepted, or why the connection ends.
    pub error: Option<String>,
}

/// A field of a frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    /// The name in the specification, or the name of the header.
    pub name: Cow<'static, str>,
    /// The value as text, without secrets, and cut at [`MAX_VALUE_BYTES`].
    pub value: String,
    /// The part to which it belongs.
    pub kind: FieldKind,
}

/// The part of a frame to which a field belongs. Content needs the right to read the message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FieldKind {
    /// The protocol.
    Protocol,
    /// The content of the message: the value is content, and the name is one of the specification.
    Content,
    /// A header or a user property of the message: the name is content, too.
    Header,
}

/// A topic, a queue, or a filter over one of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Named {
    /// One destination.
    Name(DestinationKind, TopicName),
    /// The destinations that a filter covers.
    Filter(DestinationKind, TopicFilter),
}

impl Identity {
    /// Returns the identity of a client that has not said who it is.
    pub fn unknown(address: ClientAddress, port: Option<NonZeroU16>) -> Self {
        Self {
            connection: None,
            address,
            port,
            user: None,
            client: None,
        }
    }

    /// Returns the address, with the port if it is known.
    fn address_text(&self) -> String {
        match (self.port, self.address) {
            (Some(port), ClientAddress::Ip(address)) => {
                SocketAddr::new(address, port.get()).to_string()
            }
            (_, address) => address.to_string(),
        }
    }
}

impl Frame<'_> {
    /// Adds a field of the protocol.
    pub fn field(&mut self, name: impl Into<Cow<'static, str>>, value: impl ToString) {
        self.push(name.into(), &value.to_string(), FieldKind::Protocol);
    }

    /// Adds a field of the protocol with a text of the server, which may quote input.
    pub fn reason(&mut self, name: impl Into<Cow<'static, str>>, text: &str) {
        self.field(name, secrets::without_quotes(text));
    }

    /// Adds a field of the protocol whose value belongs to the content of the message.
    pub fn content(&mut self, name: impl Into<Cow<'static, str>>, value: &str) {
        self.push(name.into(), value, FieldKind::Content);
    }

    /// Adds a header or a user property of the message. Its name is the client's.
    pub fn header(&mut self, name: &str, value: &str) {
        self.push(name.to_owned().into(), value, FieldKind::Header);
    }

    /// Adds a field whose value is secret.
    pub fn secret(&mut self, name: &'static str) {
        self.push(name.into(), secrets::LEFT_OUT, FieldKind::Protocol);
    }

    fn push(&mut self, name: Cow<'static, str>, value: &str, kind: FieldKind) {
        if self.fields.len() == MAX_FIELDS {
            self.fields.push(Field {
                name: SOME_NAME.into(),
                value: "more fields are left out".to_owned(),
                kind: FieldKind::Protocol,
            });
        }
        if self.fields.len() > MAX_FIELDS {
            return;
        }
        let value = match secrets::is_secret(&name) {
            true => secrets::LEFT_OUT.to_owned(),
            false => shown(value, MAX_VALUE_BYTES),
        };
        let name = match shown(&name, MAX_NAME_BYTES) {
            same if *same == *name => name,
            other => other.into(),
        };
        self.fields.push(Field { name, value, kind });
    }

    /// Returns whether the frame is the first one of a client.
    pub(super) fn is_connect(&self) -> bool {
        matches!(&*self.frame_type, "CONNECT" | "STOMP")
    }

    /// Returns whether the frame names, or comes from, a topic that the filter covers.
    pub fn is_about(&self, filter: &TopicFilter) -> bool {
        self.names.iter().any(|named| named.is_about(filter))
    }

    /// Returns whether someone may see the content of the frame: whether it may read all topics and queues that the frame
    /// names, or all that exist if the frame does not name its topic.
    fn may_be_read_by(&self, reader: &Principal) -> bool {
        match self.names.is_empty() {
            true => TopicFilter::new(EVERYTHING).is_ok_and(|all| {
                let kinds = [DestinationKind::Topic, DestinationKind::Queue];
                kinds
                    .into_iter()
                    .all(|kind| Named::Filter(kind, all.clone()).may_be_read_by(reader))
            }),
            false => self.names.iter().all(|named| named.may_be_read_by(reader)),
        }
    }

    /// Returns the JSON of the frame for a reader of a trace.
    pub fn to_json(
        &self,
        at_ms: u64,
        direction: Direction,
        identity: &Identity,
        reader: &Principal,
    ) -> String {
        let may_read = self.may_be_read_by(reader);
        let shown = Shown {
            at: at_ms,
            direction,
            connection: identity.connection,
            protocol: &self.protocol,
            client: identity.client.as_deref().map(shown_value),
            user: identity.user.as_deref().map(shown_value),
            address: identity.address_text(),
            frame_type: cut(&self.frame_type, MAX_NAME_BYTES),
            bytes: self.bytes,
            fields: self
                .fields
                .iter()
                .map(|field| field.shown_to(may_read))
                .collect(),
            payload: self.payload.map(|payload| match may_read {
                true => Payload::of(payload, self.payload_bytes),
                false => Payload::withheld(self.payload_bytes.unwrap_or(payload.len()), NO_RIGHT),
            }),
            error: self
                .error
                .as_deref()
                .map(|error| shown_value(&secrets::without_quotes(error))),
        };
        serde_json::to_string(&shown).unwrap_or_default()
    }
}

impl Field {
    /// Returns true if the value, at least, belongs to the content of the message.
    pub fn is_content(&self) -> bool {
        self.kind != FieldKind::Protocol
    }

    fn shown_to(&self, may_read: bool) -> ShownField<'_> {
        let (name, value) = match self.kind {
            FieldKind::Content if !may_read => (&*self.name, NO_RIGHT),
            FieldKind::Header if !may_read => (SOME_NAME, NO_RIGHT),
            _ => (&*self.name, &*self.value),
        };
        ShownField { name, value }
    }
}

impl Named {
    /// Returns the destination that the filter covers, or the filter if it covers several.
    pub fn of(kind: DestinationKind, filter: TopicFilter) -> Self {
        match filter.exact() {
            Some(name) => Self::Name(kind, name),
            None => Self::Filter(kind, filter),
        }
    }

    fn is_about(&self, filter: &TopicFilter) -> bool {
        match self {
            Self::Name(DestinationKind::Topic, name) => filter.matches(name),
            Self::Filter(DestinationKind::Topic, other) => filter.overlaps(other),
            Self::Name(DestinationKind::Queue, _) | Self::Filter(DestinationKind::Queue, _) => {
                false
            }
        }
    }

    fn may_be_read_by(&self, reader: &Principal) -> bool {
        let rights = |kind| match kind {
            DestinationKind::Topic => &[Right::Subscribe][..],
            DestinationKind::Queue => &[Right::Receive, Right::Browse],
        };
        match self {
            Self::Name(kind, name) => rights(*kind)
                .iter()
                .any(|right| reader.check(*right, *kind, name).is_ok()),
            Self::Filter(kind, filter) => rights(*kind)
                .iter()
                .any(|right| reader.check_whole_filter(*right, *kind, filter).is_ok()),
        }
    }
}

/// The JSON of a frame.
#[derive(Serialize)]
struct Shown<'a> {
    /// Unix milliseconds.
    at: u64,
    direction: Direction,
    #[serde(skip_serializing_if = "Option::is_none")]
    connection: Option<u64>,
    protocol: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    client: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<String>,
    address: String,
    #[serde(rename = "type")]
    frame_type: Cow<'a, str>,
    bytes: usize,
    fields: Vec<ShownField<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    payload: Option<Payload>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

#[derive(Serialize)]
struct ShownField<'a> {
    name: &'a str,
    value: &'a str,
}

/// Returns a value without secrets, cut as all values are.
fn shown_value(value: &str) -> String {
    shown(value, MAX_VALUE_BYTES)
}

/// Returns a text without secrets, cut. A secret is found before its end is cut.
fn shown(text: &str, max_bytes: usize) -> String {
    cut(&secrets::without_secrets(text), max_bytes).into_owned()
}

/// Returns the text, or its beginning of at most this number of bytes and a mark.
fn cut(text: &str, max_bytes: usize) -> Cow<'_, str> {
    match text.len() <= max_bytes {
        true => Cow::Borrowed(text),
        false => format!("{}…", &text[..text.floor_char_boundary(max_bytes)]).into(),
    }
}

/// Maximum number of fields of a frame that are shown.
pub const MAX_FIELDS: usize = 64;
/// Maximum length of a value; longer ones are cut.
pub const MAX_VALUE_BYTES: usize = 256;
/// Maximum length of a name; longer ones are cut.
const MAX_NAME_BYTES: usize = 128;
/// The filter for all topics.
const EVERYTHING: &str = ">";
/// Stands for a name that is not shown.
const SOME_NAME: &str = "…";
/// Stands for content that the reader of a trace may not read.
const NO_RIGHT: &str = "(left out: no right to read it)";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{access_control::AccessControl, audit::AuditLog};

    #[test]
    fn values_and_the_number_of_fields_are_bounded() {
        let mut frame = Frame::default();
        for _ in 0..1_000 {
            frame.header(&"n".repeat(1_000), &"v".repeat(100_000));
        }
        assert_eq!(frame.fields.len(), MAX_FIELDS + 1);
        let first = &frame.fields[0];
        assert!(first.value.len() <= MAX_VALUE_BYTES + '…'.len_utf8());
        assert!(first.name.len() <= MAX_NAME_BYTES + '…'.len_utf8());
    }

    #[test]
    fn each_part_of_a_frame_is_bounded() {
        let long: Arc<str> = "\u{1}".repeat(65_535).into();
        let identity = Identity {
            user: Some(Arc::clone(&long)),
            client: Some(Arc::clone(&long)),
            ..Identity::unknown(std::net::Ipv4Addr::LOCALHOST.into(), None)
        };
        let mut frame = Frame {
            frame_type: "M".repeat(65_535).into(),
            error: Some(long.to_string()),
            ..Frame::default()
        };
        frame.field("name", &long);
        let access = AccessControl::new(None, AuditLog::none());
        let json = frame.to_json(0, Direction::In, &identity, access.open_principal());
        // A control character takes 6 bytes.
        assert!(
            json.len() < 4 * 6 * MAX_VALUE_BYTES + 1_000,
            "{}",
            json.len()
        );
    }

    #[test]
    fn no_name_is_a_secret() {
        let mut frame = Frame::default();
        frame.header("eyJhbGciOiJIUzI1NiJ9.e30.c2ln", "v");
        assert_eq!(frame.fields[0].name, secrets::LEFT_OUT);
    }

    #[test]
    fn only_a_value_that_is_cut_has_a_mark() {
        let whole = "v".repeat(MAX_VALUE_BYTES);
        // The last character has no room.
        let wide = format!("{}한", "v".repeat(MAX_VALUE_BYTES - 1));
        let mut frame = Frame::default();
        for value in [&*whole, &wide] {
            frame.field("name", value);
        }
        assert_eq!(frame.fields[0].value, whole);
        let cut = format!("{}…", "v".repeat(MAX_VALUE_BYTES - 1));
        assert_eq!(frame.fields[1].value, cut);
    }

    #[test]
    fn a_frame_is_about_the_topics_that_it_names() {
        let filter = |text| TopicFilter::new(text).expect("a filter");
        let name = |text| TopicName::new(text).expect("a name");
        let table = [
            (
                Named::Name(DestinationKind::Topic, name("a.b")),
                "a.*",
                true,
            ),
            (
                Named::Name(DestinationKind::Topic, name("a.b")),
                "a.c",
                false,
            ),
            (
                Named::Name(DestinationKind::Queue, name("a.b")),
                "a.b",
                false,
            ),
            (
                Named::Filter(DestinationKind::Topic, filter("a.>")),
                "a.b",
                true,
            ),
            (
                Named::Filter(DestinationKind::Topic, filter("*.b")),
                "a.*",
                true,
            ),
            (
                Named::Filter(DestinationKind::Topic, filter("b.>")),
                "a.*",
                false,
            ),
        ];
        for (named, topic, expected) in table {
            assert_eq!(
                named.is_about(&filter(topic)),
                expected,
                "{named:?} {topic}"
            );
        }
    }
}
