//! The other end of a connection.

use std::{fmt, net::SocketAddr, num::NonZeroU16};

use broker::ClientAddress;

/// The peer of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SocketPeer {
    /// A peer of TCP, or the client that a proxy names.
    Inet(SocketAddr),
    /// A process at the other end of a Unix socket, as the system reports it.
    Unix {
        /// The id of its effective user when it connected.
        uid: u32,
        /// Its process id, where the system reports one. The process may have ended, or passed the socket on.
        pid: Option<i32>,
    },
}

impl SocketPeer {
    /// Returns the port of TCP; `None` for a Unix socket, and if a proxy does not name it.
    pub fn port(self) -> Option<NonZeroU16> {
        match self {
            Self::Inet(address) => NonZeroU16::new(address.port()),
            Self::Unix { .. } => None,
        }
    }

    /// Returns the address that is charged for what the connection takes.
    pub fn address(self) -> ClientAddress {
        match self {
            Self::Inet(address) => ClientAddress::Ip(address.ip()),
            Self::Unix { uid, .. } => ClientAddress::UnixUser(uid),
        }
    }
}

impl From<SocketAddr> for SocketPeer {
    fn from(address: SocketAddr) -> Self {
        Self::Inet(address)
    }
}

/// For the log: `192.0.2.1:4711`, or `unix:uid=1000,pid=42`.
impl fmt::Display for SocketPeer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Inet(address) => address.fmt(formatter),
            Self::Unix { pid, .. } => {
                self.address().fmt(formatter)?;
                pid.map_or(Ok(()), |pid| write!(formatter, ",pid={pid}"))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_peer_is_shown_with_its_port_or_its_process() {
        let inet = SocketPeer::Inet(SocketAddr::from(([192, 0, 2, 1], 7)));
        assert_eq!(inet.to_string(), "192.0.2.1:7");
        let pid = Some(42);
        let unix = SocketPeer::Unix { uid: 1000, pid };
        assert_eq!(unix.to_string(), "unix:uid=1000,pid=42");
        assert_eq!(unix.address().to_string(), "unix:uid=1000");
        let unix = SocketPeer::Unix { uid: 0, pid: None };
        assert_eq!(unix.to_string(), "unix:uid=0");
    }
}
