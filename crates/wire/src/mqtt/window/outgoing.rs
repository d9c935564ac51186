//! Publications of QoS 1 and 2 that were sent and are not acknowledged: 5.0, 4.3.2, 4.3.3, 4.4 and
//! 4.9, sender's side.

use super::super::{Attempt, PacketId, PublishReason, QoS, QosDelivery};
use super::slots::{Slots, Unknown};

/// The window of messages in flight, oldest first. `T` is the data that the caller needs to send a
/// message again.
///
/// The number of messages in flight is bounded by the peer's Receive Maximum and an own maximum.
/// Identifiers are assigned in order. The distance between the oldest and the newest identifier in
/// use is at most [`SPAN`](Self::SPAN) times that bound, and at least
/// [`LEAST_SPAN`](Self::LEAST_SPAN) is allowed: a peer that acknowledges all messages except one
/// gets no more messages until it acknowledges that one. Nothing is allocated once the window has
/// reached its maximum width.
///
/// The window outlives a connection: [`resume`](Self::resume).
#[derive(Clone, Debug)]
pub struct Outgoing<T> {
    slots: Slots<Slot<T>>,
    /// Number of slots at the front that were sent on this connection; the messages after them were
    /// sent only on an earlier one.
    sent: usize,
    /// Number of messages among the `sent` slots.
    in_flight: usize,
    /// Number of all messages, sent on this connection or on an earlier one.
    messages: usize,
    maximum: u16,
}

#[derive(Clone, Debug)]
enum Slot<T> {
    /// PUBLISH waits for PUBACK or PUBREC.
    Published(QoS, T),
    /// PUBREL waits for PUBCOMP.
    Released,
    /// SUBSCRIBE or UNSUBSCRIBE waits for its answer.
    Reserved,
}

/// The effect of PUBREC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Received<T> {
    /// The peer has received the message; send PUBREL ([MQTT-4.3.3-4]).
    First(T),
    /// A repeated PUBREC; send PUBREL again.
    Again,
    /// The peer refused the message (no PUBREL then, [MQTT-4.3.3-4]); the identifier is free. None
    /// if an earlier PUBREC already accepted the message.
    Refused(Option<T>),
}

/// A packet that a continued session sends again: "MUST resend any unacknowledged PUBLISH packets
/// (where QoS > 0) and PUBREL packets using their original Packet Identifiers" ([MQTT-4.4.0-1]).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resend<'a, T> {
    /// PUBLISH with DUP ([MQTT-3.3.1-1]).
    Publish(QosDelivery, &'a T),
    /// PUBREL: "MUST NOT re-send the PUBLISH once it has sent the corresponding PUBREL"
    /// ([MQTT-4.3.3-6]).
    Release(PacketId),
}

impl<T> Outgoing<T> {
    /// Maximum distance of identifiers in use, as a multiple of the bound on messages in flight.
    pub const SPAN: usize = 16;
    /// Distance of identifiers in use that is always allowed.
    pub const LEAST_SPAN: usize = 1024;

    /// Creates an empty window. `receive_maximum` is the peer's, 65,535 if it sent none;
    /// `own_maximum` is this side's bound. 0 counts as 1.
    pub fn new(receive_maximum: u16, own_maximum: u16) -> Self {
        Self {
            slots: Slots::new(),
            sent: 0,
            in_flight: 0,
            messages: 0,
            maximum: least(receive_maximum, own_maximum),
        }
    }

    /// Returns true if another message may be sent: no more than the peer's Receive Maximum
    /// ([MQTT-3.3.4-9], [MQTT-4.9.0-2]), and none before the messages that have to be sent again
    /// ([MQTT-4.6.0-1]).
    #[inline]
    pub fn has_room(&self) -> bool {
        !self.has_resend() && self.has_quota() && self.has_span()
    }

    /// Assigns an unused identifier to a message ([MQTT-2.2.1-3], [MQTT-2.2.1-4]) and keeps the
    /// data for sending it again until it is acknowledged. A message of QoS 0 is not kept.
    ///
    /// # Errors
    ///
    /// There is no [room](Self::has_room); the message is returned.
    #[inline]
    pub fn push(&mut self, qos: QoS, message: T) -> Result<QosDelivery, T> {
        if qos == QoS::AtMostOnce {
            return Ok(QosDelivery::AtMostOnce);
        }
        if !self.has_room() {
            return Err(message);
        }
        let id = self.slots.push(Slot::Published(qos, message));
        self.sent = self.slots.len();
        self.in_flight += 1;
        self.messages += 1;
        Ok(delivery(qos, id, Attempt::First))
    }

    /// Handles PUBACK with any reason: a message of QoS 1 is complete ([MQTT-4.3.2-3]).
    ///
    /// # Errors
    ///
    /// No such message is in flight.
    #[inline]
    pub fn puback(&mut self, id: PacketId) -> Result<T, Unknown> {
        match self.slots.find(id)? {
            (index, Slot::Published(QoS::AtLeastOnce, _)) => self.take(index).ok_or(Unknown(id)),
            _ => Err(Unknown(id)),
        }
    }

