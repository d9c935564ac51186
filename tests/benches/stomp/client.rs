//! A blocking STOMP client that does as little as possible, over TCP or WebSocket.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Door {
    Tcp,
    WebSocket,
}

pub struct Client {
    socket: TcpStream,
    door: Door,
    /// Bytes read that are not yet taken out of WebSocket frames.
    raw: Vec<u8>,
    /// Number of payload bytes of the current WebSocket frame still to come.
    frame_left: usize,
    /// STOMP bytes, up to the end of an incomplete frame.
    text: Vec<u8>,
}

impl Client {
    /// Connects, and returns after CONNECTED. The port is the HTTP port, which detects STOMP by its
    /// first bytes.
    pub fn connect(address: SocketAddr, door: Door) -> Self {
        let socket = TcpStream::connect(address).expect("the server listens");
        socket.set_nodelay(true).expect("an option of TCP");
        let mut client = Self {
            socket,
            door,
            raw: Vec::new(),
            frame_left: 0,
            text: Vec::new(),
        };
        if door == Door::WebSocket {
            client.upgrade();
        }
        client.request("CONNECT\naccept-version:1.2\nhost:x\n\n\0", "CONNECTED\n");
        client
    }

    pub fn subscribe(&mut self, destination: &str, mode: &str) {
        let subscribe =
            format!("SUBSCRIBE\nid:0\ndestination:{destination}\nack:{mode}\nreceipt:r\n\n\0");
        self.request(&subscribe, "RECEIPT\n");
    }

    /// Returns the bytes as one WebSocket message, masked with a key of zeros; over TCP unchanged.
    pub fn framed(&self, bytes: &[u8]) -> Vec<u8> {
        if self.door == Door::Tcp || bytes.is_empty() {
            return bytes.to_vec();
        }
        let length = bytes.len() as u64;
        let mut frame = vec![FINAL_BINARY];
        match length {
            0..126 => frame.push(MASKED | length as u8),
            126..0x1_0000 => {
                frame.push(MASKED | 126);
                frame.extend_from_slice(&(length as u16).to_be_bytes());
            }
            _ => {
                frame.push(MASKED | 127);
                frame.extend_from_slice(&length.to_be_bytes());
            }
        }
        frame.extend_from_slice(&[0; 4]);
        frame.extend_from_slice(bytes);
        frame
    }

    /// Writes framed bytes. Returns false if the connection is closed.
    pub fn write(&self, framed: &[u8]) -> bool {
        (&self.socket).write_all(framed).is_ok()
    }

    /// Waits for bytes, and passes each complete frame, without its NUL, to `take`. Returns false
    /// at the end. No body in these benches contains a NUL.
    pub fn read(&mut self, mut take: impl FnMut(&[u8])) -> bool {
        if !self.receive() {
            return false;
        }
        let mut frames = self.text.split_inclusive(|&byte| byte == 0);
        let mut taken = 0;
        for frame in frames.by_ref() {
            let [frame @ .., 0] = frame else { break };
            taken += frame.len() + 1;
            take(frame.trim_ascii_start());
        }
        self.text.drain(..taken);
        true
    }

    fn request(&mut self, frame: &str, answer: &str) {
        let timeout = Some(Duration::from_secs(20));
        let set = self.socket.set_read_timeout(timeout);
        set.expect("an option of the socket");
        assert!(self.write(&self.framed(frame.as_bytes())), "it is open");
        let mut answered = false;
        while !answered {
            let is_open = self.read(|frame| {
                let text = String::from_utf8_lossy(frame);
                assert!(text.starts_with(answer), "{text}");
                answered = true;
            });
            assert!(is_open, "the server did not answer");
        }
        let set = self.socket.set_read_timeout(None);
        set.expect("an option of the socket");
    }

    /// Opens the WebSocket (RFC 6455, 4.1). Checks only the status of the response, because this is
    /// not a test.
    fn upgrade(&mut self) {
        let request = "GET /ws HTTP/1.1\r\nhost: localhost\r\nconnection: upgrade\r\n\
            upgrade: websocket\r\nsec-websocket-version: 13\r\n\
            sec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\
            sec-websocket-protocol: v12.stomp\r\n\r\n";
        assert!(self.write(request.as_bytes()), "it is open");
        let mut answer = Vec::new();
        while !answer.ends_with(b"\r\n\r\n") {
            // Byte by byte, because the bytes after the response belong to the WebSocket.
            let mut byte = [0];
            self.socket.read_exact(&mut byte).expect("an answer");
            answer.push(byte[0]);
        }
        let answer = String::from_utf8_lossy(&answer);
        assert!(answer.starts_with("HTTP/1.1 101 "), "{answer}");
    }

    fn receive(&mut self) -> bool {
        let mut buffer = [0; READ_BYTES];
        let Ok(count @ 1..) = self.socket.read(&mut buffer) else {
            return false;
        };
        match self.door {
            Door::Tcp => self.text.extend_from_slice(&buffer[..count]),
            Door::WebSocket => {
                self.raw.extend_from_slice(&buffer[..count]);
                self.unframe();
            }
        }
        true
    }

    /// Takes the payloads out of WebSocket frames (RFC 6455, 5.2). All frames are treated as data,
    /// because the server sends no others here.
    fn unframe(&mut self) {
        let mut at = 0;
        loop {
            if self.frame_left == 0 {
                let Some((head, length)) = frame_head(&self.raw[at..]) else {
                    break;
                };
                (at, self.frame_left) = (at + head, length);
            }
            let part = self.frame_left.min(self.raw.len() - at);
            self.text.extend_from_slice(&self.raw[at..at + part]);
            (at, self.frame_left) = (at + part, self.frame_left - part);
            if at == self.raw.len() {
                break;
            }
        }
        self.raw.drain(..at);
    }
}

/// Returns the lengths of a WebSocket frame's header and payload, or None if the header is
/// incomplete.
fn frame_head(bytes: &[u8]) -> Option<(usize, usize)> {
    match *bytes.get(1)? {
        126 => {
            let length = bytes.get(2..4)?.try_into().ok()?;
            Some((4, usize::from(u16::from_be_bytes(length))))
        }
        127 => {
            let length = bytes.get(2..10)?.try_into().ok()?;
            Some((10, u64::from_be_bytes(length) as usize))
        }
        length => Some((2, usize::from(length))),
    }
}

const FINAL_BINARY: u8 = 0x82;
const MASKED: u8 = 0x80;
const READ_BYTES: usize = 64 << 10;
