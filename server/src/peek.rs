//! Looking at the first bytes of a connection without consuming them.

use std::io;

use tokio::io::Interest;

use crate::net::StreamSocket;

/// Waits until `decide` returns a decision about the first bytes, and leaves all bytes unread. Returns `None` if the peer
/// closes before. `buffer` bounds the number of bytes; `decide` must decide at the latest when it is full. The caller limits
/// the time.
///
/// # Errors
///
/// The connection is broken.
pub async fn peek_until<D>(
    socket: &StreamSocket,
    buffer: &mut [u8],
    mut decide: impl FnMut(&[u8]) -> Option<D>,
) -> io::Result<Option<D>> {
    let count = socket.peek(buffer).await?;
    match decide(&buffer[..count]) {
        Some(decision) => Ok(Some(decision)),
        None if count == 0 => Ok(None),
        None => peek_pieces(socket, buffer, decide).await,
    }
}

/// Unread bytes keep a socket readable. Only an operation that returns "would block" resets this until more bytes
/// arrive.
async fn peek_pieces<D>(
    socket: &StreamSocket,
    buffer: &mut [u8],
    mut decide: impl FnMut(&[u8]) -> Option<D>,
) -> io::Result<Option<D>> {
    loop {
        let is_last = socket.ready(Interest::READABLE).await?.is_read_closed();
        let looked = socket.try_io(Interest::READABLE, || {
            let count = socket.peek_now(buffer)?;
            decide(&buffer[..count]).ok_or_else(|| io::ErrorKind::WouldBlock.into())
        });
        match looked {
            Ok(decision) => return Ok(Some(decision)),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                if is_last {
                    return Ok(None);
                }
            }
            Err(error) => return Err(error),
        }
    }
}
