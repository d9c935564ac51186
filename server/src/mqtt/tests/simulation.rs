//! Clients with sessions over connections that break, against one broker, from a seed: with QoS 1 no message is lost
//! and each publisher's messages arrive in order, with QoS 2 no message arrives twice either, and all clients that get
//! the same messages get them in the same order.
//!
//! In other runs the server has a log, and crashes: it loses what it had not synced, and is restored from the rest.
//! The guarantees are the same, with one difference: a client of QoS 1 may see a message that the crash takes back, because
//! deliveries of QoS 1 do not wait for the log. Its publisher has no acknowledgement, and sends it again, so it gets another
//! place in the order. These messages do not count when the orders of the clients are compared.

use std::collections::{HashMap, HashSet};

use store::disk::simulated::SimulatedDisk;
use wire::mqtt::{QoS, Version};

use super::{Peer, TestServer};

/// The messages that a reader has got so far.
#[derive(Default)]
struct ReceivedMessages {
    /// In the order of their first arrival.
    first: Vec<String>,
    seen: HashSet<String>,
    /// Messages that had arrived before.
    duplicates: Vec<String>,
}

impl ReceivedMessages {
    fn take(&mut self, payload: String) {
        match self.seen.insert(payload.clone()) {
            true => self.first.push(payload),
            false => self.duplicates.push(payload),
        }
    }
}

struct Reader {
    peer: Peer,
    qos: QoS,
    received: ReceivedMessages,
}

struct Writer {
    peer: Peer,
    published: usize,
}

/// xorshift64*: a seed determines a run.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    fn below(&mut self, bound: usize) -> usize {
        (self.next() >> 33) as usize % bound
    }
}

struct Simulation {
    test_server: TestServer,
    /// `Some` if the server crashes.
    disk: Option<SimulatedDisk>,
    random: Random,
    readers: Vec<Reader>,
    writers: Vec<Writer>,
    /// Messages without an acknowledgement at a crash.
    taken_back: HashSet<String>,
}

