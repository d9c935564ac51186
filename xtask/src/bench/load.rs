//! Runs `carillon bench`, and extracts the figures from its report.

use std::path::Path;
use std::process::Stdio;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use super::servers::{Endpoint, Server};
use crate::process::command;

/// The figures of one measurement.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Figures {
    pub deliveries_per_second: f64,
    pub cpu_us: f64,
    /// The median of the latency, in microseconds.
    pub p50_us: f64,
    /// The 99th percentile of the latency, in microseconds.
    pub p99_us: f64,
    pub lost: u64,
    pub violations: u64,
}

/// Runs `carillon bench` against an endpoint, and returns its report.
pub fn report(
    binary: &Path,
    server: &Server,
    endpoint: &Endpoint,
    arguments: &[&str],
) -> Result<Value> {
    let mut bench = command(binary);
    bench
        .args(["bench", "--quiet", "--json"])
        .args([
            "--protocol",
            endpoint.protocol,
            "--server",
            &endpoint.address,
        ])
        .args(["--server-pid", &server.process_id().to_string()])
        .args(arguments);
    let output = bench.stderr(Stdio::piped()).output()?;
    if !output.status.success() {
        let error = String::from_utf8_lossy(&output.stderr);
        bail!("{}", error.trim());
    }
    serde_json::from_slice(&output.stdout).context("the report is not JSON")
}

impl Figures {
    /// Returns the figures in the traffic part of a report.
    pub fn of(traffic: &Value) -> Result<Self> {
        let number = |pointer: &str| {
            let value = traffic.pointer(pointer).and_then(Value::as_f64);
            value.with_context(|| format!("the report has no {pointer}"))
        };
        if number("/deliveredPerSecond")? <= 0.0 {
            bail!("nothing was delivered in the measured time");
        }
        Ok(Self {
            deliveries_per_second: number("/deliveredPerSecond")?,
            cpu_us: number("/server/usPerDelivery")?,
            p50_us: number("/latency/p50")?,
            p99_us: number("/latency/p99")?,
            lost: number("/check/lost")? as u64,
            violations: number("/check/orderViolations")? as u64
                + number("/check/disagreeing").unwrap_or_default() as u64,
        })
    }

    /// Returns the median of each figure, and the sum of the lost and out-of-order messages.
    pub fn median(rounds: &[Self]) -> Option<Self> {
        Some(Self {
            deliveries_per_second: median(rounds.iter().map(|one| one.deliveries_per_second))?,
            cpu_us: median(rounds.iter().map(|one| one.cpu_us))?,
            p50_us: median(rounds.iter().map(|one| one.p50_us))?,
            p99_us: median(rounds.iter().map(|one| one.p99_us))?,
            lost: rounds.iter().map(|one| one.lost).sum(),
            violations: rounds.iter().map(|one| one.violations).sum(),
        })
    }
}

/// Returns the median; for an even number of values the lower one of the middle two.
pub fn median(values: impl Iterator<Item = f64>) -> Option<f64> {
    let mut values: Vec<_> = values.collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len().checked_sub(1)? / 2).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_of_an_even_number_is_the_lower_middle_value() {
        let table: [(&[f64], Option<f64>); 4] = [
            (&[], None),
            (&[3.0], Some(3.0)),
            (&[3.0, 1.0], Some(1.0)),
            (&[9.0, 1.0, 5.0], Some(5.0)),
        ];
        for (values, wanted) in table {
            assert_eq!(median(values.iter().copied()), wanted);
        }
    }

    #[test]
    fn figures_are_read_from_a_report() {
        let traffic = serde_json::json!({
            "deliveredPerSecond": 1e6, "latency": {"p50": 1.5, "p99": 5.5}, "server": {"usPerDelivery": 0.25},
            "check": {"lost": 1, "orderViolations": 2, "disagreeing": 3},
        });
        let figures = Figures::of(&traffic).unwrap();
        assert_eq!(figures.deliveries_per_second, 1e6);
        assert_eq!(
            (figures.cpu_us, figures.p50_us, figures.p99_us),
            (0.25, 1.5, 5.5)
        );
        assert_eq!((figures.lost, figures.violations), (1, 5));
        let both = Figures::median(&[figures, figures]).unwrap();
        assert_eq!((both.lost, both.violations), (2, 10));
        let mut none = traffic;
        none["deliveredPerSecond"] = 0.into();
        assert!(Figures::of(&none).is_err());
        assert!(Figures::of(&Value::Null).is_err());
    }
}
