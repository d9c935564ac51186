//! Counts the allocations of steady traffic: none for a delivery, and a known number for a publication, which may only
//! become smaller.
//!
//! Server and clients share one thread, whose allocations are counted, and use real sockets; the clients allocate
//! nothing. HTTP before a WebSocket is not included.

mod client;
mod test_server;

use client::{ClientKind, MESSAGES};
use test_server::TestServer;

/// Rounds that are counted; each publishes [`MESSAGES`].
const ROUNDS: usize = 20;

/// Allocations for one publication, for any number of subscribers: its encoding, in two pieces.
const PUBLICATION: usize = 2;
/// Additional allocations in a round: a chunk of the log with its slots, and the list of removed entries.
const ROUND: usize = 8;

/// Returns the allocations of all rounds in a steady state.
fn allocations(kind: ClientKind, subscribers: usize) -> usize {
    let mut test_server = TestServer::new(kind, subscribers);
    // Until the history is full, and every buffer has reached its size.
    (0..40).for_each(|_| test_server.round());
    let counted = allocation_counter::measure(|| (0..ROUNDS).for_each(|_| test_server.round()));
    usize::try_from(counted.count_total).expect("a number that was counted")
}

fn check(kind: ClientKind) {
    let known = ROUNDS * (ROUND + MESSAGES * PUBLICATION);
    let few = allocations(kind, 2);
    assert!(
        few <= known,
        "{kind:?}: {few} allocations, {known} are known"
    );
    let many = allocations(kind, 40);
    // Less than one for a thousand deliveries: occasionally a list grows.
    let none = 38 * ROUNDS * MESSAGES / 1_000;
    assert!(
        many <= few + none,
        "{kind:?}: {} more allocations for 38 more subscribers",
        many - few
    );
}

#[test]
fn stomp() {
    check(ClientKind::Stomp);
}

#[test]
fn stomp_over_websocket() {
    check(ClientKind::StompOverWebSocket);
}

#[test]
fn mqtt_at_qos_0() {
    check(ClientKind::Mqtt { qos: 0 });
}

#[test]
fn mqtt_at_qos_1_acknowledged() {
    check(ClientKind::Mqtt { qos: 1 });
}

#[test]
fn mqtt_over_websocket() {
    check(ClientKind::MqttOverWebSocket);
}
