//! The events that a connection's task waits for.

use std::{future::poll_fn, task::Poll};

use tokio::io::Interest;

use super::ConnectionTask;
use crate::{
    connection::{CloseReason, Framing, Protocol, Transport},
    connection_control::OpenConnection,
    context::ServerContext,
    net::StreamSocket,
    stopping::stopped,
};

/// The reason why a task was woken.
pub(super) enum Event {
    Readable,
    Writable,
    /// Reported only while nothing is read; otherwise the next read returns the error.
    Broken,
    Woken,
    MoreWork,
    /// Input read earlier is to be processed.
    RemainingInput,
    Deadline,
    Unblocked,
    Evicted(CloseReason),
    Stopping,
}

impl<T: Transport, F: Framing, P: Protocol> ConnectionTask<T, F, P> {
    /// Waits for one event. The branches change nothing, so a cancelled branch loses no event.
    pub(super) async fn next_event(&mut self) -> Event {
        let has_remaining = self.is_reading() && self.inbound.has_remaining_input();
        let is_read_wanted = self.is_reading() && !has_remaining;
        let is_write_wanted = self.is_socket_full;
        let is_blocked = !self.blocked.is_empty();
        let has_more_work = self.has_more_work;
        let is_held = self.held.is_some();
        let may_stop = self.stopping_since_ms.is_none();
        self.timer.set(self.deadline());
        let Self {
            connection,
            context,
            inbound,
            listed,
            timer,
            blocked,
            held,
            ..
        } = self;
        let ServerContext {
            broker, stopping, ..
        } = context;
        tokio::select! {
            biased;
            () = stopped(stopping), if may_stop => Event::Stopping,
            close_reason = poll_fn(|context| match must_end(listed.as_deref()) {
                true => Poll::Ready(CloseReason::Administrative),
                false => inbound.poll_evicted(context),
            }) => Event::Evicted(close_reason),
            () = std::future::ready(()), if has_remaining => Event::RemainingInput,
            event = socket_event(connection.socket.stream(), is_read_wanted, is_write_wanted) => event,
            () = timer.elapsed(), if timer.is_set() => Event::Deadline,
            () = connection.wake.notified() => Event::Woken,
            () = std::future::ready(()), if has_more_work => Event::MoreWork,
            () = poll_fn(|context| broker.poll_unblocked(blocked, context.waker())),
                if is_blocked => Event::Unblocked,
            () = poll_fn(|context| match held {
                Some((_, wait)) => wait.poll(context.waker()),
                None => Poll::Pending,
            }), if is_held => Event::Woken,
        }
    }

    /// Returns true if the connection reads. It stops reading in four cases: a subscriber must catch up with this
    /// peer's messages, the peer does not read its replies, too many replies are owed, or a publication waits for the rate
    /// of its user.
    pub(super) fn is_reading(&self) -> bool {
        self.blocked.is_empty()
            && self.unread_replies_until_ms.is_none()
            && !self.is_owed_full
            && self.paced_until_ms.is_none()
    }
}

/// Returns whether an operator has ended the connection. The task is woken when this changes.
fn must_end(listed: Option<&OpenConnection>) -> bool {
    listed.is_some_and(OpenConnection::must_end)
}

/// Waits until the socket is ready, or broken.
async fn socket_event(socket: &StreamSocket, is_read_wanted: bool, is_write_wanted: bool) -> Event {
    let interest = match (is_read_wanted, is_write_wanted) {
        (true, true) => Interest::READABLE | Interest::WRITABLE,
        (false, true) => Interest::WRITABLE,
        (true, false) => Interest::READABLE,
        (false, false) => Interest::ERROR,
    };
    match socket.ready(interest).await {
        Ok(ready) if ready.is_error() && !is_read_wanted => Event::Broken,
        Ok(ready) if is_write_wanted && ready.is_writable() => Event::Writable,
        // Also if the socket is broken: the next read returns the error.
        _ => Event::Readable,
    }
}
