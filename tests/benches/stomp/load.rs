//! The load of one publisher and its receivers.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

use crate::Measurement;
use crate::client::{Client, Door};
use crate::processor;

#[derive(Clone, Copy)]
pub struct Load {
    pub name: &'static str,
    pub destination: &'static str,
    pub receivers: usize,
    pub sharing: Sharing,
    pub acknowledgement: Acknowledgement,
    pub pace: Pace,
}

#[derive(Clone, Copy)]
pub struct Pace {
    /// Messages in one write.
    burst: u64,
    /// Maximum number of messages in flight. Less than the allowed lag of a subscription, so that
    /// none is skipped.
    window: u64,
}

impl Pace {
    /// Maximum speed.
    pub const STREAM: Self = Self {
        burst: 32,
        window: 512,
    };
    /// Each message is sent after all receivers have the one before, so that the server cannot
    /// batch messages.
    pub const ONE_BY_ONE: Self = Self {
        burst: 1,
        window: 1,
    };
}

/// The distribution of messages to receivers.
#[derive(Clone, Copy)]
pub enum Sharing {
    EachGetsAll,
    EachGetsAPart,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Acknowledgement {
    Auto,
    Individual,
}

/// Duration of the measurement. Long enough for the CPU clock, which has a resolution of 10 ms.
const DURATION: Duration = Duration::from_secs(3);
const WARM_UP: Duration = Duration::from_millis(300);

const BODY: &str = r#"{"producerId":"bench","data":90,"date":"2026-01-01T00:00:00Z"}"#;

impl Load {
    /// Sends for [`DURATION`], and waits until all messages have arrived.
    pub fn run(self, door: Door, address: SocketAddr, process: u32) -> Measurement {
        let publisher = Client::connect(address, door);
        let counts: Arc<[AtomicU64]> = (0..self.receivers).map(|_| AtomicU64::new(0)).collect();
        for index in 0..self.receivers {
            let mut receiver = Client::connect(address, door);
            receiver.subscribe(self.destination, self.mode());
            let counts = Arc::clone(&counts);
            let waiting = thread::current();
            thread::spawn(move || self.receive(receiver, &counts[index], &waiting));
        }
        let mut publishing = Publishing {
            burst: publisher.framed(&self.message().repeat(self.pace.burst as usize)),
            publisher,
            pace: self.pace,
            sharing: self.sharing,
            counts,
            sent: 0,
        };
        publishing.run_for(WARM_UP);
        let (sent, deliveries) = (publishing.sent, publishing.deliveries());
        let before = processor::time(process);
        let start = Instant::now();
        publishing.run_for(DURATION);
        let elapsed = start.elapsed();
        let after = processor::time(process);
        Measurement {
            sent: publishing.sent - sent,
            deliveries: publishing.deliveries() - deliveries,
            elapsed,
            processor_time: after.zip(before).map(|(after, before)| after - before),
        }
    }

    fn mode(self) -> &'static str {
        match self.acknowledgement {
            Acknowledgement::Auto => "auto",
            Acknowledgement::Individual => "client-individual",
        }
    }

    fn message(self) -> Vec<u8> {
        let head = format!(
            "SEND\ndestination:{}\ncontent-type:application/json\ncontent-length:{}\n\n",
            self.destination,
            BODY.len()
        );
        [head.as_bytes(), BODY.as_bytes(), b"\0"].concat()
    }

    /// Receives until the connection is closed.
    fn receive(self, mut receiver: Client, count: &AtomicU64, waiting: &Thread) {
        let is_acknowledged = self.acknowledgement == Acknowledgement::Individual;
        let mut acknowledgements = Vec::new();
        loop {
            let mut arrived = 0;
            let is_open = receiver.read(|frame| {
                arrived += 1;
                if is_acknowledged {
                    acknowledge(frame, &mut acknowledgements);
                }
            });
            if !is_open || !receiver.write(&receiver.framed(&acknowledgements)) {
                return;
            }
            acknowledgements.clear();
            count.fetch_add(arrived, Ordering::Relaxed);
            waiting.unpark();
        }
    }
}

/// Appends the ACK of a MESSAGE.
fn acknowledge(frame: &[u8], acknowledgements: &mut Vec<u8>) {
    let mut lines = frame.split(|&byte| byte == b'\n');
    let id = lines.find_map(|line| line.strip_prefix(b"ack:"));
    acknowledgements.extend_from_slice(b"ACK\nid:");
    acknowledgements.extend_from_slice(id.expect("a message to be acknowledged"));
    acknowledgements.extend_from_slice(b"\n\n\0");
}

struct Publishing {
    publisher: Client,
    burst: Vec<u8>,
    pace: Pace,
    sharing: Sharing,
    counts: Arc<[AtomicU64]>,
    sent: u64,
}

impl Publishing {
    fn run_for(&mut self, duration: Duration) {
        let start = Instant::now();
        while start.elapsed() < duration {
            self.wait_until_in_flight(self.pace.window - self.pace.burst);
            assert!(self.publisher.write(&self.burst), "the server goes on");
            self.sent += self.pace.burst;
        }
        self.wait_until_in_flight(0);
    }

    /// Waits until at most `most` messages are in flight.
    fn wait_until_in_flight(&self, most: u64) {
        let start = Instant::now();
        while self.sent - self.arrived() > most {
            assert!(start.elapsed() < DEADLINE, "messages were lost");
            thread::park_timeout(Duration::from_millis(10));
        }
    }

    /// Returns the number of messages that have arrived at all their receivers.
    fn arrived(&self) -> u64 {
        match self.sharing {
            Sharing::EachGetsAll => self.counts().min().unwrap_or_default(),
            Sharing::EachGetsAPart => self.counts().sum(),
        }
    }

    fn deliveries(&self) -> u64 {
        self.counts().sum()
    }

    fn counts(&self) -> impl Iterator<Item = u64> {
        let counts = self.counts.iter();
        counts.map(|count| count.load(Ordering::Relaxed))
    }
}

const DEADLINE: Duration = Duration::from_secs(20);
