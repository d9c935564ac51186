//! Settlements: the consumers' decisions about deliveries.

use std::{fmt, str::FromStr};

use crate::subscription_id::SubscriptionId;

/// Identifies one delivery of a message to a subscription that acknowledges. Another delivery of the same message has
/// another id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct DeliveryId {
    /// The subscription.
    pub subscription: SubscriptionId,
    /// The number of the delivery for this subscription.
    pub number: u64,
}

/// A decision about a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settlement {
    /// The delivery; under [`Acknowledgement::Cumulative`] also all earlier ones of its subscription.
    pub delivery: DeliveryId,
    /// The decision.
    pub verdict: Verdict,
}

/// The consumer's decision about a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Processed; the queue removes it.
    Accept,
    /// Not processed: it returns to its old place in the queue and is delivered again, or becomes a dead letter after
    /// too many deliveries.
    Return,
    /// Cannot be processed: it goes to the dead letter queue.
    Reject,
}

/// The acknowledgement mode of a subscription.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Acknowledgement {
    /// Without acknowledgements: a message that is sent to the peer is settled.
    #[default]
    Auto,
    /// A settlement also settles all earlier deliveries.
    Cumulative,
    /// Each delivery is settled individually.
    Individual,
}

/// The error for a delivery that is not waiting to be settled: the id was never given, the delivery has been settled,
/// the subscription has ended, or an open transaction has reserved it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("delivery {0} does not wait to be acknowledged")]
pub struct SettleError(pub DeliveryId);

impl fmt::Display for DeliveryId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}-{}", self.subscription.0, self.number)
    }
}

/// The error for a text that is not a [`DeliveryId`].
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
        // An id has only one text form: no sign, no leading zero.
        (id.to_string() == text)
            .then_some(id)
            .ok_or(InvalidDeliveryId)
    }
}
