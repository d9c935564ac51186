//! The receiving side of a connection: passes bytes through the framing to the protocol.

#[cfg(test)]
mod tests;

use std::task::{Context, Poll};

use super::{
    CloseReason, EarlyInput, Framing, MessageType, Protocol, ReadCycle,
    framing::{ControlFrame, FramingItem},
};
use crate::{
    partial_input::{PartialMessage, time_limit},
    trace::Tap,
};

/// The receiving side. It stores only incomplete input.
pub struct Inbound<F, P> {
    framing: F,
    /// The receiving half of the protocol.
    pub protocol: P,
    /// Undecoded bytes of the framing: part of a header, or input that the last read cycle left for the next one.
    unframed: Vec<u8>,
    /// Unprocessed bytes of the protocol: part of a message, or input that the last read cycle left for the next one.
    unread: Vec<u8>,
    /// True if the last read cycle left input for the next one.
    has_remaining_input: bool,
    /// The start of the time for an incomplete message, in milliseconds of the server's clock.
    incomplete_since_ms: Option<u64>,
    partial_message: PartialMessage,
    /// Shows the connection to operators who trace it.
    pub tap: Tap,
}

/// The output of the framing in one read cycle, in addition to the protocol's replies.
#[derive(Default)]
pub struct FramingOutput {
    /// The type of the peer's messages.
    pub message_type: Option<MessageType>,
    /// Framed responses to pings.
    pub control: Vec<u8>,
}

impl<F: Framing, P: Protocol> Inbound<F, P> {
    /// Creates a receiving side without input.
    pub fn new(framing: F, protocol: P, partial_message: PartialMessage, tap: Tap) -> Self {
        Self {
            framing,
            protocol,
            unframed: Vec::new(),
            unread: Vec::new(),
            has_remaining_input: false,
            incomplete_since_ms: None,
            partial_message,
            tap,
        }
    }

    /// Returns the next deadline: the protocol's, or the end of the time for an incomplete message.
    pub fn deadline(&self) -> Option<u64> {
        let protocols = self.protocol.deadline();
        protocols
            .into_iter()
            .chain(self.incomplete_deadline())
            .min()
    }

    /// Handles a deadline.
    ///
    /// # Errors
    ///
    /// The connection must end.
    pub fn on_deadline(
        &mut self,
        now_ms: u64,
        last_sent_ms: u64,
        out: &mut Vec<u8>,
    ) -> Result<(), CloseReason> {
        self.protocol.on_deadline(now_ms, last_sent_ms, out)?;
        match self.incomplete_deadline() {
            Some(at) if at <= now_ms => Err(CloseReason::MessageTooSlow),
            _ => Ok(()),
        }
    }

    /// Restarts the time for an incomplete message, because the server does not read from the peer for now.
    pub fn restart_incomplete_time(&mut self, now_ms: u64) {
        if self.incomplete_since_ms.is_some() {
            self.incomplete_since_ms = Some(now_ms);
        }
    }

    /// Ready when this connection must end: another task has requested it, or its incomplete message was dropped.
    pub fn poll_evicted(&mut self, context: &mut Context<'_>) -> Poll<CloseReason> {
        if self.partial_message.poll_dropped(context).is_ready() {
            return Poll::Ready(CloseReason::MessageDropped);
        }
        self.protocol.poll_evicted(context)
    }

    fn incomplete_deadline(&self) -> Option<u64> {
        let since_ms = self.incomplete_since_ms?;
        let time = time_limit(self.unread.len()).as_millis();
        Some(since_ms.saturating_add(u64::try_from(time).unwrap_or(u64::MAX)))
    }

    /// Returns whether input is left for [`process_remaining`](Self::process_remaining).
    pub const fn has_remaining_input(&self) -> bool {
        self.has_remaining_input
    }

    /// Processes input that the last read cycle left for this one.
    pub fn process_remaining(
        &mut self,
        cycle: &mut ReadCycle,
        framing_output: &mut FramingOutput,
    ) -> Result<(), CloseReason> {
        self.has_remaining_input = false;
        if !self.unread.is_empty() {
            self.protocol_bytes(&[], cycle)?;
            self.count_waiting(cycle);
        }
        match std::mem::take(&mut self.unframed) {
            unframed if unframed.is_empty() || self.has_remaining_input => {
                self.unframed = unframed;
                Ok(())
            }
            mut unframed => self.receive(&mut unframed, cycle, framing_output),
        }
    }

    /// Stores bytes of the framing until more arrive.
    pub fn keep_unframed(&mut self, bytes: &[u8]) {
        self.unframed.extend_from_slice(bytes);
    }

