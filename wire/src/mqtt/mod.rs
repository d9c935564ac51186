//! The packets of MQTT 5.0, 3.1.1 and 3.1, both ways.
//!
//! Beside the code are the numbers of the statements it implements, as `[MQTT-1.5.4-1]`: those of 5.0,
//! unless 3.1.1 is named. What a packet means for the session is left to others: which one answers
//! which, identifiers in use, aliases, flow control, keep alive.

mod delivery;
mod kind;
mod limits;
mod reason;
mod topic;
mod version;

pub use delivery::{Attempt, Delivery, PacketId, QoS};
pub use kind::{PacketType, Role};
pub use limits::Limits;
pub use reason::{
    AuthReason, ConnectReason, DisconnectReason, PublishReason, ReleaseReason, SubscribeReason,
    UnsubscribeReason,
};
pub use topic::{Shared, TopicError, TopicFilter, TopicName};
pub use version::Version;
