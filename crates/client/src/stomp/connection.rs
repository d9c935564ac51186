//! A STOMP connection. [`wire::stomp::client`] owns the protocol state.

use std::time::Duration;

use tokio::time::timeout;
use wire::stomp::{
    Decoder, Limits,
    client::{
        Acknowledge, Client, Config, Connect, Event, ProtocolError, Send, ServerError, Subscribe,
    },
};

use crate::{
    connect::{self, ConnectError},
    connection,
    lost::Lost,
    machine::{Due, Machine},
    options::ConnectionOptions,
    protocol::Protocol,
    render::printable,
};

pub(crate) type Connection = connection::Connection<Stomp>;

pub(crate) struct Stomp {
    client: Client,
    decoder: Decoder,
}

impl Machine for Stomp {
    fn received(&mut self, now_ms: u64) {
        self.client.received(now_ms);
    }

    fn sent(&mut self, now_ms: u64) {
        self.client.sent(now_ms);
    }

    fn deadline(&self) -> Option<u64> {
        self.client.deadline()
    }

    fn on_deadline(&mut self, now_ms: u64) -> Due {
        use wire::stomp::Due as Stomps;
        match self.client.on_deadline(now_ms) {
            Stomps::Nothing => Due::Nothing,
            Stomps::HeartBeat => Due::HeartBeat,
            Stomps::PeerSilent { silent_ms } => Due::ServerSilent { silent_ms },
            Stomps::HandshakeOverdue => Due::HandshakeOverdue,
        }
    }

    fn heart_beat(&mut self, out: &mut Vec<u8>) {
        // Any other unsent bytes serve as a heart-beat.
        if out.is_empty() {
            self.client.heart_beat(out);
        }
    }
}

impl Connection {
    /// Connects and waits for CONNECTED.
    ///
    /// # Errors
    ///
    /// There is no server, it does not speak STOMP, or it refuses this client.
    pub(crate) async fn open(options: &ConnectionOptions) -> Result<Self, ConnectError> {
        let endpoint = options.endpoint(Protocol::Stomp)?;
        let transport = connect::open(&endpoint, &options.trust, SUBPROTOCOL).await?;
        let config = Config {
            heart_beat: options.heart_beat(),
            ..Config::DEFAULT
        };
        let machine = Stomp {
            client: Client::new(&config, 0),
            decoder: Decoder::new(LIMITS),
        };
        let login = options.login.login()?;
        let mut connection = Self::over(transport, machine);
        let connect = Connect {
            host: &endpoint.target().host,
            login: login.user.as_deref(),
            passcode: login.password.as_deref(),
            client_id: options.client_id.as_deref(),
        };
        let client = &connection.machine.client;
        client.connect(&connect, &mut connection.outgoing);
        connection.handshake(&endpoint.to_string()).await?;
        Ok(connection)
    }

    async fn handshake(&mut self, address: &str) -> Result<(), ConnectError> {
        let refused = |reason| ConnectError::Refused {
            address: address.to_owned(),
            reason,
        };
        let lost = |lost| ConnectError::Lost {
            address: address.to_owned(),
            lost,
        };
        while !self.machine.client.is_connected() {
            match self.next_event().map_err(lost)? {
                Some(Event::Error(error)) => return Err(refused(error_text(&error))),
                Some(_) => {}
                None => self.receive().await,
            }
        }
        let Stomp { client, decoder } = &mut self.machine;
        decoder.set_version(client.version());
        self.set_timer();
        Ok(())
    }

    pub(crate) fn send(&mut self, send: &Send<'_>) {
        self.machine.client.send(send, &mut self.outgoing);
    }

    pub(crate) fn subscribe(&mut self, subscribe: &Subscribe<'_>) {
        self.machine.client.subscribe(subscribe, &mut self.outgoing);
    }

    pub(crate) fn unsubscribe(&mut self, id: &str, receipt: Option<&str>) {
        let client = &self.machine.client;
        client.unsubscribe(id, receipt, &mut self.outgoing);
    }

    /// Acknowledges a message; `id` is its [`ack`](wire::stomp::client::Message::ack).
    pub(crate) fn ack(&mut self, id: &str) {
        self.machine
            .client
            .ack(&acknowledge(id), &mut self.outgoing);
    }

    /// Rejects a message, so that the server delivers it to another consumer; `id` is its
    /// [`ack`](wire::stomp::client::Message::ack).
    pub(crate) fn nack(&mut self, id: &str) {
        let client = &self.machine.client;
        client.nack(&acknowledge(id), &mut self.outgoing);
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
        let Stomp { client, decoder } = &mut self.machine;
        let item = self.received.next(|bytes| decoder.decode(bytes));
        match item.map_err(|error| Lost::protocol(ProtocolError::from(error)))? {
            Some(item) => client.event(now_ms, item).map(Some).map_err(Lost::protocol),
            None => checked.map(|()| None),
        }
    }

    /// Sends DISCONNECT, and waits up to [`CLOSE_TIMEOUT`] for its receipt.
    pub(crate) async fn close(mut self) {
        let close = async {
            let client = &self.machine.client;
            client.disconnect(Some(DISCONNECT_RECEIPT), &mut self.outgoing);
            while !self.disconnect_is_confirmed() {
                self.receive().await;
            }
            self.close_transport().await;
        };
        // Nothing depends on the receipt.
        let _ = timeout(CLOSE_TIMEOUT, close).await;
    }

    fn disconnect_is_confirmed(&mut self) -> bool {
        loop {
            match self.next_event() {
                Ok(Some(Event::Receipt(receipt))) if receipt == DISCONNECT_RECEIPT => return true,
                Ok(Some(_)) => {}
                Ok(None) => return false,
                Err(_) => return true,
            }
        }
    }
}

/// Returns the text of an ERROR frame on one line.
pub(crate) fn error_text(error: &ServerError<'_>) -> String {
    let body = error.body.trim();
    match error.message.as_deref() {
        None => printable(body).into_owned(),
        Some(message) if body.is_empty() || body == message => printable(message).into_owned(),
        Some(message) => format!("{}: {}", printable(message), printable(body)),
    }
}

fn acknowledge(id: &str) -> Acknowledge<'_> {
    Acknowledge {
        id,
        ..Acknowledge::default()
    }
}

const SUBPROTOCOL: &str = "v12.stomp";
/// The limits for frames from the server. They only bound this client's memory: the server has its
/// own limits.
const LIMITS: Limits = Limits {
    body_bytes: 1 << 30,
    ..Limits::FROM_SERVER
};
/// The receipt of DISCONNECT.
const DISCONNECT_RECEIPT: &str = "disconnect";
/// Time limit for the receipt of DISCONNECT.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(2);
