//! A socket that accepts connections.

use std::{
    io,
    os::{
        fd::{AsFd, BorrowedFd},
        unix::net::UnixListener as StdUnixListener,
    },
};

use tokio::net::{TcpListener, UnixListener, UnixStream};

use super::{ListenAddress, SocketFile, SocketPeer, StreamSocket, UnixAddress};

/// A socket that accepts connections. If it has a file that this process made, the file is removed when the value is dropped.
#[derive(Debug)]
pub struct ListeningSocket {
    socket: Socket,
    file: Option<SocketFile>,
}

#[derive(Debug)]
enum Socket {
    Tcp(TcpListener),
    Unix(UnixListener, UnixAddress),
}

impl ListeningSocket {
    /// Wraps a port of TCP.
    pub fn tcp(listener: TcpListener) -> Self {
        Self {
            socket: Socket::Tcp(listener),
            file: None,
        }
    }

    /// Wraps a Unix socket at this address. `file` is the file to remove at the end, if it is for this process to remove.
    pub fn unix(listener: UnixListener, address: UnixAddress, file: Option<SocketFile>) -> Self {
        Self {
            socket: Socket::Unix(listener, address),
            file,
        }
    }

    /// Wraps a Unix socket that the process has inherited, and that does not block. `owns_file` states whether this process
    /// removes its file at the end: otherwise the service manager does.
    ///
    /// # Errors
    ///
    /// The socket has no path, or cannot be registered with the runtime.
    pub fn inherited_unix(listener: StdUnixListener, owns_file: bool) -> io::Result<Self> {
        let address = listener.local_addr()?;
        let path = address.as_pathname().ok_or_else(|| {
            io::Error::other("the inherited Unix socket has no path in the file system")
        })?;
        // A file that is gone needs no removal.
        let file = owns_file.then(|| SocketFile::at(path).ok()).flatten();
        let address = UnixAddress::at(path);
        Ok(Self::unix(UnixListener::from_std(listener)?, address, file))
    }

    /// Returns the address.
    ///
    /// # Errors
    ///
    /// The system does not report it.
    pub fn address(&self) -> io::Result<ListenAddress> {
        match &self.socket {
            Socket::Tcp(listener) => listener.local_addr().map(ListenAddress::Tcp),
            Socket::Unix(_, address) => Ok(ListenAddress::Unix(address.clone())),
        }
    }

    /// Takes the file that this process removes, for the program to which the socket is passed on.
    pub fn take_file(&mut self) -> Option<SocketFile> {
        self.file.take()
    }

    /// Accepts a connection.
    ///
    /// # Errors
    ///
    /// The peer has gone ([`ConnectionAborted`](io::ErrorKind::ConnectionAborted) and the like), or the system cannot accept.
    pub async fn accept(&self) -> io::Result<(StreamSocket, SocketPeer)> {
        match &self.socket {
            Socket::Tcp(listener) => {
                let (socket, peer) = listener.accept().await?;
                Ok((socket.into(), peer.into()))
            }
            Socket::Unix(listener, _) => {
                let (socket, _) = listener.accept().await?;
                let peer = unix_peer(&socket)?;
                Ok((socket.into(), peer))
            }
        }
    }
}

/// Returns the process that has connected (`SO_PEERCRED` of Linux, `getpeereid` elsewhere). A peer without an identity is not
/// accepted, because limits and bans could not apply to it.
fn unix_peer(socket: &UnixStream) -> io::Result<SocketPeer> {
    let credentials = socket.peer_cred();
    let credentials =
        credentials.map_err(|error| io::Error::new(io::ErrorKind::ConnectionAborted, error))?;
    Ok(SocketPeer::Unix {
        uid: credentials.uid(),
        pid: credentials.pid(),
    })
}

impl AsFd for ListeningSocket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match &self.socket {
            Socket::Tcp(listener) => listener.as_fd(),
            Socket::Unix(listener, _) => listener.as_fd(),
        }
    }
}
