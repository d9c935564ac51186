//! Standard input, line by line.
//!
//! A separate thread reads it. A read that blocks for long, as from a terminal, then delays neither
//! the connection's heart-beats nor the end of the program.

use std::{io, io::Read, thread};

use tokio::sync::mpsc;

/// The lines of an input, those already read and those still to read.
pub(crate) struct Lines {
    chunks: mpsc::Receiver<io::Result<Vec<u8>>>,
    unread: Vec<u8>,
    /// Start of the next line in `unread`.
    start: usize,
    /// End of the part of `unread` that was searched: there is no line end from `start` to here.
    scanned: usize,
    end: End,
}

enum End {
    Open,
    Reached,
    Failed(io::Error),
}

impl Lines {
    pub(crate) fn from_standard_input() -> Self {
        Self::new(io::stdin())
    }

    fn new(source: impl Read + Send + 'static) -> Self {
        let (sender, chunks) = mpsc::channel(MAX_CHUNKS);
        thread::spawn(move || read_chunks(source, &sender));
        Self {
            chunks,
            unread: Vec::new(),
            start: 0,
            scanned: 0,
            end: End::Open,
        }
    }

    /// Waits for more input or its end. Cancel-safe. To be called after
    /// [`next_line`](Self::next_line) has returned `None`.
    pub(crate) async fn receive(&mut self) {
        let chunk = self.chunks.recv().await;
        match chunk {
            Some(Ok(chunk)) => self.append(&chunk),
            Some(Err(error)) => self.end = End::Failed(error),
            None => self.end = End::Reached,
        }
    }

    /// Returns the next complete line, without its line end, or `None` if more input is needed. The
    /// last line of the input needs no line end.
    ///
    /// # Errors
    ///
    /// The input cannot be read, or the line is longer than [`MAX_LINE_BYTES`].
    pub(crate) fn next_line(&mut self) -> io::Result<Option<&[u8]>> {
        let line_end = self.unread[self.scanned..].iter().position(is_line_end);
        if let Some(offset) = line_end {
            let line = self.start..self.scanned + offset;
            self.start = line.end + 1;
            self.scanned = self.start;
            return Ok(Some(without_carriage_return(&self.unread[line])));
        }
        self.scanned = self.unread.len();
        match std::mem::replace(&mut self.end, End::Open) {
            End::Failed(error) => return Err(error),
            End::Reached => self.end = End::Reached,
            End::Open if self.unread.len() - self.start > MAX_LINE_BYTES => return Err(too_long()),
            End::Open => return Ok(None),
        }
        let last = std::mem::replace(&mut self.start, self.unread.len());
        let line = &self.unread[last..];
        Ok((!line.is_empty()).then_some(line))
    }

    /// Returns true if the end of the input was reached and every line was taken.
    pub(crate) fn is_at_end(&self) -> bool {
        matches!(self.end, End::Reached) && self.start == self.unread.len()
    }

    /// Returns true if [`receive`](Self::receive) must be called to get the next line.
    pub(crate) fn needs_input(&self) -> bool {
        matches!(self.end, End::Open) && self.scanned == self.unread.len()
    }

    fn append(&mut self, chunk: &[u8]) {
        self.unread.drain(..self.start);
        self.scanned -= self.start;
        self.start = 0;
        self.unread.extend_from_slice(chunk);
    }
}

fn read_chunks(mut source: impl Read, chunks: &mpsc::Sender<io::Result<Vec<u8>>>) {
    loop {
        let mut chunk = vec![0; CHUNK_BYTES];
        let outcome = match source.read(&mut chunk) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Ok(0) => return,
            Ok(length) => {
                chunk.truncate(length);
                Ok(chunk)
            }
            Err(error) => Err(error),
        };
        let is_last = outcome.is_err();
        if chunks.blocking_send(outcome).is_err() || is_last {
            return;
        }
    }
}

const fn is_line_end(byte: &u8) -> bool {
    *byte == b'\n'
}

fn without_carriage_return(line: &[u8]) -> &[u8] {
    line.strip_suffix(b"\r").unwrap_or(line)
}

fn too_long() -> io::Error {
    let text = format!("longer than {MAX_LINE_BYTES} bytes");
    io::Error::new(io::ErrorKind::InvalidData, text)
}

/// Maximum length of a line, and so of the memory that one line takes.
pub(crate) const MAX_LINE_BYTES: usize = 64 << 20;
/// Size of one read.
const CHUNK_BYTES: usize = 64 << 10;
/// Maximum number of chunks that wait to be taken. Reading pauses while this many wait.
const MAX_CHUNKS: usize = 4;

#[cfg(test)]
mod tests {
    use super::*;

    /// A source that returns one piece for each read.
    struct Pieces(Vec<&'static [u8]>);

    impl Read for Pieces {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            if self.0.is_empty() {
                return Ok(0);
            }
            let piece = self.0.remove(0);
            buffer[..piece.len()].copy_from_slice(piece);
            Ok(piece.len())
        }
    }

    #[tokio::test]
    async fn lines_are_split_the_same_however_the_input_is_cut() {
        let table: [(&[&'static [u8]], &[&str]); 8] = [
            (&[], &[]),
            (&[b"a\nb\n"], &["a", "b"]),
            (&[b"a\nb"], &["a", "b"]),
            (&[b"a", b"b", b"c\nd", b"\n"], &["abc", "d"]),
            (&[b"\n\na\n\n"], &["", "", "a", ""]),
            (&[b"a\r\nb\rc\r", b"\n"], &["a", "b\rc"]),
            (&[b"\n"], &[""]),
            (&[b"last\r"], &["last\r"]),
        ];
        for (pieces, wanted) in table {
            let mut lines = Lines::new(Pieces(pieces.to_vec()));
            let mut found = Vec::new();
            while !lines.is_at_end() {
                let line = lines.next_line().unwrap().map(<[u8]>::to_vec);
                found.extend(line.map(|line| String::from_utf8(line).unwrap()));
                if lines.needs_input() {
                    lines.receive().await;
                }
            }
            assert_eq!(found, wanted, "{pieces:?}");
        }
    }

    #[tokio::test]
    async fn a_read_error_is_returned_after_the_lines_before_it() {
        struct Failing(bool);
        impl Read for Failing {
            fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
                if std::mem::replace(&mut self.0, true) {
                    return Err(io::Error::other("gone"));
                }
                buffer[..2].copy_from_slice(b"a\n");
                Ok(2)
            }
        }
        let mut lines = Lines::new(Failing(false));
        lines.receive().await;
        assert_eq!(lines.next_line().unwrap(), Some(&b"a"[..]));
        assert_eq!(lines.next_line().unwrap(), None);
        lines.receive().await;
        assert_eq!(lines.next_line().unwrap_err().to_string(), "gone");
    }
}
