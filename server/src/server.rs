//! The parts of the server that all protocols share.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use broker::{Broker, Client, ClientAddress, Limits, Outcome, Overflow};
use tokio::sync::watch;

use crate::{
    access_control::{AccessControl, Principal},
    advisory::Advisories,
    audit::AuditLog,
    clock::{self, Clock},
    connection_control::ConnectionControl,
    context::ServerContext,
    figures::FiguresWithRates,
    gate::Gate,
    measurements::Measurements,
    partial_input::{PartialInputBudget, PartialMessage},
    queue_history::QueueHistory,
    storage::{DiskStatus, SessionLog, Storage},
    survey::SharedSurvey,
    trace::Traces,
    trusted_proxies::TrustedProxies,
};

/// The options that all parts of the server share.
#[derive(Debug, Clone)]
pub struct Options {
    /// The limits of the broker.
    pub limits: Limits,
    /// The rule for subscriptions that do not name one.
    pub overflow: Overflow,
    /// Maximum length of a body.
    pub max_body_bytes: usize,
    /// The peers that may name the address of their client.
    pub trusted_proxies: TrustedProxies,
}

impl Options {
    /// Returns the limit for the bytes of incomplete messages: an eighth of the memory for messages, and at least
    /// `MIN_LARGEST_MESSAGES` times the maximum size of a body.
    pub fn unfinished_bytes(&self) -> usize {
        let share = usize::try_from(self.limits.memory_bytes / 8).unwrap_or(usize::MAX);
        share.max(self.max_body_bytes.saturating_mul(MIN_LARGEST_MESSAGES))
    }
}

/// The broker, with the parts of the server that serve all protocols.
pub struct Server {
    /// The options.
    pub options: Options,
    /// The broker.
    pub broker: Arc<Broker>,
    /// Checks credentials and rights.
    pub access: Arc<AccessControl>,
    /// The open connections and the bans.
    pub connections: Arc<ConnectionControl>,
    /// Publishes the events of the broker.
    pub advisories: Arc<Advisories>,
    /// The server's clock.
    pub clock: Clock,
    /// The figures for people and pages.
    pub figures: FiguresWithRates,
    /// The depth and the rates of queues over the last hour.
    pub queue_history: QueueHistory,
    /// All publications pass this gate.
    pub gate: Arc<Gate>,
    /// The memory of incomplete messages.
    pub partial_input: Arc<PartialInputBudget>,
    /// The counts and measurements of the server about itself.
    pub measurements: Arc<Measurements>,
    /// The traces that operators watch.
    pub traces: Arc<Traces>,
    /// The queues and lags, for monitoring.
    pub survey: SharedSurvey,
    /// The producer of messages that are published over HTTP.
    pub http_name: Arc<str>,
    /// Records sessions of MQTT, if they survive a restart.
    pub session_log: Option<SessionLog>,
    /// The state of the disk; `None` if everything is in memory.
    pub disk: Option<DiskStatus>,
    /// True when the server stops.
    pub stopping: watch::Receiver<bool>,
    sessions: AtomicU64,
}

impl Server {
    /// Creates a server without ports, and with an empty broker in memory.
    pub fn new(options: Options, stopping: watch::Receiver<bool>) -> Arc<Self> {
        let broker = Arc::new(Broker::new(clock::unix_ms(), options.limits.clone()));
        let access = AccessControl::new(None, AuditLog::none());
        Self::with_broker(options, broker, None, access, stopping)
    }

    /// Creates a server without ports. `storage` is that of the broker.
    pub fn with_broker(
        options: Options,
        broker: Arc<Broker>,
        storage: Option<&Storage>,
        access: AccessControl,
        stopping: watch::Receiver<bool>,
    ) -> Arc<Self> {
        let clock = Clock::start();
        let disk = storage.map(Storage::disk_status);
        Arc::new(Self {
            access: Arc::new(access),
            connections: ConnectionControl::new(clock),
            advisories: Arc::new(Advisories::new(&broker)),
            figures: FiguresWithRates::new(&broker, disk.clone(), clock),
            survey: SharedSurvey::new(&broker),
            measurements: Arc::default(),
            traces: Arc::default(),
            broker,
            clock,
            queue_history: QueueHistory::default(),
            gate: Arc::default(),
            partial_input: PartialInputBudget::new(options.unfinished_bytes()),
            http_name: "http".into(),
            session_log: storage.map(Storage::session_log),
            disk,
            stopping,
            sessions: AtomicU64::new(0),
            options,
        })
    }

    /// Returns the context of a connection of this client and user.
    pub fn context(&self, client: Arc<Client>, principal: Arc<Principal>) -> ServerContext {
        ServerContext {
            client,
            principal,
            access: Arc::clone(&self.access),
            connections: Arc::clone(&self.connections),
            broker: Arc::clone(&self.broker),
            advisories: Arc::clone(&self.advisories),
            clock: self.clock,
            partial_input: Arc::clone(&self.partial_input),
            measurements: Arc::clone(&self.measurements),
            traces: Arc::clone(&self.traces),
            gate: Arc::clone(&self.gate),
            session_log: self.session_log.clone(),
            stopping: self.stopping.clone(),
        }
    }

    /// Returns a connection's share of the memory of incomplete messages.
    pub fn partial_message(&self) -> PartialMessage {
        PartialMessage::new(Arc::clone(&self.partial_input))
    }

    /// Returns the context of work that belongs to no connection, such as the end of a detached session.
    pub fn background_context(&self) -> ServerContext {
        let principal = Arc::clone(self.access.open_principal());
        self.context(self.broker.pools().own_client(), principal)
    }

    /// Returns the client at this address.
    pub fn client_at(&self, address: ClientAddress) -> Arc<Client> {
        self.broker.pools().client(address)
    }

    /// Returns the client of a connection of this user from this address.
    pub fn client_of(&self, principal: &Principal, address: ClientAddress) -> Arc<Client> {
        match principal.account() {
            Some(account) => account.client(self.broker.pools()),
            None => self.client_at(address),
        }
    }

    /// Carries out the outcome of a call that belongs to no session.
    pub fn carry_out(&self, outcome: &mut Outcome) {
        self.advisories.carry_out(outcome, None);
    }

    /// Returns a session name that is unique in this run.
    pub fn session_name(&self, listener: &str) -> Arc<str> {
        let number = self.sessions.fetch_add(1, Ordering::Relaxed) + 1;
        format!("{listener}-{number}").into()
    }

    /// Returns true once the server stops.
    pub fn is_stopping(&self) -> bool {
        *self.stopping.borrow()
    }
}

/// Even with a small `--memory`, incomplete messages may take this number of times the maximum body. Buffers are up to
/// twice as large as their content, so half as many of the largest messages fit.
const MIN_LARGEST_MESSAGES: usize = 8;
