//! The interface to the other modules in a program without the feature `opentelemetry`: it does nothing.

use axum::Router;
use broker::{Delivery, Publication, PublishError, Published};

use super::SpanArguments;

/// No export.
pub struct SpanExport;

impl SpanExport {
    /// Checks the options.
    ///
    /// # Errors
    ///
    /// They ask for spans.
    pub fn start(options: &SpanArguments) -> anyhow::Result<Self> {
        options.destination(None)?;
        Ok(Self)
    }

    /// Has no effect.
    pub async fn stop(self) {}
}

/// No spans.
pub struct PublishSpans;

impl PublishSpans {
    /// Has no effect.
    pub const fn begin(_: &[Publication]) -> Self {
        Self
    }

    /// Has no effect.
    pub const fn end(self, _: &[Result<Published, PublishError>]) {}
}

/// Has no effect.
pub const fn delivered(_: &Delivery<'_>) {}

/// Returns the router.
pub fn layered<S>(router: Router<S>) -> Router<S> {
    router
}
