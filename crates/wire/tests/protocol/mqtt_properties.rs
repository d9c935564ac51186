//! Properties of all packets and all bytes.

use proptest::collection::vec;
use proptest::prelude::*;
use wire::mqtt::{DecodeError, Decoder, Fault, Limits, Packet, PacketType, Role, Version};

use crate::mqtt_clause::clause;
use crate::mqtt_model::{Ingredients, ingredients};

fn decoder(ingredients: &Ingredients) -> Decoder {
    limited_decoder(ingredients, Limits::NONE)
}

fn limited_decoder(ingredients: &Ingredients, limits: Limits) -> Decoder {
    match ingredients.packet {
        PacketType::Connect => Decoder::before_connect(limits),
        _ => Decoder::new(ingredients.reader, ingredients.version, limits),
    }
}

fn encoded(packet: &Packet<'_>, version: Version) -> Vec<u8> {
    let mut out = b"before".to_vec();
    packet.encode(version, &mut out).expect("valid");
    assert_eq!(&out[..6], b"before");
    out.split_off(6)
}

/// Decodes pieces like a caller: bytes that are not consumed stay in front of the next piece. The
/// rest is decoded once more at the end, since a long packet is not decoded again whenever bytes
/// arrive.
fn read(decoder: &mut Decoder, pieces: &[&[u8]]) -> (Vec<String>, Option<DecodeError>) {
    let (mut buffer, mut seen) = (Vec::new(), Vec::new());
    let mut at_start = decoder.clone();
    for piece in pieces {
        buffer.extend_from_slice(piece);
        let mut start = 0;
        loop {
            match decoder.decode(&buffer[start..]) {
                Ok(None) => break,
                Err(error) => return (seen, Some(error)),
                Ok(Some((packet, taken))) => {
                    assert!(taken > 0 && taken <= buffer.len() - start);
                    check_written(&packet, decoder);
                    seen.push(format!("{packet:?}"));
                    start += taken;
                    at_start = decoder.clone();
                }
            }
        }
        buffer.drain(..start);
    }
    (seen, at_start.decode(&buffer).err())
}

/// Checks that a decoded packet can be encoded and decodes to the same packet.
fn check_written(packet: &Packet<'_>, decoder: &Decoder) {
    let version = decoder.version().expect("valid");
    let bytes = encoded(packet, version);
    let mut again = match packet {
        Packet::Connect(_) => Decoder::before_connect(Limits::NONE),
        _ => decoder.clone(),
    };
    assert_eq!(again.decode(&bytes), Ok(Some((*packet, bytes.len()))));
}

fn split<'b>(bytes: &'b [u8], cuts: &mut [usize]) -> Vec<&'b [u8]> {
    for cut in cuts.iter_mut() {
        *cut %= bytes.len().max(1);
    }
    cuts.sort_unstable();
    let starts = [0].into_iter().chain(cuts.iter().copied());
    let ends = cuts.iter().copied().chain([bytes.len()]);
    starts
        .zip(ends)
        .map(|(start, end)| &bytes[start..end])
        .collect()
}

/// A server before CONNECT, or either role after it.
fn any_decoder() -> impl Strategy<Value = Decoder> {
    let versions = prop::sample::select(Version::ALL.to_vec());
    let roles = prop::sample::select(vec![Role::Server, Role::Client]);
    prop_oneof![
        1 => Just(Decoder::before_connect(LIMITS)),
        3 => (roles, versions).prop_map(|(role, version)| Decoder::new(role, version, LIMITS)),
    ]
}

const LIMITS: Limits = Limits {
    packet_bytes: 4096,
    properties: 8,
    topic_bytes: 64,
    filters: 8,
};

