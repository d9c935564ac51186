//! The errors of this crate.

use std::{io, net::SocketAddr};

/// The reason why a call did not succeed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The server cannot listen at an address: another program uses it, or this program may not.
    #[error("cannot listen on {address}: {reason}")]
    #[non_exhaustive]
    AddressNotAvailable {
        /// The address.
        address: SocketAddr,
        /// The error of the system; its kind is [`io::ErrorKind::AddrInUse`] if the address is in use.
        reason: io::Error,
    },
    /// An option has an unknown name or an invalid value, or needs another one. The text describes the fault.
    #[error("{0}")]
    InvalidOption(String),
    /// The server cannot start for another reason, for example because another process uses its data directory.
    #[error("{0}")]
    NotStarted(String),
    /// The name of a topic or queue, or a filter, is not valid. The text describes the fault.
    #[error("{0}")]
    InvalidName(String),
    /// The broker refused a message or a subscription, for example because a limit is reached. The text names the limit.
    #[error("{0}")]
    Refused(String),
    /// The delivery does not wait for a decision any more: its consumer has ended, and its message has returned to the queue.
    #[error("the delivery does not wait to be acknowledged any more")]
    NotInFlight,
    /// The disk failed, so that messages may not survive a restart. The text describes the failure.
    #[error("{0}")]
    Storage(String),
    /// The server has stopped.
    #[error("the server has stopped")]
    Stopped,
}

impl Error {
    /// Returns the error for a server that did not start.
    pub(crate) fn of_start(error: &carillon_server::embedding::StartError) -> Self {
        match carillon_server::embedding::unavailable_address(error) {
            Some((address, reason)) => Self::AddressNotAvailable { address, reason },
            None => Self::NotStarted(format!("{error:#}")),
        }
    }
}
