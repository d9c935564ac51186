//! Which protocol a client of the command line speaks.

use std::fmt;

use anyhow::bail;
use clap::ValueEnum;

use super::address::ServerAddress;

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Protocol {
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

/// What is spoken: what the user says, or what the address is for.
pub fn choose(option: Option<Protocol>, server: Option<&ServerAddress>) -> Protocol {
    let of_address = || server.and_then(ServerAddress::protocol);
    option.or_else(of_address).unwrap_or(Protocol::Stomp)
}

/// Refuses an option that only the other protocol has.
pub fn reject_option(option: Option<&'static str>, other: Protocol) -> anyhow::Result<()> {
    match (option, other) {
        (None, _) => Ok(()),
        (Some(option), Protocol::Mqtt) => {
            bail!("{option} is for MQTT: --protocol mqtt, or a server such as mqtt://127.0.0.1")
        }
        (Some(option), Protocol::Stomp) => bail!("{option} is for STOMP, and this is MQTT"),
    }
}
