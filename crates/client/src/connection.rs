//! The client's end of a connection, for all protocols.
//!
//! [`Connection`] owns the transport, both buffers and the timer; its [`Machine`] is the protocol.
//! Requests are only written to a buffer, [`flush`](Connection::flush) sends them together, and
//! [`receive`](Connection::receive) waits for more bytes. Each protocol implements opening,
//! decoding and closing.
//!
//! Only the protocol's `next_event` returns the reason for the end of the connection, after all
//! events that arrived before. So the last frame of the server is seen even if sending failed
//! first.

use std::{
    future::poll_fn,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use tokio::time::{Instant, Sleep, sleep_until};

use super::{
    lost::Lost,
    machine::{Due, Machine},
    received::Received,
    transport::{CannotSend, Transport},
};

pub(crate) struct Connection<M> {
    transport: Transport,
    pub(super) machine: M,
    pub(super) received: Received,
    /// Bytes not yet given to the transport.
    pub(super) outgoing: Vec<u8>,
    cannot_send: bool,
    lost: Option<Lost>,
    /// Fires when the machine's deadline must be checked again.
    timer: Pin<Box<Sleep>>,
    opened: Instant,
}

impl<M: Machine> Connection<M> {
    /// Creates a connection over an open transport. The machine's clock starts now.
    pub(crate) fn over(transport: Transport, machine: M) -> Self {
        let opened = Instant::now();
        let mut connection = Self {
            transport,
            machine,
            received: Received::default(),
            outgoing: Vec::new(),
            cannot_send: false,
            lost: None,
            timer: Box::pin(sleep_until(opened)),
            opened,
        };
        connection.set_timer();
        connection
    }

    /// Returns the number of unsent bytes. The caller bounds them by calling
    /// [`flush`](Self::flush).
    pub(crate) const fn unsent_bytes(&self) -> usize {
        self.outgoing.len()
    }

    /// Returns true if no more bytes will arrive. Events that have arrived may still be waiting.
    pub(crate) const fn is_lost(&self) -> bool {
        self.lost.is_some()
    }

    /// Checks that the connection is not lost. To be called when all events that arrived have been
    /// returned.
    ///
    /// # Errors
    ///
    /// The connection is lost.
    pub(crate) fn check(&self) -> Result<(), Lost> {
        match &self.lost {
            Some(lost) => Err(lost.clone()),
            None => Ok(()),
        }
    }

    /// Waits until more bytes have arrived, and sends unsent bytes in that time. Returns at once if
    /// the connection is lost. Cancel-safe.
    ///
    /// Usually called when no events are left. If events are left, it reads ahead up to a bound; at
    /// the bound it stops reading and only keeps the connection alive.
    pub(crate) async fn receive(&mut self) {
        poll_fn(|context| match self.poll(context) {
            Progress::Arrived => Poll::Ready(()),
            Progress::None => Poll::Pending,
        })
        .await;
    }

    /// Waits until all bytes are sent. Reads in that time, up to a bound, so that a server that
    /// waits until its bytes are read causes no deadlock. Returns at once if the connection is
    /// lost. Cancel-safe.
    pub(crate) async fn flush(&mut self) {
        poll_fn(|context| {
            self.poll(context);
            match self.is_lost() || (self.outgoing.is_empty() && self.transport.is_flushed()) {
                true => Poll::Ready(()),
                false => Poll::Pending,
            }
        })
        .await;
    }

    pub(super) async fn close_transport(&mut self) {
        self.transport.close().await;
    }

    pub(super) fn now_ms(&self) -> u64 {
        u64::try_from(self.opened.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    /// Sets the timer to the machine's deadline. To be called when the deadline has become earlier.
    pub(super) fn set_timer(&mut self) {
        let deadline = match self.machine.deadline() {
            Some(deadline_ms) => self.opened + Duration::from_millis(deadline_ms),
            None => Instant::now() + FAR_AWAY,
        };
        self.timer.as_mut().reset(deadline);
    }
}

/// The result of polling the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Progress {
    None,
    /// Bytes were read, or the connection was lost.
    Arrived,
}

/// The driver: reads, then handles deadlines, then writes.
impl<M: Machine> Connection<M> {
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
        while !self.is_lost() && self.received.has_room() {
            let Poll::Ready(read) = self.transport.poll_read(context, &mut self.received) else {
                break;
            };
            let now_ms = self.now_ms();
            self.machine.received(now_ms);
            if let Err(lost) = read {
                self.lose(lost);
            }
            progress = Progress::Arrived;
        }
        progress
    }

    fn poll_timer(&mut self, context: &mut Context<'_>) {
        while !self.is_lost() && self.timer.as_mut().poll(context).is_ready() {
            let now_ms = self.now_ms();
            match self.machine.on_deadline(now_ms) {
                Due::Nothing => {}
                Due::HeartBeat => self.machine.heart_beat(&mut self.outgoing),
                // The server is not silent: this client has paused reading.
                Due::ServerSilent { .. } if !self.received.has_room() => {
                    self.machine.received(now_ms);
                }
                Due::ServerSilent { silent_ms } => self.lose(Lost::Silent { silent_ms }),
                Due::HandshakeOverdue => self.lose(Lost::HandshakeOverdue),
            }
            self.set_timer();
        }
    }

    fn poll_write(&mut self, context: &mut Context<'_>) {
        let was_flushed = self.outgoing.is_empty() && self.transport.is_flushed();
        if self.cannot_send {
            self.outgoing.clear();
        } else if !was_flushed
            && let Poll::Ready(sent) = self.transport.poll_write(context, &mut self.outgoing)
        {
            match sent {
                Ok(()) => {
                    let now_ms = self.now_ms();
                    self.machine.sent(now_ms);
                }
                // Reading continues: the last frame of the server may give the reason.
                Err(CannotSend) => {
                    self.cannot_send = true;
                    self.outgoing.clear();
                }
            }
        }
    }

    fn lose(&mut self, lost: Lost) {
        self.lost.get_or_insert(lost);
    }
}

/// The timer's period while the machine has no deadline.
const FAR_AWAY: Duration = Duration::from_secs(24 * 60 * 60);
