//! `carillon sub`: each message of a topic, a filter or a queue is a line of standard output.
//!
//! This module owns the options and the outcome. [`feed`](super::feed) has what happens on a connection,
//! [`follow`](super::follow) what happens between them.

use std::{io, str::FromStr, time::Duration};

use anyhow::{anyhow, bail};
use broker::MessageId;
use clap::{
    ValueEnum,
    builder::{BoolishValueParser, NonEmptyStringValueParser},
};
use wire::stomp::{header, server::AckMode};

use super::{
    destination::Source,
    feed::Feed,
    follow::{Connections, Ending, follow},
    options::{ConnectionOptions, seconds, selector},
    render::Format,
    stop::{Stop, StopCause},
};

#[derive(Clone, Debug, clap::Args)]
pub struct SubscribeOptions {
    /// Topic or filter to follow, where * is one level and > all levels below; or a destination such as
    /// /queue/orders: what is printed of a queue is taken from it
    #[arg(value_name = "DESTINATION")]
    pub(super) source: Source,

    /// Print the topic or queue and a tab before each message
    #[arg(short, long, env = "CARILLON_SUB_VERBOSE", value_parser = BoolishValueParser::new())]
    verbose: bool,

    /// Print each message as a JSON object with all that is known of it
    #[arg(long, env = "CARILLON_SUB_JSON", value_parser = BoolishValueParser::new())]
    json: bool,

    /// End after this many messages
    #[arg(
        short = 'n',
        long,
        value_name = "N",
        env = "CARILLON_SUB_COUNT",
        value_parser = clap::value_parser!(u64).range(1..)
    )]
    pub(super) count: Option<u64>,

    /// Begin in the past: "last" (each topic's last message), after a sequence, or after a message id
    #[arg(long, value_name = "last|SEQUENCE|ID", env = "CARILLON_SUB_SINCE")]
    since: Option<Since>,

    /// Only the messages whose headers satisfy this condition, such as "price > 20 AND colour = 'red'"
    #[arg(long, value_name = "CONDITION", env = "CARILLON_SUB_SELECTOR", value_parser = selector)]
    selector: Option<String>,

    /// Print what waits in the queue, without taking it, and end
    #[arg(long, env = "CARILLON_SUB_BROWSE", value_parser = BoolishValueParser::new())]
    pub(super) browse: bool,

    /// Let the server keep the topics' messages under this name, and that of --client-id, for the next time
    #[arg(
        long,
        value_name = "NAME",
        env = "CARILLON_SUB_DURABLE",
        value_parser = NonEmptyStringValueParser::new(),
        requires = "client_id"
    )]
    durable: Option<String>,

    /// What happens when this client is too slow; the server chooses otherwise
    #[arg(long, value_name = "RULE", env = "CARILLON_SUB_OVERFLOW")]
    overflow: Option<Overflow>,

    /// Seconds after which to give up; without --count, to end
    #[arg(
        long,
        value_name = "SECONDS",
        env = "CARILLON_SUB_TIMEOUT",
        value_parser = seconds,
        allow_negative_numbers = true
    )]
    timeout: Option<Duration>,

    /// Connect again when there is no connection, and go on where it ended
    #[arg(long, env = "CARILLON_SUB_RECONNECT", value_parser = BoolishValueParser::new())]
    reconnect: bool,

    /// Say nothing but errors and what was missed
    #[arg(short, long, env = "CARILLON_QUIET", value_parser = BoolishValueParser::new())]
    pub(super) quiet: bool,

    #[command(flatten)]
    pub(super) connection: ConnectionOptions,
}

/// What happens to a subscription that lies too far behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Overflow {
    /// The oldest messages are dropped, and that is told
    DropOldest,
    /// Only ever the newest message is delivered
    Latest,
    /// The connection is ended
    Disconnect,
}

/// Where in the past to begin, as the header `since` has it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Since(String);

/// Subscribes and prints until there is a reason to end.
///
/// # Errors
///
/// There is no connection or no longer, the server refused the subscription, the time was over before
/// all messages were there, or standard output cannot be written to.
pub async fn subscribe(options: SubscribeOptions) -> anyhow::Result<()> {
    options.check()?;
    let mut stop = Stop::listen(options.timeout)?;
    let mut feed = Feed::new(&options);
    let outcome = follow(options.connections(), &mut feed, &mut stop).await;
    let received = feed.received();
    // What was received is printed whatever happened, unless its reader makes us wait in vain.
    tokio::select! {
        written = feed.finish() => written.map_err(unwritten)?,
        _ = stop.wait() => {}
    }
    let ending = outcome.map_err(anyhow::Error::msg)?;
    if ending != Ending::Stopped(StopCause::Timeout) {
        return Ok(());
    }
    let seconds = options.timeout.unwrap_or_default().as_secs_f64();
    match options.count {
        Some(count) => bail!("received {received} of {count} messages within {seconds} s"),
        None if options.browse => {
            bail!("received {received} messages, not all, within {seconds} s")
        }
        None => Ok(()),
    }
}

fn unwritten(error: io::Error) -> anyhow::Error {
    anyhow!("cannot write to standard output: {error}")
}

