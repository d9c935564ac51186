//! What one core reads and writes of MQTT: `cargo bench -p carillon-wire --bench mqtt`.

use divan::counter::{BytesCount, ItemsCount};
use divan::{Bencher, black_box};
use wire::mqtt::{
    Attempt, Decoder, Delivery, Limits, Own, Packet, PacketId, Properties, Property, Publish, Role,
    SharedPublish, SubscriptionId, TopicName, UserProperty, Version,
};

fn main() {
    divan::main();
}

const BATCH: usize = 256;
const PAYLOADS: [usize; 3] = [35, 100, 1000];
const TOPIC: &str = "finance/stock/market/nasdaq";

fn topic() -> TopicName<'static> {
    TopicName::parse(TOPIC).expect("it is legal")
}

fn at_least_once() -> Delivery {
    let id = PacketId::new(4711).expect("it is not 0");
    Delivery::AtLeastOnce(id, Attempt::First)
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

fn publish<'a>(delivery: Delivery, properties: Properties<'a>, payload: &'a [u8]) -> Packet<'a> {
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
        packet.encode(version, &mut input).expect("it is legal");
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
            black_box(packet)
                .encode(version, &mut out)
                .expect("it is legal");
        }
        black_box(&out);
    });
}

#[divan::bench(args = PAYLOADS)]
fn decode_qos_0_of_3_1_1(bencher: Bencher<'_, '_>, size: usize) {
    let payload = vec![b'x'; size];
    let packet = publish(Delivery::AtMostOnce, Properties::EMPTY, &payload);
    decode(bencher, Version::V3_1_1, &packet);
}

#[divan::bench(args = PAYLOADS)]
fn decode_qos_0_of_5(bencher: Bencher<'_, '_>, size: usize) {
    let payload = vec![b'x'; size];
    let packet = publish(Delivery::AtMostOnce, Properties::EMPTY, &payload);
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
    let packet = publish(Delivery::AtMostOnce, Properties::EMPTY, &payload);
    encode(bencher, Version::V5_0, &packet);
}

#[divan::bench]
fn encode_qos_1_of_5_with_three_properties(bencher: Bencher<'_, '_>) {
    let mut scratch = Vec::new();
    let packet = publish(at_least_once(), properties(&mut scratch), &[b'x'; 100]);
    encode(bencher, Version::V5_0, &packet);
}

/// What publishing to many costs for each of them.
fn write_shared(bencher: Bencher<'_, '_>, size: usize, own: &Own<'_>) {
    let mut scratch = Vec::new();
    let payload = vec![b'x'; size];
    let properties = properties(&mut scratch);
    let shared = SharedPublish::new(Version::V5_0, topic(), properties, &payload);
    let shared = shared.expect("it is legal");
    let mut out = Vec::with_capacity(1 << 20);
    bencher.counter(ItemsCount::new(BATCH)).bench_local(|| {
        out.clear();
        for _ in 0..BATCH {
            let written = black_box(&shared).write(black_box(own), &mut out);
            written.expect("it is legal");
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
        reason: wire::mqtt::PublishReason::Success,
        properties: Properties::EMPTY,
    });
    encode(bencher, Version::V5_0, &packet);
}
