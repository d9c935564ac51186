//! What a connection asks of a protocol. The receiving half belongs to the connection's task; the
//! encoding half to the out-state, where any task may use it.

use std::{
    borrow::Cow,
    task::{Context, Poll},
};

use broker::Delivery;
use wire::websocket::{CloseCode, Violation};

use super::{Deliverer, MessageType, ReadCycle, ServerContext};
use crate::partial_input;

/// The receiving half: a protocol's state machine, joined to the broker.
pub trait Protocol: Send + 'static {
    /// The sending half.
    type Encoder: Encoder;

    /// Whether text messages of a WebSocket are refused.
    const IS_BINARY: bool = false;

    /// Takes in bytes; tells how many it is done with. The others come again, with more behind them.
    /// What it has to say goes into the turn's replies.
    ///
    /// # Errors
    /// The connection is to be ended.
    fn receive(&mut self, input: &[u8], cycle: &mut ReadCycle) -> Result<usize, CloseReason>;

    /// Whether [`Protocol::hand_over`] has something to give.
    fn has_news(&self) -> bool {
        false
    }

    /// Lets the halves tell each other what concerns them; called behind [`Protocol::receive`] in each turn in which
    /// one of them has news.
    ///
    /// # Errors
    /// The connection is to be ended.
    fn hand_over(
        &mut self,
        _encoder: &mut Self::Encoder,
        _turn: &mut ReadCycle,
    ) -> Result<(), CloseReason> {
        Ok(())
    }

    /// Ends a turn: publishes what it gathered.
    ///
    /// # Errors
    /// The connection is to be ended.
    fn finish(&mut self, cycle: &mut ReadCycle) -> Result<(), CloseReason>;

    /// When [`Protocol::on_deadline`] is due, in milliseconds of the server's clock.
    fn deadline(&self) -> Option<u64>;

    /// Does what is due, and appends what the peer is to be sent. `last_sent_ms` is when it was last sent
    /// anything.
    ///
    /// # Errors
    /// The connection is to be ended.
    fn on_deadline(
        &mut self,
        now_ms: u64,
        last_sent_ms: u64,
        out: &mut Vec<u8>,
    ) -> Result<(), CloseReason>;

    /// Counts the peer as heard of: nothing is read from it for now, for no fault of its own.
    fn reset_keep_alive(&mut self, now_ms: u64);

    /// Ready when somebody else wants the connection ended.
    fn poll_evicted(&mut self, _context: &mut Context<'_>) -> Poll<CloseReason> {
        Poll::Pending
    }

    /// The connection ends, and delivers nothing more: ends its session too, which is the rule, or keeps what is
    /// to outlive it. There is no `ending` when the connection's task failed.
    fn on_close(
        &mut self,
        context: &ServerContext,
        deliverer: Deliverer<Self::Encoder>,
        _ending: Option<&CloseReason>,
    ) {
        context.detach(deliverer.reader.session());
    }

    /// Tells the peer, in the protocol's own way, that the server ends the connection.
    fn write_close(&mut self, ending: &CloseReason, replies: &mut Vec<u8>);
}

/// The sending half.
pub trait Encoder: Send + 'static {
    /// Appends one delivery, or nothing if the peer cannot have it. Tells whether it is text, where the peer
    /// cares.
    fn encode(&mut self, delivery: &Delivery<'_>, out: &mut Vec<u8>) -> MessageType;

    /// Whether the peer may be given another delivery now. If not, [`Encoder::resend`] makes room, or
    /// [`Protocol::hand_over`] does.
    fn has_room(&self) -> bool {
        true
    }

    /// Appends what was sent on an earlier connection and comes before everything else, as binary; it ends at about
    /// `most` bytes, and goes on when it is called again. Called where there is no room.
    fn resend(&mut self, _most: usize, _out: &mut Vec<u8>) {}

    /// Whether [`Protocol::hand_over`] has something to take from here.
    fn has_news(&self) -> bool {
        false
    }
}

/// Why a connection ends.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CloseReason {
    /// The peer asked for it.
    #[error("the peer ended it")]
    ByPeer,
    /// The peer broke the protocol; it has been told in the replies.
    #[error("the peer's fault: {0}")]
    Fault(String),
    /// The peer broke the framing.
    #[error("{0}")]
    Framing(#[from] Violation),
    /// The peer is silent for longer than agreed.
    #[error("the peer is silent")]
    Silent,
    /// The peer did not introduce itself in time.
    #[error("no handshake in time")]
    NoHandshake,
    /// The peer leaves its replies unread.
    #[error("the peer does not read its replies")]
    Unread,
    /// The peer reads more slowly than its subscription's rule allows.
    #[error("the peer reads too slowly")]
    TooSlow,
    /// The peer takes too long to finish a message.
    #[error("the peer does not finish its message")]
    Unfinished,
    /// Others have too much under way.
    #[error("its unfinished message gave way to others")]
    GaveWay,
    /// The peer sent text where the protocol has only binary messages.
    #[error("text instead of binary messages")]
    Text,
    /// Another connection has taken over its session.
    #[error("another connection has taken over the session")]
    TakenOver,
    /// The server stops.
    #[error("the server is stopping")]
    Stopping,
    /// The socket failed.
    #[error("{0}")]
    Io(String),
}

impl CloseReason {
    /// The close code that tells a WebSocket peer (RFC 6455, 7.4.1).
    pub fn close_code(&self) -> CloseCode {
        match self {
            Self::Framing(violation) => violation.close_code(),
            Self::ByPeer => CloseCode::NORMAL,
            Self::Text => CloseCode::UNSUPPORTED_DATA,
            Self::Fault(_)
            | Self::NoHandshake
            | Self::TooSlow
            | Self::Unread
            | Self::Unfinished
            | Self::GaveWay
            | Self::TakenOver => CloseCode::POLICY_VIOLATION,
            Self::Silent | Self::Stopping | Self::Io(_) => CloseCode::GOING_AWAY,
        }
    }

    /// What the peer itself is told.
    pub fn told(&self) -> Cow<'_, str> {
        match self {
            Self::ByPeer | Self::Io(_) => "".into(),
            Self::Fault(fault) => fault.into(),
            Self::Framing(violation) => violation.to_string().into(),
            Self::Silent => "nothing was heard from you for longer than was agreed".into(),
            Self::NoHandshake => "you did not introduce yourself in time".into(),
            Self::Unread => "you do not read the replies to what you send".into(),
            Self::TooSlow => "you read more slowly than your subscription's rule allows".into(),
            Self::Unfinished => partial_input::TOO_SLOW.into(),
            Self::GaveWay => partial_input::GAVE_WAY.into(),
            Self::Text => "this protocol has binary messages only".into(),
            Self::TakenOver => "another connection has taken over your session".into(),
            Self::Stopping => "the server is stopping".into(),
        }
    }
}
