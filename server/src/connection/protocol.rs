//! The interface between a connection and its protocol. The receiving half, [`Protocol`], belongs to the connection's task;
//! the sending half, [`Encoder`], belongs to the output state, where any task may use it.
//!
//! # Calling contract of `Protocol`
//!
//! Only the connection's task calls the methods, one after the other. None of them may wait.
//!
//! A *read cycle* calls, in this order:
//!
//! 1. [`Protocol::receive`], for each message of the framing, or not at all in a cycle without input. Input that was not
//!    used comes again in a later call, also after a cycle that ran out of time.
//! 2. [`Protocol::exchange_data`], if one half has data for the other.
//! 3. [`Protocol::finish`].
//!
//! The first error ends the cycle: the later steps are skipped, and the connection ends. So a protocol publishes what it
//! collected before it returns an error from `receive`. All three run under the read lock of the server's gate
//! ([`Gate`](crate::gate::Gate)), which the server's stop waits for. The lock of the output state is held in `exchange_data`
//! only; `receive` and `finish` run without it, because what they publish may be delivered to any other connection.
//! Replies in [`ReadCycle::replies`] are written after the cycle, or later: they are held while the publisher is blocked and
//! until its messages are recorded.
//!
//! Between cycles, without a lock:
//!
//! - [`Protocol::deadline`] and [`Protocol::poll_evicted`], before each wait, in any number.
//! - [`Protocol::on_deadline`], at or after a deadline of the connection, which may be earlier than the protocol's own: a
//!   call with nothing due does nothing. Its output is written at once.
//! - [`Protocol::reset_keep_alive`], before `on_deadline`, if the peer is alive but its socket is not read.
//!
//! At the end, without a lock:
//!
//! 1. Further cycles, if the connection is taken over or its socket is broken: the peer sent their input before the end.
//! 2. [`Protocol::on_close`], exactly once, also if the task panics or is aborted. No message is encoded after it.
//! 3. [`Protocol::write_close`], once, as the last call; not after a panic or an abort.
//!
//! # Calling contract of `Encoder`
//!
//! Any task calls the methods, always under the lock of the output state. [`Encoder::encode`] is called only after
//! [`Encoder::has_room`] returned true; [`Encoder::resend`] only after it returned false. [`Encoder::end_round`] follows them,
//! before their output is written. `on_close` takes the encoder.

use std::{
    borrow::Cow,
    task::{Context, Poll},
};

use broker::Delivery;
use wire::websocket::{CloseCode, Violation};

use super::{Deliverer, MessageType, ReadCycle};
use crate::{context::ServerContext, partial_input};

/// The receiving half: a protocol's state machine, connected to the broker.
pub trait Protocol: Send + 'static {
    /// The sending half.
    type Encoder: Encoder;

    /// True if text messages of a WebSocket are refused.
    const IS_BINARY: bool = false;

    /// Processes input. Returns the number of bytes used; the other bytes are passed again, with more bytes after them.
    /// Replies are added to the cycle.
    ///
    /// # Errors
    ///
    /// The connection must end.
    fn receive(&mut self, input: &[u8], cycle: &mut ReadCycle) -> Result<usize, CloseReason>;

    /// Returns whether this half has data for the encoder, so that [`Protocol::exchange_data`] must be called.
    fn has_data_for_encoder(&self) -> bool {
        false
    }

    /// Exchanges data between the two halves. Called after [`Protocol::receive`], if one of the halves has data for the
    /// other.
    ///
    /// # Errors
    ///
    /// The connection must end.
    fn exchange_data(
        &mut self,
        _encoder: &mut Self::Encoder,
        _cycle: &mut ReadCycle,
    ) -> Result<(), CloseReason> {
        Ok(())
    }

    /// Ends a read cycle: publishes the collected messages.
    ///
    /// # Errors
    ///
    /// The connection must end.
    fn finish(&mut self, cycle: &mut ReadCycle) -> Result<(), CloseReason>;

    /// Returns the time at which [`Protocol::on_deadline`] is due, in milliseconds of the server's clock.
    fn deadline(&self) -> Option<u64>;

    /// Handles a deadline, and appends bytes for the peer. `last_sent_ms` is the time at which bytes were last sent.
    ///
    /// # Errors
    ///
    /// The connection must end.
    fn on_deadline(
        &mut self,
        now_ms: u64,
        last_sent_ms: u64,
        out: &mut Vec<u8>,
    ) -> Result<(), CloseReason>;

    /// Restarts the keep-alive time. Called while the server does not read from the peer, if the state of the socket
    /// shows that the peer is alive.
    fn reset_keep_alive(&mut self, now_ms: u64);

    /// Ready when another task requests the end of the connection.
    fn poll_evicted(&mut self, _context: &mut Context<'_>) -> Poll<CloseReason> {
        Poll::Pending
    }

    /// Handles the end of the connection, which delivers no more messages. Ends its session, or saves it if it outlives
    /// the connection. `close_reason` is `None` if the connection's task panicked or was aborted.
    fn on_close(
        &mut self,
        context: &ServerContext,
        deliverer: Deliverer<Self::Encoder>,
        _ending: Option<&CloseReason>,
    ) {
        context.end_session(deliverer.reader.session());
    }

    /// Appends the protocol's last message, which reports to the peer why the server ends the connection.
    fn write_close(&mut self, close_reason: &CloseReason, replies: &mut Vec<u8>);
}

