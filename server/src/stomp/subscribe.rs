//! SUBSCRIBE (STOMP 1.2, "SUBSCRIBE").
//!
//! A subscription to topics without acknowledgements gets a cursor on each. All others (to queues, to topics with
//! acknowledgements, durable ones) consume, and the broker keeps their messages until they are settled.

use access::Right;
use broker::{
    Acknowledgement, Consume, DestinationKind, DurableName, Selector, SharedName, Source, Start,
    SubscribeError, SubscriptionId, TopicFilter,
};
use destination::stomp::{Destination, other_spelling, subscribed_to, subscribed_to_single};
use wire::stomp::{
    header,
    server::{AckMode, Fault, Subscribe},
};

use super::{Stomp, encoder::Tag, misspelled};
use crate::{
    access_control::Forbidden,
    connection::ReadCycle,
    subscription_options::{overflow, start},
};

/// A subscription of the connection.
pub(super) struct Subscribed {
    /// The subscription in the broker.
    pub(super) id: SubscriptionId,
    /// The name of a durable subscription.
    pub(super) durable: Option<Box<str>>,
}

/// The way in which a subscription gets its messages.
enum SubscriptionKind {
    Follow { filter: TopicFilter, start: Start },
    Consume(Source),
}

/// The options of a subscription of either kind.
struct SubscriptionOptions<'a> {
    subscribe: &'a Subscribe<'a>,
    selector: Option<Selector>,
    tag: &'a [u8],
}

