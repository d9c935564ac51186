//! The end of a connection's task.

use std::{future::poll_fn, time::Duration};

use tokio::time::timeout;

use super::{Read, Task};
use crate::connection::{
    CloseReason, Framing, Protocol, Transport,
    closing::{self, linger},
    framing::Answer,
    inbound::Inbound,
    outbound::Progress,
};

impl<T: Transport, F: Framing, P: Protocol> Task<T, F, P> {
    /// Processes what the peer has already sent when the connection ends for another reason, and returns why it ends
    /// finally: the peer's own DISCONNECT takes precedence ([MQTT-3.14.4-3]).
    pub(super) async fn read_remaining(&mut self, ending: CloseReason) -> CloseReason {
        match timeout(REMAINING_TIME, self.read_to_the_end()).await {
            Ok(Some(own)) => own,
            // Everything was read, or one of the two bounds is reached.
            Ok(None) | Err(_) => ending,
        }
    }

    /// Reads until the socket is empty. Returns why the peer itself ended the connection, if it did.
    async fn read_to_the_end(&mut self) -> Option<CloseReason> {
        let mut left = REMAINING_BYTES;
        loop {
            self.yield_to_others().await;
            if !self.blocked.is_empty() {
                let broker = &self.context.broker;
                poll_fn(|context| broker.poll_clear(&mut self.blocked, context.waker())).await;
            }
            let heard = match self.inbound.is_behind() {
                true => self.cycle(Inbound::go_on).map(|()| Read::Bytes(0)),
                false => self.read(),
            };
            match heard {
                Ok(Read::Bytes(count)) => left = left.checked_sub(count)?,
                // A broken socket becomes readable: its end, and what arrived before it, are still to be read.
                Ok(Read::Nothing) if self.is_broken => {
                    self.connection.socket.tcp().readable().await.ok()?;
                }
                Ok(Read::Nothing) => return None,
                Err(own) => return Some(own),
            }
        }
    }

    /// Says good-bye and gives the peer time to read it.
    pub(super) async fn write_close(&mut self, ending: &CloseReason) {
        self.on_close(Some(ending));
        let mut farewell = std::mem::take(&mut self.held_replies);
        self.inbound.protocol.write_close(ending, &mut farewell);
        let mut drained = self.connection.with_outlet(|outbound| {
            outbound.reply(&farewell);
            outbound.answer(Answer::Close(ending.close_code(), &ending.told()));
            outbound.close();
        });
        let connection = &*self.connection;
        let farewell = async {
            while drained.progress == Progress::Full {
                connection.socket.tcp().writable().await?;
                drained = connection.with_outlet(|_| {});
            }
            linger(connection.socket.tcp()).await
        };
        // Late, failed or done: the connection is closed now.
        let _ = timeout(closing::time(ending), farewell).await;
    }

    /// Delivers nothing more. The first time counts.
    pub(super) fn on_close(&mut self, ending: Option<&CloseReason>) {
        // Its lock is released then: others may be told of what the session held.
        let deliverer = self.connection.outbound().take_voice();
        if let Some(deliverer) = deliverer {
            let protocol = &mut self.inbound.protocol;
            protocol.on_close(&self.context, deliverer, ending);
        }
    }
}

impl<T: Transport, F: Framing, P: Protocol> Drop for Task<T, F, P> {
    fn drop(&mut self) {
        self.on_close(None);
    }
}

/// How much of what a peer has already sent is processed when its connection ends for another reason, and for how long. The
/// system's buffers usually hold less.
const REMAINING_BYTES: usize = 8 << 20;
const REMAINING_TIME: Duration = Duration::from_secs(1);
