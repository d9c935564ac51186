//! MQTT on top of the broker, without sockets: `wire`'s client state machine with connections of one broker.

mod owed_retained;
mod sessions;
mod simulation;

use std::{net::Ipv4Addr, num::NonZeroU16, ops::ControlFlow, rc::Rc, sync::Arc};

use broker::{Broker, Completion, Limits, Overflow};
use store::disk::simulated::SimulatedDisk;
use tokio::sync::watch;
use wire::mqtt::{
    QoS, Subscription, SubscriptionOptions, TopicFilter, TopicName, Version,
    client::{self, Client, Connect, Event, Publication, Topics},
    server::{Config, Handshake},
};

use super::{
    Mqtt, MqttOptions, SharedState,
    encoder::MqttEncoder,
    handshake::{ConnectingClient, LoggedIn},
    sessions::ClientIdGuard,
};
use crate::{
    access_control::{AccessControl, Login},
    advisory::Advisories,
    audit::AuditLog,
    clock::{self, Clock},
    connection::{
        CloseReason, Deliverer, Encoder as _, HeldDeliveries, OwedReplies, Protocol as _, ReadCycle,
    },
    connection_control::ConnectionControl,
    context::ServerContext,
    partial_input::PartialInputBudget,
    storage::test_log::TestLog,
};

/// A broker, and the context of its connections.
struct TestServer {
    context: ServerContext,
    shared_state: SharedState,
    /// Maximum packet size of all clients.
    maximum_packet_size: u32,
    /// `Some` if sessions and messages survive a restart.
    log: Option<Rc<TestLog>>,
}

/// The server's end of a connection.
struct ServerConnection {
    mqtt: Mqtt,
    /// The first bytes for the client.
    greeting: Vec<u8>,
    deliverer: Option<Deliverer<MqttEncoder>>,
    context: ServerContext,
    /// Replies that wait for the log.
    owed: OwedReplies,
    /// Deliveries that wait for the log.
    held: HeldDeliveries,
    log: Option<Rc<TestLog>>,
}

impl TestServer {
    fn new() -> Self {
        Self::of(Limits::default())
    }

    fn of(limits: Limits) -> Self {
        Self::with(Arc::new(Broker::new(1, limits)), None)
    }

    /// Starts a server on a disk, with everything that the disk has.
    fn on(disk: &SimulatedDisk) -> Self {
        let (log, sessions) = TestLog::open(disk);
        let server = Self::with(Arc::clone(log.broker()), Some(Rc::new(log)));
        server
            .shared_state
            .restore_sessions(sessions, &server.context);
        server.context.broker.end_restoration();
        server
    }

    fn with(broker: Arc<Broker>, log: Option<Rc<TestLog>>) -> Self {
        let session_log = log.as_ref().map(|log| log.session_log());
        let (_, stopping) = watch::channel(false);
        let access = Arc::new(AccessControl::new(None, AuditLog::none()));
        let options = MqttOptions {
            machine: Config::DEFAULT,
            overflow: Overflow::DropOldest,
            inflight: 1_024,
            sessions: 100,
            body_bytes: 1 << 20,
        };
        Self {
            context: ServerContext {
                principal: Arc::clone(access.open_principal()),
                access,
                connections: ConnectionControl::new(Clock::start()),
                gate: Arc::default(),
                client: broker.pools().own_client(),
                advisories: Arc::new(Advisories::new(&broker)),
                broker,
                clock: Clock::start(),
                partial_input: PartialInputBudget::new(usize::MAX),
                measurements: Arc::default(),
                traces: Arc::default(),
                session_log: session_log.clone(),
                stopping,
            },
            shared_state: SharedState::new(&options, session_log),
            maximum_packet_size: u32::MAX,
            log,
        }
    }

    /// Writes what has collected to the disk.
    fn sync(&self) {
        self.log.iter().for_each(|log| log.sync());
    }

    /// Accepts a client that has sent CONNECT and no more; the connection that had its id has ended.
    async fn serve(&self, connect: &[u8]) -> ServerConnection {
        let mut handshake = Handshake::new(&self.shared_state.options.machine, 0);
        let (mut opened, taken) = handshake.connect(connect).expect("legal").expect("all");
        assert_eq!(taken, connect.len());
        opened.peer.maximum_packet_size = self.maximum_packet_size;
        let logged_in = LoggedIn {
            login: Login::anonymous(None),
            address: Ipv4Addr::LOCALHOST.into(),
        };
        let mut context = self.context.clone();
        let connecting = ConnectingClient::new(&self.shared_state, &mut context, logged_in, opened)
            .expect("a legal will");
        let sessions = &self.shared_state.sessions;
        let id_request = sessions.request(&connecting.client, None);
        let held_client_id = id_request.expect("no other user").acquire().await;
        let id_guard = ClientIdGuard::new(
            &self.shared_state.sessions,
            &connecting.client,
            held_client_id,
        );
        let accepted = connecting.begin_session(&self.shared_state, &self.context, id_guard);
        let accepted = accepted.expect("an accepted client");
        let (mqtt, reader) = Mqtt::new(&self.context, accepted.parts);
        let encoder = MqttEncoder::new(&accepted.client_options, accepted.outgoing);
        ServerConnection {
            mqtt,
            greeting: accepted.greeting,
            deliverer: Some(Deliverer { reader, encoder }),
            context: self.context.clone(),
            owed: OwedReplies::default(),
            held: HeldDeliveries::default(),
            log: self.log.clone(),
        }
    }
}

