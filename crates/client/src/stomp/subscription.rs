//! `carillon sub` over STOMP.
//!
//! For topics this client remembers the last message, to continue after it. For queues and durable
//! subscriptions the server keeps all messages that are not acknowledged.

use wire::stomp::{
    client::{Event, Message, Subscribe},
    header,
};

use super::{
    Connection,
    connection::{Stomp, error_text},
    destination::{display_name, normalized},
    options::SubscribeRequest,
    render,
};
use crate::{
    connect::ConnectError,
    feed::{Intake, Subscription, Taken, Window},
    follow::Failure,
    note,
    options::ConnectionOptions,
    render::Format,
};

pub(crate) struct StompSubscription<'o> {
    request: SubscribeRequest<'o>,
    connection: &'o ConnectionOptions,
    /// Id of the latest message.
    last_id: Option<String>,
}

impl<'o> StompSubscription<'o> {
    pub(crate) const fn new(
        request: SubscribeRequest<'o>,
        connection: &'o ConnectionOptions,
    ) -> Self {
        Self {
            request,
            connection,
            last_id: None,
        }
    }
}

impl Subscription for StompSubscription<'_> {
    type Machine = Stomp;
    type Ticket = String;

    async fn open(&mut self, _: u64) -> Result<Connection, ConnectError> {
        Connection::open(self.connection).await
    }

    fn subscribe(
        &mut self,
        connection: &mut Connection,
        intake: &mut Intake<String>,
    ) -> Result<(), Failure> {
        let window = intake.window().to_string();
        connection.subscribe(&Subscribe {
            id: SUBSCRIPTION,
            destination: self.request.source.as_stomp(),
            ack: self.request.ack(),
            since: self.since(),
            overflow: self.request.overflow(),
            receipt: Some(SUBSCRIPTION),
            headers: &self.request.headers(&window),
        });
        Ok(())
    }

    fn take_event(
        &mut self,
        connection: &mut Connection,
        intake: &mut Intake<String>,
    ) -> Result<Taken, Failure> {
        match connection.next_event()? {
            None => return Ok(Taken::Nothing),
            Some(Event::Message(message)) => self.message(&message, intake),
            Some(Event::Receipt(_)) => self.confirmed(intake),
            Some(Event::Error(error)) => {
                let refusal = intake
                    .state
                    .refusal(&self.request.source, error_text(&error));
                return Err(refusal);
            }
            Some(Event::Connected(_) | Event::HeartBeat) => {}
        }
        Ok(Taken::One)
    }

    /// Acknowledges the last message, which acknowledges all messages before it, too.
    fn acknowledge(&mut self, tickets: Vec<String>, connection: &mut Connection) {
        if let Some(ack) = tickets.last() {
            connection.ack(ack);
        }
    }

    fn unsubscribe(&mut self, connection: &mut Connection) {
        connection.unsubscribe(SUBSCRIPTION, None);
    }

    async fn close(&mut self, connection: Connection) {
        connection.close().await;
    }
}

impl StompSubscription<'_> {
    /// Returns the start of the subscription: after the latest message, else the user's option. The
    /// server knows the start of queues and durable subscriptions.
    fn since(&self) -> Option<&str> {
        let last_id = self.last_id.as_deref();
        let last_id = last_id.filter(|_| !self.request.is_kept());
        last_id.or(self.request.since())
    }

    fn message(&mut self, message: &Message<'_>, intake: &mut Intake<String>) {
        if self.request.browses() && message.headers.get(header::BROWSER).as_deref() == Some("end")
        {
            // The marker after the last message of a browsed queue.
            intake.reach_end();
            return;
        }
        let format = intake.format();
        let lines = &mut intake.printer.lines;
        if let Some(missed) = message.missed {
            let destination = normalized(&message.destination);
            let topic = display_name(&destination);
            match format {
                Format::Json => render::missed_record(topic, missed, lines),
                Format::Body | Format::DestinationAndBody => {
                    note(&render::missed_note(topic, missed));
                }
            }
        }
        render::message(format, message, lines);
        intake.message(message.ack().map(Into::into), Window::Filled);
        let last_id = self.last_id.get_or_insert_default();
        last_id.clear();
        last_id.push_str(&message.message_id);
    }

    fn confirmed(&self, intake: &mut Intake<String>) {
        intake.confirmed(&self.request.source.to_string());
        // Before the first message there is no message to continue after, unless the user named
        // one.
        let goes_on = self.last_id.is_some() || self.request.begins_at_a_message();
        if intake.state.was_lost() && !goes_on && !self.request.is_kept() {
            intake.note_gap();
        }
    }
}

/// The id of a connection's only subscription, and its receipt.
const SUBSCRIPTION: &str = "sub";
