//! MQTT on top of the broker, without sockets: `wire`'s client state machine with connections of one broker.

mod sessions;
mod simulation;

use std::{num::NonZeroU16, ops::ControlFlow, sync::Arc};

use broker::{Broker, Limits, Overflow};
use tokio::sync::watch;
use wire::mqtt::{
    QoS, Subscription, SubscriptionOptions, TopicFilter, TopicName, Version,
    client::{self, Client, Connect, Event, Publication, Topics},
    server::{Config, Handshake},
};

use super::{
    Mqtt, MqttOptions, SharedState, encoder::MqttEncoder, handshake::ConnectingClient,
    sessions::ClientIdGuard,
};
use crate::{
    advisory::Advisories,
    clock::{self, Clock},
    connection::{CloseReason, Deliverer, Encoder as _, Protocol as _, ReadCycle},
    context::ServerContext,
    partial_input::PartialInputBudget,
};

/// A broker, and the context of its connections.
struct TestServer {
    context: ServerContext,
    shared_state: SharedState,
    /// Maximum packet size of all clients.
    maximum_packet_size: u32,
}

/// The server's end of a connection.
struct ServerConnection {
    mqtt: Mqtt,
    /// The first bytes for the client.
    greeting: Vec<u8>,
    deliverer: Option<Deliverer<MqttEncoder>>,
    context: ServerContext,
}

impl TestServer {
    fn new() -> Self {
        Self::of(Limits::default())
    }

    fn of(limits: Limits) -> Self {
        let broker = Arc::new(Broker::new(1, limits));
        let (_, stopping) = watch::channel(false);
        let options = MqttOptions {
            machine: Config::DEFAULT,
            overflow: Overflow::DropOldest,
            inflight: 1_024,
            sessions: 100,
            body_bytes: 1 << 20,
        };
        Self {
            context: ServerContext {
                gate: Arc::default(),
                client: broker.pools().own_client(),
                advisories: Arc::new(Advisories::new(&broker)),
                broker,
                clock: Clock::start(),
                partial_input: PartialInputBudget::new(usize::MAX),
                session_log: None,
                stopping,
            },
            shared_state: SharedState::new(&options, None),
            maximum_packet_size: u32::MAX,
        }
    }

    /// Accepts a client that has sent CONNECT and no more; the connection that had its id has ended.
    async fn serve(&self, connect: &[u8]) -> ServerConnection {
        let mut handshake = Handshake::new(&self.shared_state.options.machine, 0);
        let (mut opened, taken) = handshake.connect(connect).expect("legal").expect("all");
        assert_eq!(taken, connect.len());
        opened.peer.maximum_packet_size = self.maximum_packet_size;
        let connecting = ConnectingClient::new(&self.shared_state, &self.context.client, opened)
            .expect("a legal will");
        let id_request = self.shared_state.sessions.request(&connecting.client);
        let held_client_id = id_request.acquire().await;
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
        }
    }
}

impl ServerConnection {
    /// Runs one read cycle with all of the input. Returns the reply.
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
        out.append(&mut cycle.replies);
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

    /// Appends the deliveries for the client, as far as it accepts them.
    fn deliver(&mut self, out: &mut Vec<u8>) {
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

    fn subscribe(&mut self, filter: &str, maximum_qos: QoS) {
        let subscription = Subscription {
            filter: TopicFilter::parse(filter).expect("a filter"),
            options: SubscriptionOptions {
                maximum_qos,
                ..SubscriptionOptions::default()
            },
        };
        let topics = Topics::Subscribe(&[subscription], None);
        let result = self.machine.request(&topics, &mut self.outgoing);
        result.expect("a valid request");
    }

    fn publish(&mut self, topic: &str, payload: &str, qos: QoS) {
        let publication = Publication {
            topic: TopicName::parse(topic).expect("a name"),
            qos,
            retain: false,
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
            self.receive();
            if self.received.len() == before && self.outgoing.is_empty() {
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
