//! The sessions of MQTT clients, by client id: connected ones, and the saved state of detached ones (5.0, 4.1).
//!
//! A detached session is a session of the broker with a reader that is not drained: its cursors stay in place and lag
//! within the usual bounds. It ends when it expires. The number of detached sessions is limited: a new one ends
//! another, first one with nothing to lose, then one without messages of QoS 1 or 2 for its client, and of these the
//! one detached longest.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Bound,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, Weak,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll},
};

use broker::Charge;
use wire::mqtt::QoS;

use super::{
    id_lock::{ClientIdLock, ClientIdRequest, HeldClientId},
    options::DeliveryOptions,
    persistence::Progress,
    saved_session::SavedSession,
    will::Will,
};
use crate::{access_control::SessionOwner, context::ServerContext, storage::SessionLog};

/// The sessions of all clients.
pub struct Sessions {
    state: Mutex<State>,
    /// Maximum number of detached sessions.
    max: usize,
    /// Records sessions, if they survive a restart.
    log: Option<SessionLog>,
    /// Sessions ended to make room.
    ended_early: AtomicU64,
}

#[derive(Default)]
struct State {
    /// By id, so that a listing can continue after the last page.
    clients: BTreeMap<Arc<str>, Client>,
    /// The next time of work for a detached session, in milliseconds of the server's clock.
    due: BTreeSet<(u64, Arc<str>)>,
    /// The order in which sessions are ended to make room. An entry may be outdated, because messages may have arrived since; it is
    /// checked when room is needed.
    eviction_order: BTreeSet<(EvictionCost, u64, Arc<str>)>,
    /// Number of sessions that were detached so far.
    detach_count: u64,
    detached_count: usize,
}

/// The loss to the client if its session is ended to make room.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum EvictionCost {
    /// No subscription and no message in flight.
    Nothing,
    Subscriptions,
    /// Messages of QoS 1 or 2 that its client has not got.
    Messages,
}

/// A session in a listing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedSession {
    /// The client id.
    pub client: Arc<str>,
    /// `Some` for a detached session.
    pub detached: Option<ListedDetached>,
}

/// The state of a detached session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ListedDetached {
    /// Number of subscriptions.
    pub subscriptions: usize,
    /// True if messages of QoS 1 or 2 wait for the client.
    pub has_messages: bool,
    /// Time of expiry, in milliseconds of the server's clock.
    pub ends_ms: u64,
}

#[derive(Default)]
struct Client {
    /// The user to whom the client id belongs as long as this entry exists; `None` if the client is anonymous.
    user: Option<Arc<str>>,
    id_lock: Arc<ClientIdLock>,
    /// The progress of a connected session that survives a restart.
    progress: Weak<Progress>,
    detached: Option<Box<StoredSession>>,
}

/// A session without a connection.
pub struct DetachedSession {
    /// The saved session.
    pub saved: SavedSession,
    /// The user to whom it belongs.
    pub owner: SessionOwner,
    /// The will, and the time of its publication if the client does not reconnect.
    pub will: Option<(u64, Will)>,
    /// The time of expiry; times are milliseconds of the server's clock.
    pub ends_ms: u64,
    /// Seconds between the end of the connection and the end of the session.
    pub expiry_s: u32,
    /// The charge for the detached session.
    pub _charge: Charge,
}

/// A detached session, with its place in the order of eviction.
struct StoredSession {
    session: DetachedSession,
    eviction_cost: EvictionCost,
    detach_number: u64,
}

/// Work that is due.
pub enum DueWork {
    /// The publication of a client's will whose delay is over.
    Will(Arc<str>, Will),
    /// The end of a session, and the will to be published with it.
    End(Box<SavedSession>, Option<Will>),
}

/// A client id in use by a connection. Dropping it passes the client id to the next waiting connection.
pub struct ClientIdGuard {
    sessions: Arc<Sessions>,
    client: Arc<str>,
    /// `Some` until the value is dropped.
    held_client_id: Option<HeldClientId>,
}

impl Sessions {
    /// Creates an empty table for at most this many detached sessions.
    pub fn new(max: usize, log: Option<SessionLog>) -> Arc<Self> {
        Arc::new(Self {
            state: Mutex::default(),
            max,
            log,
            ended_early: AtomicU64::new(0),
        })
    }

    /// Returns the number of sessions ended to make room for others.
    pub fn ended_early(&self) -> u64 {
        self.ended_early.load(Ordering::Relaxed)
    }

    /// Returns the sessions after this client id, at most `max`, and whether there are more.
    pub fn list(&self, after: Option<&str>, max: usize) -> (Vec<ListedSession>, bool) {
        let state = self.state();
        let start = after.map_or(Bound::Unbounded, Bound::Excluded);
        let mut found = state.clients.range::<str, _>((start, Bound::Unbounded));
        let page = found.by_ref().take(max);
        let page = page.map(|(client, client_entry)| ListedSession {
            client: Arc::clone(client),
            detached: client_entry
                .detached
                .as_ref()
                .map(|stored| stored.session.listed()),
        });
        (page.collect(), found.next().is_some())
    }

