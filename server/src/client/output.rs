//! Standard output, written by a thread of its own.
//!
//! Whoever reads it may be slow, or stop reading for a while, as a pager does. The connection's
//! heart-beats go on meanwhile.

use std::{io, io::Write, thread};

use tokio::sync::{mpsc, oneshot, watch};

pub struct Output {
    chunks: mpsc::Sender<Vec<u8>>,
    /// How many chunks were written.
    written: watch::Receiver<u64>,
    outcome: oneshot::Receiver<io::Result<()>>,
}

/// What an output has come to.
pub enum Progress<'o> {
    /// A chunk of lines can be taken.
    Room(mpsc::Permit<'o, Vec<u8>>),
    /// So many chunks were written, since the beginning.
    Written(u64),
}

/// Standard output cannot be written to any more; [`Output::finish`] tells why.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("standard output is closed")]
pub struct Closed;

impl Output {
    pub fn to_standard_output() -> Self {
        Self::to(io::stdout())
    }

    fn to(target: impl Write + Send + 'static) -> Self {
        let (chunks, receiver) = mpsc::channel(MAX_CHUNKS);
        let (count, written) = watch::channel(0);
        let (sender, outcome) = oneshot::channel();
        thread::spawn(move || {
            // Nobody waits for the outcome when the program ends anyway.
            let _ = sender.send(write_chunks(target, receiver, &count));
        });
        Self {
            chunks,
            written,
            outcome,
        }
    }

    /// Waits until more was written, or a chunk of lines can be taken if there is one. Cancel-safe.
    pub async fn progress(&mut self, has_lines: bool) -> Result<Progress<'_>, Closed> {
        let Self {
            chunks, written, ..
        } = self;
        tokio::select! {
            permit = chunks.reserve(), if has_lines => permit.map(Progress::Room).map_err(|_| Closed),
            changed = written.changed() => match changed {
                Ok(()) => Ok(Progress::Written(*written.borrow_and_update())),
                Err(_) => Err(Closed),
            },
        }
    }

    /// Writes this and everything before it.
    ///
    /// # Errors
    ///
    /// Standard output could not be written to. That its reader went away is no error.
    pub async fn finish(self, last: Vec<u8>) -> io::Result<()> {
        if !last.is_empty() {
            // If it is closed the outcome says why.
            let _ = self.chunks.send(last).await;
        }
        drop(self.chunks);
        match self.outcome.await {
            Ok(Err(error)) if error.kind() != io::ErrorKind::BrokenPipe => Err(error),
            _ => Ok(()),
        }
    }
}

fn write_chunks(
    mut target: impl Write,
    mut chunks: mpsc::Receiver<Vec<u8>>,
    written: &watch::Sender<u64>,
) -> io::Result<()> {
    while let Some(chunk) = chunks.blocking_recv() {
        target.write_all(&chunk)?;
        target.flush()?;
        written.send_modify(|count| *count += 1);
    }
    Ok(())
}

/// How many chunks may wait to be written: beyond, no more messages are taken.
const MAX_CHUNKS: usize = 4;

#[cfg(test)]
mod tests {
    use super::*;

    struct Failing(io::ErrorKind);

    impl Write for Failing {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(self.0.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[tokio::test]
    async fn a_reader_that_went_away_is_no_error_but_a_full_disk_is() {
        let gone = Output::to(Failing(io::ErrorKind::BrokenPipe));
        assert!(gone.finish(b"a\n".to_vec()).await.is_ok());
        let full = Output::to(Failing(io::ErrorKind::StorageFull));
        let error = full.finish(b"a\n".to_vec()).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::StorageFull);
    }

    async fn hand_over(output: &mut Output, chunk: &[u8]) {
        match output.progress(true).await {
            Ok(Progress::Room(permit)) => permit.send(chunk.to_vec()),
            _ => panic!("there is room"),
        }
    }

    #[tokio::test]
    async fn a_closed_output_is_noticed() {
        let mut output = Output::to(Failing(io::ErrorKind::BrokenPipe));
        hand_over(&mut output, b"a\n").await;
        assert!(output.progress(false).await.is_err());
        output.chunks.closed().await;
        assert!(output.progress(true).await.is_err());
    }

    #[tokio::test]
    async fn what_was_written_is_told() {
        let mut output = Output::to(io::sink());
        hand_over(&mut output, b"a\n").await;
        let progress = output.progress(false).await;
        assert!(matches!(progress, Ok(Progress::Written(1))));
    }
}
