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
        } else if budget.check_spent() {
            session.wake();
        } else {
            session.deliver();
        }
    }
}

/// The time that a publishing task may spend on writing to other sessions.
struct Budget {
    until: Instant,
    deliveries_since_check: u32,
    is_spent: bool,
}

impl Budget {
    const TIME: Duration = Duration::from_millis(5);
    /// Reading the clock costs a hundredth of a delivery.
    const CHECK_EVERY: u32 = 8;

    fn new() -> Self {
        Self {
            until: Instant::now() + Self::TIME,
            deliveries_since_check: 0,
            is_spent: false,
        }
    }

    fn check_spent(&mut self) -> bool {
        self.deliveries_since_check += 1;
        if self.deliveries_since_check >= Self::CHECK_EVERY {
            self.deliveries_since_check = 0;
            self.is_spent = Instant::now() >= self.until;
        }
        self.is_spent
    }
}
