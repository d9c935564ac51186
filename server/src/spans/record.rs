//! The spans, with the names of OpenTelemetry's semantic conventions (1.37): "Messaging spans", "HTTP spans".

use std::sync::OnceLock;

use axum::{
    Router,
    extract::Request,
    middleware::{self, Next},
    response::Response,
};
use broker::{Delivery, DestinationKind, Entry, Publication, PublishError, Published};
use opentelemetry::{
    Context, KeyValue,
    propagation::{Extractor, TextMapPropagator as _},
    trace::{
        Link, Span as _, SpanBuilder, SpanContext, SpanKind, Status, TraceContextExt as _,
        Tracer as _,
    },
};
use opentelemetry_http::HeaderExtractor;
use opentelemetry_sdk::{
    propagation::TraceContextPropagator,
    trace::{SdkTracer, Span},
};

/// Begins to record. Has no effect the second time.
pub(super) fn record_with(tracer: SdkTracer) {
    // Only the first server of a process records.
    let _ = TRACER.set(tracer);
}

/// The spans of a batch of publications; only those of recorded traces.
pub struct PublishSpans(Vec<(usize, Span)>);

impl PublishSpans {
    /// Begins the spans of messages that are about to be published.
    pub fn begin(batch: &[Publication]) -> Self {
        let Some(tracer) = TRACER.get() else {
            return Self(Vec::new());
        };
        let entries = batch.iter().map(Publication::entry).enumerate();
        let spans = entries.filter_map(|(index, entry)| {
            let parent = recorded_context(entry)?;
            let builder = messaging_span("publish", "send", entry).with_kind(SpanKind::Producer);
            Some((index, tracer.build_with_context(builder, &parent)))
        });
        Self(spans.collect())
    }

    /// Ends the spans, when each message has its result.
    pub fn end(self, results: &[Result<Published, PublishError>]) {
        for (index, mut span) in self.0 {
            if let Some(Err(error)) = results.get(index) {
                span.set_attribute(KeyValue::new("error.type", "refused"));
                span.set_status(Status::error(error.to_string()));
            }
            span.end();
        }
    }
}

/// Records the delivery of a message that has been encoded for its subscriber.
pub fn delivered(delivery: &Delivery<'_>) {
    let Some(tracer) = TRACER.get() else {
        return;
    };
    let Some(parent) = recorded_context(delivery.entry) else {
        return;
    };
    let link = Link::with_context(parent.span().span_context().clone());
    let builder = messaging_span("deliver", "process", delivery.entry)
        .with_kind(SpanKind::Consumer)
        .with_links(vec![link]);
    tracer.build_with_context(builder, &parent).end();
}

/// Returns the context of a message, if its publisher records the trace.
fn recorded_context(entry: &Entry) -> Option<Context> {
    entry.header("traceparent")?;
    let context = TraceContextPropagator::new().extract_with_context(&Context::new(), &Of(entry));
    let is_recorded = |span: &SpanContext| span.is_valid() && span.is_sampled();
    is_recorded(context.span().span_context()).then_some(context)
}

/// The headers of a message, for the reader of a trace context.
struct Of<'a>(&'a Entry);

impl Extractor for Of<'_> {
    fn get(&self, name: &str) -> Option<&str> {
        self.0.header(name)
    }

    fn keys(&self) -> Vec<&str> {
        let headers = self.0.headers().iter();
        headers.map(|header| &*header.name).collect()
    }
}

fn messaging_span(name: &'static str, kind: &'static str, entry: &Entry) -> SpanBuilder {
    let destination = match entry.kind() {
        DestinationKind::Topic => format!("/topic/{}", entry.topic()),
        DestinationKind::Queue => format!("/queue/{}", entry.topic()),
    };
    let body_bytes = i64::try_from(entry.body().len()).unwrap_or(i64::MAX);
    SpanBuilder::from_name(format!("{name} {destination}")).with_attributes([
        KeyValue::new("messaging.system", "carillon"),
        KeyValue::new("messaging.operation.name", name),
        KeyValue::new("messaging.operation.type", kind),
        KeyValue::new("messaging.destination.name", destination),
        KeyValue::new("messaging.message.body.size", body_bytes),
    ])
}

/// Records each request of a router.
pub fn layered<S: Clone + Send + Sync + 'static>(router: Router<S>) -> Router<S> {
    match TRACER.get() {
        Some(_) => router.layer(middleware::from_fn(record_request)),
        None => router,
    }
}

/// Records a request until the head of its response. A request of a trace that its client does not record has no span.
async fn record_request(request: Request, next: Next) -> Response {
    let Some(tracer) = TRACER.get() else {
        return next.run(request).await;
    };
    let headers = HeaderExtractor(request.headers());
    let parent = TraceContextPropagator::new().extract_with_context(&Context::new(), &headers);
    let is_foreign = parent.span().span_context().is_valid();
    if is_foreign && !parent.span().span_context().is_sampled() {
        return next.run(request).await;
    }
    let method = request.method().to_string();
    let builder = SpanBuilder::from_name(method.clone())
        .with_kind(SpanKind::Server)
        .with_attributes([
            KeyValue::new("http.request.method", method),
            KeyValue::new("url.path", request.uri().path().to_owned()),
        ]);
    let mut span = tracer.build_with_context(builder, &parent);
    let response = next.run(request).await;
    let status = response.status();
    let code = i64::from(status.as_u16());
    span.set_attribute(KeyValue::new("http.response.status_code", code));
    if status.is_server_error() {
        span.set_attribute(KeyValue::new("error.type", status.as_str().to_owned()));
        span.set_status(Status::error(""));
    }
    span.end();
    response
}

/// Set if the server records spans.
static TRACER: OnceLock<SdkTracer> = OnceLock::new();
