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

pub(crate) use options::{MqttPublishOptions, MqttSubscribeOptions};
pub(crate) use publication::MqttPublication;
pub(crate) use subscribe_request::SubscribeRequest;
pub(crate) use subscription::MqttSubscription;
