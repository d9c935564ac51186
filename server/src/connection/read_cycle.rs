//! One read cycle of a connection's task: the processing of one read.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use broker::{Blocked, Broker, Outcome, Publication, Session};

use crate::{
    advisory::Advisories,
    clock,
    fairness::{MAX_PAUSE, TIME_SLICE, pause_after},
};

/// Collects the publications and replies of a read cycle. Each thread has one, in its [`Scratch`](super::Scratch). It is
/// empty between cycles, so connections need none of their own.
#[derive(Default)]
pub struct ReadCycle {
    /// The server's clock at the start of the cycle, in milliseconds.
    pub now_ms: u64,
    /// The time of day at the start of the cycle, in Unix milliseconds: the timestamp of its publications.
    pub unix_ms: u64,
    /// Replies for the peer, in the protocol's bytes.
    pub replies: Vec<u8>,
    /// Publications not yet handed to the broker.
    pub batch: Vec<Publication>,
    /// Subscriptions that have to catch up before the next read.
    pub blocked: Blocked,
    /// The ticket of the journal that must be complete before the peer gets the replies.
    pub owed: Option<u64>,
    /// True if the connection must not read more before that.
    pub is_journal_full: bool,
    /// The result of the last batch.
    pub outcome: Outcome,
    /// Decides if publications are accepted.
    intake: Intake,
    /// The end of the cycle's time slice; `None` means unlimited.
    slice_end: Option<Instant>,
    /// True once the remaining requests are left for the next cycle.
    is_over: bool,
    /// Requests since the last reading of the clock.
    requests_since_check: u32,
    /// The pause after the cycle, in which other tasks run.
    pause: Duration,
}

/// Accepts publications, or discards them because the server stops.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Intake {
    /// Publications are accepted.
    #[default]
    Open,
    /// Publications are discarded.
    Closed,
}

impl ReadCycle {
    /// Starts a cycle with a time slice.
    pub fn begin(&mut self, now_ms: u64, intake: Intake) {
        self.now_ms = now_ms;
        self.intake = intake;
        self.unix_ms = clock::unix_ms();
        self.slice_end = Some(Instant::now() + TIME_SLICE);
    }

    /// Returns a cycle whose time slice is over.
    #[cfg(test)]
    pub fn expired() -> Self {
        Self {
            slice_end: Some(Instant::now()),
            ..Self::default()
        }
    }

    /// Must be called after each operation that is expensive for its size, such as a subscription: one read may contain
    /// thousands of them. After a long operation the connection pauses, because other threads had to wait for the
    /// broker's lock.
    pub fn check_expensive_request(&mut self, started: Instant) {
        self.check_time();
        let pause = self.pause + pause_after(started.elapsed());
        self.pause = pause.min(MAX_PAUSE);
    }

    /// Ends the cycle if its time slice is over. Adds no pause.
    pub fn check_time(&mut self) {
        self.is_over |= self.slice_end.is_some_and(|until| until <= Instant::now());
    }

    /// Returns whether publications are discarded without a reply, because the server stops. Clients send
    /// unacknowledged messages again.
    pub fn is_intake_closed(&self) -> bool {
        self.intake == Intake::Closed
    }

    /// Returns the pause that the connection must make after the cycle.
    pub const fn pause(&self) -> Duration {
        self.pause
    }

    /// Returns whether the protocol must leave the remaining requests for the next cycle.
    pub const fn is_over(&self) -> bool {
        self.is_over
    }

    /// Returns whether the protocol may process another request. Each cycle processes a few, even after its time slice,
    /// so that every cycle makes progress.
    pub fn has_time(&mut self) -> bool {
        self.requests_since_check += 1;
        if self.requests_since_check > CHECK_EVERY {
            self.requests_since_check = 0;
            self.check_time();
        }
        !self.is_over
    }

    /// Clears the state for the next cycle.
    pub fn clear(&mut self) {
        self.batch.clear();
        self.replies.clear();
        self.replies.shrink_to(MAX_REPLIES_CAPACITY);
        self.owed = None;
        self.is_journal_full = false;
        self.slice_end = None;
        self.is_over = false;
        self.requests_since_check = 0;
        self.pause = Duration::ZERO;
    }

    /// Publishes the batch, and carries out its effects.
    pub fn publish(&mut self, broker: &Broker, advisories: &Advisories, own: &Arc<Session>) {
        broker.publish_for(own.client(), &mut self.batch, &mut self.outcome);
        self.carry_out(advisories, own);
    }

    /// Publishes the batch together with what `record` records in the log, and carries out its effects.
    pub fn publish_and_record(
        &mut self,
        broker: &Broker,
        advisories: &Advisories,
        own: &Arc<Session>,
        record: impl FnOnce(),
    ) {
        broker.publish_and_record(own.client(), &mut self.batch, record, &mut self.outcome);
        self.carry_out(advisories, own);
    }

    /// Carries out the effects that the broker returned. Skips the delivery to `own`: the connection drains itself at
    /// the end of the cycle.
    pub fn carry_out(&mut self, advisories: &Advisories, own: &Arc<Session>) {
        self.blocked
            .extend(std::mem::take(&mut self.outcome.blocked));
        self.owed = self.owed.max(self.outcome.owed.take());
        self.is_journal_full |= std::mem::take(&mut self.outcome.is_journal_full);
        advisories.carry_out(&mut self.outcome, Some(own));
    }
}

/// The clock is read once for this number of requests, because a reading costs about as much as a small request.
const CHECK_EVERY: u32 = 16;
/// Maximum capacity that a thread keeps for replies.
const MAX_REPLIES_CAPACITY: usize = 64 << 10;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cycle_after_its_time_slice_processes_only_a_few_requests() {
        let mut cycle = ReadCycle::expired();
        let taken = (0..1_000).take_while(|_| cycle.has_time()).count();
        assert_eq!(taken, CHECK_EVERY as usize);
        assert!(cycle.is_over());
        cycle.clear();
        assert!(
            (0..1_000).all(|_| cycle.has_time()),
            "there is no time slice"
        );
    }

    #[test]
    fn a_long_request_is_followed_by_a_pause() {
        let now = Instant::now();
        let mut cycle = ReadCycle::default();
        cycle.check_expensive_request(now + Duration::from_secs(1));
        assert_eq!(cycle.pause(), Duration::ZERO);
        cycle.check_expensive_request(now - Duration::from_millis(10));
        let pause = cycle.pause();
        assert!(
            (Duration::from_millis(30)..=MAX_PAUSE).contains(&pause),
            "{pause:?}"
        );
        cycle.check_expensive_request(now - Duration::from_secs(60));
        assert_eq!(cycle.pause(), MAX_PAUSE);
        cycle.clear();
        assert_eq!(cycle.pause(), Duration::ZERO);
    }
}
