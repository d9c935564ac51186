//! Received publications of QoS 1 and 2 that are not complete: 5.0, 4.3.2, 4.3.3 and 4.9,
//! receiver's side. QoS 2 uses method B (figure 4.3): a message is forwarded when it arrives, and
//! its identifier is remembered until PUBREL.

use std::collections::VecDeque;

use super::super::{PacketId, QosDelivery};

/// The identifiers of QoS 2 that were received and not released, and the number of unanswered
/// messages of QoS 1.
///
/// Their total is bounded by this side's Receive Maximum. Identifiers of QoS 2 outlive a connection
/// ([`resume`](Self::resume)) and do not count on the next one, where the peer's quota begins anew
/// (4.9). A peer that resends in the required order never has more of them than one maximum.
#[derive(Clone, Debug)]
pub struct Incoming {
    /// In the order of arrival, so that the next to be released is usually at the front.
    unreleased: VecDeque<PacketId>,
    /// The number of identifiers, at the front, from an earlier connection.
    earlier: usize,
    unanswered: usize,
    maximum: u16,
}

/// The result of receiving a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arrival {
    /// A new message: forward it.
    New,
    /// The message was received before. It "MUST NOT cause duplicate messages to be delivered"
    /// ([MQTT-4.3.3-10]): only send the answer.
    Duplicate,
}

/// The peer has more incomplete messages of QoS 1 and 2 than the Receive Maximum that it was sent
/// ([MQTT-3.3.4-7], [MQTT-3.3.4-9]): reason code 0x93.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there are more than {maximum} publications of QoS 1 and 2 at once")]
pub struct Exceeded {
    /// The Receive Maximum.
    pub maximum: u16,
}

impl Incoming {
    /// Number of unreleased identifiers that are always kept when a session continues.
    pub const KEPT: usize = 1024;

    /// Creates an empty window. `receive_maximum` is the value sent to the peer; 0 counts as 1.
    /// Before 5.0 no value is sent: use 65,535, the number of identifiers.
    pub fn new(receive_maximum: u16) -> Self {
        Self {
            unreleased: VecDeque::new(),
            earlier: 0,
            unanswered: 0,
            maximum: receive_maximum.max(1),
        }
    }

    /// Creates a window of an earlier run, with the identifiers that [`unreleased`](Self::unreleased) returned.
    pub fn restored(unreleased: impl Iterator<Item = PacketId>) -> Self {
        let mut window = Self::new(u16::MAX);
        window.unreleased.extend(unreleased);
        window
    }

    /// Returns the identifiers of QoS 2 that were received and not released, in the order of arrival.
    pub fn unreleased(&self) -> impl Iterator<Item = PacketId> {
        self.unreleased.iter().copied()
    }

    /// Records a message of any QoS.
    ///
    /// # Errors
    ///
    /// The Receive Maximum is exceeded.
    #[inline]
    pub fn publish(&mut self, delivery: QosDelivery) -> Result<Arrival, Exceeded> {
        match delivery {
            QosDelivery::AtMostOnce => Ok(Arrival::New),
            QosDelivery::AtLeastOnce(..) => self.at_least_once().map(|()| Arrival::New),
            QosDelivery::ExactlyOnce(id, _) => self.exactly_once(id),
        }
    }

    /// Records a message of QoS 1; it is new whatever its identifier is ([MQTT-4.3.2-5]).
    ///
    /// # Errors
    ///
    /// The Receive Maximum is exceeded.
    #[inline]
    pub fn at_least_once(&mut self) -> Result<(), Exceeded> {
        self.check()?;
        self.unanswered += 1;
        Ok(())
    }

    /// Records a message of QoS 2.
    ///
    /// # Errors
    ///
    /// The Receive Maximum is exceeded.
    #[inline]
    pub fn exactly_once(&mut self, id: PacketId) -> Result<Arrival, Exceeded> {
        if self.contains(id) {
            return Ok(Arrival::Duplicate);
        }
        self.check()?;
        self.unreleased.push_back(id);
        Ok(Arrival::New)
    }

    /// Records that PUBACK was sent.
    #[inline]
    pub const fn answered(&mut self) {
        self.unanswered = self.unanswered.saturating_sub(1);
    }

    /// Frees an identifier after PUBREL, or after PUBREC refused the message ([MQTT-4.3.3-9]): the
    /// next message with it is a new one ([MQTT-4.3.3-12]). Returns true if it was in use.
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

    /// Starts a new connection of the same session. Unreleased identifiers are kept; if there are
    /// more than `receive_maximum` and [`KEPT`](Self::KEPT), the oldest are dropped.
    pub fn resume(&mut self, receive_maximum: u16) {
        self.maximum = receive_maximum.max(1);
        let most = Self::KEPT.max(self.maximum.into());
        let too_many = self.unreleased.len().saturating_sub(most);
        self.unreleased.drain(..too_many);
        self.earlier = self.unreleased.len();
        self.unanswered = 0;
    }

    /// Returns the maximum number of incomplete messages.
    pub const fn maximum(&self) -> u16 {
        self.maximum
    }

    /// Returns the number of incomplete messages.
    pub fn len(&self) -> usize {
        self.unreleased.len() + self.unanswered
    }

    /// Returns true if no message is incomplete.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Frees unused memory, for example when the client has disconnected.
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

    /// A peer that counts its identifiers up almost never sends a duplicate, so all identifiers are
    /// compared: in chunks without branches, which take some nanoseconds each.
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