    /// Copies the stored bytes of the framing to the front of the read buffer. Returns their number.
    pub fn take_unframed(&mut self, buffer: &mut [u8]) -> usize {
        let saved = std::mem::take(&mut self.unframed);
        buffer[..saved.len()].copy_from_slice(&saved);
        saved.len()
    }

    /// Processes input that was read before the connection started.
    pub fn receive_early(
        &mut self,
        early_input: EarlyInput,
        cycle: &mut ReadCycle,
        framing_output: &mut FramingOutput,
    ) -> Result<(), CloseReason> {
        let EarlyInput {
            unread,
            mut unframed,
            message_type,
        } = early_input;
        if message_type == Some(MessageType::Text) && P::IS_BINARY {
            return Err(CloseReason::Text);
        }
        framing_output.message_type = message_type;
        if !unread.is_empty() {
            self.protocol_bytes(&unread, cycle)?;
        }
        self.receive(&mut unframed, cycle, framing_output)
    }

    /// Processes input. If the input has an error, the requests before it still take effect.
    pub fn receive(
        &mut self,
        input: &mut [u8],
        cycle: &mut ReadCycle,
        framing_output: &mut FramingOutput,
    ) -> Result<(), CloseReason> {
        let mut at = 0;
        while cycle.has_time()
            && let Some((item, used)) = self.framing.decode(&mut input[at..])?
        {
            at += used;
            match item {
                FramingItem::Data(MessageType::Text, _) if P::IS_BINARY => {
                    return Err(CloseReason::Text);
                }
                FramingItem::Data(message_type, bytes) => {
                    framing_output.message_type = Some(message_type);
                    self.protocol_bytes(bytes, cycle)?;
                }
                FramingItem::Ping(payload) => {
                    F::write_control(ControlFrame::Pong(payload), &mut framing_output.control)
                }
                FramingItem::Close => return Err(CloseReason::ByPeer),
                FramingItem::Nothing => {}
            }
        }
        self.unframed.extend_from_slice(&input[at..]);
        self.has_remaining_input |= cycle.is_over() && at < input.len();
        self.count_waiting(cycle);
        Ok(())
    }

    /// Counts input that waits for the rate of its user like the bytes of an incomplete message. Other remaining input is
    /// processed at once.
    fn count_waiting(&mut self, cycle: &ReadCycle) {
        if cycle.paced_until_ms().is_some() {
            let bytes = self.unread.capacity() + self.unframed.capacity();
            self.partial_message.set_bytes(bytes);
        }
    }

    fn protocol_bytes(&mut self, bytes: &[u8], cycle: &mut ReadCycle) -> Result<(), CloseReason> {
        if self.has_remaining_input {
            // Earlier input is still unprocessed, so this is appended to it.
            self.unread.extend_from_slice(bytes);
            return Ok(());
        }
        let used = if self.unread.is_empty() {
            let used = receive(&mut self.protocol, &self.tap, bytes, cycle)?;
            self.unread.extend_from_slice(&bytes[used..]);
            used
        } else {
            self.unread.extend_from_slice(bytes);
            let used = receive(&mut self.protocol, &self.tap, &self.unread, cycle)?;
            self.drop_processed(used);
            used
        };
        self.has_remaining_input = cycle.is_over();
        self.track_incomplete(used, cycle.now_ms);
        Ok(())
    }

    fn drop_processed(&mut self, used: usize) {
        if used == self.unread.len() {
            self.unread = Vec::new();
            return;
        }
        self.unread.drain(..used);
        // The capacity of a large message is freed if only a few bytes remain.
        if self.unread.len() < self.unread.capacity() / 4 {
            self.unread.shrink_to_fit();
        }
    }

    /// Starts or restarts the time for an incomplete message. `used` bytes belonged to earlier messages.
    fn track_incomplete(&mut self, used: usize, now_ms: u64) {
        if used > 0 {
            self.incomplete_since_ms = None;
            self.partial_message.release();
        }
        if self.unread.is_empty() || self.has_remaining_input {
            self.incomplete_since_ms = None;
            return;
        }
        self.incomplete_since_ms.get_or_insert(now_ms);
        self.partial_message.set_bytes(self.unread.capacity());
    }
}

/// Passes input to the protocol, and shows it before: what the input causes is shown after it.
fn receive<P: Protocol>(
    protocol: &mut P,
    tap: &Tap,
    input: &[u8],
    cycle: &mut ReadCycle,
) -> Result<usize, CloseReason> {
    let is_traced = tap.is_active();
    if is_traced {
        tap.incoming(input);
    }
    let used = protocol.receive(input, cycle)?;
    if is_traced {
        tap.processed(used);
    }
    Ok(used)
}
