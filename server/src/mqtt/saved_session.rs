//! The part of a session that outlives its connection: "Session State" (5.0, 4.1).

use std::collections::HashMap;

use broker::{DeliveryId, Outcome, QuotaCharge, Reader, Session, Settlement, SharedEntry, Verdict};
use wire::mqtt::{self, Incoming, Outgoing, QoS};

use super::{options::Subscribed, persistence::kind_of_text};
use crate::{clock, context::ServerContext};

/// By the topic filter in the client's spelling.
pub type Subscriptions = HashMap<Box<str>, Subscribed>;

/// A session without its connection.
pub struct SavedSession {
    /// The session in the broker.
    pub reader: Reader,
    /// The subscriptions.
    pub subscriptions: Subscriptions,
    /// Deliveries in flight.
    pub outgoing: Outgoing<Sent>,
    /// Publications of QoS 2 in flight.
    pub incoming: Incoming,
    /// The unit of the user's quota of sessions, if there are users.
    pub charge: Option<QuotaCharge>,
}

/// An unacknowledged delivery. Small, because there is one for each message in flight.
pub struct Sent {
    /// Kept if it may have to be sent again: if the session outlives its connection.
    pub entry: Option<SharedEntry>,
    /// `Some` if the broker waits for the settlement.
    pub queue_delivery: Option<Box<QueueDelivery>>,
    /// The subscription identifier.
    pub subscription: Option<mqtt::SubscriptionId>,
    /// The RETAIN flag of the delivery.
    pub retain: bool,
    /// It was retained when its subscription was created, and may be older than what the session has read.
    pub was_retained: bool,
}

/// A delivery from a queue.
pub struct QueueDelivery {
    /// The delivery in the broker.
    pub id: DeliveryId,
    /// True for the queue of a shared subscription, false for a queue with a name.
    pub is_shared: bool,
}

impl Sent {
    /// Returns the delivery to settle, if the broker waits for it.
    pub fn delivery(&self) -> Option<DeliveryId> {
        self.queue_delivery
            .as_ref()
            .map(|queue_delivery| queue_delivery.id)
    }

    /// Returns whether it belongs to a shared subscription.
    pub fn is_shared(&self) -> bool {
        let queue_delivery = self.queue_delivery.as_ref();
        queue_delivery.is_some_and(|queue_delivery| queue_delivery.is_shared)
    }

    /// Returns the position of the message, if it is of a topic and may have to be sent again.
    pub fn position(&self) -> Option<u64> {
        let entry = self.entry.as_ref();
        let entry = entry.filter(|_| self.queue_delivery.is_none());
        entry.map(|entry| entry.position())
    }

    /// Returns the bytes that it keeps in memory.
    pub fn kept_bytes(&self) -> usize {
        self.entry.as_ref().map_or(0, |entry| entry.body().len())
    }
}

/// Settles the deliveries of QoS 2 that are `is_included`, so that they go to no other client.
pub fn accept_qos_2_in_flight(
    context: &ServerContext,
    session: &Session,
    outgoing: &Outgoing<Sent>,
    is_included: impl Fn(&Sent) -> bool,
) {
    let mut outcome = Outcome::default();
    let now_ms = clock::unix_ms();
    let in_flight = outgoing
        .iter()
        .filter(|(_, qos, sent)| *qos == QoS::ExactlyOnce && is_included(sent));
    for delivery in in_flight.filter_map(|(.., sent)| sent.delivery()) {
        let verdict = Verdict::Accept;
        let settlement = Settlement { delivery, verdict };
        // The delivery of an ended subscription is no longer waiting.
        let _ = context
            .broker
            .settle(session, settlement, now_ms, &mut outcome);
    }
    context.advisories.carry_out(&mut outcome, None);
}

impl SavedSession {
    /// Notes that the client has disconnected: its messages of queues and shared subscriptions may go to others. Its
    /// deliveries of QoS 2 are completed when it reconnects, and go to no other client ([MQTT-4.8.2-4],
    /// [MQTT-4.8.2-5]).
    pub fn pause(&mut self, context: &ServerContext) {
        let broker = &context.broker;
        let session = self.reader.session();
        match &context.session_log {
            // A session that is restored cannot complete a delivery whose message its queue does not have any more. So the
            // message returns to the queue, and may be delivered twice.
            Some(_) => self
                .outgoing
                .take_back_all(|sent| sent.queue_delivery.is_some()),
            None => {
                accept_qos_2_in_flight(context, session, &self.outgoing, |_| true);
                self.outgoing
                    .take_back(|sent| sent.queue_delivery.is_some())
            }
        };
        let mut outcome = Outcome::default();
        broker.pause(session, clock::unix_ms(), &mut outcome);
        context.advisories.carry_out(&mut outcome, None);
        self.outgoing.shrink();
        self.incoming.shrink();
    }

    /// Records that the session does not survive a restart any more.
    pub fn forget(&self, context: &ServerContext) {
        if let Some(log) = &context.session_log {
            self.reader.session().set_lasting(false);
            log.remove(self.reader.session().name());
        }
    }

    /// Ends the session in the broker. Its record must have been removed: see [`SavedSession::forget`].
    pub fn end(&self, context: &ServerContext) {
        context.end_session(self.reader.session());
    }

    /// Ends what the user of the connection may not read any more, before the session continues.
    pub fn apply_rights(&mut self, context: &ServerContext) {
        if context.principal.is_open() {
            return;
        }
        let session = self.reader.session();
        context.restrict(session);
        let mut outcome = Outcome::default();
        let now_ms = clock::unix_ms();
        self.subscriptions.retain(|filter, subscribed| {
            let is_allowed = kind_of_text(filter)
                .is_ok_and(|subscription| subscription.check_rights(&context.principal).is_ok());
            if !is_allowed {
                let id = subscribed.id;
                context
                    .broker
                    .unsubscribe(session, id, now_ms, &mut outcome);
            }
            is_allowed
        });
        context.broker.recheck(session, now_ms, &mut outcome);
        context.advisories.carry_out(&mut outcome, None);
    }

    /// Notes that the client has reconnected.
    pub fn resume(&mut self, context: &ServerContext) {
        let mut outcome = Outcome::default();
        context.broker.resume(self.reader.session(), &mut outcome);
        context.advisories.carry_out(&mut outcome, None);
    }
}
