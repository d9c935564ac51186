//! Advisories: the events of the broker as messages on ActiveMQ's advisory topics
//! (<https://activemq.apache.org/advisory-message>), for pages and scripts.
//!
//! They are published only while they have a subscriber. The body is JSON; its numbers are also headers, with
//! ActiveMQ's names. An event about a filter with wildcards is published on the topic whose name ends before the first
//! wildcard.

mod connection;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use broker::{
    ADVISORIES, Broker, ConsumerChange, DestinationKind, Header, LostMessage, Notice, Outcome,
    Publication, Session, TopicName,
};
use destination::stomp;
use serde::Serialize;

pub use connection::ConnectionAdvisories;

use crate::{delivery::deliver, server_publication};

/// Publishes advisories, and counts producers, which the broker does not know.
pub struct Advisories {
    broker: Arc<Broker>,
    producers: Mutex<HashMap<ProducerDestination, usize>>,
}

/// The destination of a producer.
#[derive(Clone, PartialEq, Eq, Hash)]
struct ProducerDestination {
    kind: DestinationKind,
    name: TopicName,
}

/// An advisory that is not published yet.
struct Advisory<'a> {
    /// The part of ActiveMQ's topic names for the kind of event.
    subject: &'static str,
    /// The topic, queue or filter of the event.
    about: Option<(DestinationKind, &'a str)>,
    body: AdvisoryBody<'a>,
}

/// The body of an advisory.
#[derive(Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct AdvisoryBody<'a> {
    event: &'static str,
    /// In STOMP's form for other connections: a temporary destination by its full name.
    #[serde(skip_serializing_if = "Option::is_none")]
    destination: Option<String>,
    /// The name of the session.
    #[serde(skip_serializing_if = "Option::is_none")]
    connection: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    consumer_count: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    producer_count: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    original_message_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cause: Option<String>,
}

impl Advisories {
    /// Creates the advisories of a broker.
    pub fn new(broker: &Arc<Broker>) -> Self {
        Self {
            broker: Arc::clone(broker),
            producers: Mutex::default(),
        }
    }

    /// Carries out the effects that the broker leaves to its callers: delivers to the sessions that became ready, except
    /// `own`, and publishes advisories.
    pub fn carry_out(&self, outcome: &mut Outcome, own: Option<&Arc<Session>>) {
        deliver(&mut outcome.ready, own);
        if !outcome.notices.is_empty() {
            self.publish(&std::mem::take(&mut outcome.notices), own);
        }
    }

    /// Publishes the events that the broker returned. `own` is the session of the current read cycle.
    fn publish(&self, notices: &[Notice], own: Option<&Arc<Session>>) {
        let mut batch = notices
            .iter()
            .filter_map(|notice| self.publication(self.advisory(notice)))
            .collect();
        self.send(&mut batch, own);
    }

    fn publish_one(&self, advisory: Advisory<'_>, own: &Arc<Session>) {
        let mut batch = self.publication(advisory).into_iter().collect();
        self.send(&mut batch, Some(own));
    }

    fn send(&self, batch: &mut Vec<Publication>, own: Option<&Arc<Session>>) {
        if batch.is_empty() {
            return;
        }
        let mut outcome = Outcome::default();
        self.broker.publish_reserved(batch, &mut outcome);
        // The effects of an advisory cause no further advisories, which might never end.
        deliver(&mut outcome.ready, own);
    }

    /// Returns the message, if it has a subscriber.
    fn publication(&self, advisory: Advisory<'_>) -> Option<Publication> {
        let topic = advisory.topic()?;
        let is_about_itself = advisory
            .about
            .is_some_and(|(_, name)| name.starts_with(ADVISORIES));
        if is_about_itself || !self.broker.has_subscribers(&topic) {
            return None;
        }
        Some(server_publication::publication(
            topic,
            &advisory.body,
            advisory.body.headers(),
        ))
    }

