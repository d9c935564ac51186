//! A client's end of a connection: STOMP over WebSocket over TCP, or TLS.
//!
//! [`Connection`] owns the socket, both buffers and the timer; [`wire::stomp::client`] is asked what
//! they mean. Requests are only written to a buffer, [`flush`](Connection::flush) sends them together.
//! [`receive`](Connection::receive) waits for more to arrive, and
//! [`next_event`](Connection::next_event) takes it apart.
//!
//! Whatever ends the connection is told by `next_event` alone, after everything that arrived before it:
//! an ERROR is seen even if it was the sending that failed.

use std::{
    future::poll_fn,
    pin::{Pin, pin},
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use futures_util::{Sink, Stream};
use tokio::time::{Instant, Sleep, sleep_until, timeout};
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{self, Message, protocol::CloseFrame},
};
use wire::stomp::{
    Due, Item,
    client::{Acknowledge, Client, Config, Connect, Event, ProtocolError, Send, Subscribe},
};

use super::{
    connect::{self, ConnectError, Line, without_code},
    incoming::Incoming,
    options::ConnectionOptions,
    render::printable,
};

pub struct Connection {
    socket: WebSocketStream<Line>,
    client: Client,
    incoming: Incoming,
    /// Frames that were not given to the socket.
    outgoing: Vec<u8>,
    /// Whether the socket may hold bytes that were given to it.
    is_flushed: bool,
    cannot_send: bool,
    lost: Option<Lost>,
    /// When to look at the client's deadline again.
    timer: Pin<Box<Sleep>>,
    opened: Instant,
}

/// Why there is no connection any more.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Lost {
    #[error("the server closed it")]
    Closed,
    #[error("the server closed it: {reason} ({code})")]
    ClosedBecause { code: u16, reason: String },
    #[error("{reason}")]
    Broken { reason: String },
    #[error("nothing was heard from the server for {silent_ms} ms")]
    Silent { silent_ms: u64 },
    #[error("the server did not answer CONNECT")]
    HandshakeOverdue,
    #[error("{0}")]
    Protocol(#[from] ProtocolError),
}

impl Connection {
    /// Connects and waits for CONNECTED.
    ///
    /// # Errors
    ///
    /// There is no server, it does not speak STOMP over WebSocket, or it refuses this client.
    pub async fn open(options: &ConnectionOptions) -> Result<Self, ConnectError> {
        let socket = connect::upgrade(options).await?;
        let mut connection = Self::over(socket, options);
        let connect = Connect {
            host: options.server.host(),
            client_id: options.client_id.as_deref(),
            ..Connect::default()
        };
        connection
            .client
            .connect(&connect, &mut connection.outgoing);
        connection.handshake(options).await?;
        Ok(connection)
    }

    fn over(socket: WebSocketStream<Line>, options: &ConnectionOptions) -> Self {
        let opened = Instant::now();
        let config = Config {
            heart_beat: options.heart_beat(),
            ..Config::DEFAULT
        };
        let mut connection = Self {
            socket,
            client: Client::new(&config, 0),
            incoming: Incoming::default(),
            outgoing: Vec::new(),
            is_flushed: true,
            cannot_send: false,
            lost: None,
            timer: Box::pin(sleep_until(opened)),
            opened,
        };
        connection.set_timer();
        connection
    }

    async fn handshake(&mut self, options: &ConnectionOptions) -> Result<(), ConnectError> {
        let refused = |said| ConnectError::Refused {
            address: options.server.to_string(),
            said,
        };
        let lost = |lost| ConnectError::Lost {
            address: options.server.to_string(),
            lost,
        };
        while !self.client.is_connected() {
            match self.next_event().map_err(lost)? {
                Some(Event::Error(error)) => return Err(refused(connect::said(&error))),
                Some(_) => {}
                None => self.receive().await,
            }
        }
        self.incoming.set_version(self.client.version());
        self.set_timer();
        Ok(())
    }

    pub fn send(&mut self, send: &Send<'_>) {
        self.client.send(send, &mut self.outgoing);
    }

    pub fn subscribe(&mut self, subscribe: &Subscribe<'_>) {
        self.client.subscribe(subscribe, &mut self.outgoing);
    }

    pub fn unsubscribe(&mut self, id: &str, receipt: Option<&str>) {
        self.client.unsubscribe(id, receipt, &mut self.outgoing);
    }

