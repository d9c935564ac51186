//! The limit of open connections (`--max-connections`), and the share of each address in it.

use std::sync::Arc;

use broker::ClientAddress;
use tokio::sync::Semaphore;

use crate::{
    connection_shares::ConnectionShares,
    handler::ConnectionPermit,
    measurements::{ListenerName, Measurements, OpenPlace, RefusalReason},
    net::SocketPeer,
    refused_connections::{ConnectionRefusal, RefusedConnections},
};

/// The limit of open connections, which all ports share. Small, because each connection has a copy.
#[derive(Clone)]
pub struct ConnectionLimit(Arc<State>);

struct State {
    permits: Arc<Semaphore>,
    max: usize,
    shares: ConnectionShares,
    refused: RefusedConnections,
    measurements: Arc<Measurements>,
}

impl ConnectionLimit {
    /// Creates a limit of at least one connection. `measurements` counts the connections.
    pub fn new(max: usize, measurements: &Arc<Measurements>) -> Self {
        let max = max.clamp(1, MAX_CONNECTIONS);
        measurements.connections.set_limit(max);
        Self(Arc::new(State {
            permits: Arc::new(Semaphore::new(max)),
            max,
            shares: ConnectionShares::default(),
            refused: RefusedConnections::default(),
            measurements: Arc::clone(measurements),
        }))
    }

    /// Returns the number of open connections.
    pub fn open_count(&self) -> usize {
        self.0.max - self.0.permits.available_permits()
    }

    /// Waits until no connection is open.
    pub async fn wait_until_all_closed(&self) {
        let all = u32::try_from(self.0.max).unwrap_or(u32::MAX);
        // The semaphore is never closed.
        let _ = self.0.permits.acquire_many(all).await;
    }

    /// Returns a permit for a connection that another program has accepted; `None` at the limit.
    pub fn acquire_foreign(&self) -> Option<ConnectionPermit> {
        self.acquire(ListenerName::Http, None).ok()
    }

    /// Returns a permit for a connection of a port. It counts for the address, if there is one.
    pub fn acquire(
        &self,
        listener: ListenerName,
        address: Option<ClientAddress>,
    ) -> Result<ConnectionPermit, ConnectionRefusal> {
        let permit = Arc::clone(&self.0.permits).try_acquire_owned();
        let permit = permit.map_err(|_| self.count(ConnectionRefusal::Limit))?;
        let place = OpenPlace::new(&self.0.measurements, listener);
        let permit = ConnectionPermit::new(permit, place);
        self.charge(&permit, address)?;
        Ok(permit)
    }

    /// Lets an open connection count for the address that a proxy has named.
    pub fn charge(
        &self,
        permit: &ConnectionPermit,
        address: Option<ClientAddress>,
    ) -> Result<(), ConnectionRefusal> {
        if let Some(address) = address {
            // The connection itself has taken its place already.
            let free = self.0.permits.available_permits() + 1;
            let charge = self.0.shares.take(address, free);
            permit.set_charge(charge.ok_or_else(|| self.count(ConnectionRefusal::Share))?);
        }
        Ok(())
    }

    /// Runs the answer to a peer whose connection was refused, for a bounded time.
    pub fn start_refusal(
        &self,
        peer: SocketPeer,
        reason: ConnectionRefusal,
        answer: impl Future<Output = ()> + Send + 'static,
    ) {
        self.0.refused.start(peer, reason, answer);
    }

    fn count(&self, reason: ConnectionRefusal) -> ConnectionRefusal {
        self.0
            .measurements
            .refusals
            .add(RefusalReason::ConnectionLimit);
        reason
    }
}

/// The largest possible limit: all permits are acquired in one call, which takes their number as a `u32`, and tokio's
/// semaphore has at most `usize::MAX >> 3` permits.
const MAX_CONNECTIONS: usize = (u32::MAX >> 3) as usize;
