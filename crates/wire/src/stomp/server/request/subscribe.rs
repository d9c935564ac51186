//! SUBSCRIBE and UNSUBSCRIBE: STOMP 1.2, "SUBSCRIBE" and "UNSUBSCRIBE", and the headers of ActiveMQ
//! and RabbitMQ ("STOMP servers MAY support additional server specific headers to customize the
//! delivery semantics of the subscription").
//!
//! Ignored, because they have no effect here: `activemq.dispatchAsync`,
//! `activemq.maximumPendingMessageLimit`, `activemq.priority`, and RabbitMQ's `auto-delete`.

use std::borrow::Cow;

use super::super::super::{Frame, Headers, Version, header};
use super::super::fault::Cause;
use super::super::identity::Identity;
use super::fields::{flag, invalid, required};
use super::options::{self, AckMode, Overflow, Since};

/// A SUBSCRIBE.
#[derive(Clone, Debug)]
pub struct Subscribe<'a> {
    /// The identity of the subscription on its connection.
    pub identity: Identity<'a>,
    /// The destination.
    pub destination: Cow<'a, str>,
    /// True if a comma in the destination is part of its name.
    pub is_single: bool,
    /// The acknowledgement mode.
    pub ack: AckMode,
    /// The selector. The caller checks its grammar.
    pub selector: Option<Cow<'a, str>>,
    /// Maximum number of unacknowledged messages, 1 to [`MAX_PREFETCH`](Self::MAX_PREFETCH); `None`
    /// for the server's default.
    pub prefetch: Option<usize>,
    /// True for an exclusive consumer: only the oldest exclusive consumer of a queue receives
    /// messages.
    pub exclusive: bool,
    /// True to browse a queue without consuming messages. There is nothing to acknowledge then.
    pub browser: bool,
    /// True to start with the history of the topic: ActiveMQ's equivalent of `since`.
    pub retroactive: bool,
    /// The name of a durable subscription, which is kept while its client is disconnected.
    pub durable: Option<Cow<'a, str>>,
    /// The start in the past; `None` for new messages only.
    pub since: Option<Since<'a>>,
    /// The overflow rule; `None` for the server's default.
    pub overflow: Option<Overflow>,
    /// The requested receipt.
    pub receipt: Option<Cow<'a, str>>,
    /// All headers of the frame.
    pub headers: Headers<'a>,
}

/// An UNSUBSCRIBE.
#[derive(Clone, Debug)]
pub struct Unsubscribe<'a> {
    /// `None` only with `durable`: a durable subscription can be deleted while it has no
    /// subscriber.
    pub identity: Option<Identity<'a>>,
    /// The name of the durable subscription to delete.
    pub durable: Option<Cow<'a, str>>,
    /// The requested receipt.
    pub receipt: Option<Cow<'a, str>>,
}

impl<'a> Subscribe<'a> {
    /// Maximum prefetch. Larger requests are reduced to it.
    pub const MAX_PREFETCH: usize = 10_000;

    pub(in super::super) fn read(frame: &Frame<'a>, version: Version) -> Result<Self, Cause> {
        let headers = frame.headers;
        refuse_no_local(headers)?;
        let subscribe = Self {
            identity: identity(frame, version)?,
            destination: required(headers.get(header::DESTINATION), frame, header::DESTINATION)?,
            is_single: flag(headers, header::SINGLE_DESTINATION)?,
            ack: AckMode::read(headers)?,
            selector: selector(headers),
            prefetch: options::prefetch(headers, Self::MAX_PREFETCH)?,
            exclusive: flag(headers, header::EXCLUSIVE)?,
            browser: flag(headers, header::BROWSER)?,
            retroactive: flag(headers, header::RETROACTIVE)?,
            durable: durable(frame)?,
            since: Since::read(headers)?,
            overflow: Overflow::read(headers)?,
            receipt: headers.get(header::RECEIPT),
            headers,
        };
        subscribe.check_consistency()?;
        Ok(subscribe)
    }

    /// Rejects combinations that are invalid for any destination.
    fn check_consistency(&self) -> Result<(), Cause> {
        let browser = self.browser.then_some("browser:true");
        let retroactive = self.retroactive.then_some("activemq.retroactive:true");
        let exclusive = self.exclusive.then_some("activemq.exclusive:true");
        let durable = self.durable.as_ref().map(|_| "a durable subscription");
        let since = self.since.as_ref().map(|_| header::SINCE);
        let exclusions = [
            // A browser consumes nothing, shows all waiting messages, and then ends.
            (browser, exclusive),
            (browser, durable),
            (browser, retroactive),
            (browser, since),
            // Two different starts.
            (retroactive, since),
        ];
        for exclusion in exclusions {
            if let (Some(first), Some(second)) = exclusion {
                return Err(Cause::Contradiction { first, second });
            }
        }
        Ok(())
    }
}

impl<'a> Unsubscribe<'a> {
    pub(in super::super) fn read(frame: &Frame<'a>, version: Version) -> Result<Self, Cause> {
        let durable = durable(frame)?;
        Ok(Self {
            identity: match identity(frame, version) {
                Err(_) if durable.is_some() => None,
                identity => Some(identity?),
            },
            durable,
            receipt: frame.headers.get(header::RECEIPT),
        })
    }
}

/// From 1.1 on "an `id` header MUST be included in the frame". 1.0, "UNSUBSCRIBE": "It requires
/// either a destination header or an id header (if the previous SUBSCRIBE operation passed an id
/// value)".
fn identity<'a>(frame: &Frame<'a>, version: Version) -> Result<Identity<'a>, Cause> {
    match frame.headers.get(header::ID) {
        None if !version.needs_subscription_id() => {
            let destination = frame.headers.get(header::DESTINATION);
            required(destination, frame, header::DESTINATION).map(Identity::Destination)
        }
        id => required(id, frame, header::ID).map(Identity::Id),
    }
}

/// JMS: an empty selector means no selector.
fn selector(headers: Headers<'_>) -> Option<Cow<'_, str>> {
    let selector = headers.get(header::SELECTOR);
    selector.filter(|selector| !selector.is_empty())
}

/// Returns the name of a durable subscription. ActiveMQ and Artemis have a header for it; in
/// RabbitMQ it is the `id` of a subscription with `durable:true`.
fn durable<'a>(frame: &Frame<'a>) -> Result<Option<Cow<'a, str>>, Cause> {
    let headers = frame.headers;
    for name in [header::SUBSCRIPTION_NAME, header::DURABLE_SUBSCRIPTION_NAME] {
        match headers.get(name) {
            Some(value) if value.is_empty() => {
                return Err(invalid(name, "", "the name of the subscription"));
            }
            Some(value) => return Ok(Some(value)),
            None => {}
        }
    }
    if !flag(headers, header::DURABLE)? {
        return Ok(None);
    }
    required(headers.get(header::ID), frame, header::ID).map(Some)
}

/// Rejects the headers that exclude the connection's own messages. They are not supported, and a
/// client would not notice that they have no effect.
fn refuse_no_local(headers: Headers<'_>) -> Result<(), Cause> {
    let names = [
        (header::NO_LOCAL, "activemq.noLocal:true is"),
        (header::NO_LOCAL_SHORT, "no-local:true is"),
    ];
    for (name, what) in names {
        if flag(headers, name)? {
            return Err(Cause::NotSupported { what });
        }
    }
    Ok(())
}
