//! One turn of a connection's task: what it does with what it read at once.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use broker::{Blocked, Broker, Outcome, Publication, Ready, Session};

use crate::{advisory::Advisories, clock, fairness::SLICE};

/// Collects a turn's publications and replies. Kept by the thread, not by the connection: between turns
/// it is empty.
#[derive(Default)]
pub struct ReadCycle {
    /// The server's clock at the start of the turn, in milliseconds.
    pub now_ms: u64,
    /// The time of day at the start of the turn, in Unix milliseconds: when what it brings is published.
    pub unix_ms: u64,
    /// What the peer is to be told, in the protocol's bytes.
    pub replies: Vec<u8>,
    /// Publications not yet handed to the broker.
    pub batch: Vec<Publication>,
    /// Whom the connection has to wait for before it reads on.
    pub blocked: Blocked,
    /// What became of the last batch.
    pub outcome: Outcome,
    /// Decides if publications are accepted.
    intake: Intake,
    /// When it has to make way for others; never, where nobody said.
    until: Option<Instant>,
    /// What the peer asked for is left for the next turn from here on.
    is_over: bool,
    /// Requests since the clock was last looked at.
    unchecked: u32,
    /// How long others come first when it has ended.
    rest: Duration,
}

/// Accepts publications, or discards them because the server stops.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Intake {
    #[default]
    Open,
    Closed,
}

impl ReadCycle {
    /// A turn that makes way for others once it has had its time.
    pub fn begin(&mut self, now_ms: u64, intake: Intake) {
        // A panic may have left something.
        self.clear();
        self.now_ms = now_ms;
        self.intake = intake;
        self.unix_ms = clock::unix_ms();
        self.until = Some(Instant::now() + SLICE);
    }

    /// One that has had its time already.
    #[cfg(test)]
    pub fn late() -> Self {
        Self {
            until: Some(Instant::now()),
            ..Self::default()
        }
    }

    /// To be called behind whatever may take long and be asked for with a few bytes, such as a subscription: what
    /// one read gave may hold thousands of them. Where one alone takes long, so that all wait for the broker's order,
    /// the connection rests for as long, and more.
    pub fn check_request(&mut self, begun: Instant) {
        self.check_time();
        let rest = self.rest + rest_behind(begun.elapsed());
        self.rest = rest.min(MOST_REST);
    }

    /// Likewise, where no request is looked at for itself.
    pub fn check_time(&mut self) {
        self.is_over |= self.until.is_some_and(|until| until <= Instant::now());
    }

    /// Whether publications are discarded without an answer, because the server stops. Clients send what was not
    /// acknowledged again.
    pub fn is_closed(&self) -> bool {
        self.intake == Intake::Closed
    }

    /// How long the connection is to leave the thread, and the broker, to others.
    pub const fn rest(&self) -> Duration {
        self.rest
    }

    /// Whether the protocol is to leave what else it was given for the next turn.
    pub const fn is_over(&self) -> bool {
        self.is_over
    }

    /// Whether the protocol may process another request. Each turn processes a few, however late it is, so that every turn
    /// makes progress.
    pub fn has_time(&mut self) -> bool {
        self.unchecked += 1;
        if self.unchecked > CHECK_EVERY {
            self.unchecked = 0;
            self.check_time();
        }
        !self.is_over
    }

    /// Makes it ready for the next one.
    pub fn clear(&mut self) {
        self.batch.clear();
        self.replies.clear();
        self.replies.shrink_to(REPLIES_KEPT);
        self.until = None;
        self.is_over = false;
        self.unchecked = 0;
        self.rest = Duration::ZERO;
    }

    /// Hands the batch to the broker, and carries out what comes of it.
    pub fn publish(&mut self, broker: &Broker, advisories: &Advisories, own: &Arc<Session>) {
        broker.publish_for(own.client(), &mut self.batch, &mut self.outcome);
        self.carry_out(advisories, own);
    }

