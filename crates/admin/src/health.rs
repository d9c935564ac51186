//! `carillon health`, for containers and service managers.

use std::time::Duration;

use anyhow::Context as _;
use client::{ServerAddress, Trust};

use super::{api::Api, options::site, output::print, target::Target};

/// The options of `carillon health`.
#[derive(Debug, clap::Args)]
pub struct HealthOptions {
    /// Address of the server: http://HOST:PORT or HOST:PORT; with TLS https://HOST:PORT; unix:PATH for a
    /// Unix socket
    /// [default: http://127.0.0.1:8080]
    #[arg(
        long = "server",
        visible_alias = "address",
        value_name = "URL",
        env = "CARILLON_SERVER"
    )]
    server: Option<ServerAddress>,

    /// Check only that the process answers, also at the limit of connections and while the disk is nearly full
    #[arg(long)]
    live: bool,

    /// Maximum time in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 3, value_parser = clap::value_parser!(u64).range(1..=60))]
    timeout: u64,

    #[command(flatten)]
    trust: Trust,
}

/// Runs the command. Prints what the server answers.
pub(crate) async fn run(options: HealthOptions) -> anyhow::Result<()> {
    let site = site(options.server.as_ref())?;
    let (path, fault) = match options.live {
        true => ("/healthz", "not alive"),
        false => ("/readyz", "not ready"),
    };
    let limit = Duration::from_secs(options.timeout);
    let api = Api::without_login(site, options.trust, limit);
    let answer = api.get(&Target::new(path)).await.context(fault)?;
    print(&String::from_utf8_lossy(&answer))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options::parse;

    #[test]
    fn the_time_is_bounded() {
        let options: HealthOptions = parse(&["--address", "127.0.0.1:1"]).expect("options");
        assert_eq!((options.timeout, options.live), (3, false));
        for seconds in ["0", "61", "x"] {
            assert!(parse::<HealthOptions>(&["--timeout", seconds]).is_err());
        }
    }
}
