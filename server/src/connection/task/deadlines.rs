//! The deadlines of a connection: those of its protocol, of a peer that does not read its replies, and of a publisher that
//! is blocked or waits for the rate of its user.

use std::{num::NonZeroU64, sync::atomic::Ordering};

use broker::Blocked;

use super::ConnectionTask;
use crate::connection::{CloseReason, Framing, Protocol, Transport, read_cycle::end_of_wait_ms};

impl<T: Transport, F: Framing, P: Protocol> ConnectionTask<T, F, P> {
    /// Returns the next deadline, in milliseconds of the server's clock.
    pub(super) fn deadline(&self) -> Option<u64> {
        let inbound = self.inbound.deadline();
        let own = [
            self.unread_replies_until_ms,
            self.resume_reading_at_ms,
            self.paced_until_ms.map(NonZeroU64::get),
            self.stall_deadline_ms(),
        ];
        own.into_iter().flatten().chain(inbound).min()
    }

    /// Handles a deadline. Its output, a heart-beat, is sent at once, even if replies are held.
    pub(super) fn on_deadline(&mut self) -> Result<(), CloseReason> {
        let now_ms = self.context.clock.now_ms();
        if self
            .unread_replies_until_ms
            .is_some_and(|until| until <= now_ms)
        {
            return Err(CloseReason::Unread);
        }
        if self.stall_deadline_ms().is_some_and(|at| at <= now_ms) {
            return Err(CloseReason::Stopping);
        }
        if self.resume_reading_at_ms.is_some_and(|at| at <= now_ms) {
            return self.resume_reading();
        }
        if self.paced_until_ms.is_some_and(|at| at.get() <= now_ms) {
            self.paced_until_ms = self.paced_again_until_ms(now_ms);
        }
        self.reset_keep_alive(now_ms);
        let last_sent_ms = self.connection.last_sent_ms.load(Ordering::Relaxed);
        let mut due = Vec::new();
        let done = self.inbound.on_deadline(now_ms, last_sent_ms, &mut due);
        let drained = self
            .connection
            .update_and_drain(|outbound| outbound.push_replies(&due));
        done.and(self.apply_drained(drained))
    }

    /// Handles a deadline that has passed although the timer did not fire: the timer is polled only when there is
    /// nothing to read. Must be called after a read, which counts the peer as alive.
    pub(super) fn on_missed_deadline(&mut self) -> Result<(), CloseReason> {
        match self.deadline() {
            Some(at) if at <= self.cycle_start_ms => self.on_deadline(),
            _ => Ok(()),
        }
    }

    /// Returns the time until which a waiting publication waits on; `None` if it is allowed now.
    fn paced_again_until_ms(&self, now_ms: u64) -> Option<NonZeroU64> {
        let wait = self.context.principal.account()?.wait_time()?;
        Some(end_of_wait_ms(now_ms, wait))
    }

    /// Resolves a deadlock: if deliveries to this peer wait for its input, reading continues although subscriptions
    /// have not caught up.
    fn resume_reading(&mut self) -> Result<(), CloseReason> {
        self.resume_reading_at_ms = None;
        if self.connection.outbound().is_waiting_for_peer() {
            self.blocked = Blocked::default();
        }
        self.cycle(|_, _, _| Ok(()))
    }
}
