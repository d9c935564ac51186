//! SUBSCRIBE (STOMP 1.2, "SUBSCRIBE").
//!
//! Who follows topics as they come is given a cursor on each. Everything else consumes, and the broker keeps its
//! messages until it is done with them: of a queue, of a topic that is acknowledged, of a durable subscription.

use broker::{
    Acknowledgement, Consume, DestinationKind, DurableName, Overflow, Selector, Source, Start,
    SubscribeError, SubscriptionId, TopicFilter,
};
use destination::stomp::{Destination, other_spelling, subscribed_to};
use wire::stomp::{
    header,
    server::{self, AckMode, Fault, Since, Subscribe},
};

use super::{Stomp, encoder::Tag, misspelled};
use crate::connection::ReadCycle;

/// A subscription of the connection.
pub(super) struct Subscribed {
    pub(super) id: SubscriptionId,
    /// The name of a durable one.
    pub(super) durable: Option<Box<str>>,
}

/// How a subscription gets its messages.
enum Way {
    Follow { filter: TopicFilter, start: Start },
    Consume(Source),
}

/// What a subscription is made with, wherever its messages come from.
struct Terms<'a> {
    subscribe: &'a Subscribe<'a>,
    selector: Option<Selector>,
    tag: &'a [u8],
}

impl Stomp {
    pub(super) fn subscribe(
        &mut self,
        subscribe: &Subscribe<'_>,
        cycle: &mut ReadCycle,
    ) -> Result<(), Fault> {
        let receipt = subscribe.receipt.as_deref();
        // "Within the same connection, different subscriptions MUST use different subscription identifiers."
        if self.subscriptions.contains_key(&subscribe.identity) {
            return Err(Fault::subscription_in_use(&subscribe.identity, receipt));
        }
        let destination = self.destination(subscribe)?;
        check(subscribe, destination.kind)?;
        let tag = self.tag(subscribe, &destination);
        let terms = Terms {
            subscribe,
            selector: selector(subscribe)?,
            tag: &tag,
        };
        let way = self.way(subscribe, destination)?;
        let durable = match &way {
            Way::Consume(Source::Durable { name, .. }) => Some(name.subscription.clone()),
            Way::Consume(_) | Way::Follow { .. } => None,
        };
        let id = match way {
            Way::Follow { filter, start } => self.follow(&filter, start, terms, cycle),
            Way::Consume(source) => self.consume(source, terms, cycle),
        };
        let id = id.map_err(|error| refused(&error, subscribe))?;
        self.carry_out(cycle);
        // What there is to read at once is drained at the end of this turn.
        let identity = subscribe.identity.clone().into_owned();
        self.subscriptions
            .insert(identity, Subscribed { id, durable });
        self.receipt(receipt, cycle);
        Ok(())
    }

    fn destination(
        &mut self,
        subscribe: &Subscribe<'_>,
    ) -> Result<Destination<TopicFilter>, Fault> {
        let receipt = subscribe.receipt.as_deref();
        let text = &*subscribe.destination;
        let destination = subscribed_to(text, self.session.name())
            .map_err(|error| misspelled(error, text, receipt))?;
        if let Some(name) = destination.name.exact() {
            let Destination { kind, place, .. } = destination;
            self.create_if_own(&Destination { kind, place, name }, receipt)?;
        }
        Ok(destination)
    }

    fn way(
        &self,
        subscribe: &Subscribe<'_>,
        Destination {
            kind, name: filter, ..
        }: Destination<TopicFilter>,
    ) -> Result<Way, Fault> {
        Ok(match (kind, &subscribe.durable) {
            (DestinationKind::Queue, _) if subscribe.browser => {
                Way::Consume(browsed(&filter, subscribe)?)
            }
            // A queue keeps its messages without being asked to.
            (DestinationKind::Queue, _) => Way::Consume(Source::Queues(filter)),
            (DestinationKind::Topic, Some(name)) => Way::Consume(Source::Durable {
                name: self.durable_name(name, subscribe)?,
                filter,
                start: self.start(subscribe)?,
            }),
            (DestinationKind::Topic, None) if subscribe.ack == AckMode::Auto => Way::Follow {
                filter,
                start: self.start(subscribe)?,
            },
            (DestinationKind::Topic, None) => Way::Consume(Source::Topics {
                filter,
                start: self.start(subscribe)?,
            }),
        })
    }

    fn follow(
        &self,
        filter: &TopicFilter,
        start: Start,
        terms: Terms<'_>,
        cycle: &mut ReadCycle,
    ) -> Result<SubscriptionId, SubscribeError> {
        let overflow_wanted = terms.subscribe.overflow;
        let follow = broker::Subscribe {
            start,
            overflow: overflow_wanted.map_or(self.options.overflow, overflow),
            selector: terms.selector,
            tag: terms.tag,
            ..broker::Subscribe::to(filter)
        };
        self.broker
            .subscribe(&self.session, follow, &mut cycle.outcome)
    }

    fn consume(
        &self,
        source: Source,
        terms: Terms<'_>,
        cycle: &mut ReadCycle,
    ) -> Result<SubscriptionId, SubscribeError> {
        let consume = Consume {
            source,
            acknowledgement: acknowledgement(terms.subscribe),
            prefetch: terms.subscribe.prefetch.unwrap_or(self.options.prefetch),
            exclusive: terms.subscribe.exclusive,
            selector: terms.selector,
            tag: terms.tag,
        };
        self.broker
            .consume(&self.session, consume, &mut cycle.outcome)
    }