impl SubscribeOptions {
    /// Refuses what a queue, or a topic, does not have.
    fn check(&self) -> anyhow::Result<()> {
        let is_queue = self.source.is_queue();
        let refusals = [
            (
                self.browse && !is_queue,
                "--browse is for queues; the past of a topic is had with --since",
            ),
            (
                self.browse && self.reconnect,
                "--browse cannot go on where it ended: do without --reconnect",
            ),
            (
                self.durable.is_some() && is_queue,
                "--durable is for topics; a queue keeps its messages anyway",
            ),
            (
                self.since.is_some() && is_queue,
                "--since is for topics; of a queue what waits in it is delivered",
            ),
            (
                self.overflow.is_some() && self.is_kept(),
                "--overflow is for topics without --durable; nothing is passed over of what is kept",
            ),
        ];
        match refusals.iter().find(|(is_refused, _)| *is_refused) {
            Some((_, reason)) => bail!("{reason}"),
            None => Ok(()),
        }
    }

    const fn connections(&self) -> Connections<'_> {
        Connections {
            options: &self.connection,
            reconnect: self.reconnect,
            quiet: self.quiet,
        }
    }

    /// Whether the server keeps messages until they are acknowledged.
    pub(super) fn is_kept(&self) -> bool {
        self.source.is_queue() || self.durable.is_some()
    }

    /// What is kept is acknowledged once it was printed: what is under way when this ends is not lost.
    pub(super) fn ack(&self) -> AckMode {
        match self.is_kept() && !self.browse {
            true => AckMode::Client,
            false => AckMode::Auto,
        }
    }

    /// Headers of the SUBSCRIBE; `window` is how many messages may wait for their acknowledgement.
    pub(super) fn headers<'s>(&'s self, window: &'s str) -> Vec<(&'static str, &'s str)> {
        let is_acknowledged = self.ack() != AckMode::Auto;
        let headers = [
            (header::SELECTOR, self.selector.as_deref()),
            (header::BROWSER, self.browse.then_some("true")),
            (header::SUBSCRIPTION_NAME, self.durable.as_deref()),
            (header::PREFETCH_SIZE, is_acknowledged.then_some(window)),
        ];
        let given = headers.into_iter();
        given
            .filter_map(|(name, value)| Some((name, value?)))
            .collect()
    }

    pub(super) const fn format(&self) -> Format {
        match (self.json, self.verbose) {
            (true, _) => Format::Json,
            (false, true) => Format::DestinationAndBody,
            (false, false) => Format::Body,
        }
    }

    pub(super) fn since(&self) -> Option<&str> {
        self.since.as_ref().map(|since| since.0.as_str())
    }

    /// Whether the place to begin stays the same whatever is published.
    pub(super) fn begins_at_a_message(&self) -> bool {
        self.since().is_some_and(|since| since != LAST)
    }

    pub(super) fn overflow(&self) -> Option<&'static str> {
        self.overflow.map(|overflow| match overflow {
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
            Err("it needs to be \"last\", a sequence, or a message id such as 19a2b3c4d5e-42")
        }
    }
}

const LAST: &str = "last";

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(arguments: &[&str]) -> Result<SubscribeOptions, String> {
        crate::client::options::parse(arguments)
    }

    #[test]
    fn the_format_is_the_body_unless_more_is_asked_for() {
        let table: [(&[&str], Format); 3] = [
            (&["a.>"], Format::Body),
            (&["a", "-v"], Format::DestinationAndBody),
            (&["a", "-v", "--json"], Format::Json),
        ];
        for (arguments, format) in table {
            assert_eq!(parse(arguments).unwrap().format(), format, "{arguments:?}");
        }
    }

    #[test]
    fn since_and_overflow_are_what_the_server_is_asked_for() {
        for since in ["last", "0", "42", "19a2b3c4d5e-42"] {
            let options = parse(&["a", "--since", since]).unwrap();
            assert_eq!(options.since(), Some(since));
        }
        for overflow in ["drop-oldest", "latest", "disconnect"] {
            let options = parse(&["a", "--overflow", overflow]).unwrap();
            assert_eq!(options.overflow(), Some(overflow));
        }
        let options = parse(&["a"]).unwrap();
        assert_eq!((options.since(), options.overflow()), (None, None));
    }

    #[test]
    fn queues_and_durable_subscriptions_are_acknowledged_as_they_are_printed() {
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
            assert_eq!(options.ack(), ack, "{arguments:?}");
            assert_eq!(options.headers("7"), headers, "{arguments:?}");
            assert!(options.check().is_ok(), "{arguments:?}");
        }
    }

    #[test]
    fn what_does_not_fit_together_is_refused_before_connecting() {
        let table: [(&[&str], &str); 6] = [
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
            let error = parse(arguments).unwrap().check().unwrap_err().to_string();
            assert!(error.contains(wanted), "{arguments:?}: {error}");
        }
    }

    #[test]
    fn what_cannot_be_asked_for_is_refused_before_connecting() {
        let table: [(&[&str], &str); 10] = [
            (&["a.>.b"], "can only be the last level (at byte 4)"),
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
            (&["a", "--count", "0"], "0 is not in 1.."),
            (&["a", "--timeout", "-1"], "--timeout"),
            (&["a", "--timeout", "soon"], "a number of seconds"),
        ];
        for (arguments, wanted) in table {
            let error = parse(arguments).unwrap_err();
            assert!(error.contains(wanted), "{arguments:?}: {error}");
        }
    }

    #[test]
    fn a_timeout_may_be_part_of_a_second() {
        let options = parse(&["a", "--timeout", "0.25"]).unwrap();
        assert_eq!(options.timeout, Some(Duration::from_millis(250)));
    }
}
