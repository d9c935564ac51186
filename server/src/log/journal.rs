//! Events for the journal of systemd, with their fields: <https://systemd.io/JOURNAL_NATIVE_PROTOCOL/>.
//!
//! | field | |
//! |---|---|
//! | `MESSAGE` | the same line as on standard error |
//! | `PRIORITY`, `SYSLOG_IDENTIFIER` | as everywhere in the journal |
//! | `TARGET` | the part of the server |
//! | others | the fields of the event, in upper case ([`field_name`]) |
//!
//! The protocol is written here, and not with the crate `tracing-journald`: an event that the journal does not take goes to
//! standard error, and the tests have a socket of their own; the crate has neither.

use std::{
    ffi::OsString,
    fmt::{self, Debug},
    io::{self, Write},
    os::unix::net::UnixDatagram,
    path::PathBuf,
};

use printable::{Lines, Notation};
use tracing::{
    Event, Metadata, Subscriber,
    field::{Field, Visit},
};
use tracing_subscriber::{
    fmt::{
        FmtContext, FormatEvent, FormatFields, MakeWriter,
        format::{Format, Full, Writer},
    },
    registry::LookupSpan,
};

use super::{Stderr, priority};

/// The form of an event: one line `NAME=value` for each field, `MESSAGE` first. [`Journal`] adds its own.
pub(super) struct JournalFormat {
    text: Format<Full, ()>,
}

impl JournalFormat {
    pub(super) fn new() -> Self {
        let text = tracing_subscriber::fmt::format();
        let text = text.without_time().with_level(false).with_ansi(false);
        Self { text }
    }
}

impl<S, N> FormatEvent<S, N> for JournalFormat
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let mut text = String::new();
        self.text
            .format_event(context, Writer::new(&mut text), event)?;
        write!(writer, "{MESSAGE}{}", line(&text))?;
        let target = event.metadata().target();
        write!(writer, "TARGET={}", line(target))?;
        let mut fields = Fields {
            writer,
            result: Ok(()),
        };
        event.record(&mut fields);
        fields.result
    }
}

/// Writes the fields of an event, except its text.
struct Fields<'a> {
    writer: Writer<'a>,
    result: fmt::Result,
}

impl Fields<'_> {
    fn add(&mut self, field: &Field, value: &str) {
        if field.name() != "message" && self.result.is_ok() {
            self.result = write!(self.writer, "{}={}", field_name(field.name()), line(value));
        }
    }
}

impl Visit for Fields<'_> {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.add(field, value);
    }

    fn record_error(&mut self, field: &Field, value: &(dyn std::error::Error + 'static)) {
        self.add(field, &value.to_string());
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.add(field, &format!("{value:?}"));
    }
}

/// Returns a value as one line with its end, without control characters: then a field never needs the binary form of the
/// protocol, and `journalctl` always shows the text.
fn line(value: &str) -> String {
    let mut lines = Lines {
        inner: Vec::new(),
        notation: Notation::Text,
    };
    // Writing to memory does not fail.
    let _ = lines.write_all(value.as_bytes());
    match value.is_empty() {
        true => "\n".into(),
        false => String::from_utf8_lossy(&lines.inner).into_owned(),
    }
}

/// Returns the name of a field in the journal: capital letters, digits and `_`, beginning with a letter, at most 64 bytes. A
/// name that has another meaning there begins with `CARILLON_`.
fn field_name(name: &str) -> String {
    let upper = name.chars().map(|char| match char {
        char if char.is_ascii_alphanumeric() => char.to_ascii_uppercase(),
        _ => '_',
    });
    let mut name: String = upper.collect();
    let is_known = OWN_FIELDS.contains(&&*name) || name.starts_with("CODE_");
    if is_known || !name.starts_with(|char: char| char.is_ascii_alphabetic()) {
        name.insert_str(0, "CARILLON_");
    }
    name.truncate(MAX_NAME_BYTES);
    name
}

/// The socket of the journal. Each event is one datagram. An event that the journal does not take (it is away, busy, or the
/// event is larger than a datagram may be) goes to standard error, which is the journal too.
pub(super) struct Journal {
    socket: UnixDatagram,
    path: PathBuf,
}

impl Journal {
    /// Creates a socket that sends to the journal, which need not be there yet.
    ///
    /// # Errors
    /// There are no file descriptors left.
    pub(super) fn new() -> io::Result<Self> {
        Self::at(std::env::var_os(SOCKET_VARIABLE).unwrap_or(OsString::from(SOCKET)))
    }

    fn at(path: impl Into<PathBuf>) -> io::Result<Self> {
        let socket = UnixDatagram::unbound()?;
        // A journal that is busy must not stop the server.
        socket.set_nonblocking(true)?;
        let path = path.into();
        Ok(Self { socket, path })
    }
}

impl<'a> MakeWriter<'a> for Journal {
    type Writer = Entry<'a>;

