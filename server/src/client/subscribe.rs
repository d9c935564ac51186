//! `carillon sub`: each message that a filter matches is a line of standard output.
//!
//! This module owns the options and what happens between connections: the first one, the next after a
//! loss, and the place to go on from. [`feed`](super::feed) has what happens on one.

use std::{io, str::FromStr, time::Duration};

use anyhow::{anyhow, bail};
use broker::{MessageId, TopicFilter};
use clap::{ValueEnum, builder::BoolishValueParser};
use tokio::time::{Instant, sleep_until};

use super::{
    backoff::Backoff,
    connect::ConnectError,
    connection::Connection,
    feed::{Ending, Failure, Feed},
    note,
    options::ConnectionOptions,
    render::Format,
    stop::{Stop, StopCause},
};

#[derive(Clone, Debug, clap::Args)]
pub struct SubscribeOptions {
    /// Topics to follow: a name, or a filter where * is one level and > all levels below
    pub(super) filter: TopicFilter,

    /// Print the topic and a tab before each message
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
    let mut stop = Stop::listen(options.timeout)?;
    let mut feed = Feed::new(&options);
    let outcome = follow(&options, &mut feed, &mut stop).await;
    let received = feed.received();
    // What was received is printed whatever happened, unless its reader makes us wait in vain.
    tokio::select! {
        written = feed.finish() => written.map_err(unwritten)?,
        _ = stop.wait() => {}
    }
    match (outcome.map_err(anyhow::Error::msg)?, options.count) {
        (Ending::Stopped(StopCause::Timeout), Some(count)) => {
            let seconds = options.timeout.unwrap_or_default().as_secs_f64();
            bail!("received {received} of {count} messages within {seconds} s");
        }
        _ => Ok(()),
    }
}

fn unwritten(error: io::Error) -> anyhow::Error {
    anyhow!("cannot write to standard output: {error}")
}

/// One connection after the other.
async fn follow(
    options: &SubscribeOptions,
    feed: &mut Feed<'_>,
    stop: &mut Stop,
) -> Result<Ending, Failure> {
    let mut backoff = Backoff::default();
    loop {
        let failure = match connection(options, feed, stop).await {
            Ok(ending) => return Ok(ending),
            Err(failure) => failure,
        };
        if !options.reconnect || !failure.is_transient() {
            return Err(failure);
        }
        if feed.was_confirmed() {
            backoff.reset();
        }
        let pause = backoff.pause();
        if !options.quiet {
            note(&format!(
                "{failure}; trying again in {:.1} s",
                pause.as_secs_f64()
            ));
        }
        let next_attempt = Instant::now() + pause;
        tokio::select! {
            () = sleep_until(next_attempt) => {}
            cause = stop.wait() => return Ok(Ending::Stopped(cause)),
        }
    }
}

/// One connection from its beginning to its end.
async fn connection(
    options: &SubscribeOptions,
    feed: &mut Feed<'_>,
    stop: &mut Stop,
) -> Result<Ending, Failure> {
    let attempt: Result<Connection, ConnectError> = tokio::select! {
        attempt = Connection::open(&options.connection) => attempt,
        cause = stop.wait() => return Ok(Ending::Stopped(cause)),
    };
    let mut connection = attempt?;
    let ending = feed.run(&mut connection, stop).await?;
    connection.close().await;
    Ok(ending)
}

impl SubscribeOptions {
    pub(super) const fn format(&self) -> Format {
        match (self.json, self.verbose) {
            (true, _) => Format::Json,
            (false, true) => Format::TopicAndBody,
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

fn seconds(text: &str) -> anyhow::Result<Duration> {
    match text.parse().map(Duration::try_from_secs_f64) {
        Ok(Ok(duration)) if !duration.is_zero() => Ok(duration),
        _ => bail!("it needs to be a number of seconds, more than 0"),
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        options: SubscribeOptions,
    }

    fn parse(arguments: &[&str]) -> Result<SubscribeOptions, String> {
        let all = std::iter::once(&"sub").chain(arguments);
        match Line::try_parse_from(all) {
            Ok(line) => Ok(line.options),
            Err(error) => Err(error.to_string()),
        }
    }

    #[test]
    fn the_format_is_the_body_unless_more_is_asked_for() {
        let table: [(&[&str], Format); 3] = [
            (&["a.>"], Format::Body),
            (&["a", "-v"], Format::TopicAndBody),
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
    fn what_cannot_be_asked_for_is_refused_before_connecting() {
        let table: [(&[&str], &str); 8] = [
            (&["a.>.b"], "can only be the last level (at byte 4)"),
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
