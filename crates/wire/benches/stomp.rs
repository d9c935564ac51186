//! Measures decoding and encoding STOMP on one core. Run it with `cargo bench -p carillon-wire
//! --bench stomp`.

use divan::counter::ItemsCount;
use divan::{Bencher, black_box};
use wire::stomp::server::{self, Config, Greeting, Message, Request, Session};
use wire::stomp::server::{message_prefix, message_shared};
use wire::stomp::{Command, Decoder, FrameWriter, Item, Limits, Version, client};

fn main() {
    divan::main();
}

/// Number of frames in a batch, about as many as one read of a busy socket returns.
const BATCH: usize = 512;

/// A minimal SEND of 100 bytes.
const SEND_100: &[u8] =
    b"SEND\ndestination:/topic/finance.stock.market\ncontent-length:35\n\n{\"producerId\":\"a\",\"data\":90,\"d\":\"\"}\0";

/// A SEND with the headers that a real client adds.
const SEND_RICH: &[u8] = b"SEND\ndestination:/topic/finance.stock.market\ncontent-type:application/json\n\
    receipt:message-12345\nx-trace:0af7651916cd43dd\ncontent-length:35\n\n{\"producerId\":\"a\",\"data\":90,\"d\":\"\"}\0";

/// A SEND with one header that must be unescaped.
const SEND_ESCAPED: &[u8] = b"SEND\ndestination:/topic/finance.stock.market\nuser:a\\cb\ncontent-length:35\n\n{\"producerId\":\"a\",\"data\":90,\"d\":\"\"}\0";

/// The acknowledgement of a consumer for each message.
const ACK: &[u8] = b"ACK\nid:17-123456\n\n\0";

const FRAMES: [&str; 3] = ["100_bytes", "rich", "escaped"];

fn batch_of(frame: &str) -> Vec<u8> {
    match frame {
        "100_bytes" => SEND_100.repeat(BATCH),
        "rich" => SEND_RICH.repeat(BATCH),
        _ => SEND_ESCAPED.repeat(BATCH),
    }
}

#[divan::bench(args = FRAMES)]
fn decode(bencher: Bencher<'_, '_>, frame: &str) {
    let input = batch_of(frame);
    bencher.counter(ItemsCount::new(BATCH)).bench_local(|| {
        let mut decoder = Decoder::new(Limits::DEFAULT);
        let mut rest = input.as_slice();
        while let Ok(Some((item, taken))) = decoder.decode(black_box(rest)) {
            black_box(&item);
            rest = &rest[taken..];
        }
        assert!(rest.is_empty());
    });
}

#[divan::bench(args = FRAMES)]
fn decode_to_request(bencher: Bencher<'_, '_>, frame: &str) {
    let input = batch_of(frame);
    let mut session = connected();
    bencher.counter(ItemsCount::new(BATCH)).bench_local(|| {
        let mut decoder = Decoder::new(Limits::DEFAULT);
        let mut rest = input.as_slice();
        while let Ok(Some((item, taken))) = decoder.decode(black_box(rest)) {
            let Ok(Request::Send(send)) = session.request(item) else {
                panic!("a SEND is a SEND");
            };
            black_box(&send);
            rest = &rest[taken..];
        }
        assert!(rest.is_empty());
    });
}

#[divan::bench]
fn decode_to_ack(bencher: Bencher<'_, '_>) {
    let input = ACK.repeat(BATCH);
    let mut session = connected();
    bencher.counter(ItemsCount::new(BATCH)).bench_local(|| {
        let mut decoder = Decoder::new(Limits::DEFAULT);
        let mut rest = input.as_slice();
        while let Ok(Some((item, taken))) = decoder.decode(black_box(rest)) {
            let Ok(Request::Ack(acknowledge)) = session.request(item) else {
                panic!("an ACK is an ACK");
            };
            black_box(&acknowledge);
            rest = &rest[taken..];
        }
        assert!(rest.is_empty());
    });
}

fn connected() -> Session {
    let mut session = Session::new(&Config::DEFAULT, 0);
    let mut bytes = Vec::new();
    client::Client::new(&client::Config::DEFAULT, 0)
        .connect(&client::Connect::default(), &mut bytes);
    let (item, _) = Decoder::new(Limits::DEFAULT)
        .decode(&bytes)
        .ok()
        .flatten()
        .expect("CONNECT is whole");
    session.request(item).expect("CONNECT is right");
    let greeting = Greeting {
        server: "Carillon/bench",
        session: "s",
    };
    session.connected(0, &greeting, &mut bytes);
    session
}

