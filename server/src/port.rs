//! The configured address of a listener.

use std::{net::Ipv4Addr, str::FromStr};

use crate::net::{ListenAddress, ListeningSocket};

/// A port as an option names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Port {
    /// No listener.
    Off,
    /// The requested address. The server does not start if it is not available.
    At(ListenAddress),
    /// The default port; skipped if it is already in use.
    IfFree(ListenAddress),
}

impl Port {
    /// Returns the default port on loopback, skipped if it is already in use.
    pub fn if_free(number: u16) -> Self {
        Self::IfFree(ListenAddress::Tcp((Ipv4Addr::LOCALHOST, number).into()))
    }

    /// Returns the address, if there is a listener.
    pub fn address(&self) -> Option<&ListenAddress> {
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
        &self,
        option: &str,
        protocol: &str,
    ) -> anyhow::Result<Option<ListeningSocket>> {
        match self {
            Self::Off => Ok(None),
            Self::At(address) => address.bind(option).await.map(Some),
            Self::IfFree(address) => Ok(address
                .bind(option)
                .await
                .inspect_err(|error| tracing::warn!("{protocol} is not available: {error}"))
                .ok()),
        }
    }
}

impl FromStr for Port {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "off" => Ok(Self::Off),
            address => address.parse().map(Self::At).map_err(|error: String| {
                match text.starts_with("unix:") {
                    true => error,
                    false => "neither ADDRESS:PORT, unix:PATH nor off".to_owned(),
                }
            }),
        }
    }
}
