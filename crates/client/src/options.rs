//! The options that all clients share, and parsers for values of other options.

use std::{fs, io, path::PathBuf, time::Duration};

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
pub(crate) struct ConnectionOptions {
    /// Address of the server: ws://HOST:PORT/ws, http://HOST:PORT, mqtt://HOST:PORT or HOST:PORT;
    /// with TLS wss://, https:// or mqtts://; unix:PATH for a Unix socket [default: ws://127.0.0.1:8080/ws; with MQTT
    /// mqtt://127.0.0.1:1883]
    #[arg(long, value_name = "URL", env = "CARILLON_SERVER")]
    pub server: Option<ServerAddress>,

    #[command(flatten)]
    pub trust: Trust,

    #[command(flatten)]
    pub login: LoginOptions,

    /// Name of this client, shown as the producer of its messages; chosen by the server by default
    #[arg(
        long,
        value_name = "NAME",
        env = "CARILLON_CLIENT_ID",
        value_parser = NonEmptyStringValueParser::new()
    )]
    pub client_id: Option<String>,

    /// Milliseconds between heart-beats in both directions; 0 for none; with MQTT the keep alive,
    /// rounded up to seconds
    #[arg(
        long,
        value_name = "MS",
        env = "CARILLON_CLIENT_HEART_BEAT",
        default_value_t = HeartBeat::DEFAULT_MS
    )]
    pub heart_beat: u32,
}

/// The user of a client.
#[derive(Clone, Debug, clap::Args)]
pub struct LoginOptions {
    /// Name of the user; not needed with a token
    #[arg(long, value_name = "NAME", env = "CARILLON_USER")]
    user: Option<String>,

    /// The password or a token. Other users of the machine can read command lines, so the environment or
    /// --password-file is better
    #[arg(
        long,
        value_name = "PASSWORD",
        env = "CARILLON_PASSWORD",
        hide_env_values = true
    )]
    password: Option<String>,

    /// File whose first line is the password or a token
    #[arg(
        long,
        value_name = "FILE",
        env = "CARILLON_PASSWORD_FILE",
        conflicts_with = "password"
    )]
    password_file: Option<PathBuf>,
}

/// The credentials of a client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Login {
    /// The name of the user; `None` with a token.
    pub user: Option<String>,
    /// The password or a token.
    pub password: Option<String>,
}

impl LoginOptions {
    /// Returns the credentials.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn login(&self) -> io::Result<Login> {
        let password = match &self.password_file {
            Some(file) => fs::read_to_string(file)?.lines().next().map(str::to_owned),
            None => self.password.clone(),
        };
        Ok(Login {
            user: self.user.clone(),
            password,
        })
    }
}

impl ConnectionOptions {
    /// Returns the endpoint for this protocol.
    pub(crate) fn endpoint(&self, protocol: Protocol) -> Result<Endpoint, InvalidAddress> {
        match &self.server {
            Some(address) => address.endpoint(protocol),
            None => Endpoint::default_of(protocol),
        }
    }

    pub(crate) const fn heart_beat(&self) -> HeartBeat {
        HeartBeat {
            send_ms: self.heart_beat,
            receive_ms: self.heart_beat,
        }
    }
}

/// Parses a duration in seconds, with an optional fraction.
pub(crate) fn seconds(text: &str) -> anyhow::Result<Duration> {
    match text.parse().map(Duration::try_from_secs_f64) {
        Ok(Ok(duration)) if !duration.is_zero() => Ok(duration),
        _ => bail!("the value must be a number of seconds, more than 0"),
    }
}

/// Checks the syntax of a selector. The server would refuse an invalid one.
pub(crate) fn selector(text: &str) -> Result<String, InvalidSelector> {
    Selector::new(text).map(|_| text.to_owned())
}

/// Parses the arguments of a command.
#[cfg(test)]
pub(crate) fn parse<O: clap::Args>(arguments: &[&str]) -> Result<O, String> {
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
