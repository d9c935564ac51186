//! One connection: one task that reads, and one output state. Any task that has data for the peer may lock the output
//! state and write to the socket.
//!
//! A connection is generic over three parts: the [`Transport`], the [`Framing`] on it, and the [`Protocol`]. The result
//! of one read is one batch: its publications enter the broker together, and the publishing task itself then writes to
//! the subscribers that became ready. The subscriber's own task writes only if the socket is full or the output state
//! is taken.

mod closing;
mod end_log;
mod framing;
mod handshake_input;
mod held;
mod inbound;
mod outbound;
mod owed;
mod protocol;
mod read_cycle;
mod reply_waker;
mod scratch;
mod task;
mod timer;

use std::sync::{
    Arc, Mutex, MutexGuard, PoisonError, TryLockError,
    atomic::{AtomicU64, Ordering},
};

use broker::{Completion, Peer, Session};
use tokio::sync::Notify;

pub use closing::send_refusal;
pub use end_log::{EndedConnection, note_end};
pub use framing::{Framing, MessageType, Stream, WebSocket};
pub use handshake_input::HandshakeInput;
#[cfg(test)]
pub use held::HeldDeliveries;
pub use outbound::Deliverer;
#[cfg(test)]
pub use owed::OwedReplies;
pub use protocol::{CloseReason, Encoder, Protocol};
pub use read_cycle::ReadCycle;
pub use scratch::Scratch;

use crate::{
    clock::Clock, connection_control::OpenConnection, context::ServerContext,
    measurements::Measurements, partial_input::PartialMessage, trace::Tap, transport::Transport,
};
use inbound::Inbound;
use outbound::{Drained, Outbound, Progress};
use task::ConnectionTask;

/// The state that the connection's task and the publishing tasks share.
struct Connection<T, F, E> {
    socket: T,
    outbound: Mutex<Outbound<F, E>>,
    session: Arc<Session>,
    /// Wakes the connection's task, which then drains the output state.
    wake: Notify,
    last_sent_ms: AtomicU64,
    clock: Clock,
    /// The progress of the log, for replies and deliveries that wait for it.
    completion: Arc<Completion>,
    /// Counts the bytes of the socket.
    measurements: Arc<Measurements>,
}

/// The parts of which a connection consists at its start.
pub struct ConnectionParts<T, F, P: Protocol> {
    /// The transport.
    pub socket: T,
    /// The framing.
    pub framing: F,
    /// The receiving half of the protocol.
    pub protocol: P,
    /// The sending half.
    pub deliverer: Deliverer<P::Encoder>,
    /// Input that was read already.
    pub early_input: EarlyInput,
    /// The first bytes for the peer, in the protocol's encoding.
    pub greeting: Vec<u8>,
    /// The connection's place in the list of open connections.
    pub listed: Arc<OpenConnection>,
    /// Shows the connection to operators who trace it.
    pub tap: Tap,
}

/// Input that was read from a socket before its connection starts.
#[derive(Default)]
pub struct EarlyInput {
    /// Bytes of the protocol that have not been processed.
    pub unread: Vec<u8>,
    /// Bytes of the framing that follow `unread` and have not been decoded.
    pub unframed: Vec<u8>,
    /// The type of the peer's last message; `None` before the first.
    pub message_type: Option<MessageType>,
}

/// Serves a peer: completes the handshake, and then serves the connection that it returns until one side ends it. A
/// handshake that returns nothing has refused the peer. Keeps the guard to the end.
///
/// The handshake is boxed, so that its memory is free while the connection lasts.
pub fn serve_after<C, G>(
    handshake: impl Future<Output = Option<C>> + Send,
    guard: G,
) -> impl Future<Output = ()> + Send
where
    C: Future<Output = ()> + Send,
    G: Send,
{
    let handshake = Box::pin(handshake);
    async move {
        let Some(connection) = handshake.await else {
            return;
        };
        connection.await;
        drop(guard);
    }
}

