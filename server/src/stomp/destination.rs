//! What destinations name: topics, and filters over them.

use std::borrow::Cow;

use broker::{TopicFilter, TopicName};
use wire::stomp::server::{Cause, Fault};

pub fn topic(destination: &str, receipt: Option<&str>) -> Result<TopicName, Fault> {
    let name = topic_path(destination).ok_or_else(|| not_a_topic(destination, receipt))?;
    TopicName::new(&name)
        .map_err(|error| Fault::refused("invalid destination", error.to_string(), receipt))
}

pub fn filter(destination: &str, receipt: Option<&str>) -> Result<TopicFilter, Fault> {
    let path = topic_path(destination).ok_or_else(|| not_a_topic(destination, receipt))?;
    TopicFilter::new(&path)
        .map_err(|error| Fault::refused("invalid destination", error.to_string(), receipt))
}

/// The topic's name or filter in a destination, if it is one of a topic. `/topic/a/b` is the same as
/// `/topic/a.b`: both ways of joining levels are in use among STOMP brokers.
fn topic_path(destination: &str) -> Option<Cow<'_, str>> {
    let path = destination.strip_prefix(TOPIC)?;
    Some(if path.contains('/') {
        path.replace('/', ".").into()
    } else {
        path.into()
    })
}

fn not_a_topic(destination: &str, receipt: Option<&str>) -> Fault {
    if destination.starts_with("/queue/") {
        let cause = Cause::NotSupported { what: "queues are" };
        return Fault::new(cause, receipt);
    }
    Fault::invalid_header(
        "destination",
        destination,
        "a topic is written /topic/NAME",
        receipt,
    )
}

/// What the destinations of topics begin with.
pub const TOPIC: &str = "/topic/";
