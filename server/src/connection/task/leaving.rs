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
    /// Processes the input that the peer has already sent when the connection ends for another reason. Returns the
    /// final reason: the peer's own DISCONNECT takes precedence ([MQTT-3.14.4-3]).
    pub(super) async fn read_remaining(&mut self, ending: CloseReason) -> CloseReason {
        match timeout(REMAINING_TIME, self.read_to_the_end()).await {
            Ok(Some(own)) => own,
            // Everything was read, or `REMAINING_TIME` or `REMAINING_BYTES` is reached.
            Ok(None) | Err(_) => ending,
        }
    }

    /// Reads until the socket is empty. Returns the reason if the peer itself ended the connection.
    async fn read_to_the_end(&mut self) -> Option<CloseReason> {
        let mut left = REMAINING_BYTES;
        loop {
            self.yield_to_others().await;
            if !self.blocked.is_empty() {
                let broker = &self.context.broker;
                poll_fn(|context| broker.poll_unblocked(&mut self.blocked, context.waker())).await;
            }
            let heard = match self.inbound.is_behind() {
                true => self.cycle(Inbound::go_on).map(|()| Read::Bytes(0)),
                false => self.read(),
            };
            match heard {
                // Returns `None` when `REMAINING_BYTES` is reached.
                Ok(Read::Bytes(count)) => left = left.checked_sub(count)?,
                // After a failed write the socket still becomes readable: first for earlier input, then for its end.
                Ok(Read::Nothing) if self.is_broken => {
                    self.connection.socket.tcp().readable().await.ok()?;
                }
                Ok(Read::Nothing) => return None,
                Err(own) => return Some(own),
            }
        }
    }

    /// Sends the last message and gives the peer time to read it.
    pub(super) async fn write_close(&mut self, ending: &CloseReason) {
        self.on_close(Some(ending));
        self.wait_for_owed_replies().await;
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
        // The connection is closed in any case: on success, failure or timeout.
        let _ = timeout(closing::time(ending), farewell).await;
    }

    /// Waits until the owed replies are due. Replies that are not due within `OWED_TIME` are dropped: the peer sends
    /// the messages again.
    async fn wait_for_owed_replies(&mut self) {
        let completion = self.context.broker.completion();
        let all_due = async {
            loop {
                self.owed.take_due(completion, &mut self.held_replies);
                if self.owed.is_empty() {
                    return;
                }
                poll_fn(|context| self.owed.poll_due(completion, context)).await;
            }
        };
        // Late or not, the connection ends.
        let _ = timeout(OWED_TIME, all_due).await;
    }

    /// Stops deliveries, and lets the protocol handle the end of the connection. Only the first call has an effect.
    pub(super) fn on_close(&mut self, ending: Option<&CloseReason>) {
        // The lock is released before `on_close` is called, which may deliver messages of the session to others.
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

/// Maximum amount of input that is processed when the connection ends for another reason, and the maximum time. The
/// system's buffers usually hold less.
const REMAINING_BYTES: usize = 8 << 20;
const REMAINING_TIME: Duration = Duration::from_secs(1);
/// Maximum time that a connection that ends waits until its messages are recorded.
const OWED_TIME: Duration = Duration::from_secs(5);
