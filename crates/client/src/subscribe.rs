//! `carillon sub`: prints each message of a topic, a filter or a queue as a line on standard
//! output.
//!
//! This module owns the options that all protocols share, and the outcome. [`feed`](super::feed)
//! receives messages on a connection, [`follow`](super::follow) reconnects.

use std::{io, time::Duration};

use anyhow::{anyhow, bail};
use clap::builder::BoolishValueParser;

use super::{
    feed::{Feed, IntakeOptions, Subscription},
    follow::{FollowEnd, ReconnectOptions, follow},
    mqtt::{self, MqttSubscribeOptions, MqttSubscription},
    options::{ConnectionOptions, seconds},
    protocol::{self, Protocol},
    render::Format,
    stomp::{
        options::{StompOptions, SubscribeRequest},
        subscription::StompSubscription,
    },
    stop::{Stop, StopCause},
};

/// The options of `carillon sub`.
#[derive(Clone, Debug, clap::Args)]
pub struct SubscribeOptions {
    /// Topic or filter to subscribe to, in which * stands for one level and > for all levels below;
    /// or a destination such as /queue/orders, from which each printed message is removed; with
    /// MQTT a topic filter such as a/+/b or a/#
    #[arg(value_name = "DESTINATION")]
    pub(super) source: String,

    /// Protocol to use [default: mqtt for an address that begins with mqtt:// or mqtts://, else
    /// stomp]
    #[arg(long, env = "CARILLON_PROTOCOL")]
    protocol: Option<Protocol>,

    /// Print the topic or queue, then a tab, before each message
    #[arg(short, long, env = "CARILLON_SUB_VERBOSE", value_parser = BoolishValueParser::new())]
    verbose: bool,

    /// Print each message as a JSON object with all its fields
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
    count: Option<u64>,

    /// Seconds after which to end; with --count, it is an error to have received fewer messages by
    /// then
    #[arg(
        long,
        value_name = "SECONDS",
        env = "CARILLON_SUB_TIMEOUT",
        value_parser = seconds,
        allow_negative_numbers = true
    )]
    timeout: Option<Duration>,

    /// Reconnect when the connection is lost or cannot be opened, and continue after the last
    /// message
    #[arg(long, env = "CARILLON_SUB_RECONNECT", value_parser = BoolishValueParser::new())]
    pub(super) reconnect: bool,

    /// Print no notices, except of missed messages
    #[arg(short, long, env = "CARILLON_QUIET", value_parser = BoolishValueParser::new())]
    quiet: bool,

    #[command(flatten)]
    pub(super) connection: ConnectionOptions,

    #[command(flatten, next_help_heading = "STOMP options")]
    pub(super) stomp: StompOptions,

    #[command(flatten, next_help_heading = "MQTT options")]
    pub(super) mqtt: MqttSubscribeOptions,
}

/// Subscribes, and prints messages until the command ends.
///
/// # Errors
///
/// The connection failed, the server refused the subscription, the timeout passed before all
/// messages arrived, or standard output cannot be written to.
pub async fn subscribe(options: SubscribeOptions) -> anyhow::Result<()> {
    let protocol = protocol::choose(options.protocol, options.connection.server.as_ref());
    match protocol {
        Protocol::Stomp => {
            protocol::reject_option(options.mqtt.given_option(), Protocol::Mqtt)?;
            let request = SubscribeRequest::of(&options)?;
            print(
                &options,
                StompSubscription::new(request, &options.connection),
            )
            .await
        }
        Protocol::Mqtt => {
            protocol::reject_option(options.stomp.given_option(), Protocol::Stomp)?;
            let request = mqtt::SubscribeRequest::of(&options)?;
            print(
                &options,
                MqttSubscription::new(request, &options.connection),
            )
            .await
        }
    }
}

async fn print(options: &SubscribeOptions, subscription: impl Subscription) -> anyhow::Result<()> {
    let mut stop = Stop::listen(options.timeout)?;
    let mut feed = Feed::new(subscription, options.intake());
    let outcome = follow(options.reconnect_options(), &mut feed, &mut stop).await;
    let received = feed.received();
    // The messages received are printed even after an error, unless the user stops the wait for a
    // slow reader.
    tokio::select! {
        written = feed.finish() => written.map_err(unwritten)?,
        _ = stop.wait() => {}
    }
    let ending = outcome.map_err(anyhow::Error::msg)?;
    if ending != FollowEnd::Stopped(StopCause::Timeout) {
        return Ok(());
    }
    let seconds = options.timeout.unwrap_or_default().as_secs_f64();
    match options.count {
        Some(count) => bail!("received {received} of {count} messages within {seconds} s"),
        None if options.stomp.browse => {
            bail!("received only {received} messages of the queue within {seconds} s")
        }
        None => Ok(()),
    }
}

fn unwritten(error: io::Error) -> anyhow::Error {
    anyhow!("cannot write to standard output: {error}")
}

impl SubscribeOptions {
    const fn reconnect_options(&self) -> ReconnectOptions {
        ReconnectOptions {
            reconnect: self.reconnect,
            quiet: self.quiet,
        }
    }

    const fn intake(&self) -> IntakeOptions {
        IntakeOptions {
            format: self.format(),
            count: self.count,
            quiet: self.quiet,
        }
    }

    const fn format(&self) -> Format {
        match (self.json, self.verbose) {
            (true, _) => Format::Json,
            (false, true) => Format::DestinationAndBody,
            (false, false) => Format::Body,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(arguments: &[&str]) -> Result<SubscribeOptions, String> {
        crate::options::parse(arguments)
    }

    #[test]
    fn the_format_is_the_body_by_default() {
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
    fn an_invalid_option_is_refused_before_connecting() {
        let table: [(&[&str], &str); 4] = [
            (&["a", "--count", "0"], "0 is not in 1.."),
            (&["a", "--timeout", "-1"], "--timeout"),
            (&["a", "--timeout", "soon"], "a number of seconds"),
            (&["a", "--protocol", "amqp"], "stomp, mqtt"),
        ];
        for (arguments, wanted) in table {
            let error = parse(arguments).unwrap_err();
            assert!(error.contains(wanted), "{arguments:?}: {error}");
        }
    }

    #[tokio::test]
    async fn options_of_the_other_protocol_are_refused() {
        let table: [(&[&str], &str); 3] = [
            (&["a", "--qos", "1"], "--qos is for MQTT"),
            (
                &["a", "--protocol", "mqtt", "--since", "last"],
                "--since is for STOMP",
            ),
            (
                &[
                    "a",
                    "--server",
                    "mqtt://h",
                    "--durable",
                    "d",
                    "--client-id",
                    "me",
                ],
                "--durable is for STOMP",
            ),
        ];
        for (arguments, wanted) in table {
            let options = parse(arguments).unwrap();
            let error = subscribe(options).await.unwrap_err().to_string();
            assert!(error.contains(wanted), "{arguments:?}: {error}");
        }
    }

    #[test]
    fn a_timeout_may_be_part_of_a_second() {
        let options = parse(&["a", "--timeout", "0.25"]).unwrap();
        assert_eq!(options.timeout, Some(Duration::from_millis(250)));
    }
}
