//! Decodes any bytes in both roles. The first byte selects role and piece size.

use wire::websocket::{CONTROL_PAYLOAD_BYTES, Decoder, Event, Role, Violation};

/// Decodes the bytes.
///
/// # Panics
///
/// If a property does not hold.
pub fn run(data: &[u8]) {
    let Some((&choice, input)) = data.split_first() else {
        return;
    };
    let role = match choice & 1 {
        0 => Role::Server,
        _ => Role::Client,
    };
    let whole = decode(role, input, input.len().max(1));
    assert_eq!(decode(role, input, usize::from(choice >> 1).max(1)), whole);
    assert_eq!(decode(role, input, 1), whole);
}

/// All payload data, with a separator after each message, so that results of different pieces are
/// comparable; the control frames; and the violation. Text is compared only up to the first invalid
/// byte.
#[derive(Debug, Default, PartialEq)]
struct Seen {
    data: Vec<Vec<u8>>,
    control: Vec<String>,
    violation: Option<Violation>,
}

const LIMIT: u64 = 4096;

fn decode(role: Role, input: &[u8], piece: usize) -> Seen {
    let mut decoder = Decoder::new(role, LIMIT);
    let mut buffer = input.to_vec();
    let mut seen = Seen::default();
    let mut message = Vec::new();
    let (mut start, mut end) = (0, 0);
    loop {
        match decoder.decode(&mut buffer[start..end]) {
            Ok(Some((event, taken))) => {
                assert!(taken > 0 && taken <= end - start);
                collect(&event, &mut message, &mut seen);
                start += taken;
            }
            Ok(None) if end == input.len() => return seen,
            Ok(None) => end = (end + piece).min(input.len()),
            Err(violation) => {
                assert!(violation.close_code().may_be_sent());
                seen.violation = Some(violation);
                return seen;
            }
        }
    }
}

fn collect(event: &Event<'_>, message: &mut Vec<u8>, seen: &mut Seen) {
    match event {
        Event::Data { payload, last, .. } => {
            message.extend_from_slice(payload);
            assert!(message.len() as u64 <= LIMIT);
            if *last {
                seen.data.push(std::mem::take(message));
            }
        }
        Event::Ping(payload) | Event::Pong(payload) => {
            assert!(payload.len() <= CONTROL_PAYLOAD_BYTES);
            seen.control.push(format!("{event:?}"));
        }
        Event::Close(_) => seen.control.push(format!("{event:?}")),
    }
}
