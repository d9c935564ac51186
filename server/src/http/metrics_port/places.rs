//! The places for connections to the port of the metrics.
//!
//! At the limit, a new connection takes the place of the oldest one of the address that has the most connections, the new one
//! included. So an address that holds many connections without a request loses its own, and every monitoring system gets a
//! place.

use broker::ClientAddress;
use tokio::task::JoinHandle;

/// The open connections, the oldest first; at most [`MAX_CONNECTIONS`].
#[derive(Default)]
pub(super) struct Places(Vec<Place>);

/// An open connection.
struct Place {
    address: ClientAddress,
    task: JoinHandle<()>,
}

impl Places {
    /// Makes room for a connection from this address. Waits until the connection whose place it takes is closed.
    pub(super) async fn make_room(&mut self, address: ClientAddress) {
        self.0.retain(|place| !place.task.is_finished());
        if self.0.len() < MAX_CONNECTIONS {
            return;
        }
        let addresses: Vec<_> = self.0.iter().map(|place| place.address).collect();
        let Place { address, task } = self.0.remove(most_greedy(&addresses, address));
        task.abort();
        // The error says that the task was aborted.
        let _ = task.await;
        tracing::debug!(%address, "a connection to the port of the metrics is closed to make room for another one");
    }

    /// Adds a connection, for which there is room.
    pub(super) fn add(&mut self, address: ClientAddress, task: JoinHandle<()>) {
        self.0.push(Place { address, task });
    }
}

/// Returns the index of the oldest connection of the address with the most ones, if `new` is added; of several such addresses,
/// that with the oldest connection. `open` has the addresses of the connections, the oldest first.
fn most_greedy(open: &[ClientAddress], new: ClientAddress) -> usize {
    let count = |one: &ClientAddress| {
        let others = open.iter().filter(|other| *other == one).count();
        others + usize::from(*one == new)
    };
    let counts = open.iter().map(count).enumerate();
    // Of equal elements, `max_by_key` returns the last one.
    let most = counts.rev().max_by_key(|(_, count)| *count);
    most.map_or(0, |(index, _)| index)
}

/// Maximum number of connections at a time.
const MAX_CONNECTIONS: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_with_the_most_connections_loses_its_oldest() {
        let address = |last: u8| ClientAddress::Ip([10, 0, 0, last].into());
        let table: [(&[u8], u8, usize); 6] = [
            (&[1], 1, 0),
            (&[1, 2, 3], 4, 0),
            (&[1, 2, 3], 2, 1),
            (&[1, 2, 2, 3], 3, 1),
            (&[1, 2, 3, 3], 3, 2),
            (&[1, 2, 3, 3, 3], 1, 2),
        ];
        for (open, new, expected) in table {
            let addresses: Vec<_> = open.iter().copied().map(address).collect();
            assert_eq!(
                most_greedy(&addresses, address(new)),
                expected,
                "{open:?} {new}"
            );
        }
    }
}
