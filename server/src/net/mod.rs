//! Sockets of TCP and of the Unix domain behind one interface: the addresses at which the server listens, the listening
//! sockets, the connections and their peers. Nothing here knows a protocol.

mod listen_address;
mod listening_socket;
mod socket_peer;
mod stream_socket;
mod unix_socket;

pub use listen_address::{BindError, ListenAddress};
pub use listening_socket::ListeningSocket;
pub use socket_peer::SocketPeer;
pub use stream_socket::StreamSocket;
pub use unix_socket::{OWNED_SOCKET_FILES, SocketFile, UnixAddress};
