//! Decodes any bytes in both roles and all versions. The first byte selects role, version and piece
//! size.

use wire::mqtt::{DecodeError, Decoder, Limits, Packet, Role, Version};

const LIMITS: Limits = Limits {
    packet_bytes: 4096,
    properties: 8,
    topic_bytes: 64,
    filters: 8,
};

/// Decodes the bytes.
///
/// # Panics
///
/// If a property does not hold.
pub fn run(data: &[u8]) {
    let Some((&choice, input)) = data.split_first() else {
        return;
    };
    let start = decoder(choice & 7);
    let whole = decode(start.clone(), input, input.len().max(1));
    assert_eq!(
        decode(start.clone(), input, usize::from(choice >> 3).max(1)),
        whole
    );
    assert_eq!(decode(start, input, 1), whole);
}

/// A server before CONNECT, or either role after it.
fn decoder(choice: u8) -> Decoder {
    let Some(&version) = Version::ALL.get(usize::from(choice >> 1)) else {
        return Decoder::before_connect(LIMITS);
    };
    match choice & 1 {
        0 => Decoder::new(Role::Server, version, LIMITS),
        _ => Decoder::new(Role::Client, version, LIMITS),
    }
}

/// Returns the packets, and the error that ended them. The rest is decoded once more at the end,
/// since a long packet is not decoded again whenever bytes arrive.
fn decode(mut decoder: Decoder, input: &[u8], piece: usize) -> (Vec<String>, Option<DecodeError>) {
    let mut seen = Vec::new();
    let mut at_start = decoder.clone();
    let (mut start, mut end) = (0, 0);
    loop {
        match decoder.decode(&input[start..end]) {
            Ok(Some((packet, taken))) => {
                assert!(taken > 0 && taken <= end - start);
                assert!(taken <= LIMITS.packet_bytes as usize);
                check_written(&packet, &decoder);
                seen.push(format!("{packet:?}"));
                start += taken;
                at_start = decoder.clone();
            }
            Ok(None) if end == input.len() => {
                return (seen, at_start.decode(&input[start..end]).err());
            }
            Ok(None) => end = (end + piece).min(input.len()),
            Err(error) => {
                assert!(error.offset <= end - start);
                assert!(error.disconnect_reason().is_failure());
                assert!(error.connect_reason().is_failure());
                return (seen, Some(error));
            }
        }
    }
}

/// Checks that a decoded packet can be encoded and decodes to the same packet.
fn check_written(packet: &Packet<'_>, decoder: &Decoder) {
    let version = decoder.version().expect("a packet was read");
    let mut bytes = Vec::new();
    if let Err(error) = packet.encode(version, &mut bytes) {
        panic!("{packet:?} cannot be written: {error}");
    }
    let mut again = match packet {
        Packet::Connect(_) => Decoder::before_connect(Limits::NONE),
        _ => decoder.clone(),
    };
    assert_eq!(again.decode(&bytes), Ok(Some((*packet, bytes.len()))));
}
