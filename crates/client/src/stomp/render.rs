//! Renders STOMP messages, and reports of missed messages, as lines.

use std::collections::HashSet;

use serde::{Serialize, Serializer};
use wire::stomp::{client::Message, server::Missed};

use super::destination::{QUEUE, TOPIC, display_name, normalized};
use crate::render::{Body, Format, json, printable, text};

/// Appends the message as one line.
pub(crate) fn message(format: Format, message: &Message<'_>, out: &mut Vec<u8>) {
    let destination = normalized(&message.destination);
    match format {
        Format::Body => text(None, message.body, out),
        Format::DestinationAndBody => text(Some(display_name(&destination)), message.body, out),
        Format::Json => json(&Record::of(message, &destination), out),
    }
}

/// Appends the report of messages missed before a message of this topic, as one line of JSON.
pub(crate) fn missed_record(topic: &str, missed: Missed, out: &mut Vec<u8>) {
    let (from, to) = match missed {
        Missed::Range { from, to } => (Some(from), Some(to)),
        Missed::Unknown => (None, None),
    };
    let missed = MissedRecord { topic, from, to };
    json(&Gap { missed }, out);
}

/// Returns the report of messages missed before a message of this topic, as text.
pub(crate) fn missed_note(topic: &str, missed: Missed) -> String {
    let topic = printable(topic);
    match missed {
        Missed::Range { from, to } if from == to => format!("missed 1 message of {topic} ({from})"),
        Missed::Range { from, to } => {
            let count = to.saturating_sub(from).saturating_add(1);
            format!("missed {count} messages of {topic} ({from}-{to})")
        }
        Missed::Unknown => {
            format!("missed an unknown number of messages of {topic}")
        }
    }
}

/// A message as a JSON object, with the same fields as in the HTTP event stream.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Record<'m> {
    id: &'m str,
    #[serde(flatten)]
    place: Place<'m>,
    sequence: Option<u64>,
    /// Milliseconds of Unix time.
    timestamp: Option<u64>,
    producer: Option<&'m str>,
    content_type: Option<&'m str>,
    headers: UserHeaders<'m>,
    /// Number of deliveries, if there was more than one.
    #[serde(skip_serializing_if = "Option::is_none")]
    deliveries: Option<u32>,
    #[serde(flatten)]
    body: Body<'m>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
enum Place<'m> {
    Topic(&'m str),
    Queue(&'m str),
    /// Any other destination, such as a temporary queue.
    #[serde(rename = "destination")]
    Other(&'m str),
}

struct UserHeaders<'m>(&'m Message<'m>);

#[derive(Serialize)]
struct Gap<'m> {
    missed: MissedRecord<'m>,
}

#[derive(Serialize)]
struct MissedRecord<'m> {
    topic: &'m str,
    from: Option<u64>,
    to: Option<u64>,
}

impl<'m> Record<'m> {
    fn of(message: &'m Message<'m>, destination: &'m str) -> Self {
        Self {
            id: &message.message_id,
            place: Place::of(destination),
            sequence: message.sequence,
            timestamp: message.timestamp,
            producer: message.producer.as_deref(),
            content_type: message.content_type.as_deref(),
            headers: UserHeaders(message),
            deliveries: message.delivery_count(),
            body: Body::of(message.body),
        }
    }
}

impl<'m> Place<'m> {
    fn of(stomp: &'m str) -> Self {
        match (stomp.strip_prefix(TOPIC), stomp.strip_prefix(QUEUE)) {
            (Some(topic), _) => Self::Topic(topic),
            (_, Some(queue)) => Self::Queue(queue),
            _ => Self::Other(stomp),
        }
    }
}

impl Serialize for UserHeaders<'_> {
    /// "Only the first header entry SHOULD be used" (STOMP 1.2, "Repeated Header Entries").
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut seen = HashSet::new();
        let headers = self.0.user_headers();
        let first_ones = headers.filter(|header| seen.insert(header.raw_name));
        serializer.collect_map(first_ones.map(|header| (header.name(), header.value())))
    }
}

#[cfg(test)]
mod tests {
    use wire::stomp::{
        Decoder, HeartBeat, Limits,
        client::{Client, Config, Event},
    };

    use super::*;

