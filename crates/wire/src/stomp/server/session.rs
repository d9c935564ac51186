//! The server's state machine: order of frames, replies and heart-beats of one connection.

use super::super::heart_beat::Pulse;
use super::super::{Command, Due, Frame, FrameWriter, HeartBeat, Item, Version, header};
use super::fault::{Cause, Fault};
use super::request::{
    Acknowledge, Connect, Disconnect, Request, Send, Subscribe, Transaction, Unsubscribe,
};

/// The configuration, common to all clients.
#[derive(Clone, Copy, Debug)]
pub struct Config {
    /// The longest heart-beat intervals that the server offers and requests; 0 disables them.
    pub heart_beat: HeartBeat,
    /// The shortest interval, in milliseconds. The server follows a client that requests a shorter
    /// interval than `heart_beat`, down to this one.
    pub heart_beat_min_ms: u32,
    /// Maximum time from the start of a connection to CONNECTED, in milliseconds.
    pub handshake_ms: u32,
}

impl Config {
    /// The default of `handshake_ms`.
    pub const HANDSHAKE_MS: u32 = 10_000;
    /// The default of `heart_beat_min_ms`, as in RabbitMQ.
    pub const HEART_BEAT_MIN_MS: u32 = 1_000;

    /// The default configuration.
    pub const DEFAULT: Self = Self {
        heart_beat: HeartBeat::DEFAULT,
        heart_beat_min_ms: Self::HEART_BEAT_MIN_MS,
        handshake_ms: Self::HANDSHAKE_MS,
    };
}

impl Default for Config {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// The content of CONNECTED, besides version and heart-beat.
#[derive(Clone, Copy, Debug)]
pub struct Greeting<'a> {
    /// `name "/" version`, such as `Carillon/0.1.0`.
    pub server: &'a str,
    /// The unique id of this session.
    pub session: &'a str,
}

/// The state of a connection. Kept small, since it is the only cost here of an idle connection.
#[derive(Clone, Debug)]
pub struct Session {
    state: State,
    version: Version,
    /// The server's own offer; the client's is stored only until CONNECTED.
    heart_beat: HeartBeat,
    heart_beat_min_ms: u32,
    pulse: Pulse,
}

#[derive(Clone, Copy, Debug)]
enum State {
    AwaitingConnect,
    /// CONNECT has been received and is not answered yet.
    Connecting {
        peer: HeartBeat,
    },
    Connected,
    /// DISCONNECT has been received.
    Disconnected,
}

impl Session {
    /// Creates the state of a new connection.
    pub const fn new(config: &Config, now_ms: u64) -> Self {
        Self {
            state: State::AwaitingConnect,
            version: Version::V1_2,
            heart_beat: config.heart_beat,
            heart_beat_min_ms: config.heart_beat_min_ms,
            pulse: Pulse::awaiting_handshake(now_ms, config.handshake_ms),
        }
    }

    /// Returns the version of replies; the decoder must use it after CONNECT.
    pub const fn version(&self) -> Version {
        self.version
    }

