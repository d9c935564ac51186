//! Detects STOMP, MQTT and HTTP on one port by the first bytes of a connection.
//!
//! The bytes are read without being consumed, so that the protocol's handler reads all of them.

use std::io;

use crate::{net::StreamSocket, peek::peek_until};

/// A protocol of the HTTP port.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DetectedProtocol {
    /// STOMP 1.0 to 1.2.
    Stomp,
    /// MQTT 3.1 to 5.0.
    Mqtt,
    /// Any other input.
    Http,
}

/// Waits for enough bytes to detect the protocol. The caller limits the time.
///
/// # Errors
///
/// The connection is broken.
pub async fn detect_protocol(socket: &StreamSocket) -> io::Result<DetectedProtocol> {
    let mut first = [0; LOOKAHEAD];
    let detected = peek_until(socket, &mut first, DetectedProtocol::from_first_bytes).await?;
    // HTTP handles the end of the connection.
    Ok(detected.unwrap_or(DetectedProtocol::Http))
}

impl DetectedProtocol {
    /// Returns `None` while the protocol is undecided. HTTP has a method CONNECT too, but followed by a space.
    pub fn from_first_bytes(first: &[u8]) -> Option<Self> {
        if first.first() == Some(&MQTT_CONNECT) {
            return Some(Self::Mqtt);
        }
        // Heart-beats of STOMP; HTTP servers ignore empty lines as well (RFC 9112, 2.2).
        let start = first.iter().position(|byte| !b"\r\n".contains(byte))?;
        let first = &first[start..];
        if STOMP_FIRST_LINES.iter().any(|line| first.starts_with(line)) {
            Some(Self::Stomp)
        } else if STOMP_FIRST_LINES.iter().any(|line| line.starts_with(first)) {
            None
        } else {
            Some(Self::Http)
        }
    }
}

/// The beginning of a STOMP client's first frame.
const STOMP_FIRST_LINES: [&[u8]; 4] = [b"CONNECT\n", b"CONNECT\r\n", b"STOMP\n", b"STOMP\r\n"];

/// The first byte of MQTT's CONNECT; no text begins with it.
const MQTT_CONNECT: u8 = 0x10;

/// Enough for the longest of them with some line ends before it.
const LOOKAHEAD: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_protocol_is_detected_by_the_first_bytes() {
        let cases: [(&[u8], Option<DetectedProtocol>); 19] = [
            (b"", None),
            (b"\n", None),
            (b"\r\n\r\n", None),
            (b"C", None),
            (b"\x10", Some(DetectedProtocol::Mqtt)),
            (b"\x10\x0c\x00\x04MQTT", Some(DetectedProtocol::Mqtt)),
            (b"CONNECT", None),
            (b"CONNECT\r", None),
            (b"\nSTOMP", None),
            (b"CONNECT\n", Some(DetectedProtocol::Stomp)),
            (
                b"CONNECT\r\naccept-version:1.2\r\n",
                Some(DetectedProtocol::Stomp),
            ),
            (b"STOMP\n", Some(DetectedProtocol::Stomp)),
            (b"\n\r\nSTOMP\r\n", Some(DetectedProtocol::Stomp)),
            (
                b"CONNECT example.org:80 HTTP/1.1\r\n",
                Some(DetectedProtocol::Http),
            ),
            (b"CONNECTION\n", Some(DetectedProtocol::Http)),
            (b"\r\nGET / HTTP/1.1\r\n", Some(DetectedProtocol::Http)),
            (b"S ", Some(DetectedProtocol::Http)),
            (b"connect\n", Some(DetectedProtocol::Http)),
            (b"\x16\x03\x01", Some(DetectedProtocol::Http)),
        ];
        for (first, expected) in cases {
            assert_eq!(
                DetectedProtocol::from_first_bytes(first),
                expected,
                "{}",
                first.escape_ascii()
            );
        }
    }
}
