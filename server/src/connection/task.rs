//! The connection's own task. It reads, waits for events, and drains when a publishing task could not.

mod deadlines;
mod ending;
mod events;
mod silence;
mod stopping;

use std::{io, num::NonZeroU64, sync::Arc, task::Waker};

use broker::{Blocked, CompletionWait};
use tokio::{
    task::yield_now,
    time::{Duration, sleep},
};

use crate::{connection_control::OpenConnection, context::ServerContext, fairness::yield_if_due};

use events::Event;
use silence::SocketState;

use super::{
    CloseReason, Connection, EarlyInput, Framing, Protocol, ReadCycle, Scratch, Transport,
    inbound::{FramingOutput, Inbound},
    outbound::{Drained, Progress},
    read_cycle::Intake,
    reply_waker::ReplyWaker,
    timer::Timer,
};

/// The task of a connection, with the state that only the task uses. Times are milliseconds of the server's clock.
pub struct ConnectionTask<T: Transport, F: Framing, P: Protocol> {
    connection: Arc<Connection<T, F, P::Encoder>>,
    context: ServerContext,
    inbound: Inbound<F, P>,
    /// The place in the list of open connections; `None` after the end of the connection.
    listed: Option<Arc<OpenConnection>>,
    /// May be set for an earlier deadline than the current one: then nothing is due when it fires.
    timer: Timer,
    /// True if the task waits for the socket to accept more.
    is_socket_full: bool,
    /// True if there is more work, which waits until other tasks have run.
    has_more_work: bool,
    /// True after a write has failed. Earlier input may still be read.
    is_broken: bool,
    /// True if the encoder has data for the protocol's receiving half.
    encoder_has_data: bool,
    /// The pause after a read cycle with expensive requests, in which other tasks run.
    pause: Duration,
    /// The time until which the peer must read its replies; `None` while the peer reads them.
    unread_replies_until_ms: Option<u64>,
    /// The state of the socket at the last check; `None` while the server reads from it.
    unread_socket: Option<SocketState>,
    /// Subscriptions that have to catch up before the next read.
    blocked: Blocked,
    /// The time at which reading continues although the blocking subscriptions have not caught up: they may depend on
    /// the peer's input.
    resume_reading_at_ms: Option<u64>,
    /// The time until which a publication waits for the rate of its user. Nothing is read before it.
    paced_until_ms: Option<NonZeroU64>,
    /// The wait for the oldest held deliveries, and their ticket.
    held: Option<(u64, CompletionWait)>,
    /// The waker for owed replies; created when it is first needed.
    reply_waker: Option<Waker>,
    /// True while the connection does not read because too many replies are owed.
    is_owed_full: bool,
    /// The time at which the server started to stop.
    stopping_since_ms: Option<u64>,
    /// The start of the last read cycle.
    cycle_start_ms: u64,
}

/// The result of one read.
enum ReadResult {
    Bytes(usize),
    /// No bytes have arrived.
    Nothing,
}

impl<T: Transport, F: Framing, P: Protocol> ConnectionTask<T, F, P> {
    /// Creates the task. It does nothing before [`run`](Self::run).
    pub fn new(
        connection: Arc<Connection<T, F, P::Encoder>>,
        context: ServerContext,
        inbound: Inbound<F, P>,
        listed: Arc<OpenConnection>,
    ) -> Self {
        Self {
            timer: Timer::new(context.clock),
            connection,
            context,
            inbound,
            listed: Some(listed),
            is_socket_full: false,
            has_more_work: false,
            is_broken: false,
            encoder_has_data: false,
            pause: Duration::ZERO,
            unread_replies_until_ms: None,
            unread_socket: None,
            blocked: Blocked::default(),
            resume_reading_at_ms: None,
            paced_until_ms: None,
            held: None,
            reply_waker: None,
            is_owed_full: false,
            stopping_since_ms: None,
            cycle_start_ms: 0,
        }
    }

    /// Runs the connection to its end.
    pub async fn run(mut self: Box<Self>, early_input: EarlyInput) {
        let started = self.cycle(|inbound, cycle, framing_output| {
            inbound.receive_early(early_input, cycle, framing_output)
        });
        let close_reason = match started {
            Ok(()) => self.run_until_end().await,
            Err(close_reason) => close_reason,
        };
        self.write_close(&close_reason).await;
    }

