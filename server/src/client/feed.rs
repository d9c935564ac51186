//! A subscription: from its receipt on, events become lines of standard output.
//!
//! A feed outlives its connections. Of topics it remembers the message to go on after; queues and durable
//! subscriptions are remembered by the server, up to what was acknowledged.

use wire::stomp::{
    client::{Event, Message, Subscribe},
    header,
};

use super::{
    connect::said,
    connection::Connection,
    destination::shown,
    follow::{Ending, Failure, Standing, Work},
    note,
    output::Closed,
    printer::Printer,
    render::{self, Format},
    stop::{Stop, StopCause},
    subscribe::SubscribeOptions,
};

pub struct Feed<'o> {
    options: &'o SubscribeOptions,
    printer: Printer,
    received: u64,
    last_id: Option<String>,
    standing: Standing,
    /// Everything in the queue that is looked at was seen.
    is_at_end: bool,
}

/// What a wait led to.
enum Turn {
    Arrived,
    /// Which message to acknowledge.
    Printed(Result<Option<String>, Closed>),
    Stopped(StopCause),
}

impl<'o> Feed<'o> {
    pub fn new(options: &'o SubscribeOptions) -> Self {
        Self {
            options,
            printer: Printer::to_standard_output(),
            received: 0,
            last_id: None,
            standing: Standing::default(),
            is_at_end: false,
        }
    }

    /// The messages received, over all connections.
    pub const fn received(&self) -> u64 {
        self.received
    }

    /// Prints what is left.
    pub async fn finish(self) -> std::io::Result<()> {
        self.printer.finish().await
    }
}

impl Work for Feed<'_> {
    /// Subscribes, and prints what arrives.
    async fn run(
        &mut self,
        connection: &mut Connection,
        stop: &mut Stop,
    ) -> Result<Ending, Failure> {
        self.subscribe(connection);
        let ending = self.follow(connection, stop).await?;
        self.settle(connection, stop).await;
        Ok(ending)
    }

    fn standing(&self) -> &Standing {
        &self.standing
    }
}

impl Feed<'_> {
    fn subscribe(&mut self, connection: &mut Connection) {
        self.standing.begin();
        let wanted = self.wanted();
        let window = self.printer.acknowledgements.begin(wanted).to_string();
        connection.subscribe(&Subscribe {
            id: SUBSCRIPTION,
            destination: self.options.source.as_stomp(),
            ack: self.options.ack(),
            since: self.since(),
            overflow: self.options.overflow(),
            receipt: Some(SUBSCRIPTION),
            headers: &self.options.headers(&window),
        });
    }

    /// Where to begin: what is kept for this client needs no place to go on from.
    fn since(&self) -> Option<&str> {
        let last_id = self.last_id.as_deref();
        let last_id = last_id.filter(|_| !self.options.is_kept());
        last_id.or(self.options.since())
    }

    async fn follow(
        &mut self,
        connection: &mut Connection,
        stop: &mut Stop,
    ) -> Result<Ending, Failure> {
        loop {
            self.take_events(connection)?;
            if self.is_complete() {
                return Ok(Ending::Complete);
            }
            match self.turn(connection, stop).await {
                Turn::Arrived => {}
                Turn::Printed(Ok(acknowledged)) => acknowledge(acknowledged, connection),
                Turn::Printed(Err(Closed)) => return Ok(Ending::NobodyReads),
                Turn::Stopped(cause) => return Ok(Ending::Stopped(cause)),
            }
        }
    }

    /// Prints and acknowledges what was received, for otherwise somebody would be given it again.
    async fn settle(&mut self, connection: &mut Connection, stop: &mut Stop) {
        while !self.printer.acknowledgements.are_complete() && !connection.is_lost() {
            match self.turn(connection, stop).await {
                Turn::Arrived => {}
                Turn::Printed(Ok(acknowledged)) => acknowledge(acknowledged, connection),
                Turn::Printed(Err(Closed)) | Turn::Stopped(_) => break,
            }
        }
        // In one with the last acknowledgement, so that it is not answered with more messages.
        connection.unsubscribe(SUBSCRIPTION, None);
    }

    /// Takes what has arrived, as far as there is place for its lines.
    fn take_events(&mut self, connection: &mut Connection) -> Result<(), Failure> {
        while !self.printer.is_full() && !self.is_complete() {
            match connection.next_event()? {
                None => break,
                Some(Event::Message(message)) => self.message(&message),
                Some(Event::Receipt(_)) => self.confirmed(),
                Some(Event::Error(error)) => {
                    let source = &self.options.source;
                    return Err(self.standing.refusal(source, said(&error)));
                }
                Some(Event::Connected(_) | Event::HeartBeat) => {}
            }
        }
        Ok(())
    }

    fn message(&mut self, message: &Message<'_>) {
        if self.options.browse && message.headers.get(header::BROWSER).as_deref() == Some("end") {
            self.is_at_end = true;
            return;
        }
        if let Some(missed) = message.missed {
            let topic = shown(&message.destination);
            match self.options.format() {
                Format::Json => render::missed_record(topic, missed, &mut self.printer.lines),
                Format::Body | Format::DestinationAndBody => {
                    note(&render::missed_note(topic, missed))
                }
            }
        }
        render::message(self.options.format(), message, &mut self.printer.lines);
        self.received += 1;
        let wanted = self.wanted();
        self.printer
            .acknowledgements
            .received(message.ack(), wanted);
        let last_id = self.last_id.get_or_insert_default();
        last_id.clear();
        last_id.push_str(&message.message_id);
    }

    fn confirmed(&mut self) {
        self.standing.confirm();
        if !self.options.quiet {
            note(&format!("subscribed to {}", self.options.source));
        }
        // Before the first message there is no place to go on from, unless the user named one.
        let goes_on = self.last_id.is_some() || self.options.begins_at_a_message();
        if self.standing.was_lost() && !goes_on && !self.options.is_kept() {
            note("messages may have been missed while there was no connection");
        }
    }

    /// How many more messages are, if not all.
    fn wanted(&self) -> Option<u64> {
        let count = self.options.count?;
        Some(count.saturating_sub(self.received))
    }

    fn is_complete(&self) -> bool {
        self.is_at_end || self.wanted() == Some(0)
    }

    /// Waits for whatever comes next. While lines wait to be printed the connection is kept alive, and reads
    /// ahead as far as its own bound.
    async fn turn(&mut self, connection: &mut Connection, stop: &mut Stop) -> Turn {
        let may_arrive = self.printer.lines.is_empty() || !connection.is_lost();
        tokio::select! {
            printed = self.printer.progress() => Turn::Printed(printed),
            () = connection.receive(), if may_arrive => Turn::Arrived,
            cause = stop.wait() => Turn::Stopped(cause),
        }
    }
}

fn acknowledge(message: Option<String>, connection: &mut Connection) {
    if let Some(ack) = message {
        connection.ack(&ack);
    }
}

/// The one subscription of a connection, and its receipt.
const SUBSCRIPTION: &str = "sub";
