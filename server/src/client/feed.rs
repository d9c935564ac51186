//! A subscription: from its receipt on, events become lines of standard output.
//!
//! A feed outlives its connections: it remembers the message to go on after.

use broker::TopicFilter;
use tokio::sync::mpsc;
use wire::stomp::client::{Event, Message, Subscribe};

use super::{
    TOPIC_PREFIX,
    connect::{ConnectError, said},
    connection::{Connection, Lost},
    note,
    output::{Closed, Output},
    render::{self, Format},
    stop::{Stop, StopCause},
    subscribe::SubscribeOptions,
};

pub struct Feed<'o> {
    options: &'o SubscribeOptions,
    output: Output,
    /// What is to be printed next.
    lines: Vec<u8>,
    received: u64,
    last_id: Option<String>,
    /// The subscription of this connection stands.
    is_confirmed: bool,
    /// The subscription of an earlier connection stood.
    was_lost: bool,
}

/// Why a feed ends well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// All messages asked for were received.
    Complete,
    /// Standard output is closed.
    NobodyReads,
    Stopped(StopCause),
}

/// Why a connection does not serve the feed, or no longer.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    #[error(transparent)]
    Connect(#[from] ConnectError),
    #[error("the subscription to {filter} was refused: {said}")]
    Refused { filter: TopicFilter, said: String },
    #[error("the server ended the connection: {said}")]
    Ended { said: String },
    #[error("the connection was lost: {0}")]
    Lost(#[from] Lost),
}

impl Failure {
    /// Whether another connection may do better.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Connect(error) => error.is_transient(),
            Self::Refused { .. } | Self::Lost(Lost::Protocol(_)) => false,
            Self::Ended { .. } | Self::Lost(_) => true,
        }
    }
}

/// What a wait led to.
enum Turn<'f> {
    Arrived,
    Room(Result<mpsc::Permit<'f, Vec<u8>>, Closed>),
    Stopped(StopCause),
}

impl<'o> Feed<'o> {
    pub fn new(options: &'o SubscribeOptions) -> Self {
        Self {
            options,
            output: Output::to_standard_output(),
            lines: Vec::new(),
            received: 0,
            last_id: None,
            is_confirmed: false,
            was_lost: false,
        }
    }

    /// The messages received, over all connections.
    pub const fn received(&self) -> u64 {
        self.received
    }

    /// Whether the latest connection had a subscription that stood.
    pub const fn was_confirmed(&self) -> bool {
        self.is_confirmed
    }

    /// Prints what is left.
    pub async fn finish(self) -> std::io::Result<()> {
        self.output.finish(self.lines).await
    }

    /// Subscribes, and prints what arrives, for as long as the connection lasts.
    pub async fn run(
        &mut self,
        connection: &mut Connection,
        stop: &mut Stop,
    ) -> Result<Ending, Failure> {
        self.subscribe(connection);
        loop {
            self.take_events(connection)?;
            if self.is_complete() {
                return Ok(Ending::Complete);
            }
            let has_lines = !self.lines.is_empty();
            match turn(&self.output, has_lines, connection, stop).await {
                Turn::Arrived => {}
                Turn::Room(Ok(permit)) => permit.send(std::mem::take(&mut self.lines)),
                Turn::Room(Err(Closed)) => return Ok(Ending::NobodyReads),
                Turn::Stopped(cause) => return Ok(Ending::Stopped(cause)),
            }
        }
    }

    fn subscribe(&mut self, connection: &mut Connection) {
        self.was_lost |= std::mem::replace(&mut self.is_confirmed, false);
        connection.subscribe(&Subscribe {
            id: SUBSCRIPTION,
            destination: &format!("{TOPIC_PREFIX}{}", self.options.filter),
            since: self.last_id.as_deref().or(self.options.since()),
            overflow: self.options.overflow(),
            receipt: Some(SUBSCRIPTION),
            ..Subscribe::default()
        });
    }

    /// Takes what has arrived, as far as there is place for its lines.
    fn take_events(&mut self, connection: &mut Connection) -> Result<(), Failure> {
        while self.lines.len() < LINES_BYTES && !self.is_complete() {
            match connection.next_event()? {
                None => break,
                Some(Event::Message(message)) => self.message(&message),
                Some(Event::Receipt(_)) => self.confirmed(),
                Some(Event::Error(error)) => return Err(self.refusal(said(&error))),
                Some(Event::Connected(_) | Event::HeartBeat) => {}
            }
        }
        Ok(())
    }

    fn message(&mut self, message: &Message<'_>) {
        if let Some(missed) = message.missed {
            let topic = render::topic(message);
            match self.options.format() {
                Format::Json => render::missed_record(topic, missed, &mut self.lines),
                Format::Body | Format::TopicAndBody => note(&render::missed_note(topic, missed)),
            }
        }
        render::message(self.options.format(), message, &mut self.lines);
        self.received += 1;
        let last_id = self.last_id.get_or_insert_default();
        last_id.clear();
        last_id.push_str(&message.message_id);
    }

    fn confirmed(&mut self) {
        self.is_confirmed = true;
        if !self.options.quiet {
            note(&format!("subscribed to {}", self.options.filter));
        }
        // Before the first message there is no place to go on from, unless the user named one.
        if self.was_lost && self.last_id.is_none() && !self.options.begins_at_a_message() {
            note("messages may have been missed while there was no connection");
        }
    }

    fn refusal(&self, said: String) -> Failure {
        let filter = self.options.filter.clone();
        match self.is_confirmed {
            true => Failure::Ended { said },
            false => Failure::Refused { filter, said },
        }
    }

    fn is_complete(&self) -> bool {
        Some(self.received) == self.options.count
    }
}

/// Waits for whatever comes next. While lines wait to be printed the connection is kept alive, and reads
/// ahead as far as its own bound.
async fn turn<'f>(
    output: &'f Output,
    has_lines: bool,
    connection: &mut Connection,
    stop: &mut Stop,
) -> Turn<'f> {
    let may_arrive = !(has_lines && connection.is_lost());
    tokio::select! {
        permit = output.room(), if has_lines => Turn::Room(permit),
        () = connection.receive(), if may_arrive => Turn::Arrived,
        cause = stop.wait() => Turn::Stopped(cause),
    }
}

/// The one subscription of a connection, and its receipt.
const SUBSCRIPTION: &str = "sub";
/// How much may wait to be printed before no more is taken from the connection, and the message that
/// passes it.
const LINES_BYTES: usize = 64 << 10;
