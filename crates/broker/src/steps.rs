//! Going through much under the broker's order, in steps between which others have it.

use std::ops::ControlFlow;

use crate::{
    broker::Broker,
    state::Order,
    sync::{lock_order, pass_on},
};

impl Broker {
    /// Calls `step` with the order locked until it breaks, and lets everybody who waits for the order have it after
    /// each call. A step is to take no longer than publishing a small batch.
    pub(crate) fn in_steps<T>(&self, mut step: impl FnMut(&mut Order) -> ControlFlow<T>) -> T {
        loop {
            let mut order = lock_order(&self.order);
            let flow = step(&mut order);
            pass_on(order);
            if let ControlFlow::Break(result) = flow {
                return result;
            }
        }
    }
}

/// Names looked at in one step: about 50 µs.
pub(crate) const NAMES: usize = 1_000;
/// Topics, queues, sessions or cursors that one step does something with: likewise.
pub(crate) const ITEMS: usize = 128;
