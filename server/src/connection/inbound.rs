//! The receiving side of a connection: bytes out of the framing and into the protocol.

use std::task::{Context, Poll};

use super::{
    CloseReason, Framing, MessageType, Protocol, ReadCycle, Received,
    framing::{Answer, Unwrapped},
};
use crate::partial_input::{Share, time_for};

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
    pub message_type: Option<MessageType>,
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
    ) -> Result<(), CloseReason> {
        self.protocol.on_deadline(now_ms, last_sent_ms, out)?;
        match self.overdue_at() {
            Some(at) if at <= now_ms => Err(CloseReason::Unfinished),
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
    pub fn poll_evicted(&mut self, context: &mut Context<'_>) -> Poll<CloseReason> {
        if self.share.poll_lost(context).is_ready() {
            return Poll::Ready(CloseReason::GaveWay);
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
    pub fn go_on(
        &mut self,
        cycle: &mut ReadCycle,
        answers: &mut Answers,
    ) -> Result<(), CloseReason> {
        self.is_behind = false;
        if !self.unread.is_empty() {
            self.protocol_bytes(&[], cycle)?;
        }
        match std::mem::take(&mut self.unframed) {
            unframed if unframed.is_empty() || self.is_behind => {
                self.unframed = unframed;
                Ok(())
            }
            mut unframed => self.receive(&mut unframed, cycle, answers),
        }
    }

    /// Keeps bytes of the framing for when more come.
    pub fn keep_unframed(&mut self, bytes: &[u8]) {
        self.unframed.extend_from_slice(bytes);
    }

    /// Puts what is left of the framing in front of what will be read; tells how much it is.
    pub fn take_unframed(&mut self, buffer: &mut [u8]) -> usize {
        let saved = std::mem::take(&mut self.unframed);
        buffer[..saved.len()].copy_from_slice(&saved);
        saved.len()
    }

    /// Takes in what was read before the connection began.
    pub fn begin(
        &mut self,
        received: Received,
        cycle: &mut ReadCycle,
        answers: &mut Answers,
    ) -> Result<(), CloseReason> {
        let Received {
            unread,
            mut unframed,
            message_type,
        } = received;
        if message_type == Some(MessageType::Text) && P::IS_BINARY {
            return Err(CloseReason::Text);
        }
        answers.message_type = message_type;
        if !unread.is_empty() {
            self.protocol_bytes(&unread, cycle)?;
        }
        self.receive(&mut unframed, cycle, answers)
    }

    /// Takes in what was read. What was understood before a fault counts.
    pub fn receive(
        &mut self,
        input: &mut [u8],
        cycle: &mut ReadCycle,
        answers: &mut Answers,
    ) -> Result<(), CloseReason> {
        let mut at = 0;
        while cycle.has_time()
            && let Some((unwrapped, used)) = self.framing.unwrap(&mut input[at..])?
        {
            at += used;
            match unwrapped {
                Unwrapped::Data(MessageType::Text, _) if P::IS_BINARY => {
                    return Err(CloseReason::Text);
                }
                Unwrapped::Data(message_type, bytes) => {
                    answers.message_type = Some(message_type);
                    self.protocol_bytes(bytes, cycle)?;
                }
                Unwrapped::Ping(payload) => F::answer(Answer::Pong(payload), &mut answers.control),
                Unwrapped::Close => return Err(CloseReason::ByPeer),
                Unwrapped::Nothing => {}
            }
        }
        self.unframed.extend_from_slice(&input[at..]);
        self.is_behind |= cycle.is_over() && at < input.len();
        Ok(())
    }

    fn protocol_bytes(&mut self, bytes: &[u8], cycle: &mut ReadCycle) -> Result<(), CloseReason> {
        if self.is_behind {
            // Behind what the turn has no time for.
            self.unread.extend_from_slice(bytes);
            return Ok(());
        }
        let used = if self.unread.is_empty() {
            let used = self.protocol.receive(bytes, cycle)?;
            self.unread.extend_from_slice(&bytes[used..]);
            used
        } else {
            self.unread.extend_from_slice(bytes);
            let used = self.protocol.receive(&self.unread, cycle)?;
            self.drop_read(used);
            used
        };
        self.is_behind = cycle.is_over();
        self.note_unfinished(used, cycle.now_ms);
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
        partial_input::Unfinished,
    };

    const BUDGET: usize = 1 << 20;

    /// A protocol whose requests are one byte each, and take long.
    #[derive(Default)]
    struct Slow {
        taken: Vec<u8>,
    }

    struct Mute;

    impl Encoder for Mute {
        fn encode(&mut self, _: &Delivery<'_>, _: &mut Vec<u8>) -> MessageType {
            MessageType::Binary
        }
    }

    impl Protocol for Slow {
        type Encoder = Mute;

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
        Inbound::new(framing, protocol, Share::new(Unfinished::new(BUDGET)))
    }

    #[test]
    fn what_a_turn_has_no_time_for_comes_in_the_next_in_order() {
        let mut inbound = inbound(Slow::default());
        let mut answers = Answers::default();
        let taken = inbound.receive(&mut b"abc".to_vec(), &mut ReadCycle::late(), &mut answers);
        assert_eq!(taken, Ok(()));
        assert_eq!(inbound.protocol.taken, b"a");
        let turns = iter::from_fn(|| {
            let is_behind = inbound.is_behind();
            is_behind.then(|| inbound.go_on(&mut ReadCycle::late(), &mut answers))
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
        let taken = inbound.receive(&mut frames, &mut ReadCycle::late(), &mut answers);
        assert_eq!(taken, Ok(()));
        assert!(inbound.is_behind() && inbound.protocol.taken.len() < 50);
        while inbound.is_behind() {
            assert_eq!(inbound.go_on(&mut ReadCycle::late(), &mut answers), Ok(()));
        }
        assert_eq!(inbound.protocol.taken, bytes);
        assert!(inbound.unread.is_empty() && inbound.unframed.is_empty());
    }

    #[test]
    fn what_comes_behind_it_waits_too() {
        let mut inbound = inbound(Slow::default());
        for bytes in [b"ab", b"cd"] {
            let taken = inbound.protocol_bytes(bytes, &mut ReadCycle::late());
            assert_eq!(taken, Ok(()));
        }
        assert_eq!(inbound.protocol.taken, b"a");
        assert_eq!(
            inbound.go_on(&mut ReadCycle::default(), &mut Answers::default()),
            Ok(())
        );
        assert_eq!(inbound.protocol.taken, b"abcd");
        assert!(!inbound.is_behind());
    }

    /// A protocol whose messages have ten bytes.
    struct Tens;

    impl Protocol for Tens {
        type Encoder = Mute;

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
    fn a_message_that_is_begun_has_to_be_finished() {
        let mut inbound = inbound(Tens);
        let mut cycle = ReadCycle::default();
        let mut receive = |inbound: &mut Inbound<_, _>, bytes: usize, now_ms| {
            cycle.now_ms = now_ms;
            inbound.protocol_bytes(&vec![b'x'; bytes], &mut cycle)
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
        assert_eq!(ended, Err(CloseReason::Unfinished));
        assert_eq!(receive(&mut inbound, 9, 81_001), Ok(()));
        assert_eq!(inbound.deadline(), None, "it is whole");
    }

    #[test]
    fn a_small_rest_does_not_keep_the_room_of_a_large_message() {
        let mut inbound = inbound(Tens);
        for bytes in [9, 100_000] {
            let taken = inbound.protocol_bytes(&vec![b'x'; bytes], &mut ReadCycle::default());
            assert_eq!(taken, Ok(()));
        }
        assert_eq!(inbound.unread.len(), 9);
        assert!(inbound.unread.capacity() < 1_000);
    }
}
