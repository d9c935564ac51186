//! What was sent with QoS 1 and 2 and is not acknowledged: 5.0, 4.3.2, 4.3.3, 4.4 and 4.9, the
//! sender's side.

use super::super::{Attempt, Delivery, PacketId, PublishReason, QoS};
use super::slots::{Slots, Unknown};

/// Messages in flight, oldest first. `T` is what the caller needs to send one again.
///
/// No more are in flight at once than the peer's Receive Maximum and an own maximum. Identifiers are
/// given out in order, and those of the oldest and the newest in use are no further apart than
/// [`SPAN`](Self::SPAN) times that, and at least [`LEAST_SPAN`](Self::LEAST_SPAN): a peer that
/// acknowledges everything but one message gets no more until it does. Nothing is allocated once the
/// window has been as wide as it gets.
///
/// It outlives a connection: [`resume`](Self::resume).
#[derive(Clone, Debug)]
pub struct Outgoing<T> {
    slots: Slots<Slot<T>>,
    /// How many places from the front on were sent on this connection; messages behind them were
    /// sent on an earlier one only.
    sent: usize,
    /// Of the messages among them.
    in_flight: usize,
    /// All messages, whether sent on this connection or on an earlier one.
    messages: usize,
    maximum: u16,
}

#[derive(Clone, Debug)]
enum Slot<T> {
    /// PUBLISH waits for PUBACK, or for PUBREC.
    Published(QoS, T),
    /// PUBREL waits for PUBCOMP.
    Released,
    /// SUBSCRIBE or UNSUBSCRIBE waits for its answer.
    Reserved,
}

/// What PUBREC means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Received<T> {
    /// The peer has the message; PUBREL is due ([MQTT-4.3.3-4]).
    First(T),
    /// It was said before; PUBREL is due again.
    Again,
    /// The peer does not take it ([MQTT-4.3.3-4]: no PUBREL then); the identifier is free. The
    /// message is gone already if it was said to be received before.
    Refused(Option<T>),
}

/// What a session that goes on says again: "MUST resend any unacknowledged PUBLISH packets (where
/// QoS > 0) and PUBREL packets using their original Packet Identifiers" ([MQTT-4.4.0-1]).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resend<'a, T> {
    /// With DUP ([MQTT-3.3.1-1]).
    Publish(Delivery, &'a T),
    /// PUBREL: "MUST NOT re-send the PUBLISH once it has sent the corresponding PUBREL"
    /// ([MQTT-4.3.3-6]).
    Release(PacketId),
}

impl<T> Outgoing<T> {
    /// How far apart identifiers in use may be, in multiples of what may be in flight.
    pub const SPAN: usize = 16;
    /// How far apart they may be in any case.
    pub const LEAST_SPAN: usize = 1024;

    /// `receive_maximum` is the peer's, which is 65,535 if it does not say, `own_maximum` what this
    /// side is ready to keep. A maximum of 0 counts as 1.
    pub fn new(receive_maximum: u16, own_maximum: u16) -> Self {
        Self {
            slots: Slots::new(),
            sent: 0,
            in_flight: 0,
            messages: 0,
            maximum: least(receive_maximum, own_maximum),
        }
    }

    /// Whether another message may be sent: no more than the peer takes at once ([MQTT-3.3.4-9],
    /// [MQTT-4.9.0-2]), and none before those that are to be sent again ([MQTT-4.6.0-1]).
    #[inline]
    pub fn has_room(&self) -> bool {
        !self.has_resend() && self.has_quota() && self.has_span()
    }