impl Stomp {
    /// Processes SUBSCRIBE.
    ///
    /// # Errors
    ///
    /// The subscription's id is in use, a header is not valid or does not apply, or the broker refuses the
    /// subscription.
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
        let options = SubscriptionOptions {
            subscribe,
            selector: selector(subscribe)?,
            tag: &tag,
        };
        let subscription_kind = self.subscription_kind(subscribe, destination)?;
        self.check_rights(&subscription_kind)
            .map_err(|forbidden| self.forbidden(&forbidden, receipt))?;
        let durable = match &subscription_kind {
            SubscriptionKind::Consume(Source::Durable { name, .. }) => {
                Some(name.subscription.clone())
            }
            SubscriptionKind::Consume(_) | SubscriptionKind::Follow { .. } => None,
        };
        let id = match subscription_kind {
            SubscriptionKind::Follow { filter, start } => {
                self.follow(&filter, start, options, cycle)
            }
            SubscriptionKind::Consume(source) => self.consume(source, options, cycle),
        };
        let id = id.map_err(|error| refused(&error, subscribe))?;
        self.carry_out(cycle);
        // Available messages are drained at the end of this read cycle.
        let identity = subscribe.identity.clone().into_owned();
        self.subscriptions
            .insert(identity, Subscribed { id, durable });
        self.receipt(receipt, cycle);
        Ok(())
    }

    /// Checks that the user may read what the subscription asks for. With wildcards, it gets the part that the user may read.
    fn check_rights(&self, subscription_kind: &SubscriptionKind) -> Result<(), Forbidden> {
        let principal = self.listed.principal();
        match subscription_kind {
            SubscriptionKind::Follow { filter, .. }
            | SubscriptionKind::Consume(Source::Topics { filter, .. }) => {
                principal.check_filter(Right::Subscribe, DestinationKind::Topic, filter)
            }
            SubscriptionKind::Consume(Source::Durable { filter, .. }) => {
                principal.check_whole_filter(Right::Subscribe, DestinationKind::Topic, filter)
            }
            SubscriptionKind::Consume(Source::Shared(SharedName { filter, .. })) => {
                principal.check_whole_filter(Right::Subscribe, DestinationKind::Topic, filter)
            }
            SubscriptionKind::Consume(Source::Queues(filter)) => {
                principal.check_filter(Right::Receive, DestinationKind::Queue, filter)
            }
            SubscriptionKind::Consume(Source::Browse(name)) => {
                principal.check(Right::Browse, DestinationKind::Queue, name)
            }
        }
    }

    fn destination(
        &mut self,
        subscribe: &Subscribe<'_>,
    ) -> Result<Destination<TopicFilter>, Fault> {
        let receipt = subscribe.receipt.as_deref();
        let text = &*subscribe.destination;
        let read = match subscribe.is_single {
            true => subscribed_to_single,
            false => subscribed_to,
        };
        let destination =
            read(text, self.session.name()).map_err(|error| misspelled(error, text, receipt))?;
        if let Some(name) = destination.name.exact() {
            let Destination { kind, place, .. } = destination;
            self.create_if_own(&Destination { kind, place, name }, receipt)?;
        }
        Ok(destination)
    }

    fn subscription_kind(
        &self,
        subscribe: &Subscribe<'_>,
        Destination {
            kind, name: filter, ..
        }: Destination<TopicFilter>,
    ) -> Result<SubscriptionKind, Fault> {
        Ok(match (kind, &subscribe.durable) {
            (DestinationKind::Queue, _) if subscribe.browser => {
                SubscriptionKind::Consume(browsed(&filter, subscribe)?)
            }
            // A queue keeps its messages in any case.
            (DestinationKind::Queue, _) => SubscriptionKind::Consume(Source::Queues(filter)),
            (DestinationKind::Topic, Some(name)) => SubscriptionKind::Consume(Source::Durable {
                name: self.durable_name(name, subscribe)?,
                filter,
                start: self.start(subscribe)?,
            }),
            (DestinationKind::Topic, None) if subscribe.ack == AckMode::Auto => {
                SubscriptionKind::Follow {
                    filter,
                    start: self.start(subscribe)?,
                }
            }
            (DestinationKind::Topic, None) => SubscriptionKind::Consume(Source::Topics {
                filter,
                start: self.start(subscribe)?,
            }),
        })
    }

    fn follow(
        &self,
        filter: &TopicFilter,
        start: Start,
        options: SubscriptionOptions<'_>,
        cycle: &mut ReadCycle,
    ) -> Result<SubscriptionId, SubscribeError> {
        let requested_overflow = options.subscribe.overflow;
        let follow = broker::Subscribe {
            start,
            overflow: requested_overflow.map_or(self.options.overflow, overflow),
            selector: options.selector,
            tag: options.tag,
            ..broker::Subscribe::to(filter)
        };
        self.broker
            .subscribe(&self.session, follow, &mut cycle.outcome)
    }

    fn consume(
        &self,
        source: Source,
        options: SubscriptionOptions<'_>,
        cycle: &mut ReadCycle,
    ) -> Result<SubscriptionId, SubscribeError> {
        let consume = Consume {
            source,
            acknowledgement: acknowledgement(options.subscribe),
            prefetch: options.subscribe.prefetch.unwrap_or(self.options.prefetch),
            exclusive: options.subscribe.exclusive,
            selector: options.selector,
            tag: options.tag,
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

    /// Returns the start of the subscription in the history of its topics.
    fn start(&self, subscribe: &Subscribe<'_>) -> Result<Start, Fault> {
        Ok(match &subscribe.since {
            // All history.
            None if subscribe.retroactive => Start::AfterSequence(0),
            None => Start::New,
            Some(since) => start(since, &self.broker).map_err(|_| {
                let value = subscribe.headers.get(header::SINCE).unwrap_or_default();
                let expected = "last, a sequence or a message-id";
                let receipt = subscribe.receipt.as_deref();
                Fault::invalid_header(header::SINCE, &value, expected, receipt)
            })?,
        })
    }

    fn durable_name(&self, name: &str, subscribe: &Subscribe<'_>) -> Result<DurableName, Fault> {
        if self.client().is_empty() && activemq_durable_name(subscribe).is_some() {
            let expected = "a durable subscription is saved under the client-id of CONNECT, and there was none";
            let receipt = subscribe.receipt.as_deref();
            let header = header::SUBSCRIPTION_NAME;
            return Err(Fault::invalid_header(header, name, expected, receipt));
        }
        Ok(self.durable(name))
    }

    /// Returns the name of a durable subscription of this client. With users, it belongs to the user: a name cannot contain
    /// `:`, so no other user or client id leads to the same name.
    pub(super) fn durable(&self, name: &str) -> DurableName {
        let client = match self.listed.principal().is_open() {
            true => self.client().into(),
            false => {
                let user = self.listed.principal().user().map_or("", |user| user);
                format!("{user}:{}", self.client()).into()
            }
        };
        DurableName {
            client,
            subscription: name.into(),
        }
    }
}

/// Returns the name of a durable subscription in the form of ActiveMQ, which belongs to a client with a `client-id`.
/// RabbitMQ's form, `durable:true`, needs no client; its clients send it for queues as well, where it has no effect.
fn activemq_durable_name<'a>(subscribe: &'a Subscribe<'_>) -> Option<&'a str> {
    let is_rabbitmqs = subscribe.headers.get(header::DURABLE).is_some();
    subscribe.durable.as_deref().filter(|_| !is_rabbitmqs)
}

/// Refuses options that do not apply to this kind of destination or this mode.
fn check(subscribe: &Subscribe<'_>, kind: DestinationKind) -> Result<(), Fault> {
    let is_kept = kind == DestinationKind::Queue
        || subscribe.durable.is_some()
        || subscribe.ack != AckMode::Auto;
    let refusals = [
        (
            kind == DestinationKind::Topic && subscribe.browser,
            header::BROWSER,
            "only queues can be browsed; for earlier messages of a topic use since",
        ),
        (
            kind == DestinationKind::Queue && subscribe.since.is_some(),
            header::SINCE,
            "it is for topics; a queue delivers its waiting messages anyway",
        ),
        (
            kind == DestinationKind::Queue && activemq_durable_name(subscribe).is_some(),
            header::SUBSCRIPTION_NAME,
            "durable subscriptions are for topics; a queue keeps its messages anyway",
        ),
        (
            is_kept && subscribe.overflow.is_some(),
            header::OVERFLOW,
            "it is for topics with ack:auto; messages to be acknowledged are never skipped",
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
        let expected = "a subscription can browse one queue, named without wildcards";
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
        let detail = format!("{error}, after \"{}\"", text_before(text, error.column));
        Fault::refused("invalid selector", detail, subscribe.receipt.as_deref())
    })
}

/// Returns the part of a selector just before a column.
fn text_before(text: &str, column: usize) -> String {
    let end = column - 1;
    let shown = text
        .chars()
        .take(end)
        .skip(end.saturating_sub(MAX_SHOWN_CHARS));
    shown.flat_map(char::escape_debug).collect()
}

/// Returns the acknowledgement mode; browsed messages are not acknowledged.
fn acknowledgement(subscribe: &Subscribe<'_>) -> Acknowledgement {
    match subscribe.ack {
        _ if subscribe.browser => Acknowledgement::Auto,
        AckMode::Auto => Acknowledgement::Auto,
        AckMode::Client => Acknowledgement::Cumulative,
        AckMode::ClientIndividual => Acknowledgement::Individual,
    }
}

fn refused(error: &SubscribeError, subscribe: &Subscribe<'_>) -> Fault {
    Fault::refused(
        "cannot subscribe",
        error.to_string(),
        subscribe.receipt.as_deref(),
    )
}

/// Maximum number of characters of a selector in an error.
const MAX_SHOWN_CHARS: usize = 40;
