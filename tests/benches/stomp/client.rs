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
    /// Read, and still in the frames of the WebSocket.
    raw: Vec<u8>,
    /// Octets that the WebSocket's frame has left.
    frame_left: usize,
    /// STOMP, up to a frame that has not arrived as a whole.
    text: Vec<u8>,
}

impl Client {
    /// After CONNECTED. The port is that of HTTP, which tells STOMP by its first bytes.
    pub fn connect(address: SocketAddr, door: Door) -> Self {
        let socket = TcpStream::connect(address).expect("somebody listens");
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

    /// As one message of a WebSocket, with a mask that changes nothing; over TCP as it is.
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

    /// Writes what is framed already; false when the server is gone.
    pub fn write(&self, framed: &[u8]) -> bool {
        (&self.socket).write_all(framed).is_ok()
    }

    /// Waits for bytes, and takes each frame that has arrived, without its NUL; false at the end. No
    /// body in these benches holds a NUL.
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

    /// RFC 6455, 4.1. The answer is not looked at beyond its status: this is no test.
    fn upgrade(&mut self) {
        let request = "GET /ws HTTP/1.1\r\nhost: localhost\r\nconnection: upgrade\r\n\
            upgrade: websocket\r\nsec-websocket-version: 13\r\n\
            sec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\
            sec-websocket-protocol: v12.stomp\r\n\r\n";
        assert!(self.write(request.as_bytes()), "it is open");
        let mut answer = Vec::new();
        while !answer.ends_with(b"\r\n\r\n") {
            // Byte by byte: what follows belongs to the WebSocket.
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

    /// RFC 6455, 5.2. All frames are taken for data: the server has no reason for others here.
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

/// The length of a WebSocket frame's head and that of its payload, if the head is there.
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
