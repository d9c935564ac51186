//! The documents of the API that the server renders into a page. A page reads them in the same form as in the browser, and
//! with the rights of its visitor, because they are the answers to requests inside the server.

use std::sync::Arc;

use app::{Documents, RequestPath};
use axum::{
    Router,
    body::{Body, to_bytes},
    http::{Extensions, Request, StatusCode},
};
use tower::ServiceExt as _;

use super::{HttpState, api};

/// Requests the documents of a page. `extensions` are those of the page's request: its sender and the sender's rights.
pub async fn documents(
    state: &HttpState,
    page: &RequestPath,
    extensions: &Extensions,
) -> Documents {
    let mut found = Vec::new();
    for address in app::documents(page) {
        if let Some(text) = document(state, &address, extensions).await {
            found.push((address, text));
        }
    }
    Documents(Arc::new(found))
}

/// Returns a document; `None` if the API refuses it, or if it is too long for a page, which then requests it itself.
async fn document(state: &HttpState, address: &str, extensions: &Extensions) -> Option<String> {
    let mut request = Request::get(format!("/{address}"))
        .body(Body::empty())
        .ok()?;
    *request.extensions_mut() = extensions.clone();
    let api = Router::new().nest("/api", api(state, Router::new()));
    let answer = api.with_state(state.clone()).oneshot(request).await.ok()?;
    if answer.status() != StatusCode::OK {
        return None;
    }
    let body = to_bytes(answer.into_body(), MAX_BYTES).await.ok()?;
    String::from_utf8(body.into()).ok()
}

/// Maximum length of a document.
const MAX_BYTES: usize = 256 << 10;
