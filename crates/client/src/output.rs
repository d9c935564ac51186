//! Standard output, written by its own thread.
//!
//! The reader of standard output may be slow or pause, as a pager does. The connection's
//! heart-beats continue in that time.

use std::{io, io::Write, thread};

use tokio::sync::{mpsc, oneshot, watch};

pub(crate) struct Output {
    chunks: mpsc::Sender<Vec<u8>>,
    /// The number of chunks written.
    written: watch::Receiver<u64>,
    outcome: oneshot::Receiver<io::Result<()>>,
}

/// A step of the output.
pub(crate) enum Progress<'o> {
    /// The output can take a chunk of lines.
    Room(mpsc::Permit<'o, Vec<u8>>),
    /// The number of chunks written since the start.
    Written(u64),
}

/// Standard output can no longer be written to; [`Output::finish`] returns the reason.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("standard output is closed")]
pub(crate) struct Closed;

impl Output {
    pub(crate) fn to_standard_output() -> Self {
        Self::to(io::stdout())
    }

    fn to(target: impl Write + Send + 'static) -> Self {
        let (chunks, receiver) = mpsc::channel(MAX_CHUNKS);
        let (count, written) = watch::channel(0);
        let (sender, outcome) = oneshot::channel();
        thread::spawn(move || {
            // The receiver is gone if the program is ending.
            let _ = sender.send(write_chunks(target, receiver, &count));
        });
        Self {
            chunks,
            written,
            outcome,
        }
    }

    /// Waits until more chunks are written, or, if `has_lines`, until a chunk can be taken.
    /// Cancel-safe.
    pub(crate) async fn progress(&mut self, has_lines: bool) -> Result<Progress<'_>, Closed> {
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

    /// Writes all chunks taken so far, then `last`.
    ///
    /// # Errors
    ///
    /// Standard output could not be written to. A reader that closed its end is not an error.
    pub(crate) async fn finish(self, last: Vec<u8>) -> io::Result<()> {
        if !last.is_empty() {
            // A closed channel means that the thread has ended; its outcome has the reason.
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

/// Maximum number of chunks that wait to be written. No messages are taken while this many wait.
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
    async fn a_closed_pipe_is_no_error_and_a_full_disk_is_one() {
        let gone = Output::to(Failing(io::ErrorKind::BrokenPipe));
        assert!(gone.finish(b"a\n".to_vec()).await.is_ok());
        let full = Output::to(Failing(io::ErrorKind::StorageFull));
        let error = full.finish(b"a\n".to_vec()).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::StorageFull);
    }

    async fn send_chunk(output: &mut Output, chunk: &[u8]) {
        match output.progress(true).await {
            Ok(Progress::Room(permit)) => permit.send(chunk.to_vec()),
            _ => panic!("the output takes a chunk"),
        }
    }

    #[tokio::test]
    async fn progress_fails_after_the_output_is_closed() {
        let mut output = Output::to(Failing(io::ErrorKind::BrokenPipe));
        send_chunk(&mut output, b"a\n").await;
        assert!(output.progress(false).await.is_err());
        output.chunks.closed().await;
        assert!(output.progress(true).await.is_err());
    }

    #[tokio::test]
    async fn progress_returns_the_number_of_written_chunks() {
        let mut output = Output::to(io::sink());
        send_chunk(&mut output, b"a\n").await;
        let progress = output.progress(false).await;
        assert!(matches!(progress, Ok(Progress::Written(1))));
    }
}