    async fn run_until_end(&mut self) -> CloseReason {
        loop {
            if self.is_broken {
                return self
                    .read_remaining(CloseReason::Io("the peer is gone".into()))
                    .await;
            }
            self.yield_to_others().await;
            let done = match self.next_event().await {
                Event::Readable => self.read().and_then(|_| self.on_missed_deadline()),
                Event::Broken => {
                    self.is_broken = true;
                    Ok(())
                }
                Event::Writable => self.drain(),
                Event::Woken => self.on_woken(),
                Event::RemainingInput => self
                    .cycle(Inbound::process_remaining)
                    .and_then(|()| self.on_missed_deadline()),
                Event::Deadline => self.on_deadline(),
                Event::MoreWork | Event::Unblocked => self.cycle(|_, _, _| Ok(())),
                Event::Evicted(close_reason @ CloseReason::TakenOver) => {
                    return self.read_remaining(close_reason).await;
                }
                Event::Evicted(close_reason) => Err(close_reason),
                Event::Stopping => self.start_stopping(),
            };
            if let Err(close_reason) = done {
                return close_reason;
            }
            if self.stopping_since_ms.is_some() && self.is_drained() {
                return CloseReason::Stopping;
            }
        }
    }

    /// Returns to the runtime if other tasks must run first.
    async fn yield_to_others(&mut self) {
        if !self.pause.is_zero() {
            sleep(std::mem::take(&mut self.pause)).await;
        } else if self.has_more_work {
            yield_now().await;
        } else {
            yield_if_due().await;
        }
    }

    fn read(&mut self) -> Result<ReadResult, CloseReason> {
        let connection = Arc::clone(&self.connection);
        let read = |buffer: &mut Vec<u8>| {
            buffer.resize(READ_BYTES, 0);
            let saved = self.inbound.take_unframed(buffer);
            match connection.socket.try_read(&mut buffer[saved..]) {
                Ok(0) => Err(CloseReason::ByPeer),
                Ok(count) => {
                    self.context.measurements.received_bytes.add(count as u64);
                    let input = &mut buffer[..saved + count];
                    self.cycle(|inbound, cycle, framing_output| {
                        inbound.receive(input, cycle, framing_output)
                    })
                    .map(|()| ReadResult::Bytes(count))
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.inbound.keep_unframed(&buffer[..saved]);
                    self.flush_transport().map(|()| ReadResult::Nothing)
                }
                Err(error) => Err(CloseReason::Io(error.to_string())),
            }
        };
        Scratch::lend(|scratch| &scratch.input, read)
    }

    /// Writes output of the transport itself, for example TLS messages.
    fn flush_transport(&mut self) -> Result<(), CloseReason> {
        if self.connection.socket.is_flushed() {
            Ok(())
        } else {
            self.drain()
        }
    }

    /// Runs one cycle that may publish and reply, then writes once.
    fn cycle(
        &mut self,
        act: impl FnOnce(
            &mut Inbound<F, P>,
            &mut ReadCycle,
            &mut FramingOutput,
        ) -> Result<(), CloseReason>,
    ) -> Result<(), CloseReason> {
        let run = |cycle: &mut ReadCycle| {
            let mut framing_output = FramingOutput::default();
            let gate = Arc::clone(&self.context.gate);
            let permit = gate.pass();
            let intake = match permit {
                Some(_) => Intake::Open,
                None => Intake::Closed,
            };
            self.cycle_start_ms = self.context.clock.now_ms();
            cycle.begin(self.cycle_start_ms, intake);
            let done = act(&mut self.inbound, cycle, &mut framing_output);
            let done = done.and(self.exchange_data(cycle));
            let done = done.and(self.inbound.protocol.finish(cycle));
            if let Some(started) = cycle.sampled_start() {
                let measurements = &self.context.measurements;
                measurements.publish_to_write.observe(started.elapsed());
            }
            drop(permit);
            self.blocked.extend(std::mem::take(&mut cycle.blocked));
            self.pause = cycle.pause();
            self.paced_until_ms = cycle.paced_until_ms().or(self.paced_until_ms);
            if let Some(account) = self.context.principal.account() {
                cycle.count_published(account);
            }
            if let Err(close_reason) = &done {
                // The replies are still written. No more messages are delivered, because the peer could not acknowledge
                // them.
                self.on_close(Some(close_reason));
            }
            let flushed = self.flush(cycle, framing_output);
            cycle.clear();
            done.and(flushed)
        };
        Scratch::lend(|scratch| &scratch.cycle, run)
    }

