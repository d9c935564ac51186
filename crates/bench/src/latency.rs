//! How long messages took, from the time they were to be sent at.
//!
//! At a fixed rate that time is the schedule's, whether or not the generator or the server kept it: a server
//! that stops for a second owes a second of latencies, not one.

use hdrhistogram::Histogram;
use serde::Serialize;

pub struct Latency {
    histogram: Histogram<u64>,
    /// Those last seen with one and the same latency: messages sent together often arrive together.
    latest_ns: u64,
    count: u64,
}

/// In microseconds.
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
        // What takes longer than the longest is counted there.
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
    fn percentiles_are_those_of_what_was_noted() {
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
    fn many_of_one_latency_count_as_many() {
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
    fn nothing_noted_is_no_latency() {
        let mut latency = Latency::new();
        assert_eq!(latency.percentiles(), Percentiles::default());
    }
}
