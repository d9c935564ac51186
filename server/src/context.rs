//! The context of a connection: the parts of the server that the connection uses, and the client that it belongs to.

use std::{
    future::poll_fn,
    sync::{Arc, Weak},
    time::{Duration, Instant},
};

use broker::{
    Blocked, Broker, Client, DetachingSession, Outcome, Peer, Permissions, Reader, Session,
};
use tokio::{
    runtime::Handle,
    sync::watch,
    task::yield_now,
    time::{self, sleep, timeout_at},
};

use crate::{
    access_control::{AccessControl, Principal},
    advisory::Advisories,
    clock::{self, Clock},
    connection_control::ConnectionControl,
    fairness::{TIME_SLICE, pause_after},
    gate::Gate,
    measurements::Measurements,
    partial_input::PartialInputBudget,
    storage::SessionLog,
    trace::Traces,
};

/// The parts of the server that a connection needs.
#[derive(Clone)]
pub struct ServerContext {
    /// The broker.
    pub broker: Arc<Broker>,
    /// Publishes the events of the connection's sessions.
    pub advisories: Arc<Advisories>,
    /// The client that the connection's objects are charged to.
    pub client: Arc<Client>,
    /// The user of the connection, with its rights.
    pub principal: Arc<Principal>,
    /// Checks credentials and rights.
    pub access: Arc<AccessControl>,
    /// The open connections and the bans.
    pub connections: Arc<ConnectionControl>,
    /// The server's clock.
    pub clock: Clock,
    /// All publications pass this gate.
    pub gate: Arc<Gate>,
    /// The budget of incomplete messages.
    pub partial_input: Arc<PartialInputBudget>,
    /// Counts what happens on the connection.
    pub measurements: Arc<Measurements>,
    /// The traces that operators watch.
    pub traces: Arc<Traces>,
    /// Records sessions of MQTT, if they survive a restart.
    pub session_log: Option<SessionLog>,
    /// True when the server stops.
    pub stopping: watch::Receiver<bool>,
}

impl ServerContext {
    /// Sets the user of the connection. If users have accounts, the connection's objects are charged to this user.
    pub fn set_principal(&mut self, principal: Arc<Principal>) {
        if let Some(account) = principal.account() {
            self.client = account.client(self.broker.pools());
        }
        self.principal = principal;
    }

    /// Creates a session. It delivers nothing until a connection is its peer.
    pub fn create_session(&self, name: Arc<str>) -> Reader {
        let reader = self
            .broker
            .attach_for(&self.client, name, Weak::<NoPeer>::new());
        self.restrict(reader.session());
        reader
    }

    /// Restricts a session to what its user may read.
    pub fn restrict(&self, session: &Session) {
        if !self.principal.is_open() {
            session.restrict(Arc::clone(&self.principal) as Arc<dyn Permissions>);
        }
    }

    /// Ends a session. Its unsettled messages go to other consumers. A session with many subscriptions is removed from
    /// the broker in steps, between which other tasks run.
    pub fn end_session(&self, session: &Arc<Session>) {
        let started = Instant::now();
        let mut detaching = self.broker.begin_detach(session);
        while self.continue_detach(&mut detaching) {
            if started.elapsed() >= TIME_SLICE
                && let Ok(runtime) = Handle::try_current()
            {
                runtime.spawn(finish_detach(self.clone(), detaching));
                return;
            }
        }
    }

    /// Waits until everything that was recorded up to now is on the disk.
    pub async fn wait_until_durable(&self) {
        durable(&self.broker, self.broker.newest_ticket()).await;
    }

    fn continue_detach(&self, detaching: &mut DetachingSession) -> bool {
        let mut outcome = Outcome::default();
        let now_ms = clock::unix_ms();
        let is_more = self.broker.continue_detach(detaching, now_ms, &mut outcome);
        self.advisories.carry_out(&mut outcome, None);
        is_more
    }
}

/// Waits until a ticket of the journal is complete.
pub async fn durable(broker: &Broker, ticket: Option<u64>) {
    if let Some(ticket) = ticket {
        let mut wait = broker.completion().wait_for(ticket);
        poll_fn(|context| wait.poll(context.waker())).await;
    }
}

/// Waits for subscriptions with the rule `block` that a message has found too far behind. Returns false if they have not caught up at
/// this time; the message is accepted in any case. The timer is created by the call, which needs a runtime of tokio, and not by the
/// first poll.
pub fn unblocked<'a>(
    broker: &'a Broker,
    blocked: &'a mut Blocked,
    until: time::Instant,
) -> impl Future<Output = bool> + use<'a> {
    let caught_up = poll_fn(|context| broker.poll_unblocked(blocked, context.waker()));
    let caught_up = timeout_at(until, caught_up);
    async { caught_up.await.is_ok() }
}

/// Maximum time that a publisher waits for subscriptions with the rule `block`.
pub const MAX_BLOCKED_TIME: Duration = Duration::from_secs(30);

/// Removes the rest of a session from the broker, with the same pauses as a connection with expensive requests.
async fn finish_detach(context: ServerContext, mut detaching: DetachingSession) {
    loop {
        let started = Instant::now();
        if !context.continue_detach(&mut detaching) {
            return;
        }
        match pause_after(started.elapsed()) {
            Duration::ZERO => yield_now().await,
            rest => sleep(rest).await,
        }
    }
}

/// The peer of a session without a connection.
struct NoPeer;

impl Peer for NoPeer {
    fn deliver(&self) {}
    fn wake(&self) {}
}
