//! A connection that another program has accepted, in a form of its own, as a socket for the connection loop.
//!
//! Publishing tasks write to sockets without waiting, which a stream in an unknown form does not allow. So its bytes are copied
//! to and from a pair of Unix sockets.

use std::{io, time::Duration};

use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use tokio::{io::copy_bidirectional, net::UnixStream, task::JoinHandle, time::timeout};

use crate::{
    fairness,
    http::{DeadlineSocket, ReadDeadline},
    net::StreamSocket,
};

/// The socket that stands for the connection.
pub struct CopiedSocket {
    /// The near end.
    pub socket: StreamSocket,
    /// The task at its far end.
    pub copying: Copying,
}

/// The task that copies.
pub struct Copying(JoinHandle<()>);

impl CopiedSocket {
    /// Starts copying. A client that reads nothing for the time of [`DeadlineSocket`] is disconnected.
    ///
    /// # Errors
    ///
    /// There are no file descriptors left.
    pub fn new(upgraded: Upgraded) -> io::Result<Self> {
        let (near, mut far) = UnixStream::pair()?;
        let mut stream = DeadlineSocket::new(TokioIo::new(upgraded), ReadDeadline::default());
        let copying = fairness::spawn(async move {
            if let Err(error) = copy_bidirectional(&mut stream, &mut far).await {
                tracing::debug!(%error, "a WebSocket of another program ends");
            }
        });
        Ok(Self {
            socket: near.into(),
            copying: Copying(copying),
        })
    }
}

impl Copying {
    /// Waits until the last bytes are copied, after the near end is closed.
    pub async fn finish(mut self) {
        if timeout(MAX_FINISH_TIME, &mut self.0).await.is_err() {
            self.0.abort();
        }
    }
}

/// Maximum time for a client to read the last bytes.
const MAX_FINISH_TIME: Duration = Duration::from_secs(10);