    /// Adds a session of an earlier run.
    pub fn restore(&self, client: &Arc<str>, session: DetachedSession) {
        let mut state = self.state();
        let entry = state.clients.entry(Arc::clone(client)).or_default();
        entry.user.clone_from(&session.owner.user);
        state.store(client, session);
    }

    /// Returns the progress of the connected sessions that survive a restart.
    pub fn connected_progress(&self) -> Vec<Arc<Progress>> {
        let state = self.state();
        let clients = state.clients.values();
        clients
            .filter_map(|client| client.progress.upgrade())
            .collect()
    }

    /// Returns whether this client has a session, connected or not.
    pub fn has(&self, client: &str) -> bool {
        self.state().clients.contains_key(client)
    }

    /// Requests a client id for a user; the connection that has it is woken, and ends. Returns `None` if the client id belongs
    /// to another user: a connection of that user has it, or that user has a session under it. The session of an anonymous client
    /// belongs to the user that continues it.
    pub fn request(&self, client: &Arc<str>, user: Option<&Arc<str>>) -> Option<ClientIdRequest> {
        let mut state = self.state();
        let client = state.clients.entry(Arc::clone(client)).or_default();
        match &client.user {
            Some(owner) if Some(owner) != user => return None,
            Some(_) => {}
            None => client.user = user.cloned(),
        }
        Some(client.id_lock.request())
    }

    /// Requests a client id to end its connection and session, whatever user owns it.
    pub fn request_to_end(&self, client: &Arc<str>) -> ClientIdRequest {
        let mut state = self.state();
        let client = state.clients.entry(Arc::clone(client)).or_default();
        client.id_lock.request()
    }

    /// Returns the number of detached sessions.
    pub fn detached_count(&self) -> usize {
        self.state().detached_count
    }

    /// Returns the work that is due; at most `max` items.
    pub fn take_due(&self, now_ms: u64, max: usize) -> Vec<DueWork> {
        let mut state = self.state();
        let mut found = Vec::new();
        while found.len() < max
            && let Some((at_ms, _)) = state.due.first()
            && *at_ms <= now_ms
            && let Some((_, client)) = state.due.pop_first()
        {
            let due = state.take_due(Arc::clone(&client), now_ms);
            if let (Some(DueWork::End(..)), Some(log)) = (&due, &self.log) {
                // With the lock held: afterwards the client may have a new session.
                log.remove(&client);
            }
            found.extend(due);
        }
        found
    }

