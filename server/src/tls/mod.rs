//! TLS (RFC 8446, and RFC 5246 for older clients): the server's certificate, the trust in client certificates, the handshake,
//! and the transport for the connection loop. Independent of the protocol inside.

mod acceptor;
mod certificate;
mod client_trust;
mod identity;
mod options;
mod self_signed;
mod transport;

pub use acceptor::{ConnectionAcceptor, TlsRule};
pub use identity::{Identity, reload_on_change};
pub use options::TlsOptions;
pub use transport::TlsStream;
