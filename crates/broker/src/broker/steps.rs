//! Going through much under the broker's order, in steps between which others have it.

use std::ops::ControlFlow;

use crate::{
    broker::Broker,
    state::BrokerState,
    sync::{lock_state, pass_on},
};

impl Broker {
    /// Calls `step` with the order locked until it breaks, and lets everybody who waits for the order have it after
    /// each call. A step is to take no longer than publishing a small batch.
    pub(crate) fn in_steps<T>(
        &self,
        mut step: impl FnMut(&mut BrokerState) -> ControlFlow<T>,
    ) -> T {
        loop {
            let mut state = lock_state(&self.state);
            let flow = step(&mut state);
            pass_on(state);
            if let ControlFlow::Break(result) = flow {
                return result;
            }
        }
    }
}