    /// Records that the will of a detached session was published.
    pub fn record_published_will(&self, client: &Arc<str>, context: &ServerContext) {
        let state = self.state();
        let known = state.clients.get(client);
        if let Some(stored) = known.and_then(|client| client.detached.as_ref()) {
            stored.session.record(context);
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Returns the work of `client`, which is no longer listed as due.
    fn take_due(&mut self, client: Arc<str>, now_ms: u64) -> Option<DueWork> {
        let detached = &mut self.clients.get_mut(&client)?.detached.as_mut()?.session;
        if detached.ends_ms > now_ms {
            let (_, will) = detached.will.take()?;
            self.due.insert((detached.ends_ms, Arc::clone(&client)));
            return Some(DueWork::Will(client, will));
        }
        let DetachedSession { saved, will, .. } = *self.take(&client)?;
        self.remove_if_unused(&client);
        Some(DueWork::End(Box::new(saved), will.map(|(_, will)| will)))
    }

    fn take(&mut self, client: &Arc<str>) -> Option<Box<DetachedSession>> {
        let stored = *self.clients.get_mut(client)?.detached.take()?;
        let client = Arc::clone(client);
        let place = (
            stored.eviction_cost,
            stored.detach_number,
            Arc::clone(&client),
        );
        self.eviction_order.remove(&place);
        self.due.remove(&(stored.session.due_ms(), client));
        self.detached_count -= 1;
        Some(Box::new(stored.session))
    }

    fn store(&mut self, client: &Arc<str>, detached: DetachedSession) {
        let Some(client_entry) = self.clients.get_mut(client) else {
            return;
        };
        let stored = StoredSession {
            eviction_cost: detached.saved.eviction_cost(),
            detach_number: self.detach_count,
            session: detached,
        };
        let place = (
            stored.eviction_cost,
            stored.detach_number,
            Arc::clone(client),
        );
        self.due
            .insert((stored.session.due_ms(), Arc::clone(client)));
        self.eviction_order.insert(place);
        self.detach_count += 1;
        self.detached_count += 1;
        client_entry.detached = Some(Box::new(stored));
    }

    /// Removes the session with the lowest cost; of several, the one that was detached first. A session that got
    /// messages since its last check gets a new place in the order.
    fn evict_one(&mut self) -> Option<Box<DetachedSession>> {
        for _ in 0..MAX_CHECKED {
            let (eviction_cost, detach_number, client) = self.eviction_order.first().cloned()?;
            let stored = self.clients.get_mut(&client)?.detached.as_mut()?;
            let now = stored.session.saved.eviction_cost().max(eviction_cost);
            if now == eviction_cost {
                break;
            }
            stored.eviction_cost = now;
            self.eviction_order
                .remove(&(eviction_cost, detach_number, Arc::clone(&client)));
            self.eviction_order.insert((now, detach_number, client));
        }
        let (.., client) = self.eviction_order.first().cloned()?;
        let detached = self.take(&client);
        self.remove_if_unused(&client);
        detached
    }

    fn remove_if_unused(&mut self, client: &Arc<str>) {
        let is_unused = self.clients.get(client).is_some_and(|client| {
            client.detached.is_none() && Arc::strong_count(&client.id_lock) == 1
        });
        if is_unused {
            self.clients.remove(client);
        }
    }
}

impl DetachedSession {
    fn listed(&self) -> ListedDetached {
        ListedDetached {
            subscriptions: self.saved.subscriptions.len(),
            has_messages: self.saved.eviction_cost() == EvictionCost::Messages,
            ends_ms: self.ends_ms,
        }
    }

    /// Ends the session and publishes its will ("The Will Message MUST be published [...] when [...] the Session ends",
    /// 5.0, 3.1.2.5).
    pub fn end(self, context: &ServerContext) {
        self.saved.end(context);
        if let Some((_, will)) = self.will {
            will.publish(context);
        }
    }

    fn due_ms(&self) -> u64 {
        let will = self.will.as_ref().map(|(at_ms, _)| *at_ms);
        will.unwrap_or(self.ends_ms).min(self.ends_ms)
    }
}

impl SavedSession {
    /// Returns the loss to the client if the session is ended to make room.
    fn eviction_cost(&self) -> EvictionCost {
        let is_owed = |tag: &[u8]| DeliveryOptions::from_tag(tag).maximum_qos != QoS::AtMostOnce;
        if self.outgoing.iter().next().is_some() || self.reader.has_undelivered(is_owed) {
            EvictionCost::Messages
        } else if self.subscriptions.is_empty() {
            EvictionCost::Nothing
        } else {
            EvictionCost::Subscriptions
        }
    }
}

impl ClientIdGuard {
    /// Marks the client id as used.
    pub fn new(sessions: &Arc<Sessions>, client: &Arc<str>, held_client_id: HeldClientId) -> Self {
        Self {
            sessions: Arc::clone(sessions),
            client: Arc::clone(client),
            held_client_id: Some(held_client_id),
        }
    }

    /// Ready when another connection has requested the client id.
    pub fn poll_requested(&self, context: &mut Context<'_>) -> Poll<()> {
        match &self.held_client_id {
            Some(held_client_id) => held_client_id.poll_requested(context),
            None => Poll::Pending,
        }
    }

    /// Notes the progress of the session, which survives a restart.
    pub fn set_progress(&self, progress: &Arc<Progress>) {
        if let Some(client) = self.sessions.state().clients.get_mut(&self.client) {
            client.progress = Arc::downgrade(progress);
        }
    }

    /// Returns true if there is a session saved since the client disconnected.
    pub fn has_session(&self) -> bool {
        let state = self.sessions.state();
        let client = state.clients.get(&self.client);
        client.is_some_and(|client| client.detached.is_some())
    }

    /// Returns the session saved since the client disconnected.
    pub fn take(&self) -> Option<Box<DetachedSession>> {
        self.sessions.state().take(&self.client)
    }

    /// Saves the part that outlives the connection. Returns the session that makes room for it; the caller must end it.
    #[must_use]
    pub fn store_session(&self, detached: DetachedSession) -> Option<Box<DetachedSession>> {
        let mut state = self.sessions.state();
        // First, so that the new session is not chosen.
        let ended = match state.detached_count >= self.sessions.max {
            true => state.evict_one(),
            false => None,
        };
        state.store(&self.client, detached);
        if let Some(ended) = &ended {
            if let Some(log) = &self.sessions.log {
                // With the lock held: afterwards its client may have a new session.
                log.remove(ended.saved.reader.session().name());
            }
            self.sessions.ended_early.fetch_add(1, Ordering::Relaxed);
        }
        ended
    }
}

impl Drop for ClientIdGuard {
    fn drop(&mut self) {
        let mut state = self.sessions.state();
        // Before the check for other users of the lock.
        self.held_client_id = None;
        state.remove_if_unused(&self.client);
    }
}

/// Maximum number of sessions checked to find one that makes room. The results are kept, so the next search starts
/// after them.
const MAX_CHECKED: usize = 1_000;
