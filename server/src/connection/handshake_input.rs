//! Input before the connection loop: bytes are read until the client is identified.

use std::io;

use super::{
    CloseReason, Framing, Received, Transport,
    framing::{Answer, Unwrapped},
};
use crate::{fairness::give_way, partial_input::Share};

/// The input of a connection before its client is identified.
pub struct Prelude<F> {
    /// The framing.
    pub framing: F,
    /// Input that was read already.
    pub received: Received,
    share: Share,
}

impl<F: Framing> Prelude<F> {
    /// `unframed` are bytes that were read from the socket before.
    pub fn new(framing: F, unframed: Vec<u8>, share: Share) -> Self {
        Self {
            framing,
            share,
            received: Received {
                unframed,
                ..Received::default()
            },
        }
    }

    /// Reads until `look` finds a result in the protocol's bytes. `look` must return a result after a limited number of
    /// bytes, and the caller must limit the time.
    ///
    /// # Errors
    ///
    /// The connection must end.
    pub async fn until<T>(
        &mut self,
        socket: &impl Transport,
        mut look: impl FnMut(&Received) -> Option<T>,
    ) -> Result<T, CloseReason> {
        loop {
            // A peer that sends without pause is always readable.
            give_way().await;
            self.unwrap(socket)?;
            if let Some(found) = look(&self.received) {
                return Ok(found);
            }
            self.share.hold(self.received.unread.capacity());
            let readable = tokio::select! {
                biased;
                () = self.share.lost() => return Err(CloseReason::GaveWay),
                readable = socket.tcp().readable() => readable,
            };
            readable.map_err(|error| CloseReason::Io(error.to_string()))?;
            self.read(socket)?;
        }
    }

    fn read(&mut self, socket: &impl Transport) -> Result<(), CloseReason> {
        let mut buffer = [0; READ_BYTES];
        match socket.try_read(&mut buffer) {
            Ok(0) => Err(CloseReason::ByPeer),
            Ok(count) => {
                self.received.unframed.extend_from_slice(&buffer[..count]);
                Ok(())
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(()),
            Err(error) => Err(CloseReason::Io(error.to_string())),
        }
    }

    fn unwrap(&mut self, socket: &impl Transport) -> Result<(), CloseReason> {
        let Received {
            unread,
            unframed,
            message_type,
        } = &mut self.received;
        let mut at = 0;
        while let Some((unwrapped, used)) = self.framing.unwrap(&mut unframed[at..])? {
            at += used;
            match unwrapped {
                Unwrapped::Data(of, bytes) => {
                    *message_type = Some(of);
                    unread.extend_from_slice(bytes);
                }
                Unwrapped::Ping(payload) => {
                    let mut pong = Vec::new();
                    F::answer(Answer::Pong(payload), &mut pong);
                    // A peer that sends pings before its first message and does not read gets no response.
                    let _ = socket.try_write(&pong).and_then(|_| socket.try_flush());
                }
                Unwrapped::Close => return Err(CloseReason::ByPeer),
                Unwrapped::Nothing => {}
            }
        }
        unframed.drain(..at);
        Ok(())
    }
}

/// The minimum buffer size that a transport needs.
const READ_BYTES: usize = 32 << 10;
