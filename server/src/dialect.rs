//! The dialects of the protocols. An entry keeps one encoding for each dialect.

use broker::EncodingSlot;
use wire::{mqtt, stomp};

/// A protocol version with an encoding of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// No escapes in headers.
    Stomp10,
    /// Escapes, without `\r`.
    Stomp11,
    /// All escapes.
    Stomp12,
    /// MQTT 3.1 and 3.1.1: no properties.
    Mqtt3,
    /// MQTT 5.0.
    Mqtt5,
}

impl Dialect {
    const COUNT: usize = Self::Mqtt5 as usize + 1;

    /// Returns the slot of this dialect's encoding in an entry.
    pub const fn slot(self) -> EncodingSlot {
        EncodingSlot::new(self as u8).expect("a slot for each dialect")
    }
}

const _: () = assert!(Dialect::COUNT <= EncodingSlot::COUNT);

impl From<stomp::Version> for Dialect {
    fn from(version: stomp::Version) -> Self {
        match version {
            stomp::Version::V1_0 => Self::Stomp10,
            stomp::Version::V1_1 => Self::Stomp11,
            stomp::Version::V1_2 => Self::Stomp12,
        }
    }
}

impl From<mqtt::Version> for Dialect {
    fn from(version: mqtt::Version) -> Self {
        match version.is_5() {
            true => Self::Mqtt5,
            false => Self::Mqtt3,
        }
    }
}
