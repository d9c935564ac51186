//! The open connections as an operator sees and ends them, and the clients that may not connect.

mod bans;
mod network;
mod rates;

use std::{
    collections::{BTreeMap, HashMap},
    num::NonZeroU16,
    sync::{
        Arc, Mutex, MutexGuard, OnceLock, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use broker::{ClientAddress, QuotaCharge, Session};

pub use bans::{Ban, BanTarget, Banned, Bans, TooManyBans, Visitor};
pub use network::Network;
use rates::RateMeter;
pub use rates::{MessageRates, MessageTotals};

use crate::{
    access_control::Principal,
    clock::{self, Clock},
};

/// The open connections and the bans.
pub struct ConnectionControl {
    open: Mutex<OpenState>,
    bans: Bans,
    /// Number of clients and requests that were refused because of a ban.
    refused: AtomicU64,
    clock: Clock,
}

#[derive(Default)]
struct OpenState {
    /// By their numbers.
    connections: BTreeMap<u64, Arc<OpenConnection>>,
    /// Their numbers, by the addresses of their sessions.
    by_session: HashMap<usize, u64>,
    last_id: u64,
}

/// An open connection with a session of the broker. Small, because there are many.
pub struct OpenConnection {
    id: u64,
    session: Arc<Session>,
    principal: Arc<Principal>,
    protocol: ClientProtocol,
    address: ClientAddress,
    port: Option<NonZeroU16>,
    since_unix_s: u32,
    client: OnceLock<Arc<str>>,
    must_end: AtomicBool,
    /// Its unit of the user's quota.
    charge: Mutex<Option<QuotaCharge>>,
    /// The rates that were last asked for.
    rates: RateMeter,
}

/// The description of a connection at its start.
pub struct NewConnection<'a> {
    /// The session in the broker.
    pub session: &'a Arc<Session>,
    /// The user.
    pub principal: &'a Arc<Principal>,
    /// The protocol.
    pub protocol: ClientProtocol,
    /// The address of the client.
    pub address: ClientAddress,
    /// The port of the client; `None` if a proxy does not name it, and for a Unix socket.
    pub port: Option<NonZeroU16>,
    /// The unit of the user's quota of connections, if there are users.
    pub charge: Option<QuotaCharge>,
}

/// The protocol of a client with a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClientProtocol {
    /// MQTT.
    Mqtt,
    /// STOMP.
    Stomp,
    /// Server-sent events over HTTP.
    Events,
}

impl ConnectionControl {
    /// Creates a list without connections, and no bans.
    pub fn new(clock: Clock) -> Arc<Self> {
        Arc::new(Self {
            open: Mutex::default(),
            bans: Bans::default(),
            refused: AtomicU64::new(0),
            clock,
        })
    }

    /// Lists a connection, until [`ConnectionControl::close`].
    pub fn open(&self, new: NewConnection<'_>) -> Arc<OpenConnection> {
        let NewConnection {
            session,
            principal,
            protocol,
            address,
            port,
            charge,
        } = new;
        let mut open = self.state();
        open.last_id += 1;
        let connection = Arc::new(OpenConnection {
            id: open.last_id,
            session: Arc::clone(session),
            principal: Arc::clone(principal),
            protocol,
            address,
            port,
            since_unix_s: u32::try_from(clock::unix_ms() / 1_000).unwrap_or(u32::MAX),
            client: OnceLock::new(),
            must_end: AtomicBool::new(false),
            charge: Mutex::new(charge),
            rates: RateMeter::default(),
        });
        let listed = Arc::clone(&connection);
        open.connections.insert(connection.id, listed);
        open.by_session.insert(address_of(session), connection.id);
        drop(open);
        // A ban that was added before the connection was listed did not find the connection.
        if self.check(&connection.visitor()).is_err() {
            connection.end();
        }
        connection
    }

    /// Removes a connection from the list.
    pub fn close(&self, connection: &OpenConnection) {
        let mut open = self.state();
        open.connections.remove(&connection.id);
        let session = address_of(&connection.session);
        // A later connection may have taken over the session.
        if open.by_session.get(&session) == Some(&connection.id) {
            open.by_session.remove(&session);
        }
    }

    /// Returns the connection with this number.
    pub fn find(&self, id: u64) -> Option<Arc<OpenConnection>> {
        self.state().connections.get(&id).map(Arc::clone)
    }

    /// Returns the connection of a session.
    pub fn of_session(&self, session: &Arc<Session>) -> Option<Arc<OpenConnection>> {
        let open = self.state();
        let id = open.by_session.get(&address_of(session))?;
        open.connections.get(id).map(Arc::clone)
    }

    /// Returns the connections after one, at most `max`, and the number of all.
    pub fn list(&self, after: u64, max: usize) -> (Vec<Arc<OpenConnection>>, usize) {
        let open = self.state();
        let found = open.connections.range(after.saturating_add(1)..).take(max);
        let found = found.map(|(_, connection)| Arc::clone(connection));
        (found.collect(), open.connections.len())
    }

