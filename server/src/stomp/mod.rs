//! STOMP on top of the broker: the mapping of its destinations, headers and errors.

mod acknowledge;
mod encoder;
mod ended_subscriptions;
mod handler;
mod login;
mod options;
mod send;
mod subscribe;
mod temporary;
#[cfg(test)]
mod tests;
mod transaction;
mod unsubscribe;

use std::{
    collections::HashMap,
    sync::Arc,
    task::{Context, Poll},
    time::Instant,
};

use broker::{Broker, Session};
use destination::stomp::Misspelled;
use wire::stomp::{
    self, Due, header,
    server::{self, Fault, Greeting, Identity, Request},
};

use crate::{
    access_control::{AccessControl, Forbidden},
    advisory::{Advisories, ConnectionAdvisories},
    connection::{CloseReason, Protocol, ReadCycle},
    connection_control::{ConnectionControl, OpenConnection},
    context::ServerContext,
    trace::{ProtocolVersion, Tap},
};
use encoder::StompEncoder;
use ended_subscriptions::EndedSubscriptions;
use handler::BANNED;
pub use handler::StompHandler;
pub use options::StompOptions;
use send::SendState;
use subscribe::Subscribed;
use temporary::Temporaries;
use transaction::Transactions;

/// The receiving half of a connection.
pub struct Stomp {
    broker: Arc<Broker>,
    advisories: Arc<Advisories>,
    session: Arc<Session>,
    access: Arc<AccessControl>,
    connections: Arc<ConnectionControl>,
    /// The connection's place in the list of open connections, with its user.
    listed: Arc<OpenConnection>,
    options: StompOptions,
    machine: server::Session,
    decoder: stomp::Decoder,
    connection_advisories: ConnectionAdvisories,
    send_state: SendState,
    subscriptions: HashMap<Identity<'static>, Subscribed>,
    ended: EndedSubscriptions,
    transactions: Transactions,
    temporaries: Temporaries,
    tap: Tap,
}

impl Stomp {
    pub fn new(
        context: &ServerContext,
        listed: &Arc<OpenConnection>,
        options: &StompOptions,
    ) -> (Self, StompEncoder) {
        let session = listed.session();
        let ServerContext {
            broker,
            advisories,
            clock,
            access,
            connections,
            ..
        } = context;
        let stomp = Self {
            broker: Arc::clone(broker),
            advisories: Arc::clone(advisories),
            session: Arc::clone(session),
            access: Arc::clone(access),
            connections: Arc::clone(connections),
            listed: Arc::clone(listed),
            options: *options,
            machine: server::Session::new(&options.session, clock.now_ms()),
            decoder: stomp::Decoder::new(options.limits),
            connection_advisories: ConnectionAdvisories::new(advisories, session),
            send_state: SendState::new(session.name()),
            subscriptions: HashMap::new(),
            ended: EndedSubscriptions::default(),
            transactions: Transactions::new(
                options.transaction_bytes,
                Arc::clone(session.client()),
            ),
            temporaries: Temporaries::default(),
            tap: Tap::new(&context.traces, listed, None),
        };
        (stomp, StompEncoder::new(broker))
    }

    /// Processes a request. The messages of a read cycle are published before any other request.
    fn request(&mut self, request: Request<'_>, cycle: &mut ReadCycle) -> Result<(), Refusal> {
        if !matches!(request, Request::Send(_) | Request::HeartBeat) {
            self.publish(cycle)?;
        }
        match request {
            Request::HeartBeat => Ok(()),
            Request::Connect(connect) => self.connect(&connect, cycle),
            Request::Send(send) => self.send(&send, cycle),
            Request::Subscribe(subscribe) => {
                let started = Instant::now();
                let done = self.subscribe(&subscribe, cycle);
                cycle.check_expensive_request(started);
                done
            }
            Request::Unsubscribe(unsubscribe) => {
                let started = Instant::now();
                let done = self.unsubscribe(&unsubscribe, cycle);
                cycle.check_expensive_request(started);
                done
            }
            Request::Ack(ack) => self.ack(&ack, cycle),
            Request::Nack(nack) => self.nack(&nack, cycle),
            Request::Begin(begin) => self.begin(&begin, cycle),
            Request::Commit(commit) => self.commit(&commit, cycle),
            Request::Abort(abort) => self.abort(&abort, cycle),
            Request::Disconnect(disconnect) => {
                self.receipt(disconnect.receipt.as_deref(), cycle);
                return Err(Refusal::Disconnected);
            }
        }?;
        Ok(())
    }

    fn connect(
        &mut self,
        connect: &server::Connect<'_>,
        cycle: &mut ReadCycle,
    ) -> Result<(), Fault> {
        if let Some(client_id) = connect.client_id.as_deref().filter(|id| !id.is_empty()) {
            self.send_state.producer = client_id.into();
            self.listed.set_client(client_id);
            let checked = self.connections.check(&self.listed.visitor());
            checked.map_err(|banned| Fault::refused(BANNED, banned.to_string(), None))?;
        }
        let greeting = Greeting {
            server: SERVER,
            session: self.session.name(),
        };
        self.machine
            .connected(cycle.now_ms, &greeting, &mut cycle.replies);
        let version = self.machine.version();
        self.decoder.set_version(version);
        self.tap.set_version(ProtocolVersion::Stomp(version));
        self.connection_advisories.report_start();
        Ok(())
    }

    /// Returns the tap, which shows the connection to operators who trace it.
    pub fn tap(&self) -> &Tap {
        &self.tap
    }

