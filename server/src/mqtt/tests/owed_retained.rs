//! Retained messages for a new subscription of a connected client, over crashes of the server.

use std::collections::{HashMap, HashSet};

use store::disk::simulated::SimulatedDisk;
use wire::mqtt::{
    QoS::{self, *},
    RetainHandling, SubscriptionOptions, Version,
};

use super::{Peer, ReceivedMessage, TestServer};

fn payloads(messages: &[ReceivedMessage]) -> Vec<&str> {
    messages.iter().map(|one| one.payload.as_str()).collect()
}

/// Starts a server on a disk with this number of retained messages, `r/0` and so on, and a connected reader.
async fn start(disk: &SimulatedDisk, count: usize) -> (TestServer, Peer) {
    let test_server = TestServer::on(disk);
    let mut writer = Peer::new("writer", Version::V5_0);
    writer.connect(&test_server).await;
    for number in 0..count {
        writer.retain(&format!("r/{number}"), &number.to_string(), ExactlyOnce);
        writer.settle();
    }
    let mut reader = Peer::new("reader", Version::V5_0);
    reader.connect(&test_server).await;
    test_server.sync();
    (test_server, reader)
}

/// The server crashes, and the reader connects again.
async fn crash(disk: &SimulatedDisk, reader: &mut Peer) -> TestServer {
    reader.lose_server();
    disk.power_on();
    let test_server = TestServer::on(disk);
    assert!(reader.connect(&test_server).await);
    test_server
}

#[tokio::test]
async fn retained_messages_that_a_crash_has_lost_on_their_way_are_sent_later() {
    for qos in [AtLeastOnce, ExactlyOnce] {
        for filter in ["r/0", "r/+"] {
            let disk = SimulatedDisk::new(1);
            let (test_server, mut reader) = start(&disk, 1).await;
            reader.subscribe(filter, qos);
            reader.send();
            test_server.sync();
            // SUBACK and the message are on their way, and are lost.
            reader.incoming.clear();
            let test_server = crash(&disk, &mut reader).await;
            let found = reader.settle();
            assert_eq!(payloads(&found), ["0"], "{qos:?} {filter}");
            assert!(found[0].retain);
            // It is not sent once more, after housekeeping has recorded the acknowledgement.
            test_server.shared_state.record_progress();
            test_server.sync();
            let _test_server = crash(&disk, &mut reader).await;
            assert_eq!(payloads(&reader.settle()), [""; 0], "{qos:?} {filter}");
        }
    }
}

#[tokio::test]
async fn only_the_rest_of_the_retained_messages_is_sent_after_a_crash() {
    let disk = SimulatedDisk::new(1);
    // More than the reader's window of 8.
    let (test_server, mut reader) = start(&disk, 20).await;
    reader.subscribe("r/+", ExactlyOnce);
    reader.send();
    test_server.sync();
    reader.receive();
    test_server.sync();
    reader.receive();
    assert_eq!(reader.received.len(), 8);
    let _test_server = crash(&disk, &mut reader).await;
    let expected: Vec<_> = (0..20).map(|number| number.to_string()).collect();
    assert_eq!(payloads(&reader.settle()), expected);
}

#[tokio::test]
async fn a_subscription_that_has_ended_gets_no_retained_messages_after_a_crash() {
    let disk = SimulatedDisk::new(1);
    let (test_server, mut reader) = start(&disk, 20).await;
    reader.subscribe("r/+", AtLeastOnce);
    reader.send();
    test_server.sync();
    reader.unsubscribe("r/+");
    let none = SubscriptionOptions {
        retain_handling: RetainHandling::DoNotSend,
        ..SubscriptionOptions::default()
    };
    reader.subscribe_with("r/+", none);
    reader.send();
    test_server.sync();
    // Deliveries in flight are sent again; the other messages are not.
    let _test_server = crash(&disk, &mut reader).await;
    assert!(reader.settle().len() <= 8);
}

