//! Delivery by the publishing task: the sessions that became ready write their messages to their sockets at once.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use broker::{Ready, Session};

/// Delivers to the sessions that became ready, except `own`, until the time budget is spent. Wakes the other sessions: their
/// own tasks deliver.
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

/// The time that a publishing task may spend on writing to other sessions.
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
