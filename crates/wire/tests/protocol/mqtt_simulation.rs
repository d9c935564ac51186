//! A client's window against the server's state machine over connections that break: QoS 1 arrives
//! at least once and QoS 2 exactly once, each in order. The network is simulated with random
//! numbers from a seed.

use wire::mqtt::server::{Config, Greeting, Publish, Request, Session};
use wire::mqtt::*;

use crate::mqtt_handshake::HELLO;

/// Xorshift: the seed determines the whole run.
struct Chances(u64);

impl Chances {
    fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    /// Returns a number less than `bound`.
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % bound as u64) as usize
    }

    fn one_in(&mut self, many: usize) -> bool {
        self.below(many) == 0
    }
}

/// One direction of the connection: bytes in transit, and bytes that have arrived and are not read.
#[derive(Default)]
struct Line {
    under_way: Vec<u8>,
    arrived: Vec<u8>,
}

impl Line {
    fn move_some(&mut self, chances: &mut Chances) {
        let bytes = chances.below(self.under_way.len() + 1);
        self.arrived.extend(self.under_way.drain(..bytes));
    }
}

struct Client {
    decoder: Decoder,
    window: Outgoing<(QoS, u32)>,
    next: u32,
}

struct Server {
    session: Session,
    /// The messages forwarded, in order; `None` marks a new connection.
    passed_on: Vec<Option<(QoS, u32)>>,
    /// Answers that wait for the broker.
    taken: Vec<(QosDelivery, u32)>,
}

struct Simulation {
    chances: Chances,
    client: Client,
    server: Server,
    /// From the client, and to the client.
    lines: [Line; 2],
    cuts: u32,
}

const MESSAGES: u32 = 300;

/// Returns true for the messages that the server refuses.
const fn is_refused(number: u32) -> bool {
    number % 11 == 5
}

fn qos_of(number: u32) -> QoS {
    match number % 3 {
        0 => QoS::AtLeastOnce,
        _ => QoS::ExactlyOnce,
    }
}

fn connected(receive_maximum: u16) -> Session {
    let config = Config {
        receive_maximum: receive_maximum.try_into().expect("it is not 0"),
        ..Config::DEFAULT
    };
    let opened = HELLO.opened(&config);
    let session = opened.accept(&config, 0, &Greeting::default(), &mut Vec::new());
    session.expect("there is room")
}

impl Simulation {
    fn new(seed: u64) -> Self {
        let mut chances = Chances::new(seed);
        let receive_maximum = 1 + chances.below(8) as u16;
        Self {
            client: Client {
                decoder: Decoder::new(Role::Client, Version::V5_0, Limits::FROM_SERVER),
                window: Outgoing::new(receive_maximum, 6),
                next: 0,
            },
            server: Server {
                session: connected(receive_maximum),
                passed_on: Vec::new(),
                taken: Vec::new(),
            },
            lines: Default::default(),
            cuts: 0,
            chances,
        }
    }

    /// Breaks the connection. Bytes in transit are lost. Bytes that have arrived may or may not be
    /// read.
    fn cut(&mut self) {
        if self.chances.one_in(2) {
            self.server_turn();
            self.client.read(&mut self.lines);
        }
        self.cuts += 1;
        self.lines = Default::default();
        let receive_maximum = 1 + self.chances.below(8) as u16;
        let mut session = connected(receive_maximum);
        session.resume(self.server.session.take_incoming());
        self.server.session = session;
        self.server.taken.clear();
        self.server.passed_on.push(None);
        self.client.decoder = Decoder::new(Role::Client, Version::V5_0, Limits::FROM_SERVER);
        self.client.window.resume(receive_maximum, 6);
    }

    fn server_turn(&mut self) {
        self.server.read(&mut self.lines[0].arrived);
        if self.chances.one_in(2) {
            self.server.answer(&mut self.lines[1].under_way);
        }
    }

    fn step(&mut self) {
        match self.chances.below(6) {
            0 => self.lines[0].move_some(&mut self.chances),
            1 => self.lines[1].move_some(&mut self.chances),
            2 => self.server_turn(),
            3 => self.client.read(&mut self.lines),
            _ => self.client.send(&mut self.lines[0].under_way),
        }
    }

    fn is_over(&self) -> bool {
        self.client.next == MESSAGES && self.client.window.is_empty()
    }
}

impl Client {
    /// Sends a new message, or one that has to be sent again.
    fn send(&mut self, out: &mut Vec<u8>) {
        match self.window.resend() {
            Some(Resend::Publish(delivery, &(_, number))) => write_publish(delivery, number, out),
            Some(Resend::Release(id)) => write_pubrel(id, out),
            None => self.send_new(out),
        }
    }

    fn send_new(&mut self, out: &mut Vec<u8>) {
        if self.next < MESSAGES && self.window.has_room() {
            let (number, qos) = (self.next, qos_of(self.next));
            let delivery = self.window.push(qos, (qos, number));
            write_publish(delivery.expect("there is room"), number, out);
            self.next += 1;
        }
    }

