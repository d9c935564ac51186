//! Faults that end a connection, the responsible side, and the report to the client.

use super::super::window::{AliasError, Exceeded};
use super::super::{ConnectReason, DecodeError, DisconnectReason, PacketId, PacketType};

/// A fault that ends the connection: "it MUST close the Network Connection" ([MQTT-4.13.1-1]).
/// Report it to the client with [`Peer::disconnect`](super::Peer::disconnect); the text is the
/// Reason String.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// A packet that cannot be decoded.
    #[error("{0}")]
    Malformed(#[from] DecodeError),
    /// An invalid topic alias.
    #[error("{0} (PUBLISH)")]
    Alias(#[from] AliasError),
    /// More incomplete publications than the Receive Maximum.
    #[error("{0} (PUBLISH)")]
    ReceiveMaximum(#[from] Exceeded),
    /// A valid CONNECT that is not accepted.
    #[error("{}", not_accepted(*.reason))]
    NotAccepted {
        /// The reason code.
        reason: ConnectReason,
    },
    /// The payload is not UTF-8, and QoS 0 has no acknowledgement to report it.
    #[error("the payload is declared as UTF-8 but is not valid UTF-8 (PUBLISH)")]
    PayloadFormat,
    /// "a non-zero Session Expiry Interval" although that of CONNECT was zero (3.14.2.2.2).
    #[error("the session ends with its connection; its expiry cannot be extended (DISCONNECT)")]
    SessionExpiry,
    /// AUTH although CONNECT had no Authentication Method ([MQTT-4.12.0-7]). A CONNECT with one is
    /// refused.
    #[error("CONNECT had no Authentication Method (AUTH)")]
    Authentication,
    /// The client was silent for longer than one and a half times the keep alive.
    #[error("nothing was received for {silent_ms} ms")]
    KeepAlive {
        /// Time since the last received byte, in milliseconds.
        silent_ms: u64,
    },
    /// The handshake did not complete in time.
    #[error("no CONNECT was received in time")]
    HandshakeOverdue,
    /// A required answer exceeds the client's Maximum Packet Size ([MQTT-3.1.2-24]).
    #[error("{packet} does not fit into a packet of {limit} bytes")]
    AnswerTooLarge {
        /// The type of the packet.
        packet: PacketType,
        /// The limit.
        limit: u32,
    },
    /// Before 5.0 an acknowledgement cannot refuse, so the connection ends ([MQTT-3.3.5-2] of
    /// 3.1.1).
    #[error("message {} was refused: {text}", .packet_id.get())]
    NotTaken {
        /// The packet identifier.
        packet_id: PacketId,
        /// The description.
        text: Box<str>,
    },
    /// A reason of the caller, such as a session that is taken over, or a shutdown.
    #[error("{text}")]
    Refused {
        /// The reason code.
        reason: DisconnectReason,
        /// The description.
        text: Box<str>,
    },
}

impl Fault {
    /// Creates a fault for a reason of the caller.
    pub fn refused(reason: DisconnectReason, text: impl Into<Box<str>>) -> Self {
        let text = text.into();
        Self::Refused { reason, text }
    }

    /// Returns the reason code for DISCONNECT in 5.0: table 3-10.
    pub const fn reason(&self) -> DisconnectReason {
        match self {
            Self::Malformed(error) => error.disconnect_reason(),
            Self::Alias(AliasError::TooLarge { .. }) => DisconnectReason::TopicAliasInvalid,
            Self::Alias(AliasError::NotSet { .. }) => DisconnectReason::ProtocolError,
            Self::Alias(AliasError::TooManyBytes { .. }) => DisconnectReason::QuotaExceeded,
            Self::ReceiveMaximum(_) => DisconnectReason::ReceiveMaximumExceeded,
            Self::NotAccepted { .. } | Self::NotTaken { .. } => DisconnectReason::UnspecifiedError,
            Self::PayloadFormat => DisconnectReason::PayloadFormatInvalid,
            Self::SessionExpiry | Self::Authentication => DisconnectReason::ProtocolError,
            Self::KeepAlive { .. } => DisconnectReason::KeepAliveTimeout,
            Self::HandshakeOverdue => DisconnectReason::MaximumConnectTime,
            Self::AnswerTooLarge { .. } => DisconnectReason::PacketTooLarge,
            Self::Refused { reason, .. } => *reason,
        }
    }

    /// Returns the reason code for CONNACK, if CONNACK has not been sent yet.
    pub const fn connect_reason(&self) -> ConnectReason {
        match self {
            Self::Malformed(error) => error.connect_reason(),
            Self::NotAccepted { reason } => *reason,
            Self::AnswerTooLarge { .. } => ConnectReason::PacketTooLarge,
            Self::PayloadFormat => ConnectReason::PayloadFormatInvalid,
            _ => ConnectReason::UnspecifiedError,
        }
    }
}

const fn not_accepted(reason: ConnectReason) -> &'static str {
    match reason {
        ConnectReason::BadAuthenticationMethod => "no authentication method is supported (CONNECT)",
        ConnectReason::ClientIdentifierNotValid => {
            "an empty client identifier requires a clean session (CONNECT)"
        }
        _ => "the connection is not accepted (CONNECT)",
    }
}
