//! The line of the log about a connection that ends, and its counter.

use std::sync::Arc;

use broker::{ClientAddress, Session};

use super::CloseReason;
use crate::{
    connection_control::OpenConnection,
    measurements::{ConnectionEnd, Label as _, Measurements},
};

/// A connection that has ended, or that was refused before it had a session.
#[derive(Debug, Clone, Copy)]
pub struct EndedConnection<'a> {
    /// The name of the protocol.
    pub protocol: &'static str,
    /// The address of the client.
    pub address: ClientAddress,
    /// The user, if it is known.
    pub user: Option<&'a str>,
    /// The client id, if it is known.
    pub client: Option<&'a str>,
    /// The name of the session, if there is one.
    pub session: Option<&'a str>,
}

impl<'a> EndedConnection<'a> {
    /// Describes a connection of the list.
    pub fn of(connection: &'a OpenConnection, session: &'a Arc<Session>) -> Self {
        Self {
            protocol: connection.protocol().name(),
            address: connection.address(),
            user: connection.user().map(|user| &**user),
            client: connection.client().map(|client| &**client),
            session: Some(session.name()),
        }
    }

    /// Describes a connection that was refused before its client was known.
    pub const fn unknown(protocol: &'static str, address: ClientAddress) -> Self {
        Self {
            protocol,
            address,
            user: None,
            client: None,
            session: None,
        }
    }
}

/// Counts the end of a connection, and logs it: at `info` if the reason is notable, at `debug` otherwise. Clients can cause
/// notable ends as often as they want, so the rate of their lines is limited.
pub fn note_end(
    measurements: &Measurements,
    ended: EndedConnection<'_>,
    close_reason: &CloseReason,
) {
    let end = ConnectionEnd::from(close_reason);
    measurements.ends.add(end);
    let EndedConnection {
        protocol,
        address,
        user,
        client,
        session,
    } = ended;
    let reason = end.name();
    if !end.is_notable() {
        tracing::debug!(protocol, %address, user, client, session, reason, detail = %close_reason, "connection ends");
    } else if let Some(unlogged) = measurements.end_lines.count() {
        tracing::info!(protocol, %address, user, client, session, reason, detail = %close_reason, unlogged, "connection ends");
    }
}

impl From<&CloseReason> for ConnectionEnd {
    fn from(close_reason: &CloseReason) -> Self {
        match close_reason {
            CloseReason::ByPeer => Self::Client,
            CloseReason::Fault(_) | CloseReason::Framing(_) | CloseReason::Text => Self::Protocol,
            CloseReason::LoginRefused(_) => Self::Login,
            CloseReason::Silent => Self::Silent,
            CloseReason::NoHandshake => Self::Handshake,
            CloseReason::Unread => Self::UnreadReplies,
            CloseReason::TooSlow => Self::TooSlow,
            CloseReason::MessageTooSlow | CloseReason::MessageDropped => Self::IncompleteMessage,
            CloseReason::TakenOver => Self::TakenOver,
            CloseReason::Revoked => Self::Revoked,
            CloseReason::Administrative => Self::Operator,
            CloseReason::Stopping => Self::Stopping,
            CloseReason::Io(_) => Self::Network,
        }
    }
}
