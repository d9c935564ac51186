//! `carillon pub`: publishes one message from the command line, or one for each line of standard
//! input.
//!
//! This module owns the options and the outcome for all protocols. On success the server has
//! accepted all messages; on failure the error names the message that was refused. Each protocol's
//! [`Publication`] sends and confirms messages.

use std::{ffi::OsString, io, io::IsTerminal};

use anyhow::bail;
use clap::builder::BoolishValueParser;

use super::{
    connection::Connection,
    headers::UserHeader,
    input::Lines,
    machine::Machine,
    mqtt::{MqttPublication, MqttPublishOptions},
    note,
    options::ConnectionOptions,
    protocol::{self, Protocol},
    stomp::publication::StompPublication,
};

/// The options of `carillon pub`.
#[derive(Clone, Debug, clap::Args)]
pub struct PublishOptions {
    /// Topic to publish to, such as finance.stock, or a destination such as /queue/orders; with
    /// MQTT a topic name such as finance/stock
    pub(super) destination: String,

    /// Body of the message; if it is missing, each line of standard input is published as a message
    #[arg(allow_negative_numbers = true)]
    body: Option<OsString>,

    /// Protocol to use [default: mqtt for an address that begins with mqtt:// or mqtts://, else
    /// stomp]
    #[arg(long, env = "CARILLON_PROTOCOL")]
    protocol: Option<Protocol>,

    /// Media type of the messages, such as application/json; not sent by default
    #[arg(long, value_name = "TYPE", env = "CARILLON_PUB_CONTENT_TYPE")]
    pub(super) content_type: Option<String>,

    /// User-defined header of the messages, in MQTT a user property; may be given several times
    #[arg(
        long = "header",
        value_name = "NAME=VALUE",
        env = "CARILLON_PUB_HEADER"
    )]
    pub(super) headers: Vec<UserHeader>,

    /// Print errors only
    #[arg(short, long, env = "CARILLON_QUIET", value_parser = BoolishValueParser::new())]
    quiet: bool,

    #[command(flatten)]
    pub(super) connection: ConnectionOptions,

    #[command(flatten, next_help_heading = "MQTT options")]
    pub(super) mqtt: MqttPublishOptions,
}

/// Publishes messages on a connection. Messages are numbered from 1.
pub(crate) trait Publication {
    type Machine: Machine;

    async fn open(&mut self) -> anyhow::Result<Connection<Self::Machine>>;

    /// Returns true if one more unconfirmed message is allowed.
    fn has_room(&self, connection: &Connection<Self::Machine>) -> bool;

    /// Sends the next message.
    ///
    /// # Errors
    ///
    /// The message cannot be sent. The text holds only the reason; the caller adds the name of the
    /// message.
    fn send(
        &mut self,
        body: &[u8],
        connection: &mut Connection<Self::Machine>,
    ) -> anyhow::Result<()>;

    /// Handles everything that has arrived.
    ///
    /// # Errors
    ///
    /// A message was refused, or the connection is lost.
    fn take_confirmations(
        &mut self,
        connection: &mut Connection<Self::Machine>,
    ) -> Result<(), PublishError>;

    fn sent(&self) -> u64;

    /// Returns true if a message is not confirmed yet.
    fn awaits_confirmation(&self) -> bool;

    /// Returns the number of messages that the server has accepted, or None if it is unknown.
    fn confirmed(&self) -> Option<u64>;

    /// Closes the connection. On success the server has also accepted the messages that it does not
    /// confirm.
    async fn close(&mut self, connection: Connection<Self::Machine>) -> anyhow::Result<()>;
}

/// The reason why publishing stopped.
#[derive(Debug)]
pub(crate) enum PublishError {
    /// The server refused the message with this number.
    Message {
        number: u64,
        reason: String,
    },
    Other(String),
}

/// Publishes the messages, and returns when the server has confirmed all of them.
///
/// # Errors
///
/// The connection failed, the input cannot be read, or the server refused a message. The text
/// includes the number of messages published before.
pub async fn publish(options: PublishOptions) -> anyhow::Result<()> {
    let server = options.connection.server.as_ref();
    match protocol::choose(options.protocol, server) {
        Protocol::Stomp => {
            protocol::reject_option(options.mqtt.given_option(), Protocol::Mqtt)?;
            Publisher::run(&options, StompPublication::of(&options)?).await
        }
        Protocol::Mqtt => Publisher::run(&options, MqttPublication::of(&options)?).await,
    }
}

struct Publisher<'o, P: Publication> {
    options: &'o PublishOptions,
    publication: P,
    connection: Connection<P::Machine>,
}

impl<'o, P: Publication> Publisher<'o, P> {
    async fn run(options: &'o PublishOptions, mut publication: P) -> anyhow::Result<()> {
        let connection = publication.open().await?;
        let mut publisher = Self {
            options,
            publication,
            connection,
        };
        let outcome = match &options.body {
            Some(body) => publisher.message(body.as_encoded_bytes()).await,
            None => publisher.lines().await,
        };
        publisher.end(outcome).await
    }

