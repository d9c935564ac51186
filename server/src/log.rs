//! The server's log, on standard error.

use std::io::{self, IsTerminal as _};

use printable::{Lines, Notation};
use tracing_subscriber::{EnvFilter, reload};

use crate::cli::{LogFormat, ServeOptions};

/// The filter of the log, which can be replaced.
pub struct LogFilter(Box<dyn Fn(EnvFilter) -> Result<(), reload::Error> + Send>);

impl LogFilter {
    /// Replaces the filter.
    ///
    /// # Errors
    /// The new filter is not valid.
    pub fn replace(&self, filter: &str) -> anyhow::Result<()> {
        Ok((self.0)(parse_filter(filter)?)?)
    }
}

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
pub fn init(options: &ServeOptions) -> anyhow::Result<LogFilter> {
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
    Ok(match options.log_format {
        LogFormat::Text => {
            let subscriber = subscriber.with_filter_reloading();
            let handle = subscriber.reload_handle();
            subscriber.init();
            LogFilter(Box::new(move |filter| handle.reload(filter)))
        }
        LogFormat::Json => {
            let subscriber = subscriber.json().with_filter_reloading();
            let handle = subscriber.reload_handle();
            subscriber.init();
            LogFilter(Box::new(move |filter| handle.reload(filter)))
        }
    })
}
