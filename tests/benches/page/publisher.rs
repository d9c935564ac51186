//! Publishes to both topics at a constant rate over one connection, with many messages per write.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// A thread that publishes until the value is dropped.
pub struct Publisher {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Shared {
    is_over: AtomicBool,
    /// Number of messages sent on each topic.
    sent: AtomicU64,
}

impl Publisher {
    /// Starts to publish. `rate` is in messages per second on each topic.
    pub fn start(server: SocketAddr, rate: u32) -> Self {
        let shared = Arc::<Shared>::default();
        let socket = connect(server);
        let thread = {
            let shared = Arc::clone(&shared);
            thread::spawn(move || publish(socket, rate, &shared))
        };
        Self {
            shared,
            thread: Some(thread),
        }
    }

    /// Returns the number of messages sent on each topic.
    pub fn sent(&self) -> u64 {
        self.shared.sent.load(Ordering::Relaxed)
    }

    /// Stops publishing. Returns the number of messages sent on each topic.
    pub fn stop(mut self) -> u64 {
        self.end();
        self.sent()
    }

    fn end(&mut self) {
        self.shared.is_over.store(true, Ordering::Relaxed);
        // A panic of the thread has already been printed.
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

impl Drop for Publisher {
    fn drop(&mut self) {
        self.end();
    }
}

/// Connects to the HTTP port, which detects STOMP by its first bytes.
pub fn connect(server: SocketAddr) -> TcpStream {
    let mut socket = TcpStream::connect(server).expect("the server listens");
    socket.set_nodelay(true).expect("an option of TCP");
    let connect = b"CONNECT\naccept-version:1.2\nhost:x\n\n\0";
    socket.write_all(connect).expect("the server reads");
    let mut byte = [1];
    while byte != [0] {
        socket.read_exact(&mut byte).expect("CONNECTED");
    }
    socket
}

fn publish(mut socket: TcpStream, rate: u32, shared: &Shared) {
    let start = Instant::now();
    let mut sent = 0;
    let mut batch = Vec::new();
    while !shared.is_over.load(Ordering::Relaxed) {
        let due = (start.elapsed().as_secs_f64() * f64::from(rate)) as u64;
        batch.clear();
        while sent < due {
            sent += 1;
            add(&mut batch, "rect", &angle(sent));
            add(&mut batch, "chart", &bars(sent));
        }
        socket.write_all(&batch).expect("the server reads");
        shared.sent.store(sent, Ordering::Relaxed);
        thread::park_timeout(WRITE_PERIOD);
    }
}

fn add(batch: &mut Vec<u8>, topic: &str, data: &str) {
    let body =
        format!(r#"{{"producerId":"bench","data":{data},"date":"2026-01-01T00:00:00.000Z"}}"#);
    let head = format!(
        "SEND\ndestination:/topic/{topic}\ncontent-type:application/json\ncontent-length:{}\n\n",
        body.len()
    );
    batch.extend_from_slice(head.as_bytes());
    batch.extend_from_slice(body.as_bytes());
    batch.push(0);
}

fn angle(number: u64) -> String {
    (number * 7 % 360).to_string()
}

fn bars(number: u64) -> String {
    let bar = |index: u64| ((number * 13 + index * 31) % 20 + 1).to_string();
    let bars: Vec<_> = (0..7).map(bar).collect();
    format!("[{}]", bars.join(","))
}

/// Time between two writes. Several writes per display frame spread the messages evenly.
const WRITE_PERIOD: Duration = Duration::from_millis(4);
