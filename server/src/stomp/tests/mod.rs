//! STOMP on top of the broker, without sockets: frames in, frames out, on connections of one broker.
//!
//! Frames are written as `COMMAND; name:value; name:value | body`. Replies are in the same form, with the headers that
//! tests check.

mod acknowledgement;
mod advisories;
mod destinations;
mod faults;
mod rights_model;
mod rights_simulation;
mod subscriptions;
mod transactions;

use std::{net::Ipv4Addr, ops::ControlFlow, sync::Arc};

use access::Users;
use broker::{Broker, Limits, Overflow, Peer, Reader};
use tokio::sync::watch;
use wire::stomp::{self, Command, Decoder, Frame, HeartBeat, Item, Version, server::Config};

use super::{Stomp, StompOptions, encoder::StompEncoder};
use crate::{
    access_control::AccessControl,
    advisory::Advisories,
    audit::AuditLog,
    clock::{self, Clock},
    connection::{Encoder as _, Protocol as _, ReadCycle},
    connection_control::{ClientProtocol, ConnectionControl, NewConnection},
    context::ServerContext,
    partial_input::PartialInputBudget,
};

/// A broker, and the context of its connections.
struct TestServer {
    context: ServerContext,
    options: StompOptions,
}

/// A client's connection.
struct Client {
    stomp: Stomp,
    encoder: StompEncoder,
    reader: Reader,
    context: ServerContext,
    /// The headers of the last MESSAGE that identify it.
    ack: String,
    message_id: String,
    _peer: Arc<IgnoringPeer>,
}

/// A peer that ignores notifications: tests read explicitly.
struct IgnoringPeer;

impl Peer for IgnoringPeer {
    fn deliver(&self) {}

    fn wake(&self) {}
}

impl TestServer {
    fn new() -> Self {
        Self::with(Limits::default())
    }

    fn with(limits: Limits) -> Self {
        Self::of(limits, AccessControl::new(None, AuditLog::none()))
    }

    /// Returns a server with users. Its clients connect with [`TestServer::open_as`].
    fn with_users(users: Users) -> Self {
        Self::of(
            Limits::default(),
            AccessControl::new(Some(users), AuditLog::none()),
        )
    }

    fn of(limits: Limits, access: AccessControl) -> Self {
        let broker = Arc::new(Broker::new(1, limits));
        let (_, stopping) = watch::channel(false);
        let access = Arc::new(access);
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
                session_log: None,
                stopping,
            },
            options: StompOptions {
                limits: stomp::Limits::DEFAULT,
                session: Config {
                    heart_beat: HeartBeat::NONE,
                    ..Config::DEFAULT
                },
                overflow: Overflow::DropOldest,
                prefetch: 1_000,
                transaction_bytes: 10_000,
            },
        }
    }

    /// Returns a connection with version 1.2.
    fn client(&self, name: &str) -> Client {
        self.connect_with(name, "accept-version:1.2; host:h")
    }

    fn connect_with(&self, name: &str, headers: &str) -> Client {
        let mut client = self.open(name);
        let answer = client.send(&format!("CONNECT; {headers}"));
        assert!(answer[0].starts_with("CONNECTED"), "{answer:?}");
        client
    }

    /// Returns a connection without a CONNECT.
    fn open(&self, name: &str) -> Client {
        self.open_as(name, self.context.clone())
    }

    /// Returns a connection with the principal of the context, without a CONNECT.
    fn open_as(&self, name: &str, context: ServerContext) -> Client {
        let peer = Arc::new(IgnoringPeer);
        let weak: std::sync::Weak<IgnoringPeer> = Arc::downgrade(&peer);
        let reader = context.broker.attach(name.into(), weak);
        context.restrict(reader.session());
        let listed = context.connections.open(NewConnection {
            session: reader.session(),
            principal: &context.principal,
            protocol: ClientProtocol::Stomp,
            address: Ipv4Addr::LOCALHOST.into(),
            port: None,
            charge: None,
        });
        let (stomp, encoder) = Stomp::new(&context, &listed, &self.options);
        Client {
            stomp,
            encoder,
            reader,
            context,
            ack: String::new(),
            message_id: String::new(),
            _peer: peer,
        }
    }
}

impl Client {
    /// Sends a frame. Returns the reply frames, then the deliveries.
    fn send(&mut self, frame: &str) -> Vec<String> {
        self.send_all(&[frame])
    }

    /// Sends several frames at once.
    fn send_all(&mut self, frames: &[&str]) -> Vec<String> {
        let input: Vec<u8> = frames.iter().flat_map(|frame| encoded(frame)).collect();
        let mut cycle = ReadCycle::default();
        cycle.unix_ms = clock::unix_ms();
        let received = self.stomp.receive(&input, &mut cycle);
        let finished = self.stomp.finish(&mut cycle);
        let mut replies = self.read(&cycle.replies);
        if received.is_ok() && finished.is_ok() {
            replies.extend(self.receive());
        }
        replies
    }

    /// Returns the deliveries since the last call.
    fn receive(&mut self) -> Vec<String> {
        let mut bytes = Vec::new();
        self.reader.session().begin_drain();
        while !self.reader.drain(clock::unix_ms(), |delivery| {
            self.encoder.encode(&delivery, &mut bytes);
            ControlFlow::Continue(())
        }) {}
        self.read(&bytes)
    }

    /// Ends the connection.
    fn disconnect(self) {
        self.context.end_session(self.reader.session());
    }

    fn read(&mut self, mut bytes: &[u8]) -> Vec<String> {
        let mut decoder = Decoder::new(stomp::Limits::FROM_SERVER);
        decoder.set_version(Version::V1_2);
        let mut replies = Vec::new();
        while let Some((item, used)) = decoder.decode(bytes).expect("frames") {
            bytes = &bytes[used..];
            if let Item::Frame(frame) = item {
                let header = |name| frame.headers.get(name).unwrap_or_default().into_owned();
                if frame.command == Command::Message {
                    self.ack = header("ack");
                    self.message_id = header("message-id");
                }
                replies.push(describe(&frame));
            }
        }
        replies
    }
}

/// Encodes a frame.
fn encoded(text: &str) -> Vec<u8> {
    let (head, body) = text.split_once(" | ").unwrap_or((text, ""));
    let lines = head.split("; ").filter(|line| !line.is_empty());
    let head: String = lines.map(|line| format!("{line}\n")).collect();
    format!("{head}\n{body}\0").into_bytes()
}

/// Returns a frame in the form of the tests.
fn describe(frame: &Frame<'_>) -> String {
    let mut text = frame.command.to_string();
    for header in frame.headers {
        if SHOWN.contains(&header.raw_name) {
            text.push_str(&format!("; {}:{}", header.raw_name, header.value()));
        }
    }
    let body = String::from_utf8_lossy(frame.body);
    if !body.is_empty() {
        text.push_str(&format!(" | {body}"));
    }
    text
}

/// The headers that are shown.
const SHOWN: [&str; 14] = [
    "subscription",
    "destination",
    "redelivered",
    "JMSXDeliveryCount",
    "browser",
    "reply-to",
    "missed",
    "receipt-id",
    "message",
    "original-destination",
    "dlqDeliveryFailureCause",
    "consumerCount",
    "producerCount",
    "content-type",
];

/// No frames.
const NO_FRAMES: [&str; 0] = [];
