//! Resources that are released in small steps: cursors that have read everything, and idle topics.

use std::ops::ControlFlow;

use crate::{broker::Broker, memory::limits::ITEMS, state::BrokerState, sync::lock_state};

impl Broker {
    /// Removes some cursors of wildcard subscriptions that have read everything; the next publication to their topics
    /// creates them again. Removes topics that were idle for [`Limits::topic_idle_ms`](crate::Limits::topic_idle_ms).
    /// Must be called about once a second. Each call examines the next topics, a part of all.
    pub fn tidy(&self, now_ms: u64) {
        self.in_some_steps(|state| state.take_back_cursors(ITEMS, None));
        let Some(idle_ms) = self.limits.topic_idle_ms else {
            return;
        };
        let mut state = lock_state(&self.state);
        let position = state.sequencer.newest();
        let idle_before = state.ages.idle_before(now_ms, idle_ms, position);
        drop(state);
        if let Some(position) = idle_before {
            self.in_some_steps(|state| state.remove_idle_before(position, ITEMS));
        }
    }

    /// Calls `step` until it returns true, but not more often than one call allows.
    fn in_some_steps(&self, mut step: impl FnMut(&mut BrokerState) -> bool) {
        let mut steps_left = STEPS;
        self.in_steps(|state| {
            steps_left -= 1;
            match step(state) || steps_left == 0 {
                true => ControlFlow::Break(()),
                false => ControlFlow::Continue(()),
            }
        });
    }
}

/// Steps of one call: with 100,000 topics each is examined about once in 100 calls.
const STEPS: usize = 8;
