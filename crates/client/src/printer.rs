//! Lines that wait to be printed on standard output, with the acknowledgements that depend on them.

use super::{
    acknowledgements::Acknowledgements,
    output::{Closed, Output, Progress},
};

pub(crate) struct Printer<T> {
    output: Output,
    /// The lines to print next.
    pub lines: Vec<u8>,
    pub acknowledgements: Acknowledgements<T>,
    /// The number of chunks handed over to the output.
    chunks: u64,
}

impl<T> Printer<T> {
    pub(crate) fn to_standard_output() -> Self {
        Self {
            output: Output::to_standard_output(),
            lines: Vec::new(),
            acknowledgements: Acknowledgements::default(),
            chunks: 0,
        }
    }

    /// Returns true if no more lines should be added for now.
    pub(crate) const fn is_full(&self) -> bool {
        self.lines.len() >= LINES_BYTES
    }

    /// Waits until lines were handed over to the output or written by it. Returns the messages to
    /// acknowledge. Cancel-safe.
    pub(crate) async fn progress(&mut self) -> Result<Vec<T>, Closed> {
        let has_lines = !self.lines.is_empty();
        match self.output.progress(has_lines).await? {
            Progress::Room(permit) => {
                permit.send(std::mem::take(&mut self.lines));
                self.chunks += 1;
                self.acknowledgements.handed_over(self.chunks);
                Ok(Vec::new())
            }
            Progress::Written(chunks) => Ok(self.acknowledgements.written(chunks)),
        }
    }

    /// Prints the lines that are left.
    ///
    /// # Errors
    ///
    /// Standard output could not be written to. A reader that closed its end is not an error.
    pub(crate) async fn finish(self) -> std::io::Result<()> {
        self.output.finish(self.lines).await
    }
}

/// Size of the waiting lines, in bytes, from which on no more messages are taken from the
/// connection. The message that reaches it is still added.
const LINES_BYTES: usize = 64 << 10;
