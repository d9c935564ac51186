//! The part of WebSocket (RFC 6455) that the generator needs: the opening request, the headers of
//! sent frames, and the payload ranges of received frames.
//!
//! Sent frames are masked with a key of zeros. Section 5.3 allows this key, although a user agent
//! should use a random one: masking would be the largest cost of the generator.

use std::ops::Range;

use super::dialect::ProtocolError;

/// The kind of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FrameKind {
    Data,
    Ping,
    Close,
    Pong,
}

pub fn request(authority: &str, path: &str, subprotocol: Option<&str>) -> Vec<u8> {
    let subprotocol = subprotocol.map_or_else(String::new, |name| {
        format!("Sec-WebSocket-Protocol: {name}\r\n")
    });
    let head = format!(
        "GET {path} HTTP/1.1\r\nHost: {authority}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: Y2FyaWxsb24gYmVuY2ghIQ==\r\n{subprotocol}\r\n"
    );
    head.into_bytes()
}

/// Returns the length of the server's response, or None if it is incomplete.
pub fn response(bytes: &[u8]) -> Result<Option<usize>, ProtocolError> {
    let Some(end) = memchr::memmem::find(bytes, b"\r\n\r\n") else {
        return match bytes.len() > MAX_RESPONSE {
            true => Err(ProtocolError::Malformed(
                "a response to the upgrade that is too long",
            )),
            false => Ok(None),
        };
    };
    let head = String::from_utf8_lossy(&bytes[..end]);
    let status = head.lines().next().unwrap_or_default();
    if status.split(' ').nth(1) != Some("101") {
        return Err(ProtocolError::Refused(format!(
            "the WebSocket was not opened: {status}"
        )));
    }
    Ok(Some(end + 4))
}

/// Returns the header of a frame with this payload length and type.
pub fn data_header(length: usize, payload: PayloadType) -> Vec<u8> {
    let opcode = match payload {
        PayloadType::Text => TEXT,
        PayloadType::Binary => BINARY,
    };
    header(opcode, length)
}

/// The declared type of a payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PayloadType {
    Text,
    Binary,
}

/// Returns the answer to a ping.
pub fn pong(payload: &[u8]) -> Vec<u8> {
    let mut frame = header(PONG, payload.len());
    frame.extend_from_slice(payload);
    frame
}

fn header(opcode: u8, length: usize) -> Vec<u8> {
    let mut header = vec![FINAL | opcode];
    match length {
        0..=125 => header.push(MASKED | length as u8),
        126..=0xffff => {
            header.push(MASKED | 126);
            header.extend_from_slice(&(length as u16).to_be_bytes());
        }
        _ => {
            header.push(MASKED | 127);
            header.extend_from_slice(&(length as u64).to_be_bytes());
        }
    }
    header.extend_from_slice(&[0; 4]);
    header
}

/// Returns the kind of the first frame and the range of its payload, which ends the frame, or None
/// if the frame is incomplete.
pub fn next(bytes: &[u8]) -> Result<Option<(FrameKind, Range<usize>)>, ProtocolError> {
    let [first, second, rest @ ..] = bytes else {
        return Ok(None);
    };
    if second & MASKED != 0 {
        return Err(ProtocolError::Malformed("a masked frame from a server"));
    }
    let (length, start) = match second {
        126 => match rest.first_chunk() {
            Some(length) => (u64::from(u16::from_be_bytes(*length)), 4),
            None => return Ok(None),
        },
        127 => match rest.first_chunk() {
            Some(length) => (u64::from_be_bytes(*length), 10),
            None => return Ok(None),
        },
        length => (u64::from(*length), 2),
    };
    if length > MAX_FRAME {
        return Err(ProtocolError::Malformed(
            "a frame larger than the largest one sent",
        ));
    }
    let payload = start..start + length as usize;
    if bytes.len() < payload.end {
        return Ok(None);
    }
    let kind = match first & 0x0f {
        CONTINUATION | TEXT | BINARY => FrameKind::Data,
        CLOSE => FrameKind::Close,
        PING => FrameKind::Ping,
        PONG => FrameKind::Pong,
        _ => return Err(ProtocolError::Malformed("a frame with an unknown opcode")),
    };
    Ok(Some((kind, payload)))
}

const CONTINUATION: u8 = 0;
const TEXT: u8 = 1;
const BINARY: u8 = 2;
const CLOSE: u8 = 8;
const PING: u8 = 9;
const PONG: u8 = 10;
const FINAL: u8 = 0x80;
const MASKED: u8 = 0x80;
const MAX_RESPONSE: usize = 16 << 10;
const MAX_FRAME: u64 = 1 << 30;

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns a frame without a mask, as servers send it.
    fn from_server(opcode: u8, length: usize) -> Vec<u8> {
        let mut frame = header(opcode, length);
        frame.truncate(frame.len() - 4);
        frame[1] &= !MASKED;
        frame.extend(std::iter::repeat_n(b'x', length));
        frame
    }

    #[test]
    fn frames_with_all_length_encodings_are_found() {
        for length in [0, 1, 125, 126, 0xffff, 0x1_0000] {
            let frame = from_server(BINARY, length);
            let payload = frame.len() - length..frame.len();
            assert_eq!(
                next(&frame),
                Ok(Some((FrameKind::Data, payload))),
                "{length}"
            );
            for cut in (0..12).chain([frame.len() - 1]) {
                if cut < frame.len() {
                    assert_eq!(next(&frame[..cut]), Ok(None), "{length} {cut}");
                }
            }
        }
    }

    #[test]
    fn control_frames_are_recognized() {
        let table = [
            (CLOSE, FrameKind::Close),
            (PING, FrameKind::Ping),
            (PONG, FrameKind::Pong),
        ];
        for (opcode, kind) in table {
            assert_eq!(next(&from_server(opcode, 3)), Ok(Some((kind, 2..5))));
        }
        assert!(next(&from_server(7, 0)).is_err());
        assert!(next(&pong(b"masked")).is_err());
    }

    #[test]
    fn only_a_response_with_status_101_opens_the_websocket() {
        let agreed = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\nrest";
        assert_eq!(response(agreed), Ok(Some(agreed.len() - 4)));
        assert_eq!(response(&agreed[..40]), Ok(None));
        assert!(response(b"HTTP/1.1 404 Not Found\r\n\r\n").is_err());
    }
}
