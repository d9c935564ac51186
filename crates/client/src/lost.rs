//! The reasons why a connection was lost.

use std::io;

use tokio_tungstenite::tungstenite::{self, protocol::CloseFrame};

use super::{connect::without_os_code, render::printable};

#[derive(Clone, Debug, thiserror::Error)]
pub(crate) enum Lost {
    #[error("the server closed it")]
    Closed,
    #[error("the server closed it: {reason} ({code})")]
    ClosedBecause { code: u16, reason: String },
    /// The transport ended without a closing handshake.
    #[error("the server closed it without notice")]
    ClosedAbruptly,
    #[error("{reason}")]
    Broken { reason: String },
    #[error("nothing was received from the server for {silent_ms} ms")]
    Silent { silent_ms: u64 },
    #[error("the server did not answer CONNECT")]
    HandshakeOverdue,
    /// The server violated the protocol.
    #[error("{reason}")]
    Protocol { reason: String },
}

impl Lost {
    pub(crate) fn protocol(error: impl std::error::Error) -> Self {
        Self::Protocol {
            reason: error.to_string(),
        }
    }

    pub(crate) fn broken_socket(error: &io::Error) -> Self {
        let reason = without_os_code(error);
        Self::Broken { reason }
    }

    pub(crate) fn broken_websocket(error: &tungstenite::Error) -> Self {
        use tungstenite::error::{Error, ProtocolError::ResetWithoutClosingHandshake};
        let reason = match error {
            Error::Protocol(ResetWithoutClosingHandshake) => return Self::ClosedAbruptly,
            Error::Io(error) => without_os_code(error),
            error => error.to_string(),
        };
        Self::Broken { reason }
    }

    pub(crate) fn closed_websocket(frame: Option<CloseFrame>) -> Self {
        match frame {
            None => Self::Closed,
            Some(frame) => Self::ClosedBecause {
                code: frame.code.into(),
                reason: match frame.reason.as_str() {
                    "" => "no reason given".to_owned(),
                    reason => printable(reason).into_owned(),
                },
            },
        }
    }
}
