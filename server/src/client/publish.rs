//! `carillon pub`: one message from the command line, or one for each line of standard input.
//!
//! This module owns the options and the outcome, whatever is spoken: when this ends well, the server has taken all
//! messages, and when it does not, it is known which one was refused. How a message is sent and confirmed is each
//! protocol's [`Publication`].

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

#[derive(Clone, Debug, clap::Args)]
pub struct PublishOptions {
    /// Topic to publish to, such as finance.stock, or a destination such as /queue/orders; with MQTT a topic
    /// such as finance/stock
    pub(super) destination: String,

    /// The message; without it each line of standard input is one
    #[arg(allow_negative_numbers = true)]
    body: Option<OsString>,

    /// What to speak; an address with mqtt:// says it as well [default: stomp]
    #[arg(long, env = "CARILLON_PROTOCOL")]
    protocol: Option<Protocol>,

    /// Media type of the messages, such as application/json; none is told otherwise
    #[arg(long, value_name = "TYPE", env = "CARILLON_PUB_CONTENT_TYPE")]
    pub(super) content_type: Option<String>,

    /// A header of your own for the messages, a user property of MQTT; may be given several times
    #[arg(
        long = "header",
        value_name = "NAME=VALUE",
        env = "CARILLON_PUB_HEADER"
    )]
    pub(super) headers: Vec<UserHeader>,

    /// Say nothing unless something goes wrong
    #[arg(short, long, env = "CARILLON_QUIET", value_parser = BoolishValueParser::new())]
    quiet: bool,

    #[command(flatten)]
    pub(super) connection: ConnectionOptions,

    #[command(flatten, next_help_heading = "Options of MQTT")]
    pub(super) mqtt: MqttPublishOptions,
}

/// What is done with messages on a connection. They are numbered from 1.
pub trait Publication {
    type Machine: Machine;

    async fn open(&mut self) -> anyhow::Result<Connection<Self::Machine>>;

    /// Whether another message may be on its way without being confirmed.
    fn has_room(&self, connection: &Connection<Self::Machine>) -> bool;

    /// Sends the next one.
    ///
    /// # Errors
    ///
    /// It cannot be sent. The text says why, and what it was that cannot is said before it.
    fn send(
        &mut self,
        body: &[u8],
        connection: &mut Connection<Self::Machine>,
    ) -> anyhow::Result<()>;

    /// Takes everything that has arrived.
    ///
    /// # Errors
    ///
    /// A message was refused, or the connection is lost.
    fn take_confirmations(
        &mut self,
        connection: &mut Connection<Self::Machine>,
    ) -> Result<(), PublishError>;

    fn sent(&self) -> u64;

    /// Whether the server is yet to confirm something.
    fn awaits_confirmation(&self) -> bool;

    /// How many the server has taken, if that is known.
    fn confirmed(&self) -> Option<u64>;

    /// Takes leave of the server. What nobody confirms was taken if that succeeds.
    async fn close(&mut self, connection: Connection<Self::Machine>) -> anyhow::Result<()>;
}

/// Why no more is published.
#[derive(Debug)]
pub enum PublishError {
    /// The message of this number was.
    Message {
        number: u64,
        reason: String,
    },
    Other(String),
}

/// Publishes, and returns when the server has confirmed everything.
///
/// # Errors
///
/// There is no connection, the input cannot be read, or the server refused a message. The text says how
/// far it went.
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
            (Err(error), None) => bail!("{error}; how many messages were taken is not known"),
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
            note("each line is a message; end with Ctrl-D");
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

    /// Writes what lines there are, as far as there is room.
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

/// Messages are sent together up to this size, and the one that passes it.
const BATCH_BYTES: usize = 64 << 10;

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(arguments: &[&str]) -> Result<PublishOptions, String> {
        crate::client::options::parse(arguments)
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
    async fn what_cannot_be_published_is_refused_before_connecting() {
        let table: [(&[&str], &str); 7] = [
            (&["a.*"], "a wildcard cannot be part of a topic's name"),
            (&["/queue/a.*"], "a wildcard cannot be part"),
            (&["$SYS.figures"], "the broker alone"),
            (&["rect", "--header", "colour"], "NAME=VALUE"),
            (&["rect", "--server", "ftp://h"], "not a scheme"),
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
