//! An MQTT connection. [`wire::mqtt::client`] owns the protocol state.

use std::time::Duration;

use tokio::time::timeout;
use wire::mqtt::{
    ConnectReason, PacketId,
    client::{Client, Connect, Event, Publication, Refused, RequestError, Ticket, Topics},
};

use super::reason::reason_text;
use crate::{
    connect::{self, ConnectError},
    connection,
    lost::Lost,
    machine::{Due, Machine},
    options::{ConnectionOptions, Login},
    protocol::Protocol,
};

pub(super) type Connection = connection::Connection<Mqtt>;

pub(crate) struct Mqtt {
    client: Client,
}

/// The parts of CONNACK that describe the session.
#[derive(Clone, Debug, Default)]
pub(crate) struct SessionInfo {
    pub session_present: bool,
    pub assigned_client_id: Option<String>,
}

impl Machine for Mqtt {
    fn received(&mut self, now_ms: u64) {
        self.client.received(now_ms);
    }

    fn sent(&mut self, _: u64) {}

    fn deadline(&self) -> Option<u64> {
        self.client.deadline()
    }

    fn on_deadline(&mut self, now_ms: u64) -> Due {
        use wire::mqtt::Due as Mqtts;
        match self.client.on_deadline(now_ms) {
            Mqtts::Nothing => Due::Nothing,
            Mqtts::Ping => Due::HeartBeat,
            Mqtts::PeerSilent { silent_ms } => Due::ServerSilent { silent_ms },
            Mqtts::HandshakeOverdue => Due::HandshakeOverdue,
        }
    }

    fn heart_beat(&mut self, out: &mut Vec<u8>) {
        self.client.ping(out);
    }
}

impl Connection {
    /// Connects and waits for CONNACK. `client` holds the session.
    ///
    /// # Errors
    ///
    /// There is no server, it does not speak MQTT, or it refuses this client.
    pub(crate) async fn open(
        options: &ConnectionOptions,
        connect: &Connect<'_>,
        client: Client,
    ) -> Result<(Self, SessionInfo), ConnectError> {
        let endpoint = options.endpoint(Protocol::Mqtt)?;
        let transport = connect::open(&endpoint, &options.trust, SUBPROTOCOL).await?;
        let mut connection = Self::over(transport, Mqtt { client });
        let address = endpoint.to_string();
        let Login { user, password } = options.login.login()?;
        let connect = Connect {
            // Before 5.0 a password needs a user name ([MQTT-3.1.2-22] of 3.1.1).
            user_name: user.as_deref().or(password.as_ref().map(|_| TOKEN_USER)),
            password: password.as_deref().map(str::as_bytes),
            ..*connect
        };
        let client = &mut connection.machine.client;
        let written = client.connect(&connect, 0, &mut connection.outgoing);
        written.map_err(|error| ConnectError::InvalidConnect {
            reason: error.to_string(),
        })?;
        connection.set_timer();
        let session = connection.handshake(address).await?;
        connection.set_timer();
        Ok((connection, session))
    }

    async fn handshake(&mut self, address: String) -> Result<SessionInfo, ConnectError> {
        loop {
            match self.next_event() {
                Ok(Some(Event::Connected(connected))) => {
                    return Ok(SessionInfo {
                        session_present: connected.session_present,
                        assigned_client_id: connected.assigned_client_id.map(str::to_owned),
                    });
                }
                Ok(Some(Event::Refused(refused))) => return Err(refusal(&refused, address)),
                Ok(Some(_)) => {}
                Ok(None) => self.receive().await,
                Err(lost) => return Err(ConnectError::Lost { address, lost }),
            }
        }
    }

    pub(crate) fn has_room(&self) -> bool {
        self.machine.client.has_room()
    }

    pub(crate) fn publish(&mut self, publication: &Publication<'_>) -> Result<(), RequestError> {
        let client = &mut self.machine.client;
        client.publish(publication, &mut self.outgoing)
    }