    /// A message was made use of; `id` is its [`ack`](wire::stomp::client::Message::ack).
    pub fn ack(&mut self, id: &str) {
        self.client.ack(&acknowledge(id), &mut self.outgoing);
    }

    /// A message could not be made use of: others may try.
    pub fn nack(&mut self, id: &str) {
        self.client.nack(&acknowledge(id), &mut self.outgoing);
    }

    /// Bytes of requests that were not sent. They are the caller's to bound, by calling
    /// [`flush`](Self::flush).
    pub const fn unsent_bytes(&self) -> usize {
        self.outgoing.len()
    }

    /// Whether no more will arrive; what has arrived may still be there.
    pub const fn is_lost(&self) -> bool {
        self.lost.is_some()
    }

    /// What the server said, of what has arrived.
    ///
    /// # Errors
    ///
    /// The connection is lost, and everything that arrived was told.
    pub fn next_event(&mut self) -> Result<Option<Event<'_>>, Lost> {
        let now_ms = elapsed_ms(self.opened);
        if let Some(frame) = self.incoming.next_frame().map_err(ProtocolError::from)? {
            return Ok(Some(self.client.event(now_ms, Item::Frame(frame))?));
        }
        match &self.lost {
            Some(lost) => Err(lost.clone()),
            None => Ok(None),
        }
    }

    /// Waits until more has arrived, sending meanwhile what was not sent. Returns at once when the
    /// connection is lost. Cancel-safe.
    ///
    /// To be called when [`next_event`](Self::next_event) has no more; earlier it reads ahead up to a
    /// bound, and keeps the connection alive beyond.
    pub async fn receive(&mut self) {
        poll_fn(|context| match self.poll(context) {
            Progress::Arrived => Poll::Ready(()),
            Progress::None => Poll::Pending,
        })
        .await;
    }

    /// Waits until everything was sent. It goes on reading meanwhile, up to a bound, so that a server
    /// that waits for us to read is no deadlock. Returns at once when the connection is lost. Cancel-safe.
    pub async fn flush(&mut self) {
        poll_fn(|context| {
            self.poll(context);
            match self.is_lost() || (self.outgoing.is_empty() && self.is_flushed) {
                true => Poll::Ready(()),
                false => Poll::Pending,
            }
        })
        .await;
    }

    /// Takes leave of the server, and waits a little until it has seen that.
    pub async fn close(mut self) {
        let farewell = async {
            self.client.disconnect(Some(FAREWELL), &mut self.outgoing);
            while !self.has_seen_farewell() {
                self.receive().await;
            }
            // The server may have closed the connection as well.
            let _ = self.socket.close(None).await;
        };
        // A server that does not answer in time loses nothing but a farewell.
        let _ = timeout(FAREWELL_TIMEOUT, farewell).await;
    }

    fn has_seen_farewell(&mut self) -> bool {
        loop {
            match self.next_event() {
                Ok(Some(Event::Receipt(receipt))) if receipt == FAREWELL => return true,
                Ok(Some(_)) => {}
                Ok(None) => return false,
                Err(_) => return true,
            }
        }
    }
}

/// What a poll of the connection led to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Progress {
    None,
    /// Something was read, or the connection was lost.
    Arrived,
}

/// The driver: reading, then heart-beats, then writing.
impl Connection {
    fn poll(&mut self, context: &mut Context<'_>) -> Progress {
        let mut progress = self.poll_read(context);
        self.poll_timer(context);
        self.poll_write(context);
        if self.is_lost() {
            progress = Progress::Arrived;
        }
        progress
    }

    fn poll_read(&mut self, context: &mut Context<'_>) -> Progress {
        let mut progress = Progress::None;
        while !self.is_lost() && self.incoming.has_room() {
            let Poll::Ready(message) = pin!(&mut self.socket).poll_next(context) else {
                break;
            };
            self.client.received(elapsed_ms(self.opened));
            self.arrived(message);
            progress = Progress::Arrived;
        }
        progress
    }

    fn arrived(&mut self, message: Option<Result<Message, tungstenite::Error>>) {
        match message {
            Some(Ok(Message::Binary(bytes))) => self.incoming.append(&bytes),
            Some(Ok(Message::Text(text))) => self.incoming.append(text.as_bytes()),
            Some(Ok(Message::Close(frame))) => self.lose(Lost::closed(frame)),
            // Pings are answered by the socket.
            Some(Ok(_)) => {}
            Some(Err(error)) => self.lose(Lost::broken(&error)),
            None => self.lose(Lost::Closed),
        }
    }

