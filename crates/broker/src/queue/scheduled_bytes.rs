//! The bytes of a scheduled message: they count like those of a message that waits in a queue.

use std::sync::Arc;

use super::{Load, Store};
use crate::memory::share::{Client, Pool};

/// Bytes of one scheduled message, charged to its publisher; dropping it returns them.
#[derive(Debug)]
pub(crate) struct ScheduledBytes {
    store: Arc<Store>,
    client: Arc<Client>,
    cost: u64,
}

impl ScheduledBytes {
    /// Takes the bytes of a message and of its place without a check.
    pub(crate) fn new(store: &Arc<Store>, bytes: u64, client: &Arc<Client>) -> Self {
        let load = Load {
            entries: 1,
            bytes,
            paged_bytes: 0,
        };
        let cost = load.cost();
        store.take_bytes(cost);
        client.hold(Pool::QueueBytes, cost);
        Self {
            store: Arc::clone(store),
            client: Arc::clone(client),
            cost,
        }
    }
}

impl Drop for ScheduledBytes {
    fn drop(&mut self) {
        self.store.give_back_bytes(self.cost);
        self.client.release(Pool::QueueBytes, self.cost);
    }
}
