//! Queue consumers that the test reads and settles, and short forms of messages.

use std::ops::ControlFlow;

use broker::{
    Acknowledgement, Broker, CommitError, Consume, DeathCause, DeliveryId, DestinationKind,
    DurableName, Fields, Header, HeaderIndex, Missed, Notice, Outcome, Publication, PublishError,
    QueueFigures, Selector, SettleError, Settlement, Source, Start, SubscribeError, SubscriptionId,
    Verdict,
};

use crate::harness::{Client, as_filter, as_name};

/// A delivery in short form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Taken {
    pub body: String,
    pub position: u64,
    pub count: u32,
    pub id: Option<DeliveryId>,
    pub subscription: u8,
    pub queue: Option<String>,
    pub topic: String,
    pub missed: Option<Missed>,
    pub headers: Vec<(String, String)>,
}

impl Taken {
    pub fn id(&self) -> DeliveryId {
        self.id.expect("it is to be acknowledged")
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(own, _)| own == name);
        found.map(|(_, value)| value.as_str())
    }
}

/// A consumer of queues with default options.
pub fn queue(filter: &str) -> Consume<'static> {
    consume(Source::Queues(as_filter(filter)))
}

pub fn browser(name: &str) -> Consume<'static> {
    consume(Source::Browse(as_name(name)))
}

pub fn topics(filter: &str, start: Start) -> Consume<'static> {
    let filter = as_filter(filter);
    consume(Source::Topics { filter, start })
}

pub fn durable(name: &str, filter: &str) -> Consume<'static> {
    consume(Source::Durable {
        name: durable_name(name),
        filter: as_filter(filter),
        start: Start::New,
    })
}

pub fn durable_name(name: &str) -> DurableName {
    DurableName {
        client: "client".into(),
        subscription: name.into(),
    }
}

fn consume(source: Source) -> Consume<'static> {
    Consume {
        source,
        acknowledgement: Acknowledgement::Individual,
        prefetch: 1_000,
        exclusive: false,
        selector: None,
        tag: &[0],
    }
}

pub fn selector(text: &str) -> Option<Selector> {
    Some(Selector::new(text).expect("a selector"))
}

impl Client {
    pub fn try_consume(
        &self,
        broker: &Broker,
        consume: Consume<'_>,
    ) -> Result<SubscriptionId, SubscribeError> {
        broker.consume(self.reader.session(), consume, &mut Outcome::default())
    }

    pub fn consume(&self, broker: &Broker, consume: Consume<'_>) -> SubscriptionId {
        self.try_consume(broker, consume)
            .expect("within the limits")
    }

    /// Reads at most `most` messages at this time, in as many calls as required.
    pub fn take_at(&mut self, now_ms: u64, most: usize) -> Vec<Taken> {
        let mut taken = Vec::new();
        self.reader.session().begin_drain();
        while !self.take_some(now_ms, most, &mut taken) && taken.len() < most {}
        taken
    }

    /// Reads at most `most` messages in one call; returns true if there are no more.
    pub fn take_some(&mut self, now_ms: u64, most: usize, taken: &mut Vec<Taken>) -> bool {
        self.reader.drain(now_ms, |delivery| {
            let entry = delivery.entry;
            let headers = entry.headers().iter();
            taken.push(Taken {
                body: String::from_utf8_lossy(entry.body()).into_owned(),
                position: entry.position(),
                count: delivery.count,
                id: delivery.id,
                subscription: delivery.tag[0],
                queue: delivery.queue.map(ToString::to_string),
                topic: entry.topic().to_string(),
                missed: delivery.missed,
                headers: headers
                    .map(|one| (one.name.to_string(), one.value.to_string()))
                    .collect(),
            });
            if taken.len() < most {
                ControlFlow::Continue(())
            } else {
                ControlFlow::Break(())
            }
        })
    }

    pub fn take(&mut self) -> Vec<Taken> {
        self.take_at(0, usize::MAX)
    }

    pub fn take_bodies(&mut self) -> Vec<String> {
        bodies(&self.take())
    }

    pub fn try_settle(
        &self,
        broker: &Broker,
        delivery: DeliveryId,
        verdict: Verdict,
    ) -> Result<Outcome, SettleError> {
        let mut outcome = Outcome::default();
        let settlement = Settlement { delivery, verdict };
        broker.settle(self.reader.session(), settlement, 0, &mut outcome)?;
        Ok(outcome)
    }

    pub fn settle(&self, broker: &Broker, taken: &Taken, verdict: Verdict) -> Outcome {
        self.try_settle(broker, taken.id(), verdict)
            .expect("it is held")
    }

    /// Settles a delivery at this time.
    pub fn settle_at(&self, broker: &Broker, taken: &Taken, verdict: Verdict, now_ms: u64) {
        let settlement = Settlement {
            delivery: taken.id(),
            verdict,
        };
        let mut outcome = Outcome::default();
        broker
            .settle(self.reader.session(), settlement, now_ms, &mut outcome)
            .expect("it is held");
    }

    pub fn accept(&self, broker: &Broker, taken: &Taken) {
        self.settle(broker, taken, Verdict::Accept);
    }

    pub fn stage(&self, broker: &Broker, taken: &Taken, verdict: Verdict) -> Settlement {
        let delivery = taken.id();
        let settlement = Settlement { delivery, verdict };
        broker
            .stage(self.reader.session(), settlement, &mut Outcome::default())
            .expect("it is held");
        settlement
    }