    fn poll_timer(&mut self, context: &mut Context<'_>) {
        while !self.is_lost() && self.timer.as_mut().poll(context).is_ready() {
            let now_ms = elapsed_ms(self.opened);
            match self.client.on_deadline(now_ms) {
                Due::Nothing => {}
                Due::HeartBeat if !self.outgoing.is_empty() => {}
                Due::HeartBeat => self.client.heart_beat(&mut self.outgoing),
                // It is we who do not listen.
                Due::PeerSilent { .. } if !self.incoming.has_room() => self.client.received(now_ms),
                Due::PeerSilent { silent_ms } => self.lose(Lost::Silent { silent_ms }),
                Due::HandshakeOverdue => self.lose(Lost::HandshakeOverdue),
            }
            self.set_timer();
        }
    }

    fn poll_write(&mut self, context: &mut Context<'_>) {
        if self.cannot_send {
            self.outgoing.clear();
        } else if let Poll::Ready(Err(_)) = self.poll_send(context) {
            // Reading goes on: what the server said last may tell why.
            self.cannot_send = true;
            self.is_flushed = true;
            self.outgoing.clear();
        }
    }

    fn poll_send(&mut self, context: &mut Context<'_>) -> Poll<Result<(), tungstenite::Error>> {
        let mut socket = pin!(&mut self.socket);
        while !self.outgoing.is_empty() {
            std::task::ready!(socket.as_mut().poll_ready(context))?;
            let message = next_message(&mut self.outgoing);
            socket.as_mut().start_send(Message::Binary(message))?;
            self.is_flushed = false;
        }
        if !self.is_flushed {
            std::task::ready!(socket.poll_flush(context))?;
            self.is_flushed = true;
            self.client.sent(elapsed_ms(self.opened));
        }
        Poll::Ready(Ok(()))
    }

    fn lose(&mut self, lost: Lost) {
        self.lost.get_or_insert(lost);
    }

    fn set_timer(&mut self) {
        let deadline = match self.client.deadline() {
            Some(deadline_ms) => self.opened + Duration::from_millis(deadline_ms),
            None => Instant::now() + FAR_AWAY,
        };
        self.timer.as_mut().reset(deadline);
    }
}

impl Lost {
    fn broken(error: &tungstenite::Error) -> Self {
        use tungstenite::error::{Error, ProtocolError::ResetWithoutClosingHandshake};
        let reason = match error {
            Error::Protocol(ResetWithoutClosingHandshake) => "the server went away".to_owned(),
            Error::Io(error) => without_code(error),
            error => error.to_string(),
        };
        Self::Broken { reason }
    }

    fn closed(frame: Option<CloseFrame>) -> Self {
        match frame {
            None => Self::Closed,
            Some(frame) => Self::ClosedBecause {
                code: frame.code.into(),
                reason: match frame.reason.as_str() {
                    "" => "no reason given".to_owned(),
                    reason => printable(reason).into_owned(),
                },
            },
        }
    }
}

fn acknowledge(id: &str) -> Acknowledge<'_> {
    Acknowledge {
        id,
        ..Acknowledge::default()
    }
}

/// All of the bytes as one message of WebSocket, unless they are too many: frames of STOMP may be cut
/// anywhere.
fn next_message(outgoing: &mut Vec<u8>) -> Bytes {
    let rest = outgoing.split_off(outgoing.len().min(MESSAGE_BYTES));
    Bytes::from(std::mem::replace(outgoing, rest))
}

fn elapsed_ms(opened: Instant) -> u64 {
    u64::try_from(opened.elapsed().as_millis()).unwrap_or(u64::MAX)
}

/// The longest message of WebSocket that is sent.
const MESSAGE_BYTES: usize = 256 << 10;
/// The receipt of DISCONNECT, and how long it is waited for.
const FAREWELL: &str = "farewell";
const FAREWELL_TIMEOUT: Duration = Duration::from_secs(2);
/// Without a deadline the timer is looked at this often, in vain.
const FAR_AWAY: Duration = Duration::from_secs(24 * 60 * 60);
