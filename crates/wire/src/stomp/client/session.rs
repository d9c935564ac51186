//! The client's state machine: connection state, requests and heart-beats.

use super::super::heart_beat::Pulse;
use super::super::{self as stomp, Command, Due, Frame, HeartBeat, Item, Version, header};
use super::event::{Connected, Event, Message, ProtocolError, ServerError};
use super::request::{self, Acknowledge, Connect, Send, Subscribe};

/// The configuration of a client.
#[derive(Clone, Copy, Debug)]
pub struct Config {
    /// The offered and requested heart-beat intervals.
    pub heart_beat: HeartBeat,
    /// Maximum time for the server to answer CONNECT, in milliseconds.
    pub handshake_ms: u32,
}

impl Config {
    /// The default of `handshake_ms`.
    pub const HANDSHAKE_MS: u32 = 10_000;

    /// The default configuration.
    pub const DEFAULT: Self = Self {
        heart_beat: HeartBeat::DEFAULT,
        handshake_ms: Self::HANDSHAKE_MS,
    };
}

impl Default for Config {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// A connection to a server. Methods that write append to `out`; call [`sent`](Self::sent) after
/// sending.
#[derive(Clone, Debug)]
pub struct Client {
    state: State,
    version: Version,
    heart_beat: HeartBeat,
    pulse: Pulse,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Connecting,
    Connected,
    /// ERROR has been received.
    Failed,
}

impl Client {
    /// Creates the state of a new connection.
    pub const fn new(config: &Config, now_ms: u64) -> Self {
        Self {
            state: State::Connecting,
            version: Version::V1_2,
            heart_beat: config.heart_beat,
            pulse: Pulse::awaiting_handshake(now_ms, config.handshake_ms),
        }
    }

    /// Writes CONNECT, the first frame of a connection. All other requests must wait for
    /// [`Event::Connected`].
    pub fn connect(&self, connect: &Connect<'_>, out: &mut Vec<u8>) {
        connect.write(self.heart_beat, out);
    }

    /// Writes SUBSCRIBE.
    pub fn subscribe(&self, subscribe: &Subscribe<'_>, out: &mut Vec<u8>) {
        subscribe.write(self.version, out);
    }

    /// Writes UNSUBSCRIBE.
    pub fn unsubscribe(&self, id: &str, receipt: Option<&str>, out: &mut Vec<u8>) {
        request::unsubscribe(self.version, id, receipt, out);
    }

    /// Writes SEND.
    pub fn send(&self, send: &Send<'_>, out: &mut Vec<u8>) {
        send.write(self.version, out);
    }

    /// Writes ACK: the message was consumed. Only for acknowledging subscriptions.
    pub fn ack(&self, acknowledge: &Acknowledge<'_>, out: &mut Vec<u8>) {
        acknowledge.write(self.version, Command::Ack, out);
    }

    /// Writes NACK: the message was not consumed.
    pub fn nack(&self, acknowledge: &Acknowledge<'_>, out: &mut Vec<u8>) {
        acknowledge.write(self.version, Command::Nack, out);
    }

    /// Writes DISCONNECT, the last frame of a connection. The receipt shows that the server has
    /// processed all earlier frames (STOMP 1.2, "DISCONNECT").
    pub fn disconnect(&self, receipt: Option<&str>, out: &mut Vec<u8>) {
        request::disconnect(self.version, receipt, out);
    }

    /// Writes a heart-beat.
    pub fn heart_beat(&self, out: &mut Vec<u8>) {
        stomp::heart_beat(out);
    }

    /// Returns true if the server has accepted the connection.
    pub const fn is_connected(&self) -> bool {
        matches!(self.state, State::Connected)
    }

    /// Returns the version of requests; the decoder must use it after CONNECTED.
    pub const fn version(&self) -> Version {
        self.version
    }

    /// Returns the event of an item.
    ///
    /// # Errors
    ///
    /// The server violated the protocol; close the connection.
    pub fn event<'a>(&mut self, now_ms: u64, item: Item<'a>) -> Result<Event<'a>, ProtocolError> {
        match item {
            Item::HeartBeat => Ok(Event::HeartBeat),
            Item::Frame(frame) => self.dispatch(now_ms, &frame),
        }
    }

    fn dispatch<'a>(&mut self, now_ms: u64, frame: &Frame<'a>) -> Result<Event<'a>, ProtocolError> {
        let command = frame.command;
        match (command, self.state) {
            (Command::Connected, State::Connecting) => {
                self.connected(now_ms, frame).map(Event::Connected)
            }
            (Command::Error, State::Connecting | State::Connected) => {
                self.state = State::Failed;
                Ok(Event::Error(ServerError::read(frame)))
            }
            (Command::Message, State::Connected) => Message::read(frame).map(Event::Message),
            (Command::Receipt, State::Connected) => receipt(frame).map(Event::Receipt),
            (Command::Message | Command::Receipt, State::Connecting) => {
                Err(ProtocolError::NotConnected { command })
            }
            _ => Err(ProtocolError::Unexpected { command }),
        }
    }

    fn connected<'a>(
        &mut self,
        now_ms: u64,
        frame: &Frame<'a>,
    ) -> Result<Connected<'a>, ProtocolError> {
        let connected = Connected::read(frame)?;
        self.state = State::Connected;
        self.version = connected.version;
        self.pulse
            .agree(now_ms, self.heart_beat, connected.heart_beat);
        Ok(connected)
    }

    /// Must be called when bytes have arrived, even part of a frame.
    pub const fn received(&mut self, now_ms: u64) {
        self.pulse.received(now_ms);
    }

    /// Must be called when bytes have been sent.
    pub const fn sent(&mut self, now_ms: u64) {
        self.pulse.sent(now_ms);
    }

    /// Returns the time of the next call of [`on_deadline`](Self::on_deadline). Each `received` and
    /// `sent` postpones it. A timer for an earlier time need not be reset; it finds nothing due.
    pub fn deadline(&self) -> Option<u64> {
        self.pulse.deadline()
    }

    /// Returns the action due.
    pub fn on_deadline(&mut self, now_ms: u64) -> Due {
        self.pulse.on_deadline(now_ms)
    }
}

fn receipt<'a>(frame: &Frame<'a>) -> Result<std::borrow::Cow<'a, str>, ProtocolError> {
    let receipt_id = frame.headers.get(header::RECEIPT_ID);
    receipt_id.ok_or(ProtocolError::MissingHeader {
        command: Command::Receipt,
        name: header::RECEIPT_ID,
    })
}
