//! Clients that send without a pause, beside a client that asks now and then: it is served about as soon as without them.

use std::time::Duration;

use harness::Carillon;
use harness::bystander::Bystander;
use harness::flood::{FLOODS, Flood, Target, flood};
use harness::tls::Pair;

/// Two samples each.
const ROUNDS: usize = 40;
/// A stall of the whole server lasts longer; noise of the machine may look like one, but not each time.
const ATTEMPTS: usize = 3;
const STALL: Duration = Duration::from_millis(100);

#[tokio::test]
async fn a_flood_does_not_keep_the_others_waiting() {
    let server = Carillon::start().await;
    let target = Target {
        address: server.address(),
        trust: None,
    };
    is_served(&server, &target, &FLOODS).await;
}

#[tokio::test]
async fn nor_does_a_flood_over_tls() {
    let pair = Pair::new();
    let server = pair.server(&[]).await;
    let target = Target {
        address: server.address(),
        trust: Some(pair.trust()),
    };
    // What differs below TLS: the transport and its handshake. One flood of each transport of the protocols is enough.
    let few = [
        "MQTT PUBLISH",
        "STOMP SEND",
        "WebSocket, pings",
        "HTTP, pipelined GET",
    ];
    let few: Vec<_> = FLOODS
        .into_iter()
        .filter(|flood| few.iter().any(|name| flood.name.starts_with(name)))
        .collect();
    is_served(&server, &target, &few).await;
}

async fn is_served(server: &Carillon, target: &Target, floods: &[Flood]) {
    let mut bystander = Bystander::new(server).await;
    let control = bystander.measure(ROUNDS).await.percentile(99);
    let bound = STALL + 10 * control;
    for kind in floods {
        for flooders in 1..=2 {
            let mut worst = Vec::new();
            while worst.iter().all(|one| *one > bound) {
                assert!(
                    worst.len() < ATTEMPTS,
                    "p99 beside {flooders} × {}: {worst:?}; without: {control:?}",
                    kind.name
                );
                let mut running = Vec::new();
                for _ in 0..flooders {
                    running.push(flood(*kind, target).await);
                }
                worst.push(bystander.measure(ROUNDS).await.percentile(99));
            }
        }
    }
}
