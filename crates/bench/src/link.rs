//! One connection of the generator: its socket, and the buffers for incomplete frames and unwritten
//! bytes.
//!
//! A link handles transports and frames. Its caller interprets the messages.

use std::{
    io::{self, ErrorKind, Read as _, Write as _},
    net::SocketAddr,
};

use mio::net::TcpStream;

use super::{
    dialect::{Arrival, Mqtt, Nats, Protocol, ProtocolError, Publication, Scan, Stomp},
    websocket::{self, FrameKind, PayloadType},
};

/// The settings that all links of a run share.
#[derive(Debug, Clone)]
pub struct Route {
    pub server: SocketAddr,
    pub protocol: Protocol,
    /// The HTTP request that opens a WebSocket, or None over TCP.
    pub upgrade: Option<Vec<u8>>,
}

pub struct Link {
    pub socket: TcpStream,
    protocol: Protocol,
    transport: Transport,
    /// Bytes read that are not a complete frame yet, over a WebSocket not a complete WebSocket
    /// frame.
    tail: Vec<u8>,
    /// Over a WebSocket: payload bytes that are not a complete frame of the protocol yet.
    text: Vec<u8>,
    output: Vec<u8>,
    written: usize,
    /// True if the server has closed its side. The end must then be read without waiting for
    /// another event.
    pub is_ending: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Transport {
    Tcp,
    Upgrading,
    WebSocket,
}

/// The result of one read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReadOutcome {
    /// The buffer holds this number of bytes, and the socket has no more at present.
    Partial(usize),
    /// The buffer is full with this number of bytes, and the socket may have more.
    Full(usize),
    WouldBlock,
    End,
}

