//! Encodes and decodes the packets of MQTT 5.0, 3.1.1 and 3.1.
//!
//! [`Decoder`] turns received bytes into [`Packet`]s without copying, wherever the stream was cut;
//! [`Packet::encode`] writes them. One packet model, shaped like 5.0, serves all versions; the
//! version is an argument. [`SharedPublish`] is a message that is sent to many subscribers.
//!
//! ```
//! use wire::mqtt::{Decoder, Limits, Packet, QosDelivery, Role, Version};
//!
//! // "hi" to a/b, then the first byte of the next packet.
//! let received = b"\x30\x08\x00\x03a/b\x00hi\xC0";
//! let mut decoder = Decoder::new(Role::Server, Version::V5_0, Limits::DEFAULT);
//! let (packet, taken) = decoder.decode(received)?.expect("all of it is there");
//! let Packet::Publish(publish) = packet else {
//!     panic!("it is {packet:?}");
//! };
//! assert_eq!(publish.delivery, QosDelivery::AtMostOnce);
//! assert_eq!(publish.topic.map(|topic| topic.as_str()), Some("a/b"));
//! assert_eq!(publish.payload, b"hi");
//! assert_eq!(decoder.decode(&received[taken..]), Ok(None));
//! # Ok::<(), wire::mqtt::DecodeError>(())
//! ```
//!
//! Comments cite the numbers of the statements that the code implements, as `[MQTT-1.5.4-1]`: those
//! of 5.0, unless 3.1.1 is named.
//!
//! The state between packets is kept by separate values, for both sides: [`Outgoing`] and
//! [`Incoming`] (acknowledgements, identifiers in use, flow control), [`AliasesIn`] and
//! [`AliasesOut`], [`KeepAlive`]. [`server`] and [`client`] are state machines made of them.

pub mod client;
mod decode;
mod decoder;
mod delivery;
mod encode;
mod error;
mod fault;
mod kind;
mod limits;
mod list;
mod packet;
mod property;
mod reader;
mod reason;
mod section;
pub mod server;
mod subscription;
mod topic;
mod value;
mod version;
mod window;
mod writer;

pub use decoder::Decoder;
pub use delivery::{Attempt, PacketId, QoS, QosDelivery};
pub use encode::{Alias, Own, SharedPublish};
pub use error::{DecodeError, EncodeError};
pub use fault::Fault;
pub use kind::{PacketType, Role};
pub use limits::Limits;
pub use list::{List, ListIter};
pub use packet::{
    Acknowledgement, Auth, Connack, Connect, Disconnect, Packet, Publish, Suback, Subscribe,
    Unsuback, Unsubscribe, Will,
};
pub use property::{Properties, Property, PropertyId};
pub use reason::{
    AuthReason, ConnectReason, DisconnectReason, PublishReason, ReleaseReason, SubscribeReason,
    UnsubscribeReason,
};
pub use subscription::{RetainHandling, Subscription, SubscriptionOptions};
pub use topic::{Shared, TopicError, TopicFilter, TopicName};
pub use value::{MaximumQos, PayloadFormat, SubscriptionId, UserProperty};
pub use version::Version;
pub use window::{
    AliasError, AliasesIn, AliasesOut, Arrival, Due, Exceeded, Incoming, KeepAlive, Outgoing,
    Received, Resend, Unknown,
};
