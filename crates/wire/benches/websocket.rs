//! Measures decoding WebSocket on one core. Run it with `cargo bench -p carillon-wire --bench
//! websocket`.

use divan::counter::{BytesCount, ItemsCount};
use divan::{Bencher, black_box};
use wire::websocket::{Decoder, FrameHeader, Mask, Opcode, Role, frame};

fn main() {
    divan::main();
}

const BATCH: usize = 256;
const MASK: Mask = Mask([0x37, 0xfa, 0x21, 0x3d]);
const SIZES: [usize; 4] = [35, 100, 1000, 65_536];

#[divan::bench(args = SIZES)]
fn unmask(bencher: Bencher<'_, '_>, size: usize) {
    let mut payload = vec![b'x'; size];
    bencher
        .counter(BytesCount::new(size))
        .bench_local(|| MASK.apply(black_box(&mut payload)));
}

#[divan::bench(args = SIZES)]
fn decode_text(bencher: Bencher<'_, '_>, size: usize) {
    decode(bencher, Opcode::Text, size);
}

#[divan::bench(args = SIZES)]
fn decode_binary(bencher: Bencher<'_, '_>, size: usize) {
    decode(bencher, Opcode::Binary, size);
}

/// Measures decoding, including the copy of the input that decoding in place needs.
fn decode(bencher: Bencher<'_, '_>, opcode: Opcode, size: usize) {
    let mut input = Vec::new();
    for _ in 0..BATCH {
        frame(opcode, &vec![b'x'; size], Some(MASK), &mut input);
    }
    let mut buffer = input.clone();
    bencher
        .counter(ItemsCount::new(BATCH))
        .counter(BytesCount::new(input.len()))
        .bench_local(|| {
            buffer.copy_from_slice(&input);
            let mut decoder = Decoder::new(Role::Server, Decoder::MESSAGE_BYTES);
            let mut rest = buffer.as_mut_slice();
            while let Ok(Some((event, taken))) = decoder.decode(black_box(rest)) {
                black_box(&event);
                rest = &mut rest[taken..];
            }
            assert!(rest.is_empty());
        });
}

#[divan::bench(args = SIZES)]
fn encode_header(bencher: Bencher<'_, '_>, size: usize) {
    bencher.bench_local(|| FrameHeader::new(black_box(Opcode::Text), black_box(size), None));
}
