//! Input before the connection loop: bytes are read until the client is identified.

use std::io;

use super::{
    CloseReason, EarlyInput, Framing, Transport,
    framing::{ControlFrame, FramingItem},
};
use crate::{
    clock,
    fairness::yield_if_due,
    partial_input::PartialMessage,
    trace::{FirstMessage, Traces},
};

/// The input of a connection before its client is identified.
pub struct HandshakeInput<F> {
    /// The framing.
    pub framing: F,
    /// Input that was read already.
    pub early_input: EarlyInput,
    /// The time and the bytes of the message that was taken out of the input. The bytes are kept only while a trace runs.
    taken: Option<(u64, Vec<u8>)>,
    partial_message: PartialMessage,
}

impl<F: Framing> HandshakeInput<F> {
    /// `unframed` are bytes that were read from the socket before.
    pub fn new(framing: F, unframed: Vec<u8>, partial_message: PartialMessage) -> Self {
        Self {
            framing,
            taken: None,
            partial_message,
            early_input: EarlyInput {
                unframed,
                ..EarlyInput::default()
            },
        }
    }

    /// Reads until `find` finds a result in the protocol's bytes. `find` must return a result after a limited number of
    /// bytes, and the caller must limit the time.
    ///
    /// # Errors
    ///
    /// The connection must end.
    pub async fn read_until<T>(
        &mut self,
        socket: &impl Transport,
        mut find: impl FnMut(&EarlyInput) -> Option<T>,
    ) -> Result<T, CloseReason> {
        loop {
            // A peer that sends without pause is always readable.
            yield_if_due().await;
            self.decode(socket)?;
            if let Some(found) = find(&self.early_input) {
                return Ok(found);
            }
            self.partial_message
                .set_bytes(self.early_input.unread.capacity());
            let readable = tokio::select! {
                biased;
                () = self.partial_message.dropped() => return Err(CloseReason::MessageDropped),
                readable = socket.stream().readable() => readable,
            };
            readable.map_err(|error| CloseReason::Io(error.to_string()))?;
            self.read(socket)?;
        }
    }

    /// Takes the first message, of this number of bytes, out of the input.
    pub fn take_first_message(&mut self, bytes: usize, traces: &Traces) {
        let message = self.early_input.unread.drain(..bytes);
        let kept = match traces.is_active() {
            true => message.collect(),
            false => Vec::new(),
        };
        self.taken = Some((clock::unix_ms(), kept));
    }

    /// Returns the first message for traces: the one that was taken out of the input, or all input.
    pub fn first_message(&self) -> FirstMessage<'_> {
        match &self.taken {
            Some((at_ms, bytes)) => FirstMessage {
                at_ms: *at_ms,
                bytes,
            },
            None => FirstMessage {
                at_ms: clock::unix_ms(),
                bytes: &self.early_input.unread,
            },
        }
    }

    fn read(&mut self, socket: &impl Transport) -> Result<(), CloseReason> {
        let mut buffer = [0; READ_BYTES];
        match socket.try_read(&mut buffer) {
            Ok(0) => Err(CloseReason::ByPeer),
            Ok(count) => {
                self.early_input
                    .unframed
                    .extend_from_slice(&buffer[..count]);
                Ok(())
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(()),
            Err(error) => Err(CloseReason::Io(error.to_string())),
        }
    }

    fn decode(&mut self, socket: &impl Transport) -> Result<(), CloseReason> {
        let EarlyInput {
            unread,
            unframed,
            message_type,
        } = &mut self.early_input;
        let mut at = 0;
        while let Some((item, used)) = self.framing.decode(&mut unframed[at..])? {
            at += used;
            match item {
                FramingItem::Data(of, bytes) => {
                    *message_type = Some(of);
                    unread.extend_from_slice(bytes);
                }
                FramingItem::Ping(payload) => {
                    let mut pong = Vec::new();
                    F::write_control(ControlFrame::Pong(payload), &mut pong);
                    // A peer that sends pings before its first message and does not read gets no response.
                    let _ = socket.try_write(&pong).and_then(|_| socket.try_flush());
                }
                FramingItem::Close => return Err(CloseReason::ByPeer),
                FramingItem::Nothing => {}
            }
        }
        unframed.drain(..at);
        Ok(())
    }
}

/// The minimum buffer size that a transport needs.
const READ_BYTES: usize = 32 << 10;
