//! The single timer of a connection. A later deadline does not change the timer, because deadlines move with each
//! message. When the timer fires too early, nothing is due, and it is set again.

use std::{pin::Pin, time::Duration};

use tokio::time::Sleep;

use crate::clock::Clock;

/// A timer of the server's clock.
pub struct Timer {
    sleep: Pin<Box<Sleep>>,
    clock: Clock,
    /// The time at which it fires, in milliseconds of the server's clock.
    set_for: Option<u64>,
}

impl Timer {
    /// Creates a timer that is not set.
    pub fn new(clock: Clock) -> Self {
        Self {
            sleep: Box::pin(tokio::time::sleep(Duration::ZERO)),
            clock,
            set_for: None,
        }
    }

    /// Returns true if the timer is set.
    pub fn is_set(&self) -> bool {
        self.set_for.is_some()
    }

    /// Sets the timer, or clears it.
    pub fn set(&mut self, deadline_ms: Option<u64>) {
        match (self.set_for, deadline_ms) {
            (Some(set), Some(deadline)) if set <= deadline => {}
            (_, None) => self.set_for = None,
            (_, Some(deadline)) => {
                self.sleep.as_mut().reset(self.clock.instant(deadline));
                self.set_for = Some(deadline);
            }
        }
    }

    /// Waits until the time is reached.
    pub async fn elapsed(&mut self) {
        self.sleep.as_mut().await;
        self.set_for = None;
    }
}