impl ServerConnection {
    /// Runs one read cycle with all of the input. Returns the bytes that are due.
    fn cycle(&mut self, input: &[u8]) -> Result<Vec<u8>, CloseReason> {
        let mut cycle = ReadCycle::default();
        cycle.unix_ms = clock::unix_ms();
        let received = self.mqtt.receive(input, &mut cycle);
        let is_exchange_needed = self.mqtt.has_data_for_encoder() || self.encoder_has_data();
        if let Some(deliverer) = self.deliverer.as_mut().filter(|_| is_exchange_needed) {
            self.mqtt
                .exchange_data(&mut deliverer.encoder, &mut cycle)?;
        }
        self.mqtt.finish(&mut cycle)?;
        assert_eq!(received?, input.len(), "whole packets were sent");
        let mut out = std::mem::take(&mut self.greeting);
        self.owed.wait_for(cycle.owed, cycle.is_journal_full);
        self.owed.push(&cycle.replies, &mut out);
        self.deliver(&mut out);
        if self.encoder_has_data() {
            out.extend(self.cycle(&[])?);
        }
        Ok(out)
    }

    fn encoder_has_data(&self) -> bool {
        let deliverer = self.deliverer.as_ref();
        deliverer.is_some_and(|deliverer| deliverer.encoder.has_data_for_protocol())
    }

    fn completion(&self) -> Arc<Completion> {
        Arc::clone(self.context.broker.completion())
    }

    /// Returns true if bytes for the client wait for the log.
    fn is_waiting(&self) -> bool {
        self.held.ticket().is_some() || !self.owed.is_empty()
    }

    /// Appends the replies and the deliveries for the client, as far as it accepts them and the log has recorded them.
    fn deliver(&mut self, out: &mut Vec<u8>) {
        let completion = self.completion();
        self.owed.take_due(&completion, out);
        self.held.take_due(&completion, out);
        let mut round = Vec::new();
        self.encode(&mut round);
        let deliverer = self.deliverer.as_mut();
        let ticket = deliverer.and_then(|deliverer| deliverer.encoder.end_round());
        match self.held.must_hold(ticket, &completion) {
            true => self.held.push(ticket, &round),
            false => out.append(&mut round),
        }
    }

    fn encode(&mut self, out: &mut Vec<u8>) {
        let Some(Deliverer { reader, encoder }) = &mut self.deliverer else {
            return;
        };
        reader.session().begin_drain();
        encoder.resend(usize::MAX - out.len(), out);
        let mut is_done = !encoder.has_room();
        while !is_done {
            is_done = reader.drain(clock::unix_ms(), |delivery| {
                encoder.encode(&delivery, out);
                match encoder.has_room() {
                    true => ControlFlow::Continue(()),
                    false => ControlFlow::Break(()),
                }
            });
            is_done |= !encoder.has_room();
        }
    }

    /// Ends the connection.
    fn on_close(mut self, close_reason: &CloseReason) {
        if let Some(deliverer) = self.deliverer.take() {
            let context = self.context.clone();
            self.mqtt.on_close(&context, deliverer, Some(close_reason));
        }
    }
}

/// A client with its end of a connection.
struct Peer {
    name: String,
    machine: Client,
    connection: Option<ServerConnection>,
    /// Bytes to send.
    outgoing: Vec<u8>,
    /// Bytes received and not processed.
    incoming: Vec<u8>,
    /// Messages received and not yet checked.
    received: Vec<ReceivedMessage>,
    /// The session-present flag of the last CONNACK.
    session_present: Option<bool>,
}

/// A received message.
#[derive(Debug, Clone, PartialEq, Eq)]
struct ReceivedMessage {
    topic: String,
    payload: String,
    qos: QoS,
    retain: bool,
    duplicate: bool,
}

impl Peer {
    fn new(name: &str, version: Version) -> Self {
        Self {
            name: name.to_owned(),
            machine: Client::new(&client::Config::of(version)),
            connection: None,
            outgoing: Vec::new(),
            incoming: Vec::new(),
            received: Vec::new(),
            session_present: None,
        }
    }

    /// Connects with a session that outlives the connection. Returns whether the session is continued, which 3.1 does
    /// not report.
    async fn connect(&mut self, test_server: &TestServer) -> bool {
        let connect = Connect {
            client_id: &self.name.clone(),
            clean_start: false,
            session_expiry_s: 1_000,
            receive_maximum: NonZeroU16::new(8).expect("not 0"),
            ..Connect::default()
        };
        self.connect_as(test_server, &connect).await
    }

