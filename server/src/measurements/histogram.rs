//! A histogram of durations, which any thread may add to.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

/// The number of durations up to each of some bounds, and their sum.
#[derive(Debug)]
pub struct Histogram {
    /// In microseconds, ascending.
    bounds_us: &'static [u64],
    /// One for each bound, and one for longer durations.
    counts: Box<[AtomicU64]>,
    sum_us: AtomicU64,
}

/// The content of a histogram.
#[derive(Debug, Clone, PartialEq)]
pub struct HistogramFigures {
    /// The upper bounds in seconds, each with the number of durations up to it and above the bound before. The last one is
    /// infinite.
    pub buckets: Vec<(f64, u64)>,
    /// The sum of all durations.
    pub sum_seconds: f64,
    /// The number of all durations.
    pub count: u64,
}

impl Histogram {
    /// Returns an empty histogram with these bounds in microseconds, in ascending order.
    pub fn new(bounds_us: &'static [u64]) -> Self {
        Self {
            bounds_us,
            counts: (0..=bounds_us.len()).map(|_| AtomicU64::new(0)).collect(),
            sum_us: AtomicU64::new(0),
        }
    }

    /// Adds a duration.
    pub fn observe(&self, duration: Duration) {
        let us = u64::try_from(duration.as_micros()).unwrap_or(u64::MAX);
        let index = self.bounds_us.partition_point(|bound| *bound < us);
        self.counts[index].fetch_add(1, Ordering::Relaxed);
        self.sum_us.fetch_add(us, Ordering::Relaxed);
    }

    /// Returns the content. A duration that is added meanwhile may be in a count and not in the sum.
    pub fn figures(&self) -> HistogramFigures {
        let bounds = self.bounds_us.iter().map(|us| *us as f64 / 1e6);
        let counts = self.counts.iter().map(|one| one.load(Ordering::Relaxed));
        let buckets: Vec<_> = bounds.chain([f64::INFINITY]).zip(counts).collect();
        HistogramFigures {
            count: buckets.iter().map(|(_, count)| count).sum(),
            sum_seconds: self.sum_us.load(Ordering::Relaxed) as f64 / 1e6,
            buckets,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_counts_for_the_first_bound_that_is_not_shorter() {
        let histogram = Histogram::new(&[10, 1_000_000]);
        for us in [0, 10, 11, 1_000_000, 1_000_001] {
            histogram.observe(Duration::from_micros(us));
        }
        let HistogramFigures {
            buckets,
            sum_seconds,
            count,
        } = histogram.figures();
        assert_eq!(buckets, [(0.000_01, 2), (1.0, 2), (f64::INFINITY, 1)]);
        assert_eq!(count, 5);
        assert!((sum_seconds - 2.000_022).abs() < 1e-9, "{sum_seconds}");
    }
}
