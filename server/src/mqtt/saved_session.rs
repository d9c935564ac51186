//! What of a session outlives its connection: "Session State" (5.0, 4.1).

use std::collections::HashMap;

use broker::{DeliveryId, Outcome, Reader, Session, Settlement, SharedEntry, Verdict};
use wire::mqtt::{self, Incoming, Outgoing, QoS};

use super::options::Subscribed;
use crate::{
    clock,
    connection::{ServerContext, carry_out},
};

/// By the topic filter as the client wrote it.
pub type Subscriptions = HashMap<Box<str>, Subscribed>;

/// A session, apart from the connection that it is used with.
pub struct SavedSession {
    pub reader: Reader,
    pub subscriptions: Subscriptions,
    pub outgoing: Outgoing<Sent>,
    pub incoming: Incoming,
}

/// A delivery that is not acknowledged. Small, since there is one for each message in flight.
pub struct Sent {
    /// Kept where it could have to be sent again: where the session outlives its connection.
    pub entry: Option<SharedEntry>,
    /// Where the broker waits to hear of it.
    pub awaited: Option<Box<Awaited>>,
    pub subscription: Option<mqtt::SubscriptionId>,
    pub retain: bool,
}

/// A delivery out of a queue.
pub struct Awaited {
    pub id: DeliveryId,
    /// Whether that is of a shared subscription, and not of a queue that has a name.
    pub is_shared: bool,
}

impl Sent {
    /// What to settle with the broker, where it waits for that.
    pub fn delivery(&self) -> Option<DeliveryId> {
        self.awaited.as_ref().map(|awaited| awaited.id)
    }

    /// Whether it is of a shared subscription.
    pub fn is_shared(&self) -> bool {
        let awaited = self.awaited.as_ref();
        awaited.is_some_and(|awaited| awaited.is_shared)
    }

    /// Bytes that stay in memory on its account.
    pub fn kept_bytes(&self) -> usize {
        self.entry.as_ref().map_or(0, |entry| entry.body().len())
    }
}

/// Lets the broker forget what was sent with QoS 2 and is `wanted`, so that nobody else is given it.
pub fn accept_begun(
    (context, session): (&ServerContext, &Session),
    outgoing: &Outgoing<Sent>,
    wanted: impl Fn(&Sent) -> bool,
) {
    let mut outcome = Outcome::default();
    let now_ms = clock::unix_ms();
    let begun = outgoing
        .iter()
        .filter(|(_, qos, sent)| *qos == QoS::ExactlyOnce && wanted(sent));
    for delivery in begun.filter_map(|(.., sent)| sent.delivery()) {
        let verdict = Verdict::Accept;
        let settlement = Settlement { delivery, verdict };
        // One whose subscription has ended is not waited for any more.
        let _ = context
            .broker
            .settle(session, settlement, now_ms, &mut outcome);
    }
    carry_out(&mut outcome, &context.advisories, None);
}

impl SavedSession {
    /// The client leaves: others may have what it had of queues and shared subscriptions. What it was sent with
    /// QoS 2 is completed with it when it is back, and given to nobody else ([MQTT-4.8.2-4], [MQTT-4.8.2-5]).
    pub fn pause(&mut self, context: &ServerContext) {
        let broker = &context.broker;
        let session = self.reader.session();
        accept_begun((context, session), &self.outgoing, |_| true);
        self.outgoing.take_back(|sent| sent.awaited.is_some());
        let mut outcome = Outcome::default();
        broker.pause(session, clock::unix_ms(), &mut outcome);
        carry_out(&mut outcome, &context.advisories, None);
        self.outgoing.shrink();
        self.incoming.shrink();
    }

    /// Nobody goes on with it.
    pub fn end(&self, context: &ServerContext) {
        context.detach(self.reader.session());
    }

    /// The client is back.
    pub fn resume(&mut self, context: &ServerContext) {
        let mut outcome = Outcome::default();
        context.broker.resume(self.reader.session(), &mut outcome);
        carry_out(&mut outcome, &context.advisories, None);
    }
}
