//! The sessions of MQTT clients in the log: what a session needs after a restart.

use std::{collections::BTreeMap, sync::Arc};

use broker::{Journal as _, SharedEntry};
use serde::{Deserialize, Serialize};

use super::{codec::CodecError, journal::LogJournal};
use crate::access_control::SessionOwner;

/// Records sessions.
#[derive(Debug, Clone)]
pub struct SessionLog {
    journal: Arc<LogJournal>,
}

/// The data of a session that change seldom.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionData {
    /// The user to whom the session belongs.
    #[serde(skip)]
    pub owner: SessionOwner,
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

/// A change of a session's subscriptions since its data were recorded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum SubscriptionChange {
    /// A subscription is new, or has new options.
    Added(SubscriptionData),
    /// The subscription with this filter has ended.
    Removed(String),
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
    /// The subscriptions whose retained messages are not all on their way yet.
    pub retained: Vec<OwedRetained>,
}

/// The retained messages that a subscription has not got yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwedRetained {
    /// The filter of the subscription, as the broker spells it.
    pub filter: String,
    /// The position after which the messages are owed.
    pub after: u64,
    /// The position up to which they are owed: later ones were published to the subscription.
    pub up_to: u64,
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
    /// Of a user.
    OwnedV1(Box<str>, SessionData),
    /// Of a user with a JWT, with the groups of the user.
    ClaimedV1(Box<str>, Vec<Box<str>>, SessionData),
}

#[derive(Serialize, Deserialize)]
enum Changes {
    V1(Vec<SubscriptionChange>),
}

#[derive(Serialize, Deserialize)]
enum Window {
    V1 {
        incoming: Vec<u16>,
        outgoing: Vec<InFlight>,
    },
    V2(WindowData),
}

impl Session {
    fn of(data: SessionData) -> Self {
        let boxed = |text: &Arc<str>| -> Box<str> { (**text).into() };
        let user = data.owner.user.as_ref().map(boxed);
        let groups = data.owner.groups.as_deref();
        let groups = groups.map(|groups| groups.iter().map(boxed).collect());
        match (user, groups) {
            (None, _) => Self::V1(data),
            (Some(user), None) => Self::OwnedV1(user, data),
            (Some(user), Some(groups)) => Self::ClaimedV1(user, groups, data),
        }
    }
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
            .save_session(client, encode(&Session::of(data)));
    }

    /// Records changes of a session's subscriptions. They have numbers from 0 on, until the next [`save`](Self::save), after
    /// which the caller must [`remove_changes`](Self::remove_changes).
    pub fn save_changes(&self, client: &str, number: u32, changes: Vec<SubscriptionChange>) {
        let changes = encode(&Changes::V1(changes));
        self.journal
            .save_session(&change_key(client, number), changes);
    }

    /// Removes the records of changes with the numbers below `count`. In ascending order, so that those that a crash leaves
    /// change nothing: the last change of each subscription is the last one removed.
    pub fn remove_changes(&self, client: &str, count: u32) {
        for number in 0..count {
            self.journal.remove_session(&change_key(client, number));
        }
    }

    /// Records the position of a session and its deliveries in flight.
    pub fn save_window(&self, client: &str, position: u64, window: WindowData) {
        let window = encode(&Window::V2(window));
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

/// Returns the key of changes in the store. It follows that of the session, and no client id has U+0000 ([MQTT-1.5.4-2]).
fn change_key(client: &str, number: u32) -> String {
    format!("{client}\0{number:08x}")
}

/// Returns the client id if a key of the store is that of changes.
pub fn client_of_changes(key: &str) -> Option<&str> {
    key.split_once('\0').map(|(client, _)| client)
}

/// Applies recorded changes, in the order of their numbers, to a session's subscriptions.
///
/// # Errors
/// They were written by a newer version.
pub fn apply_changes<'a>(
    data: &mut SessionData,
    recorded: impl Iterator<Item = &'a [u8]>,
) -> Result<(), CodecError> {
    let by_filter = |one: SubscriptionData| (one.filter.clone(), one);
    let subscriptions = std::mem::take(&mut data.subscriptions).into_iter();
    let mut subscriptions: BTreeMap<_, _> = subscriptions.map(by_filter).collect();
    for bytes in recorded {
        let Changes::V1(changes) = super::codec::decode("changes of a session", bytes)?;
        for change in changes {
            match change {
                SubscriptionChange::Added(added) => {
                    subscriptions.insert(added.filter.clone(), added);
                }
                SubscriptionChange::Removed(filter) => drop(subscriptions.remove(&filter)),
            }
        }
    }
    data.subscriptions = subscriptions.into_values().collect();
    Ok(())
}

