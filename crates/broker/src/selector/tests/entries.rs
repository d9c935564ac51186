use std::{borrow::Cow, sync::Arc};

use super::*;
use crate::{Broker, Fields, Header, HeaderIndex, Limits, Outcome, Publication, TopicName};

fn matches(text: &str, headers: &[(&str, &str)]) -> bool {
    matches_marked(text, headers, |publication| publication)
}

fn matches_marked(
    text: &str,
    headers: &[(&str, &str)],
    mark: fn(Publication) -> Publication,
) -> bool {
    let topic = TopicName::new("stock.usd").expect("a name");
    let index = |name: &str| {
        let index = headers.iter().position(|(own, _)| *own == name);
        index.map(HeaderIndex::of).unwrap_or_default()
    };
    let priority = headers.iter().find(|(name, _)| *name == "priority");
    let fields = Fields {
        priority: priority.map_or(Fields::DEFAULT_PRIORITY, |(_, text)| {
            text.parse().expect("a priority")
        }),
        message_type: index("type"),
        correlation_id: index("correlation-id"),
        reply_to: index("reply-to"),
        group: index("JMSXGroupID"),
        ..Fields::default()
    };
    let headers = headers.iter().map(|(name, value)| Header {
        name: (*name).into(),
        value: (*value).into(),
    });
    let session = Arc::from("session");
    let publication = Publication::new(topic.clone(), session, 1_700_000_000_000, &[])
        .with_headers(Some(Cow::Borrowed("text/plain")), headers.collect())
        .with_fields(fields)
        .expiring(1_800_000_000_000);
    let publication = mark(publication);
    let broker = Broker::new(1, Limits::default());
    broker.publish(&mut vec![publication], &mut Outcome::default());
    let entry = broker.last_image(&topic).expect("just published");
    selector(text).matches(&*entry)
}

#[test]
fn jms_names_map_to_entry_fields_and_headers() {
    let headers = [
        ("priority", "7"),
        ("type", "car"),
        ("correlation-id", "c-1"),
        ("reply-to", "/queue/replies"),
        ("JMSXGroupID", "g"),
        ("JMSMessageID", "forged"),
        ("weight", "2501"),
        ("colour", "blue"),
        ("colour", "red"),
    ];
    let true_ones = [
        "JMSDestination = 'stock.usd'",
        "JMSTimestamp = 1700000000000",
        "JMSPriority = 7",
        "JMSExpiration = 1800000000000",
        "JMSType = 'car' AND type = 'car'",
        "JMSCorrelationID = 'c-1' AND \"correlation-id\" = 'c-1'",
        "JMSReplyTo LIKE '/queue/%'",
        "JMSXGroupID = 'g'",
        "JMSMessageID IS NULL",
        "JMSRedelivered IS NULL",
        "JMSXDeliveryCount IS NULL",
        "\"content-type\" = 'text/plain'",
        "weight > 2500",
        "colour = 'blue'",
        "Colour IS NULL",
    ];
    for text in true_ones {
        assert!(matches(text, &headers), "{text}");
    }
}

#[test]
fn jms_names_default_if_headers_are_missing() {
    let true_ones = [
        "JMSPriority = 4",
        "JMSDeliveryMode = 'NON_PERSISTENT'",
        "JMSType IS NULL",
        "JMSCorrelationID IS NULL",
        "JMSReplyTo IS NULL",
        "JMSXGroupID IS NULL",
    ];
    for text in true_ones {
        assert!(matches(text, &[]), "{text}");
    }
    let persistent = "JMSDeliveryMode = 'PERSISTENT'";
    assert!(matches_marked(persistent, &[], Publication::persistent));
}
