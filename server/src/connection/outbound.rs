//! The output state of a connection: data on its way to the peer.

use std::{
    io,
    marker::PhantomData,
    ops::ControlFlow,
    sync::Arc,
    task::{Poll, Waker},
};

use broker::{Completion, Reader};

use crate::{
    clock, spans,
    trace::{Delivered, Tap},
};

use super::{
    Encoder, MessageType, Scratch, Transport,
    framing::{ControlFrame, Framing},
    held::HeldDeliveries,
    owed::OwedReplies,
};

/// The output state, in a lock of the connection; any task that holds the lock may drain it.
pub struct Outbound<F, E> {
    /// `None` once the connection delivers no more messages.
    deliverer: Option<Deliverer<E>>,
    /// The type of the peer's messages; replies use the same.
    message_type: MessageType,
    /// Framed deliveries that wait for the log.
    held: HeldDeliveries,
    /// Replies that are sent when the messages of the peer are recorded.
    pub owed: OwedReplies,
    /// Replies that are due and held until the subscriptions that block the peer have caught up.
    pub held_replies: Vec<u8>,
    /// True while replies are held.
    pub is_blocked: bool,
    /// Framed bytes. The socket has accepted the first `sent` of them.
    pending: Vec<u8>,
    sent: usize,
    /// Bytes of replies added since `pending` was last empty.
    unread_reply_bytes: usize,
    is_closing: bool,
    /// Shows the connection to operators who trace it.
    tap: Tap,
    framing: PhantomData<F>,
}

/// The source of deliveries, and their encoder.
pub struct Deliverer<E> {
    /// The session in the broker.
    pub reader: Reader,
    /// The sending half of the protocol.
    pub encoder: E,
}

/// The progress of draining.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// Everything is written.
    Done,
    /// The socket accepts no more for now.
    Full,
    /// There is more to write; other tasks run first.
    More,
    /// The connection is broken.
    Broken,
}

/// The reason why a round of deliveries ended. A round consists of the deliveries that are encoded for one write.
enum RoundEnd {
    /// There are no more deliveries, or the peer accepts no more for now.
    NoMore,
    /// The round is large enough to be written.
    Full,
    /// The broker has examined many messages that do not match; other tasks run first.
    Paused,
}

/// The result of draining.
#[derive(Debug, Clone, Copy)]
pub struct Drained {
    /// The progress of draining.
    pub progress: Progress,
    /// An upper estimate of the bytes of replies that wait for the socket.
    pub unread_reply_bytes: usize,
    /// True if the encoder has data for the protocol's receiving half.
    pub encoder_has_data: bool,
    /// The ticket of the log that the oldest held deliveries wait for.
    pub held_ticket: Option<u64>,
}

impl Drained {
    /// Returns whether there is nothing more to do.
    pub fn is_complete(self) -> bool {
        self.progress == Progress::Done && !self.encoder_has_data && self.held_ticket.is_none()
    }
}

impl<F: Framing, E: Encoder> Outbound<F, E> {
    /// Creates an output state without pending bytes.
    pub fn new(deliverer: Deliverer<E>, message_type: MessageType, tap: Tap) -> Self {
        Self {
            deliverer: Some(deliverer),
            message_type,
            held: HeldDeliveries::default(),
            owed: OwedReplies::default(),
            held_replies: Vec::new(),
            is_blocked: false,
            pending: Vec::new(),
            sent: 0,
            unread_reply_bytes: 0,
            is_closing: false,
            tap,
            framing: PhantomData,
        }
    }

    /// Sets the type of the peer's messages.
    pub fn set_message_type(&mut self, message_type: MessageType) {
        self.message_type = message_type;
    }

    /// Returns the encoder, unless deliveries have stopped.
    pub fn encoder(&mut self) -> Option<&mut E> {
        self.deliverer
            .as_mut()
            .map(|deliverer| &mut deliverer.encoder)
    }

