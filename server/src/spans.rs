//! Spans for OpenTelemetry (`--otlp`): one for each request over HTTP, and one for each publication and delivery of a message
//! that has a `traceparent` whose publisher records its trace.
//!
//! The messages themselves stay as they are: a span continues the trace of its message, and does not take the publisher's
//! place in it ([MQTT-3.3.2-17]). Without the feature `opentelemetry` all functions here are empty.

#[cfg(not(feature = "opentelemetry"))]
mod absent;
mod arguments;
#[cfg(feature = "opentelemetry")]
mod export;
#[cfg(feature = "opentelemetry")]
mod record;

#[cfg(not(feature = "opentelemetry"))]
pub use absent::{PublishSpans, SpanExport, delivered, layered};
pub use arguments::SpanArguments;
#[cfg(feature = "opentelemetry")]
pub use export::SpanExport;
#[cfg(feature = "opentelemetry")]
pub use record::{PublishSpans, delivered, layered};
