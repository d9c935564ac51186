//! Headers that restrict a browser's use of a response.

use std::sync::LazyLock;

use axum::{
    extract::Request,
    http::{HeaderName, HeaderValue, header},
    middleware::Next,
    response::Response,
};

/// Adds the headers to every response that does not have its own.
pub async fn headers(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    for (name, value) in FIXED_HEADERS {
        headers
            .entry(name)
            .or_insert(HeaderValue::from_static(value));
    }
    if let Some(policy) = &*POLICY_WITHOUT_SCRIPTS {
        headers
            .entry(header::CONTENT_SECURITY_POLICY)
            .or_insert_with(|| policy.clone());
    }
    response
}

/// Returns the Content-Security-Policy of a page whose script has `nonce`, or of a response without scripts. `base_uri` is the
/// source of the addresses that an element `base` may have.
pub fn policy(nonce: Option<&str>, base_uri: &str) -> String {
    // A page draws the images in messages, whose bytes its script has.
    let (scripts, images) = match nonce {
        Some(nonce) => (
            format!("'self' 'nonce-{nonce}' 'wasm-unsafe-eval'"),
            "'self' blob:",
        ),
        None => ("'none'".to_owned(), "'self'"),
    };
    format!(
        "default-src 'self'; script-src {scripts}; img-src {images}; style-src 'self'; style-src-attr 'unsafe-inline'; \
         connect-src 'self'; object-src 'none'; base-uri {base_uri}; form-action 'self'; \
         frame-ancestors 'none'"
    )
}

static POLICY_WITHOUT_SCRIPTS: LazyLock<Option<HeaderValue>> =
    LazyLock::new(|| HeaderValue::from_str(&policy(None, "'none'")).ok());

const FIXED_HEADERS: [(HeaderName, &str); 5] = [
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
    // Other sites get no referrer. Without any, browsers send forms of this site with `Origin: null` (Fetch, "Origin header").
    (header::REFERRER_POLICY, "same-origin"),
    (
        HeaderName::from_static("cross-origin-opener-policy"),
        "same-origin",
    ),
    (
        HeaderName::from_static("permissions-policy"),
        "camera=(), geolocation=(), microphone=()",
    ),
];