/// Decodes the data of a session.
///
/// # Errors
/// They were written by a newer version.
pub fn session(bytes: &[u8]) -> Result<SessionData, CodecError> {
    let (user, groups, data) = match super::codec::decode("a session", bytes)? {
        Session::V1(data) => (None, None, data),
        Session::OwnedV1(user, data) => (Some(user), None, data),
        Session::ClaimedV1(user, groups, data) => (Some(user), Some(groups), data),
    };
    let owner = SessionOwner {
        user: user.map(Into::into),
        groups: groups.map(|groups| groups.into_iter().map(Into::into).collect()),
    };
    Ok(SessionData { owner, ..data })
}

/// Decodes deliveries in flight.
///
/// # Errors
/// They were written by a newer version.
pub fn window(bytes: &[u8]) -> Result<WindowData, CodecError> {
    Ok(match super::codec::decode("deliveries in flight", bytes)? {
        Window::V1 { incoming, outgoing } => WindowData {
            incoming,
            outgoing,
            retained: Vec::new(),
        },
        Window::V2(data) => data,
    })
}

fn encode(value: &impl Serialize) -> Box<[u8]> {
    super::codec::encode(value).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn subscription(filter: &str, qos: u8) -> SubscriptionData {
        SubscriptionData {
            filter: filter.to_owned(),
            tag: [qos, 0, 0, 0, 0],
            skips_own: false,
        }
    }

    #[test]
    fn the_owner_of_a_session_is_recorded() {
        let user = || Some("anna".into());
        let groups: [Arc<str>; 2] = ["editors".into(), "readers".into()];
        for (user, groups) in [
            (None, None),
            (user(), None),
            (user(), Some([].into())),
            (user(), Some(groups.into())),
        ] {
            let data = SessionData {
                owner: SessionOwner { user, groups },
                subscriptions: vec![subscription("a", 1)],
                expiry_s: 60,
                ends_ms: None,
                will: None,
            };
            let encoded = encode(&Session::of(data.clone()));
            assert_eq!(session(&encoded).expect("a legal record"), data);
        }
    }

    #[test]
    fn deliveries_in_flight_of_an_earlier_version_are_read() {
        let before = Window::V1 {
            incoming: vec![7],
            outgoing: vec![InFlight {
                id: 1,
                message: None,
            }],
        };
        let data = window(&encode(&before)).expect("a legal record");
        assert_eq!(data.incoming, [7]);
        assert_eq!(data.outgoing[0].id, 1);
        assert_eq!(data.retained, []);
    }

    #[test]
    fn changes_that_a_crash_left_after_the_next_record_change_nothing() {
        let changes = [
            vec![SubscriptionChange::Added(subscription("a", 1))],
            vec![SubscriptionChange::Added(subscription("b", 0))],
            vec![SubscriptionChange::Removed("a".to_owned())],
            vec![SubscriptionChange::Added(subscription("b", 2))],
        ]
        .map(|changes| encode(&Changes::V1(changes)));
        let mut data = SessionData {
            owner: SessionOwner::default(),
            subscriptions: vec![subscription("c", 0)],
            expiry_s: 1,
            ends_ms: None,
            will: None,
        };
        let recorded = changes.iter().map(|bytes| &**bytes);
        apply_changes(&mut data, recorded).expect("changes");
        assert_eq!(
            data.subscriptions,
            [subscription("b", 2), subscription("c", 0)]
        );
        for removed in 0..=changes.len() {
            let mut again = data.clone();
            let left = changes[removed..].iter().map(|bytes| &**bytes);
            apply_changes(&mut again, left).expect("changes");
            assert_eq!(again, data, "{removed} removed");
        }
    }

    #[test]
    fn the_key_of_changes_has_the_client_and_comes_after_that_of_the_session() {
        let key = change_key("meter", 17);
        assert_eq!(client_of_changes(&key), Some("meter"));
        assert_eq!(client_of_changes("meter"), None);
        assert!(*"meter" < *key && *key < *"meter1");
        assert!(change_key("meter", 9) < change_key("meter", 10));
    }
}