    async fn connect_as(&mut self, test_server: &TestServer, connect: &Connect<'_>) -> bool {
        let mut bytes = Vec::new();
        let result = self.machine.connect(connect, 0, &mut bytes);
        result.expect("a valid request");
        let mut connection = test_server.serve(&bytes).await;
        let answer = connection.cycle(&[]).expect("a connection");
        self.connection = Some(connection);
        self.incoming = answer;
        self.session_present = None;
        self.receive();
        self.session_present.expect("CONNACK")
    }

    /// Breaks the connection; bytes in transit are lost.
    fn break_connection(&mut self) {
        self.outgoing.clear();
        self.incoming.clear();
        if let Some(connection) = self.connection.take() {
            connection.on_close(&CloseReason::Io("broken".to_owned()));
        }
    }

    /// Notes that the server has crashed. The bytes in `incoming` had left it before.
    fn lose_server(&mut self) {
        self.outgoing.clear();
        // Without the end of the connection that a running server would process.
        self.connection = None;
        self.receive();
        self.outgoing.clear();
    }

    fn subscribe(&mut self, filter: &str, maximum_qos: QoS) {
        let options = SubscriptionOptions {
            maximum_qos,
            ..SubscriptionOptions::default()
        };
        self.subscribe_with(filter, options);
    }

    fn subscribe_with(&mut self, filter: &str, options: SubscriptionOptions) {
        let subscription = Subscription {
            filter: TopicFilter::parse(filter).expect("a filter"),
            options,
        };
        let topics = Topics::Subscribe(&[subscription], None);
        let result = self.machine.request(&topics, &mut self.outgoing);
        result.expect("a valid request");
    }

    fn unsubscribe(&mut self, filter: &str) {
        let filter = TopicFilter::parse(filter).expect("a filter");
        let result = self
            .machine
            .request(&Topics::Unsubscribe(&[filter]), &mut self.outgoing);
        result.expect("a valid request");
    }

    fn publish(&mut self, topic: &str, payload: &str, qos: QoS) {
        self.publish_with(topic, payload, qos, false);
    }

    /// Publishes a message that its topic retains.
    fn retain(&mut self, topic: &str, payload: &str, qos: QoS) {
        self.publish_with(topic, payload, qos, true);
    }

    fn publish_with(&mut self, topic: &str, payload: &str, qos: QoS, retain: bool) {
        let publication = Publication {
            topic: TopicName::parse(topic).expect("a name"),
            qos,
            retain,
            properties: wire::mqtt::Properties::EMPTY,
            payload: payload.as_bytes(),
            tag: 0,
        };
        let result = self.machine.publish(&publication, &mut self.outgoing);
        result.expect("a valid request");
    }

    /// Sends the pending bytes.
    fn send(&mut self) {
        let bytes = std::mem::take(&mut self.outgoing);
        if let Some(connection) = &mut self.connection {
            let answer = connection.cycle(&bytes).expect("nothing is wrong with it");
            self.incoming.extend(answer);
        }
    }

    /// Processes the received bytes, and acknowledges messages.
    fn receive(&mut self) {
        if let Some(connection) = &mut self.connection {
            connection.deliver(&mut self.incoming);
        }
        let bytes = std::mem::take(&mut self.incoming);
        let mut rest = &bytes[..];
        while let Some((event, used)) = self
            .machine
            .event(0, rest, &mut self.outgoing)
            .expect("packets")
        {
            rest = &rest[used..];
            match &event {
                Event::Connected(connected) => {
                    self.session_present = Some(connected.session_present);
                }
                Event::Message(message) => {
                    self.received.push(ReceivedMessage::of(message));
                    if let Some(ticket) = message.ticket {
                        self.machine.acknowledge(ticket, &mut self.outgoing);
                    }
                }
                _ => {}
            }
        }
        assert!(rest.is_empty(), "whole packets are sent");
    }

    /// Sends and receives until no more arrives. Returns the received messages.
    fn settle(&mut self) -> Vec<ReceivedMessage> {
        loop {
            let before = self.received.len();
            self.send();
            let log = self.connection.as_ref().and_then(|one| one.log.as_ref());
            log.iter().for_each(|log| log.sync());
            self.receive();
            let is_waiting = self.connection.as_ref().is_some_and(|one| one.is_waiting());
            if self.received.len() == before && self.outgoing.is_empty() && !is_waiting {
                return std::mem::take(&mut self.received);
            }
        }
    }
}

impl ReceivedMessage {
    fn of(message: &client::Message<'_>) -> Self {
        Self {
            topic: message.topic.as_str().to_owned(),
            payload: String::from_utf8_lossy(message.payload).into_owned(),
            qos: message.delivery.qos(),
            retain: message.retain,
            duplicate: message.is_duplicate(),
        }
    }
}
