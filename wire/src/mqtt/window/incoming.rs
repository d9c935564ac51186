//! What is received with QoS 1 and 2 and not done with: 5.0, 4.3.2, 4.3.3 and 4.9, the receiver's
//! side. Of QoS 2 it is method B (figure 4.3): a message is passed on when it arrives, and its
//! identifier remembered until PUBREL.

use std::collections::VecDeque;

use super::super::{Delivery, PacketId};

/// Packet identifiers of QoS 2 that were received and not released, and the number of messages of
/// QoS 1 that are not answered.
///
/// Together they are no more than the own Receive Maximum. Those of QoS 2 outlive a connection
/// ([`resume`](Self::resume)), and do not count on the next one: the peer's quota begins anew there
/// (4.9). A peer that keeps to the order of resending has never more of them than one maximum.
#[derive(Clone, Debug)]
pub struct Incoming {
    /// In the order of arrival, so that those to be released are found at the front.
    unreleased: VecDeque<PacketId>,
    /// How many of them are of an earlier connection: those at the front.
    earlier: usize,
    unanswered: usize,
    maximum: u16,
}

/// Whether a message is to be passed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arrival {
    New,
    /// It has been received before. It "MUST NOT cause duplicate messages to be delivered"
    /// ([MQTT-4.3.3-10]): only the answer is due.
    Duplicate,
}

/// More messages of QoS 1 and 2 are in progress than the Receive Maximum that the peer was told
/// ([MQTT-3.3.4-7], [MQTT-3.3.4-9]): reason code 0x93.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there are more than {maximum} publications of QoS 1 and 2 at once")]
pub struct Exceeded {
    pub maximum: u16,
}

impl Incoming {
    /// How many unreleased identifiers are kept in any case when a session goes on.
    pub const KEPT: usize = 1024;

    /// `receive_maximum` is what the peer was told; 0 counts as 1. Before 5.0 nobody is told: it is
    /// 65,535, as many as there are identifiers.
    pub fn new(receive_maximum: u16) -> Self {
        Self {
            unreleased: VecDeque::new(),
            earlier: 0,
            unanswered: 0,
            maximum: receive_maximum.max(1),
        }
    }

    /// A message has arrived, of any QoS.
    ///
    /// # Errors
    ///
    /// There are too many.
    #[inline]
    pub fn publish(&mut self, delivery: Delivery) -> Result<Arrival, Exceeded> {
        match delivery {
            Delivery::AtMostOnce => Ok(Arrival::New),
            Delivery::AtLeastOnce(..) => self.at_least_once().map(|()| Arrival::New),
            Delivery::ExactlyOnce(id, _) => self.exactly_once(id),
        }
    }

    /// A message of QoS 1 has arrived; it is new whatever its identifier is ([MQTT-4.3.2-5]).
    ///
    /// # Errors
    ///
    /// There are too many.
    #[inline]
    pub fn at_least_once(&mut self) -> Result<(), Exceeded> {
        self.check()?;
        self.unanswered += 1;
        Ok(())
    }

    /// A message of QoS 2 has arrived.
    ///
    /// # Errors
    ///
    /// There are too many.
    #[inline]
    pub fn exactly_once(&mut self, id: PacketId) -> Result<Arrival, Exceeded> {
        if self.contains(id) {
            return Ok(Arrival::Duplicate);
        }
        self.check()?;
        self.unreleased.push_back(id);
        Ok(Arrival::New)
    }

    /// PUBACK is sent.
    #[inline]
    pub const fn answered(&mut self) {
        self.unanswered = self.unanswered.saturating_sub(1);
    }

    /// PUBREL has arrived, or the message was refused by PUBREC ([MQTT-4.3.3-9]): the identifier is
    /// free, and the next message with it is a new one ([MQTT-4.3.3-12]). Tells whether it was in
    /// use.
    pub fn release(&mut self, id: PacketId) -> bool {
        let Some(index) = self.unreleased.iter().position(|&other| other == id) else {
            return false;
        };
        self.unreleased.remove(index);
        if index < self.earlier {
            self.earlier -= 1;
        }
        true
    }

    /// A new connection of the same session. What is unreleased stays so; of more than
    /// `receive_maximum` and [`KEPT`](Self::KEPT) the oldest are forgotten.
    pub fn resume(&mut self, receive_maximum: u16) {
        self.maximum = receive_maximum.max(1);
        let most = Self::KEPT.max(self.maximum.into());
        let too_many = self.unreleased.len().saturating_sub(most);
        self.unreleased.drain(..too_many);
        self.earlier = self.unreleased.len();
        self.unanswered = 0;
    }

    /// Of messages at once.
    pub const fn maximum(&self) -> u16 {
        self.maximum
    }

    /// Messages that are not done with.
    pub fn len(&self) -> usize {
        self.unreleased.len() + self.unanswered
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Gives back memory that is not in use, such as when the client is gone.
    pub fn shrink(&mut self) {
        self.unreleased.shrink_to_fit();
    }

    fn check(&self) -> Result<(), Exceeded> {
        let maximum = self.maximum;
        match self.len() - self.earlier < usize::from(maximum) {
            true => Ok(()),
            false => Err(Exceeded { maximum }),
        }
    }

    /// A peer that counts its identifiers up is nearly never found out, so all of them are looked at:
    /// in pieces without branches, which take some nanoseconds each.
    fn contains(&self, id: PacketId) -> bool {
        const PIECE: usize = 32;
        let (front, back) = self.unreleased.as_slices();
        let mut pieces = front.chunks(PIECE).chain(back.chunks(PIECE));
        pieces.any(|piece| {
            piece
                .iter()
                .fold(false, |found, &other| found | (other == id))
        })
    }
}
