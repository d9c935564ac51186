//! The deadline for a client to read a response. Neither hyper nor tower-http has such a deadline.

use std::{
    io::{self, IoSlice},
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{Sleep, sleep},
};

/// Controls how long the current response may stay unread. Each request has this value in its extensions.
#[derive(Clone, Default)]
pub struct ReadDeadline {
    /// `None` for a response that ends.
    stream: Arc<Mutex<Option<IsOver>>>,
}

/// Returns true if a stream of events must end, whether its client reads or not.
type IsOver = Box<dyn Fn() -> bool + Send>;

impl ReadDeadline {
    /// For streams of events: a client that does not read lags, within the subscription's bounds. A stream that must end is not
    /// polled while its client does not read, so the connection asks `is_over`, and ends [`CLOSING_TIME`] later.
    pub fn disable_until(&self, is_over: impl Fn() -> bool + Send + 'static) {
        *self.stream() = Some(Box::new(is_over));
    }

    /// For responses that end: a client that reads nothing for [`MAX_UNREAD_TIME`] is disconnected.
    pub fn enable(&self) {
        *self.stream() = None;
    }

    fn phase(&self) -> Phase {
        match &*self.stream() {
            None => Phase::Response,
            Some(is_over) if is_over() => Phase::Ending,
            Some(_) => Phase::Stream,
        }
    }

    fn stream(&self) -> MutexGuard<'_, Option<IsOver>> {
        self.stream.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What the connection sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// A response that ends.
    Response,
    /// A stream of events.
    Stream,
    /// The rest of a stream that must end.
    Ending,
}

/// The times of the phases.
#[derive(Debug, Clone, Copy)]
struct Times {
    response: Duration,
    look: Duration,
    closing: Duration,
}

/// A socket that fails when its peer reads nothing for too long.
pub struct DeadlineSocket<S> {
    socket: S,
    read_deadline: ReadDeadline,
    times: Times,
    /// Runs while the socket is full, and in [`Phase::Ending`].
    timer: Option<(Phase, Pin<Box<Sleep>>)>,
}

impl<S> DeadlineSocket<S> {
    /// Wraps a socket.
    pub const fn new(socket: S, read_deadline: ReadDeadline) -> Self {
        Self {
            socket,
            read_deadline,
            times: Times {
                response: MAX_UNREAD_TIME,
                look: LOOK_TIME,
                closing: CLOSING_TIME,
            },
            timer: None,
        }
    }

    /// Returns the socket.
    pub fn into_inner(self) -> S {
        self.socket
    }

    /// Restarts the deadline after each successful write, except in [`Phase::Ending`]: a client that reads slowly cannot
    /// keep a stream that must end.
    fn check<T>(
        &mut self,
        context: &mut Context<'_>,
        polled: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        loop {
            let phase = self.read_deadline.phase();
            if polled.is_ready() && phase != Phase::Ending {
                self.timer = None;
                return polled;
            }
            if self.poll_timer(phase, context).is_pending() {
                return polled;
            }
            if phase != Phase::Stream {
                return Poll::Ready(Err(io::Error::new(
                    io::ErrorKind::TimedOut,
                    "the client does not read the response",
                )));
            }
            // Look again.
            self.timer = None;
        }
    }

    /// Ready when the time of a phase is over, which begins with the first call.
    fn poll_timer(&mut self, phase: Phase, context: &mut Context<'_>) -> Poll<()> {
        if self.timer.as_ref().is_some_and(|(of, _)| *of != phase) {
            self.timer = None;
        }
        let time = match phase {
            Phase::Response => self.times.response,
            Phase::Stream => self.times.look,
            Phase::Ending => self.times.closing,
        };
        let (_, timer) = self
            .timer
            .get_or_insert_with(|| (phase, Box::pin(sleep(time))));
        timer.as_mut().poll(context)
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
/// Time between two looks at whether an unread stream must end.
const LOOK_TIME: Duration = Duration::from_secs(1);
/// Maximum time in which a client reads the rest of a stream that must end.
const CLOSING_TIME: Duration = Duration::from_secs(2);

#[cfg(test)]
mod tests {
    use std::{
        future::poll_fn,
        sync::atomic::{AtomicUsize, Ordering},
    };

    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex};

    use super::*;

    #[tokio::test]
    async fn a_peer_that_reads_nothing_is_disconnected() {
        let (ours, _theirs) = duplex(10);
        let mut ours = DeadlineSocket::new(ours, ReadDeadline::default());
        ours.times.response = Duration::from_millis(10);
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
                Poll::Ready(ours.timer.take().map(|(phase, _)| phase))
            })
            .await
        };
        assert_eq!(fill().await, Some(Phase::Response));
        theirs.read_exact(&mut [0; 5]).await.expect("five bytes");
        assert_eq!(fill().await, Some(Phase::Response));
        read_deadline.disable_until(|| false);
        assert_eq!(fill().await, Some(Phase::Stream));
        read_deadline.enable();
        assert_eq!(fill().await, Some(Phase::Response));
    }

    /// Returns a socket with a stream of events that must end at the fourth look at `is_over`, and its peer.
    fn ending_stream() -> (DeadlineSocket<DuplexStream>, DuplexStream) {
        let (ours, theirs) = duplex(10);
        let read_deadline = ReadDeadline::default();
        let looks = AtomicUsize::new(0);
        read_deadline.disable_until(move || looks.fetch_add(1, Ordering::SeqCst) > 2);
        let mut ours = DeadlineSocket::new(ours, read_deadline);
        ours.times.look = Duration::from_millis(1);
        ours.times.closing = Duration::from_millis(10);
        (ours, theirs)
    }

    #[tokio::test]
    async fn an_unread_stream_ends_when_it_must() {
        let (mut ours, _theirs) = ending_stream();
        let written = ours.write_all(&[0; 20]).await;
        let error = written.expect_err("the stream must end");
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    }

    #[tokio::test]
    async fn a_slow_reader_does_not_keep_a_stream_that_must_end() {
        let (mut ours, mut theirs) = ending_stream();
        let writing = async { while ours.write_all(&[0; 10]).await.is_ok() {} };
        let reading = async { while theirs.read_u8().await.is_ok() {} };
        tokio::select! {
            () = writing => {}
            () = reading => panic!("the stream goes on"),
        }
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
        assert!(ours.timer.is_some());
        theirs.read_exact(&mut [0; 10]).await.expect("ten bytes");
        ours.write_all(&[0; 10]).await.expect("there is room");
        assert!(ours.timer.is_none());
    }
}
