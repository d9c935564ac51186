//! The configured address of a listener.

use std::{
    io,
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
    pub async fn bind(self, option: &str, protocol: &str) -> anyhow::Result<Option<TcpListener>> {
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
pub async fn bind(address: SocketAddr, option: &str) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address).await.map_err(|error| match error.kind() {
        io::ErrorKind::AddrInUse => anyhow::anyhow!(
            "{address} is in use by another program; end it, or choose another address with {option}"
        ),
        io::ErrorKind::PermissionDenied => anyhow::anyhow!(
            "no permission to listen on {address}; choose a port from 1024 on with {option}"
        ),
        _ => anyhow::anyhow!("cannot listen on {address}: {error}"),
    })
}