    /// Ends the connection with this number. Returns it, or `None` if there is none.
    pub fn end(&self, id: u64) -> Option<Arc<OpenConnection>> {
        let connection = self.find(id)?;
        connection.end();
        Some(connection)
    }

    /// Returns the bans.
    pub fn bans(&self) -> &Bans {
        &self.bans
    }

    /// Checks whether a client may connect.
    ///
    /// # Errors
    /// The client is banned.
    pub fn check(&self, visitor: &Visitor<'_>) -> Result<(), Banned> {
        let checked = self.bans.check(visitor, self.clock.now_ms());
        if checked.is_err() {
            self.refused.fetch_add(1, Ordering::Relaxed);
        }
        checked
    }

    /// Returns the number of refusals by [`ConnectionControl::check`].
    pub fn refused_bans(&self) -> u64 {
        self.refused.load(Ordering::Relaxed)
    }

    /// Adds a ban for a time, and ends the connections that it concerns. Returns the number of the ban.
    ///
    /// # Errors
    /// There are too many bans.
    pub fn ban(&self, target: BanTarget, reason: &str, seconds: u64) -> Result<u64, TooManyBans> {
        let now_ms = self.clock.now_ms();
        let until_ms = now_ms.saturating_add(seconds.saturating_mul(1_000));
        let id = self.bans.add(target.clone(), reason, until_ms, now_ms)?;
        let mut after = 0;
        loop {
            let (page, _) = self.list(after, CONNECTIONS_AT_ONCE);
            let Some(last) = page.last() else {
                return Ok(id);
            };
            after = last.id;
            let banned = page.iter().filter(|one| target.includes(&one.visitor()));
            banned.for_each(|one| one.end());
        }
    }

    fn state(&self) -> MutexGuard<'_, OpenState> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl OpenConnection {
    /// Returns the number of the connection.
    pub fn id(&self) -> u64 {
        self.id
    }

    /// Returns the session.
    pub fn session(&self) -> &Arc<Session> {
        &self.session
    }

    /// Returns the user with its rights.
    pub fn principal(&self) -> &Arc<Principal> {
        &self.principal
    }

    /// Returns the user; `None` if the client is anonymous.
    pub fn user(&self) -> Option<&Arc<str>> {
        self.principal.user()
    }

    /// Returns the protocol.
    pub fn protocol(&self) -> ClientProtocol {
        self.protocol
    }

    /// Returns the address of the client.
    pub fn address(&self) -> ClientAddress {
        self.address
    }

    /// Returns the port of the client; `None` if a proxy does not name it.
    pub fn port(&self) -> Option<NonZeroU16> {
        self.port
    }

    /// Returns the time at which the connection was established, in Unix seconds.
    pub fn since_unix_s(&self) -> u32 {
        self.since_unix_s
    }

    /// Returns the client id, if the client has one.
    pub fn client(&self) -> Option<&Arc<str>> {
        match self.protocol {
            ClientProtocol::Mqtt => Some(self.session.name()),
            ClientProtocol::Stomp | ClientProtocol::Events => {
                self.client.get().or_else(|| self.principal.client())
            }
        }
    }

    /// Sets the client id, if it is not known from the login.
    pub fn set_client(&self, client: &str) {
        self.client.get_or_init(|| client.into());
    }

    /// Returns the rates of its messages, from the totals at a time in Unix milliseconds.
    pub fn rates(&self, totals: MessageTotals, now_ms: u64) -> MessageRates {
        let since_ms = u64::from(self.since_unix_s) * 1_000;
        self.rates.measure(totals, now_ms, since_ms)
    }

    /// Returns the description for bans.
    pub fn visitor(&self) -> Visitor<'_> {
        Visitor {
            user: self.user(),
            client: self.client(),
            address: self.address,
        }
    }

    /// Returns the connection's unit of the user's quota, because the connection ends.
    pub fn release_quota(&self) {
        let mut charge = self.charge.lock().unwrap_or_else(PoisonError::into_inner);
        drop(charge.take());
    }

    /// Returns true if an operator has ended the connection. Its task is woken when this changes.
    pub fn must_end(&self) -> bool {
        self.must_end.load(Ordering::SeqCst)
    }

    fn end(&self) {
        self.must_end.store(true, Ordering::SeqCst);
        self.session.wake();
    }
}

impl ClientProtocol {
    /// Returns the name in the API.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Mqtt => "mqtt",
            Self::Stomp => "stomp",
            Self::Events => "events",
        }
    }
}

/// Returns the address of a session in memory, which is unique as long as its connection is listed.
fn address_of(session: &Arc<Session>) -> usize {
    Arc::as_ptr(session).addr()
}

/// The connections that a new ban examines while it holds the lock of the list.
const CONNECTIONS_AT_ONCE: usize = 1_000;