/// Serves a peer until one side ends the connection.
///
/// This is not an `async fn`, and the task is boxed, so that the arguments and the task do not make every enclosing
/// future larger.
pub fn serve<T: Transport, F: Framing, P: Protocol>(
    context: ServerContext,
    parts: ConnectionParts<T, F, P>,
) -> impl Future<Output = ()> + Send {
    let ConnectionParts {
        socket,
        framing,
        protocol,
        deliverer,
        early_input,
        greeting,
        listed,
        tap,
    } = parts;
    let session = Arc::clone(deliverer.reader.session());
    let message_type = if P::IS_BINARY {
        MessageType::Binary
    } else {
        MessageType::Text
    };
    let mut outbound = Outbound::new(deliverer, message_type, tap.clone());
    outbound.push_replies(&greeting);
    let connection = Arc::new(Connection {
        socket,
        outbound: Mutex::new(outbound),
        session: Arc::clone(&session),
        wake: Notify::new(),
        last_sent_ms: AtomicU64::new(context.clock.now_ms()),
        clock: context.clock,
        completion: Arc::clone(context.broker.completion()),
        measurements: Arc::clone(&context.measurements),
    });
    let peer = Arc::downgrade(&connection);
    session.set_peer(peer);
    let partial_message = PartialMessage::new(Arc::clone(&context.partial_input));
    let inbound = Inbound::new(framing, protocol, partial_message, tap);
    let task = Box::new(ConnectionTask::new(connection, context, inbound, listed));
    task.run(early_input)
}

impl<T: Transport, F: Framing, E: Encoder> Connection<T, F, E> {
    /// Drains the output state if no other task has locked it. Otherwise does nothing, because the other task checks
    /// for new messages after it has released the lock. Returns false if the connection's task must continue.
    fn drain_if_free(&self) -> bool {
        loop {
            let outbound = match self.outbound.try_lock() {
                Ok(outbound) => outbound,
                Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
                Err(TryLockError::WouldBlock) => return true,
            };
            if let Some(drained) = self.drain_and_release(outbound) {
                return drained.is_complete();
            }
        }
    }

    /// Changes the output state and drains it. Drains it again if messages became readable in the meantime: the task
    /// that announced them may have failed to lock the output state.
    fn update_and_drain(&self, change: impl FnOnce(&mut Outbound<F, E>)) -> Drained {
        let mut outbound = self.outbound();
        change(&mut outbound);
        loop {
            if let Some(drained) = self.drain_and_release(outbound) {
                return drained;
            }
            outbound = self.outbound();
        }
    }

    fn outbound(&self) -> MutexGuard<'_, Outbound<F, E>> {
        self.outbound.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Drains the output state and releases it. Returns `None` if it must be drained again, because another task may
    /// have failed to lock it.
    fn drain_and_release(&self, mut outbound: MutexGuard<'_, Outbound<F, E>>) -> Option<Drained> {
        // After the deliverer was taken, another connection may have the session.
        let delivers = outbound.has_deliverer();
        if delivers {
            self.session.begin_drain();
        }
        let (progress, written) = outbound.drain(&self.socket, &self.completion);
        let drained = Drained {
            progress,
            unread_reply_bytes: outbound.unread_reply_bytes(),
            encoder_has_data: outbound.encoder_has_data(),
            held_ticket: outbound.held_ticket(),
        };
        // The lock is released before `is_scheduled` is checked: a task that could not lock the output state relies on
        // this check.
        drop(outbound);
        self.note_written(written);
        let is_over = progress != Progress::Done || !delivers || !self.session.is_scheduled();
        is_over.then_some(drained)
    }

    /// Notes that the socket has accepted this number of bytes.
    fn note_written(&self, bytes: usize) {
        if bytes > 0 {
            self.measurements.sent_bytes.add(bytes as u64);
            self.last_sent_ms
                .store(self.clock.now_ms(), Ordering::Relaxed);
        }
    }
}

impl<T: Transport, F: Framing, E: Encoder> Peer for Connection<T, F, E> {
    fn deliver(&self) {
        if !self.drain_if_free() {
            self.wake.notify_one();
        }
    }

    fn wake(&self) {
        self.wake.notify_one();
    }
}
