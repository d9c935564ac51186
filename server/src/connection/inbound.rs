//! The receiving side of a connection: bytes out of the framing and into the protocol.

use std::task::{Context, Poll};

use super::{
    Ending, Framing, Kind, Protocol, Received, Turn,
    framing::{Answer, Unwrapped},
};
use crate::unfinished::{Share, time_for};

/// The receiving side. What is incomplete is kept here, and nothing else.
pub struct Inbound<F, P> {
    framing: F,
    pub protocol: P,
    /// Bytes of the framing: part of a header, or what a turn had no time for.
    unframed: Vec<u8>,
    /// Bytes of the protocol: part of a message, or what a turn had no time for.
    unread: Vec<u8>,
    /// Whether the last turn had no time for them.
    is_behind: bool,
    /// When part of a message was left that the peer has to finish, in milliseconds of the server's clock.
    unfinished_since_ms: Option<u64>,
    share: Share,
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
    pub fn new(framing: F, protocol: P, share: Share) -> Self {
        Self {
            framing,
            protocol,
            unframed: Vec::new(),
            unread: Vec::new(),
            is_behind: false,
            unfinished_since_ms: None,
            share,
        }
    }

    /// When the connection has something to do: the protocol's deadline, or the end of the time for a message that
    /// the peer has begun.
    pub fn deadline(&self) -> Option<u64> {
        let protocols = self.protocol.deadline();
        protocols.into_iter().chain(self.overdue_at()).min()
    }

    /// Does what is due.
    ///
    /// # Errors
    /// The connection is to be ended.
    pub fn on_deadline(
        &mut self,
        now_ms: u64,
        last_sent_ms: u64,
        out: &mut Vec<u8>,
    ) -> Result<(), Ending> {
        self.protocol.on_deadline(now_ms, last_sent_ms, out)?;
        match self.overdue_at() {
            Some(at) if at <= now_ms => Err(Ending::Unfinished),
            _ => Ok(()),
        }
    }

    /// Gives the peer its whole time again for the message that it has begun: it is not read from for now.
    pub fn excuse_unfinished(&mut self, now_ms: u64) {
        if self.unfinished_since_ms.is_some() {
            self.unfinished_since_ms = Some(now_ms);
        }
    }

    /// Ready when somebody else wants the connection ended.
    pub fn poll_evicted(&mut self, context: &mut Context<'_>) -> Poll<Ending> {
        if self.share.poll_lost(context).is_ready() {
            return Poll::Ready(Ending::GaveWay);
        }
        self.protocol.poll_evicted(context)
    }

    fn overdue_at(&self) -> Option<u64> {
        let since_ms = self.unfinished_since_ms?;
        let time = time_for(self.unread.len()).as_millis();
        Some(since_ms.saturating_add(u64::try_from(time).unwrap_or(u64::MAX)))
    }

    /// Whether there is something to [go on](Self::go_on) with.
    pub const fn is_behind(&self) -> bool {
        self.is_behind
    }

    /// Takes in what the last turn had no time for.
    pub fn go_on(&mut self, turn: &mut Turn, answers: &mut Answers) -> Result<(), Ending> {
        self.is_behind = false;
        if !self.unread.is_empty() {
            self.protocol_bytes(&[], turn)?;
        }
        match std::mem::take(&mut self.unframed) {
            unframed if unframed.is_empty() || self.is_behind => {
                self.unframed = unframed;
                Ok(())
            }
            mut unframed => self.receive(&mut unframed, turn, answers),
        }
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
        while turn.has_time()
            && let Some((unwrapped, used)) = self.framing.unwrap(&mut input[at..])?
        {
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
        self.is_behind |= turn.is_over() && at < input.len();
        Ok(())
    }

    fn protocol_bytes(&mut self, bytes: &[u8], turn: &mut Turn) -> Result<(), Ending> {
        if self.is_behind {
            // Behind what the turn has no time for.
            self.unread.extend_from_slice(bytes);
            return Ok(());
        }
        let used = if self.unread.is_empty() {
            let used = self.protocol.receive(bytes, turn)?;
            self.unread.extend_from_slice(&bytes[used..]);
            used
        } else {
            self.unread.extend_from_slice(bytes);
            let used = self.protocol.receive(&self.unread, turn)?;
            self.drop_read(used);
            used
        };
        self.is_behind = turn.is_over();
        self.note_unfinished(used, turn.now_ms);
        Ok(())
    }

    fn drop_read(&mut self, used: usize) {
        if used == self.unread.len() {
            self.unread = Vec::new();
            return;
        }
        self.unread.drain(..used);
        // A small rest does not keep the room of a large message.
        if self.unread.len() < self.unread.capacity() / 4 {
            self.unread.shrink_to_fit();
        }
    }

    /// Counts what is left of a message that the peer has yet to finish. `used` bytes were of others before it.
    fn note_unfinished(&mut self, used: usize, now_ms: u64) {
        if used > 0 {
            self.unfinished_since_ms = None;
            self.share.release();
        }
        if self.unread.is_empty() || self.is_behind {
            self.unfinished_since_ms = None;
            return;
        }
        self.unfinished_since_ms.get_or_insert(now_ms);
        self.share.hold(self.unread.capacity());
    }
}

#[cfg(test)]
mod tests {
    use std::iter;

