//! The server's log, on standard error.

use std::io::{self, IsTerminal as _};

use printable::{Lines, Notation};
use tracing_subscriber::EnvFilter;

use crate::cli::{LogFormat, ServeOptions};

/// Parses the value of `--log`.
///
/// # Errors
/// The filter is not valid.
pub fn parse_filter(filter: &str) -> anyhow::Result<EnvFilter> {
    let parsed = EnvFilter::builder().parse(filter);
    parsed.map_err(|error| anyhow::anyhow!("--log {filter:?}: {error}"))
}

/// Starts the log. Colours are for terminals, not for files (and <https://no-color.org>).
///
/// # Errors
///
/// The filter is not valid.
pub fn init(options: &ServeOptions) -> anyhow::Result<()> {
    let filter = parse_filter(&options.log)?;
    let is_colour_disabled = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let notation = match options.log_format {
        LogFormat::Json => Notation::Json,
        LogFormat::Text if io::stderr().is_terminal() && !is_colour_disabled => {
            Notation::ColouredText
        }
        LogFormat::Text => Notation::Text,
    };
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(notation == Notation::ColouredText)
        .with_writer(move || Lines {
            inner: io::stderr(),
            notation,
        });
    match options.log_format {
        LogFormat::Text => subscriber.init(),
        LogFormat::Json => subscriber.json().init(),
    }
    Ok(())
}
