//! The headers that have a meaning in every protocol, as fields of a message.
//!
//! | header | field |
//! |---|---|
//! | `priority` | priority: a digit; any other value counts as none |
//! | `correlation-id` | value that the reply to a request repeats |
//! | `reply-to` | destination for replies |
//! | `type` | type of the message |
//! | `JMSXGroupID` | message group |
//! | `JMSXGroupSeq` | -1 closes the group, as in ActiveMQ |
//! | `expires` | none: a protocol passes the time of expiry separately, and only marks the header |
//!
//! The names are those of STOMP in ActiveMQ. The headers of HTTP (`carillon-header-NAME`) and the user properties of MQTT
//! with these names have the same meaning. Of repeated headers the first counts.

use std::borrow::Cow;

use broker::{Fields, Header, Publication};

/// Sets the body's media type, the publisher's headers, and the fields that the headers contain.
pub fn set(
    publication: Publication,
    content_type: Option<Cow<'static, str>>,
    headers: Box<[Header]>,
) -> Publication {
    let Found {
        fields,
        closes_group,
    } = Found::new(&headers);
    let publication = publication
        .with_headers(content_type, headers)
        .with_fields(fields);
    match closes_group {
        true => publication.closing_group(),
        false => publication,
    }
}

#[derive(Debug, Default, PartialEq, Eq)]
struct Found {
    fields: Fields,
    closes_group: bool,
}

impl Found {
    fn new(headers: &[Header]) -> Self {
        let mut fields = Fields::default();
        let (mut priority, mut group_sequence) = (None, None);
        for (index, Header { name, value }) in headers.iter().enumerate() {
            match &**name {
                PRIORITY => _ = priority.get_or_insert(value),
                CORRELATION_ID => fields.correlation_id.set_first(index),
                REPLY_TO => fields.reply_to.set_first(index),
                TYPE => fields.message_type.set_first(index),
                GROUP => fields.group.set_first(index),
                GROUP_SEQUENCE => _ = group_sequence.get_or_insert(value),
                EXPIRES => fields.expiry.set_first(index),
                _ => {}
            }
        }
        if let Some(priority) = priority.and_then(|text| level(text)) {
            fields.priority = priority;
        }
        Self {
            fields,
            closes_group: group_sequence.is_some_and(|sequence| sequence.trim() == LAST),
        }
    }
}

/// Returns one of the ten priorities of JMS.
fn level(text: &str) -> Option<u8> {
    text.parse().ok().filter(|level| *level <= 9)
}

/// The header with the destination for replies.
pub const REPLY_TO: &str = "reply-to";
/// The header with the value that the reply to a request repeats.
pub const CORRELATION_ID: &str = "correlation-id";
/// The header with the time of expiry, in Unix milliseconds.
pub const EXPIRES: &str = "expires";
const PRIORITY: &str = "priority";
const TYPE: &str = "type";
// JMS 2.0, 3.5.9.
const GROUP: &str = "JMSXGroupID";
const GROUP_SEQUENCE: &str = "JMSXGroupSeq";
/// The sequence of the last message of a group.
const LAST: &str = "-1";

#[cfg(test)]
mod tests {
    use broker::{HeaderIndex, TopicName};

    use super::*;

    fn found(headers: &[(&str, &str)]) -> Found {
        Found::new(&listed(headers))
    }

    fn listed(headers: &[(&str, &str)]) -> Box<[Header]> {
        let headers = headers.iter().map(|(name, value)| Header {
            name: (*name).into(),
            value: (*value).into(),
        });
        headers.collect()
    }

    #[test]
    fn headers_become_fields_and_the_first_of_repeated_ones_counts() {
        let headers = [
            ("weight", "2501"),
            ("priority", "7"),
            ("type", "car"),
            ("correlation-id", "c-1"),
            ("reply-to", "/queue/replies"),
            ("JMSXGroupID", "g"),
            ("JMSXGroupSeq", " -1 "),
            ("expires", "99"),
            ("priority", "8"),
            ("type", "ship"),
            ("reply-to", "/queue/others"),
            ("JMSXGroupSeq", "1"),
        ];
        let fields = Fields {
            priority: 7,
            message_type: HeaderIndex::of(2),
            correlation_id: HeaderIndex::of(3),
            reply_to: HeaderIndex::of(4),
            group: HeaderIndex::of(5),
            expiry: HeaderIndex::of(7),
        };
        let closes_group = true;
        let wanted = Found {
            fields,
            closes_group,
        };
        assert_eq!(found(&headers), wanted);
    }

    #[test]
    fn a_message_without_such_headers_has_the_default_fields() {
        for headers in [&[][..], &[("Priority", "7"), ("JMSXGroupSeq", "1")]] {
            assert_eq!(found(headers), Found::default());
        }
    }

    #[test]
    fn an_invalid_priority_counts_as_none() {
        for priority in ["", "10", "-1", "4.5", "high"] {
            let headers = [("priority", priority), ("priority", "7")];
            assert_eq!(found(&headers).fields.priority, Fields::DEFAULT_PRIORITY);
        }
    }

    #[test]
    fn an_entry_has_the_texts_of_its_headers() {
        let name = TopicName::new("a").expect("a name");
        let broker = broker::Broker::new(1, broker::Limits::default());
        let headers = listed(&[
            ("type", "car"),
            ("JMSXGroupID", "g"),
            ("JMSXGroupSeq", "-1"),
        ]);
        let publication = Publication::new(name.clone(), "p".into(), 0, &[]);
        let publication = set(publication, None, headers);
        broker.publish(&mut vec![publication], &mut broker::Outcome::default());
        let entry = broker.last_image(&name).expect("a message");
        assert_eq!(
            (entry.message_type(), entry.group()),
            (Some("car"), Some("g"))
        );
        assert_eq!((entry.reply_to(), entry.correlation_id()), (None, None));
        assert!(entry.closes_group());
    }
}
