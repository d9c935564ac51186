//! Ending a session from outside: what an operator can do about one.

use std::{sync::Arc, time::Duration};

use tokio::time::timeout;

use super::sessions::ClientIdGuard;
use crate::server::Server;

/// What became of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EndedSession {
    Ended,
    /// There is no session of this client.
    Unknown,
    /// Its connection did not end in time.
    Busy,
}

/// Ends the session of a client. One that is connected is sent away first, as if it had connected again elsewhere.
pub async fn end_session(server: &Server, client: &str) -> EndedSession {
    let sessions = &server.mqtt.sessions;
    if !sessions.has(client) {
        return EndedSession::Unknown;
    }
    let client = Arc::<str>::from(client);
    let arrival = sessions.arrive(&client);
    let Ok(seated) = timeout(LEAVING_TIME, arrival.sit()).await else {
        return EndedSession::Busy;
    };
    let occupant = ClientIdGuard::new(sessions, &client, seated);
    if let Some(away) = occupant.take() {
        away.end(&server.own_surroundings());
    }
    EndedSession::Ended
}

/// How long a connection may take to end.
const LEAVING_TIME: Duration = Duration::from_secs(5);
