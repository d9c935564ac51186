//! Standard output, written by a thread of its own.
//!
//! Whoever reads it may be slow, or stop reading for a while, as a pager does. The connection's
//! heart-beats go on meanwhile.

use std::{io, io::Write, thread};

use tokio::sync::{mpsc, oneshot};

pub struct Output {
    chunks: mpsc::Sender<Vec<u8>>,
    outcome: oneshot::Receiver<io::Result<()>>,
}

/// Standard output cannot be written to any more; [`Output::finish`] tells why.
#[derive(Clone, Copy, Debug)]
pub struct Closed;

impl Output {
    pub fn to_standard_output() -> Self {
        Self::to(io::stdout())
    }

    fn to(target: impl Write + Send + 'static) -> Self {
        let (chunks, receiver) = mpsc::channel(CHUNKS);
        let (sender, outcome) = oneshot::channel();
        thread::spawn(move || {
            // Nobody waits for the outcome when the program ends anyway.
            let _ = sender.send(write_chunks(target, receiver));
        });
        Self { chunks, outcome }
    }

    /// Waits until a chunk of lines can be taken. Cancel-safe.
    pub async fn room(&self) -> Result<mpsc::Permit<'_, Vec<u8>>, Closed> {
        self.chunks.reserve().await.map_err(|_| Closed)
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

fn write_chunks(mut target: impl Write, mut chunks: mpsc::Receiver<Vec<u8>>) -> io::Result<()> {
    while let Some(chunk) = chunks.blocking_recv() {
        target.write_all(&chunk)?;
        target.flush()?;
    }
    Ok(())
}

/// How many chunks may wait to be written: beyond, no more messages are taken.
const CHUNKS: usize = 4;

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

    #[tokio::test]
    async fn a_closed_output_is_noticed_while_waiting_for_room() {
        let output = Output::to(Failing(io::ErrorKind::BrokenPipe));
        output.room().await.unwrap().send(b"a\n".to_vec());
        output.chunks.closed().await;
        assert!(output.room().await.is_err());
    }
}
