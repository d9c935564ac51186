//! MQTT on the command line: its connection, what `pub` sends and what `sub` subscribes to.
//!
//! Names are MQTT's: `a/b`, with `+` and `#` in filters.

mod connection;
mod options;
mod publication;
mod record;
mod said;
mod subscription;
mod wanted;

pub use options::{MqttPublishOptions, MqttSubscribeOptions};
pub use publication::MqttPublication;
pub use subscription::MqttSubscription;
pub use wanted::Wanted;