    async fn end(self, outcome: anyhow::Result<()>) -> anyhow::Result<()> {
        let Self {
            options,
            mut publication,
            connection,
        } = self;
        let closed = match outcome {
            Ok(()) => publication.close(connection).await,
            Err(error) => Err(error),
        };
        let summary = publication.confirmed().map(|confirmed| {
            let plural = if confirmed == 1 { "" } else { "s" };
            let destination = &options.destination;
            format!("published {confirmed} message{plural} to {destination}")
        });
        match (closed, summary) {
            (Ok(()), Some(summary)) if !options.quiet => note(&summary),
            (Ok(()), _) => {}
            (Err(error), Some(summary)) => bail!("{error}; {summary} before that"),
            (Err(error), None) => {
                bail!("{error}; it is not known how many messages were published")
            }
        }
        Ok(())
    }

    async fn message(&mut self, body: &[u8]) -> anyhow::Result<()> {
        self.send(body)?;
        while self.publication.awaits_confirmation() {
            self.connection.receive().await;
            self.take_confirmations()?;
        }
        Ok(())
    }

    async fn lines(&mut self) -> anyhow::Result<()> {
        if io::stdin().is_terminal() && !self.options.quiet {
            note("each line is published as a message; press Ctrl-D to end");
        }
        let mut lines = Lines::from_standard_input();
        while !lines.is_at_end() || self.publication.awaits_confirmation() {
            self.send_lines(&mut lines)?;
            if self.connection.unsent_bytes() > 0 {
                self.connection.flush().await;
            } else {
                tokio::select! {
                    () = lines.receive(), if lines.needs_input() => {}
                    () = self.connection.receive() => {}
                }
            }
            self.take_confirmations()?;
        }
        Ok(())
    }

    /// Writes the lines that have been read, up to the window and the batch size.
    fn send_lines(&mut self, lines: &mut Lines) -> anyhow::Result<()> {
        while self.publication.has_room(&self.connection)
            && self.connection.unsent_bytes() < BATCH_BYTES
        {
            let number = self.publication.sent() + 1;
            match lines.next_line() {
                Ok(Some(line)) => self.send(line)?,
                Ok(None) => break,
                Err(error) => bail!("line {number} of the input cannot be read: {error}"),
            }
        }
        Ok(())
    }

    fn send(&mut self, body: &[u8]) -> anyhow::Result<()> {
        let number = self.publication.sent() + 1;
        match self.publication.send(body, &mut self.connection) {
            Ok(()) => Ok(()),
            Err(error) => bail!(
                "{} cannot be sent: {error}",
                self.options.describe_message(number)
            ),
        }
    }

    fn take_confirmations(&mut self) -> anyhow::Result<()> {
        match self.publication.take_confirmations(&mut self.connection) {
            Ok(()) => Ok(()),
            Err(PublishError::Other(reason)) => bail!("{reason}"),
            Err(PublishError::Message { number, reason }) => {
                bail!(
                    "{} was refused: {reason}",
                    self.options.describe_message(number)
                )
            }
        }
    }
}

impl PublishOptions {
    fn describe_message(&self, number: u64) -> String {
        match self.body {
            Some(_) => "the message".to_owned(),
            None => format!("line {number}"),
        }
    }
}

/// Size of a batch, in bytes. The message that reaches it is still part of the batch.
const BATCH_BYTES: usize = 64 << 10;

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(arguments: &[&str]) -> Result<PublishOptions, String> {
        crate::options::parse(arguments)
    }

    #[test]
    fn a_body_may_be_a_negative_number() {
        let options = parse(&["temperature", "-5", "--quiet"]).unwrap();
        assert_eq!(options.body, Some("-5".into()));
        assert!(options.quiet);
    }

    #[test]
    fn a_header_may_be_given_several_times() {
        let options = parse(&["rect", "--header", "a=b", "--header", "c=d"]).unwrap();
        let headers: Vec<_> = options.headers.iter().map(UserHeader::as_pair).collect();
        assert_eq!(headers, [("a", "b"), ("c", "d")]);
    }

    #[tokio::test]
    async fn an_invalid_publication_is_refused_before_connecting() {
        let table: [(&[&str], &str); 7] = [
            (&["a.*"], "a wildcard cannot be part of a topic's name"),
            (&["/queue/a.*"], "a wildcard cannot be part"),
            (&["$SYS.figures"], "only the broker can publish"),
            (&["rect", "--header", "colour"], "NAME=VALUE"),
            (&["rect", "--server", "ftp://h"], "not a supported scheme"),
            (&["rect", "--retain"], "--retain is for MQTT"),
            (&["a/+", "--protocol", "mqtt"], "wildcard"),
        ];
        for (arguments, wanted) in table {
            let error = match parse(arguments) {
                Ok(options) => publish(options).await.unwrap_err().to_string(),
                Err(error) => error,
            };
            assert!(error.contains(wanted), "{arguments:?}: {error}");
        }
    }
}