fn message(body: &[u8]) -> Message<'_> {
    Message {
        message_id: "19a2b3c4d5e-42",
        destination: "/topic/finance.stock.market",
        sequence: 123_456,
        timestamp: 1_795_000_000_000,
        producer: "console-1",
        content_type: Some("application/json"),
        body,
    }
}

#[divan::bench(args = [35, 1000])]
fn encode_message_shared(bencher: Bencher<'_, '_>, body: usize) {
    let body = vec![b'x'; body];
    let message = message(&body);
    let mut out = Vec::with_capacity(BATCH * (body.len() + 300));
    bencher.counter(ItemsCount::new(BATCH)).bench_local(|| {
        out.clear();
        for _ in 0..BATCH {
            message_shared(Version::V1_2, black_box(&message), [], &mut out);
        }
        black_box(&out);
    });
}

/// The cost of one more subscriber: the prefix is reused, the shared part is copied.
#[divan::bench(args = [35, 1000])]
fn deliver(bencher: Bencher<'_, '_>, body: usize) {
    let body = vec![b'x'; body];
    let (mut prefix, mut shared) = (Vec::new(), Vec::new());
    message_prefix(Version::V1_2, Some("sub-0"), None, &mut prefix);
    message_shared(Version::V1_2, &message(&body), [], &mut shared);
    let mut out = Vec::with_capacity(BATCH * (prefix.len() + shared.len()));
    bencher.counter(ItemsCount::new(BATCH)).bench_local(|| {
        out.clear();
        for _ in 0..BATCH {
            out.extend_from_slice(black_box(&prefix));
            out.extend_from_slice(black_box(&shared));
        }
        black_box(&out);
    });
}

/// The cost of a delivery from a queue: the prefix is reused, the rest is encoded for each
/// consumer.
#[divan::bench(args = [35, 1000])]
fn deliver_to_consumer(bencher: Bencher<'_, '_>, body: usize) {
    let body = vec![b'x'; body];
    let message = message(&body);
    let mut prefix = Vec::new();
    message_prefix(Version::V1_2, Some("sub-0"), None, &mut prefix);
    let mut out = Vec::with_capacity(BATCH * (body.len() + 300));
    bencher.counter(ItemsCount::new(BATCH)).bench_local(|| {
        out.clear();
        for _ in 0..BATCH {
            out.extend_from_slice(black_box(&prefix));
            server::ack(Version::V1_2, black_box("17-123456"), &mut out);
            server::redelivered(black_box(2), &mut out);
            message_shared(Version::V1_2, black_box(&message), [], &mut out);
        }
        black_box(&out);
    });
}

#[divan::bench]
fn encode_receipt(bencher: Bencher<'_, '_>) {
    let session = connected();
    let mut out = Vec::with_capacity(BATCH * 64);
    bencher.counter(ItemsCount::new(BATCH)).bench_local(|| {
        out.clear();
        for _ in 0..BATCH {
            session.receipt(black_box("message-12345"), &mut out);
        }
        black_box(&out);
    });
}

#[divan::bench]
fn encode_send(bencher: Bencher<'_, '_>) {
    let mut out = Vec::with_capacity(BATCH * 128);
    bencher.counter(ItemsCount::new(BATCH)).bench_local(|| {
        out.clear();
        for _ in 0..BATCH {
            let mut frame = FrameWriter::new(&mut out, Version::V1_2, Command::Send);
            frame.header("destination", black_box("/topic/finance.stock.market"));
            frame.body(black_box(b"{\"producerId\":\"a\",\"data\":90}"));
        }
        black_box(&out);
    });
}

/// The worst case: the peer sends one byte at a time.
#[divan::bench]
fn decode_byte_by_byte(bencher: Bencher<'_, '_>) {
    bencher.counter(ItemsCount::new(1u32)).bench_local(|| {
        let mut decoder = Decoder::new(Limits::DEFAULT);
        for end in 0..SEND_100.len() {
            let item = decoder.decode(black_box(&SEND_100[..end]));
            assert!(matches!(item, Ok(None)));
        }
        let item = decoder.decode(black_box(SEND_100));
        assert!(matches!(item, Ok(Some((Item::Frame(_), _)))));
    });
}
