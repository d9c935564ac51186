//! The counts and measurements of the server about itself, for monitoring.
//!
//! The broker has its own figures. Here is what they do not know: connections, TLS, refusals, bytes on sockets, and times.
//! Nothing here is updated for each message: at most once for a read, a write, a connection or a timer.

mod connections;
mod event_loop;
mod histogram;
mod labels;
mod per_thread;

use std::sync::atomic::{AtomicU64, Ordering};

pub use connections::{ConnectionCounts, ListenerName, OpenPlace, PortProtocol};
pub use event_loop::measure_event_loop;
pub use histogram::{Histogram, HistogramFigures};
pub use labels::{ConnectionEnd, Label, LabelledCount, RefusalReason, TlsResult};
pub use per_thread::PerThreadCount;

use crate::{clock, log_rate::LineLimit};

/// The counters and measurements of a server.
#[derive(Debug)]
pub struct Measurements {
    /// The time of the start, in Unix milliseconds.
    pub started_unix_ms: u64,
    /// The connections of the ports.
    pub connections: ConnectionCounts,
    /// Connections of MQTT and STOMP that ended.
    pub ends: LabelledCount<ConnectionEnd>,
    /// Connections and requests that were refused.
    pub refusals: LabelledCount<RefusalReason>,
    /// TLS handshakes.
    pub tls_handshakes: LabelledCount<TlsResult>,
    /// Bytes that connections of MQTT and STOMP read, after TLS.
    pub received_bytes: PerThreadCount,
    /// Bytes that they wrote, before TLS.
    pub sent_bytes: PerThreadCount,
    /// The delay of a timer.
    pub event_loop_delay: Histogram,
    /// The time from the arrival of publications until they are written to all subscribers that accept them at once.
    pub publish_to_write: Histogram,
    /// The limit of log lines about connections that ended.
    pub end_lines: LineLimit,
    certificate_expires_s: AtomicU64,
}

impl Default for Measurements {
    fn default() -> Self {
        Self {
            started_unix_ms: clock::unix_ms(),
            connections: ConnectionCounts::default(),
            ends: LabelledCount::default(),
            refusals: LabelledCount::default(),
            tls_handshakes: LabelledCount::default(),
            received_bytes: PerThreadCount::default(),
            sent_bytes: PerThreadCount::default(),
            event_loop_delay: Histogram::new(&EVENT_LOOP_BOUNDS_US),
            publish_to_write: Histogram::new(&PUBLISH_BOUNDS_US),
            end_lines: LineLimit::default(),
            certificate_expires_s: AtomicU64::new(0),
        }
    }
}

impl Measurements {
    /// Sets the Unix seconds after which the server's certificate is not valid any more; 0 if this is unknown.
    pub fn set_certificate_expiry(&self, unix_s: u64) {
        self.certificate_expires_s.store(unix_s, Ordering::Relaxed);
    }

    /// Returns the Unix seconds after which the server's certificate is not valid any more; `None` without TLS.
    pub fn certificate_expires_s(&self) -> Option<u64> {
        Some(self.certificate_expires_s.load(Ordering::Relaxed)).filter(|unix_s| *unix_s > 0)
    }
}

/// A timer of the runtime is exact to a millisecond, so a smaller bound would show only this.
const EVENT_LOOP_BOUNDS_US: [u64; 11] = [
    2_000, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000, 2_500_000,
    10_000_000,
];
const PUBLISH_BOUNDS_US: [u64; 13] = [
    25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 100_000, 250_000, 1_000_000,
];
