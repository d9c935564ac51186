//! Properties of all frames and all bytes.

use proptest::collection::vec;
use proptest::prelude::*;
use wire::websocket::{Decoder, Event, Mask, MessageType, Opcode, Role, Violation, frame};

/// A whole message or control frame.
#[derive(Clone, Debug, PartialEq)]
enum Whole {
    Text(Vec<u8>),
    Binary(Vec<u8>),
    Ping(Vec<u8>),
    Pong(Vec<u8>),
    Close(Option<u16>, String),
}

/// Decodes pieces like a caller: bytes that are not consumed stay in front of the next piece.
fn read(role: Role, pieces: &[&[u8]]) -> (Vec<Whole>, Option<Violation>) {
    let mut decoder = Decoder::new(role, Decoder::MESSAGE_BYTES);
    let mut buffer = Vec::new();
    let mut message = Vec::new();
    let mut whole = Vec::new();
    for piece in pieces {
        buffer.extend_from_slice(piece);
        let mut start = 0;
        loop {
            match decoder.decode(&mut buffer[start..]) {
                Ok(None) => break,
                Err(violation) => return (whole, Some(violation)),
                Ok(Some((event, taken))) => {
                    start += taken;
                    collect(event, &mut message, &mut whole);
                }
            }
        }
        buffer.drain(..start);
    }
    (whole, None)
}

fn collect(event: Event<'_>, message: &mut Vec<u8>, whole: &mut Vec<Whole>) {
    match event {
        Event::Data {
            kind,
            payload,
            last,
        } => {
            message.extend_from_slice(payload);
            if last {
                let message = std::mem::take(message);
                whole.push(match kind {
                    MessageType::Text => Whole::Text(message),
                    MessageType::Binary => Whole::Binary(message),
                });
            }
        }
        Event::Ping(payload) => whole.push(Whole::Ping(payload.to_vec())),
        Event::Pong(payload) => whole.push(Whole::Pong(payload.to_vec())),
        Event::Close(close) => whole.push(Whole::Close(
            close.code.map(|code| code.0),
            close.reason.to_owned(),
        )),
    }
}

fn whole() -> impl Strategy<Value = Whole> {
    let text = any::<String>().prop_map(|text| Whole::Text(text.into_bytes()));
    let binary = vec(any::<u8>(), 0..300).prop_map(Whole::Binary);
    let large = (65_000usize..66_000).prop_map(|size| Whole::Binary(vec![7; size]));
    let ping = vec(any::<u8>(), 0..=125).prop_map(Whole::Ping);
    let pong = vec(any::<u8>(), 0..=125).prop_map(Whole::Pong);
    prop_oneof![8 => text, 8 => binary, 1 => large, 2 => ping, 2 => pong]
}

fn write(whole: &Whole, mask: Option<Mask>, out: &mut Vec<u8>) {
    match whole {
        Whole::Text(payload) => frame(Opcode::Text, payload, mask, out),
        Whole::Binary(payload) => frame(Opcode::Binary, payload, mask, out),
        Whole::Ping(payload) => frame(Opcode::Ping, payload, mask, out),
        Whole::Pong(payload) => frame(Opcode::Pong, payload, mask, out),
        Whole::Close(..) => unreachable!("no close is generated"),
    }
}

fn split<'b>(bytes: &'b [u8], cuts: &mut Vec<usize>) -> Vec<&'b [u8]> {
    cuts.retain(|&cut| cut <= bytes.len());
    cuts.extend([0, bytes.len()]);
    cuts.sort_unstable();
    cuts.windows(2).map(|cut| &bytes[cut[0]..cut[1]]).collect()
}

proptest! {
    #[test]
    fn encoding_and_decoding_returns_the_same_with_any_cuts(
        messages in vec(whole(), 1..5),
        key in any::<[u8; 4]>(),
        server in any::<bool>(),
        mut cuts in vec(0usize..2000, 0..12),
    ) {
        let (role, mask) = match server {
            true => (Role::Server, Some(Mask(key))),
            false => (Role::Client, None),
        };
        let mut bytes = Vec::new();
        for message in &messages {
            write(message, mask, &mut bytes);
        }
        let (seen, violation) = read(role, &split(&bytes, &mut cuts));
        prop_assert_eq!(violation, None);
        prop_assert_eq!(&seen, &messages);
    }

    #[test]
    fn cuts_do_not_change_the_events_of_any_bytes(
        bytes in vec(prop_oneof![Just(0x81), Just(0x82), Just(0x01), Just(0x00), Just(0x80), 0u8..8, any::<u8>()], 0..64),
        server in any::<bool>(),
    ) {
        let role = if server { Role::Server } else { Role::Client };
        let at_once = read(role, &[&bytes]);
        let single: Vec<_> = bytes.chunks(1).collect();
        prop_assert_eq!(read(role, &single), at_once);
    }

    #[test]
    fn masking_twice_changes_nothing(payload in vec(any::<u8>(), 0..100), key in any::<[u8; 4]>()) {
        let mut masked = payload.clone();
        Mask(key).apply(&mut masked);
        let by_the_book: Vec<_> = payload.iter().enumerate()
            .map(|(index, byte)| byte ^ key[index % 4])
            .collect();
        prop_assert_eq!(&masked, &by_the_book);
        Mask(key).apply(&mut masked);
        prop_assert_eq!(masked, payload);
    }
}
