//! MQTT on top of the broker: the mapping of its topics, properties and reason codes.
//!
//! A session of MQTT is a session of the broker, and its subscriptions are cursors at every QoS. The sending half has
//! the messages in flight; no other state is kept for each subscriber and message. A session that outlives its
//! connection is stored with its reader ([`sessions`]), and continues when its client reconnects.

mod acknowledge;
mod arguments;
mod encoder;
mod end_session;
mod handler;
mod handshake;
mod housekeeping;
mod id_lock;
mod options;
mod persistence;
mod properties;
mod publish;
mod restore;
mod saved_session;
mod sessions;
mod shared_state;
mod subscribe;
#[cfg(test)]
mod tests;
mod will;

use std::{
    sync::Arc,
    task::{Context, Poll},
    time::Instant,
};

use broker::{Broker, Overflow, Pool, QuotaCharge, Reader, Session};
use wire::mqtt::{
    DisconnectReason, Due,
    server::{self, Disconnect, Fault, Request},
};

use crate::{
    access_control::{AccessControl, Principal},
    advisory::{Advisories, ConnectionAdvisories},
    connection::{CloseReason, Deliverer, Protocol, ReadCycle},
    context::ServerContext,
    storage::SubscriptionChange,
};
use acknowledge::Acknowledged;
pub use arguments::MqttArguments;
use encoder::{MqttEncoder, Settled};
pub use end_session::EndedSession;
pub use handler::MqttHandler;
pub use options::MqttOptions;
use persistence::Progress;
use publish::PublishState;
use saved_session::{SavedSession, Sent, Subscriptions, accept_qos_2_in_flight};
use sessions::{ClientIdGuard, DetachedSession};
pub use sessions::{ListedSession, Sessions};
use shared_state::SharedState;
use will::Will;

/// The receiving half of a connection, after CONNECT.
pub struct Mqtt {
    broker: Arc<Broker>,
    advisories: Arc<Advisories>,
    session: Arc<Session>,
    principal: Arc<Principal>,
    access: Arc<AccessControl>,
    /// Holds the client id until it is dropped.
    id_guard: Option<ClientIdGuard>,
    machine: server::Session,
    connection_advisories: ConnectionAdvisories,
    publish_state: PublishState,
    subscriptions: Subscriptions,
    /// The peer's acknowledgements in this read cycle.
    acknowledged: Vec<Acknowledged>,
    /// The settlements for the broker.
    settled: Vec<Settled>,
    /// The changes of the subscriptions in this read cycle, if the session survives a restart.
    changes: Vec<SubscriptionChange>,
    will: Option<Will>,
    session_expiry_s: u32,
    /// `Some` if the session survives a restart.
    progress: Option<Arc<Progress>>,
    /// The session's unit of the user's quota, if it outlives the connection and there are users.
    session_charge: Option<QuotaCharge>,
    /// True if the client is the bridge of another broker.
    is_bridge: bool,
    max_body_bytes: usize,
    /// The overflow rule of the subscriptions.
    overflow: Overflow,
    /// Maximum number of unacknowledged deliveries from queues.
    prefetch: usize,
}

/// The parts of a connection after CONNECT is accepted.
struct MqttParts {
    reader: Reader,
    id_guard: ClientIdGuard,
    machine: server::Session,
    subscriptions: Subscriptions,
    will: Option<Will>,
    session_expiry_s: u32,
    /// `Some` if the session survives a restart.
    progress: Option<Arc<Progress>>,
    /// The session's unit of the user's quota, if it outlives the connection and there are users.
    session_charge: Option<QuotaCharge>,
    /// True if the client is the bridge of another broker.
    is_bridge: bool,
    max_body_bytes: usize,
    /// The overflow rule of the subscriptions.
    overflow: Overflow,
    /// Maximum number of unacknowledged deliveries from queues.
    prefetch: usize,
}

impl Mqtt {
    fn new(context: &ServerContext, parts: MqttParts) -> (Self, Reader) {
        let MqttParts {
            reader,
            id_guard,
            machine,
            subscriptions,
            will,
            session_expiry_s,
            progress,
            session_charge,
            is_bridge,
            max_body_bytes,
            overflow,
            prefetch,
        } = parts;
        let session = Arc::clone(reader.session());
        let mut connection_advisories = ConnectionAdvisories::new(&context.advisories, &session);
        connection_advisories.report_start();
        let mqtt = Self {
            broker: Arc::clone(&context.broker),
            advisories: Arc::clone(&context.advisories),
            session,
            principal: Arc::clone(&context.principal),
            access: Arc::clone(&context.access),
            id_guard: Some(id_guard),
            machine,
            connection_advisories,
            publish_state: PublishState::default(),
            subscriptions,
            acknowledged: Vec::new(),
            settled: Vec::new(),
            changes: Vec::new(),
            will,
            session_expiry_s,
            progress,
            session_charge,
            is_bridge,
            max_body_bytes,
            overflow,
            prefetch,
        };
        if let Some(progress) = &mqtt.progress {
            progress.record_data(&mqtt.subscriptions, mqtt.will.as_ref(), session_expiry_s);
            progress.record_incoming(mqtt.machine.unreleased());
        }
        (mqtt, reader)
    }

