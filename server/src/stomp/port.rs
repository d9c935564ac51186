//! Where STOMP is spoken over plain TCP.

use std::{
    net::{Ipv4Addr, SocketAddr},
    str::FromStr,
};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StompPort {
    Off,
    At(SocketAddr),
    /// Nobody asked for it: where somebody else is already, we do without.
    IfFree(SocketAddr),
}

/// Port 61613, as everyone has it.
impl Default for StompPort {
    fn default() -> Self {
        Self::IfFree((Ipv4Addr::LOCALHOST, 61613).into())
    }
}

impl FromStr for StompPort {
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