    /// Returns whether the encoder has data for the protocol's receiving half.
    pub fn encoder_has_data(&self) -> bool {
        let deliverer = self.deliverer.as_ref();
        deliverer.is_some_and(|deliverer| deliverer.encoder.has_data_for_protocol())
    }

    /// Returns whether deliveries wait for input from the peer.
    pub fn is_waiting_for_peer(&self) -> bool {
        let deliverer = self.deliverer.as_ref();
        deliverer.is_some_and(|deliverer| !deliverer.encoder.has_room())
    }

    /// Returns whether messages are still delivered.
    pub fn has_deliverer(&self) -> bool {
        self.deliverer.is_some()
    }

    /// Returns the ticket of the log that the oldest held deliveries wait for.
    pub fn held_ticket(&self) -> Option<u64> {
        self.held.ticket()
    }

    /// Stops deliveries. Held ones are dropped: the encoder has them, if they have to be delivered.
    pub fn take_deliverer(&mut self) -> Option<Deliverer<E>> {
        self.held = HeldDeliveries::default();
        self.deliverer.take()
    }

    /// Returns an upper estimate of the bytes of replies that wait for the socket.
    pub fn unread_reply_bytes(&self) -> usize {
        self.unread_reply_bytes
    }

    /// Appends protocol bytes to the pending ones.
    pub fn push_replies(&mut self, bytes: &[u8]) {
        if bytes.is_empty() {
            return;
        }
        if self.tap.is_active() {
            self.tap.outgoing(bytes, None);
        }
        let mut space = [0; 16];
        let message_type = match self.message_type {
            MessageType::Text if std::str::from_utf8(bytes).is_ok() => MessageType::Text,
            _ => MessageType::Binary,
        };
        self.pending
            .extend_from_slice(F::write_header(message_type, bytes.len(), &mut space));
        self.pending.extend_from_slice(bytes);
        self.unread_reply_bytes += bytes.len();
    }

    /// Appends the replies of one read to the pending bytes, or keeps them until they are due.
    pub fn push_owed_replies(&mut self, replies: &[u8], completion: &Completion) {
        if self.held_replies.is_empty() && !self.is_blocked && !self.owed.owes_next() {
            self.push_replies(replies);
            return;
        }
        self.owed.push(replies, &mut self.held_replies);
        self.push_due_replies(completion);
    }

    /// Calls `waker` when owed replies are due, or writes those that have become due. Returns true if too many are owed.
    pub fn wait_for_owed(&mut self, completion: &Arc<Completion>, waker: &Waker) -> bool {
        while self.owed.poll_due(completion, waker).is_ready() {
            self.push_due_replies(completion);
        }
        self.owed.is_full()
    }

    /// Appends the replies that are due to the pending bytes, unless they are held.
    pub fn push_due_replies(&mut self, completion: &Completion) {
        self.owed.take_due(completion, &mut self.held_replies);
        if !self.is_blocked {
            let due = std::mem::take(&mut self.held_replies);
            self.push_replies(&due);
        }
    }

    /// Appends a response of the framing to the pending bytes.
    pub fn push_control(&mut self, frame: ControlFrame<'_>) {
        F::write_control(frame, &mut self.pending);
    }

    /// Appends framed bytes to the pending ones.
    pub fn push_framed(&mut self, framed: &[u8]) {
        self.pending.extend_from_slice(framed);
        self.unread_reply_bytes += framed.len();
    }

    /// Closes the output: nothing follows the pending bytes.
    pub fn close(&mut self) {
        self.is_closing = true;
    }