    /// Records the changes of the subscriptions of a session that survives a restart. The replies of the cycle wait for it.
    fn record_changes(&mut self, cycle: &mut ReadCycle) {
        let changes = std::mem::take(&mut self.changes);
        if let Some(progress) = self.progress.as_ref().filter(|_| !changes.is_empty()) {
            // First, because a client does not request the retained messages of an existing subscription again.
            progress.record_retained();
            if !progress.record_changes(changes) {
                let expiry_s = self.session_expiry_s;
                progress.record_data(&self.subscriptions, self.will.as_ref(), expiry_s);
            }
            cycle.owed = cycle.owed.max(Some(progress.ticket()));
        }
    }

    /// Records the packet identifiers of received messages of QoS 2. The replies of the cycle wait for it.
    fn record_incoming(&self, cycle: &mut ReadCycle) {
        if let Some(progress) = &self.progress {
            progress.record_incoming(self.machine.unreleased());
            cycle.owed = cycle.owed.max(Some(progress.ticket()));
        }
    }

    /// Processes a request. The messages of a read cycle are published before any other request.
    fn request(&mut self, request: Request<'_>, cycle: &mut ReadCycle) -> Result<(), Refusal> {
        match request {
            Request::Publish(publish) => return Ok(self.publish(&publish, cycle)?),
            Request::Puback(ack) => self.push_acknowledged(Acknowledged::puback(&ack)),
            Request::Pubrec(ack) => self.push_acknowledged(Acknowledged::pubrec(&ack)),
            Request::Pubcomp(ack) => self.push_acknowledged(Acknowledged::Pubcomp(ack.packet_id)),
            other => {
                self.flush(cycle)?;
                self.request_after_flush(other, cycle)?;
            }
        }
        Ok(())
    }

    fn request_after_flush(
        &mut self,
        request: Request<'_>,
        cycle: &mut ReadCycle,
    ) -> Result<(), Refusal> {
        match request {
            Request::Pubrel(release) => {
                self.machine.pubcomp(release, &mut cycle.replies)?;
                self.record_incoming(cycle);
            }
            Request::Subscribe(packet) => {
                let started = Instant::now();
                self.subscribe(&packet, cycle)?;
                cycle.check_expensive_request(started);
            }
            Request::Unsubscribe(packet) => {
                let started = Instant::now();
                self.unsubscribe(&packet, cycle)?;
                cycle.check_expensive_request(started);
            }
            Request::Pingreq => self.machine.pingresp(&mut cycle.replies)?,
            Request::Disconnect(disconnect) => return Err(self.disconnect(&disconnect)),
            Request::Publish(_) | Request::Puback(_) | Request::Pubrec(_) | Request::Pubcomp(_) => {
            }
        }
        Ok(())
    }

    fn push_acknowledged(&mut self, acknowledged: Acknowledged) {
        self.acknowledged.push(acknowledged);
    }

    /// Processes DISCONNECT (5.0, 3.14.4).
    fn disconnect(&mut self, disconnect: &Disconnect) -> Refusal {
        if !disconnect.publishes_will() {
            self.will = None;
        }
        if let Some(seconds) = disconnect.session_expiry_s {
            self.session_expiry_s = seconds;
        }
        Refusal::Disconnected
    }

    fn receive_all(&mut self, input: &[u8], cycle: &mut ReadCycle) -> Result<usize, Refusal> {
        let mut at = 0;
        while cycle.has_time()
            && !self.must_wait(&input[at..], cycle)
            && let Some((request, taken)) = self.machine.request(&input[at..])?
        {
            at += taken;
            self.request(request, cycle)?;
        }
        Ok(at)
    }

    /// Informs the peer of its fault; the connection ends.
    fn refuse(&mut self, refusal: Refusal, cycle: &mut ReadCycle) -> CloseReason {
        match refusal {
            Refusal::Disconnected => CloseReason::ByPeer,
            Refusal::Fault(fault) => {
                self.machine.disconnect(&fault, &mut cycle.replies);
                CloseReason::Fault(fault.to_string())
            }
        }
    }