    pub fn commit(
        &self,
        broker: &Broker,
        mut batch: Vec<Publication>,
        settlements: &[Settlement],
    ) -> Result<Outcome, CommitError> {
        let mut outcome = Outcome::default();
        let session = self.reader.session();
        broker.commit(session, &mut batch, settlements, 0, &mut outcome)?;
        Ok(outcome)
    }
}

pub fn bodies(taken: &[Taken]) -> Vec<String> {
    taken.iter().map(|one| one.body.clone()).collect()
}

/// A message to a queue; the headers are `name:value`.
pub fn message(queue: &str, body: &str, headers: &[&str]) -> Publication {
    let body = body.as_bytes();
    let message = Publication::to_queue(as_name(queue), "p".into(), 0, body);
    with_headers(message, headers)
}

/// A message to a topic; the headers are `name:value`.
pub fn event(topic: &str, body: &str, headers: &[&str]) -> Publication {
    let body = body.as_bytes();
    with_headers(
        Publication::new(as_name(topic), "p".into(), 0, body),
        headers,
    )
}

/// Adds the headers, and sets what some of them mean, as the STOMP listener does.
fn with_headers(message: Publication, headers: &[&str]) -> Publication {
    let index = |name: &str| {
        let index = headers.iter().position(|line| line.starts_with(name));
        index.map(HeaderIndex::of).unwrap_or_default()
    };
    let priority = headers
        .iter()
        .find_map(|line| line.strip_prefix("priority:"));
    let fields = Fields {
        priority: priority.map_or(Fields::DEFAULT_PRIORITY, |text| {
            text.parse().expect("a priority")
        }),
        group: index("JMSXGroupID:"),
        expiry: index("expires:"),
        ..Fields::default()
    };
    let message = message
        .with_headers(None, as_headers(headers))
        .with_fields(fields);
    let message = match headers.contains(&"JMSXGroupSeq:-1") {
        true => message.closing_group(),
        false => message,
    };
    match headers.contains(&"persistent:true") {
        true => message.persistent(),
        false => message,
    }
}

fn as_headers(headers: &[&str]) -> Box<[Header]> {
    let headers = headers.iter().map(|line| {
        let (name, value) = line.split_once(':').expect("a colon");
        Header {
            name: name.into(),
            value: value.into(),
        }
    });
    headers.collect()
}

pub fn publish_one(broker: &Broker, publication: Publication) -> Result<Outcome, PublishError> {
    let mut outcome = Outcome::default();
    broker.publish(&mut vec![publication], &mut outcome);
    match outcome.results.remove(0) {
        Ok(_) => Ok(outcome),
        Err(error) => Err(error),
    }
}

/// Sends messages with these bodies to a queue.
pub fn send(broker: &Broker, queue: &str, bodies: &[&str]) {
    for body in bodies {
        publish_one(broker, message(queue, body, &[])).expect("there is room");
    }
}

/// Publishes messages with these bodies to a topic.
pub fn publish_events(broker: &Broker, topic: &str, bodies: &[&str]) {
    for body in bodies {
        publish_one(broker, event(topic, body, &[])).expect("there is room");
    }
}

pub fn figures(broker: &Broker, queue: &str) -> QueueFigures {
    broker.queue(&as_name(queue)).expect("a queue")
}

/// Returns the numbers of waiting and unacknowledged messages.
pub fn counts(broker: &Broker, queue: &str) -> (u64, u64) {
    let figures = figures(broker, queue);
    (figures.waiting, figures.unacknowledged)
}

pub fn expire(broker: &Broker, now_ms: u64) -> Outcome {
    let mut outcome = Outcome::default();
    broker.expire(now_ms, &mut outcome);
    outcome
}

/// Formats a notice in short form.
pub fn brief(notice: &Notice) -> String {
    let kind = |kind| match kind {
        DestinationKind::Queue => "queue",
        DestinationKind::Topic => "topic",
    };
    let lost = |what: &str, lost: &broker::LostMessage| {
        let cause = match lost.cause {
            DeathCause::TooManyDeliveries(count) => format!("delivered {count}"),
            DeathCause::Rejected => "rejected".to_owned(),
            DeathCause::Expired => "expired".to_owned(),
            DeathCause::QueueFull => "full".to_owned(),
        };
        format!("{what} {} {} {cause}", kind(lost.kind), lost.name)
    };
    let consumer_change = |what: &str, one: &broker::ConsumerChange| {
        let count = one
            .consumers
            .map_or("-".to_owned(), |count| count.to_string());
        format!(
            "{what} {} {} {} {count}",
            kind(one.kind),
            one.filter,
            one.session
        )
    };
    match notice {
        Notice::ConsumerAdded(one) => consumer_change("added", one),
        Notice::ConsumerRemoved(one) => consumer_change("removed", one),
        Notice::SlowConsumer { filter, session } => format!("slow {filter} {session}"),
        Notice::DeadLettered(one) => lost("dead", one),
        Notice::Expired(one) => lost("expired", one),
        Notice::Discarded(one) => lost("discarded", one),
    }
}

pub fn briefs(outcome: &Outcome) -> Vec<String> {
    outcome.notices.iter().map(brief).collect()
}
