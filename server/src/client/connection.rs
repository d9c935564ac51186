//! A client's end of a connection, whatever is spoken on it.
//!
//! [`Connection`] owns the transport, both buffers and the timer; its [`Machine`] is asked what they mean.
//! Requests are only written to a buffer, [`flush`](Connection::flush) sends them together, and
//! [`receive`](Connection::receive) waits for more to arrive. Opening one, taking apart what has arrived, and
//! taking leave are each protocol's.
//!
//! Whatever ends the connection is told by the protocol's `next_event` alone, after everything that arrived
//! before it: what the server said last is seen even if it was the sending that failed.

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

pub struct Connection<M> {
    transport: Transport,
    pub(super) machine: M,
    pub(super) received: Received,
    /// What was not given to the transport.
    pub(super) outgoing: Vec<u8>,
    cannot_send: bool,
    lost: Option<Lost>,
    /// When to look at the machine's deadline again.
    timer: Pin<Box<Sleep>>,
    opened: Instant,
}

impl<M: Machine> Connection<M> {
    /// A machine's time begins now.
    pub fn over(transport: Transport, machine: M) -> Self {
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

    /// Bytes of requests that were not sent. They are the caller's to bound, by calling
    /// [`flush`](Self::flush).
    pub const fn unsent_bytes(&self) -> usize {
        self.outgoing.len()
    }

    /// Whether no more will arrive; what has arrived may still be there.
    pub const fn is_lost(&self) -> bool {
        self.lost.is_some()
    }

    /// For when everything that arrived was told.
    ///
    /// # Errors
    ///
    /// The connection is lost.
    pub fn check(&self) -> Result<(), Lost> {
        match &self.lost {
            Some(lost) => Err(lost.clone()),
            None => Ok(()),
        }
    }

    /// Waits until more has arrived, sending meanwhile what was not sent. Returns at once when the
    /// connection is lost. Cancel-safe.
    ///
    /// To be called when there are no more events; earlier it reads ahead up to a bound, and keeps the
    /// connection alive beyond.
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

    /// To be called when the machine's deadline is earlier than it was.
    pub(super) fn set_timer(&mut self) {
        let deadline = match self.machine.deadline() {
            Some(deadline_ms) => self.opened + Duration::from_millis(deadline_ms),
            None => Instant::now() + FAR_AWAY,
        };
        self.timer.as_mut().reset(deadline);
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
                // It is we who do not listen.
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
                // Reading goes on: what the server said last may tell why.
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

/// Without a deadline the timer is looked at this often, in vain.
const FAR_AWAY: Duration = Duration::from_secs(24 * 60 * 60);