    fn advisory<'a>(&self, notice: &'a Notice) -> Advisory<'a> {
        match notice {
            Notice::ConsumerAdded(consumer_change) => consumer("consumer-added", consumer_change),
            Notice::ConsumerRemoved(consumer_change) => {
                consumer("consumer-removed", consumer_change)
            }
            Notice::SlowConsumer { filter, session } => Advisory::about(
                "SlowConsumer",
                DestinationKind::Topic,
                filter.as_str(),
                AdvisoryBody {
                    event: "slow-consumer",
                    connection: Some(session),
                    ..AdvisoryBody::default()
                },
            ),
            Notice::DeadLettered(lost) => self.lost("MessageDLQd", "message-dead-lettered", lost),
            Notice::Expired(lost) => self.lost("Expired", "message-expired", lost),
            Notice::Discarded(lost) => self.lost("MessageDiscarded", "message-discarded", lost),
        }
    }

    fn lost<'a>(
        &self,
        subject: &'static str,
        event: &'static str,
        lost: &'a LostMessage,
    ) -> Advisory<'a> {
        let body = AdvisoryBody {
            event,
            original_message_id: Some(lost.id.to_string()),
            cause: Some(lost.cause.to_string()),
            ..AdvisoryBody::default()
        };
        Advisory::about(subject, lost.kind, lost.name.as_str(), body)
    }

    /// Counts one more producer. Returns their number.
    fn producer_added(&self, destination: &ProducerDestination) -> usize {
        let mut producers = self.producers();
        let count = producers.entry(destination.clone()).or_default();
        *count += 1;
        *count
    }

    /// Counts one producer less. Returns the number of the others.
    fn producer_removed(&self, destination: &ProducerDestination) -> usize {
        let mut producers = self.producers();
        let Some(count) = producers.get_mut(destination) else {
            return 0;
        };
        *count -= 1;
        let remaining = *count;
        if remaining == 0 {
            producers.remove(destination);
        }
        remaining
    }

    fn producers(&self) -> MutexGuard<'_, HashMap<ProducerDestination, usize>> {
        self.producers
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl<'a> Advisory<'a> {
    fn about(
        subject: &'static str,
        kind: DestinationKind,
        name: &'a str,
        body: AdvisoryBody<'a>,
    ) -> Self {
        Self {
            subject,
            about: Some((kind, name)),
            body: AdvisoryBody {
                destination: Some(stomp::written_by_others(kind, name)),
                ..body
            },
        }
    }

    /// Returns the advisory's topic, unless the name would be too long.
    fn topic(&self) -> Option<TopicName> {
        let mut topic = format!("{ADVISORIES}.{}", self.subject);
        if let Some((kind, name)) = self.about {
            topic.push_str(match kind {
                DestinationKind::Topic => ".Topic",
                DestinationKind::Queue => ".Queue",
            });
            let plain = name
                .split('.')
                .take_while(|level| !matches!(*level, "*" | ">"));
            for level in plain {
                topic.push('.');
                topic.push_str(level);
            }
        }
        TopicName::new(&topic).ok()
    }
}

impl AdvisoryBody<'_> {
    fn headers(&self) -> Box<[Header]> {
        let counts = [
            ("consumerCount", self.consumer_count),
            ("producerCount", self.producer_count),
        ];
        let counts = counts.into_iter().filter_map(|(name, count)| {
            Some(Header {
                name: name.into(),
                value: count?.to_string().into(),
            })
        });
        counts.collect()
    }
}

fn consumer<'a>(event: &'static str, consumer_change: &'a ConsumerChange) -> Advisory<'a> {
    let body = AdvisoryBody {
        event,
        connection: Some(&consumer_change.session),
        consumer_count: consumer_change.consumers,
        ..AdvisoryBody::default()
    };
    Advisory::about(
        "Consumer",
        consumer_change.kind,
        consumer_change.filter.as_str(),
        body,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn advisories_have_the_topics_that_activemq_gives_them() {
        let table = [
            (
                "Consumer",
                Some((DestinationKind::Queue, "a.b")),
                "ActiveMQ.Advisory.Consumer.Queue.a.b",
            ),
            (
                "Producer",
                Some((DestinationKind::Topic, "a")),
                "ActiveMQ.Advisory.Producer.Topic.a",
            ),
            (
                "Consumer",
                Some((DestinationKind::Topic, "a.*.b")),
                "ActiveMQ.Advisory.Consumer.Topic.a",
            ),
            (
                "Consumer",
                Some((DestinationKind::Topic, ">")),
                "ActiveMQ.Advisory.Consumer.Topic",
            ),
            ("Connection", None, "ActiveMQ.Advisory.Connection"),
        ];
        for (subject, about, expected) in table {
            let body = AdvisoryBody::default();
            let advisory = Advisory {
                subject,
                about,
                body,
            };
            let topic = advisory.topic().expect("a name");
            assert_eq!(topic.as_str(), expected);
        }
    }

    #[test]
    fn an_advisory_has_the_count_in_json_and_in_headers() {
        let body = AdvisoryBody {
            event: "producer-added",
            connection: Some("tcp-7"),
            producer_count: Some(2),
            ..AdvisoryBody::default()
        };
        let advisory = Advisory::about("Producer", DestinationKind::Queue, "a", body);
        let json = serde_json::to_string(&advisory.body).expect("JSON");
        let expected = r#"{"event":"producer-added","destination":"/queue/a","connection":"tcp-7","producerCount":2}"#;
        assert_eq!(json, expected);
        let headers = advisory.body.headers();
        let headers: Vec<_> = headers
            .iter()
            .map(|one| (&*one.name, &*one.value))
            .collect();
        assert_eq!(headers, [("producerCount", "2")]);
    }
}
