//! Measures decoding and encoding MQTT on one core. Run it with `cargo bench -p carillon-wire
//! --bench mqtt`.

use divan::counter::{BytesCount, ItemsCount};
use divan::{Bencher, black_box};
use wire::mqtt::server::{Config, Greeting, Handshake, Request, Session};
use wire::mqtt::{
    Attempt, Connect, Decoder, Limits, Outgoing, Own, Packet, PacketId, Properties, Property,
    Publish, PublishReason, QoS, QosDelivery, Role, SharedPublish, SubscriptionId, TopicName,
    UserProperty, Version,
};

fn main() {
    divan::main();
}

const BATCH: usize = 256;
const PAYLOADS: [usize; 3] = [35, 100, 1000];
const TOPIC: &str = "finance/stock/market/nasdaq";

fn topic() -> TopicName<'static> {
    TopicName::parse(TOPIC).expect("valid")
}

fn at_least_once() -> QosDelivery {
    let id = PacketId::new(4711).expect("it is not 0");
    QosDelivery::AtLeastOnce(id, Attempt::First)
}

fn properties(scratch: &mut Vec<u8>) -> Properties<'_> {
    let pair = |name, value| Property::UserProperty(UserProperty { name, value });
    let properties = [
        Property::ContentType("application/json"),
        pair("symbol", "NDX"),
        pair("currency", "USD"),
    ];
    Properties::encode(properties, scratch).expect("they are short")
}

fn publish<'a>(delivery: QosDelivery, properties: Properties<'a>, payload: &'a [u8]) -> Packet<'a> {
    Packet::Publish(Publish {
        delivery,
        retain: false,
        topic: Some(topic()),
        properties,
        payload,
    })
}

fn decode(bencher: Bencher<'_, '_>, version: Version, packet: &Packet<'_>) {
    let mut input = Vec::new();
    for _ in 0..BATCH {
        packet.encode(version, &mut input).expect("valid");
    }
    bencher
        .counter(ItemsCount::new(BATCH))
        .counter(BytesCount::new(input.len()))
        .bench_local(|| {
            let mut decoder = Decoder::new(Role::Server, version, Limits::DEFAULT);
            let mut rest = input.as_slice();
            while let Ok(Some((packet, taken))) = decoder.decode(black_box(rest)) {
                black_box(&packet);
                rest = &rest[taken..];
            }
            assert!(rest.is_empty());
        });
}

fn encode(bencher: Bencher<'_, '_>, version: Version, packet: &Packet<'_>) {
    let mut out = Vec::with_capacity(1 << 20);
    bencher.counter(ItemsCount::new(BATCH)).bench_local(|| {
        out.clear();
        for _ in 0..BATCH {
            black_box(packet).encode(version, &mut out).expect("valid");
        }
        black_box(&out);
    });
}

#[divan::bench(args = PAYLOADS)]
fn decode_qos_0_of_3_1_1(bencher: Bencher<'_, '_>, size: usize) {
    let payload = vec![b'x'; size];
    let packet = publish(QosDelivery::AtMostOnce, Properties::EMPTY, &payload);
    decode(bencher, Version::V3_1_1, &packet);
}

#[divan::bench(args = PAYLOADS)]
fn decode_qos_0_of_5(bencher: Bencher<'_, '_>, size: usize) {
    let payload = vec![b'x'; size];
    let packet = publish(QosDelivery::AtMostOnce, Properties::EMPTY, &payload);
    decode(bencher, Version::V5_0, &packet);
}

#[divan::bench(args = PAYLOADS)]
fn decode_qos_1_of_5(bencher: Bencher<'_, '_>, size: usize) {
    let payload = vec![b'x'; size];
    let packet = publish(at_least_once(), Properties::EMPTY, &payload);
    decode(bencher, Version::V5_0, &packet);
}

#[divan::bench]
fn decode_qos_1_of_5_with_three_properties(bencher: Bencher<'_, '_>) {
    let mut scratch = Vec::new();
    let packet = publish(at_least_once(), properties(&mut scratch), &[b'x'; 100]);
    decode(bencher, Version::V5_0, &packet);
}

#[divan::bench(args = PAYLOADS)]
fn encode_qos_0_of_5(bencher: Bencher<'_, '_>, size: usize) {
    let payload = vec![b'x'; size];
    let packet = publish(QosDelivery::AtMostOnce, Properties::EMPTY, &payload);
    encode(bencher, Version::V5_0, &packet);
}

#[divan::bench]
fn encode_qos_1_of_5_with_three_properties(bencher: Bencher<'_, '_>) {
    let mut scratch = Vec::new();
    let packet = publish(at_least_once(), properties(&mut scratch), &[b'x'; 100]);
    encode(bencher, Version::V5_0, &packet);
}

