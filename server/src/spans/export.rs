//! The way of the spans to the collector: a bounded queue, and a task that sends its content in batches.
//!
//! A collector that is slow or away never stops the server: spans that find the queue full, and batches that are not accepted,
//! are dropped, counted and logged.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use anyhow::Context as _;
use opentelemetry::{KeyValue, trace::TracerProvider as _};
use opentelemetry_http::hyper::HyperClient;
use opentelemetry_otlp::{SpanExporter, WithExportConfig as _, WithHttpConfig as _};
use opentelemetry_sdk::{
    Resource,
    error::OTelSdkResult,
    trace::{Sampler, SdkTracerProvider, Span, SpanData, SpanExporter as _, SpanProcessor},
};
use tokio::{
    sync::mpsc::{Receiver, Sender, channel},
    task::JoinHandle,
    time::{Instant, timeout, timeout_at},
};

use super::{SpanArguments, arguments::STANDARD_VARIABLE, record};
use crate::log_rate::LineLimit;

/// The export of spans, while the server runs.
pub struct SpanExport(Option<Running>);

struct Running {
    provider: SdkTracerProvider,
    queue: Sender<Item>,
    sending: JoinHandle<()>,
}

impl SpanExport {
    /// Starts to record spans and to send them, if the options ask for it.
    ///
    /// # Errors
    ///
    /// The address or the ratio is not valid.
    pub fn start(options: &SpanArguments) -> anyhow::Result<Self> {
        let standard = std::env::var(STANDARD_VARIABLE).ok();
        let Some(destination) = options.destination(standard)? else {
            return Ok(Self(None));
        };
        let client = HyperClient::with_default_connector(MAX_EXPORT_TIME, None);
        let mut exporter = SpanExporter::builder()
            .with_http()
            .with_http_client(client)
            .with_endpoint(&destination.url)
            .with_timeout(MAX_EXPORT_TIME)
            .build()
            .with_context(|| format!("--otlp {}", destination.url))?;
        // The variables OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES change or add attributes.
        let mut resource = Resource::builder();
        if std::env::var_os("OTEL_SERVICE_NAME").is_none() {
            resource = resource.with_service_name("carillon");
        }
        let version = KeyValue::new("service.version", env!("CARGO_PKG_VERSION"));
        let resource = resource.with_attribute(version).build();
        exporter.set_resource(&resource);
        let (sender, receiver) = channel(MAX_QUEUED);
        let queue = Queue {
            sender,
            dropped: Arc::default(),
        };
        let dropped = Arc::clone(&queue.dropped);
        let end = queue.sender.clone();
        let provider = SdkTracerProvider::builder()
            .with_span_processor(queue)
            // Of a trace with spans of other programs, each program decides the same by its id.
            .with_sampler(Sampler::TraceIdRatioBased(destination.ratio))
            .with_resource(resource)
            .build();
        record::record_with(provider.tracer("carillon"));
        let sending = tokio::spawn(send(exporter, receiver, dropped));
        tracing::info!(
            url = destination.url,
            ratio = destination.ratio,
            "spans are sent"
        );
        Ok(Self(Some(Running {
            provider,
            queue: end,
            sending,
        })))
    }

    /// Sends the spans that are left; waits at most [`MAX_STOP_TIME`].
    pub async fn stop(self) {
        let Some(Running {
            provider,
            queue,
            sending,
        }) = self.0
        else {
            return;
        };
        // No more spans are made. An error cannot occur, because the queue has nothing to shut down.
        let _ = provider.shutdown_with_timeout(Duration::ZERO);
        let abort = sending.abort_handle();
        let ending = async {
            // The tracer is never dropped and keeps the queue open, so a mark ends the sending.
            if queue.send(Item::End).await.is_ok() {
                // The task neither panics nor is aborted before this.
                let _ = sending.await;
            }
        };
        if timeout(MAX_STOP_TIME, ending).await.is_err() {
            abort.abort();
            tracing::warn!(
                "the last spans are dropped: the collector does not accept them in time"
            );
        }
    }
}

/// The queue of ended spans.
struct Queue {
    sender: Sender<Item>,
    /// Number of spans that found the queue full or were not accepted.
    dropped: Arc<AtomicU64>,
}

/// The content of the queue.
enum Item {
    Span(Box<SpanData>),
    /// The server stops.
    End,
}

impl fmt::Debug for Queue {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Queue").finish_non_exhaustive()
    }
}

impl SpanProcessor for Queue {
    fn on_start(&self, _: &mut Span, _: &opentelemetry::Context) {}

    fn on_end(&self, span: SpanData) {
        let is_sampled = span.span_context.is_sampled();
        if is_sampled && self.sender.try_send(Item::Span(Box::new(span))).is_err() {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }

    fn shutdown_with_timeout(&self, _: Duration) -> OTelSdkResult {
        Ok(())
    }
}

/// Sends spans until the queue ends.
async fn send(exporter: SpanExporter, mut queue: Receiver<Item>, dropped: Arc<AtomicU64>) {
    let mut is_ending = false;
    while !is_ending {
        let mut batch = Vec::new();
        is_ending = collect(&mut queue, &mut batch).await;
        if batch.is_empty() {
            continue;
        }
        let count = batch.len() as u64;
        let refused = match timeout(MAX_EXPORT_TIME, exporter.export(batch)).await {
            Ok(Ok(())) => None,
            Ok(Err(error)) => Some(error.to_string()),
            Err(_) => Some("no answer in time".to_owned()),
        };
        if refused.is_some() {
            dropped.fetch_add(count, Ordering::Relaxed);
        }
        let lost = dropped.swap(0, Ordering::Relaxed);
        if lost > 0 {
            match LOST.count() {
                Some(unlogged) => {
                    let reason = refused.unwrap_or_else(|| "the queue was full".into());
                    tracing::warn!(spans = lost, reason, unlogged, "spans were dropped");
                }
                // Counted by the next line.
                None => _ = dropped.fetch_add(lost, Ordering::Relaxed),
            }
        }
    }
}

/// Collects spans for [`COLLECT_TIME`] after the first one, at most [`MAX_BATCH`]. Returns true at the end of the queue.
async fn collect(queue: &mut Receiver<Item>, batch: &mut Vec<SpanData>) -> bool {
    let mut next = queue.recv().await;
    let until = Instant::now() + COLLECT_TIME;
    loop {
        match next {
            Some(Item::Span(span)) => batch.push(*span),
            Some(Item::End) | None => return true,
        }
        if batch.len() >= MAX_BATCH {
            return false;
        }
        next = match timeout_at(until, queue.recv()).await {
            Ok(item) => item,
            Err(_) => return false,
        };
    }
}

static LOST: LineLimit = LineLimit::new();
/// Maximum number of spans that wait, each of about half a kilobyte.
const MAX_QUEUED: usize = 2_048;
/// Maximum number of spans in a request to the collector.
const MAX_BATCH: usize = 512;
/// The time in which the spans of a request are collected.
const COLLECT_TIME: Duration = Duration::from_secs(1);
/// Maximum time for a request to the collector.
const MAX_EXPORT_TIME: Duration = Duration::from_secs(5);
/// Maximum time for the last spans when the server stops.
const MAX_STOP_TIME: Duration = Duration::from_secs(5);
