//! Lines on their way to standard output, and what may be acknowledged once they are there.

use super::{
    acknowledgements::Acknowledgements,
    output::{Closed, Output, Progress},
};

pub struct Printer<T> {
    output: Output,
    /// What is to be printed next.
    pub lines: Vec<u8>,
    pub acknowledgements: Acknowledgements<T>,
    /// How often lines were handed over to the output.
    chunks: u64,
}

impl<T> Printer<T> {
    pub fn to_standard_output() -> Self {
        Self {
            output: Output::to_standard_output(),
            lines: Vec::new(),
            acknowledgements: Acknowledgements::default(),
            chunks: 0,
        }
    }

    /// Whether no more lines should be added for now.
    pub const fn is_full(&self) -> bool {
        self.lines.len() >= LINES_BYTES
    }

    /// Waits until lines were handed over to the output, or written by it. Tells what to acknowledge.
    /// Cancel-safe.
    pub async fn progress(&mut self) -> Result<Vec<T>, Closed> {
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

    /// Prints what is left.
    ///
    /// # Errors
    ///
    /// Standard output could not be written to. That its reader went away is no error.
    pub async fn finish(self) -> std::io::Result<()> {
        self.output.finish(self.lines).await
    }
}

/// How much may wait to be printed before no more is taken from the connection, and the message that
/// passes it.
const LINES_BYTES: usize = 64 << 10;