proptest! {
    #[test]
    fn encoding_and_decoding_returns_the_same(ingredients in ingredients()) {
        ingredients.with(|packet| {
            let bytes = encoded(&packet, ingredients.version);
            let mut decoder = decoder(&ingredients);
            assert_eq!(decoder.decode(&bytes), Ok(Some((packet, bytes.len()))));
            assert_eq!(decoder.version(), Some(ingredients.version));
        });
    }

    /// The decoder waits for the rest of an unfinished packet, wherever it is cut.
    #[test]
    fn the_decoder_waits_for_the_rest_of_a_packet(ingredients in ingredients()) {
        let bytes = ingredients.with(|packet| encoded(&packet, ingredients.version));
        for end in 0..bytes.len() {
            assert_eq!(decoder(&ingredients).decode(&bytes[..end]), Ok(None));
        }
    }

    #[test]
    fn cuts_do_not_change_the_result(
        packets in vec(ingredients(), 1..6),
        mut cuts in vec(any::<usize>(), 0..12),
    ) {
        let first = &packets[0];
        let alike = |other: &&Ingredients| {
            other.reader == first.reader
                && other.version == first.version
                && (other.packet == PacketType::Connect) == (first.packet == PacketType::Connect)
        };
        let mut bytes = Vec::new();
        let mut expected = Vec::new();
        for packet in packets.iter().filter(alike) {
            packet.with(|packet| {
                bytes.extend_from_slice(&encoded(&packet, first.version));
                expected.push(format!("{packet:?}"));
            });
        }
        if first.packet == PacketType::Connect {
            expected.truncate(1);
        }
        let (seen, error) = read(&mut decoder(first), &split(&bytes, &mut cuts));
        prop_assert_eq!(error.is_some(), packets.iter().filter(alike).count() > expected.len());
        prop_assert_eq!(seen, expected);
    }

    /// Almost valid bytes: a packet with some of its bytes changed.
    #[test]
    fn damaged_packets_never_panic(
        ingredients in ingredients(),
        changes in vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        mut cuts in vec(any::<usize>(), 0..12),
    ) {
        let mut bytes = ingredients.with(|packet| encoded(&packet, ingredients.version));
        for (index, byte) in changes {
            *index.get_mut(&mut bytes) = byte;
        }
        let mut decoder = limited_decoder(&ingredients, LIMITS);
        let at_once = read(&mut decoder.clone(), &[&bytes]);
        let single: Vec<_> = bytes.chunks(1).collect();
        prop_assert_eq!(&read(&mut decoder.clone(), &single), &at_once);
        prop_assert_eq!(read(&mut decoder, &split(&bytes, &mut cuts)), at_once);
    }

    #[test]
    fn random_bytes_never_panic(
        bytes in vec(prop_oneof![3 => 0u8..8, 1 => any::<u8>()], 0..80),
        first in any::<u8>(),
        decoder in any_decoder(),
    ) {
        let bytes = [&[first], &bytes[..]].concat();
        let at_once = read(&mut decoder.clone(), &[&bytes]);
        let single: Vec<_> = bytes.chunks(1).collect();
        prop_assert_eq!(read(&mut decoder.clone(), &single), at_once.clone());
        if let Some(error) = at_once.1 {
            prop_assert!(!clause(&error).is_empty());
            prop_assert!(error.disconnect_reason().is_failure());
            prop_assert!(error.connect_reason().is_failure());
        }
    }
}

/// A long packet that arrives byte by byte is not decoded again with each byte. The result is the
/// same, and a fault is reported before twice as many bytes have arrived.
#[test]
fn a_long_packet_may_arrive_byte_by_byte() {
    let filters = b"\0\x01a\0".repeat(900);
    let mut stream = [b"\xC0\0\x82\x93\x1C\0\x01\0", &filters[..]].concat();
    let decoder = || Decoder::new(Role::Server, Version::V5_0, Limits::DEFAULT);
    let (seen, error) = read(&mut decoder(), &stream.chunks(1).collect::<Vec<_>>());
    assert_eq!((seen.len(), error), (2, None));

    let wrong = 2 + 6 + 4 * 250 + 2;
    stream[wrong] = 0xFF;
    let mut decoder = decoder();
    assert!(matches!(
        decoder.decode(&stream),
        Ok(Some((Packet::Pingreq, 2)))
    ));
    let subscribe = &stream[2..];
    let expected = decoder.clone().decode(subscribe).unwrap_err();
    assert_eq!(expected.fault, Fault::NotUtf8);
    let most = &subscribe[..wrong + 1];
    assert_eq!(decoder.clone().decode(most), Err(expected));
    let told = (1..=subscribe.len()).find_map(|end| {
        let error = decoder.decode(&subscribe[..end]).err()?;
        Some((end, error))
    });
    let (end, error) = told.unwrap();
    assert_eq!(error, expected);
    assert!(end < 2 * wrong, "{end}");
}

#[test]
fn a_decoder_and_packets_are_small() {
    assert!(size_of::<Decoder>() <= 40, "{}", size_of::<Decoder>());
    assert!(
        size_of::<Packet<'_>>() <= 160,
        "{}",
        size_of::<Packet<'_>>()
    );
}
