//! The options that the commands share.

use anyhow::Context as _;
use client::{InvalidAddress, Login, LoginOptions, ServerAddress, Site, Trust};

/// The server of a command.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct ServerOptions {
    /// Address of the server: http://HOST:PORT or HOST:PORT; with TLS https://HOST:PORT; unix:PATH for a
    /// Unix socket
    /// [default: http://127.0.0.1:8080]
    #[arg(long, value_name = "URL", env = "CARILLON_SERVER")]
    server: Option<ServerAddress>,

    #[command(flatten)]
    pub trust: Trust,

    #[command(flatten)]
    login: LoginOptions,
}

/// The server of a command that prints something.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct ShowOptions {
    /// Print the JSON of the server instead of a table
    #[arg(long)]
    pub json: bool,

    #[command(flatten)]
    pub server: ServerOptions,
}

/// The part of a list to show.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct PageOptions {
    /// Continue after this one, which the end of the previous list names
    #[arg(long, value_name = "PLACE")]
    pub after: Option<String>,

    /// Maximum number of lines
    #[arg(long, value_name = "COUNT", default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    pub limit: u32,
}

/// A list of everything that the reader may see.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct ListOptions {
    #[command(flatten)]
    pub page: PageOptions,

    #[command(flatten)]
    pub show: ShowOptions,
}

impl ServerOptions {
    pub(crate) fn site(&self) -> Result<Site, InvalidAddress> {
        site(self.server.as_ref())
    }

    pub(crate) fn login(&self) -> anyhow::Result<Login> {
        self.login.login().context("cannot read the password")
    }
}

/// Returns the HTTP interface at an address, by default that of a server with default options on this machine.
pub(crate) fn site(address: Option<&ServerAddress>) -> Result<Site, InvalidAddress> {
    match address {
        Some(address) => address.site(),
        None => "127.0.0.1".parse::<ServerAddress>()?.site(),
    }
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
