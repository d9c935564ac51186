//! The choice of a format by the header Accept (RFC 9110, 12.5.1).

use prometheus_client::encoding::prometheus_text;

/// A text format of metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// OpenMetrics 1.0.
    OpenMetrics,
    /// The text format of Prometheus, 0.0.4.
    Prometheus,
}

impl Format {
    /// Returns the format for a request with this header. Without a preference, this is the format of Prometheus, which all
    /// programs and browsers can show.
    pub fn accepted(accept: Option<&str>) -> Self {
        let mut open_metrics = 0.0;
        let mut plain = 0.0;
        for range in accept.unwrap_or_default().split(',') {
            let mut parts = range.split(';').map(str::trim);
            let media_type = parts.next().unwrap_or_default().to_ascii_lowercase();
            let weight = parts
                .filter_map(|parameter| parameter.strip_prefix("q="))
                .find_map(|weight| weight.parse().ok())
                .unwrap_or(1.0_f32);
            match media_type.as_str() {
                "application/openmetrics-text" => open_metrics = weight.max(open_metrics),
                "text/plain" => plain = weight.max(plain),
                _ => {}
            }
        }
        match open_metrics > 0.0 && open_metrics >= plain {
            true => Self::OpenMetrics,
            false => Self::Prometheus,
        }
    }

    /// Returns the value of Content-Type.
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
            Self::Prometheus => prometheus_text::CONTENT_TYPE,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_preferred_format_is_chosen() {
        use Format::{OpenMetrics, Prometheus};
        let table = [
            (None, Prometheus),
            (Some(""), Prometheus),
            (Some("*/*"), Prometheus),
            (
                Some("text/html,application/xhtml+xml,*/*;q=0.8"),
                Prometheus,
            ),
            (Some("application/openmetrics-text"), OpenMetrics),
            (
                Some("Application/OpenMetrics-Text; version=1.0.0"),
                OpenMetrics,
            ),
            (Some("application/openmetrics-text;q=0"), Prometheus),
            (
                Some("application/openmetrics-text;q=0.2, text/plain;q=0.5"),
                Prometheus,
            ),
            // Prometheus 2.42.
            (
                Some(
                    "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
                ),
                OpenMetrics,
            ),
        ];
        for (accept, expected) in table {
            assert_eq!(Format::accepted(accept), expected, "{accept:?}");
        }
    }
}
