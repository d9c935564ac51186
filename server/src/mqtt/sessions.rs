//! The sessions of MQTT's clients, by client id: who is connected, and what is kept of those who are away
//! (5.0, 4.1).
//!
//! What is kept is a session of the broker whose reader nobody drains: its cursors stay where they are and may
//! lag as far as any. Each ends when its time is over. Nobody begins another once there are as many as are granted;
//! those who were let in before may still leave theirs, so that there are more at most by the connections there may be.

use std::{
    collections::{BTreeSet, HashMap},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll},
};

use super::{
    kept::Kept,
    seat::{Arrival, Seat, Seated},
    will::Will,
};

pub struct Sessions {
    state: Mutex<State>,
    /// The most sessions whose clients are away.
    most: usize,
}

#[derive(Default)]
struct State {
    clients: HashMap<Arc<str>, Client>,
    /// When something is to be done for a client that is away, in milliseconds of the server's clock.
    due: BTreeSet<(u64, Arc<str>)>,
    away: usize,
}

#[derive(Default)]
struct Client {
    seat: Arc<Seat>,
    away: Option<Box<Away>>,
}

/// A session without a connection.
pub struct Away {
    pub kept: Kept,
    /// What is to be published, and when, if the client has not come back.
    pub will: Option<(u64, Will)>,
    /// When it ends; times are milliseconds of the server's clock.
    pub ends_ms: u64,
}

/// Something whose time has come.
pub enum Due {
    Will(Will),
    /// The session, and the will that comes with its end.
    End(Box<Kept>, Option<Will>),
}

/// A client id in use by a connection. When it is dropped, the next who waits has it.
pub struct Occupant {
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
        })
    }

    /// Asks for a client id; whoever has it is asked to leave.
    pub fn arrive(&self, client: &Arc<str>) -> Arrival {
        let mut state = self.state();
        let client = state.clients.entry(Arc::clone(client)).or_default();
        client.seat.arrive()
    }

    /// Sessions whose clients are away.
    pub fn away(&self) -> usize {
        self.state().away
    }

    /// Whether one more session may outlive its connection.
    pub fn has_room(&self) -> bool {
        self.away() < self.most
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
        let away = self.clients.get_mut(&client)?.away.as_mut()?;
        if away.ends_ms > now_ms {
            let (_, will) = away.will.take()?;
            self.due.insert((away.ends_ms, client));
            return Some(Due::Will(will));
        }
        let Away { kept, will, .. } = *self.take(&client)?;
        self.forget_if_unused(&client);
        Some(Due::End(Box::new(kept), will.map(|(_, will)| will)))
    }

    fn take(&mut self, client: &Arc<str>) -> Option<Box<Away>> {
        let away = self.clients.get_mut(client)?.away.take()?;
        self.due.remove(&(away.due_ms(), Arc::clone(client)));
        self.away -= 1;
        Some(away)
    }

    fn forget_if_unused(&mut self, client: &Arc<str>) {
        let is_unused = self
            .clients
            .get(client)
            .is_some_and(|client| client.away.is_none() && Arc::strong_count(&client.seat) == 1);
        if is_unused {
            self.clients.remove(client);
        }
    }
}

impl Away {
    fn due_ms(&self) -> u64 {
        let will = self.will.as_ref().map(|(at_ms, _)| *at_ms);
        will.unwrap_or(self.ends_ms).min(self.ends_ms)
    }
}

impl Occupant {
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
    pub fn take(&self) -> Option<Box<Away>> {
        self.sessions.state().take(&self.client)
    }

    /// Keeps what is to outlive the connection.
    pub fn leave(&self, away: Away) {
        let mut state = self.sessions.state();
        let due = (away.due_ms(), Arc::clone(&self.client));
        if let Some(client) = state.clients.get_mut(&self.client) {
            client.away = Some(Box::new(away));
            state.due.insert(due);
            state.away += 1;
        }
    }
}

impl Drop for Occupant {
    fn drop(&mut self) {
        let mut state = self.sessions.state();
        // Before the look at who else has to do with the seat.
        self.seated = None;
        state.forget_if_unused(&self.client);
    }
}