    /// Handles PUBREC: a refused message is complete; otherwise the message is returned and PUBREL
    /// has to be sent.
    ///
    /// # Errors
    ///
    /// No such message is in flight. In 5.0 the answer is a PUBREL with
    /// [`PacketIdentifierNotFound`](super::super::ReleaseReason::PacketIdentifierNotFound).
    pub fn pubrec(&mut self, id: PacketId, reason: PublishReason) -> Result<Received<T>, Unknown> {
        let (index, slot) = self.slots.find(id)?;
        if !matches!(slot, Slot::Published(QoS::ExactlyOnce, _) | Slot::Released) {
            return Err(Unknown(id));
        }
        if reason.is_failure() {
            return Ok(Received::Refused(self.take(index)));
        }
        Ok(match std::mem::replace(slot, Slot::Released) {
            Slot::Published(_, message) => Received::First(message),
            Slot::Released | Slot::Reserved => Received::Again,
        })
    }

    /// Handles PUBCOMP with any reason: a message of QoS 2 is complete.
    ///
    /// # Errors
    ///
    /// The identifier does not wait for PUBCOMP.
    pub fn pubcomp(&mut self, id: PacketId) -> Result<(), Unknown> {
        match self.slots.find(id)? {
            (index, Slot::Released) => {
                self.take(index);
                Ok(())
            }
            _ => Err(Unknown(id)),
        }
    }

    /// Gives up a message that cannot be sent: if a packet is too large for the peer, the sender
    /// must "behave as if it had completed sending" it ([MQTT-3.1.2-25]).
    ///
    /// # Errors
    ///
    /// No such message is in flight.
    pub fn discard(&mut self, id: PacketId) -> Result<T, Unknown> {
        match self.slots.find(id)? {
            (index, Slot::Published(..)) => self.take(index).ok_or(Unknown(id)),
            _ => Err(Unknown(id)),
        }
    }

    /// Reserves an identifier for a SUBSCRIBE or UNSUBSCRIBE. They share identifiers with PUBLISH
    /// ([MQTT-2.2.1-3]), but not the Receive Maximum ([MQTT-3.3.4-8]). Returns `None` if too many
    /// identifiers are in use.
    pub fn reserve(&mut self) -> Option<PacketId> {
        self.has_span().then(|| self.slots.push(Slot::Reserved))
    }

    /// Handles SUBACK or UNSUBACK: frees the identifier.
    ///
    /// # Errors
    ///
    /// The identifier is not reserved.
    pub fn release(&mut self, id: PacketId) -> Result<(), Unknown> {
        match self.slots.find(id)? {
            (index, Slot::Reserved) => {
                self.take(index);
                Ok(())
            }
            _ => Err(Unknown(id)),
        }
    }

    /// Starts a new connection of the same session, with its own Receive Maximum: "not part of the
    /// Session State" ([MQTT-4.9.0-1]). All messages must be sent again first, with
    /// [`resend`](Self::resend). Unanswered requests are dropped.
    pub fn resume(&mut self, receive_maximum: u16, own_maximum: u16) {
        let reserved: Vec<_> = self
            .slots
            .iter()
            .filter_map(|(id, slot)| matches!(slot, Slot::Reserved).then_some(id))
            .collect();
        for id in reserved {
            // The identifier is reserved, so this cannot fail.
            let _ = self.release(id);
        }
        self.maximum = least(receive_maximum, own_maximum);
        self.sent = 0;
        self.in_flight = 0;
    }