    /// Writes the pending bytes, then the session's deliveries. Returns the progress, and the number of bytes that the socket
    /// has accepted.
    pub fn drain<T: Transport>(
        &mut self,
        socket: &T,
        completion: &Completion,
    ) -> (Progress, usize) {
        let mut written = 0;
        let mut bytes = 0;
        while bytes < MAX_DRAIN_BYTES {
            if !self.is_closing {
                self.held.take_due(completion, &mut self.pending);
            }
            match self.write_pending(socket, &mut written) {
                Progress::Done => {}
                stop => return (stop, written),
            }
            if self.is_closing {
                return (Progress::Done, written);
            }
            if self.held.is_full() {
                // The connection's task continues when the log has recorded them.
                return (Progress::Done, written);
            }
            let write = |round: &mut Round| {
                let round_end = self.encode(round);
                bytes += round.bytes.len();
                let ticket = self.encoder().and_then(Encoder::end_round);
                if self.held.must_hold(ticket, completion) {
                    self.hold(round, ticket);
                } else {
                    self.send(round, socket, &mut written);
                }
                round.clear();
                round_end
            };
            match Scratch::lend(|scratch| &scratch.round, write) {
                RoundEnd::NoMore if self.is_written(socket) => {
                    return (Progress::Done, written);
                }
                RoundEnd::Paused if self.is_written(socket) => break,
                RoundEnd::NoMore | RoundEnd::Full | RoundEnd::Paused => {}
            }
        }
        (Progress::More, written)
    }

    /// Writes the owed replies that are due, and calls `waker` when the next ones are. Adds the number of bytes that the
    /// socket has accepted to `written`. Returns `None` if the connection's task must do it: replies are held, or the task
    /// does not read until fewer are owed.
    pub fn write_due_replies<T: Transport>(
        &mut self,
        completion: &Arc<Completion>,
        waker: &Waker,
        socket: &T,
        written: &mut usize,
    ) -> Option<Progress> {
        if self.is_blocked || self.owed.is_full() || self.is_closing {
            return None;
        }
        self.push_due_replies(completion);
        let progress = self.write_pending(socket, written);
        match self.owed.poll_due(completion, waker) {
            Poll::Pending => Some(progress),
            Poll::Ready(()) => None,
        }
    }

    fn write_pending<T: Transport>(&mut self, socket: &T, written: &mut usize) -> Progress {
        while self.sent < self.pending.len() {
            match socket.try_write(&self.pending[self.sent..]) {
                Ok(count) => {
                    self.sent += count;
                    *written += count;
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    return Progress::Full;
                }
                Err(_) => return Progress::Broken,
            }
        }
        // Freed, because most connections have nothing to write most of the time.
        self.pending = Vec::new();
        self.sent = 0;
        if self.is_closing {
            socket.close();
        }
        match socket.try_flush() {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                return Progress::Full;
            }
            Err(_) => return Progress::Broken,
        }
        self.unread_reply_bytes = 0;
        Progress::Done
    }

    fn is_written<T: Transport>(&self, socket: &T) -> bool {
        self.pending.is_empty() && socket.is_flushed()
    }

    /// Encodes a round of deliveries.
    fn encode(&mut self, round: &mut Round) -> RoundEnd {
        let Self {
            deliverer,
            message_type: peers,
            tap,
            ..
        } = self;
        // Traces are examined once for each round.
        let tap = tap.is_active().then_some(&*tap);
        let Some(Deliverer { reader, encoder }) = deliverer else {
            return RoundEnd::NoMore;
        };
        if !encoder.has_room() {
            let start = round.resend::<F, E>(encoder);
            if let Some(tap) = tap {
                tap.outgoing(&round.bytes[start..], None);
            }
            if round.bytes.len() >= ROUND_BYTES {
                return RoundEnd::Full;
            }
            if !encoder.has_room() {
                return RoundEnd::NoMore;
            }
        }
        let mut is_full = false;
        let mut has_room = true;
        let has_no_more = reader.drain(clock::unix_ms(), |delivery| {
            round.reserve_header(F::HEADER_BYTES);
            let start = round.bytes.len();
            let message_type = match encoder.encode(&delivery, &mut round.bytes) {
                MessageType::Text => *peers,
                MessageType::Binary => MessageType::Binary,
            };
            if round.bytes.len() > start {
                spans::delivered(&delivery);
            }
            if let Some(tap) = tap {
                let from = Delivered {
                    kind: delivery.entry.kind(),
                    name: delivery.entry.topic(),
                    queue: delivery.queue,
                };
                tap.outgoing(&round.bytes[start..], Some(from));
            }
            round.end_message(message_type, start, F::HEADER_BYTES);
            is_full = round.bytes.len() >= ROUND_BYTES;
            has_room = encoder.has_room();
            if is_full || !has_room {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        });
        match has_no_more || !has_room {
            true => RoundEnd::NoMore,
            false if is_full => RoundEnd::Full,
            false => RoundEnd::Paused,
        }
    }

    /// Frames the encoded bytes, and keeps them until the log has recorded them.
    fn hold(&mut self, round: &mut Round, ticket: Option<u64>) {
        if let Some(framed) = round.frame::<F>() {
            self.held.push(ticket, framed);
        }
    }

    /// Frames and writes the encoded bytes; bytes that the socket does not accept become pending.
    fn send<T: Transport>(&mut self, round: &mut Round, socket: &T, written: &mut usize) {
        let Some(framed) = round.frame::<F>() else {
            return;
        };
        // Errors are ignored: the next write of the pending bytes returns them.
        let count = socket.try_write(framed).unwrap_or_default();
        *written += count;
        self.pending.extend_from_slice(&framed[count..]);
    }
}

