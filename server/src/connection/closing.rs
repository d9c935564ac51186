//! The end of a connection: the peer gets a last message, and time to read it.

use std::{io, time::Duration};

use tokio::time::timeout;

use super::{CloseReason, Framing, MessageType, Transport, framing::ControlFrame};
use crate::{fairness::yield_if_due, net::StreamSocket};

/// Refuses a peer before its connection starts. `refusal` is the last message in the bytes of the peer's protocol, and
/// may be empty.
pub async fn send_refusal<T: Transport, F: Framing>(
    socket: &T,
    refusal: &[u8],
    close_reason: &CloseReason,
) {
    let mut framed = Vec::new();
    if !refusal.is_empty() {
        let mut space = [0; 16];
        framed.extend_from_slice(F::write_header(
            MessageType::Binary,
            refusal.len(),
            &mut space,
        ));
        framed.extend_from_slice(refusal);
    }
    let close = ControlFrame::Close(close_reason.close_code(), &close_reason.peer_text());
    F::write_control(close, &mut framed);
    // The connection is closed in any case: on success, failure or timeout.
    let _ = timeout(closing_time(close_reason), write_and_close(socket, &framed)).await;
}

async fn write_and_close<T: Transport>(socket: &T, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        match socket.try_write(bytes) {
            Ok(count) => bytes = &bytes[count..],
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                socket.stream().writable().await?;
            }
            Err(error) => return Err(error),
        }
    }
    socket.close();
    while let Err(error) = socket.try_flush() {
        if error.kind() != io::ErrorKind::WouldBlock {
            return Err(error);
        }
        socket.stream().writable().await?;
    }
    linger(socket.stream()).await
}

/// Closes the sending half and waits for the peer to close its half: closing with unread bytes would reset the
/// connection and discard the last message.
pub async fn linger(socket: &StreamSocket) -> io::Result<()> {
    socket2::SockRef::from(socket).shutdown(std::net::Shutdown::Write)?;
    while !discard_available(socket)? {
        yield_if_due().await;
        socket.readable().await?;
    }
    Ok(())
}

/// Reads and discards available bytes, with at most [`MAX_READS_AT_ONCE`] reads. Returns true when the peer has closed
/// its half. Separate from [`linger`], so that the buffer is not part of every connection's task.
fn discard_available(socket: &StreamSocket) -> io::Result<bool> {
    let mut buffer = [0; 4096];
    for _ in 0..MAX_READS_AT_ONCE {
        match socket.try_read(&mut buffer) {
            Ok(0) => return Ok(true),
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(false),
            Err(error) => return Err(error),
        }
    }
    Ok(false)
}

/// Maximum number of reads before other tasks run: a peer that sends without pause never leaves the socket empty.
const MAX_READS_AT_ONCE: usize = 16;

/// Returns the maximum time for a peer to read the last message.
pub const fn closing_time(close_reason: &CloseReason) -> Duration {
    match close_reason {
        // All other data has been delivered, and the server waits for this connection before it ends.
        CloseReason::Stopping => Duration::from_millis(250),
        _ => Duration::from_secs(2),
    }
}
