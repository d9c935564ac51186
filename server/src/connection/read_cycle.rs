//! One read cycle of a connection's task: the processing of one read.

use std::{
    num::NonZeroU64,
    sync::Arc,
    time::{Duration, Instant},
};

use broker::{Blocked, Broker, Outcome, Publication, Session};

use crate::{
    access_control::UserAccount,
    advisory::Advisories,
    clock,
    fairness::{MAX_PAUSE, TIME_SLICE, pause_after},
    spans::PublishSpans,
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
    /// The time until which the next publication waits for the rate of its user.
    paced_until_ms: Option<NonZeroU64>,
    /// Messages that the peer published, and the bytes of their bodies.
    published: Published,
    /// Cycles of this thread that published something, since the last one that was measured.
    unmeasured: u32,
}

#[derive(Debug, Clone, Copy, Default)]
struct Published {
    messages: u64,
    bytes: u64,
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

    /// Returns whether the next publication must wait for the rate of its user. Then the cycle is over, and the rest of its
    /// input is left for a later one.
    pub fn must_wait(&mut self, account: &UserAccount) -> bool {
        let Some(wait) = account.wait_time().filter(|_| self.intake == Intake::Open) else {
            return false;
        };
        self.paced_until_ms = Some(end_of_wait_ms(self.now_ms, wait));
        self.is_over = true;
        true
    }

    /// Returns the time of [`ReadCycle::must_wait`].
    pub const fn paced_until_ms(&self) -> Option<NonZeroU64> {
        self.paced_until_ms
    }

    /// Notes messages that the peer published, with bodies of this size.
    pub fn note_published(&mut self, messages: usize, bytes: usize) {
        self.published.messages += messages as u64;
        self.published.bytes += bytes as u64;
    }

    /// Returns the start of the cycle if the time of its publications is to be measured: for the first cycle of a thread
    /// that publishes something, and then for one in [`MEASURE_EVERY`].
    pub fn sampled_start(&mut self) -> Option<Instant> {
        if self.published.messages == 0 {
            return None;
        }
        let is_due = self.unmeasured == 0;
        self.unmeasured = (self.unmeasured + 1) % MEASURE_EVERY;
        self.slice_end
            .filter(|_| is_due)
            .map(|end| end - TIME_SLICE)
    }

    /// Adds the noted messages to the figures of their user.
    pub fn count_published(&self, account: &UserAccount) {
        let Published { messages, bytes } = self.published;
        if messages > 0 {
            account.count_published(messages, bytes);
        }
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
        self.paced_until_ms = None;
        self.published = Published::default();
    }

    /// Publishes the batch, and carries out its effects.
    pub fn publish(&mut self, broker: &Broker, advisories: &Advisories, own: &Arc<Session>) {
        let spans = PublishSpans::begin(&self.batch);
        broker.publish_for(own.client(), &mut self.batch, &mut self.outcome);
        spans.end(&self.outcome.results);
        self.count_accepted(own);
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
        let spans = PublishSpans::begin(&self.batch);
        broker.publish_and_record(own.client(), &mut self.batch, record, &mut self.outcome);
        spans.end(&self.outcome.results);
        self.count_accepted(own);
        self.carry_out(advisories, own);
    }

    fn count_accepted(&self, own: &Session) {
        let accepted = self.outcome.results.iter().filter(|one| one.is_ok());
        own.count_published(accepted.count() as u64);
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

/// Returns the time at which a publication that has to wait for the rate of its user is examined again.
pub fn end_of_wait_ms(now_ms: u64, wait: Duration) -> NonZeroU64 {
    let wait_ms = wait.clamp(SHORTEST_WAIT, LONGEST_WAIT).as_millis();
    let end_ms = now_ms.saturating_add(u64::try_from(wait_ms).unwrap_or(u64::MAX));
    NonZeroU64::new(end_ms).unwrap_or(NonZeroU64::MIN)
}

/// One of this number of cycles with publications is measured.
const MEASURE_EVERY: u32 = 64;
/// The clock is read once for this number of requests, because a reading costs about as much as a small request.
const CHECK_EVERY: u32 = 16;
/// A publisher that has used its rate waits at least this time, so that many connections of one user are not woken for each
/// message. Less than a second, so that the bucket of the rate does not become full.
const SHORTEST_WAIT: Duration = Duration::from_millis(100);
/// After this time the rate is examined again: its limit may have changed.
const LONGEST_WAIT: Duration = Duration::from_secs(1);
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
    fn the_first_of_many_cycles_with_publications_is_measured() {
        let mut cycle = ReadCycle::default();
        let mut measured = 0;
        for number in 0..4 * MEASURE_EVERY {
            cycle.begin(0, Intake::Open);
            assert!(cycle.sampled_start().is_none(), "nothing is published");
            cycle.note_published(1, 10);
            let is_measured = cycle.sampled_start().is_some();
            assert!(number > 0 || is_measured);
            measured += u32::from(is_measured);
            cycle.clear();
        }
        assert_eq!(measured, 4);
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