impl Simulation {
    async fn new(seed: u64, disk: Option<SimulatedDisk>) -> Self {
        let test_server = match &disk {
            Some(disk) => TestServer::on(disk),
            None => TestServer::new(),
        };
        let mut random = Random(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
        let mut readers = Vec::new();
        for (index, qos) in [
            QoS::AtLeastOnce,
            QoS::ExactlyOnce,
            QoS::AtLeastOnce,
            QoS::ExactlyOnce,
        ]
        .into_iter()
        .enumerate()
        {
            let version = VERSIONS[random.below(VERSIONS.len())];
            let mut peer = Peer::new(&format!("reader-{index}"), version);
            peer.connect(&test_server).await;
            let filter = ["t/#", "t/+"][random.below(2)];
            peer.subscribe(filter, qos);
            peer.settle();
            let received = ReceivedMessages::default();
            readers.push(Reader {
                peer,
                qos,
                received,
            });
        }
        let mut writers = Vec::new();
        for index in 0..3 {
            let version = VERSIONS[random.below(VERSIONS.len())];
            let mut peer = Peer::new(&format!("writer-{index}"), version);
            peer.connect(&test_server).await;
            writers.push(Writer { peer, published: 0 });
        }
        // From here on all sessions survive a crash.
        test_server.sync();
        Self {
            test_server,
            disk,
            random,
            readers,
            writers,
            taken_back: HashSet::new(),
        }
    }

    async fn step(&mut self) {
        match self.random.below(12) {
            0 => self.break_something().await,
            10 => self.test_server.sync(),
            11 if self.disk.is_some() => self.crash_or_record().await,
            1..=4 => self.publish(),
            5 | 6 => {
                let index = self.random.below(self.writers.len());
                exchange(&mut self.writers[index].peer, &mut self.random);
            }
            _ => {
                let index = self.random.below(self.readers.len());
                exchange(&mut self.readers[index].peer, &mut self.random);
            }
        }
    }

    fn publish(&mut self) {
        let index = self.random.below(self.writers.len());
        let payload_prefix = format!("{index}:");
        let qos = match payload_prefix == EXACTLY_ONCE {
            true => QoS::ExactlyOnce,
            false => QoS::AtLeastOnce,
        };
        let Writer { peer, published } = &mut self.writers[index];
        if !peer.machine.has_room() {
            return;
        }
        let topic = ["t/a", "t/b", "t/c"][self.random.below(3)];
        peer.publish(topic, &format!("{payload_prefix}{published}"), qos);
        *published += 1;
    }

    async fn break_something(&mut self) {
        let count = self.readers.len() + self.writers.len();
        let index = self.random.below(count);
        let peer = match self.readers.len() {
            readers if index < readers => &mut self.readers[index].peer,
            readers => &mut self.writers[index - readers].peer,
        };
        peer.break_connection();
        assert!(
            peer.connect(&self.test_server).await,
            "the session continues"
        );
    }

    /// Does what housekeeping does each second, or crashes.
    async fn crash_or_record(&mut self) {
        if self.random.below(4) > 0 {
            return self.test_server.shared_state.record_progress();
        }
        let disk = self.disk.clone().expect("it is known");
        for (index, Writer { peer, published }) in self.writers.iter().enumerate() {
            let acknowledged = *published - peer.machine.in_flight();
            let unacknowledged = (acknowledged..*published).map(|one| format!("{index}:{one}"));
            self.taken_back.extend(unacknowledged);
        }
        let readers = self.readers.iter_mut().map(|reader| &mut reader.peer);
        let writers = self.writers.iter_mut().map(|writer| &mut writer.peer);
        let mut peers: Vec<&mut Peer> = readers.chain(writers).collect();
        for peer in &mut peers {
            // Bytes in transit to the client may arrive or be lost.
            if self.random.below(2) == 0 {
                peer.incoming.clear();
            }
            peer.lose_server();
        }
        disk.power_on();
        self.test_server = TestServer::on(&disk);
        for peer in peers {
            assert!(
                peer.connect(&self.test_server).await,
                "the session continues"
            );
        }
    }

    fn settle_all(&mut self) {
        for Writer { peer, .. } in &mut self.writers {
            peer.settle();
            assert_eq!(peer.machine.in_flight(), 0, "everything is acknowledged");
        }
        for Reader { peer, received, .. } in &mut self.readers {
            peer.settle()
                .into_iter()
                .for_each(|one| received.take(one.payload));
        }
    }

    fn check(&self) {
        for Reader {
            peer,
            qos,
            received,
        } in &self.readers
        {
            for (index, Writer { published, .. }) in self.writers.iter().enumerate() {
                let prefix = format!("{index}:");
                let own = received
                    .first
                    .iter()
                    .filter_map(|one| one.strip_prefix(&prefix));
                let own: Vec<usize> = own.map(|one| one.parse().expect("a number")).collect();
                let expected: Vec<usize> = (0..*published).collect();
                assert_eq!(own, expected, "{} of writer {index}", peer.name);
            }
            if *qos == QoS::ExactlyOnce {
                // A message published with QoS 1 may arrive twice.
                let twice = received
                    .duplicates
                    .iter()
                    .filter(|one| one.starts_with(EXACTLY_ONCE));
                assert_eq!(twice.count(), 0, "{}", peer.name);
            }
        }
        let orders = self.readers.iter().map(|reader| {
            let first = reader.received.first.iter();
            first.filter(|one| !self.taken_back.contains(*one))
        });
        let mut places: HashMap<&str, usize> = HashMap::new();
        for (reader, order) in orders.enumerate() {
            for (place, one) in order.enumerate() {
                let known = *places.entry(one).or_insert(place);
                assert_eq!(known, place, "reader {reader} has another order");
            }
        }
    }
}

/// A part of the exchange between a client and the server: bytes of either side may stay in transit.
fn exchange(peer: &mut Peer, random: &mut Random) {
    if random.below(4) > 0 {
        peer.send();
    }
    if random.below(4) > 0 {
        peer.receive();
    }
}

async fn run(seed: u64, disk: Option<SimulatedDisk>) {
    let mut simulation = Simulation::new(seed, disk).await;
    for _ in 0..STEPS {
        simulation.step().await;
    }
    simulation.settle_all();
    simulation.check();
}

#[tokio::test]
async fn sessions_keep_their_guarantees_over_connections_that_break() {
    for seed in simulation::seeds(SEEDS) {
        run(seed, None).await;
    }
}

#[tokio::test]
async fn sessions_keep_their_guarantees_over_crashes_of_the_server() {
    for seed in simulation::seeds(SEEDS_WITH_CRASHES) {
        run(seed, Some(SimulatedDisk::new(seed))).await;
    }
}

/// In 3.1 a client does not know whether its session continues, and forgets its messages in flight.
const VERSIONS: [Version; 2] = [Version::V3_1_1, Version::V5_0];
/// The beginning of the bodies published with QoS 2.
const EXACTLY_ONCE: &str = "1:";
/// Number of runs, and of steps in each.
const SEEDS: u64 = 60;
const SEEDS_WITH_CRASHES: u64 = 30;
const STEPS: usize = 400;
