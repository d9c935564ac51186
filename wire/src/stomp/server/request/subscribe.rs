//! SUBSCRIBE and UNSUBSCRIBE: STOMP 1.2, "SUBSCRIBE" and "UNSUBSCRIBE", and what ActiveMQ and
//! RabbitMQ add to them ("STOMP servers MAY support additional server specific headers to customize
//! the delivery semantics of the subscription").
//!
//! Ignored, because there is nothing here that they could change: `activemq.dispatchAsync`,
//! `activemq.maximumPendingMessageLimit`, `activemq.priority`, and RabbitMQ's `auto-delete`.

use std::borrow::Cow;

use super::super::super::{Frame, Headers, Version, header};
use super::super::fault::Cause;
use super::super::identity::Identity;
use super::fields::{flag, invalid, required};
use super::options::{self, AckMode, Overflow, Since};

#[derive(Clone, Debug)]
pub struct Subscribe<'a> {
    pub identity: Identity<'a>,
    pub destination: Cow<'a, str>,
    pub ack: AckMode,
    /// Which messages are wanted. Its grammar is the caller's to check.
    pub selector: Option<Cow<'a, str>>,
    /// How many messages may wait for their acknowledgement, 1 to [`MAX_PREFETCH`](Self::MAX_PREFETCH).
    /// `None`: the server's rule.
    pub prefetch: Option<usize>,
    /// While a queue has such consumers, only the oldest of them is given anything.
    pub exclusive: bool,
    /// To see what waits in a queue without taking it. There is nothing to acknowledge then.
    pub browser: bool,
    /// To begin with what the topic still keeps: ActiveMQ's way of asking for a past, see `since`.
    pub retroactive: bool,
    /// The name under which the subscription is kept while its client is away.
    pub durable: Option<Cow<'a, str>>,
    /// `None`: only what is published from now on.
    pub since: Option<Since<'a>>,
    /// `None`: the server's rule.
    pub overflow: Option<Overflow>,
    pub receipt: Option<Cow<'a, str>>,
    pub headers: Headers<'a>,
}

#[derive(Clone, Debug)]
pub struct Unsubscribe<'a> {
    /// `None` only with `durable`: a durable subscription is deleted while nobody is subscribed.
    pub identity: Option<Identity<'a>>,
    /// The name of the durable subscription to delete.
    pub durable: Option<Cow<'a, str>>,
    pub receipt: Option<Cow<'a, str>>,
}

impl<'a> Subscribe<'a> {
    /// Whoever asks for more gets this.
    pub const MAX_PREFETCH: usize = 10_000;

    pub(in super::super) fn read(frame: &Frame<'a>, version: Version) -> Result<Self, Cause> {
        let headers = frame.headers;
        refuse_no_local(headers)?;
        let subscribe = Self {
            identity: identity(frame, version)?,
            destination: required(headers.get(header::DESTINATION), frame, header::DESTINATION)?,
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

    /// What cannot be had together, whatever the destination is.
    fn check_consistency(&self) -> Result<(), Cause> {
        let browser = self.browser.then_some("browser:true");
        let retroactive = self.retroactive.then_some("activemq.retroactive:true");
        let exclusive = self.exclusive.then_some("activemq.exclusive:true");
        let durable = self.durable.as_ref().map(|_| "a durable subscription");
        let since = self.since.as_ref().map(|_| header::SINCE);
        let exclusions = [
            // A browser takes nothing away, shows everything that waits, and then is done.
            (browser, exclusive),
            (browser, durable),
            (browser, retroactive),
            (browser, since),
            // Two beginnings.
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

/// JMS: an empty selector is none.
fn selector(headers: Headers<'_>) -> Option<Cow<'_, str>> {
    let selector = headers.get(header::SELECTOR);
    selector.filter(|selector| !selector.is_empty())
}

/// ActiveMQ and Artemis have a header for the name; with RabbitMQ it is the `id` of a subscription
/// that is `durable:true`.
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

/// To pass over what one has sent oneself: there is nothing like it here, and whoever asks for it
/// would not notice.
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