/// The cost of a publication for each of many subscribers.
fn write_shared(bencher: Bencher<'_, '_>, size: usize, own: &Own<'_>) {
    let mut scratch = Vec::new();
    let payload = vec![b'x'; size];
    let properties = properties(&mut scratch);
    let mut packet = Vec::new();
    let encoded = SharedPublish::append(Version::V5_0, topic(), &payload, properties, &mut packet);
    encoded.expect("valid");
    let shared = SharedPublish::of_packet(Version::V5_0, &packet);
    let mut out = Vec::with_capacity(1 << 20);
    bencher.counter(ItemsCount::new(BATCH)).bench_local(|| {
        out.clear();
        for _ in 0..BATCH {
            let written = black_box(&shared).write(black_box(own), &mut out);
            written.expect("valid");
        }
        black_box(&out);
    });
}

#[divan::bench(args = PAYLOADS)]
fn write_shared_qos_0(bencher: Bencher<'_, '_>, size: usize) {
    write_shared(bencher, size, &Own::default());
}

#[divan::bench(args = PAYLOADS)]
fn write_shared_qos_1_with_subscription_id(bencher: Bencher<'_, '_>, size: usize) {
    let id = SubscriptionId::new(42).expect("it is not 0");
    let own = Own {
        delivery: at_least_once(),
        subscription_ids: &[id],
        ..Own::default()
    };
    write_shared(bencher, size, &own);
}

#[divan::bench]
fn encode_puback(bencher: Bencher<'_, '_>) {
    let packet = Packet::Puback(wire::mqtt::Acknowledgement {
        packet_id: PacketId::new(4711).expect("it is not 0"),
        reason: PublishReason::Success,
        properties: Properties::EMPTY,
    });
    encode(bencher, Version::V5_0, &packet);
}

fn session() -> Session {
    let mut connect = Vec::new();
    let packet = Packet::Connect(Connect {
        version: Version::V5_0,
        is_bridge: false,
        clean_start: true,
        keep_alive: 0,
        properties: Properties::EMPTY,
        client_id: "c",
        will: None,
        user_name: None,
        password: None,
    });
    packet.encode(Version::V5_0, &mut connect).expect("valid");
    let opened = Handshake::new(&Config::DEFAULT, 0).connect(&connect);
    let (opened, _) = opened.expect("valid").expect("complete");
    let greeting = Greeting::default();
    let session = opened.accept(&Config::DEFAULT, 0, &greeting, &mut Vec::new());
    session.expect("there is room")
}

/// The cost of the server's protocol state, including decoding: a batch of publications, each
/// answered according to its QoS.
fn serve(bencher: Bencher<'_, '_>, delivery: QosDelivery) {
    let packet = publish(delivery, Properties::EMPTY, &[b'x'; 35]);
    let mut input = Vec::new();
    for _ in 0..BATCH {
        packet.encode(Version::V5_0, &mut input).expect("valid");
    }
    let mut session = session();
    let mut out = Vec::with_capacity(1 << 20);
    bencher.counter(ItemsCount::new(BATCH)).bench_local(|| {
        out.clear();
        let mut rest = input.as_slice();
        while let Ok(Some((request, taken))) = session.request(black_box(rest)) {
            rest = &rest[taken..];
            let Request::Publish(publish) = black_box(&request) else {
                continue;
            };
            if let Some(id) = publish.delivery.packet_id() {
                let answered = session.puback(id, PublishReason::Success, "", &mut out);
                answered.expect("there is room");
            }
        }
        assert!(rest.is_empty());
        black_box(&out);
    });
}

#[divan::bench]
fn serve_qos_0_of_5(bencher: Bencher<'_, '_>) {
    serve(bencher, QosDelivery::AtMostOnce);
}

#[divan::bench]
fn serve_qos_1_of_5(bencher: Bencher<'_, '_>) {
    serve(bencher, at_least_once());
}

/// Sends and acknowledges all messages of a window.
#[divan::bench(args = [1, 64, 1024])]
fn send_and_acknowledge(bencher: Bencher<'_, '_>, waiting: u16) {
    let mut window = Outgoing::new(waiting, waiting);
    bencher.counter(ItemsCount::new(waiting)).bench_local(|| {
        let mut first = None;
        for message in 0..waiting {
            let delivery = window.push(QoS::AtLeastOnce, black_box(message));
            let id = delivery.expect("there is room").packet_id();
            first = first.or(id);
        }
        let first = first.map_or(1, PacketId::get);
        for index in 0..waiting {
            let number = (u32::from(first) - 1 + u32::from(index)) % 65_535 + 1;
            let id = PacketId::new(number as u16).expect("it is not 0");
            black_box(window.puback(id)).expect("it is in flight");
        }
    });
}
