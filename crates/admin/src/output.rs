//! The output of the commands on standard output.

use std::io::{self, Write as _};

use anyhow::Context as _;
use serde::de::DeserializeOwned;

use super::{
    api::Api,
    options::{PageOptions, ShowOptions},
    table::Table,
    target::Target,
};

impl ShowOptions {
    /// Prints the server's JSON, or the text that `render` makes of it.
    ///
    /// # Errors
    /// The JSON has another form than expected, or standard output cannot be written to.
    pub(crate) fn print<T: DeserializeOwned>(
        &self,
        body: &[u8],
        render: impl FnOnce(T) -> String,
    ) -> anyhow::Result<()> {
        match self.json {
            true => print_json(body),
            false => print(&render(read(body)?)),
        }
    }

    /// Requests a part of a list and prints it, and then how the list goes on. `render` returns the text of the list, and the
    /// place at which it goes on.
    ///
    /// # Errors
    /// The server cannot be reached or refuses the request; or those of [`ShowOptions::print`].
    pub(crate) async fn print_list<T: DeserializeOwned>(
        &self,
        list: Target,
        page: &PageOptions,
        render: impl FnOnce(T) -> (String, Option<String>),
    ) -> anyhow::Result<()> {
        let part = list
            .query("after", page.after.as_ref())
            .query("limit", Some(page.limit));
        let found = Api::new(&self.server)?.get(&part).await?;
        let mut next = None;
        self.print(&found, |list| {
            let (text, place) = render(list);
            next = place;
            text
        })?;
        note_next(next.as_deref());
        Ok(())
    }
}

/// Reads the JSON of the server.
///
/// # Errors
/// The JSON has another form than expected.
pub(crate) fn read<T: DeserializeOwned>(body: &[u8]) -> anyhow::Result<T> {
    serde_json::from_slice(body)
        .context("the answer has an unknown form; is this the address of Carillon?")
}

/// Prints a text.
pub(crate) fn print(text: &str) -> anyhow::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    Ok(out.flush()?)
}

/// Prints JSON with the same values, on a line. Characters that control a terminal are escaped.
pub(crate) fn print_json(body: &[u8]) -> anyhow::Result<()> {
    let json = String::from_utf8_lossy(body.trim_ascii_end());
    print(&format!("{}\n", printable::printable_json(&json)))
}

/// Waits until the reader of standard output has closed its end. A command that prints seldom would otherwise notice it late.
/// Waits for ever if standard output is no pipe, or if the system does not report it.
pub(crate) async fn closed_by_reader() -> io::Error {
    #[cfg(unix)]
    {
        use std::os::fd::AsFd as _;
        use tokio::{io::Interest, net::unix::pipe::Sender};

        let output = io::stdout().as_fd().try_clone_to_owned();
        // Nothing is written to this copy, so it may be no pipe, and may block.
        if let Ok(copy) = output.and_then(Sender::from_owned_fd_unchecked)
            && copy.ready(Interest::ERROR).await.is_ok()
        {
            return io::ErrorKind::BrokenPipe.into();
        }
    }
    std::future::pending().await
}

/// Returns the lines of a table, as wide as the terminal, or a note if there are none.
pub(crate) fn lines(table: &Table, is_empty: bool, note: &str) -> String {
    if is_empty {
        return format!("{note}\n");
    }
    let size = terminal_size::terminal_size_of(io::stdout());
    table.render(size.map(|(width, _)| width.0.into()))
}

/// Prints on standard error how a list goes on.
fn note_next(next: Option<&str>) {
    if let Some(next) = next {
        let place = quoted(next);
        printable::note(&format!(
            "carillon: there are more; continue with --after={place}"
        ));
    }
}

/// Returns a text as one word for a shell. Names come from clients, and readers copy the line.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn no_name_ends_the_quotes() {
        for (name, word) in [
            ("a.b", "'a.b'"),
            ("$(reboot)", "'$(reboot)'"),
            ("it's", r"'it'\''s'"),
            ("';reboot;'", r"''\'';reboot;'\'''"),
        ] {
            assert_eq!(quoted(name), word);
        }
    }
}