    fn tag(&self, subscribe: &Subscribe<'_>, destination: &Destination<TopicFilter>) -> Vec<u8> {
        let exact = destination.name.exact();
        let spelling =
            exact.and_then(|name| other_spelling(&subscribe.destination, destination.kind, &name));
        Tag::encode(self.machine.version(), &subscribe.identity, spelling)
    }

    /// Where in the past of its topics it begins.
    fn start(&self, subscribe: &Subscribe<'_>) -> Result<Start, Fault> {
        Ok(match &subscribe.since {
            // Everything that is kept.
            None if subscribe.retroactive => Start::AfterSequence(0),
            None => Start::New,
            Some(Since::Last) => Start::Last,
            Some(Since::Sequence(sequence)) => Start::AfterSequence(*sequence),
            Some(Since::Message(id)) => {
                let id = id.parse().map_err(|_| {
                    let expected = "last, a sequence or a message-id";
                    Fault::invalid_header(header::SINCE, id, expected, subscribe.receipt.as_deref())
                })?;
                self.broker.start_after(id)
            }
        })
    }

    fn durable_name(&self, name: &str, subscribe: &Subscribe<'_>) -> Result<DurableName, Fault> {
        if self.client.is_empty() && named_as_activemq(subscribe).is_some() {
            let expected = "a durable subscription is saved under the client-id of CONNECT, and there was none";
            let receipt = subscribe.receipt.as_deref();
            let header = header::SUBSCRIPTION_NAME;
            return Err(Fault::invalid_header(header, name, expected, receipt));
        }
        Ok(self.durable(name))
    }

    pub(super) fn durable(&self, name: &str) -> DurableName {
        DurableName {
            client: self.client.clone(),
            subscription: name.into(),
        }
    }
}

/// The name of a durable subscription as ActiveMQ has it: of a client, known by its `client-id`. RabbitMQ's, with
/// `durable:true`, need no client; its clients say it of queues as well, where it changes nothing.
fn named_as_activemq<'a>(subscribe: &'a Subscribe<'_>) -> Option<&'a str> {
    let is_rabbitmqs = subscribe.headers.get(header::DURABLE).is_some();
    subscribe.durable.as_deref().filter(|_| !is_rabbitmqs)
}

/// Refuses what a destination of this kind, or this way of reading it, does not have.
fn check(subscribe: &Subscribe<'_>, kind: DestinationKind) -> Result<(), Fault> {
    let is_kept = kind == DestinationKind::Queue
        || subscribe.durable.is_some()
        || subscribe.ack != AckMode::Auto;
    let refusals = [
        (
            kind == DestinationKind::Topic && subscribe.browser,
            header::BROWSER,
            "queues can be browsed; a topic's past is had with since",
        ),
        (
            kind == DestinationKind::Queue && subscribe.since.is_some(),
            header::SINCE,
            "topics have a past; a queue has what waits in it, which is delivered anyway",
        ),
        (
            kind == DestinationKind::Queue && named_as_activemq(subscribe).is_some(),
            header::SUBSCRIPTION_NAME,
            "a durable subscription is one to topics; a queue keeps its messages anyway",
        ),
        (
            is_kept && subscribe.overflow.is_some(),
            header::OVERFLOW,
            "it is for topics with ack:auto; of what waits to be acknowledged nothing is passed over",
        ),
    ];
    for (is_refused, name, expected) in refusals {
        if is_refused {
            let value = subscribe.headers.get(name).unwrap_or_default();
            let receipt = subscribe.receipt.as_deref();
            return Err(Fault::invalid_header(name, &value, expected, receipt));
        }
    }
    Ok(())
}

fn browsed(filter: &TopicFilter, subscribe: &Subscribe<'_>) -> Result<Source, Fault> {
    filter.exact().map(Source::Browse).ok_or_else(|| {
        let expected = "one queue can be browsed at once, by its name without wildcards";
        let receipt = subscribe.receipt.as_deref();
        Fault::invalid_header(
            header::DESTINATION,
            &subscribe.destination,
            expected,
            receipt,
        )
    })
}

fn selector(subscribe: &Subscribe<'_>) -> Result<Option<Selector>, Fault> {
    let Some(text) = subscribe.selector.as_deref() else {
        return Ok(None);
    };
    Selector::new(text).map(Some).map_err(|error| {
        let detail = format!("{error}, behind \"{}\"", before(text, error.column));
        Fault::refused("invalid selector", detail, subscribe.receipt.as_deref())
    })
}

/// What of a selector comes right before a column of it.
fn before(text: &str, column: usize) -> String {
    let end = column - 1;
    let shown = text.chars().take(end).skip(end.saturating_sub(SHOWN_CHARS));
    shown.flat_map(char::escape_debug).collect()
}

/// There is nothing to acknowledge of what is only looked at.
fn acknowledgement(subscribe: &Subscribe<'_>) -> Acknowledgement {
    match subscribe.ack {
        _ if subscribe.browser => Acknowledgement::Auto,
        AckMode::Auto => Acknowledgement::Auto,
        AckMode::Client => Acknowledgement::Cumulative,
        AckMode::ClientIndividual => Acknowledgement::Individual,
    }
}

fn overflow(overflow: server::Overflow) -> Overflow {
    match overflow {
        server::Overflow::DropOldest => Overflow::DropOldest,
        server::Overflow::Latest => Overflow::Latest,
        server::Overflow::Disconnect => Overflow::Disconnect,
    }
}

fn refused(error: &SubscribeError, subscribe: &Subscribe<'_>) -> Fault {
    Fault::refused(
        "cannot subscribe",
        error.to_string(),
        subscribe.receipt.as_deref(),
    )
}

/// As much as an error repeats of a selector.
const SHOWN_CHARS: usize = 40;
