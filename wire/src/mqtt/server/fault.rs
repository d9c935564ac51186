//! What ends a connection, whose fault it is, and what the client is told.

use super::super::window::{AliasError, Exceeded};
use super::super::{ConnectReason, DecodeError, DisconnectReason, PacketId, PacketType};

/// Always the end of the connection: "it MUST close the Network Connection" ([MQTT-4.13.1-1]). Tell
/// the client with [`Peer::disconnect`](super::Peer::disconnect); the text is the Reason String.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    #[error("{0}")]
    Malformed(#[from] DecodeError),
    #[error("{0} (PUBLISH)")]
    Alias(#[from] AliasError),
    #[error("{0} (PUBLISH)")]
    ReceiveMaximum(#[from] Exceeded),
    /// A CONNECT that is legal, but not accepted.
    #[error("{}", not_accepted(*.reason))]
    NotAccepted { reason: ConnectReason },
    /// Where PUBLISH has no acknowledgement that could say so: with QoS 0.
    #[error("the payload is not the UTF-8 that it is said to be (PUBLISH)")]
    PayloadFormat,
    /// "a non-zero Session Expiry Interval" where that of CONNECT was zero (3.14.2.2.2).
    #[error("a session that ends with its connection cannot be kept afterwards (DISCONNECT)")]
    SessionExpiry,
    /// [MQTT-4.12.0-7]: no AUTH where CONNECT had no Authentication Method; with one it is refused.
    #[error("CONNECT had no Authentication Method (AUTH)")]
    Authentication,
    #[error("nothing was received for {silent_ms} ms")]
    KeepAlive { silent_ms: u64 },
    #[error("no CONNECT was received in time")]
    HandshakeOverdue,
    /// The client's Maximum Packet Size has no room for an answer that is due ([MQTT-3.1.2-24]).
    #[error("{packet} does not fit into a packet of {limit} bytes")]
    AnswerTooLarge { packet: PacketType, limit: u32 },
    /// Before 5.0 an acknowledgement cannot refuse, so the connection ends ([MQTT-3.3.5-2] of 3.1.1).
    #[error("message {} was refused: {text}", .packet_id.get())]
    NotTaken { packet_id: PacketId, text: Box<str> },
    /// The caller's own: a session that is taken over, a server that stops.
    #[error("{text}")]
    Refused {
        reason: DisconnectReason,
        text: Box<str>,
    },
}

/// By whose doing a connection ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Blame {
    /// The client broke the protocol.
    Peer,
    /// The client needs more than it is granted.
    Limit,
    /// Neither.
    Server,
}

impl Fault {
    /// Whatever only the caller can know.
    pub fn refused(reason: DisconnectReason, text: impl Into<Box<str>>) -> Self {
        let text = text.into();
        Self::Refused { reason, text }
    }

    /// What DISCONNECT says of it in 5.0: table 3-10.
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

    /// What CONNACK says of it, as long as there was none.
    pub const fn connect_reason(&self) -> ConnectReason {
        match self {
            Self::Malformed(error) => error.connect_reason(),
            Self::NotAccepted { reason } => *reason,
            Self::AnswerTooLarge { .. } => ConnectReason::PacketTooLarge,
            Self::PayloadFormat => ConnectReason::PayloadFormatInvalid,
            _ => ConnectReason::UnspecifiedError,
        }
    }

    pub const fn blame(&self) -> Blame {
        match self {
            Self::Malformed(error) if error.fault.is_limit() => Blame::Limit,
            Self::Alias(AliasError::TooManyBytes { .. }) | Self::AnswerTooLarge { .. } => {
                Blame::Limit
            }
            Self::Malformed(_)
            | Self::Alias(_)
            | Self::ReceiveMaximum(_)
            | Self::NotAccepted { .. }
            | Self::PayloadFormat
            | Self::SessionExpiry
            | Self::Authentication
            | Self::KeepAlive { .. }
            | Self::HandshakeOverdue => Blame::Peer,
            Self::NotTaken { .. } | Self::Refused { .. } => Blame::Server,
        }
    }
}

const fn not_accepted(reason: ConnectReason) -> &'static str {
    match reason {
        ConnectReason::BadAuthenticationMethod => "no authentication method is supported (CONNECT)",
        ConnectReason::ClientIdentifierNotValid => {
            "an empty client identifier needs a clean session (CONNECT)"
        }
        _ => "it is not accepted (CONNECT)",
    }
}
