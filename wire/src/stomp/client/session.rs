//! The order of the conversation and the heart-beats, seen from the client.

use super::super::heart_beat::Pulse;
use super::super::{self as stomp, Command, Due, Frame, HeartBeat, Item, Version, header};
use super::event::{Connected, Event, Message, ProtocolError, ServerError};
use super::request::{self, Acknowledge, Connect, Send, Subscribe, Transaction};

#[derive(Clone, Copy, Debug)]
pub struct Config {
    pub heart_beat: HeartBeat,
    /// How long the server may take to answer CONNECT.
    pub handshake_ms: u32,
}

impl Config {
    pub const HANDSHAKE_MS: u32 = 10_000;

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

/// One connection to a server. Writers append to `out`; tell [`sent`](Self::sent) when it went.
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
    /// ERROR has been read.
    Failed,
}

impl Client {
    pub const fn new(config: &Config, now_ms: u64) -> Self {
        Self {
            state: State::Connecting,
            version: Version::V1_2,
            heart_beat: config.heart_beat,
            pulse: Pulse::awaiting_handshake(now_ms, config.handshake_ms),
        }
    }

    /// The first frame of a connection; everything else waits for [`Event::Connected`].
    pub fn connect(&self, connect: &Connect<'_>, out: &mut Vec<u8>) {
        connect.write(self.heart_beat, out);
    }

    pub fn subscribe(&self, subscribe: &Subscribe<'_>, out: &mut Vec<u8>) {
        subscribe.write(self.version, out);
    }

    pub fn unsubscribe(&self, id: &str, receipt: Option<&str>, out: &mut Vec<u8>) {
        request::unsubscribe(self.version, id, receipt, out);
    }

    pub fn send(&self, send: &Send<'_>, out: &mut Vec<u8>) {
        send.write(self.version, out);
    }

    /// Of a subscription that asked for it: the message was consumed.
    pub fn ack(&self, acknowledge: &Acknowledge<'_>, out: &mut Vec<u8>) {
        acknowledge.write(self.version, Command::Ack, out);
    }

    /// It was not.
    pub fn nack(&self, acknowledge: &Acknowledge<'_>, out: &mut Vec<u8>) {
        acknowledge.write(self.version, Command::Nack, out);
    }

    pub fn begin(&self, transaction: &Transaction<'_>, out: &mut Vec<u8>) {
        transaction.write(self.version, Command::Begin, out);
    }

    pub fn commit(&self, transaction: &Transaction<'_>, out: &mut Vec<u8>) {
        transaction.write(self.version, Command::Commit, out);
    }

    pub fn abort(&self, transaction: &Transaction<'_>, out: &mut Vec<u8>) {
        transaction.write(self.version, Command::Abort, out);
    }

    /// The last frame of a connection. With a receipt, its arrival shows that the server has
    /// processed everything before it (STOMP 1.2, "DISCONNECT").
    pub fn disconnect(&self, receipt: Option<&str>, out: &mut Vec<u8>) {
        request::disconnect(self.version, receipt, out);
    }

    pub fn heart_beat(&self, out: &mut Vec<u8>) {
        stomp::heart_beat(out);
    }

    pub const fn is_connected(&self) -> bool {
        matches!(self.state, State::Connected)
    }

    /// The version of requests, and the one to tell the decoder after CONNECTED.
    pub const fn version(&self) -> Version {
        self.version
    }

    /// What the server says.
    ///
    /// # Errors
    ///
    /// The server broke the protocol; close the connection.
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

    /// Bytes have arrived, whatever they are.
    pub const fn received(&mut self, now_ms: u64) {
        self.pulse.received(now_ms);
    }

    /// Bytes have been sent.
    pub const fn sent(&mut self, now_ms: u64) {
        self.pulse.sent(now_ms);
    }

    /// When to call [`on_deadline`](Self::on_deadline) next. It moves with each `received` and
    /// `sent`; a timer set for an earlier answer may stay, it finds nothing due.
    pub fn deadline(&self) -> Option<u64> {
        self.pulse.deadline()
    }

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
