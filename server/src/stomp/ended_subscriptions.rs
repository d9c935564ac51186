//! The ended subscriptions of a connection, so that a late ACK or NACK can be distinguished from a wrong one.

use std::collections::VecDeque;

use broker::SubscriptionId;
use wire::stomp::server::Identity;

/// The last ended subscriptions, in order.
#[derive(Default)]
pub(super) struct EndedSubscriptions(VecDeque<(Identity<'static>, SubscriptionId)>);

impl EndedSubscriptions {
    /// Adds a subscription. Above the maximum the oldest is removed.
    pub(super) fn push(&mut self, identity: Identity<'static>, id: SubscriptionId) {
        if self.0.len() == MAX_REMEMBERED {
            self.0.pop_front();
        }
        self.0.push_back((identity, id));
    }

    /// Returns whether this subscription has ended and is remembered.
    pub(super) fn has(&self, id: SubscriptionId) -> bool {
        self.0.iter().any(|(_, ended)| *ended == id)
    }

    /// Returns whether no subscription is remembered.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns the subscriptions with this identity, the newest first.
    pub(super) fn ids_of<'a>(
        &'a self,
        identity: &'a Identity<'_>,
    ) -> impl Iterator<Item = SubscriptionId> + 'a {
        let all = self.0.iter().rev();
        all.filter(move |(ended, _)| ended == identity)
            .map(|(_, id)| *id)
    }
}

/// Maximum number of remembered subscriptions. An acknowledgement for an earlier one is an error, unless the message
/// still waits for it.
const MAX_REMEMBERED: usize = 256;
