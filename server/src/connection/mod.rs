//! One connection: one task that reads, and one out-state that whoever has something for the peer
//! drains.
//!
//! Generic over the [`Transport`], over the [`Framing`] between it and the protocol, and over the [`Protocol`]. What is read at
//! once is one batch: its publications enter the broker together, and the publishing task itself then
//! writes to the subscribers that became ready. Only where a subscriber's socket is full, or its
//! out-state is taken, does the subscriber's own task do it.

mod farewell;
mod framing;
mod inbound;
mod outlet;
mod prelude;
mod protocol;
mod task;
mod timer;
mod transport;
mod turn;

use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, TryLockError, Weak,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use broker::{Broker, Client, Leaving, Outcome, Peer, Reader, Session};
use tokio::{
    runtime::Handle,
    sync::{Notify, watch},
    task::yield_now,
    time::sleep,
};

pub use farewell::turn_away;
pub use framing::{Framing, Kind, Stream, WebSocket};
pub use outlet::Voice;
pub use prelude::Prelude;
pub use protocol::{Encoder, Ending, Protocol};
pub use transport::Transport;
pub use turn::{Turn, carry_out, deliver};

use crate::{
    advisory::Advisories,
    clock::{self, Clock},
    fairness::SLICE,
    gate::Gate,
    unfinished::{Share, Unfinished},
};
use inbound::Inbound;
use outlet::{Drained, Outlet, Progress};
use task::Task;

/// What a connection needs of the server.
#[derive(Clone)]
pub struct Surroundings {
    pub broker: Arc<Broker>,
    pub advisories: Arc<Advisories>,
    /// What the connection makes is charged to this one.
    pub client: Arc<Client>,
    pub clock: Clock,
    /// What is published passes here.
    pub gate: Arc<Gate>,
    pub unfinished: Arc<Unfinished>,
    /// True when the server stops.
    pub stopping: watch::Receiver<bool>,
}

impl Surroundings {
    /// Attaches a session, which delivers to nobody until it is [`serve`]d.
    pub fn attach(&self, name: Arc<str>) -> Reader {
        self.broker
            .attach_for(&self.client, name, Weak::<Nobody>::new())
    }

    /// Ends a session; what it held goes to others. One with many subscriptions is taken out of the broker little by
    /// little, while others go on.
    pub fn detach(&self, session: &Arc<Session>) {
        let begun = Instant::now();
        let mut leaving = self.broker.leave(session);
        while self.go_on_leaving(&mut leaving) {
            if begun.elapsed() >= SLICE
                && let Ok(runtime) = Handle::try_current()
            {
                runtime.spawn(see_off(self.clone(), leaving));
                return;
            }
        }
    }

    fn go_on_leaving(&self, leaving: &mut Leaving) -> bool {
        let mut outcome = Outcome::default();
        let now_ms = clock::unix_ms();
        let is_more = self.broker.go_on_leaving(leaving, now_ms, &mut outcome);
        carry_out(&mut outcome, &self.advisories, None);
        is_more
    }
}

/// Takes out of the broker what a session has left there, and rests as a connection does that asks for much.
async fn see_off(surroundings: Surroundings, mut leaving: Leaving) {
    loop {
        let begun = Instant::now();
        if !surroundings.go_on_leaving(&mut leaving) {
            return;
        }
        match turn::rest_behind(begun.elapsed()) {
            Duration::ZERO => yield_now().await,
            rest => sleep(rest).await,
        }
    }
}

/// The peer of a session that has none.
struct Nobody;

impl Peer for Nobody {
    fn deliver(&self) {}
    fn wake(&self) {}
}

/// What the connection's task and those who publish to it share.
struct Connection<T, F, E> {
    socket: T,
    outlet: Mutex<Outlet<F, E>>,
    session: Arc<Session>,
    /// Calls the task to drain.
    wake: Notify,
    last_sent_ms: AtomicU64,
    clock: Clock,
}

