//! The sessions of MQTT clients in the log: what a session needs after a restart.

use std::sync::Arc;

use broker::{Journal as _, SharedEntry};
use serde::{Deserialize, Serialize};

use super::{codec::CodecError, journal::LogJournal};

/// Records sessions.
#[derive(Debug, Clone)]
pub struct SessionLog {
    journal: Arc<LogJournal>,
}

/// The data of a session that change seldom.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionData {
    /// The subscriptions.
    pub subscriptions: Vec<SubscriptionData>,
    /// Seconds between the end of the connection and the end of the session.
    pub expiry_s: u32,
    /// Unix milliseconds at which the session ends; `None` while its client is connected.
    pub ends_ms: Option<u64>,
    /// The will that is not published yet.
    pub will: Option<WillData>,
}

/// A subscription.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SubscriptionData {
    /// The topic filter in the client's spelling.
    pub filter: String,
    /// The tag of the subscription's deliveries.
    pub tag: [u8; 5],
    /// Messages of the client itself are skipped.
    pub skips_own: bool,
}

/// A will.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WillData {
    /// The QoS, 0 to 2.
    pub qos: u8,
    /// The RETAIN flag.
    pub retain: bool,
    /// The topic name.
    pub topic: String,
    /// The payload.
    pub payload: Vec<u8>,
    /// The delay in seconds.
    pub delay_s: u32,
    /// The will properties of CONNECT, encoded.
    pub properties: Vec<u8>,
    /// Unix milliseconds at which the will is published; `None` while the client is connected.
    pub due_ms: Option<u64>,
}

/// Deliveries in flight.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct WindowData {
    /// Packet identifiers of received messages of QoS 2 that are not released.
    pub incoming: Vec<u16>,
    /// Messages on their way to the client, in the order of sending.
    pub outgoing: Vec<InFlight>,
}

/// A message on its way to the client.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InFlight {
    /// The packet identifier.
    pub id: u16,
    /// The message; `None` if PUBREL was sent.
    pub message: Option<SentMessage>,
}

/// A message that was sent and not acknowledged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SentMessage {
    /// The QoS, 1 or 2.
    pub qos: u8,
    /// The message's position.
    pub position: u64,
    /// The subscription identifier.
    pub subscription: Option<u32>,
    /// The RETAIN flag.
    pub retain: bool,
    /// It was retained when its subscription was created.
    pub was_retained: bool,
}

/// A session of an earlier run.
#[derive(Debug)]
pub struct RestoredSession {
    /// The client id.
    pub client: Arc<str>,
    /// The data.
    pub data: SessionData,
    /// The session has received everything up to this position, except what is in its window.
    pub position: u64,
    /// Deliveries in flight.
    pub window: WindowData,
    /// The messages in the window that are still in the store.
    pub messages: Vec<SharedEntry>,
}

#[derive(Serialize, Deserialize)]
enum Session {
    V1(SessionData),
}

#[derive(Serialize, Deserialize)]
enum Window {
    V1(WindowData),
}

impl SessionLog {
    /// Returns a log that writes to this journal.
    pub fn new(journal: &Arc<LogJournal>) -> Self {
        Self {
            journal: Arc::clone(journal),
        }
    }

    /// Records a new session, or changed data.
    pub fn save(&self, client: &str, data: SessionData) {
        self.journal
            .save_session(client, encode(&Session::V1(data)));
    }

    /// Records the position of a session and its deliveries in flight.
    pub fn save_window(&self, client: &str, position: u64, window: WindowData) {
        let window = encode(&Window::V1(window));
        self.journal.save_cursor(client, position, window);
    }

    /// Records the end of a session.
    pub fn remove(&self, client: &str) {
        self.journal.remove_session(client);
    }

    /// Returns the ticket of everything that was recorded, and wakes the writer.
    pub fn ticket(&self) -> u64 {
        let newest = self.journal.newest();
        self.journal.wake();
        newest
    }
}

/// Decodes the data of a session.
///
/// # Errors
/// They were written by a newer version.
pub fn session(bytes: &[u8]) -> Result<SessionData, CodecError> {
    let Session::V1(data) = super::codec::decode("a session", bytes)?;
    Ok(data)
}

/// Decodes deliveries in flight.
///
/// # Errors
/// They were written by a newer version.
pub fn window(bytes: &[u8]) -> Result<WindowData, CodecError> {
    let Window::V1(data) = super::codec::decode("deliveries in flight", bytes)?;
    Ok(data)
}

fn encode(value: &impl Serialize) -> Box<[u8]> {
    super::codec::encode(value).into()
}
