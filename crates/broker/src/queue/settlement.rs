//! What consumers say of what they were given.

use std::{fmt, str::FromStr};

use crate::session::subscription::SubscriptionId;

/// Identifies one delivery of one message to a subscription that acknowledges: another delivery of the
/// same message has another id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct DeliveryId {
    /// The subscription.
    pub subscription: SubscriptionId,
    /// Counts the subscription's deliveries.
    pub number: u64,
}

/// What becomes of a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settlement {
    /// Which; under [`Acknowledgement::Cumulative`] also all of its subscription's earlier ones.
    pub delivery: DeliveryId,
    /// What becomes of it.
    pub verdict: Verdict,
}

/// The consumer's word on a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It is done with; the queue forgets it.
    Accept,
    /// It was not dealt with: it takes its old place in the queue, and is delivered again, or is dead
    /// when that has happened too often.
    Return,
    /// It cannot be dealt with: it goes to the dead letter queue.
    Reject,
}

/// How a subscription acknowledges what it was given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Acknowledgement {
    /// Not at all: what is on its way to the peer is done with.
    #[default]
    Auto,
    /// One settlement settles all earlier deliveries as well.
    Cumulative,
    /// Each delivery for itself.
    Individual,
}

/// The delivery is not one that waits to be settled: the id was never given, or it has been settled, or the
/// subscription has ended, or a transaction that is not at its end has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("delivery {0} does not wait to be acknowledged")]
pub struct SettleError(pub DeliveryId);

impl fmt::Display for DeliveryId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}-{}", self.subscription.0, self.number)
    }
}

/// A text is not a [`DeliveryId`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a delivery's id is two numbers joined by '-'")]
pub struct InvalidDeliveryId;

impl FromStr for DeliveryId {
    type Err = InvalidDeliveryId;

    fn from_str(text: &str) -> Result<Self, InvalidDeliveryId> {
        let (subscription, number) = text.split_once('-').ok_or(InvalidDeliveryId)?;
        let id = Self {
            subscription: SubscriptionId(subscription.parse().map_err(|_| InvalidDeliveryId)?),
            number: number.parse().map_err(|_| InvalidDeliveryId)?,
        };
        // One spelling for each: no sign, no leading zero.
        (id.to_string() == text)
            .then_some(id)
            .ok_or(InvalidDeliveryId)
    }
}
