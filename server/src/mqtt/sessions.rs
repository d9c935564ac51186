//! The sessions of MQTT's clients, by client id: who is connected, and what is kept of those who are away
//! (5.0, 4.1).
//!
//! What is kept is a session of the broker whose reader nobody drains: its cursors stay where they are and may
//! lag as far as any. Each ends when its time is over. The number of those who are away is limited: one that comes
//! ends another, first those that have nothing to lose, then those without messages of QoS 1 or 2 for their clients,
//! and of each the one that has been away longest.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Bound,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll},
};

use broker::Charge;
use wire::mqtt::QoS;

use super::{
    id_lock::{Arrival, ClientIdLock, Seated},
    options::Options,
    saved_session::SavedSession,
    will::Will,
};
use crate::connection::ServerContext;

pub struct Sessions {
    state: Mutex<State>,
    /// The most sessions whose clients are away.
    most: usize,
    /// Sessions that were ended to make room.
    ended_early: AtomicU64,
}

#[derive(Default)]
struct State {
    /// By id, so that a listing can go on where the last page ended.
    clients: BTreeMap<Arc<str>, Client>,
    /// When something is to be done for a client that is away, in milliseconds of the server's clock.
    due: BTreeSet<(u64, Arc<str>)>,
    /// Who makes room first. What is kept is looked at when room is needed: messages may have come since.
    leaving: BTreeSet<(Worth, u64, Arc<str>)>,
    /// How many have left.
    departures: u64,
    away: usize,
}

/// What would be lost with a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Worth {
    /// No subscription, and nothing in flight.
    Nothing,
    Subscriptions,
    /// Messages of QoS 1 or 2 that its client did not get.
    Messages,
}

/// A session in a listing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedSession {
    pub client: Arc<str>,
    /// Of one whose client is away.
    pub away: Option<ListedAway>,
}

/// What is known of a session without a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ListedAway {
    pub subscriptions: usize,
    /// Whether messages of QoS 1 or 2 wait for the client.
    pub has_messages: bool,
    pub ends_ms: u64,
}

#[derive(Default)]
struct Client {
    id_lock: Arc<ClientIdLock>,
    away: Option<Box<Parked>>,
}

/// A session without a connection.
pub struct DetachedSession {
    pub saved: SavedSession,
    /// What is to be published, and when, if the client has not come back.
    pub will: Option<(u64, Will)>,
    /// When it ends; times are milliseconds of the server's clock.
    pub ends_ms: u64,
    /// To whom the session counts while it is away.
    pub _charge: Charge,
}

/// A session that is away, with its place among those that make room.
struct Parked {
    away: DetachedSession,
    worth: Worth,
    departure: u64,
}

/// Something whose time has come.
pub enum Due {
    Will(Will),
    /// The session, and the will that comes with its end.
    End(Box<SavedSession>, Option<Will>),
}

/// A client id in use by a connection. When it is dropped, the next who waits has it.
pub struct ClientIdGuard {
    sessions: Arc<Sessions>,
    client: Arc<str>,
    /// There until it is dropped.
    seated: Option<Seated>,
}

impl Sessions {
    pub fn new(most: usize) -> Arc<Self> {
        Arc::new(Self {
            state: Mutex::default(),
            most,
            ended_early: AtomicU64::new(0),
        })
    }

    /// Sessions that were ended to make room for others.
    pub fn ended_early(&self) -> u64 {
        self.ended_early.load(Ordering::Relaxed)
    }

    /// The sessions after this client id, at most `most`, and whether there are more.
    pub fn list(&self, after: Option<&str>, most: usize) -> (Vec<ListedSession>, bool) {
        let state = self.state();
        let start = after.map_or(Bound::Unbounded, Bound::Excluded);
        let mut found = state.clients.range::<str, _>((start, Bound::Unbounded));
        let page = found.by_ref().take(most);
        let page = page.map(|(client, known)| ListedSession {
            client: Arc::clone(client),
            away: known.away.as_ref().map(|parked| parked.away.listed()),
        });
        (page.collect(), found.next().is_some())
    }

    /// Whether there is a session of this client, connected or not.
    pub fn has(&self, client: &str) -> bool {
        self.state().clients.contains_key(client)
    }

    /// Asks for a client id; whoever has it is asked to leave.
    pub fn arrive(&self, client: &Arc<str>) -> Arrival {
        let mut state = self.state();
        let client = state.clients.entry(Arc::clone(client)).or_default();
        client.id_lock.arrive()
    }

    /// Sessions whose clients are away.
    pub fn away(&self) -> usize {
        self.state().away
    }