    fn make_writer(&'a self) -> Self::Writer {
        Entry {
            journal: self,
            priority: priority(tracing::Level::INFO),
        }
    }

    fn make_writer_for(&'a self, event: &Metadata<'_>) -> Self::Writer {
        Entry {
            journal: self,
            priority: priority(*event.level()),
        }
    }
}

/// One event on its way to the journal.
pub(super) struct Entry<'a> {
    journal: &'a Journal,
    priority: char,
}

impl Write for Entry<'_> {
    /// Sends an event. `tracing-subscriber` writes each event with one call.
    fn write(&mut self, fields: &[u8]) -> io::Result<usize> {
        let own = format!("PRIORITY={}\nSYSLOG_IDENTIFIER=carillon\n", self.priority);
        let entry = [own.as_bytes(), fields].concat();
        // The path and not a connection, so that a new socket of a restarted journal is found.
        let Journal { socket, path } = self.journal;
        if socket.send_to(&entry, path).is_err() {
            let message = fields.strip_prefix(MESSAGE.as_bytes()).unwrap_or(fields);
            let message = message.split_inclusive(|byte| *byte == b'\n').next();
            let priority = Some(self.priority);
            Stderr { priority }.write_all(message.unwrap_or_default())?;
        }
        Ok(fields.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

const MESSAGE: &str = "MESSAGE=";
/// The fields of every entry, and those of systemd.journal-fields(7) that a server must not write by chance.
const OWN_FIELDS: [&str; 7] = [
    "MESSAGE",
    "MESSAGE_ID",
    "PRIORITY",
    "SYSLOG_IDENTIFIER",
    "SYSLOG_PID",
    "TARGET",
    "UNIT",
];
/// systemd.journal-fields(7): longer names are not accepted.
const MAX_NAME_BYTES: usize = 64;
const SOCKET: &str = "/run/systemd/journal/socket";
/// The variable with the path of another socket, for containers and tests.
const SOCKET_VARIABLE: &str = "CARILLON_JOURNAL_SOCKET";

#[cfg(test)]
mod tests {
    use std::{fs, path::Path, process};

    use super::*;

    /// Returns the entry that the journal receives of what `log` logs.
    fn received(test: &str, log: impl FnOnce()) -> String {
        let path = std::env::temp_dir().join(format!("carillon-{test}-{}", process::id()));
        let journal = UnixDatagram::bind(&path).expect("a path for a socket");
        journal.set_nonblocking(true).expect("a socket");
        tracing::subscriber::with_default(subscriber(&path), log);
        let mut entry = [0; 4096];
        let length = journal.recv(&mut entry);
        fs::remove_file(&path).expect("the socket");
        String::from_utf8_lossy(&entry[..length.expect("an entry")]).into_owned()
    }

    fn subscriber(path: &Path) -> impl Subscriber + use<> {
        tracing_subscriber::fmt()
            .event_format(JournalFormat::new())
            .with_writer(Journal::at(path).expect("a socket"))
            .finish()
    }

    #[test]
    fn an_event_arrives_with_its_fields() {
        let entry = received("fields", || {
            tracing::warn!(target: "carillon::a", peer = %"10.0.0.7", user = "anna", count = 3, "it ends");
        });
        let expected = "PRIORITY=4\nSYSLOG_IDENTIFIER=carillon\n\
            MESSAGE=carillon::a: it ends peer=10.0.0.7 user=\"anna\" count=3\n\
            TARGET=carillon::a\nPEER=10.0.0.7\nUSER=anna\nCOUNT=3\n";
        assert_eq!(entry, expected);
    }

    #[test]
    fn a_value_cannot_forge_a_field() {
        let entry = received("forged", || {
            tracing::info!(target: "a", detail = "x\nPRIORITY=0\n", empty = "", "text\nMESSAGE=no");
        });
        let names: Vec<_> = entry
            .lines()
            .map(|line| line.split('=').next().unwrap_or_default())
            .collect();
        let expected = [
            "PRIORITY",
            "SYSLOG_IDENTIFIER",
            "MESSAGE",
            "TARGET",
            "DETAIL",
            "EMPTY",
        ];
        assert_eq!(names, expected, "{entry}");
        assert!(entry.contains("\nDETAIL=x\\nPRIORITY=0"), "{entry}");
    }

    #[test]
    fn names_are_those_that_the_journal_accepts() {
        let long = "a".repeat(80);
        let table = [
            ("peer", "PEER"),
            ("client_id", "CLIENT_ID"),
            ("http.method", "HTTP_METHOD"),
            ("priority", "CARILLON_PRIORITY"),
            ("code_line", "CARILLON_CODE_LINE"),
            ("_pid", "CARILLON__PID"),
            ("7", "CARILLON_7"),
            ("größe", "GR__E"),
            (&long, &long.to_uppercase()[..MAX_NAME_BYTES]),
        ];
        for (name, expected) in table {
            assert_eq!(field_name(name), expected);
        }
    }
}
