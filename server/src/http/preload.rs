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

/// The API as the pages' requests find it. An extension of every request, because a router cannot be part of its own state.
#[derive(Clone)]
pub struct PageApi(pub Router);

/// Requests the documents of a page. `extensions` are those of the page's request: its sender and the sender's rights.
pub async fn documents(page: &RequestPath, extensions: &Extensions) -> Documents {
    let mut found = Vec::new();
    if let Some(PageApi(api)) = extensions.get() {
        for address in app::documents(page) {
            if let Some(text) = document(api.clone(), &address, extensions).await {
                found.push((address, text));
            }
        }
    }
    Documents(Arc::new(found))
}

/// Returns a document; `None` if the API refuses it, or if it is too long for a page, which then requests it itself.
async fn document(api: Router, address: &str, extensions: &Extensions) -> Option<String> {
    let mut request = Request::get(format!("/{address}"))
        .body(Body::empty())
        .ok()?;
    *request.extensions_mut() = extensions.clone();
    let answer = api.oneshot(request).await.ok()?;
    if answer.status() != StatusCode::OK {
        return None;
    }
    let body = to_bytes(answer.into_body(), MAX_BYTES).await.ok()?;
    String::from_utf8(body.into()).ok()
}

/// Maximum length of a document.
const MAX_BYTES: usize = 256 << 10;