#[tokio::test]
async fn retained_messages_wait_for_a_disconnected_client_over_a_crash() {
    let disk = SimulatedDisk::new(1);
    let (test_server, mut reader) = start(&disk, 20).await;
    reader.subscribe("r/+", AtLeastOnce);
    reader.send();
    reader.break_connection();
    test_server.sync();
    let _test_server = crash(&disk, &mut reader).await;
    let expected: Vec<_> = (0..20).map(|number| number.to_string()).collect();
    assert_eq!(payloads(&reader.settle()), expected);
}

/// xorshift64*: a seed determines a run.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) as usize % bound
    }
}

/// A client subscribes at some time to topics that retain messages. Over breaking connections and crashes it gets the last
/// message of each topic, and with QoS 2 none twice.
async fn run(seed: u64, qos: QoS) {
    let mut random = Random(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
    let disk = SimulatedDisk::new(seed);
    let (mut test_server, mut reader) = start(&disk, TOPICS).await;
    let mut writer = Peer::new("other", Version::V5_0);
    writer.connect(&test_server).await;
    test_server.sync();
    let mut last: HashMap<String, usize> = HashMap::new();
    let mut received = Vec::new();
    let filter = ["r/+", "r/1", "r/#"][random.below(3)];
    let options = SubscriptionOptions {
        maximum_qos: qos,
        // The client may have to repeat its SUBSCRIBE.
        retain_handling: RetainHandling::SendIfNew,
        ..SubscriptionOptions::default()
    };
    for step in 0..STEPS {
        if step == SUBSCRIBED_AT {
            reader.subscribe_with(filter, options);
        }
        match random.below(12) {
            0..=4 => {
                if random.below(4) > 0 {
                    reader.send();
                }
                if random.below(4) > 0 {
                    reader.receive();
                }
            }
            5 if step < SUBSCRIBED_AT + 40 && writer.machine.has_room() => {
                let topic = format!("r/{}", random.below(TOPICS));
                let number = last.get(&topic).map_or(100, |last| last + 1);
                writer.retain(&topic, &format!("{topic}:{number}"), ExactlyOnce);
                last.insert(topic, number);
            }
            6 | 7 => writer.send(),
            8 => writer.receive(),
            9 => test_server.sync(),
            10 => test_server.shared_state.record_progress(),
            _ if random.below(3) == 0 => {
                let is_crash = random.below(2) == 0;
                if is_crash {
                    for peer in [&mut reader, &mut writer] {
                        if random.below(2) == 0 {
                            peer.incoming.clear();
                        }
                        peer.lose_server();
                    }
                    disk.power_on();
                    test_server = TestServer::on(&disk);
                    assert!(writer.connect(&test_server).await);
                } else {
                    reader.break_connection();
                }
                assert!(reader.connect(&test_server).await);
                if step >= SUBSCRIBED_AT {
                    reader.subscribe_with(filter, options);
                }
            }
            _ => {}
        }
        received.append(&mut reader.received);
    }
    writer.settle();
    received.extend(reader.settle());
    let found: HashSet<&str> = received.iter().map(|one| one.payload.as_str()).collect();
    if qos == ExactlyOnce {
        assert_eq!(received.len(), found.len(), "a message arrived twice");
    }
    for number in 0..TOPICS {
        let topic = format!("r/{number}");
        let payload = match last.get(&topic) {
            Some(last) => format!("{topic}:{last}"),
            None => number.to_string(),
        };
        let is_covered = filter != "r/1" || number == 1;
        assert_eq!(found.contains(payload.as_str()), is_covered, "{payload}");
    }
}

#[tokio::test]
async fn simulation_of_retained_messages_over_crashes() {
    for seed in simulation::seeds(SEEDS) {
        run(seed, AtLeastOnce).await;
        run(seed, ExactlyOnce).await;
    }
}

const SEEDS: u64 = 30;
const TOPICS: usize = 12;
const STEPS: usize = 150;
/// The step in which the client subscribes.
const SUBSCRIBED_AT: usize = 20;