    fn read(&mut self, lines: &mut [Line; 2]) {
        let [to_server, from_server] = lines;
        let arrived = std::mem::take(&mut from_server.arrived);
        let mut rest = arrived.as_slice();
        while let Some((packet, taken)) = self.decoder.decode(rest).expect("it is MQTT") {
            rest = &rest[taken..];
            match packet {
                Packet::Puback(ack) => {
                    let (qos, _) = self.window.puback(ack.packet_id).expect("it is in flight");
                    assert_eq!(qos, QoS::AtLeastOnce);
                }
                Packet::Pubrec(ack) => {
                    let received = self.window.pubrec(ack.packet_id, ack.reason);
                    match received.expect("it is in flight") {
                        Received::First(_) | Received::Again => {
                            write_pubrel(ack.packet_id, &mut to_server.under_way);
                        }
                        Received::Refused(_) => assert!(ack.reason.is_failure()),
                    }
                }
                Packet::Pubcomp(ack) => {
                    self.window.pubcomp(ack.packet_id).expect("it is in flight");
                }
                other => panic!("{other:?}"),
            }
        }
        from_server.arrived = rest.to_vec();
    }
}

impl Server {
    fn read(&mut self, arrived: &mut Vec<u8>) {
        let mut rest = arrived.as_slice();
        while let Some((request, taken)) = self.session.request(rest).expect("it is no fault") {
            rest = &rest[taken..];
            match request {
                Request::Publish(publish) => self.publish(&publish),
                // Answered after the messages that wait for the broker.
                Request::Pubrel(release) => {
                    let id = release.packet_id;
                    self.taken.push((QosDelivery::AtMostOnce, id.get().into()));
                }
                other => panic!("{other:?}"),
            }
        }
        *arrived = rest.to_vec();
    }

    fn publish(&mut self, publish: &Publish<'_>) {
        let number = u32::from_be_bytes(publish.payload.try_into().expect("it is a number"));
        if publish.arrival == Arrival::New && !is_refused(number) {
            self.passed_on.push(Some((publish.delivery.qos(), number)));
        }
        self.taken.push((publish.delivery, number));
    }

    fn answer(&mut self, out: &mut Vec<u8>) {
        for (delivery, number) in self.taken.drain(..) {
            let reason = match is_refused(number) {
                true => PublishReason::QuotaExceeded,
                false => PublishReason::Success,
            };
            let written = match delivery {
                QosDelivery::AtMostOnce => {
                    let packet_id = PacketId::new(number as u16).expect("it was one");
                    let reason = ReleaseReason::Success;
                    self.session.peer().pubcomp(packet_id, reason, out)
                }
                QosDelivery::AtLeastOnce(id, _) => self.session.puback(id, reason, "no", out),
                QosDelivery::ExactlyOnce(id, _) => self.session.pubrec(id, reason, "no", out),
            };
            written.expect("there is room");
        }
    }

    /// Returns the forwarded messages of a QoS in order, separately for each connection.
    fn passed_on(&self, qos: QoS) -> Vec<Vec<u32>> {
        let connections = self.passed_on.split(Option::is_none);
        let of_qos = |one: &Option<(QoS, u32)>| one.filter(|one| one.0 == qos).map(|one| one.1);
        connections
            .map(|one| one.iter().filter_map(of_qos).collect())
            .collect()
    }
}

fn write_publish(delivery: QosDelivery, number: u32, out: &mut Vec<u8>) {
    let publish = Packet::Publish(wire::mqtt::Publish {
        delivery,
        retain: false,
        topic: TopicName::parse("t").ok(),
        properties: Properties::EMPTY,
        payload: &number.to_be_bytes(),
    });
    publish.encode(Version::V5_0, out).expect("valid");
}

fn write_pubrel(packet_id: PacketId, out: &mut Vec<u8>) {
    let pubrel = Packet::Pubrel(Acknowledgement {
        packet_id,
        reason: ReleaseReason::Success,
        properties: Properties::EMPTY,
    });
    pubrel.encode(Version::V5_0, out).expect("valid");
}

fn run(seed: u64) -> Simulation {
    let mut simulation = Simulation::new(seed);
    // The frequency of breaks differs between runs.
    let between_cuts = [20, 60, 200, 1000][simulation.chances.below(4)];
    for steps in 0.. {
        assert!(steps < 1_000_000, "the run does not end");
        if simulation.is_over() {
            break;
        }
        if simulation.chances.one_in(between_cuts) {
            simulation.cut();
        }
        simulation.step();
    }
    simulation
}

#[test]
fn qos_1_arrives_at_least_once_and_qos_2_exactly_once() {
    let expected = |qos| -> Vec<u32> {
        let numbers = 0..MESSAGES;
        numbers
            .filter(|&number| qos_of(number) == qos && !is_refused(number))
            .collect()
    };
    let mut all_cuts = 0;
    let mut all_again = 0;
    let seeds = simulation::seeds(60);
    let count = seeds.count_left();
    for seed in seeds {
        let simulation = run(seed);
        all_cuts += simulation.cuts;
        let server = &simulation.server;

        let exactly = server.passed_on(QoS::ExactlyOnce).concat();
        assert_eq!(exactly, expected(QoS::ExactlyOnce));

        let at_least = server.passed_on(QoS::AtLeastOnce);
        for connection in &at_least {
            assert!(connection.is_sorted(), "[MQTT-4.6.0-1]");
            let mut once = connection.clone();
            once.dedup();
            assert_eq!(&once, connection, "[MQTT-4.4.0-1]");
        }
        let mut seen = at_least.concat();
        all_again += seen.len();
        seen.sort_unstable();
        seen.dedup();
        all_again -= seen.len();
        assert_eq!(seen, expected(QoS::AtLeastOnce));
    }
    if count >= simulation::ENOUGH {
        // The runs broke connections and caused repetitions.
        assert!(u64::from(all_cuts) > 8 * count, "{all_cuts}");
        assert!(all_again as u64 > count / 2, "{all_again}");
    }
}