/// A connection at its beginning.
pub struct Opening<T, F, P: Protocol> {
    pub socket: T,
    pub framing: F,
    pub protocol: P,
    pub voice: Voice<P::Encoder>,
    pub received: Received,
    /// What the peer is told before all else, in the protocol's bytes.
    pub greeting: Vec<u8>,
}

/// What was read from a socket before its connection begins.
#[derive(Default)]
pub struct Received {
    /// Bytes of the protocol that the peer has not been answered.
    pub unread: Vec<u8>,
    /// Bytes of the framing behind them.
    pub unframed: Vec<u8>,
    /// How the peer writes, if it has written.
    pub kind: Option<Kind>,
}

/// Serves a peer until one side ends it.
///
/// No `async fn`, and the task in a box: what such a function is given, and what it makes of that, would both be part
/// of every future around it, for as long as the connection.
pub fn serve<T: Transport, F: Framing, P: Protocol>(
    surroundings: Surroundings,
    opening: Opening<T, F, P>,
) -> impl Future<Output = ()> + Send {
    let Opening {
        socket,
        framing,
        protocol,
        voice,
        received,
        greeting,
    } = opening;
    let session = Arc::clone(voice.reader.session());
    let kind = if P::IS_BINARY {
        Kind::Binary
    } else {
        Kind::Text
    };
    let mut outlet = Outlet::new(voice, kind);
    outlet.reply(&greeting);
    let connection = Arc::new(Connection {
        socket,
        outlet: Mutex::new(outlet),
        session: Arc::clone(&session),
        wake: Notify::new(),
        last_sent_ms: AtomicU64::new(surroundings.clock.now_ms()),
        clock: surroundings.clock,
    });
    let peer = Arc::downgrade(&connection);
    session.set_peer(peer);
    let share = Share::new(Arc::clone(&surroundings.unfinished));
    let inbound = Inbound::new(framing, protocol, share);
    let task = Box::new(Task::new(connection, surroundings, inbound));
    task.run(received)
}

impl<T: Transport, F: Framing, E: Encoder> Connection<T, F, E> {
    /// Drains the out-state, or leaves it to whoever has it: they look again before they go. Tells whether nothing
    /// is left for the task.
    fn drain_if_free(&self) -> bool {
        loop {
            let outlet = match self.outlet.try_lock() {
                Ok(outlet) => outlet,
                Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
                Err(TryLockError::WouldBlock) => return true,
            };
            if let Some(drained) = self.drain_and_release(outlet) {
                return drained.is_all();
            }
        }
    }

    /// Changes the out-state, drains it, and looks again if somebody found it taken.
    fn with_outlet(&self, change: impl FnOnce(&mut Outlet<F, E>)) -> Drained {
        let mut outlet = self.outlet();
        change(&mut outlet);
        loop {
            if let Some(drained) = self.drain_and_release(outlet) {
                return drained;
            }
            outlet = self.outlet();
        }
    }

    fn outlet(&self) -> MutexGuard<'_, Outlet<F, E>> {
        self.outlet.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Drains the out-state and lets it go; tells nothing when somebody found it taken and more is to be
    /// drained.
    fn drain_and_release(&self, mut outlet: MutexGuard<'_, Outlet<F, E>>) -> Option<Drained> {
        // Without a voice it may be another connection's session.
        let speaks = outlet.has_voice();
        if speaks {
            self.session.begin();
        }
        let (progress, wrote) = outlet.drain(&self.socket);
        let drained = Drained {
            progress,
            unread: outlet.unread_replies(),
            has_news: outlet.has_news(),
        };
        // Before the look, not after: who finds the out-state taken goes by what we see now.
        drop(outlet);
        if wrote {
            self.last_sent_ms
                .store(self.clock.now_ms(), Ordering::Relaxed);
        }
        let is_over = progress != Progress::Done || !speaks || !self.session.is_scheduled();
        is_over.then_some(drained)
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
