//! The packets of MQTT 5.0, 3.1.1 and 3.1, both ways.
//!
//! Beside the code are the numbers of the statements it implements, as `[MQTT-1.5.4-1]`: those of 5.0,
//! unless 3.1.1 is named. What a packet means for the session is left to others: which one answers
//! which, identifiers in use, aliases, flow control, keep alive.

mod clause;
mod delivery;
mod error;
mod fault;
mod kind;
mod limits;
mod list;
mod property;
mod reader;
mod reason;
mod section;
mod subscription;
mod topic;
mod value;
mod version;
mod writer;

pub use delivery::{Attempt, Delivery, PacketId, QoS};
pub use error::{DecodeError, EncodeError};
pub use fault::Fault;
pub use kind::{PacketType, Role};
pub use limits::Limits;
pub use list::{List, ListIter};
pub use property::{Properties, Property, PropertyId};
pub use reason::{
    AuthReason, ConnectReason, DisconnectReason, PublishReason, ReleaseReason, SubscribeReason,
    UnsubscribeReason,
};
pub use subscription::{RetainHandling, Subscription, SubscriptionOptions};
pub use topic::{Shared, TopicError, TopicFilter, TopicName};
pub use value::{MaximumQos, PayloadFormat, SubscriptionId, UserProperty};
pub use version::Version;
