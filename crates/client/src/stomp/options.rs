//! The options for STOMP only, and the STOMP subscription that `sub` requests.

use std::str::FromStr;

use anyhow::{anyhow, bail};
use broker::MessageId;
use clap::{
    ValueEnum,
    builder::{BoolishValueParser, NonEmptyStringValueParser},
};
use wire::stomp::{header, server::AckMode};

use super::destination::Source;
use crate::{options::selector, subscribe::SubscribeOptions};

#[derive(Clone, Debug, clap::Args)]
pub(crate) struct StompOptions {
    /// Start with earlier messages: with each topic's last one ("last"), or after a sequence or a
    /// message id
    #[arg(long, value_name = "last|SEQUENCE|ID", env = "CARILLON_SUB_SINCE")]
    since: Option<Since>,

    /// Receive only messages whose headers and body match this selector, such as "price > 20 AND
    /// body.colour = 'red'"
    #[arg(long, value_name = "CONDITION", env = "CARILLON_SUB_SELECTOR", value_parser = selector)]
    selector: Option<String>,

    /// Print the messages in the queue without removing them, and end
    #[arg(long, env = "CARILLON_SUB_BROWSE", value_parser = BoolishValueParser::new())]
    pub browse: bool,

    /// Make the subscription durable under this name and --client-id: the server keeps its messages
    /// until the next run
    #[arg(
        long,
        value_name = "NAME",
        env = "CARILLON_SUB_DURABLE",
        value_parser = NonEmptyStringValueParser::new(),
        requires = "client_id"
    )]
    durable: Option<String>,

    /// Action if this client is too slow; chosen by the server by default
    #[arg(long, value_name = "RULE", env = "CARILLON_SUB_OVERFLOW")]
    overflow: Option<Overflow>,
}

/// The server's action for a subscription that lags too far.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Overflow {
    /// Skip the oldest messages, and report how many
    DropOldest,
    /// Deliver only the newest message of each topic
    Latest,
    /// Close the connection
    Disconnect,
}

/// The start of a subscription in the past, as in the header `since`.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Since(String);

impl StompOptions {
    /// Returns an option for STOMP that was given, or None.
    pub(crate) fn given_option(&self) -> Option<&'static str> {
        let options = [
            ("--since", self.since.is_some()),
            ("--selector", self.selector.is_some()),
            ("--browse", self.browse),
            ("--durable", self.durable.is_some()),
            ("--overflow", self.overflow.is_some()),
        ];
        let given = options.into_iter().find(|(_, is_given)| *is_given);
        given.map(|(name, _)| name)
    }
}

/// The checked options of a subscription.
#[derive(Debug)]
pub(crate) struct SubscribeRequest<'o> {
    pub source: Source,
    options: &'o StompOptions,
}

impl<'o> SubscribeRequest<'o> {
    /// # Errors
    ///
    /// The destination is invalid, or an option does not apply to a queue or a topic.
    pub(crate) fn of(options: &'o SubscribeOptions) -> anyhow::Result<Self> {
        let source = options.source.parse();
        let source = source.map_err(|error| anyhow!("\"{}\": {error}", options.source))?;
        let request = Self {
            source,
            options: &options.stomp,
        };
        request.check(options.reconnect)?;
        Ok(request)
    }

    fn check(&self, reconnect: bool) -> anyhow::Result<()> {
        let is_queue = self.source.is_queue();
        let options = self.options;
        let refusals = [
            (
                options.browse && !is_queue,
                "--browse is for queues; use --since for earlier messages of a topic",
            ),
            (
                options.browse && reconnect,
                "--browse cannot continue on a new connection; use it without --reconnect",
            ),
            (
                options.durable.is_some() && is_queue,
                "--durable is for topics; a queue always keeps its messages",
            ),
            (
                options.since.is_some() && is_queue,
                "--since is for topics; a queue always delivers all its messages",
            ),
            (
                options.overflow.is_some() && self.is_kept(),
                "--overflow is for topics without --durable; queues and durable subscriptions skip no messages",
            ),
        ];
        match refusals.iter().find(|(is_refused, _)| *is_refused) {
            Some((_, reason)) => bail!("{reason}"),
            None => Ok(()),
        }
    }

    pub(crate) const fn browses(&self) -> bool {
        self.options.browse
    }

    /// Returns true if the server keeps messages until they are acknowledged.
    pub(crate) fn is_kept(&self) -> bool {
        self.source.is_queue() || self.options.durable.is_some()
    }

    /// Returns the acknowledgement mode. Kept messages are acknowledged after they are printed, so
    /// that messages in flight at the end of the command are not lost.
    pub(crate) fn ack(&self) -> AckMode {
        match self.is_kept() && !self.options.browse {
            true => AckMode::Client,
            false => AckMode::Auto,
        }
    }

