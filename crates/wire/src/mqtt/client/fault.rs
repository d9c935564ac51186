//! Errors: violations by the server, and requests that cannot be sent.

use super::super::{
    AliasError, DecodeError, DisconnectReason, EncodeError, Exceeded, PacketType, QoS, Unknown,
};

/// A violation of the protocol by the server. The connection cannot be used any further: report the
/// error to the server with [`Client::fail`](super::Client::fail), and close the connection.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProtocolError {
    /// A packet that cannot be decoded.
    #[error("the server's bytes are not valid MQTT: {0}")]
    Malformed(#[from] DecodeError),
    /// "The first packet sent from the Server to the Client MUST be a CONNACK packet"
    /// ([MQTT-3.2.0-1]).
    #[error("the server sent {packet} before CONNACK")]
    NotConnected {
        /// The type of the packet.
        packet: PacketType,
    },
    /// A second CONNACK ([MQTT-3.2.0-2]), or AUTH without an Authentication Method
    /// ([MQTT-4.12.0-6]).
    #[error("the server sent {packet}, which is not expected here")]
    Unexpected {
        /// The type of the packet.
        packet: PacketType,
    },
    /// "If the Client does not have Session State and receives Session Present set to 1 it MUST close
    /// the Network Connection" ([MQTT-3.2.2-4]).
    #[error("the server continued a session although a new one was requested")]
    SessionPresent,
    /// An invalid topic alias.
    #[error("the server's topic alias is not valid: {0}")]
    Alias(#[from] AliasError),
    /// [MQTT-3.3.4-9].
    #[error("the server exceeded the receive maximum: {0}")]
    Exceeded(#[from] Exceeded),
    /// An acknowledgement for an identifier that is not in use.
    #[error("the server sent an unexpected {packet}: {unknown}")]
    Unknown {
        /// The type of the packet.
        packet: PacketType,
        /// The unexpected packet identifier.
        unknown: Unknown,
    },
}

impl ProtocolError {
    /// Returns the reason code for DISCONNECT in 5.0.
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

/// The reason why a request was not written. Nothing is appended to the buffer, and the connection
/// is unchanged.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RequestError {
    /// The connection is not accepted yet, or has ended.
    #[error("there is no connection")]
    NotConnected,
    /// The request cannot be encoded.
    #[error(transparent)]
    Encode(#[from] EncodeError),
    /// The packet exceeds the server's Maximum Packet Size ([MQTT-3.2.2-15]).
    #[error("the packet has {bytes} bytes, and the server accepts at most {limit}")]
    TooLarge {
        /// The actual length in bytes.
        bytes: usize,
        /// The limit.
        limit: u32,
    },
    /// The QoS exceeds the server's Maximum QoS ([MQTT-3.2.2-11]).
    #[error("the server accepts at most QoS {}", .maximum.level())]
    Qos {
        /// The maximum.
        maximum: QoS,
    },
    /// The server does not support retained messages ([MQTT-3.2.2-14]).
    #[error("the server does not support retained messages")]
    Retain,
    /// The window is full: see [`Client::has_room`](super::Client::has_room).
    #[error("too many requests are unanswered")]
    NoRoom,
}