    /// Exchanges information between the protocol's two halves, if necessary.
    fn exchange_data(&mut self, cycle: &mut ReadCycle) -> Result<(), CloseReason> {
        let protocol = &mut self.inbound.protocol;
        if !std::mem::take(&mut self.encoder_has_data) && !protocol.has_data_for_encoder() {
            return Ok(());
        }
        match self.connection.outbound().encoder() {
            Some(encoder) => protocol.exchange_data(encoder, cycle),
            None => Ok(()),
        }
    }

    fn flush(
        &mut self,
        cycle: &ReadCycle,
        framing_output: FramingOutput,
    ) -> Result<(), CloseReason> {
        let completion = self.context.broker.completion();
        let waker = match &mut self.reply_waker {
            Some(waker) => Some(&*waker),
            none if cycle.owed.is_some() => {
                Some(&*none.insert(ReplyWaker::waker(&self.connection)))
            }
            _ => None,
        };
        let is_blocked = !self.blocked.is_empty();
        let mut is_owed_full = false;
        let drained = self.connection.update_and_drain(|outbound| {
            if let Some(message_type) = framing_output.message_type {
                outbound.set_message_type(message_type);
            }
            outbound.owed.wait_for(cycle.owed, cycle.is_journal_full);
            outbound.is_blocked = is_blocked;
            outbound.push_owed_replies(&cycle.replies, completion);
            outbound.push_framed(&framing_output.control);
            if let Some(waker) = waker {
                is_owed_full = outbound.wait_for_owed(completion, waker);
            }
        });
        self.is_owed_full = is_owed_full;
        self.apply_drained(drained)
    }

    /// Drains, and continues to read if fewer replies are owed.
    fn on_woken(&mut self) -> Result<(), CloseReason> {
        match self.reply_waker {
            // Replies may be due.
            Some(_) => self.cycle(|_, _, _| Ok(())),
            None => self.drain(),
        }
    }

    fn drain(&mut self) -> Result<(), CloseReason> {
        let drained = self.connection.update_and_drain(|_| {});
        self.apply_drained(drained)
    }

    fn wait_for_held(&mut self, ticket: Option<u64>) {
        let waits_for = self.held.as_ref().map(|(ticket, _)| *ticket);
        if waits_for != ticket {
            let completion = self.context.broker.completion();
            self.held = ticket.map(|ticket| (ticket, completion.wait_for(ticket)));
        }
    }

    /// Sets the events that the task waits for, from the result of draining.
    fn apply_drained(&mut self, drained: Drained) -> Result<(), CloseReason> {
        let Drained {
            progress,
            unread_reply_bytes,
            encoder_has_data,
            held_ticket,
        } = drained;
        self.wait_for_held(held_ticket);
        self.is_socket_full = progress == Progress::Full;
        self.unread_replies_until_ms = match self.unread_replies_until_ms {
            _ if !self.is_socket_full || unread_reply_bytes <= MAX_UNREAD_REPLY_BYTES => None,
            None => Some(self.context.clock.now_ms() + MAX_UNREAD_REPLY_MS),
            until => until,
        };
        self.resume_reading_at_ms = match self.resume_reading_at_ms {
            _ if self.blocked.is_empty() => None,
            None => Some(self.context.clock.now_ms() + MAX_BLOCKED_MS),
            at => at,
        };
        self.track_unread_socket();
        if self.connection.session.is_ended() {
            return Err(CloseReason::TooSlow);
        }
        self.encoder_has_data = encoder_has_data;
        self.has_more_work = progress == Progress::More || encoder_has_data;
        self.is_broken |= progress == Progress::Broken;
        Ok(())
    }
}

/// Maximum number of bytes of one read, and so of one batch.
const READ_BYTES: usize = 64 << 10;
/// The server stops reading from a peer with more unread replies than this, in bytes.
const MAX_UNREAD_REPLY_BYTES: usize = 256 << 10;
/// Maximum time for which a blocked publisher is not read while its own window is full. Its next acknowledgement may
/// let a blocking subscription catch up.
const MAX_BLOCKED_MS: u64 = 1_000;
/// Maximum time for the peer to read its replies before it is disconnected.
const MAX_UNREAD_REPLY_MS: u64 = 30_000;
