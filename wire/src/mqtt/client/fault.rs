//! What a server did wrong, and what cannot be asked of it.

use super::super::{
    AliasError, DecodeError, DisconnectReason, EncodeError, Exceeded, PacketType, QoS, Unknown,
};

/// The connection cannot be used any further; tell the server why
/// ([`Client::fail`](super::Client::fail)), and close it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProtocolError {
    #[error("the server's bytes are no MQTT: {0}")]
    Malformed(#[from] DecodeError),
    /// "The first packet sent from the Server to the Client MUST be a CONNACK packet"
    /// ([MQTT-3.2.0-1]).
    #[error("the server sent {packet} before CONNACK")]
    NotConnected { packet: PacketType },
    /// A second CONNACK ([MQTT-3.2.0-2]), or AUTH without an Authentication Method ([MQTT-4.12.0-6]).
    #[error("the server sent {packet}, which is not expected here")]
    Unexpected { packet: PacketType },
    /// "If the Client does not have Session State and receives Session Present set to 1 it MUST close
    /// the Network Connection" ([MQTT-3.2.2-4]).
    #[error("the server goes on with a session that was to begin anew")]
    SessionPresent,
    #[error("the server used a topic alias wrongly: {0}")]
    Alias(#[from] AliasError),
    /// [MQTT-3.3.4-9].
    #[error("the server sent too much at once: {0}")]
    Exceeded(#[from] Exceeded),
    #[error("the server sent {packet} for what was not asked: {unknown}")]
    Unknown {
        packet: PacketType,
        unknown: Unknown,
    },
}

impl ProtocolError {
    /// What DISCONNECT says of it, in 5.0.
    pub const fn disconnect_reason(&self) -> DisconnectReason {
        match self {
            Self::Malformed(error) => error.disconnect_reason(),
            Self::Alias(AliasError::TooLarge { .. }) => DisconnectReason::TopicAliasInvalid,
            Self::Alias(AliasError::TooManyBytes { .. }) => DisconnectReason::QuotaExceeded,
            Self::Exceeded(_) => DisconnectReason::ReceiveMaximumExceeded,
            Self::NotConnected { .. }
            | Self::Unexpected { .. }
            | Self::SessionPresent
            | Self::Alias(AliasError::NotSet { .. })
            | Self::Unknown { .. } => DisconnectReason::ProtocolError,
        }
    }
}

/// Why a request was not written. Nothing of it is in the buffer, and the connection is as it was.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RequestError {
    #[error("there is no connection")]
    NotConnected,
    #[error(transparent)]
    Encode(#[from] EncodeError),
    /// [MQTT-3.2.2-15].
    #[error("the server takes packets of {limit} bytes at most, and this one has {bytes}")]
    TooLarge { bytes: usize, limit: u32 },
    /// [MQTT-3.2.2-11].
    #[error("the server takes QoS {} at most", .maximum.level())]
    Qos { maximum: QoS },
    /// [MQTT-3.2.2-14].
    #[error("the server keeps no retained messages")]
    Retain,
    /// See [`Client::has_room`](super::Client::has_room).
    #[error("too much is waiting for the server")]
    NoRoom,
}
