//! One connection: one task that reads, and one out-state that whoever has something for the peer
//! drains.
//!
//! Generic over the [`Framing`] between protocol and socket, and over the [`Protocol`]. What is read at
//! once is one batch: its publications enter the broker together, and the publishing task itself then
//! writes to the subscribers that became ready. Only where a subscriber's socket is full, or its
//! out-state is taken, does the subscriber's own task do it.

mod framing;
mod inbound;
mod outlet;
mod protocol;
mod task;
mod timer;
mod turn;

use std::{
    io,
    sync::{
        Arc, Mutex, PoisonError, Weak,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use broker::{Broker, Peer, Session};
use socket2::{SockRef, TcpKeepalive};
use tokio::{
    net::TcpStream,
    sync::{Notify, watch},
};

pub use framing::{Framing, Kind, Stream, WebSocket};
pub use protocol::{Encoder, Ending, Protocol};
pub use turn::{Turn, deliver};

use crate::clock::Clock;
use outlet::{Drained, Outlet, Progress};
use task::Task;

/// What a connection needs of the server.
#[derive(Clone)]
pub struct Surroundings {
    pub broker: Arc<Broker>,
    pub clock: Clock,
    /// True when the server stops.
    pub stopping: watch::Receiver<bool>,
}

/// What the connection's task and those who publish to it share.
struct Connection<F, E> {
    socket: TcpStream,
    outlet: Mutex<Outlet<F, E>>,
    session: Arc<Session>,
    /// Calls the task to drain.
    wake: Notify,
    last_sent_ms: AtomicU64,
    clock: Clock,
}

/// Serves a peer until one side ends it. `early` was read from the socket before.
pub async fn serve<F: Framing, P: Protocol>(
    surroundings: Surroundings,
    (socket, early): (TcpStream, Vec<u8>),
    framing: F,
    name: Arc<str>,
    protocol: impl FnOnce(&Arc<Session>) -> (P, P::Encoder),
) {
    if let Err(error) = prepare(&socket) {
        tracing::debug!(%error, "cannot set a socket's options");
    }
    let mut protocol = Some(protocol);
    let mut inbound = None;
    let connection = Arc::new_cyclic(|weak: &Weak<Connection<F, P::Encoder>>| {
        let reader = surroundings.broker.attach(name, weak.clone());
        let session = Arc::clone(reader.session());
        let (machine, encoder) = protocol.take().expect("called once")(&session);
        inbound = Some(machine);
        Connection {
            socket,
            outlet: Mutex::new(Outlet::new(reader, encoder)),
            session,
            wake: Notify::new(),
            last_sent_ms: AtomicU64::new(surroundings.clock.now_ms()),
            clock: surroundings.clock,
        }
    });
    let protocol = inbound.expect("set above");
    Task::new(connection, surroundings, framing, protocol)
        .run(early)
        .await;
}

fn prepare(socket: &TcpStream) -> io::Result<()> {
    // Without it a small message waits for the acknowledgement of the one before.
    socket.set_nodelay(true)?;
    // Not every protocol has heart-beats: STOMP 1.0 has none. A peer that vanished must be noticed all the same.
    let keepalive = TcpKeepalive::new()
        .with_time(KEEPALIVE_AFTER)
        .with_interval(KEEPALIVE_EVERY);
    SockRef::from(socket).set_tcp_keepalive(&keepalive)
}

impl<F: Framing, E: Encoder> Connection<F, E> {
    /// Drains the out-state, or leaves it to whoever has it: they look again before they go.
    fn drain_if_free(&self) -> Progress {
        loop {
            let mut outlet = match self.outlet.try_lock() {
                Ok(outlet) => outlet,
                Err(std::sync::TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
                Err(std::sync::TryLockError::WouldBlock) => return Progress::Done,
            };
            self.session.begin();
            let progress = self.drain(&mut outlet);
            drop(outlet);
            if progress != Progress::Done || !self.session.is_scheduled() {
                return progress;
            }
        }
    }

    /// Changes the out-state, drains it, and looks again if somebody found it taken.
    fn with_outlet(&self, change: impl FnOnce(&mut Outlet<F, E>)) -> Drained {
        let mut change = Some(change);
        loop {
            let mut outlet = self.outlet.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(change) = change.take() {
                change(&mut outlet);
            }
            self.session.begin();
            let progress = self.drain(&mut outlet);
            let unread = outlet.unread_replies();
            // Before the look, not after: who finds the out-state taken goes by what we see now.
            drop(outlet);
            if progress != Progress::Done || !self.session.is_scheduled() {
                return Drained { progress, unread };
            }
        }
    }

    fn drain(&self, outlet: &mut Outlet<F, E>) -> Progress {
        let (progress, wrote) = outlet.drain(&self.socket);
        if wrote {
            self.last_sent_ms
                .store(self.clock.now_ms(), Ordering::Relaxed);
        }
        progress
    }
}

impl<F: Framing, E: Encoder> Peer for Connection<F, E> {
    fn deliver(&self) {
        if self.drain_if_free() != Progress::Done {
            self.wake.notify_one();
        }
    }

    fn wake(&self) {
        self.wake.notify_one();
    }
}

/// How long nothing is heard from a peer until the system asks whether it is there.
const KEEPALIVE_AFTER: Duration = Duration::from_secs(60);
/// How often it asks then, before it gives up: on Linux nine times.
const KEEPALIVE_EVERY: Duration = Duration::from_secs(15);
