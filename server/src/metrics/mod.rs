//! The metrics for a monitoring system, in the OpenMetrics and Prometheus text formats.
//!
//! [`catalogue`] has every metric with its name, type and meaning; the page `docs/src/operate/metrics.md` has the same table, which a
//! test compares. The values are taken at each request from the figures of the broker and of the server, so a
//! message only costs the counters of bytes; one read cycle in 64 measures a time.

mod catalogue;
mod encode;
mod families;
mod negotiation;
mod process;
mod snapshot;
#[cfg(test)]
mod tests;

use std::{fmt, sync::Arc};

use prometheus_client::{
    encoding::{prometheus_text, text},
    registry::Registry,
};
use tokio::task::spawn_blocking;

pub use negotiation::Format;

use crate::server::Server;
use snapshot::Snapshot;

/// Returns the metrics of a server as text. Requests at the same time share the expensive part.
///
/// # Errors
/// The text cannot be encoded, which does not happen for the values of a server.
pub async fn render(server: Arc<Server>, format: Format) -> Result<String, fmt::Error> {
    let survey = server.survey.recent().await;
    // Reads files of the system, and may have to wait for the broker's lock.
    let rendered = spawn_blocking(move || encode(Snapshot::take(&server, survey), format));
    rendered.await.unwrap_or(Err(fmt::Error))
}

fn encode(snapshot: Snapshot, format: Format) -> Result<String, fmt::Error> {
    let mut registry = Registry::default();
    registry.register_collector(Box::new(snapshot));
    let mut page = String::new();
    match format {
        Format::OpenMetrics => text::encode(&mut page, &registry)?,
        Format::Prometheus => prometheus_text::encode(&mut page, &registry)?,
    }
    Ok(page)
}
