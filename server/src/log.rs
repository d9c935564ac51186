//! The server's log, on standard error, or in the journal of systemd.

mod journal;

use std::io::{self, IsTerminal as _, Write};

use journal::{Journal, JournalFormat};
use printable::{Lines, Notation};
use rustix::fs::fstat;
use tracing::{Level, Metadata};
use tracing_subscriber::{EnvFilter, fmt::MakeWriter, reload};

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

/// Starts the log. Colours are for terminals, not for files (and <https://no-color.org>). If standard error is the journal of
/// systemd, the journal gets the fields of each event. Text that is meant for the journal has the priority of each line, and no
/// time, because the journal has its own.
///
/// # Errors
///
/// The filter is not valid, or there are no file descriptors left.
pub fn init(options: &ServeOptions) -> anyhow::Result<LogFilter> {
    let filter = parse_filter(&options.log)?;
    let format = options.log_format;
    if format != LogFormat::Json && is_journal() {
        let subscriber = tracing_subscriber::fmt()
            .with_env_filter(filter)
            .event_format(JournalFormat::new())
            .with_writer(Journal::new()?)
            .with_filter_reloading();
        let handle = subscriber.reload_handle();
        subscriber.init();
        return Ok(LogFilter(Box::new(move |filter| handle.reload(filter))));
    }
    let is_colour_disabled = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let notation = match format {
        LogFormat::Json => Notation::Json,
        LogFormat::Text if io::stderr().is_terminal() && !is_colour_disabled => {
            Notation::ColouredText
        }
        LogFormat::Text | LogFormat::Journal => Notation::Text,
    };
    let output = Output {
        notation,
        has_priorities: format == LogFormat::Journal,
    };
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(notation == Notation::ColouredText)
        .with_writer(output);
    Ok(match format {
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
        LogFormat::Journal => {
            let subscriber = subscriber.without_time().with_level(false);
            let subscriber = subscriber.with_filter_reloading();
            let handle = subscriber.reload_handle();
            subscriber.init();
            LogFilter(Box::new(move |filter| handle.reload(filter)))
        }
    })
}

/// Returns whether standard error is the journal: systemd.exec(5), "$JOURNAL_STREAM".
fn is_journal() -> bool {
    let stream = std::env::var("JOURNAL_STREAM").unwrap_or_default();
    match fstat(io::stderr()) {
        Ok(stat) => stream == format!("{}:{}", stat.st_dev, stat.st_ino),
        Err(_) => false,
    }
}

/// Standard error, one line for each event.
struct Output {
    notation: Notation,
    /// True if each line begins with its priority.
    has_priorities: bool,
}

/// Standard error with the beginning of the next line.
struct Stderr {
    /// The digit of a priority.
    priority: Option<char>,
}

impl<'a> MakeWriter<'a> for Output {
    type Writer = Lines<Stderr>;

    fn make_writer(&'a self) -> Self::Writer {
        Lines {
            inner: Stderr { priority: None },
            notation: self.notation,
        }
    }

    fn make_writer_for(&'a self, event: &Metadata<'_>) -> Self::Writer {
        let priority = self.has_priorities.then(|| priority(*event.level()));
        Lines {
            inner: Stderr { priority },
            notation: self.notation,
        }
    }
}

impl Write for Stderr {
    /// Writes a line with one call, so that lines of other threads are not mixed with it.
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        match self.priority {
            None => io::stderr().write_all(line)?,
            // As the journal reads it at the beginning of a line: sd-daemon(3).
            Some(digit) => {
                let prefix = format!("<{digit}>");
                io::stderr().write_all(&[prefix.as_bytes(), line].concat())?;
            }
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}

/// Returns the digit of an event's priority: syslog(3).
const fn priority(level: Level) -> char {
    match level {
        Level::ERROR => '3',
        Level::WARN => '4',
        Level::INFO => '6',
        Level::DEBUG | Level::TRACE => '7',
    }
}