    /// Returns the `client-id` of CONNECT, or an empty text.
    fn client(&self) -> &str {
        self.listed.client().map_or("", |client| client)
    }

    /// Returns the fault of a request for which a right is missing, and counts it.
    fn forbidden(&self, forbidden: &Forbidden, receipt: Option<&str>) -> Fault {
        self.access
            .note_forbidden(self.listed.principal(), forbidden);
        Fault::refused("not authorized", forbidden.to_string(), receipt)
    }

    /// Carries out the effects for other sessions.
    fn carry_out(&self, cycle: &mut ReadCycle) {
        cycle.carry_out(&self.advisories, &self.session);
    }

    fn receipt(&self, receipt: Option<&str>, cycle: &mut ReadCycle) {
        if let Some(receipt) = receipt {
            // It promises that the subscription or the acknowledgement survives a restart.
            cycle.owed = cycle.owed.max(self.broker.newest_ticket());
            self.machine.receipt(receipt, &mut cycle.replies);
        }
    }

    /// Informs the peer of its fault; the connection ends.
    fn refuse(&mut self, refusal: Refusal, cycle: &mut ReadCycle) -> CloseReason {
        match refusal {
            Refusal::Disconnected => CloseReason::ByPeer,
            Refusal::Fault(fault) => {
                self.machine.error(&fault, &mut cycle.replies);
                CloseReason::Fault(fault.to_string())
            }
        }
    }

    fn receive_all(&mut self, input: &[u8], cycle: &mut ReadCycle) -> Result<usize, Refusal> {
        let mut at = 0;
        while cycle.has_time()
            && !self.must_wait(&input[at..], cycle)
            && let Some((item, used)) = self.decoder.decode(&input[at..]).map_err(Fault::from)?
        {
            at += used;
            let request = self.machine.request(item)?;
            self.request(request, cycle)?;
        }
        Ok(at)
    }
}

/// The reason why no further request is processed.
enum Refusal {
    Disconnected,
    Fault(Fault),
}

impl From<Fault> for Refusal {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

impl Protocol for Stomp {
    type Encoder = StompEncoder;

    fn receive(&mut self, input: &[u8], cycle: &mut ReadCycle) -> Result<usize, CloseReason> {
        self.machine.received(cycle.now_ms);
        match self.receive_all(input, cycle) {
            Ok(used) => Ok(used),
            Err(refusal) => {
                // Frames before the fault are processed, and their receipts come before the ERROR.
                let refusal = match self.publish(cycle) {
                    Ok(()) => refusal,
                    Err(earlier) => Refusal::Fault(earlier),
                };
                Err(self.refuse(refusal, cycle))
            }
        }
    }

    fn finish(&mut self, cycle: &mut ReadCycle) -> Result<(), CloseReason> {
        self.publish(cycle)
            .map_err(|fault| self.refuse(fault.into(), cycle))
    }

    fn deadline(&self) -> Option<u64> {
        self.machine.deadline()
    }

    fn on_deadline(
        &mut self,
        now_ms: u64,
        last_sent_ms: u64,
        out: &mut Vec<u8>,
    ) -> Result<(), CloseReason> {
        self.machine.sent(last_sent_ms);
        match self.machine.on_deadline(now_ms) {
            Due::Nothing => Ok(()),
            Due::HeartBeat => {
                stomp::heart_beat(out);
                Ok(())
            }
            Due::PeerSilent { .. } => Err(CloseReason::Silent),
            Due::HandshakeOverdue => Err(CloseReason::NoHandshake),
        }
    }

    fn reset_keep_alive(&mut self, now_ms: u64) {
        self.machine.received(now_ms);
    }

    fn poll_evicted(&mut self, context: &mut Context<'_>) -> Poll<CloseReason> {
        let revoked = self.listed.principal().poll_revoked(context);
        revoked.map(|()| CloseReason::Revoked)
    }

    fn write_close(&mut self, close_reason: &CloseReason, replies: &mut Vec<u8>) {
        self.connection_advisories.report_end();
        let message = match close_reason {
            CloseReason::Stopping => "the server is stopping",
            CloseReason::TooSlow => "too slow",
            CloseReason::NoHandshake => "no CONNECT in time",
            CloseReason::Silent => "no heart-beat",
            CloseReason::Unread => "replies unread",
            CloseReason::MessageTooSlow => "frame too slow",
            CloseReason::MessageDropped => "too many frames are arriving",
            CloseReason::Revoked => "rights changed",
            CloseReason::Administrative => "ended by an operator",
            // The peer has been informed, or no peer is left, or the reason does not occur in this
            // protocol.
            CloseReason::ByPeer
            | CloseReason::Fault(_)
            | CloseReason::LoginRefused(_)
            | CloseReason::Framing(_)
            | CloseReason::Io(_)
            | CloseReason::Text
            | CloseReason::TakenOver => return,
        };
        let fault = Fault::refused(message, close_reason.peer_text(), None);
        self.machine.error(&fault, replies);
    }
}

/// Returns the fault of a frame whose header `destination` has the invalid value `text`.
fn misspelled(error: Misspelled, text: &str, receipt: Option<&str>) -> Fault {
    match error {
        Misspelled::Name(error) => {
            Fault::refused("invalid destination", error.to_string(), receipt)
        }
        Misspelled::Form(expected) => {
            Fault::invalid_header(header::DESTINATION, text, expected, receipt)
        }
    }
}

const SERVER: &str = concat!("Carillon/", env!("CARGO_PKG_VERSION"));
