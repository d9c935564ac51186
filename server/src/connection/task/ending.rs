//! The end of a connection's task.

use std::{future::poll_fn, task::Poll, time::Duration};

use tokio::time::{sleep_until, timeout};

use super::{ConnectionTask, ReadResult};
use crate::connection::{
    CloseReason, Framing, Protocol, Transport,
    closing::{self, linger},
    end_log::{EndedConnection, note_end},
    framing::ControlFrame,
    inbound::Inbound,
    outbound::Progress,
};

impl<T: Transport, F: Framing, P: Protocol> ConnectionTask<T, F, P> {
    /// Processes the input that the peer has already sent when the connection ends for another reason. Returns the
    /// final reason: the peer's own DISCONNECT takes precedence ([MQTT-3.14.4-3]).
    pub(super) async fn read_remaining(&mut self, close_reason: CloseReason) -> CloseReason {
        match timeout(MAX_REMAINING_TIME, self.read_until_empty()).await {
            Ok(Some(peer_reason)) => peer_reason,
            // Everything was read, or `MAX_REMAINING_TIME` or `MAX_REMAINING_BYTES` is reached.
            Ok(None) | Err(_) => close_reason,
        }
    }

    /// Reads until the socket is empty. Returns the reason if the peer itself ended the connection.
    async fn read_until_empty(&mut self) -> Option<CloseReason> {
        let mut remaining = MAX_REMAINING_BYTES;
        loop {
            self.yield_to_others().await;
            if let Some(until_ms) = self.paced_until_ms.take() {
                sleep_until(self.context.clock.instant(until_ms.get())).await;
            }
            if !self.blocked.is_empty() {
                let broker = &self.context.broker;
                poll_fn(|context| broker.poll_unblocked(&mut self.blocked, context.waker())).await;
            }
            let read = match self.inbound.has_remaining_input() {
                true => self
                    .cycle(Inbound::process_remaining)
                    .map(|()| ReadResult::Bytes(0)),
                false => self.read(),
            };
            match read {
                // Returns `None` when `MAX_REMAINING_BYTES` is reached.
                Ok(ReadResult::Bytes(count)) => remaining = remaining.checked_sub(count)?,
                // After a failed write the socket still becomes readable: first for earlier input, then for its end.
                Ok(ReadResult::Nothing) if self.is_broken => {
                    self.connection.socket.stream().readable().await.ok()?;
                }
                Ok(ReadResult::Nothing) => return None,
                Err(peer_reason) => return Some(peer_reason),
            }
        }
    }

    /// Sends the last message and gives the peer time to read it.
    pub(super) async fn write_close(&mut self, close_reason: &CloseReason) {
        self.on_close(Some(close_reason));
        self.wait_for_owed_replies().await;
        let mut last_replies = Vec::new();
        self.inbound
            .protocol
            .write_close(close_reason, &mut last_replies);
        let mut drained = self.connection.update_and_drain(|outbound| {
            let held = std::mem::take(&mut outbound.held_replies);
            outbound.push_replies(&held);
            outbound.push_replies(&last_replies);
            outbound.push_control(ControlFrame::Close(
                close_reason.close_code(),
                &close_reason.peer_text(),
            ));
            outbound.close();
        });
        if self.inbound.tap.is_active() {
            self.inbound.tap.ended(&close_reason.to_string());
        }
        let connection = &*self.connection;
        let sent = async {
            while drained.progress == Progress::Full {
                connection.socket.stream().writable().await?;
                drained = connection.update_and_drain(|_| {});
            }
            linger(connection.socket.stream()).await
        };
        // The connection is closed in any case: on success, failure or timeout.
        let _ = timeout(closing::closing_time(close_reason), sent).await;
    }

    /// Waits until the owed replies are due. Replies that are not due within `MAX_OWED_TIME` are dropped: the peer sends
    /// the messages again.
    async fn wait_for_owed_replies(&mut self) {
        let all_due = poll_fn(|context| {
            let mut outbound = self.connection.outbound();
            let completion = &self.connection.completion;
            outbound.push_due_replies(completion);
            outbound.wait_for_owed(completion, context.waker());
            match outbound.owed.is_empty() {
                true => Poll::Ready(()),
                false => Poll::Pending,
            }
        });
        // Late or not, the connection ends.
        let _ = timeout(MAX_OWED_TIME, all_due).await;
    }

    /// Stops deliveries, and lets the protocol handle the end of the connection. Only the first call has an effect.
    pub(super) fn on_close(&mut self, close_reason: Option<&CloseReason>) {
        // The lock is released before `on_close` is called, which may deliver messages of the session to others.
        let deliverer = self.connection.outbound().take_deliverer();
        let listed = self.listed.take();
        if let (Some(listed), Some(close_reason)) = (&listed, close_reason) {
            let ended = EndedConnection::of(listed, &self.connection.session);
            note_end(&self.context.measurements, ended, close_reason);
        }
        // First, so that another connection of the user finds the quota free.
        listed.iter().for_each(|listed| listed.release_quota());
        if let Some(deliverer) = deliverer {
            let protocol = &mut self.inbound.protocol;
            protocol.on_close(&self.context, deliverer, close_reason);
        }
        if let Some(listed) = listed {
            self.context.connections.close(&listed);
        }
    }
}

impl<T: Transport, F: Framing, P: Protocol> Drop for ConnectionTask<T, F, P> {
    fn drop(&mut self) {
        self.on_close(None);
    }
}

/// Maximum amount of input that is processed when the connection ends for another reason, and the maximum time. The
/// system's buffers usually hold less.
const MAX_REMAINING_BYTES: usize = 8 << 20;
const MAX_REMAINING_TIME: Duration = Duration::from_secs(1);
/// Maximum time that a connection that ends waits until its messages are recorded.
const MAX_OWED_TIME: Duration = Duration::from_secs(5);