/// The deliveries encoded for one write.
#[derive(Default)]
pub(super) struct Round {
    bytes: Vec<u8>,
    /// The start of each run, a sequence of messages of one type. The space for its header is before it.
    runs: Vec<(MessageType, usize)>,
}

impl Round {
    fn reserve_header(&mut self, header_bytes: usize) {
        if self.bytes.is_empty() {
            self.bytes.resize(header_bytes, 0);
        }
    }

    /// Appends retransmissions, which come before deliveries. Returns their start.
    fn resend<F: Framing, E: Encoder>(&mut self, encoder: &mut E) -> usize {
        self.reserve_header(F::HEADER_BYTES);
        let start = self.bytes.len();
        encoder.resend(ROUND_BYTES, &mut self.bytes);
        self.end_message(MessageType::Binary, start, F::HEADER_BYTES);
        // The only run so far, so it was not moved.
        start
    }

    /// Records the type of the message that was appended at `start`. A change of the type starts a new frame, with
    /// space for its header.
    fn end_message(&mut self, message_type: MessageType, start: usize, header_bytes: usize) {
        if self.bytes.len() == start {
            return;
        }
        match self.runs.last() {
            Some((last, _)) if *last == message_type => {}
            None => self.runs.push((message_type, start)),
            Some(_) => {
                let end = self.bytes.len();
                self.bytes.resize(end + header_bytes, 0);
                self.bytes.copy_within(start..end, start + header_bytes);
                self.runs.push((message_type, start + header_bytes));
            }
        }
    }

    /// Returns the framed bytes, if there are any.
    fn frame<F: Framing>(&mut self) -> Option<&[u8]> {
        let mut end = self.bytes.len();
        // From the last run to the first: each run is moved so that it ends where the header of the next one begins.
        let mut filled = end;
        for (message_type, start) in self.runs.drain(..).rev() {
            let mut space = [0; 16];
            let header = F::write_header(message_type, end - start, &mut space);
            filled -= end - start;
            if filled != start {
                self.bytes.copy_within(start..end, filled);
            }
            self.bytes[filled - header.len()..filled].copy_from_slice(header);
            filled -= header.len();
            end = start - F::HEADER_BYTES;
        }
        let framed = &self.bytes[filled..];
        (!framed.is_empty()).then_some(framed)
    }

    fn clear(&mut self) {
        self.runs.clear();
        self.bytes.clear();
        self.bytes.shrink_to(MAX_ROUND_CAPACITY);
    }
}

/// When a round has this number of bytes, it ends and is written.
const ROUND_BYTES: usize = 64 << 10;
/// Maximum number of bytes written before other tasks run.
const MAX_DRAIN_BYTES: usize = 1 << 20;
/// Maximum capacity that a thread keeps for encoding.
const MAX_ROUND_CAPACITY: usize = 256 << 10;
