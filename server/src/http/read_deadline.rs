//! The deadline for a client to read a response. Neither hyper nor tower-http has such a deadline.

use std::{
    io::{self, IoSlice},
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{Sleep, sleep},
};

/// Controls whether the current response may stay unread without a deadline. Each request has this value in its
/// extensions.
#[derive(Clone, Default)]
pub struct ReadDeadline {
    is_disabled: Arc<AtomicBool>,
}

impl ReadDeadline {
    /// For streams of events: a client that does not read lags, within the subscription's bounds.
    pub fn disable(&self) {
        self.is_disabled.store(true, Ordering::Relaxed);
    }

    /// For responses that end: a client that reads nothing for [`MAX_UNREAD_TIME`] is disconnected.
    pub fn enable(&self) {
        self.is_disabled.store(false, Ordering::Relaxed);
    }
}

/// A socket that fails when its peer reads nothing for too long.
pub struct DeadlineSocket<S> {
    socket: S,
    read_deadline: ReadDeadline,
    time: Duration,
    /// Runs while the socket is full.
    stalled: Option<Pin<Box<Sleep>>>,
}

impl<S> DeadlineSocket<S> {
    /// Wraps a socket.
    pub const fn new(socket: S, read_deadline: ReadDeadline) -> Self {
        Self {
            socket,
            read_deadline,
            time: MAX_UNREAD_TIME,
            stalled: None,
        }
    }

    /// Returns the socket.
    pub fn into_inner(self) -> S {
        self.socket
    }

    /// Restarts the deadline after each successful write.
    fn check<T>(
        &mut self,
        context: &mut Context<'_>,
        polled: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if polled.is_ready() || self.read_deadline.is_disabled.load(Ordering::Relaxed) {
            self.stalled = None;
            return polled;
        }
        let time = self.time;
        let stalled = self.stalled.get_or_insert_with(|| Box::pin(sleep(time)));
        stalled.as_mut().poll(context).map(|()| {
            Err(io::Error::new(
                io::ErrorKind::TimedOut,
                "the client does not read the response",
            ))
        })
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for DeadlineSocket<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_read(context, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for DeadlineSocket<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.socket).poll_write(context, bytes);
        self.check(context, polled)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.socket).poll_write_vectored(context, slices);
        self.check(context, polled)
    }

    fn is_write_vectored(&self) -> bool {
        self.socket.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let polled = Pin::new(&mut self.socket).poll_flush(context);
        self.check(context, polled)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let polled = Pin::new(&mut self.socket).poll_shutdown(context);
        self.check(context, polled)
    }
}

/// Maximum time in which a client reads nothing of a waiting response.
const MAX_UNREAD_TIME: Duration = Duration::from_secs(30);

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, duplex};

    use super::*;

    #[tokio::test]
    async fn a_peer_that_reads_nothing_is_disconnected() {
        let (ours, _theirs) = duplex(10);
        let mut ours = DeadlineSocket::new(ours, ReadDeadline::default());
        ours.time = Duration::from_millis(10);
        let error = ours
            .write_all(&[0; 100])
            .await
            .expect_err("the peer does not read");
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    }

    #[tokio::test]
    async fn reading_restarts_the_deadline_and_events_have_none() {
        let (ours, mut theirs) = duplex(10);
        let read_deadline = ReadDeadline::default();
        let mut ours = DeadlineSocket::new(ours, read_deadline.clone());
        // Writes until the socket is full. Returns whether the deadline is running then.
        let mut fill = async || {
            poll_fn(|context| {
                while Pin::new(&mut ours)
                    .poll_write(context, &[0; 100])
                    .is_ready()
                {}
                Poll::Ready(ours.stalled.take().is_some())
            })
            .await
        };
        assert!(fill().await);
        theirs.read_exact(&mut [0; 5]).await.expect("five bytes");
        assert!(fill().await);
        read_deadline.disable();
        assert!(!fill().await);
        read_deadline.enable();
        assert!(fill().await);
    }

    #[tokio::test]
    async fn a_successful_write_stops_the_deadline() {
        let (ours, mut theirs) = duplex(10);
        let mut ours = DeadlineSocket::new(ours, ReadDeadline::default());
        poll_fn(|context| {
            while Pin::new(&mut ours).poll_write(context, &[0; 10]).is_ready() {}
            Poll::Ready(())
        })
        .await;
        assert!(ours.stalled.is_some());
        theirs.read_exact(&mut [0; 10]).await.expect("ten bytes");
        ours.write_all(&[0; 10]).await.expect("there is room");
        assert!(ours.stalled.is_none());
    }
}