    /// Returns the request of an item.
    ///
    /// # Errors
    ///
    /// A violation by the client. Answer with [`error`](Self::error) and close the connection.
    #[inline]
    pub fn request<'a>(&mut self, item: Item<'a>) -> Result<Request<'a>, Fault> {
        match item {
            Item::HeartBeat => Ok(Request::HeartBeat),
            Item::Frame(frame) if frame.command == Command::Send => self.send(&frame),
            Item::Frame(frame) => self
                .dispatch(&frame)
                .map_err(|cause| at_fault(cause, &frame)),
        }
    }

    /// Handles SEND, the most frequent frame, in a function that can be inlined.
    #[inline]
    fn send<'a>(&self, frame: &Frame<'a>) -> Result<Request<'a>, Fault> {
        let order = self.check_order(frame.command);
        match order.and_then(|()| Send::read(frame)) {
            Ok(send) => Ok(Request::Send(send)),
            Err(cause) => Err(at_fault(cause, frame)),
        }
    }

    #[inline(never)]
    fn dispatch<'a>(&mut self, frame: &Frame<'a>) -> Result<Request<'a>, Cause> {
        self.check_order(frame.command)?;
        match frame.command {
            Command::Send => Send::read(frame).map(Request::Send),
            Command::Subscribe => Subscribe::read(frame, self.version).map(Request::Subscribe),
            Command::Unsubscribe => {
                Unsubscribe::read(frame, self.version).map(Request::Unsubscribe)
            }
            Command::Ack => Acknowledge::read_ack(frame, self.version).map(Request::Ack),
            Command::Nack => Acknowledge::read_nack(frame, self.version).map(Request::Nack),
            Command::Begin => Transaction::read(frame).map(Request::Begin),
            Command::Commit => Transaction::read(frame).map(Request::Commit),
            Command::Abort => Transaction::read(frame).map(Request::Abort),
            Command::Connect | Command::Stomp => self.connect(frame).map(Request::Connect),
            Command::Disconnect => Ok(Request::Disconnect(self.disconnect(frame))),
            command @ (Command::Connected
            | Command::Message
            | Command::Receipt
            | Command::Error) => Err(Cause::NotAClientFrame { command }),
        }
    }

    #[inline]
    fn check_order(&self, command: Command) -> Result<(), Cause> {
        let connects = command.connects();
        match self.state {
            State::AwaitingConnect if connects => Ok(()),
            State::Connected if !connects => Ok(()),
            // "Clients MUST NOT send any more frames after the DISCONNECT frame is sent."
            State::Disconnected => Err(Cause::AfterDisconnect { command }),
            _ if connects => Err(Cause::AlreadyConnected),
            _ => Err(Cause::NotConnected { command }),
        }
    }

    fn connect<'a>(&mut self, frame: &Frame<'a>) -> Result<Connect<'a>, Cause> {
        let connect = Connect::read(frame)?;
        self.version = connect.version;
        self.state = State::Connecting {
            peer: connect.heart_beat,
        };
        Ok(connect)
    }

    fn disconnect<'a>(&mut self, frame: &Frame<'a>) -> Disconnect<'a> {
        self.state = State::Disconnected;
        Disconnect::read(frame)
    }

    /// Accepts [`Request::Connect`]: writes CONNECTED and starts the heart-beat timers.
    pub fn connected(&mut self, now_ms: u64, greeting: &Greeting<'_>, out: &mut Vec<u8>) {
        if let State::Connecting { peer } = self.state {
            self.heart_beat = self.heart_beat.following(peer, self.heart_beat_min_ms);
            self.pulse.agree(now_ms, self.heart_beat, peer);
            self.state = State::Connected;
        }
        let mut frame = FrameWriter::new(out, self.version, Command::Connected);
        frame.header(header::VERSION, self.version.as_str());
        if self.version.has_heart_beats() {
            frame.header(header::HEART_BEAT, &self.heart_beat.to_string());
        }
        frame
            .header(header::SERVER, greeting.server)
            .header(header::SESSION, greeting.session);
        frame.end();
    }

    /// Writes RECEIPT: "Sent from the server to the client once a server has successfully processed
    /// a client frame that requests a receipt" (STOMP 1.2, "RECEIPT").
    pub fn receipt(&self, receipt: &str, out: &mut Vec<u8>) {
        let mut frame = FrameWriter::new(out, self.version, Command::Receipt);
        frame.header(header::RECEIPT_ID, receipt);
        frame.end();
    }

    /// Writes ERROR. Close the connection after sending it.
    pub fn error(&mut self, fault: &Fault, out: &mut Vec<u8>) {
        self.state = State::Disconnected;
        fault.write(self.version, out);
    }

    /// Must be called when bytes have arrived, even part of a frame: "any new data received over
    /// the network connection is an indication that the remote end is alive".
    #[inline]
    pub const fn received(&mut self, now_ms: u64) {
        self.pulse.received(now_ms);
    }

    /// Must be called when bytes have been sent.
    #[inline]
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

/// "If the frame included a receipt header, the ERROR frame SHOULD set the receipt-id header"
/// (STOMP 1.2, "ERROR").
#[cold]
fn at_fault(cause: Cause, frame: &Frame<'_>) -> Fault {
    let receipt = frame.headers.get(header::RECEIPT);
    Fault::new(cause, receipt.as_deref())
}
