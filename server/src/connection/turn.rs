//! One turn of a connection's task: what it does with what it read at once.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use broker::{Blocked, Broker, Outcome, Publication, Session};

/// Collects a turn's publications and replies. Kept by the thread, not by the connection: between turns
/// it is empty.
#[derive(Default)]
pub struct Turn {
    /// The server's clock at the start of the turn, in milliseconds.
    pub now_ms: u64,
    /// What the peer is to be told, in the protocol's bytes.
    pub replies: Vec<u8>,
    /// Publications not yet handed to the broker.
    pub batch: Vec<Publication>,
    /// Whom the connection has to wait for before it reads on.
    pub blocked: Blocked,
    /// What became of the last batch.
    pub outcome: Outcome,
}

impl Turn {
    /// Makes it ready for the next one.
    pub fn clear(&mut self) {
        self.batch.clear();
        self.replies.clear();
        self.replies.shrink_to(REPLIES_KEPT);
    }

    /// Hands the batch to the broker and delivers to whoever became ready.
    ///
    /// `own` is left out of the delivery: the connection drains itself at the end of its turn.
    pub fn publish(&mut self, broker: &Broker, own: &Arc<Session>) {
        broker.publish(&mut self.batch, &mut self.outcome);
        self.blocked
            .extend(std::mem::take(&mut self.outcome.blocked));
        deliver(&mut self.outcome, Some(own));
    }
}

/// Delivers to the sessions that became ready, until the time for that is spent; the others are woken.
pub fn deliver(outcome: &mut Outcome, own: Option<&Arc<Session>>) {
    let mut budget = Budget::new();
    for session in outcome.ready.drain() {
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

/// A thread keeps this much room for replies.
const REPLIES_KEPT: usize = 64 << 10;
