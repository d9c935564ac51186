//! MQTT on the command line: its connection, what `pub` sends and what `sub` subscribes to.
//!
//! Names are MQTT's: `a/b`, with `+` and `#` in filters.

mod connection;
mod options;
mod publication;
mod reason;
mod record;
mod subscribe_request;
mod subscription;

pub use options::{MqttPublishOptions, MqttSubscribeOptions};
pub use publication::MqttPublication;
pub use subscribe_request::SubscribeRequest;
pub use subscription::MqttSubscription;