    /// Decodes a message, and passes it to `check`.
    fn with_message(frame: &[u8], check: impl FnOnce(&Message<'_>)) {
        let config = Config {
            heart_beat: HeartBeat::NONE,
            ..Config::DEFAULT
        };
        let mut client = Client::new(&config, 0);
        let mut decoder = Decoder::new(Limits::DEFAULT);
        let connected = b"CONNECTED\nversion:1.2\n\n\0";
        let (item, _) = decoder.decode(connected).unwrap().unwrap();
        client.event(0, item).unwrap();
        let (item, _) = decoder.decode(frame).unwrap().unwrap();
        match client.event(0, item).unwrap() {
            Event::Message(message) => check(&message),
            event => panic!("{event:?}"),
        }
    }

    fn line(format: Format, frame: &[u8]) -> String {
        let mut out = Vec::new();
        with_message(frame, |found| message(format, found, &mut out));
        String::from_utf8(out).unwrap()
    }

    const FRAME: &[u8] = b"MESSAGE\nsubscription:1\nmessage-id:19a-42\ndestination:/topic/a.b\n\
        sequence:7\ntimestamp:1700000000000\nproducer:me\ncontent-type:text/plain\n\
        colour:red\\cish\ncolour:blue\n\nhello\0";

    #[test]
    fn a_line_of_text_is_the_body_or_topic_and_body() {
        assert_eq!(line(Format::Body, FRAME), "hello\n");
        assert_eq!(line(Format::DestinationAndBody, FRAME), "a.b\thello\n");
    }

    #[test]
    fn a_line_of_json_has_all_fields() {
        let wanted = concat!(
            r#"{"id":"19a-42","topic":"a.b","sequence":7,"timestamp":1700000000000,"#,
            r#""producer":"me","contentType":"text/plain","headers":{"colour":"red:ish"},"#,
            r#""body":"hello"}"#,
            "\n"
        );
        assert_eq!(line(Format::Json, FRAME), wanted);
    }

    #[test]
    fn a_binary_body_is_base64_in_json_and_absent_fields_are_null() {
        let frame = b"MESSAGE\nsubscription:1\nmessage-id:x\ndestination:/queue/q\n\n\xff\0";
        let wanted = concat!(
            r#"{"id":"x","queue":"q","sequence":null,"timestamp":null,"producer":null,"#,
            r#""contentType":null,"headers":{},"bodyBase64":"/w=="}"#,
            "\n"
        );
        assert_eq!(line(Format::Json, frame), wanted);
    }

    #[test]
    fn a_line_of_json_has_the_destination_and_the_deliveries() {
        let table = [
            ("/topic/t", "", r#""topic":"t","#),
            (
                "/queue/q",
                "redelivered:true\nJMSXDeliveryCount:3\n",
                r#""queue":"q","#,
            ),
            ("/temp-queue/x", "", r#""destination":"/temp-queue/x","#),
        ];
        for (destination, headers, wanted) in table {
            let frame = format!(
                "MESSAGE\nsubscription:1\nmessage-id:x\ndestination:{destination}\n{headers}\n\0"
            );
            let line = line(Format::Json, frame.as_bytes());
            assert!(line.contains(wanted), "{line}");
            assert_eq!(line.contains(r#""deliveries":3"#), !headers.is_empty());
        }
    }

    #[test]
    fn missed_messages_are_counted_if_their_range_is_known() {
        let table = [
            (
                Missed::Range { from: 5, to: 16 },
                "missed 12 messages of rect (5-16)",
                r#"{"missed":{"topic":"rect","from":5,"to":16}}"#,
            ),
            (
                Missed::Range { from: 5, to: 5 },
                "missed 1 message of rect (5)",
                r#"{"missed":{"topic":"rect","from":5,"to":5}}"#,
            ),
            (
                Missed::Unknown,
                "missed an unknown number of messages of rect",
                r#"{"missed":{"topic":"rect","from":null,"to":null}}"#,
            ),
        ];
        for (missed, note, record) in table {
            assert_eq!(missed_note("rect", missed), note);
            let mut out = Vec::new();
            missed_record("rect", missed, &mut out);
            assert_eq!(String::from_utf8(out).unwrap(), format!("{record}\n"));
        }
    }
}
