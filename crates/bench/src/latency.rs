//! The latency of messages, measured from the time at which they were due.
//!
//! At a fixed rate that is the scheduled time, even if the generator or the server is late. So a
//! pause of the server of one second adds latency to all messages that were due in that second, not
//! only to one.

use hdrhistogram::Histogram;
use serde::Serialize;

pub struct Latency {
    histogram: Histogram<u64>,
    /// The latency of the latest messages. Messages sent together often arrive together and have
    /// the same latency, so they are counted here before they are added to the histogram.
    latest_ns: u64,
    /// Number of messages with the latency `latest_ns` that are not in the histogram yet.
    count: u64,
}

/// Percentiles of the latency, in microseconds.
#[derive(Debug, Clone, Default, Serialize, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Percentiles {
    pub count: u64,
    pub p50: f64,
    pub p90: f64,
    pub p99: f64,
    pub p999: f64,
    pub max: f64,
    pub mean: f64,
}

impl Latency {
    pub fn new() -> Self {
        let histogram = Histogram::new_with_bounds(1, MAX_NS, DIGITS);
        Self {
            histogram: histogram.expect("the bounds are constants, and in order"),
            latest_ns: 0,
            count: 0,
        }
    }

    pub fn record(&mut self, latency_ns: u64) {
        if latency_ns != self.latest_ns {
            self.flush();
            self.latest_ns = latency_ns;
        }
        self.count += 1;
    }

    fn flush(&mut self) {
        // Latencies above the maximum are counted as the maximum.
        self.histogram
            .saturating_record_n(self.latest_ns.max(1), std::mem::take(&mut self.count));
    }

    pub fn percentiles(&mut self) -> Percentiles {
        self.flush();
        if self.histogram.is_empty() {
            return Percentiles::default();
        }
        let at = |quantile| micros(self.histogram.value_at_quantile(quantile));
        Percentiles {
            count: self.histogram.len(),
            p50: at(0.5),
            p90: at(0.9),
            p99: at(0.99),
            p999: at(0.999),
            max: micros(self.histogram.max()),
            mean: self.histogram.mean() / 1e3,
        }
    }
}

fn micros(ns: u64) -> f64 {
    ns as f64 / 1e3
}

/// Ten minutes.
const MAX_NS: u64 = 600_000_000_000;
/// Two significant digits: one per cent.
const DIGITS: u8 = 2;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_match_the_recorded_latencies() {
        let mut latency = Latency::new();
        for ms in 1..=1000_u64 {
            latency.record(ms * 1_000_000);
        }
        let found = latency.percentiles();
        let close = |found: f64, wanted: f64| (found - wanted).abs() <= wanted / 100.0;
        assert_eq!(found.count, 1000);
        for (found, wanted) in [
            (found.p50, 500e3),
            (found.p90, 900e3),
            (found.p99, 990e3),
            (found.p999, 999e3),
            (found.max, 1000e3),
            (found.mean, 500.5e3),
        ] {
            assert!(close(found, wanted), "{found} for {wanted}");
        }
    }

    #[test]
    fn repeated_latencies_are_all_counted() {
        let mut latency = Latency::new();
        for _ in 0..99 {
            latency.record(5_000);
        }
        latency.record(80_000);
        let found = latency.percentiles();
        assert_eq!(found.count, 100);
        assert!(found.p99 < 5.1 && found.max > 79.0, "{found:?}");
    }

    #[test]
    fn without_records_all_percentiles_are_zero() {
        let mut latency = Latency::new();
        assert_eq!(latency.percentiles(), Percentiles::default());
    }
}