    /// Gives a message an identifier that is not in use ([MQTT-2.2.1-3], [MQTT-2.2.1-4]) and keeps
    /// what is needed to send it again, until it is acknowledged. Nothing is kept of QoS 0.
    ///
    /// # Errors
    ///
    /// There is no [room](Self::has_room); the message comes back.
    #[inline]
    pub fn push(&mut self, qos: QoS, message: T) -> Result<Delivery, T> {
        if qos == QoS::AtMostOnce {
            return Ok(Delivery::AtMostOnce);
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

    /// PUBACK, whatever its reason: a message of QoS 1 is done with ([MQTT-4.3.2-3]).
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

    /// PUBREC ends a message if it refuses it, and lets go of it otherwise; then it is answered with
    /// PUBREL.
    ///
    /// # Errors
    ///
    /// No such message is in flight. In 5.0 that is answered with a PUBREL that says
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

    /// PUBCOMP, whatever its reason: a message of QoS 2 is done with.
    ///
    /// # Errors
    ///
    /// No PUBREL waits for it.
    pub fn pubcomp(&mut self, id: PacketId) -> Result<(), Unknown> {
        match self.slots.find(id)? {
            (index, Slot::Released) => {
                self.take(index);
                Ok(())
            }
            _ => Err(Unknown(id)),
        }
    }

    /// Gives up a message that cannot be sent: where a packet is too large for the peer, the sender
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

    /// An identifier for a SUBSCRIBE or UNSUBSCRIBE: they share them with PUBLISH ([MQTT-2.2.1-3]),
    /// but not the Receive Maximum ([MQTT-3.3.4-8]). `None` when there are too many in use.
    pub fn reserve(&mut self) -> Option<PacketId> {
        self.has_span().then(|| self.slots.push(Slot::Reserved))
    }

    /// SUBACK or UNSUBACK.
    ///
    /// # Errors
    ///
    /// Nothing waits for it.
    pub fn release(&mut self, id: PacketId) -> Result<(), Unknown> {
        match self.slots.find(id)? {
            (index, Slot::Reserved) => {
                self.take(index);
                Ok(())
            }
            _ => Err(Unknown(id)),
        }
    }

    /// A new connection of the same session, with a Receive Maximum of its own: "not part of the
    /// Session State" ([MQTT-4.9.0-1]). All that is here is to be sent again first, by
    /// [`resend`](Self::resend). Requests that were not answered are forgotten.
    pub fn resume(&mut self, receive_maximum: u16, own_maximum: u16) {
        let reserved: Vec<_> = self
            .slots
            .iter()
            .filter_map(|(id, slot)| matches!(slot, Slot::Reserved).then_some(id))
            .collect();
        for id in reserved {
            // It is there.
            let _ = self.release(id);
        }
        self.maximum = least(receive_maximum, own_maximum);
        self.sent = 0;
        self.in_flight = 0;
    }

    /// The next that is to be sent again, in the order in which it was sent first ([MQTT-4.6.0-1],
    /// [MQTT-4.6.0-4]). `None` when there is nothing left, or the peer takes no more for now.
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

    /// Whether something waits to be sent again.
    #[inline]
    pub const fn has_resend(&self) -> bool {
        self.in_flight < self.messages
    }

    /// Takes out messages of QoS 1 that somebody else may get instead, such as those of shared
    /// subscriptions when the client leaves (4.8.2), in the order of sending. A message of QoS 2 has
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

    /// Ends the session: gives all messages that were not received for certain, in the order of
    /// sending. Nobody else may get those of QoS 2 of a shared subscription ([MQTT-4.8.2-5]): first
    /// [take back](Self::take_back) what others may have.
    pub fn drain(&mut self) -> impl Iterator<Item = T> {
        self.sent = 0;
        self.in_flight = 0;
        self.messages = 0;
        self.slots.drain().filter_map(message)
    }

    /// The messages that wait for PUBACK or PUBREC, in the order of sending.
    pub fn iter(&self) -> impl Iterator<Item = (PacketId, QoS, &T)> {
        self.slots.iter().filter_map(|(id, slot)| match slot {
            Slot::Published(qos, message) => Some((id, *qos, message)),
            Slot::Released | Slot::Reserved => None,
        })
    }

    /// Messages in flight, those of an earlier connection included; those that only wait for PUBCOMP
    /// count.
    pub const fn len(&self) -> usize {
        self.messages
    }

    pub const fn is_empty(&self) -> bool {
        self.messages == 0
    }

    /// Gives back memory that is not in use, such as when the client is gone.
    pub fn shrink(&mut self) {
        self.slots.shrink();
    }

    /// Not a gap, nor an identifier of a request.
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

    /// Ends the use of an identifier: "increments the send quota" (4.9).
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
const fn delivery(qos: QoS, id: PacketId, attempt: Attempt) -> Delivery {
    match qos {
        QoS::AtMostOnce => Delivery::AtMostOnce,
        QoS::AtLeastOnce => Delivery::AtLeastOnce(id, attempt),
        QoS::ExactlyOnce => Delivery::ExactlyOnce(id, attempt),
    }
}
