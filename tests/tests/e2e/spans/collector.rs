//! A collector of OpenTelemetry: receives traces over HTTP, and decodes the parts of them that the tests compare.
//!
//! The field numbers are those of `opentelemetry/proto/trace/v1/trace.proto`.

use harness::deadline::within;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc::{Receiver, Sender, channel};

/// A collector on a free port.
pub struct Collector {
    /// The value of `--otlp`.
    pub url: String,
    bodies: Receiver<Vec<u8>>,
    seen: Vec<u8>,
}

/// A span that the collector has received.
#[derive(Debug)]
pub struct Span {
    /// In hexadecimal digits, as in `traceparent`.
    pub trace: String,
    pub parent: String,
    pub name: String,
    pub kind: u64,
    /// Traces and spans.
    pub links: Vec<(String, String)>,
    attributes: Vec<(String, String)>,
}

impl Collector {
    pub async fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("its address");
        let (sender, bodies) = channel(MAX_WAITING);
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                tokio::spawn(receive(socket, sender.clone()));
            }
        });
        Self {
            url: format!("http://{address}"),
            bodies,
            seen: Vec::new(),
        }
    }

    /// Waits until at least `count` spans of a trace have arrived.
    pub async fn spans(&mut self, trace: &str, count: usize) -> Vec<Span> {
        let mut spans = Vec::new();
        while spans.len() < count {
            let body = within("spans", self.bodies.recv()).await;
            let body = body.expect("a running collector");
            for resource in parts(&body, 1) {
                for scope in parts(resource, 2) {
                    let decoded = parts(scope, 2).into_iter().map(Span::decode);
                    spans.extend(decoded.filter(|span| span.trace == trace));
                }
            }
            self.seen.extend(body);
        }
        spans
    }

    /// Returns whether an attribute has arrived.
    pub fn has_seen(&self, name: &str, value: &str) -> bool {
        let resources = parts(&self.seen, 1).into_iter();
        let attributes = resources.flat_map(|resource| attributes(parts(resource, 1)[0], 1));
        attributes
            .into_iter()
            .any(|one| one == (name.to_owned(), value.to_owned()))
    }
}

impl Span {
    fn decode(bytes: &[u8]) -> Self {
        let text = |field| {
            let text = parts(bytes, field).first().map(|text| text.to_vec());
            String::from_utf8(text.unwrap_or_default()).expect("UTF-8")
        };
        let links = parts(bytes, 13).into_iter();
        Self {
            trace: hex(bytes, 1),
            parent: hex(bytes, 4),
            name: text(5),
            kind: number(bytes, 6),
            links: links.map(|link| (hex(link, 1), hex(link, 2))).collect(),
            attributes: attributes(bytes, 9),
        }
    }

    /// Returns the value of an attribute; empty if there is none.
    pub fn attribute(&self, name: &str) -> &str {
        let mut attributes = self.attributes.iter();
        let found = attributes.find(|(known, _)| known == name);
        found.map_or("", |(_, value)| value)
    }
}

/// Returns the texts and numbers of a repeated field of the type KeyValue.
fn attributes(bytes: &[u8], field: u64) -> Vec<(String, String)> {
    let pairs = parts(bytes, field).into_iter().map(|pair| {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let value = parts(pair, 2)[0];
        let value = match parts(value, 1).first() {
            Some(value) => text(value),
            None => number(value, 3).to_string(),
        };
        (text(parts(pair, 1)[0]), value)
    });
    pairs.collect()
}

fn hex(bytes: &[u8], field: u64) -> String {
    let id = parts(bytes, field).into_iter().flatten();
    id.map(|byte| format!("{byte:02x}")).collect()
}

fn number(bytes: &[u8], wanted: u64) -> u64 {
    let mut fields = fields(bytes).into_iter();
    let found = fields.find_map(|(field, value)| match value {
        Value::Number(number) if field == wanted => Some(number),
        _ => None,
    });
    found.unwrap_or_default()
}

/// Returns the contents of a repeated field of bytes, text or messages.
fn parts(bytes: &[u8], wanted: u64) -> Vec<&[u8]> {
    let fields = fields(bytes).into_iter();
    let parts = fields.filter_map(|(field, value)| match value {
        Value::Bytes(bytes) if field == wanted => Some(bytes),
        _ => None,
    });
    parts.collect()
}

enum Value<'a> {
    Number(u64),
    Bytes(&'a [u8]),
}

/// Decodes a message of protocol buffers.
fn fields(mut bytes: &[u8]) -> Vec<(u64, Value<'_>)> {
    let mut fields = Vec::new();
    while !bytes.is_empty() {
        let tag = varint(&mut bytes);
        let length = match tag & 7 {
            0 => {
                fields.push((tag >> 3, Value::Number(varint(&mut bytes))));
                continue;
            }
            1 => 8,
            2 => usize::try_from(varint(&mut bytes)).expect("a length"),
            5 => 4,
            other => panic!("a field of type {other}"),
        };
        let (content, rest) = bytes.split_at(length);
        fields.push((tag >> 3, Value::Bytes(content)));
        bytes = rest;
    }
    fields
}

fn varint(bytes: &mut &[u8]) -> u64 {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let (byte, rest) = bytes.split_first().expect("a number");
        *bytes = rest;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            break;
        }
    }
    value
}

/// Answers requests on a connection, and passes on their bodies.
async fn receive(socket: TcpStream, bodies: Sender<Vec<u8>>) {
    let mut socket = BufReader::new(socket);
    loop {
        let mut length = 0;
        let mut line = String::new();
        let mut is_for_traces = false;
        loop {
            line.clear();
            if socket.read_line(&mut line).await.unwrap_or(0) == 0 {
                return;
            }
            let lower = line.to_ascii_lowercase();
            is_for_traces |= lower.starts_with("post /v1/traces ");
            if let Some(value) = lower.strip_prefix("content-length:") {
                length = value.trim().parse().expect("a length");
            }
            if line == "\r\n" {
                break;
            }
        }
        assert!(is_for_traces, "another request than one for traces");
        let mut body = vec![0; length];
        socket.read_exact(&mut body).await.expect("a body");
        // The test may have ended.
        let _ = bodies.send(body).await;
        let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";
        if socket.write_all(answer).await.is_err() {
            return;
        }
    }
}

/// Maximum number of bodies that wait for the test; then the collector answers no more.
const MAX_WAITING: usize = 64;