    /// Returns the next packet to send again, in the order of the first sending ([MQTT-4.6.0-1],
    /// [MQTT-4.6.0-4]). `None` if there is none left, or the Receive Maximum is reached.
    pub fn resend(&mut self) -> Option<Resend<'_, T>> {
        if !self.has_resend() {
            return None;
        }
        while self.sent < self.slots.len() && !self.is_message(self.sent) {
            self.sent += 1;
        }
        // PUBREL needs no quota ([MQTT-3.3.4-10]).
        let has_quota = self.has_quota();
        let (id, slot) = self.slots.get(self.sent)?;
        let resend = match slot {
            Slot::Published(..) if !has_quota => return None,
            Slot::Published(qos, message) => {
                Resend::Publish(delivery(*qos, id, Attempt::Again), message)
            }
            Slot::Released | Slot::Reserved => Resend::Release(id),
        };
        self.sent += 1;
        self.in_flight += 1;
        Some(resend)
    }

    /// Returns true if a packet has to be sent again.
    #[inline]
    pub const fn has_resend(&self) -> bool {
        self.in_flight < self.messages
    }

    /// Removes messages of QoS 1 that other clients may receive instead, in the order of sending,
    /// such as those of shared subscriptions when the client leaves (4.8.2). A message of QoS 2 has
    /// to be completed with the same client ([MQTT-4.8.2-4]), which may remember its identifier.
    pub fn take_back(&mut self, mut wanted: impl FnMut(&T) -> bool) -> Vec<T> {
        let mut is_wanted = |slot: &Slot<T>| match slot {
            Slot::Published(QoS::AtLeastOnce, message) => wanted(message),
            _ => false,
        };
        let ids: Vec<_> = self
            .slots
            .iter()
            .filter_map(|(id, slot)| is_wanted(slot).then_some(id))
            .collect();
        ids.into_iter()
            .filter_map(|id| self.puback(id).ok())
            .collect()
    }

    /// Removes messages like [`take_back`](Self::take_back), those of QoS 2 as well, for a side that may lose its window. The
    /// identifier of a message of QoS 2 then waits for PUBCOMP: the peer may remember the identifier, and must forget it
    /// before another message gets it.
    pub fn take_back_all(&mut self, mut wanted: impl FnMut(&T) -> bool) -> Vec<T> {
        let found = self.slots.iter().filter_map(|(id, slot)| match slot {
            Slot::Published(_, message) if wanted(message) => Some(id),
            _ => None,
        });
        let ids: Vec<_> = found.collect();
        ids.into_iter()
            .filter_map(|id| match self.pubrec(id, PublishReason::Success) {
                Ok(Received::First(message)) => Some(message),
                _ => self.discard(id).ok(),
            })
            .collect()
    }

    /// Iterates over the messages that wait for PUBACK or PUBREC, in the order of sending.
    pub fn iter(&self) -> impl Iterator<Item = (PacketId, QoS, &T)> {
        self.slots.iter().filter_map(|(id, slot)| match slot {
            Slot::Published(qos, message) => Some((id, *qos, message)),
            Slot::Released | Slot::Reserved => None,
        })
    }

    /// Iterates over all messages in flight in the order of sending; a message that waits for PUBCOMP has no data.
    pub fn unacknowledged(&self) -> impl Iterator<Item = (PacketId, Option<(QoS, &T)>)> {
        self.slots.iter().filter_map(|(id, slot)| match slot {
            Slot::Published(qos, message) => Some((id, Some((*qos, message)))),
            Slot::Released => Some((id, None)),
            Slot::Reserved => None,
        })
    }

    /// Adds a message of an earlier run of this side, as [`unacknowledged`](Self::unacknowledged) returned it. It is sent
    /// again after [`resume`](Self::resume). Identifiers are added in the order of sending; one that is out of order is
    /// ignored.
    pub fn restore(&mut self, id: PacketId, message: Option<(QoS, T)>) {
        let slot = match message {
            Some((qos, message)) => Slot::Published(qos, message),
            None => Slot::Released,
        };
        self.messages += usize::from(self.slots.restore(id, slot));
    }

    /// Returns the number of messages in flight, including those of an earlier connection and those
    /// that wait for PUBCOMP.
    pub const fn len(&self) -> usize {
        self.messages
    }

    /// Returns true if no message is in flight.
    pub const fn is_empty(&self) -> bool {
        self.messages == 0
    }

    /// Frees unused memory, for example when the client has disconnected.
    pub fn shrink(&mut self) {
        self.slots.shrink();
    }

    /// Returns true if the slot is neither a gap nor reserved for a request.
    fn is_message(&self, index: usize) -> bool {
        !matches!(self.slots.get(index), None | Some((_, Slot::Reserved)))
    }

    #[inline]
    fn has_quota(&self) -> bool {
        self.in_flight < usize::from(self.maximum)
    }

    #[inline]
    fn has_span(&self) -> bool {
        let span = (Self::SPAN * usize::from(self.maximum)).max(Self::LEAST_SPAN);
        self.slots.len() < span.min(Slots::<Slot<T>>::MAXIMUM)
    }

    /// Frees an identifier: "increments the send quota" (4.9).
    #[inline]
    fn take(&mut self, index: usize) -> Option<T> {
        let (slot, popped) = self.slots.free(index);
        if !matches!(slot, Some(Slot::Reserved)) {
            self.messages -= 1;
            if index < self.sent {
                self.in_flight -= 1;
            }
        }
        self.sent = self.sent.saturating_sub(popped);
        slot.and_then(message)
    }
}

fn message<T>(slot: Slot<T>) -> Option<T> {
    match slot {
        Slot::Published(_, message) => Some(message),
        Slot::Released | Slot::Reserved => None,
    }
}

fn least(receive_maximum: u16, own_maximum: u16) -> u16 {
    receive_maximum.min(own_maximum).max(1)
}

#[inline]
const fn delivery(qos: QoS, id: PacketId, attempt: Attempt) -> QosDelivery {
    match qos {
        QoS::AtMostOnce => QosDelivery::AtMostOnce,
        QoS::AtLeastOnce => QosDelivery::AtLeastOnce(id, attempt),
        QoS::ExactlyOnce => QosDelivery::ExactlyOnce(id, attempt),
    }
}
