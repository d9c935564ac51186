//! `carillon sub` over MQTT.
//!
//! The session holds the subscription and the unacknowledged messages. It outlives a lost
//! connection with `--reconnect`, and the end of the command with `--session-expiry`.

use wire::mqtt::{
    Suback, SubscribeReason,
    client::{Client, Config, Event, Message, Ticket, Topics},
};

use super::{
    connection::{Connection, Mqtt, SessionInfo, keep_alive_s},
    reason::{is_final, reason_text},
    record,
    subscribe_request::SubscribeRequest,
};
use crate::{
    connect::ConnectError,
    feed::{Intake, Subscription, Taken, Window},
    follow::Failure,
    note,
    options::ConnectionOptions,
};

pub(crate) struct MqttSubscription<'o> {
    request: SubscribeRequest<'o>,
    connection: &'o ConnectionOptions,
    /// The client state of the session, for the next connection.
    client: Client,
    /// The client identifier, from the user or assigned by the server; empty until then.
    client_id: String,
    session: SessionInfo,
    /// True if the server has confirmed the subscription: a session that the server kept has it.
    is_subscribed: bool,
}

impl<'o> MqttSubscription<'o> {
    pub(crate) fn new(request: SubscribeRequest<'o>, connection: &'o ConnectionOptions) -> Self {
        Self {
            client: Client::new(&Config::of(request.version())),
            client_id: connection.client_id.clone().unwrap_or_default(),
            request,
            connection,
            session: SessionInfo::default(),
            is_subscribed: false,
        }
    }
}

impl Subscription for MqttSubscription<'_> {
    type Machine = Mqtt;
    type Ticket = Ticket;

    async fn open(&mut self, window: u64) -> Result<Connection, ConnectError> {
        let keep_alive_s = keep_alive_s(self.connection.heart_beat);
        let mut connect = self.request.connect(&self.client_id, keep_alive_s, window);
        if self.is_subscribed && self.request.outlives_connection() {
            connect.clean_start = false;
        }
        let client = self.client.clone();
        let (connection, session) = Connection::open(self.connection, &connect, client).await?;
        if let Some(assigned) = &session.assigned_client_id {
            self.client_id.clone_from(assigned);
        }
        self.session = session;
        Ok(connection)
    }

    fn subscribe(
        &mut self,
        connection: &mut Connection,
        intake: &mut Intake<Ticket>,
    ) -> Result<(), Failure> {
        if self.is_subscribed && self.session.session_present {
            self.confirmed(intake);
            return Ok(());
        }
        let subscriptions = [self.request.subscription()];
        let requested = connection.request(&Topics::Subscribe(&subscriptions, None));
        match requested {
            Ok(_) => Ok(()),
            Err(error) => Err(Failure::Local(error.to_string())),
        }
    }

    fn take_event(
        &mut self,
        connection: &mut Connection,
        intake: &mut Intake<Ticket>,
    ) -> Result<Taken, Failure> {
        match connection.next_event()? {
            None => return Ok(Taken::Nothing),
            Some(Event::Message(message)) => take_message(&message, intake),
            Some(Event::Subscribed(suback)) => self.suback(&suback, intake)?,
            Some(Event::Disconnected(disconnected)) => {
                let reason = reason_text(disconnected.reason, &disconnected.properties);
                return Err(match is_final(disconnected.reason) {
                    true => Failure::EndedPermanently { reason },
                    false => Failure::Ended { reason },
                });
            }
            Some(
                Event::Connected(_)
                | Event::Refused(_)
                | Event::Published(_)
                | Event::Unsubscribed(_)
                | Event::Answered,
            ) => {}
        }
        Ok(Taken::One)
    }

    fn acknowledge(&mut self, tickets: Vec<Ticket>, connection: &mut Connection) {
        for ticket in tickets {
            connection.acknowledge(ticket);
        }
    }

    /// Does nothing: the session keeps the subscription, or ends with the connection.
    fn unsubscribe(&mut self, _: &mut Connection) {}

    async fn close(&mut self, connection: Connection) {
        // The acknowledgements have been written; they count even if the server does not answer in
        // time.
        let _ = connection.close(self.request.disconnect_expiry()).await;
    }

    async fn lost(&mut self, connection: Connection) {
        self.client = connection.into_client().await;
    }
}

impl MqttSubscription<'_> {
    fn suback(&mut self, suback: &Suback<'_>, intake: &mut Intake<Ticket>) -> Result<(), Failure> {
        let destination = self.request.filter.to_string();
        let wanted = SubscribeReason::granted(self.request.qos());
        match suback.reasons.iter().next() {
            Some(reason) if reason.is_failure() => {
                let reason = reason_text(reason, &suback.properties);
                return Err(Failure::Refused {
                    destination,
                    reason,
                });
            }
            Some(granted) if granted.code() < wanted.code() => {
                let (granted, wanted) = (granted.code(), wanted.code());
                note(&format!(
                    "the server granted QoS {granted} instead of QoS {wanted}"
                ));
            }
            _ => {}
        }
        self.is_subscribed = true;
        self.confirmed(intake);
        if intake.state.was_lost() {
            intake.note_gap();
        }
        Ok(())
    }

    fn confirmed(&self, intake: &mut Intake<Ticket>) {
        intake.confirmed(self.request.filter.as_str());
    }
}

fn take_message(message: &Message<'_>, intake: &mut Intake<Ticket>) {
    record::message(intake.format(), message, &mut intake.printer.lines);
    intake.message(message.ticket, Window::AtMost);
}