    use broker::Delivery;

    use super::*;
    use crate::{
        connection::{Encoder, Stream, WebSocket},
        unfinished::Unfinished,
    };

    const BUDGET: usize = 1 << 20;

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

    fn inbound<P: Protocol>(protocol: P) -> Inbound<Stream, P> {
        framed(Stream, protocol)
    }

    fn framed<F: Framing, P: Protocol>(framing: F, protocol: P) -> Inbound<F, P> {
        Inbound::new(framing, protocol, Share::new(Unfinished::new(BUDGET)))
    }

    #[test]
    fn what_a_turn_has_no_time_for_comes_in_the_next_in_order() {
        let mut inbound = inbound(Slow::default());
        let mut answers = Answers::default();
        let taken = inbound.receive(&mut b"abc".to_vec(), &mut Turn::late(), &mut answers);
        assert_eq!(taken, Ok(()));
        assert_eq!(inbound.protocol.taken, b"a");
        let turns = iter::from_fn(|| {
            let is_behind = inbound.is_behind();
            is_behind.then(|| inbound.go_on(&mut Turn::late(), &mut answers))
        });
        assert_eq!(turns.collect::<Vec<_>>(), [Ok(()), Ok(()), Ok(())]);
        assert_eq!(inbound.protocol.taken, b"abc");
        assert!(inbound.unread.is_empty());
    }

    #[test]
    fn frames_that_a_turn_has_no_time_for_come_in_the_next_in_order() {
        let mut inbound = framed(WebSocket::new(), Slow::default());
        let bytes: Vec<u8> = (0..100).collect();
        let frame = |byte: &u8| [0x82, 0x81, 0, 0, 0, 0, *byte];
        let mut frames: Vec<u8> = bytes.iter().flat_map(frame).collect();
        let mut answers = Answers::default();
        let taken = inbound.receive(&mut frames, &mut Turn::late(), &mut answers);
        assert_eq!(taken, Ok(()));
        assert!(inbound.is_behind() && inbound.protocol.taken.len() < 50);
        while inbound.is_behind() {
            assert_eq!(inbound.go_on(&mut Turn::late(), &mut answers), Ok(()));
        }
        assert_eq!(inbound.protocol.taken, bytes);
        assert!(inbound.unread.is_empty() && inbound.unframed.is_empty());
    }

    #[test]
    fn what_comes_behind_it_waits_too() {
        let mut inbound = inbound(Slow::default());
        for bytes in [b"ab", b"cd"] {
            let taken = inbound.protocol_bytes(bytes, &mut Turn::late());
            assert_eq!(taken, Ok(()));
        }
        assert_eq!(inbound.protocol.taken, b"a");
        assert_eq!(
            inbound.go_on(&mut Turn::default(), &mut Answers::default()),
            Ok(())
        );
        assert_eq!(inbound.protocol.taken, b"abcd");
        assert!(!inbound.is_behind());
    }

    /// A protocol whose messages have ten bytes.
    struct Tens;

    impl Protocol for Tens {
        type Encoder = Mute;

        fn receive(&mut self, input: &[u8], _: &mut Turn) -> Result<usize, Ending> {
            Ok(input.len() / 10 * 10)
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
    fn a_message_that_is_begun_has_to_be_finished() {
        let mut inbound = inbound(Tens);
        let mut turn = Turn::default();
        let mut receive = |inbound: &mut Inbound<_, _>, bytes: usize, now_ms| {
            turn.now_ms = now_ms;
            inbound.protocol_bytes(&vec![b'x'; bytes], &mut turn)
        };
        let mut out = Vec::new();
        assert_eq!(receive(&mut inbound, 20, 1_000), Ok(()));
        assert_eq!(inbound.deadline(), None, "nothing is begun");
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
            "a byte does not buy much time"
        );
        assert_eq!(receive(&mut inbound, 7, 21_000), Ok(()));
        assert_eq!(
            inbound.deadline(),
            Some(51_001),
            "the next message has its own time"
        );
        assert_eq!(inbound.on_deadline(51_000, 0, &mut out), Ok(()));
        inbound.excuse_unfinished(51_000);
        assert_eq!(inbound.on_deadline(51_001, 0, &mut out), Ok(()));
        let ended = inbound.on_deadline(81_001, 0, &mut out);
        assert_eq!(ended, Err(Ending::Unfinished));
        assert_eq!(receive(&mut inbound, 9, 81_001), Ok(()));
        assert_eq!(inbound.deadline(), None, "it is whole");
    }

    #[test]
    fn a_small_rest_does_not_keep_the_room_of_a_large_message() {
        let mut inbound = inbound(Tens);
        for bytes in [9, 100_000] {
            let taken = inbound.protocol_bytes(&vec![b'x'; bytes], &mut Turn::default());
            assert_eq!(taken, Ok(()));
        }
        assert_eq!(inbound.unread.len(), 9);
        assert!(inbound.unread.capacity() < 1_000);
    }
}
