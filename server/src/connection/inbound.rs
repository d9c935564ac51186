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
    /// Bytes of the protocol: part of a message.
    unread: Vec<u8>,
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
        if self.unread.is_empty() {
            let used = self.protocol.receive(bytes, turn)?;
            self.unread.extend_from_slice(&bytes[used..]);
            return Ok(());
        }
        self.unread.extend_from_slice(bytes);
        let used = self.protocol.receive(&self.unread, turn)?;
        if used == self.unread.len() {
            self.unread = Vec::new();
        } else {
            self.unread.drain(..used);
        }
        Ok(())
    }
}