#[derive(Debug, thiserror::Error)]
pub enum LinkError {
    #[error(transparent)]
    Io(#[from] io::Error),
    #[error(transparent)]
    Protocol(#[from] ProtocolError),
    #[error("the server closed the connection")]
    Closed,
}

impl Link {
    /// Starts to connect.
    ///
    /// # Errors
    ///
    /// The system has no socket or port left.
    pub fn connect(route: &Route) -> io::Result<Self> {
        let upgrade = route.upgrade.clone();
        let socket = TcpStream::connect(route.server)?;
        // With Nagle's algorithm a small segment would wait for the acknowledgement of the one
        // before, up to 40 ms if the server sends nothing.
        socket.set_nodelay(true)?;
        Ok(Self {
            socket,
            protocol: route.protocol,
            transport: match upgrade {
                None => Transport::Tcp,
                Some(_) => Transport::Upgrading,
            },
            tail: Vec::new(),
            text: Vec::new(),
            output: upgrade.unwrap_or_default(),
            written: 0,
            is_ending: false,
        })
    }

    /// Returns true if frames can be sent: always over TCP, after the server's response over a
    /// WebSocket.
    pub fn is_open(&self) -> bool {
        self.transport != Transport::Upgrading
    }

    pub const fn unsent(&self) -> usize {
        self.output.len() - self.written
    }

    /// Returns true if all buffers of the link are empty.
    #[cfg(test)]
    pub fn is_empty(&self) -> bool {
        self.tail.is_empty() && self.text.is_empty() && self.output.is_empty()
    }

    /// Reads once into `buffer`, after the bytes left from the read before.
    pub fn read(&mut self, buffer: &mut Vec<u8>) -> Result<ReadOutcome, LinkError> {
        let start = self.tail.len();
        if start > buffer.len() / 2 {
            if buffer.len() >= MAX_BUFFER {
                return Err(
                    ProtocolError::Malformed("a frame larger than the largest one sent").into(),
                );
            }
            buffer.resize(buffer.len() * 2, 0);
        }
        buffer[..start].copy_from_slice(&self.tail);
        let room = buffer.len() - start;
        match self.socket.read(&mut buffer[start..]) {
            Ok(0) => Ok(ReadOutcome::End),
            Ok(count) if count == room => Ok(ReadOutcome::Full(start + count)),
            Ok(count) => Ok(ReadOutcome::Partial(start + count)),
            Err(error) if is_transient(&error) => Ok(ReadOutcome::WouldBlock),
            Err(error) => Err(error.into()),
        }
    }

    /// Passes the frames in `bytes`, which [`read`](Self::read) returned, to `sink`, and keeps the
    /// rest.
    pub fn scan(
        &mut self,
        bytes: &[u8],
        sink: &mut impl FnMut(Arrival<'_>),
    ) -> Result<(), LinkError> {
        let used = match self.transport {
            Transport::Tcp => scan(self.protocol, bytes, sink)?,
            Transport::WebSocket => self.scan_frames(bytes, sink)?,
            Transport::Upgrading => match websocket::response(bytes)? {
                None => 0,
                Some(length) => {
                    self.transport = Transport::WebSocket;
                    length + self.scan_frames(&bytes[length..], sink)?
                }
            },
        };
        self.tail.clear();
        self.tail.extend_from_slice(&bytes[used..]);
        if self.tail.is_empty() && self.tail.capacity() > KEPT_CAPACITY {
            self.tail = Vec::new();
        }
        Ok(())
    }

    fn scan_frames(
        &mut self,
        bytes: &[u8],
        sink: &mut impl FnMut(Arrival<'_>),
    ) -> Result<usize, LinkError> {
        let mut at = 0;
        while let Some((kind, place)) = websocket::next(&bytes[at..])? {
            let payload = &bytes[at..][place.clone()];
            match kind {
                FrameKind::Data => self.scan_payload(payload, sink)?,
                FrameKind::Ping => self.queue(&websocket::pong(payload)),
                FrameKind::Close => return Err(LinkError::Closed),
                FrameKind::Pong => {}
            }
            at += place.end;
        }
        Ok(at)
    }

    /// Scans the payload of a WebSocket frame. Frames of the protocol may cross the borders of
    /// WebSocket frames.
    fn scan_payload(
        &mut self,
        payload: &[u8],
        sink: &mut impl FnMut(Arrival<'_>),
    ) -> Result<(), ProtocolError> {
        if self.text.is_empty() {
            let used = scan(self.protocol, payload, sink)?;
            self.text.extend_from_slice(&payload[used..]);
        } else {
            self.text.extend_from_slice(payload);
            let used = scan(self.protocol, &self.text, sink)?;
            self.text.drain(..used);
        }
        if self.text.len() > MAX_BUFFER {
            return Err(ProtocolError::Malformed(
                "a frame larger than the largest one sent",
            ));
        }
        Ok(())
    }

    /// Adds frames that are already encoded for this transport to the output.
    pub fn write(&mut self, add: impl FnOnce(&mut Vec<u8>)) {
        add(&mut self.output);
    }

    /// Adds bytes to the output.
    fn queue(&mut self, bytes: &[u8]) {
        self.output.extend_from_slice(bytes);
    }

    /// Adds frames of the protocol to the output, over a WebSocket as one WebSocket frame.
    pub fn queue_frames(&mut self, frames: &[u8]) {
        if self.transport == Transport::WebSocket {
            self.queue(&header(self.protocol, frames.len()));
        }
        self.queue(frames);
    }

    /// Writes the output until it is empty or the socket is full.
    ///
    /// # Errors
    ///
    /// The connection is lost.
    pub fn flush(&mut self) -> io::Result<()> {
        while self.unsent() > 0 {
            match self.socket.write(&self.output[self.written..]) {
                Ok(0) => return Err(ErrorKind::WriteZero.into()),
                Ok(count) => self.written += count,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if is_transient(&error) => return Ok(()),
                Err(error) => return Err(error),
            }
        }
        self.written = 0;
        self.output.clear();
        if self.output.capacity() > KEPT_CAPACITY {
            self.output = Vec::new();
        }
        Ok(())
    }
}

/// Returns the publication encoded for the transport of this route.
pub fn framed(publication: Publication, route: &Route) -> Publication {
    if route.upgrade.is_none() {
        return publication;
    }
    let mut frame = header(route.protocol, publication.frame.len());
    let shift = frame.len();
    frame.extend_from_slice(&publication.frame);
    Publication {
        frame,
        payload_at: publication.payload_at + shift,
        packet_id_at: publication.packet_id_at.map(|at| at + shift),
    }
}

fn header(protocol: Protocol, length: usize) -> Vec<u8> {
    let text = match protocol.is_text() {
        true => PayloadType::Text,
        false => PayloadType::Binary,
    };
    websocket::data_header(length, text)
}

/// Passes all complete frames to `sink`, and returns their length in bytes.
fn scan(
    protocol: Protocol,
    bytes: &[u8],
    sink: &mut impl FnMut(Arrival<'_>),
) -> Result<usize, ProtocolError> {
    match protocol {
        Protocol::Stomp => scan_all::<Stomp>(bytes, sink),
        Protocol::Mqtt => scan_all::<Mqtt>(bytes, sink),
        Protocol::Nats => scan_all::<Nats>(bytes, sink),
    }
}

fn scan_all<S: Scan>(
    bytes: &[u8],
    sink: &mut impl FnMut(Arrival<'_>),
) -> Result<usize, ProtocolError> {
    let mut at = 0;
    while let Some((arrival, length)) = S::next(&bytes[at..])? {
        sink(arrival);
        at += length;
    }
    Ok(at)
}

fn is_transient(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::WouldBlock | ErrorKind::NotConnected | ErrorKind::Interrupted
    )
}

/// Initial size of the read buffer that all links share, in bytes.
pub const BUFFER: usize = 256 << 10;
/// Maximum size of the read buffer, in bytes. It grows for large messages.
const MAX_BUFFER: usize = 64 << 20;
/// Maximum capacity that an empty buffer of a link keeps, in bytes.
const KEPT_CAPACITY: usize = 64 << 10;

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;
    use crate::dialect::Quality;

    fn link(upgrade: Option<Vec<u8>>) -> (TcpListener, Link) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let route = Route {
            server: listener.local_addr().unwrap(),
            protocol: Protocol::Mqtt,
            upgrade,
        };
        let link = Link::connect(&route).unwrap();
        (listener, link)
    }

    /// Scans these bytes in two parts, and returns the payloads found.
    fn payloads(link: &mut Link, bytes: &[u8], cut: usize) -> Vec<Vec<u8>> {
        let mut found = Vec::new();
        let mut sink = |arrival: Arrival<'_>| {
            if let Arrival::Message { payload, .. } = arrival {
                found.push(payload.to_vec());
            }
        };
        link.scan(&bytes[..cut], &mut sink).unwrap();
        let rest = [&link.tail[..], &bytes[cut..]].concat();
        link.scan(&rest, &mut sink).unwrap();
        found
    }

    fn stream() -> Vec<u8> {
        let publication = |payload| {
            Protocol::Mqtt
                .publication("t", payload, Quality::AtMostOnce)
                .frame
        };
        [publication(b"one"), publication(b"two")].concat()
    }

    #[test]
    fn a_stream_cut_anywhere_is_scanned() {
        let stream = stream();
        let (_listener, mut link) = link(None);
        for cut in 0..=stream.len() {
            assert_eq!(payloads(&mut link, &stream, cut), [b"one", b"two"], "{cut}");
            assert!(link.is_empty());
        }
    }

    #[test]
    fn websocket_frames_cut_anywhere_are_scanned() {
        let stream = stream();
        let (_listener, mut link) = link(Some(Vec::new()));
        link.transport = Transport::WebSocket;
        for border in 0..=stream.len() {
            let mut frames = Vec::new();
            for part in [&stream[..border], &stream[border..]] {
                frames.extend_from_slice(&[0x82, part.len() as u8]);
                frames.extend_from_slice(part);
            }
            for cut in 0..=frames.len() {
                assert_eq!(payloads(&mut link, &frames, cut), [b"one", b"two"]);
                assert!(link.is_empty());
            }
        }
    }

    #[test]
    fn websocket_frames_start_after_the_servers_response() {
        let (_listener, mut link) = link(Some(b"GET".to_vec()));
        let mut bytes = b"HTTP/1.1 101 Switching Protocols\r\n\r\n".to_vec();
        let stream = stream();
        bytes.extend_from_slice(&[0x82, stream.len() as u8]);
        bytes.extend_from_slice(&stream);
        assert!(!link.is_open());
        assert_eq!(payloads(&mut link, &bytes, 20), [b"one", b"two"]);
        assert!(link.is_open());
    }
}
