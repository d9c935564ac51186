//! Ending a session on request of an operator.

use std::{sync::Arc, time::Duration};

use tokio::time::timeout;

use super::{MqttHandler, sessions::ClientIdGuard};

/// The result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EndedSession {
    /// The session no longer exists.
    Ended,
    /// The client has no session.
    Unknown,
    /// The client's connection did not end in time.
    Busy,
}

impl MqttHandler {
    /// Ends the session of a client. A connected client is disconnected first, as in a takeover. Returns when the end is on
    /// the disk.
    pub async fn end_session(&self, client: &str) -> EndedSession {
        let sessions = &self.shared_state.sessions;
        if !sessions.has(client) {
            return EndedSession::Unknown;
        }
        let client = Arc::<str>::from(client);
        let id_request = sessions.request_to_end(&client);
        let Ok(held_client_id) = timeout(DISCONNECT_TIME, id_request.acquire()).await else {
            return EndedSession::Busy;
        };
        let id_guard = ClientIdGuard::new(sessions, &client, held_client_id);
        let context = self.server.background_context();
        if let Some(detached) = id_guard.take() {
            detached.saved.forget(&context);
            detached.end(&context);
        }
        // A connection that has just ended may have recorded the end of its session itself.
        context.wait_until_durable().await;
        EndedSession::Ended
    }
}

/// Maximum time for a connection to end.
const DISCONNECT_TIME: Duration = Duration::from_secs(5);
