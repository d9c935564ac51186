//! A connection that another program has accepted, in a form of its own, as a socket for the connection loop.
//!
//! Publishing tasks write to sockets without waiting, which a stream in an unknown form does not allow. So its bytes are copied
//! to and from a connection of the loopback interface.

use std::{io, net::Ipv4Addr, time::Duration};

use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    task::JoinHandle,
    time::timeout,
};

use crate::{
    fairness,
    http::{DeadlineSocket, ReadDeadline},
};

/// The socket that stands for the connection.
pub struct CopiedSocket {
    /// The near end.
    pub socket: TcpStream,
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
    /// There are no file descriptors or ports left.
    pub async fn new(upgraded: Upgraded) -> io::Result<Self> {
        let (near, mut far) = connected_pair().await?;
        let mut stream = DeadlineSocket::new(TokioIo::new(upgraded), ReadDeadline::default());
        let copying = fairness::spawn(async move {
            if let Err(error) = copy_bidirectional(&mut stream, &mut far).await {
                tracing::debug!(%error, "a WebSocket of another program ends");
            }
        });
        Ok(Self {
            socket: near,
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

/// Returns the two ends of a connection of the loopback interface.
async fn connected_pair() -> io::Result<(TcpStream, TcpStream)> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let near = TcpStream::connect(listener.local_addr()?).await?;
    let own = near.local_addr()?;
    for _ in 0..MAX_STRANGERS {
        let (far, peer) = listener.accept().await?;
        if peer == own {
            near.set_nodelay(true)?;
            far.set_nodelay(true)?;
            return Ok((near, far));
        }
    }
    Err(io::Error::other("other programs connect to the port"))
}

/// Maximum time for a client to read the last bytes.
const MAX_FINISH_TIME: Duration = Duration::from_secs(10);
/// Any program on this machine can connect to the port first; so many connections are dropped.
const MAX_STRANGERS: usize = 16;

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;

    #[tokio::test]
    async fn a_pair_is_connected_in_both_directions() {
        let (mut near, mut far) = connected_pair().await.expect("a pair");
        near.write_all(b"there").await.expect("an open socket");
        let mut there = [0; 5];
        far.read_exact(&mut there).await.expect("an open socket");
        far.write_all(b"back").await.expect("an open socket");
        drop(far);
        let mut back = Vec::new();
        near.read_to_end(&mut back).await.expect("the end");
        assert_eq!((&there[..], &back[..]), (&b"there"[..], &b"back"[..]));
    }
}
