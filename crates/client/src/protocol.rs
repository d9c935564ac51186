//! The choice of the protocol for a command-line client.

use std::fmt;

use anyhow::bail;
use clap::ValueEnum;

use super::address::ServerAddress;

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Protocol {
    /// STOMP 1.2
    Stomp,
    /// MQTT 5.0 or 3.1.1
    Mqtt,
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Stomp => "STOMP",
            Self::Mqtt => "MQTT",
        })
    }
}

/// Returns the protocol to use: the option's, else the one that the address implies, else STOMP.
pub(crate) fn choose(option: Option<Protocol>, server: Option<&ServerAddress>) -> Protocol {
    let of_address = || server.and_then(ServerAddress::protocol);
    option.or_else(of_address).unwrap_or(Protocol::Stomp)
}

/// Returns an error for an option that only the `other` protocol has.
pub(crate) fn reject_option(option: Option<&'static str>, other: Protocol) -> anyhow::Result<()> {
    match (option, other) {
        (None, _) => Ok(()),
        (Some(option), Protocol::Mqtt) => {
            bail!("{option} is for MQTT: use --protocol mqtt or a server such as mqtt://127.0.0.1")
        }
        (Some(option), Protocol::Stomp) => {
            bail!("{option} is for STOMP and cannot be used with MQTT")
        }
    }
}
