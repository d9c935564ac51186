//! The limit of open connections (`--max-connections`).

use std::sync::Arc;

use tokio::sync::Semaphore;

use crate::{
    handler::ConnectionPermit,
    measurements::{ListenerName, Measurements, OpenPlace, RefusalReason},
    refused_connections::RefusedConnections,
};

/// The limit of open connections, which all ports share.
#[derive(Clone)]
pub struct ConnectionLimit {
    permits: Arc<Semaphore>,
    max: usize,
    /// Connections beyond the limit.
    pub refused: Arc<RefusedConnections>,
    measurements: Arc<Measurements>,
}

impl ConnectionLimit {
    /// Creates a limit of at least one connection. `measurements` counts the connections.
    pub fn new(max: usize, measurements: &Arc<Measurements>) -> Self {
        let max = max.clamp(1, MAX_CONNECTIONS);
        measurements.connections.set_limit(max);
        Self {
            permits: Arc::new(Semaphore::new(max)),
            max,
            refused: Arc::default(),
            measurements: Arc::clone(measurements),
        }
    }

    /// Returns the number of open connections.
    pub fn open_count(&self) -> usize {
        self.max - self.permits.available_permits()
    }

    /// Waits until no connection is open.
    pub async fn wait_until_all_closed(&self) {
        let all = u32::try_from(self.max).unwrap_or(u32::MAX);
        // The semaphore is never closed.
        let _ = self.permits.acquire_many(all).await;
    }

    /// Returns a permit for a connection that another program has accepted; `None` at the limit.
    pub fn acquire_foreign(&self) -> Option<ConnectionPermit> {
        self.try_acquire(ListenerName::Http)
    }

    /// Returns a permit for a connection of a port; `None` at the limit.
    pub fn try_acquire(&self, listener: ListenerName) -> Option<ConnectionPermit> {
        let Ok(permit) = Arc::clone(&self.permits).try_acquire_owned() else {
            self.measurements
                .refusals
                .add(RefusalReason::ConnectionLimit);
            return None;
        };
        let place = OpenPlace::new(&self.measurements, listener);
        Some(ConnectionPermit::new(permit, place))
    }
}

/// The largest possible limit: all permits are acquired in one call, which takes their number as a `u32`, and tokio's
/// semaphore has at most `usize::MAX >> 3` permits.
const MAX_CONNECTIONS: usize = (u32::MAX >> 3) as usize;