    /// Does what the broker left to be done. `own` is left out of the delivery: the connection drains itself
    /// at the end of its turn.
    pub fn carry_out(&mut self, advisories: &Advisories, own: &Arc<Session>) {
        self.blocked
            .extend(std::mem::take(&mut self.outcome.blocked));
        carry_out(&mut self.outcome, advisories, Some(own));
    }
}

/// How long to leave the thread, and the broker, to others behind one request that took so long: three times that, so
/// that a peer has a quarter of what there is.
pub fn rest_behind(took: Duration) -> Duration {
    match took < LONG {
        true => Duration::ZERO,
        false => MOST_REST.min(RESTS * took),
    }
}

/// Does what the broker leaves to its callers: delivers to the sessions that became ready, but for `own`, and tells
/// those who watch what happened.
pub fn carry_out(outcome: &mut Outcome, advisories: &Advisories, own: Option<&Arc<Session>>) {
    deliver(&mut outcome.ready, own);
    if !outcome.notices.is_empty() {
        advisories.publish(&std::mem::take(&mut outcome.notices), own);
    }
}

/// Delivers until the time for that is spent; the others are woken.
pub fn deliver(ready: &mut Ready, own: Option<&Arc<Session>>) {
    let mut budget = Budget::new();
    for session in ready.drain() {
        if session.is_ended() {
            session.wake();
        } else if own.is_some_and(|own| Arc::ptr_eq(&session, own)) {
            continue;
        } else if budget.is_spent() {
            session.wake();
        } else {
            session.deliver();
        }
    }
}

/// The time that a publisher's task may spend on writing to others.
struct Budget {
    until: Instant,
    unchecked: u32,
    spent: bool,
}

impl Budget {
    const TIME: Duration = Duration::from_millis(5);
    /// Reading the clock costs a hundredth of a delivery.
    const CHECK_EVERY: u32 = 8;

    fn new() -> Self {
        Self {
            until: Instant::now() + Self::TIME,
            unchecked: 0,
            spent: false,
        }
    }

    fn is_spent(&mut self) -> bool {
        self.unchecked += 1;
        if self.unchecked >= Self::CHECK_EVERY {
            self.unchecked = 0;
            self.spent = Instant::now() >= self.until;
        }
        self.spent
    }
}

/// Requests between two readings of the clock, each of which costs about as much as a small request.
const CHECK_EVERY: u32 = 16;
/// What one request may take without a rest behind it.
const LONG: Duration = Duration::from_millis(1);
/// How many times as long the rest is.
const RESTS: u32 = 3;
/// However long it took.
const MOST_REST: Duration = Duration::from_secs(1);
/// A thread keeps this much room for replies.
const REPLIES_KEPT: usize = 64 << 10;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_turn_that_is_late_takes_in_a_few_requests_and_no_more() {
        let mut cycle = ReadCycle::late();
        let taken = (0..1_000).take_while(|_| cycle.has_time()).count();
        assert_eq!(taken, CHECK_EVERY as usize);
        assert!(cycle.is_over());
        cycle.clear();
        assert!(
            (0..1_000).all(|_| cycle.has_time()),
            "nobody said until when"
        );
    }

    #[test]
    fn a_request_that_takes_long_is_followed_by_a_rest() {
        let now = Instant::now();
        let mut cycle = ReadCycle::default();
        cycle.check_request(now + Duration::from_secs(1));
        assert_eq!(cycle.rest(), Duration::ZERO);
        cycle.check_request(now - Duration::from_millis(10));
        let rest = cycle.rest();
        assert!(
            (Duration::from_millis(30)..=MOST_REST).contains(&rest),
            "{rest:?}"
        );
        cycle.check_request(now - Duration::from_secs(60));
        assert_eq!(cycle.rest(), MOST_REST);
        cycle.clear();
        assert_eq!(cycle.rest(), Duration::ZERO);
    }
}
