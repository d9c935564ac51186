//! A message on its way to a subscriber.

use crate::{
    message::entry::SharedEntry, message::reading::Missed, name::TopicName, settlement::DeliveryId,
};

/// One entry for one subscription.
#[derive(Debug)]
pub struct Delivery<'a> {
    /// The tag that the subscriber gave to [`Broker::subscribe`](crate::Broker::subscribe).
    pub tag: &'a [u8],
    /// The entry.
    pub entry: &'a SharedEntry,
    /// The messages of this topic that the subscription missed before this entry.
    pub missed: Option<Missed>,
    /// True for a message that the topic had retained when the subscription was created, which is not part of the
    /// subscription's normal reading.
    pub is_retained: bool,
    /// The id for the settlement, if the subscription acknowledges.
    pub id: Option<DeliveryId>,
    /// Number of deliveries from its queue, including this one: 1 for the first.
    pub count: u32,
    /// The queue of the message, if it has a name; otherwise the message comes from its topic.
    pub queue: Option<&'a TopicName>,
    /// True if other subscribers probably get the same entry. An encoding for a single reader should not be stored in
    /// the entry.
    pub is_shared: bool,
}
