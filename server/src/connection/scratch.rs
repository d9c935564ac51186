//! The memory that a thread reuses for its connections, so that a connection at rest needs none and a read or write
//! allocates nothing.
//!
//! | field | user | content | kept afterwards |
//! |---|---|---|---|
//! | `input` | `task.rs`, one read | the bytes of one read | 64 KiB |
//! | `cycle` | `task.rs`, one read cycle | the publications and replies of one read | the lists of one read, 64 KiB of replies |
//! | `round` | `outbound.rs`, one round | the deliveries encoded for one write | 256 KiB |
//! | `packet` | MQTT's encoder, one delivery | a packet that is not stored in its entry | 64 KiB |
//!
//! The uses are nested: a read contains a read cycle, a cycle contains rounds of this connection and of others, and a
//! round contains packets. So each field has its own cell. The user takes the value out and puts it back empty; if the
//! user panics, the value is lost, and the next user gets a new one.
//!
//! Other modules keep what is theirs alone: `tls` the encrypted bytes of one read, the encoders of STOMP and MQTT the last
//! name that they wrote.

use std::cell::Cell;

use super::{ReadCycle, outbound::Round};

/// The memory of one thread.
#[derive(Default)]
pub struct Scratch {
    pub(super) input: Cell<Vec<u8>>,
    pub(super) cycle: Cell<ReadCycle>,
    pub(super) round: Cell<Round>,
    /// A packet for one delivery.
    pub packet: Cell<Vec<u8>>,
}

impl Scratch {
    /// Lends one of the thread's fields to `act`.
    pub fn lend<T: Default, R>(
        field: impl FnOnce(&Self) -> &Cell<T>,
        act: impl FnOnce(&mut T) -> R,
    ) -> R {
        SCRATCH.with(|scratch| {
            let cell = field(scratch);
            let mut value = cell.take();
            let result = act(&mut value);
            cell.set(value);
            result
        })
    }
}

thread_local! {
    static SCRATCH: Scratch = Scratch::default();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_nested_use_of_a_field_gets_an_empty_value_and_the_outer_one_is_kept() {
        Scratch::lend(
            |scratch| &scratch.packet,
            |outer| {
                outer.push(1);
                Scratch::lend(|scratch| &scratch.packet, |inner| assert!(inner.is_empty()));
            },
        );
        Scratch::lend(|scratch| &scratch.packet, |packet| assert_eq!(packet, &[1]));
    }

    #[test]
    fn a_value_is_lost_if_its_user_panics() {
        let panicked = std::panic::catch_unwind(|| {
            Scratch::lend(
                |scratch| &scratch.packet,
                |packet| {
                    packet.push(1);
                    panic!("the user panics");
                },
            )
        });
        assert!(panicked.is_err());
        Scratch::lend(
            |scratch| &scratch.packet,
            |packet| assert!(packet.is_empty()),
        );
    }
}
