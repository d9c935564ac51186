//! What is given back little by little, while nobody asks for it.

use std::ops::ControlFlow;

use crate::{broker::Broker, memory::limits::ITEMS};

impl Broker {
    /// Removes some cursors of subscriptions with wildcards that have read everything; the next publication to their
    /// topics makes them again. To be called about once a second. Each call looks at the next topics, a part of all.
    pub fn tidy(&self) {
        let mut steps_left = STEPS;
        self.in_steps(|state| {
            let is_end = state.take_back_cursors(ITEMS, None);
            steps_left -= 1;
            match is_end || steps_left == 0 {
                true => ControlFlow::Break(()),
                false => ControlFlow::Continue(()),
            }
        });
    }
}

/// Steps of one call: with 100,000 topics each comes up about once in 100 calls.
const STEPS: usize = 8;
