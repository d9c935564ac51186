//! `carillon pub`: one message from the command line, or one for each line of standard input.
//!
//! Every message asks for a receipt, and so many may be unconfirmed at a time: when this ends well, the
//! server has taken all of them, and when it does not, it is known which one was refused.

use std::{ffi::OsString, fmt::Write as _, io, io::IsTerminal};

use anyhow::bail;
use clap::builder::BoolishValueParser;
use wire::stomp::client::{Event, Send};

use super::{
    connect::said, connection::Connection, destination::Target, headers::UserHeader, input::Lines,
    note, options::ConnectionOptions,
};

#[derive(Clone, Debug, clap::Args)]
pub struct PublishOptions {
    /// Topic to publish to, such as finance.stock, or a destination such as /queue/orders
    destination: Target,

    /// The message; without it each line of standard input is one
    #[arg(allow_negative_numbers = true)]
    body: Option<OsString>,

    /// Media type of the messages, such as application/json; none is told otherwise
    #[arg(long, value_name = "TYPE", env = "CARILLON_PUB_CONTENT_TYPE")]
    content_type: Option<String>,

    /// A header of your own for the messages; may be given several times
    #[arg(
        long = "header",
        value_name = "NAME=VALUE",
        env = "CARILLON_PUB_HEADER"
    )]
    headers: Vec<UserHeader>,

    /// Say nothing unless something goes wrong
    #[arg(short, long, env = "CARILLON_QUIET", value_parser = BoolishValueParser::new())]
    quiet: bool,

    #[command(flatten)]
    connection: ConnectionOptions,
}

/// Publishes, and returns when the server has confirmed everything.
///
/// # Errors
///
/// There is no connection, the input cannot be read, or the server refused a message. The text says how
/// far it went.
pub async fn publish(options: PublishOptions) -> anyhow::Result<()> {
    let mut publisher = Publisher::open(&options).await?;
    let outcome = match &options.body {
        Some(body) => publisher.message(body.as_encoded_bytes()).await,
        None => publisher.lines().await,
    };
    let summary = publisher.summary();
    if let Err(error) = outcome {
        bail!("{error}; {summary} before that");
    }
    publisher.connection.close().await;
    if !options.quiet {
        note(&summary);
    }
    Ok(())
}

struct Publisher<'o> {
    connection: Connection,
    options: &'o PublishOptions,
    headers: Vec<(&'o str, &'o str)>,
    /// The latest receipt asked for: the number of its message, from 1.
    receipt: String,
    sent: u64,
    /// All messages up to this one were confirmed.
    confirmed: u64,
}

impl<'o> Publisher<'o> {
    async fn open(options: &'o PublishOptions) -> anyhow::Result<Self> {
        let connection = Connection::open(&options.connection).await;
        let connection = connection.map_err(anyhow::Error::msg)?;
        let headers = options.headers.iter();
        Ok(Self {
            connection,
            options,
            headers: headers.map(UserHeader::as_pair).collect(),
            receipt: String::new(),
            sent: 0,
            confirmed: 0,
        })
    }

    async fn message(&mut self, body: &[u8]) -> anyhow::Result<()> {
        self.send(body);
        while self.confirmed < self.sent {
            self.connection.receive().await;
            self.note_receipts()?;
        }
        Ok(())
    }

    async fn lines(&mut self) -> anyhow::Result<()> {
        if io::stdin().is_terminal() && !self.options.quiet {
            note("each line is a message; end with Ctrl-D");
        }
        let mut lines = Lines::of_standard_input();
        while !lines.are_over() || self.confirmed < self.sent {
            self.send_lines(&mut lines)?;
            if self.connection.unsent_bytes() > 0 {
                self.connection.flush().await;
            } else {
                tokio::select! {
                    () = lines.receive(), if lines.are_wanted() => {}
                    () = self.connection.receive() => {}
                }
            }
            self.note_receipts()?;
        }
        Ok(())
    }

    /// Writes what lines there are, as far as the window goes.
    fn send_lines(&mut self, lines: &mut Lines) -> anyhow::Result<()> {
        while self.has_room() {
            let number = self.sent + 1;
            match lines.next_line() {
                Ok(Some(line)) => self.send(line),
                Ok(None) => break,
                Err(error) => bail!("line {number} of the input cannot be read: {error}"),
            }
        }
        Ok(())
    }

    const fn has_room(&self) -> bool {
        self.sent - self.confirmed < WINDOW && self.connection.unsent_bytes() < BATCH_BYTES
    }

    fn send(&mut self, body: &[u8]) {
        self.sent += 1;
        self.receipt.clear();
        // Writing to memory cannot fail.
        let _ = write!(self.receipt, "{}", self.sent);
        self.connection.send(&Send {
            destination: self.options.destination.as_stomp(),
            content_type: self.options.content_type.as_deref(),
            receipt: Some(&self.receipt),
            headers: &self.headers,
            body,
        });
    }

    fn note_receipts(&mut self) -> anyhow::Result<()> {
        loop {
            match self.connection.next_event() {
                Ok(Some(Event::Receipt(receipt))) => {
                    self.confirmed = receipt.parse().unwrap_or(self.confirmed);
                }
                Ok(Some(Event::Error(error))) => {
                    // Frames are processed in order: without a receipt it is the first unconfirmed one.
                    let number = error.receipt_id.as_ref().and_then(|id| id.parse().ok());
                    let number = number.unwrap_or(self.confirmed + 1);
                    bail!("{}: {}", self.options.refused(number), said(&error));
                }
                Ok(Some(_)) => {}
                Ok(None) => return Ok(()),
                Err(lost) => bail!("the connection was lost: {lost}"),
            }
        }
    }

    fn summary(&self) -> String {
        let plural = if self.confirmed == 1 { "" } else { "s" };
        let destination = &self.options.destination;
        format!(
            "published {} message{plural} to {destination}",
            self.confirmed
        )
    }
}

impl PublishOptions {
    fn refused(&self, number: u64) -> String {
        match self.body {
            Some(_) => "the message was refused".to_owned(),
            None => format!("line {number} was refused"),
        }
    }
}

/// How many messages may be unconfirmed.
const WINDOW: u64 = 4096;
/// Frames are sent together up to this size, and the one that passes it.
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

    #[test]
    fn what_cannot_be_published_is_refused_before_connecting() {
        let table: [(&[&str], &str); 5] = [
            (&["a.*"], "a wildcard cannot be part of a topic's name"),
            (&["/queue/a.*"], "a wildcard cannot be part"),
            (&["$SYS.figures"], "the broker alone"),
            (&["rect", "--header", "colour"], "NAME=VALUE"),
            (&["rect", "--server", "wss://h"], "not supported yet"),
        ];
        for (arguments, wanted) in table {
            let error = parse(arguments).unwrap_err();
            assert!(error.contains(wanted), "{arguments:?}: {error}");
        }
    }
}
