//! The command-line options for spans.

use anyhow::ensure;
use axum::http::Uri;
use clap::Args;

/// The options of `carillon serve` for spans.
#[derive(Debug, Clone, Args)]
pub struct SpanArguments {
    /// Send traces to the OpenTelemetry collector at this address, such as `http://127.0.0.1:4318` (OTLP over HTTP); only in a
    /// program with the feature `opentelemetry` [default: OTEL_EXPORTER_OTLP_ENDPOINT in such a program]
    #[arg(long, env = "CARILLON_OTLP", value_name = "URL")]
    otlp: Option<String>,
    /// The part of the traces that is sent to the collector, from 0 to 1
    #[arg(
        long,
        env = "CARILLON_OTLP_RATIO",
        default_value_t = 1.0,
        value_name = "RATIO"
    )]
    otlp_ratio: f64,
}

/// The destination of spans, and their part.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Destination {
    /// The address of the collector's endpoint for traces.
    pub(super) url: String,
    /// From 0 to 1.
    pub(super) ratio: f64,
}

impl SpanArguments {
    /// Returns the place for spans; `None` if there are none. `standard` is the variable `OTEL_EXPORTER_OTLP_ENDPOINT`: it is
    /// meant for all programs, so one that cannot send spans ignores it.
    pub(super) fn destination(
        &self,
        standard: Option<String>,
    ) -> anyhow::Result<Option<Destination>> {
        ensure!(
            self.otlp.is_none() || cfg!(feature = "opentelemetry"),
            "--otlp: this program was built without the feature opentelemetry (cargo build --features opentelemetry)"
        );
        let ratio = self.otlp_ratio;
        ensure!(
            (0.0..=1.0).contains(&ratio),
            "--otlp-ratio {ratio}: expected a number from 0 to 1"
        );
        let standard = standard.filter(|url| cfg!(feature = "opentelemetry") && !url.is_empty());
        let (name, url) = match (&self.otlp, standard) {
            (Some(url), _) => ("--otlp", url.clone()),
            (None, Some(url)) => (STANDARD_VARIABLE, url),
            (None, None) => return Ok(None),
        };
        let parsed: Option<Uri> = url.parse().ok();
        let scheme = parsed.as_ref().and_then(Uri::scheme_str);
        ensure!(
            scheme == Some("http"),
            "{name} {url}: expected the address of a collector, such as http://127.0.0.1:4318 (without TLS)"
        );
        let url = format!("{}/v1/traces", url.trim_end_matches('/'));
        Ok(Some(Destination { url, ratio }))
    }
}

/// The variable of the OpenTelemetry specification ("OTLP exporter configuration").
pub(super) const STANDARD_VARIABLE: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";

#[cfg(test)]
mod tests {
    use super::*;

    fn destination(otlp: Option<&str>, ratio: f64) -> Result<Option<Destination>, String> {
        let arguments = SpanArguments {
            otlp: otlp.map(str::to_owned),
            otlp_ratio: ratio,
        };
        let destination = arguments.destination(Some("http://10.0.0.1:4318/".into()));
        destination.map_err(|error| error.to_string())
    }

    #[test]
    fn a_ratio_has_bounds() {
        for ratio in [-0.1, 1.1, f64::NAN] {
            let refused = destination(None, ratio).expect_err("not a ratio");
            assert!(refused.contains("--otlp-ratio"), "{refused}");
        }
    }

    #[cfg(not(feature = "opentelemetry"))]
    #[test]
    fn a_program_without_the_feature_refuses_the_option_and_ignores_the_variable() {
        let refused = destination(Some("http://127.0.0.1:4318"), 1.0).expect_err("no feature");
        assert!(
            refused.contains("without the feature opentelemetry"),
            "{refused}"
        );
        assert_eq!(destination(None, 1.0), Ok(None));
    }

    #[cfg(feature = "opentelemetry")]
    #[test]
    fn the_option_precedes_the_variable() {
        let url = |otlp| {
            let destination = destination(otlp, 0.5).expect("a valid address");
            destination.map(|destination| destination.url)
        };
        assert_eq!(
            url(Some("http://127.0.0.1:4318")).as_deref(),
            Some("http://127.0.0.1:4318/v1/traces")
        );
        assert_eq!(url(None).as_deref(), Some("http://10.0.0.1:4318/v1/traces"));
        for wrong in ["127.0.0.1:4318", "https://collector", ""] {
            let refused = destination(Some(wrong), 1.0).expect_err("not an address");
            assert!(refused.contains("--otlp"), "{refused}");
        }
    }
}
