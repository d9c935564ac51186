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
    let (mut found, mut refused) = (Vec::new(), Vec::new());
    if let Some(PageApi(api)) = extensions.get() {
        for address in app::documents(page) {
            match document(api.clone(), &address, extensions).await {
                Some((StatusCode::OK, text)) => found.push((address, text)),
                // The page says at once that a right is missing.
                Some((StatusCode::FORBIDDEN, problem)) => refused.push((address, problem)),
                _ => {}
            }
        }
    }
    Documents {
        found: Arc::new(found),
        refused: Arc::new(refused),
    }
}

/// Returns a document or a problem, with its status; `None` if it is too long for a page, which then requests it itself.
async fn document(
    api: Router,
    address: &str,
    extensions: &Extensions,
) -> Option<(StatusCode, String)> {
    let mut request = Request::get(format!("/{address}"))
        .body(Body::empty())
        .ok()?;
    *request.extensions_mut() = extensions.clone();
    let answer = api.oneshot(request).await.ok()?;
    let status = answer.status();
    let body = to_bytes(answer.into_body(), MAX_BYTES).await.ok()?;
    Some((status, String::from_utf8(body.into()).ok()?))
}

/// Maximum length of a document.
const MAX_BYTES: usize = 256 << 10;