    /// Carries out the effects for other sessions.
    fn carry_out(&self, cycle: &mut ReadCycle) {
        cycle.carry_out(&self.advisories, &self.session);
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

impl Protocol for Mqtt {
    type Encoder = MqttEncoder;

    /// [MQTT-6.0.0-1].
    const IS_BINARY: bool = true;

    fn receive(&mut self, input: &[u8], cycle: &mut ReadCycle) -> Result<usize, CloseReason> {
        self.machine.received(cycle.now_ms);
        match self.receive_all(input, cycle) {
            Ok(used) => Ok(used),
            Err(refusal) => {
                // Packets before the fault are processed, and answered first.
                let refusal = match self.flush(cycle) {
                    Ok(()) => refusal,
                    Err(earlier) => Refusal::Fault(earlier),
                };
                Err(self.refuse(refusal, cycle))
            }
        }
    }

    fn has_data_for_encoder(&self) -> bool {
        !self.acknowledged.is_empty()
    }

    fn exchange_data(
        &mut self,
        encoder: &mut MqttEncoder,
        cycle: &mut ReadCycle,
    ) -> Result<(), CloseReason> {
        self.apply_acknowledgements(encoder, cycle);
        Ok(())
    }

    fn finish(&mut self, cycle: &mut ReadCycle) -> Result<(), CloseReason> {
        self.settle(cycle);
        self.record_changes(cycle);
        self.flush(cycle)
            .map_err(|fault| self.refuse(fault.into(), cycle))
    }

    fn deadline(&self) -> Option<u64> {
        self.machine.deadline()
    }

    fn on_deadline(&mut self, now_ms: u64, _: u64, _: &mut Vec<u8>) -> Result<(), CloseReason> {
        match self.machine.on_deadline(now_ms) {
            Due::PeerSilent { .. } => Err(CloseReason::Silent),
            Due::Nothing | Due::Ping | Due::HandshakeOverdue => Ok(()),
        }
    }

    fn reset_keep_alive(&mut self, now_ms: u64) {
        self.machine.received(now_ms);
    }

    fn poll_evicted(&mut self, context: &mut Context<'_>) -> Poll<CloseReason> {
        if self.principal.poll_revoked(context).is_ready() {
            return Poll::Ready(CloseReason::Revoked);
        }
        match &self.id_guard {
            Some(id_guard) => id_guard
                .poll_requested(context)
                .map(|()| CloseReason::TakenOver),
            None => Poll::Pending,
        }
    }

    fn on_close(
        &mut self,
        context: &ServerContext,
        deliverer: Deliverer<MqttEncoder>,
        close_reason: Option<&CloseReason>,
    ) {
        let Deliverer { reader, encoder } = deliverer;
        self.connection_advisories.report_end();
        // Dropped last: the next connection with this client id finds the session saved.
        let id_guard = self.id_guard.take();
        let keeps_session =
            self.session_expiry_s > 0 && !self.session.is_ended() && close_reason.is_some();
        let will = self.will.take();
        if !keeps_session {
            // QoS 2 deliveries in progress go to no other client ([MQTT-4.8.2-5]); messages of queues are redelivered.
            accept_qos_2_in_flight(
                context,
                &self.session,
                &encoder.into_outgoing(),
                Sent::is_shared,
            );
            context.end_session(&self.session);
            self.progress.iter().for_each(|one| one.record_end());
            will.into_iter().for_each(|will| will.publish(context));
            return;
        }
        let now_ms = context.clock.now_ms();
        let mut saved = SavedSession {
            reader,
            subscriptions: std::mem::take(&mut self.subscriptions),
            outgoing: encoder.into_outgoing(),
            incoming: self.machine.take_incoming(),
            charge: self.session_charge.take(),
        };
        saved.pause(context);
        let mut delayed_will = None;
        match will {
            Some(will) if will.delay_s() == 0 => will.publish(context),
            Some(will) => delayed_will = Some((now_ms + milliseconds(will.delay_s()), will)),
            None => {}
        }
        let ends_ms = now_ms + milliseconds(self.session_expiry_s);
        if let Some(id_guard) = id_guard {
            let detached = DetachedSession {
                saved,
                owner: self.principal.session_owner(),
                will: delayed_will,
                ends_ms,
                expiry_s: self.session_expiry_s,
                _charge: context.client.charge(Pool::Sessions, 1),
            };
            let progress = self.progress.take();
            progress.iter().for_each(|one| one.end());
            detached.record(context);
            progress.iter().for_each(|one| one.remove_changes());
            let evicted = id_guard.store_session(detached);
            if let Some(evicted) = evicted {
                evicted.end(context);
            }
        }
    }

    fn write_close(&mut self, close_reason: &CloseReason, replies: &mut Vec<u8>) {
        let reason = match close_reason {
            CloseReason::Silent => DisconnectReason::KeepAliveTimeout,
            CloseReason::TakenOver => DisconnectReason::SessionTakenOver,
            CloseReason::Stopping => DisconnectReason::ServerShuttingDown,
            CloseReason::Revoked => DisconnectReason::NotAuthorized,
            CloseReason::Administrative => DisconnectReason::AdministrativeAction,
            CloseReason::TooSlow
            | CloseReason::Unread
            | CloseReason::MessageTooSlow
            | CloseReason::MessageDropped => DisconnectReason::QuotaExceeded,
            // The peer has been informed, or no peer is left, or the reason does not occur after CONNECT.
            CloseReason::ByPeer
            | CloseReason::Fault(_)
            | CloseReason::LoginRefused(_)
            | CloseReason::Framing(_)
            | CloseReason::Io(_)
            | CloseReason::NoHandshake
            | CloseReason::Text => return,
        };
        let fault = Fault::refused(reason, close_reason.peer_text());
        self.machine.disconnect(&fault, replies);
    }
}

fn milliseconds(seconds: u32) -> u64 {
    u64::from(seconds) * 1_000
}