/// The sending half.
pub trait Encoder: Send + 'static {
    /// Appends one delivery, or nothing if it cannot be sent to the peer. Returns the message type, if the peer
    /// distinguishes text.
    fn encode(&mut self, delivery: &Delivery<'_>, out: &mut Vec<u8>) -> MessageType;

    /// Returns whether another delivery may be sent now. Only [`Encoder::resend`] or [`Protocol::exchange_data`] can change
    /// the result from false to true.
    fn has_room(&self) -> bool {
        true
    }

    /// Appends retransmissions: messages that were sent on an earlier connection. They come before all other
    /// deliveries, and are binary. Stops at about `most` bytes, and continues in the next call. Called when there is no
    /// room.
    fn resend(&mut self, _max_bytes: usize, _out: &mut Vec<u8>) {}

    /// Ends a round of deliveries and retransmissions. Returns the ticket of the log that must be complete before the output of
    /// the round is written.
    fn end_round(&mut self) -> Option<u64> {
        None
    }

    /// Returns whether the encoder has data for [`Protocol::exchange_data`].
    fn has_data_for_protocol(&self) -> bool {
        false
    }
}

/// The reason for the end of a connection.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CloseReason {
    /// The peer requested it.
    #[error("the peer ended it")]
    ByPeer,
    /// The peer violated the protocol; the replies contain the error.
    #[error("the peer violated the protocol: {0}")]
    Fault(String),
    /// The peer's credentials were refused; the replies contain the error.
    #[error("{0}")]
    LoginRefused(String),
    /// The peer violated the framing.
    #[error("{0}")]
    Framing(#[from] Violation),
    /// The peer is silent for longer than agreed.
    #[error("the peer is silent")]
    Silent,
    /// The peer did not complete the handshake in time.
    #[error("the peer did not complete the handshake in time")]
    NoHandshake,
    /// The peer does not read its replies.
    #[error("the peer does not read its replies")]
    Unread,
    /// The peer reads more slowly than its subscription's rule allows.
    #[error("the peer reads too slowly")]
    TooSlow,
    /// The peer takes too long to finish a message.
    #[error("the peer does not finish its message")]
    MessageTooSlow,
    /// The incomplete message of this peer was dropped to make room for others.
    #[error("the peer's incomplete message was dropped to make room for others")]
    MessageDropped,
    /// The peer sent text, but the protocol has only binary messages.
    #[error("the peer sent text, and the protocol has only binary messages")]
    Text,
    /// Another connection has taken over its session.
    #[error("another connection has taken over the session")]
    TakenOver,
    /// The user of the connection does not exist any more, or has fewer rights; or its credentials are not valid any more.
    #[error("the rights or the credentials of the user have changed")]
    Revoked,
    /// An operator has ended the connection.
    #[error("an operator has ended it")]
    Administrative,
    /// The server stops.
    #[error("the server is stopping")]
    Stopping,
    /// The socket failed.
    #[error("{0}")]
    Io(String),
}

impl CloseReason {
    /// Returns the close code for a WebSocket peer (RFC 6455, 7.4.1).
    pub fn close_code(&self) -> CloseCode {
        match self {
            Self::Framing(violation) => violation.close_code(),
            Self::ByPeer => CloseCode::NORMAL,
            Self::Text => CloseCode::UNSUPPORTED_DATA,
            Self::Fault(_)
            | Self::LoginRefused(_)
            | Self::NoHandshake
            | Self::TooSlow
            | Self::Unread
            | Self::MessageTooSlow
            | Self::MessageDropped
            | Self::Revoked
            | Self::Administrative
            | Self::TakenOver => CloseCode::POLICY_VIOLATION,
            Self::Silent | Self::Stopping | Self::Io(_) => CloseCode::GOING_AWAY,
        }
    }

    /// Returns the reason in the form for the peer.
    pub fn peer_text(&self) -> Cow<'_, str> {
        match self {
            Self::ByPeer | Self::Io(_) => "".into(),
            Self::Fault(fault) | Self::LoginRefused(fault) => fault.into(),
            Self::Framing(violation) => violation.to_string().into(),
            Self::Silent => "no input arrived from you for longer than agreed".into(),
            Self::NoHandshake => "you did not complete the handshake in time".into(),
            Self::Unread => "you do not read the replies to your requests".into(),
            Self::TooSlow => "you read more slowly than your subscription's rule allows".into(),
            Self::MessageTooSlow => partial_input::MESSAGE_TOO_SLOW.into(),
            Self::MessageDropped => partial_input::MESSAGE_DROPPED.into(),
            Self::Text => "this protocol has binary messages only".into(),
            Self::TakenOver => "another connection has taken over your session".into(),
            Self::Revoked => {
                "your rights have changed, or your login has expired; connect again".into()
            }
            Self::Administrative => "an operator of the server has ended the connection".into(),
            Self::Stopping => "the server is stopping".into(),
        }
    }
}