    /// Returns the headers of the SUBSCRIBE; `window` is the maximum number of unacknowledged
    /// messages.
    pub(crate) fn headers<'s>(&'s self, window: &'s str) -> Vec<(&'static str, &'s str)> {
        let is_acknowledged = self.ack() != AckMode::Auto;
        let headers = [
            (header::SELECTOR, self.options.selector.as_deref()),
            (header::BROWSER, self.options.browse.then_some("true")),
            (header::SUBSCRIPTION_NAME, self.options.durable.as_deref()),
            (header::PREFETCH_SIZE, is_acknowledged.then_some(window)),
        ];
        let given = headers.into_iter();
        given
            .filter_map(|(name, value)| Some((name, value?)))
            .collect()
    }

    pub(crate) fn since(&self) -> Option<&'o str> {
        self.options.since.as_ref().map(|since| since.0.as_str())
    }

    /// Returns true if the start of the subscription is a fixed message, independent of later
    /// publications.
    pub(crate) fn begins_at_a_message(&self) -> bool {
        self.since().is_some_and(|since| since != LAST)
    }

    pub(crate) fn overflow(&self) -> Option<&'static str> {
        self.options.overflow.map(|overflow| match overflow {
            Overflow::DropOldest => "drop-oldest",
            Overflow::Latest => "latest",
            Overflow::Disconnect => "disconnect",
        })
    }
}

impl FromStr for Since {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let is_sequence =
            text.bytes().all(|byte| byte.is_ascii_digit()) && text.parse::<u64>().is_ok();
        if text == LAST || is_sequence || text.parse::<MessageId>().is_ok() {
            Ok(Self(text.to_owned()))
        } else {
            Err("the value must be \"last\", a sequence, or a message id such as 19a2b3c4d5e-42")
        }
    }
}

const LAST: &str = "last";

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(arguments: &[&str]) -> Result<SubscribeOptions, String> {
        crate::options::parse(arguments)
    }

    #[test]
    fn since_and_overflow_are_passed_to_the_server() {
        for since in ["last", "0", "42", "19a2b3c4d5e-42"] {
            let options = parse(&["a", "--since", since]).unwrap();
            assert_eq!(SubscribeRequest::of(&options).unwrap().since(), Some(since));
        }
        for overflow in ["drop-oldest", "latest", "disconnect"] {
            let options = parse(&["a", "--overflow", overflow]).unwrap();
            assert_eq!(
                SubscribeRequest::of(&options).unwrap().overflow(),
                Some(overflow)
            );
        }
        let options = parse(&["a"]).unwrap();
        let request = SubscribeRequest::of(&options).unwrap();
        assert_eq!((request.since(), request.overflow()), (None, None));
    }

    #[test]
    fn queues_and_durable_subscriptions_use_client_acknowledgement() {
        let prefetch = (header::PREFETCH_SIZE, "7");
        let table: [(&[&str], AckMode, &[_]); 5] = [
            (&["a"], AckMode::Auto, &[]),
            (&["/topic/a"], AckMode::Auto, &[]),
            (&["/queue/a"], AckMode::Client, &[prefetch]),
            (
                &["/queue/a", "--browse", "--selector", "x = 1"],
                AckMode::Auto,
                &[(header::SELECTOR, "x = 1"), (header::BROWSER, "true")],
            ),
            (
                &["a", "--durable", "d", "--client-id", "me"],
                AckMode::Client,
                &[(header::SUBSCRIPTION_NAME, "d"), prefetch],
            ),
        ];
        for (arguments, ack, headers) in table {
            let options = parse(arguments).unwrap();
            let request = SubscribeRequest::of(&options).unwrap();
            assert_eq!(request.ack(), ack, "{arguments:?}");
            assert_eq!(request.headers("7"), headers, "{arguments:?}");
        }
    }

    #[test]
    fn conflicting_options_are_refused_before_connecting() {
        let table: [(&[&str], &str); 7] = [
            (&["a.>.b"], "can only be the last level (at byte 4)"),
            (&["a", "--browse"], "--browse is for queues"),
            (
                &["/queue/a", "--browse", "--reconnect"],
                "without --reconnect",
            ),
            (&["/queue/a", "--since", "last"], "--since is for topics"),
            (
                &["/queue/a", "--durable", "d", "--client-id", "me"],
                "--durable is for topics",
            ),
            (
                &["/queue/a", "--overflow", "latest"],
                "--overflow is for topics",
            ),
            (
                &[
                    "a",
                    "--overflow",
                    "latest",
                    "--durable",
                    "d",
                    "--client-id",
                    "me",
                ],
                "without --durable",
            ),
        ];
        for (arguments, wanted) in table {
            let options = parse(arguments).unwrap();
            let error = SubscribeRequest::of(&options).unwrap_err().to_string();
            assert!(error.contains(wanted), "{arguments:?}: {error}");
        }
    }

    #[test]
    fn invalid_options_are_refused_before_connecting() {
        let table: [(&[&str], &str); 6] = [
            (&["a", "--selector", "x >"], "column"),
            (&["a", "--durable", "d"], "--client-id"),
            (&["a", "--since", "yesterday"], "a message id such as"),
            (&["a", "--since", ""], "a message id such as"),
            (
                &["a", "--since", "18446744073709551616"],
                "a message id such as",
            ),
            (
                &["a", "--overflow", "block"],
                "drop-oldest, latest, disconnect",
            ),
        ];
        for (arguments, wanted) in table {
            let error = parse(arguments).unwrap_err();
            assert!(error.contains(wanted), "{arguments:?}: {error}");
        }
    }
}
