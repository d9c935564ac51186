//! The figures of one measurement with persistent messages.

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::bench::load::median;

#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Figures {
    /// Confirmed messages.
    pub per_second: f64,
    /// CPU time of the server for each message, in microseconds.
    pub cpu_us: f64,
    /// The median of the time until the confirmation, in microseconds.
    pub p50_us: f64,
    /// The 99th percentile of that time, in microseconds.
    pub p99_us: f64,
    /// Messages whose confirmation did not arrive.
    pub unconfirmed: u64,
}

impl Figures {
    /// Returns the figures in the traffic part of a report.
    pub fn of(traffic: &Value) -> Result<Self> {
        let number = |pointer: &str| {
            let value = traffic.pointer(pointer).and_then(Value::as_f64);
            value.with_context(|| format!("the report has no {pointer}"))
        };
        if number("/confirmedPerSecond")? <= 0.0 {
            bail!("nothing was confirmed in the measured time");
        }
        Ok(Self {
            per_second: number("/confirmedPerSecond")?,
            cpu_us: number("/server/usPerDelivery")?,
            p50_us: number("/latency/p50")?,
            p99_us: number("/latency/p99")?,
            unconfirmed: number("/check/unconfirmed")? as u64,
        })
    }

    /// Returns the median of each figure, and the sum of the unconfirmed messages.
    pub fn median(rounds: &[Self]) -> Option<Self> {
        Some(Self {
            per_second: median(rounds.iter().map(|one| one.per_second))?,
            cpu_us: median(rounds.iter().map(|one| one.cpu_us))?,
            p50_us: median(rounds.iter().map(|one| one.p50_us))?,
            p99_us: median(rounds.iter().map(|one| one.p99_us))?,
            unconfirmed: rounds.iter().map(|one| one.unconfirmed).sum(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_read_from_a_report() {
        let traffic = serde_json::json!({
            "confirmedPerSecond": 5e3, "latency": {"p50": 150.0, "p99": 900.0},
            "server": {"usPerDelivery": 20.0}, "check": {"unconfirmed": 2},
        });
        let figures = Figures::of(&traffic).unwrap();
        assert_eq!((figures.per_second, figures.cpu_us), (5e3, 20.0));
        assert_eq!((figures.p50_us, figures.p99_us), (150.0, 900.0));
        let both = Figures::median(&[figures, figures]).unwrap();
        assert_eq!((both.per_second, both.unconfirmed), (5e3, 4));
        let mut none = traffic;
        none["confirmedPerSecond"] = 0.into();
        assert!(Figures::of(&none).is_err());
        assert!(Figures::of(&Value::Null).is_err());
    }
}
