//! The connection's own task. It reads, waits for events, and drains when a publishing task could not.

mod leaving;
mod silence;
mod stopping;

use std::{
    cell::RefCell,
    future::poll_fn,
    io,
    sync::{Arc, atomic::Ordering},
};

use broker::Blocked;
use tokio::{
    io::Interest,
    net::TcpStream,
    task::yield_now,
    time::{Duration, sleep},
};

use crate::{context::ServerContext, fairness::give_way, stopping::stopped};

use silence::Unread;

use super::{
    CloseReason, Connection, Framing, Protocol, ReadCycle, Received, Transport,
    inbound::{Answers, Inbound},
    outbound::{Drained, Progress},
    owed::OwedReplies,
    read_cycle::Intake,
    timer::Timer,
};

pub struct Task<T: Transport, F: Framing, P: Protocol> {
    connection: Arc<Connection<T, F, P::Encoder>>,
    context: ServerContext,
    inbound: Inbound<F, P>,
    /// May be set for an earlier deadline than the current one: then nothing is due when it fires.
    timer: Timer,
    /// True if the task waits for the socket to accept more.
    is_full: bool,
    /// True if there is more work, which waits until other tasks have run.
    is_unfinished: bool,
    /// True after a write has failed. Earlier input may still be read.
    is_broken: bool,
    /// True if the encoder has data for the protocol's receiving half.
    has_news: bool,
    /// The pause after a read cycle with expensive requests, in which other tasks run.
    rest: Duration,
    /// The time until which the peer must read its replies; `None` while the peer reads them.
    choked_until_ms: Option<u64>,
    /// The state of the socket at the last check; `None` while the server reads from it.
    unread: Option<Unread>,
    /// Subscriptions that have to catch up before the next read.
    blocked: Blocked,
    /// The time at which reading continues although the blocking subscriptions have not caught up: they may depend on
    /// the peer's input.
    listens_at_ms: Option<u64>,
    /// Replies that are held until the blocking subscriptions have caught up.
    held_replies: Vec<u8>,
    /// Replies that are sent when the messages of the peer are recorded.
    owed: OwedReplies,
    /// The time at which the server started to stop.
    stopped_ms: Option<u64>,
    /// The start of the last read cycle.
    turn_ms: u64,
}

/// The reason why a task was woken.
enum Event {
    Readable,
    Writable,
    /// Reported only while nothing is read; otherwise the next read returns the error.
    Broken,
    Woken,
    Unfinished,
    /// Input read earlier is to be processed.
    Behind,
    Deadline,
    Unblocked,
    /// Owed replies are due.
    RepliesDue,
    Evicted(CloseReason),
    Stopping,
}

/// The result of one read.
enum Read {
    Bytes(usize),
    /// No bytes have arrived.
    Nothing,
}

impl<T: Transport, F: Framing, P: Protocol> Task<T, F, P> {
    pub fn new(
        connection: Arc<Connection<T, F, P::Encoder>>,
        context: ServerContext,
        inbound: Inbound<F, P>,
    ) -> Self {
        Self {
            timer: Timer::new(context.clock),
            connection,
            context,
            inbound,
            is_full: false,
            is_unfinished: false,
            is_broken: false,
            has_news: false,
            rest: Duration::ZERO,
            choked_until_ms: None,
            unread: None,
            blocked: Blocked::default(),
            listens_at_ms: None,
            held_replies: Vec::new(),
            owed: OwedReplies::default(),
            stopped_ms: None,
            turn_ms: 0,
        }
    }

    /// Runs the connection to its end.
    pub async fn run(mut self: Box<Self>, received: Received) {
        let begun = self.cycle(|inbound, cycle, answers| inbound.begin(received, cycle, answers));
        let ending = match begun {
            Ok(()) => self.until_it_ends().await,
            Err(ending) => ending,
        };
        tracing::debug!(session = %self.connection.session.name(), %ending, "connection ends");
        self.write_close(&ending).await;
    }

