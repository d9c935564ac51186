//! The metrics of a server, from `/metrics`.

use http::{HeaderValue, Method};

use crate::Carillon;
use crate::deadline::eventually;
use crate::http::{Answer, get, request, send};

/// The text of a response, in the format of Prometheus.
#[derive(Debug)]
pub struct Metrics(String);

impl Metrics {
    /// Requests the metrics from the HTTP port of a server without users.
    pub async fn of(server: &Carillon) -> Self {
        Self::at(server.url("/metrics")).await
    }

    /// Requests the metrics from an address.
    pub async fn at(url: impl AsRef<str>) -> Self {
        let answer = get(url).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        Self(answer.text())
    }

    /// Waits until a series has a value that `is_wanted`.
    pub async fn until(server: &Carillon, series: &str, is_wanted: impl Fn(f64) -> bool) {
        let value = || async { Self::of(server).await.find(series) };
        eventually(series, value, |value| value.is_some_and(&is_wanted)).await;
    }

    /// Returns the value of a series, such as `carillon_sessions{state="connected"}`.
    pub fn value(&self, series: &str) -> f64 {
        let value = self.find(series);
        value.unwrap_or_else(|| panic!("no {series} in:\n{}", self.0))
    }

    /// Returns the value of a series, or `None` if there is no such series.
    pub fn find(&self, series: &str) -> Option<f64> {
        self.0.lines().find_map(|line| {
            let value = line.strip_prefix(series)?.strip_prefix(' ')?;
            Some(value.parse().expect("a number"))
        })
    }

    /// Returns the number of series whose text begins like this.
    pub fn count(&self, beginning: &str) -> usize {
        let lines = self.0.lines();
        lines.filter(|line| line.starts_with(beginning)).count()
    }

    /// Returns the number of all series.
    pub fn series(&self) -> usize {
        self.0.lines().filter(|line| !line.starts_with('#')).count()
    }
}

/// Returns the address of the metrics of a server that was started with `--metrics`.
pub async fn own_url(server: &Carillon) -> String {
    let printed = || async {
        let transcript = server.transcript();
        let mut lines = transcript.lines().map(str::split_whitespace);
        lines.find_map(|mut words| {
            (words.next()? == "metrics")
                .then(|| words.next())?
                .map(str::to_owned)
        })
    };
    let url = eventually("the address of the metrics", printed, Option::is_some).await;
    url.expect("waited for it")
}

/// Requests the metrics with a header Accept.
pub async fn accepting(url: impl AsRef<str>, accept: &'static str) -> Answer {
    let mut request = request(Method::GET, url, "");
    let value = HeaderValue::from_static(accept);
    request.headers_mut().insert("accept", value);
    send(request).await
}
