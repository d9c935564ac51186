//! The receiving side of a connection: bytes out of the framing and into the protocol.

use super::{
    Ending, Framing, Kind, Protocol, Received, Turn,
    framing::{Answer, Unwrapped},
};

/// The receiving side. What is incomplete is kept here, and nothing else.
pub struct Inbound<F, P> {
    framing: F,
    pub protocol: P,
    /// Bytes of the framing: part of a header.
    unframed: Vec<u8>,
    /// Bytes of the protocol: part of a message, or what a turn had no time for.
    unread: Vec<u8>,
    /// Whether the last turn had no time for them.
    is_behind: bool,
}

/// What a turn gathers besides the protocol's replies.
#[derive(Default)]
pub struct Answers {
    /// How the peer writes.
    pub kind: Option<Kind>,
    /// Framed answers to pings.
    pub control: Vec<u8>,
}

impl<F: Framing, P: Protocol> Inbound<F, P> {
    pub fn new(framing: F, protocol: P) -> Self {
        Self {
            framing,
            protocol,
            unframed: Vec::new(),
            unread: Vec::new(),
            is_behind: false,
        }
    }

    /// Whether there is something to [go on](Self::go_on) with.
    pub const fn is_behind(&self) -> bool {
        self.is_behind
    }

    /// Takes in what the last turn had no time for.
    pub fn go_on(&mut self, turn: &mut Turn) -> Result<(), Ending> {
        self.is_behind = false;
        self.protocol_bytes(&[], turn)
    }

    /// Keeps bytes of the framing for when more come.
    pub fn keep_unframed(&mut self, bytes: &[u8]) {
        self.unframed.extend_from_slice(bytes);
    }

    /// Puts what is left of the framing in front of what will be read; tells how much it is.
    pub fn take_unframed(&mut self, buffer: &mut [u8]) -> usize {
        let kept = std::mem::take(&mut self.unframed);
        buffer[..kept.len()].copy_from_slice(&kept);
        kept.len()
    }

    /// Takes in what was read before the connection began.
    pub fn begin(
        &mut self,
        received: Received,
        turn: &mut Turn,
        answers: &mut Answers,
    ) -> Result<(), Ending> {
        let Received {
            unread,
            mut unframed,
            kind,
        } = received;
        if kind == Some(Kind::Text) && P::IS_BINARY {
            return Err(Ending::Text);
        }
        answers.kind = kind;
        if !unread.is_empty() {
            self.protocol_bytes(&unread, turn)?;
        }
        self.receive(&mut unframed, turn, answers)
    }

    /// Takes in what was read. What was understood before a fault counts.
    pub fn receive(
        &mut self,
        input: &mut [u8],
        turn: &mut Turn,
        answers: &mut Answers,
    ) -> Result<(), Ending> {
        let mut at = 0;
        while let Some((unwrapped, used)) = self.framing.unwrap(&mut input[at..])? {
            at += used;
            match unwrapped {
                Unwrapped::Data(Kind::Text, _) if P::IS_BINARY => return Err(Ending::Text),
                Unwrapped::Data(kind, bytes) => {
                    answers.kind = Some(kind);
                    self.protocol_bytes(bytes, turn)?;
                }
                Unwrapped::Ping(payload) => F::answer(Answer::Pong(payload), &mut answers.control),
                Unwrapped::Close => return Err(Ending::ByPeer),
                Unwrapped::Nothing => {}
            }
        }
        self.unframed.extend_from_slice(&input[at..]);
        Ok(())
    }

    fn protocol_bytes(&mut self, bytes: &[u8], turn: &mut Turn) -> Result<(), Ending> {
        if self.is_behind {
            // Behind what the turn has no time for.
            self.unread.extend_from_slice(bytes);
            return Ok(());
        }
        if self.unread.is_empty() {
            let used = self.protocol.receive(bytes, turn)?;
            self.is_behind = turn.is_over();
            self.unread.extend_from_slice(&bytes[used..]);
            return Ok(());
        }
        self.unread.extend_from_slice(bytes);
        let used = self.protocol.receive(&self.unread, turn)?;
        self.is_behind = turn.is_over();
        if used == self.unread.len() {
            self.unread = Vec::new();
        } else {
            self.unread.drain(..used);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::iter;

    use broker::Delivery;

    use super::*;
    use crate::connection::{Encoder, Stream};

    /// A protocol whose requests are one byte each, and take long.
    #[derive(Default)]
    struct Slow {
        taken: Vec<u8>,
    }

    struct Mute;

    impl Encoder for Mute {
        fn encode(&mut self, _: &Delivery<'_>, _: &mut Vec<u8>) -> Kind {
            Kind::Binary
        }
    }

    impl Protocol for Slow {
        type Encoder = Mute;

        fn receive(&mut self, input: &[u8], turn: &mut Turn) -> Result<usize, Ending> {
            let mut at = 0;
            while !turn.is_over() && at < input.len() {
                self.taken.push(input[at]);
                at += 1;
                turn.check_time();
            }
            Ok(at)
        }

        fn finish(&mut self, _: &mut Turn) -> Result<(), Ending> {
            Ok(())
        }

        fn deadline(&self) -> Option<u64> {
            None
        }

        fn on_deadline(&mut self, _: u64, _: u64, _: &mut Vec<u8>) -> Result<(), Ending> {
            Ok(())
        }

        fn excuse(&mut self, _: u64) {}

        fn dismiss(&mut self, _: &Ending, _: &mut Vec<u8>) {}
    }

    #[test]
    fn what_a_turn_has_no_time_for_comes_in_the_next_in_order() {
        let mut inbound = Inbound::new(Stream, Slow::default());
        let mut answers = Answers::default();
        let taken = inbound.receive(&mut b"abc".to_vec(), &mut Turn::late(), &mut answers);
        assert_eq!(taken, Ok(()));
        assert_eq!(inbound.protocol.taken, b"a");
        let turns = iter::from_fn(|| {
            let is_behind = inbound.is_behind();
            is_behind.then(|| inbound.go_on(&mut Turn::late()))
        });
        assert_eq!(turns.collect::<Vec<_>>(), [Ok(()), Ok(()), Ok(())]);
        assert_eq!(inbound.protocol.taken, b"abc");
        assert!(inbound.unread.is_empty());
    }

    #[test]
    fn what_comes_behind_it_waits_too() {
        let mut inbound = Inbound::new(Stream, Slow::default());
        for bytes in [b"ab", b"cd"] {
            let taken = inbound.protocol_bytes(bytes, &mut Turn::late());
            assert_eq!(taken, Ok(()));
        }
        assert_eq!(inbound.protocol.taken, b"a");
        assert_eq!(inbound.go_on(&mut Turn::default()), Ok(()));
        assert_eq!(inbound.protocol.taken, b"abcd");
        assert!(!inbound.is_behind());
    }
}