    async fn until_it_ends(&mut self) -> CloseReason {
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
                Event::Writable | Event::Woken => self.drain(),
                Event::Behind => self
                    .cycle(Inbound::go_on)
                    .and_then(|()| self.on_missed_deadline()),
                Event::Deadline => self.on_deadline(),
                Event::Unfinished | Event::Unblocked | Event::RepliesDue => {
                    self.cycle(|_, _, _| Ok(()))
                }
                Event::Evicted(ending @ CloseReason::TakenOver) => {
                    return self.read_remaining(ending).await;
                }
                Event::Evicted(ending) => Err(ending),
                Event::Stopping => self.begin_to_stop(),
            };
            if let Err(ending) = done {
                return ending;
            }
            if self.stopped_ms.is_some() && self.is_drained() {
                return CloseReason::Stopping;
            }
        }
    }

    /// Returns to the runtime if other tasks must run first.
    async fn yield_to_others(&mut self) {
        if !self.rest.is_zero() {
            sleep(std::mem::take(&mut self.rest)).await;
        } else if self.is_unfinished {
            yield_now().await;
        } else {
            give_way().await;
        }
    }

    /// Waits for one event. The branches change nothing, so a cancelled branch loses no event.
    async fn next_event(&mut self) -> Event {
        let goes_on = self.is_reading() && self.inbound.is_behind();
        let reads = self.is_reading() && !goes_on;
        let writes = self.is_full;
        let is_blocked = !self.blocked.is_empty();
        let is_unfinished = self.is_unfinished;
        let is_owed = !self.owed.is_empty();
        let may_stop = self.stopped_ms.is_none();
        self.timer.set(self.deadline());
        let Self {
            connection,
            context,
            inbound,
            timer,
            blocked,
            owed,
            ..
        } = self;
        let ServerContext {
            broker, stopping, ..
        } = context;
        tokio::select! {
            biased;
            () = stopped(stopping), if may_stop => Event::Stopping,
            ending = poll_fn(|context| inbound.poll_evicted(context)) => Event::Evicted(ending),
            () = std::future::ready(()), if goes_on => Event::Behind,
            event = ready(connection.socket.tcp(), reads, writes) => event,
            () = timer.elapsed(), if timer.is_set() => Event::Deadline,
            () = connection.wake.notified() => Event::Woken,
            () = std::future::ready(()), if is_unfinished => Event::Unfinished,
            () = poll_fn(|context| broker.poll_unblocked(blocked, context.waker())),
                if is_blocked => Event::Unblocked,
            () = poll_fn(|context| owed.poll_due(broker.completion(), context)),
                if is_owed => Event::RepliesDue,
        }
    }

    /// Returns true if the connection reads. It stops reading in three cases: a subscriber must catch up with this
    /// peer's messages, the peer does not read its replies, or too many replies are owed.
    fn is_reading(&self) -> bool {
        self.blocked.is_empty() && self.choked_until_ms.is_none() && !self.owed.is_full()
    }

    fn deadline(&self) -> Option<u64> {
        let inbound = self.inbound.deadline();
        let own = [
            self.choked_until_ms,
            self.listens_at_ms,
            self.stalls_at_ms(),
        ];
        own.into_iter().flatten().chain(inbound).min()
    }

    fn read(&mut self) -> Result<Read, CloseReason> {
        let connection = Arc::clone(&self.connection);
        READ_BUFFER.with_borrow_mut(|buffer| {
            buffer.resize(READ_BYTES, 0);
            let saved = self.inbound.take_unframed(buffer);
            match connection.socket.try_read(&mut buffer[saved..]) {
                Ok(0) => Err(CloseReason::ByPeer),
                Ok(count) => {
                    let input = &mut buffer[..saved + count];
                    self.cycle(|inbound, cycle, answers| inbound.receive(input, cycle, answers))
                        .map(|()| Read::Bytes(count))
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.inbound.keep_unframed(&buffer[..saved]);
                    self.flush_answers().map(|()| Read::Nothing)
                }
                Err(error) => Err(CloseReason::Io(error.to_string())),
            }
        })
    }

    /// Writes output of the transport itself, for example TLS messages.
    fn flush_answers(&mut self) -> Result<(), CloseReason> {
        if self.connection.socket.is_flushed() {
            Ok(())
        } else {
            self.drain()
        }
    }

    /// Handles a deadline. Its output, a heart-beat, is sent at once, even if replies are held.
    fn on_deadline(&mut self) -> Result<(), CloseReason> {
        let now_ms = self.context.clock.now_ms();
        if self.choked_until_ms.is_some_and(|until| until <= now_ms) {
            return Err(CloseReason::Unread);
        }
        if self.stalls_at_ms().is_some_and(|at| at <= now_ms) {
            return Err(CloseReason::Stopping);
        }
        if self.listens_at_ms.is_some_and(|at| at <= now_ms) {
            return self.listen();
        }
        self.reset_keep_alive(now_ms);
        let last_sent_ms = self.connection.last_sent_ms.load(Ordering::Relaxed);
        let mut due = Vec::new();
        let done = self.inbound.on_deadline(now_ms, last_sent_ms, &mut due);
        let drained = self.connection.with_outlet(|outbound| outbound.reply(&due));
        done.and(self.note(drained))
    }

    /// Handles a deadline that has passed although the timer did not fire: the timer is polled only when there is
    /// nothing to read. Must be called after a read, which counts the peer as alive.
    fn on_missed_deadline(&mut self) -> Result<(), CloseReason> {
        match self.deadline() {
            Some(at) if at <= self.turn_ms => self.on_deadline(),
            _ => Ok(()),
        }
    }

    /// Resolves a deadlock: if deliveries to this peer wait for its input, reading continues although subscriptions
    /// have not caught up.
    fn listen(&mut self) -> Result<(), CloseReason> {
        self.listens_at_ms = None;
        if self.connection.outbound().is_waiting() {
            self.blocked = Blocked::default();
        }
        self.cycle(|_, _, _| Ok(()))
    }

    /// Runs one cycle that may publish and reply, then writes once.
    fn cycle(
        &mut self,
        act: impl FnOnce(&mut Inbound<F, P>, &mut ReadCycle, &mut Answers) -> Result<(), CloseReason>,
    ) -> Result<(), CloseReason> {
        TURN.with_borrow_mut(|cycle| {
            let mut answers = Answers::default();
            let gate = Arc::clone(&self.context.gate);
            let passed = gate.pass();
            let intake = match passed {
                Some(_) => Intake::Open,
                None => Intake::Closed,
            };
            self.turn_ms = self.context.clock.now_ms();
            cycle.begin(self.turn_ms, intake);
            let done = act(&mut self.inbound, cycle, &mut answers);
            let done = done.and(self.hand_over(cycle));
            let done = done.and(self.inbound.protocol.finish(cycle));
            drop(passed);
            self.blocked.extend(std::mem::take(&mut cycle.blocked));
            self.owed.note(cycle.owed);
            // The replies are held while the publisher is blocked.
            self.owed.push(&cycle.replies, &mut self.held_replies);
            self.rest = cycle.rest();
            cycle.clear();
            if let Err(ending) = &done {
                // The replies are still written. No more messages are delivered, because the peer could not acknowledge
                // them.
                self.on_close(Some(ending));
            }
            let flushed = self.flush(answers);
            done.and(flushed)
        })
    }

    /// Exchanges information between the protocol's two halves, if necessary.
    fn hand_over(&mut self, cycle: &mut ReadCycle) -> Result<(), CloseReason> {
        let protocol = &mut self.inbound.protocol;
        if !std::mem::take(&mut self.has_news) && !protocol.has_news() {
            return Ok(());
        }
        match self.connection.outbound().encoder() {
            Some(encoder) => protocol.hand_over(encoder, cycle),
            None => Ok(()),
        }
    }

    fn flush(&mut self, answers: Answers) -> Result<(), CloseReason> {
        let completion = self.context.broker.completion();
        self.owed.take_due(completion, &mut self.held_replies);
        let replies = if self.blocked.is_empty() {
            std::mem::take(&mut self.held_replies)
        } else {
            Vec::new()
        };
        let drained = self.connection.with_outlet(|outbound| {
            if let Some(message_type) = answers.message_type {
                outbound.set_kind(message_type);
            }
            outbound.reply(&replies);
            outbound.control(&answers.control);
        });
        self.note(drained)
    }

    fn drain(&mut self) -> Result<(), CloseReason> {
        let drained = self.connection.with_outlet(|_| {});
        self.note(drained)
    }

    /// Sets what the task waits for, from the progress of draining.
    fn note(&mut self, drained: Drained) -> Result<(), CloseReason> {
        let Drained {
            progress,
            unread,
            has_news,
        } = drained;
        self.is_full = progress == Progress::Full;
        self.choked_until_ms = match self.choked_until_ms {
            _ if !self.is_full || unread <= CHOKED_BYTES => None,
            None => Some(self.context.clock.now_ms() + CHOKED_MS),
            until => until,
        };
        self.listens_at_ms = match self.listens_at_ms {
            _ if self.blocked.is_empty() => None,
            None => Some(self.context.clock.now_ms() + UNHEARD_MS),
            at => at,
        };
        self.note_unread();
        if self.connection.session.is_ended() {
            return Err(CloseReason::TooSlow);
        }
        self.has_news = has_news;
        self.is_unfinished = progress == Progress::More || has_news;
        self.is_broken |= progress == Progress::Broken;
        Ok(())
    }
}

async fn ready(socket: &TcpStream, reads: bool, writes: bool) -> Event {
    let interest = match (reads, writes) {
        (true, true) => Interest::READABLE | Interest::WRITABLE,
        (false, true) => Interest::WRITABLE,
        (true, false) => Interest::READABLE,
        (false, false) => Interest::ERROR,
    };
    match socket.ready(interest).await {
        Ok(ready) if ready.is_error() && !reads => Event::Broken,
        Ok(ready) if writes && ready.is_writable() => Event::Writable,
        // Also if the socket is broken: the next read returns the error.
        _ => Event::Readable,
    }
}

thread_local! {
    static READ_BUFFER: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
    static TURN: RefCell<ReadCycle> = RefCell::default();
}

/// Maximum number of bytes of one read, and so of one batch.
const READ_BYTES: usize = 64 << 10;
/// The server stops reading from a peer with more unread replies than this, in bytes.
const CHOKED_BYTES: usize = 256 << 10;
/// Maximum time for which a blocked publisher is not read while its own window is full. Its next acknowledgement may
/// let a blocking subscription catch up.
const UNHEARD_MS: u64 = 1_000;
/// Maximum time for the peer to read its replies before it is disconnected.
const CHOKED_MS: u64 = 30_000;
