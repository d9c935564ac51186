//! Input that one read cycle cannot process, and incomplete messages.

use std::{iter, sync::Arc};

use broker::Delivery;

use super::*;
use crate::{
    connection::{Encoder, Stream, WebSocket},
    connection_control::ClientProtocol,
    partial_input::PartialInputBudget,
};

const BUDGET: usize = 1 << 20;

/// A protocol whose requests have one byte each and take long.
#[derive(Default)]
struct Slow {
    taken: Vec<u8>,
}

struct NoEncoder;

impl Encoder for NoEncoder {
    fn encode(&mut self, _: &Delivery<'_>, _: &mut Vec<u8>) -> MessageType {
        MessageType::Binary
    }
}

impl Protocol for Slow {
    type Encoder = NoEncoder;

    fn receive(&mut self, input: &[u8], cycle: &mut ReadCycle) -> Result<usize, CloseReason> {
        let mut at = 0;
        while !cycle.is_over() && at < input.len() {
            self.taken.push(input[at]);
            at += 1;
            cycle.check_time();
        }
        Ok(at)
    }

    fn finish(&mut self, _: &mut ReadCycle) -> Result<(), CloseReason> {
        Ok(())
    }

    fn deadline(&self) -> Option<u64> {
        None
    }

    fn on_deadline(&mut self, _: u64, _: u64, _: &mut Vec<u8>) -> Result<(), CloseReason> {
        Ok(())
    }

    fn reset_keep_alive(&mut self, _: u64) {}

    fn write_close(&mut self, _: &CloseReason, _: &mut Vec<u8>) {}
}

fn inbound<P: Protocol>(protocol: P) -> Inbound<Stream, P> {
    framed(Stream, protocol)
}

fn framed<F: Framing, P: Protocol>(framing: F, protocol: P) -> Inbound<F, P> {
    Inbound::new(
        framing,
        protocol,
        PartialMessage::new(PartialInputBudget::new(BUDGET)),
        Tap::of_test(&Arc::default(), ClientProtocol::Stomp, None),
    )
}

#[test]
fn input_that_a_cycle_has_no_time_for_is_processed_in_the_next() {
    let mut inbound = inbound(Slow::default());
    let mut framing_output = FramingOutput::default();
    let taken = inbound.receive(
        &mut b"abc".to_vec(),
        &mut ReadCycle::expired(),
        &mut framing_output,
    );
    assert_eq!(taken, Ok(()));
    assert_eq!(inbound.protocol.taken, b"a");
    let turns = iter::from_fn(|| {
        let has_remaining_input = inbound.has_remaining_input();
        has_remaining_input
            .then(|| inbound.process_remaining(&mut ReadCycle::expired(), &mut framing_output))
    });
    assert_eq!(turns.collect::<Vec<_>>(), [Ok(()), Ok(()), Ok(())]);
    assert_eq!(inbound.protocol.taken, b"abc");
    assert!(inbound.unread.is_empty());
}

#[test]
fn frames_that_a_cycle_has_no_time_for_are_processed_in_the_next() {
    let mut inbound = framed(WebSocket::new(), Slow::default());
    let bytes: Vec<u8> = (0..100).collect();
    let frame = |byte: &u8| [0x82, 0x81, 0, 0, 0, 0, *byte];
    let mut frames: Vec<u8> = bytes.iter().flat_map(frame).collect();
    let mut framing_output = FramingOutput::default();
    let taken = inbound.receive(&mut frames, &mut ReadCycle::expired(), &mut framing_output);
    assert_eq!(taken, Ok(()));
    assert!(inbound.has_remaining_input() && inbound.protocol.taken.len() < 50);
    while inbound.has_remaining_input() {
        assert_eq!(
            inbound.process_remaining(&mut ReadCycle::expired(), &mut framing_output),
            Ok(())
        );
    }
    assert_eq!(inbound.protocol.taken, bytes);
    assert!(inbound.unread.is_empty() && inbound.unframed.is_empty());
}

#[test]
fn later_input_waits_for_remaining_input() {
    let mut inbound = inbound(Slow::default());
    for bytes in [b"ab", b"cd"] {
        let taken = inbound.protocol_bytes(bytes, &mut ReadCycle::expired());
        assert_eq!(taken, Ok(()));
    }
    assert_eq!(inbound.protocol.taken, b"a");
    assert_eq!(
        inbound.process_remaining(&mut ReadCycle::default(), &mut FramingOutput::default()),
        Ok(())
    );
    assert_eq!(inbound.protocol.taken, b"abcd");
    assert!(!inbound.has_remaining_input());
}

/// A protocol whose messages have ten bytes.
struct Tens;

impl Protocol for Tens {
    type Encoder = NoEncoder;

    fn receive(&mut self, input: &[u8], _: &mut ReadCycle) -> Result<usize, CloseReason> {
        Ok(input.len() / 10 * 10)
    }

    fn finish(&mut self, _: &mut ReadCycle) -> Result<(), CloseReason> {
        Ok(())
    }

    fn deadline(&self) -> Option<u64> {
        None
    }

    fn on_deadline(&mut self, _: u64, _: u64, _: &mut Vec<u8>) -> Result<(), CloseReason> {
        Ok(())
    }

    fn reset_keep_alive(&mut self, _: u64) {}

    fn write_close(&mut self, _: &CloseReason, _: &mut Vec<u8>) {}
}

#[test]
fn an_incomplete_message_has_a_deadline() {
    let mut inbound = inbound(Tens);
    let mut cycle = ReadCycle::default();
    let mut receive = |inbound: &mut Inbound<_, _>, bytes: usize, now_ms| {
        cycle.now_ms = now_ms;
        inbound.protocol_bytes(&vec![b'x'; bytes], &mut cycle)
    };
    let mut out = Vec::new();
    assert_eq!(receive(&mut inbound, 20, 1_000), Ok(()));
    assert_eq!(inbound.deadline(), None, "nothing is incomplete");
    assert_eq!(receive(&mut inbound, 3, 1_000), Ok(()));
    assert_eq!(
        inbound.deadline(),
        Some(31_003),
        "a millisecond for each byte"
    );
    assert_eq!(receive(&mut inbound, 1, 20_000), Ok(()));
    assert_eq!(
        inbound.deadline(),
        Some(31_004),
        "one byte adds one millisecond"
    );
    assert_eq!(receive(&mut inbound, 7, 21_000), Ok(()));
    assert_eq!(
        inbound.deadline(),
        Some(51_001),
        "the next message has its own time"
    );
    assert_eq!(inbound.on_deadline(51_000, 0, &mut out), Ok(()));
    inbound.restart_incomplete_time(51_000);
    assert_eq!(inbound.on_deadline(51_001, 0, &mut out), Ok(()));
    let ended = inbound.on_deadline(81_001, 0, &mut out);
    assert_eq!(ended, Err(CloseReason::MessageTooSlow));
    assert_eq!(receive(&mut inbound, 9, 81_001), Ok(()));
    assert_eq!(inbound.deadline(), None, "the message is complete");
}

#[test]
fn a_short_remainder_does_not_keep_the_capacity_of_a_large_message() {
    let mut inbound = inbound(Tens);
    for bytes in [9, 100_000] {
        let taken = inbound.protocol_bytes(&vec![b'x'; bytes], &mut ReadCycle::default());
        assert_eq!(taken, Ok(()));
    }
    assert_eq!(inbound.unread.len(), 9);
    assert!(inbound.unread.capacity() < 1_000);
}
