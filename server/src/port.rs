//! The configured address of a listener.

use std::{
    fmt, io,
    net::{Ipv4Addr, SocketAddr},
    str::FromStr,
};

use tokio::net::TcpListener;

/// A port as an option names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Port {
    /// No listener.
    Off,
    /// The requested address. The server does not start if it is not available.
    At(SocketAddr),
    /// The default port; skipped if it is already in use.
    IfFree(SocketAddr),
}

impl Port {
    /// Returns the default port on loopback, skipped if it is already in use.
    pub fn if_free(number: u16) -> Self {
        Self::IfFree((Ipv4Addr::LOCALHOST, number).into())
    }

    /// Returns the address, if there is a listener.
    pub fn address(self) -> Option<SocketAddr> {
        match self {
            Self::Off => None,
            Self::At(address) | Self::IfFree(address) => Some(address),
        }
    }

    /// Listens. `option` is the command-line option for another address, `protocol` the protocol.
    ///
    /// # Errors
    ///
    /// The requested address is not available.
    pub async fn bind(
        self,
        option: &str,
        protocol: &str,
    ) -> Result<Option<TcpListener>, BindError> {
        match self {
            Self::Off => Ok(None),
            Self::At(address) => bind(address, option).await.map(Some),
            Self::IfFree(address) => Ok(bind(address, option)
                .await
                .inspect_err(|error| tracing::warn!("{protocol} is not available: {error}"))
                .ok()),
        }
    }
}

/// The error for an address that is not available.
#[derive(Debug)]
pub struct BindError {
    /// The address.
    pub address: SocketAddr,
    /// The error of the system.
    pub reason: io::Error,
    /// The command-line option for another address.
    option: Box<str>,
}

impl fmt::Display for BindError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            address,
            reason,
            option,
        } = self;
        match reason.kind() {
            io::ErrorKind::AddrInUse => write!(
                formatter,
                "{address} is in use by another program; end it, or choose another address with {option}"
            ),
            io::ErrorKind::PermissionDenied => write!(
                formatter,
                "no permission to listen on {address}; choose a port from 1024 on with {option}"
            ),
            _ => write!(formatter, "cannot listen on {address}: {reason}"),
        }
    }
}

impl std::error::Error for BindError {}

impl FromStr for Port {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "off" => Ok(Self::Off),
            address => address
                .parse()
                .map(Self::At)
                .map_err(|_| "neither ADDRESS:PORT nor off"),
        }
    }
}

/// Listens at an address; `option` is the command-line option for another one.
///
/// # Errors
///
/// The address is not available.
pub async fn bind(address: SocketAddr, option: &str) -> Result<TcpListener, BindError> {
    let bound = TcpListener::bind(address).await;
    bound.map_err(|reason| BindError {
        address,
        reason,
        option: option.into(),
    })
}
