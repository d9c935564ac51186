//! MQTT for the command-line clients: the connection, and the MQTT parts of `pub` and `sub`.
//!
//! Topic names are written as in MQTT: `a/b`, with the wildcards `+` and `#` in filters.

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
