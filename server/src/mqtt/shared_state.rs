//! The state that all connections of MQTT share, in addition to the broker.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use super::{MqttOptions, Sessions};
use crate::{clock, storage::SessionLog};

/// The shared state.
pub struct SharedState {
    /// The options.
    pub options: MqttOptions,
    /// By client id.
    pub sessions: Arc<Sessions>,
    /// Number of generated names.
    generated_names: AtomicU64,
}

impl SharedState {
    /// Creates the state, without sessions.
    pub fn new(options: &MqttOptions, log: Option<SessionLog>) -> Self {
        Self {
            options: *options,
            sessions: Sessions::new(options.sessions, log),
            generated_names: AtomicU64::new(0),
        }
    }

    /// Returns a unique client id for a client without one.
    pub fn client_id(&self) -> Arc<str> {
        format!("carillon-{}-{:x}", self.next_number(), clock::unix_ms()).into()
    }

    /// Returns a prefix for the client's response topics, which no other client gets (5.0, 4.10.1).
    pub fn response_information(&self) -> String {
        format!("responses/{}-{:x}", self.next_number(), clock::unix_ms())
    }

    fn next_number(&self) -> u64 {
        self.generated_names.fetch_add(1, Ordering::Relaxed) + 1
    }
}
