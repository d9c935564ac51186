//! The options that all clients share, and how the values of others are read.

use std::time::Duration;

use anyhow::bail;
use broker::{InvalidSelector, Selector};
use clap::builder::NonEmptyStringValueParser;
use wire::stomp::HeartBeat;

use super::{
    address::{Endpoint, InvalidAddress, ServerAddress},
    protocol::Protocol,
    tls::Trust,
};

#[derive(Clone, Debug, clap::Args)]
pub struct ConnectionOptions {
    /// Where Carillon listens: ws://HOST:PORT/ws, http://HOST:PORT or HOST:PORT; with TLS wss://, https:// or mqtts://
    /// [default: ws://127.0.0.1:8080/ws; of MQTT mqtt://127.0.0.1:1883]
    #[arg(long, value_name = "URL", env = "CARILLON_SERVER")]
    pub server: Option<ServerAddress>,

    #[command(flatten)]
    pub trust: Trust,

    /// Name of this client, shown as the producer of its messages; the server makes one up otherwise
    #[arg(
        long,
        value_name = "NAME",
        env = "CARILLON_CLIENT_ID",
        value_parser = NonEmptyStringValueParser::new()
    )]
    pub client_id: Option<String>,

    /// Milliseconds between heart-beats, both ways; 0 for none
    #[arg(
        long,
        value_name = "MS",
        env = "CARILLON_CLIENT_HEART_BEAT",
        default_value_t = HeartBeat::DEFAULT_MS
    )]
    pub heart_beat: u32,
}

impl ConnectionOptions {
    /// Where this protocol is spoken.
    pub fn endpoint(&self, protocol: Protocol) -> Result<Endpoint, InvalidAddress> {
        match &self.server {
            Some(address) => address.endpoint(protocol),
            None => Endpoint::default_of(protocol),
        }
    }

    pub const fn heart_beat(&self) -> HeartBeat {
        HeartBeat {
            send_ms: self.heart_beat,
            receive_ms: self.heart_beat,
        }
    }
}

/// A duration in seconds, or parts of them.
pub fn seconds(text: &str) -> anyhow::Result<Duration> {
    match text.parse().map(Duration::try_from_secs_f64) {
        Ok(Ok(duration)) if !duration.is_zero() => Ok(duration),
        _ => bail!("it needs to be a number of seconds, more than 0"),
    }
}

/// A condition on messages: the server would refuse what cannot be read.
pub fn selector(text: &str) -> Result<String, InvalidSelector> {
    Selector::new(text).map(|_| text.to_owned())
}

/// What the arguments of a command are read as.
#[cfg(test)]
pub fn parse<O: clap::Args>(arguments: &[&str]) -> Result<O, String> {
    #[derive(clap::Parser)]
    struct Line<O: clap::Args> {
        #[command(flatten)]
        options: O,
    }

    let all = std::iter::once(&"carillon").chain(arguments);
    match <Line<O> as clap::Parser>::try_parse_from(all) {
        Ok(line) => Ok(line.options),
        Err(error) => Err(error.to_string()),
    }
}