    /// What is due by now; at most `most` of it.
    pub fn take_due(&self, now_ms: u64, most: usize) -> Vec<Due> {
        let mut state = self.state();
        let mut found = Vec::new();
        while found.len() < most
            && let Some((at_ms, _)) = state.due.first()
            && *at_ms <= now_ms
            && let Some((_, client)) = state.due.pop_first()
        {
            found.extend(state.take_due(client, now_ms));
        }
        found
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// `client` is not listed as due any more.
    fn take_due(&mut self, client: Arc<str>, now_ms: u64) -> Option<Due> {
        let away = &mut self.clients.get_mut(&client)?.away.as_mut()?.away;
        if away.ends_ms > now_ms {
            let (_, will) = away.will.take()?;
            self.due.insert((away.ends_ms, client));
            return Some(Due::Will(will));
        }
        let DetachedSession { saved, will, .. } = *self.take(&client)?;
        self.forget_if_unused(&client);
        Some(Due::End(Box::new(saved), will.map(|(_, will)| will)))
    }

    fn take(&mut self, client: &Arc<str>) -> Option<Box<DetachedSession>> {
        let parked = *self.clients.get_mut(client)?.away.take()?;
        let client = Arc::clone(client);
        let place = (parked.worth, parked.departure, Arc::clone(&client));
        self.leaving.remove(&place);
        self.due.remove(&(parked.away.due_ms(), client));
        self.away -= 1;
        Some(Box::new(parked.away))
    }

    fn park(&mut self, client: &Arc<str>, away: DetachedSession) {
        let Some(known) = self.clients.get_mut(client) else {
            return;
        };
        let parked = Parked {
            worth: away.saved.worth(),
            departure: self.departures,
            away,
        };
        let place = (parked.worth, parked.departure, Arc::clone(client));
        self.due.insert((parked.away.due_ms(), Arc::clone(client)));
        self.leaving.insert(place);
        self.departures += 1;
        self.away += 1;
        known.away = Some(Box::new(parked));
    }

    /// Takes out the session that is to make room. It has been away longest of those with the least to lose; one
    /// for which messages came since it was looked at last takes its place behind the others.
    fn make_room(&mut self) -> Option<Box<DetachedSession>> {
        for _ in 0..LOOKED_AT {
            let (worth, departure, client) = self.leaving.first().cloned()?;
            let parked = self.clients.get_mut(&client)?.away.as_mut()?;
            let now = parked.away.saved.worth().max(worth);
            if now == worth {
                break;
            }
            parked.worth = now;
            self.leaving
                .remove(&(worth, departure, Arc::clone(&client)));
            self.leaving.insert((now, departure, client));
        }
        let (.., client) = self.leaving.first().cloned()?;
        let away = self.take(&client);
        self.forget_if_unused(&client);
        away
    }

    fn forget_if_unused(&mut self, client: &Arc<str>) {
        let is_unused = self
            .clients
            .get(client)
            .is_some_and(|client| client.away.is_none() && Arc::strong_count(&client.id_lock) == 1);
        if is_unused {
            self.clients.remove(client);
        }
    }
}

impl DetachedSession {
    fn listed(&self) -> ListedAway {
        ListedAway {
            subscriptions: self.saved.subscriptions.len(),
            has_messages: self.saved.worth() == Worth::Messages,
            ends_ms: self.ends_ms,
        }
    }

    /// Ends it. Its will is published ("The Will Message MUST be published [...] when [...] the Session ends", 5.0,
    /// 3.1.2.5).
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
    /// What would be lost with it.
    fn worth(&self) -> Worth {
        let is_owed = |tag: &[u8]| Options::of_tag(tag).maximum_qos != QoS::AtMostOnce;
        if self.outgoing.iter().next().is_some() || self.reader.has_undelivered(is_owed) {
            Worth::Messages
        } else if self.subscriptions.is_empty() {
            Worth::Nothing
        } else {
            Worth::Subscriptions
        }
    }
}

impl ClientIdGuard {
    pub fn new(sessions: &Arc<Sessions>, client: &Arc<str>, seated: Seated) -> Self {
        Self {
            sessions: Arc::clone(sessions),
            client: Arc::clone(client),
            seated: Some(seated),
        }
    }

    /// Ready when somebody else wants it.
    pub fn poll_wanted(&self, context: &mut Context<'_>) -> Poll<()> {
        match &self.seated {
            Some(seated) => seated.poll_wanted(context),
            None => Poll::Pending,
        }
    }

    /// What was kept since the client left.
    pub fn take(&self) -> Option<Box<DetachedSession>> {
        self.sessions.state().take(&self.client)
    }

    /// Keeps what is to outlive the connection; what makes room for it is the caller's to end.
    #[must_use]
    pub fn leave(&self, away: DetachedSession) -> Option<Box<DetachedSession>> {
        let mut state = self.sessions.state();
        // First, since the one that comes is not the one to go.
        let ended = match state.away >= self.sessions.most {
            true => state.make_room(),
            false => None,
        };
        state.park(&self.client, away);
        if ended.is_some() {
            self.sessions.ended_early.fetch_add(1, Ordering::Relaxed);
        }
        ended
    }
}

impl Drop for ClientIdGuard {
    fn drop(&mut self) {
        let mut state = self.sessions.state();
        // Before the look at who else has to do with the seat.
        self.seated = None;
        state.forget_if_unused(&self.client);
    }
}

/// Sessions that are looked at to find the one that makes room. What was found out of the others stays known, so that
/// the next search begins behind them.
const LOOKED_AT: usize = 1_000;
