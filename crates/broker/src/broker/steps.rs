//! Long operations under the broker's lock, in steps between which other threads get the lock.

use std::ops::ControlFlow;

use crate::{
    broker::Broker,
    state::BrokerState,
    sync::{lock_state, pass_on},
};

impl Broker {
    /// Calls `step` with the lock held until it breaks. After each call, waiting threads get the lock. A step must not
    /// take longer than publishing a small batch.
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