    pub(crate) fn request(&mut self, topics: &Topics<'_>) -> Result<PacketId, RequestError> {
        self.machine.client.request(topics, &mut self.outgoing)
    }

    pub(crate) fn acknowledge(&mut self, ticket: Ticket) {
        let client = &mut self.machine.client;
        client.acknowledge(ticket, &mut self.outgoing);
    }

    /// Returns the next event that has arrived, or None.
    ///
    /// # Errors
    ///
    /// The connection is lost, and all events that arrived have been returned.
    pub(crate) fn next_event(&mut self) -> Result<Option<Event<'_>>, Lost> {
        let now_ms = self.now_ms();
        // Checked first, because the event borrows the received bytes afterwards.
        let checked = self.check();
        let (client, outgoing) = (&mut self.machine.client, &mut self.outgoing);
        let event = self
            .received
            .next(|bytes| client.event(now_ms, bytes, outgoing));
        match event {
            Ok(Some(event)) => Ok(Some(event)),
            Ok(None) => checked.map(|()| None),
            Err(error) => {
                client.fail(&error, outgoing);
                Err(Lost::protocol(error))
            }
        }
    }

    /// Sends DISCONNECT, and waits up to [`CLOSE_TIMEOUT`] until the server closes the connection.
    /// The server does so after it has read everything sent before.
    ///
    /// # Errors
    ///
    /// The connection ended in another way: the server may not have read everything.
    pub(crate) async fn close(mut self, session_expiry_s: Option<u32>) -> Result<(), String> {
        let client = &mut self.machine.client;
        client.disconnect(session_expiry_s, &mut self.outgoing);
        let close = async {
            self.flush().await;
            self.close_transport().await;
            self.wait_for_close().await
        };
        match timeout(CLOSE_TIMEOUT, close).await {
            Ok(closed) => closed,
            Err(_) => Err("the server did not end the connection".to_owned()),
        }
    }

    async fn wait_for_close(&mut self) -> Result<(), String> {
        loop {
            match self.next_event() {
                Ok(Some(Event::Disconnected(disconnected))) => {
                    let reason = reason_text(disconnected.reason, &disconnected.properties);
                    return Err(format!("the server ended the connection: {reason}"));
                }
                Ok(Some(_)) => {}
                Ok(None) => self.receive().await,
                Err(Lost::Closed | Lost::ClosedAbruptly) => return Ok(()),
                Err(Lost::ClosedBecause { code: NORMAL, .. }) => return Ok(()),
                Err(lost) => return Err(format!("the connection was lost: {lost}")),
            }
        }
    }

    /// Sends the unsent bytes if possible, such as a DISCONNECT with the reason, and returns the
    /// session.
    pub(crate) async fn into_client(mut self) -> Client {
        // The session is the same if the server does not read them.
        let _ = timeout(CLOSE_TIMEOUT, self.flush()).await;
        self.machine.client
    }
}

fn refusal(refused: &Refused<'_>, address: String) -> ConnectError {
    let reason = reason_text(refused.reason, &refused.properties);
    match refused.reason {
        ConnectReason::ServerUnavailable
        | ConnectReason::ServerBusy
        | ConnectReason::QuotaExceeded
        | ConnectReason::ConnectionRateExceeded => ConnectError::RefusedForNow { address, reason },
        _ => ConnectError::Refused { address, reason },
    }
}

/// Converts milliseconds to seconds of keep alive, rounded up. 0 means none.
pub(super) fn keep_alive_s(heart_beat_ms: u32) -> u16 {
    u16::try_from(heart_beat_ms.div_ceil(1000)).unwrap_or(u16::MAX)
}

const SUBPROTOCOL: &str = "mqtt";
/// The user name that stands beside a token.
const TOKEN_USER: &str = "token";
/// The WebSocket close code for a normal end (RFC 6455, 7.4.1).
const NORMAL: u16 = 1000;
/// Time limit for the server to close the connection.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(2);
