//! The QR code of a page's address, with which a phone opens the page.

use axum::{
    extract::{Request, State},
    http::{HeaderValue, Uri, header},
    response::{IntoResponse, Response},
};
use serde::Deserialize;

use super::{HttpState, extract::Query, pages, problem::Problem};
use crate::qr_code::QrImage;

/// The query of the code.
#[derive(Deserialize)]
pub struct QrQuery {
    /// The path of the page relative to the root of the site, with its query. Empty for the overview.
    #[serde(default)]
    path: String,
}

/// `GET /qr.svg?path=…`: returns the code of a page's address at this site, with the address as its title. It is the address
/// of `--public-url`, or else the one by which the request came.
///
/// # Errors
/// The path is too long, or no path of this site.
pub async fn svg(
    State(state): State<HttpState>,
    Query(query): Query<QrQuery>,
    request: Request,
) -> Result<Response, Problem> {
    let address = address(&pages::site(&state, &request), &query.path)?;
    let image = QrImage::new(address).ok_or_else(|| {
        let most = QrImage::MAX_BYTES;
        Problem::bad_request(format!("path: the address is longer than {most} bytes"))
    })?;
    let headers = [
        (
            header::CONTENT_TYPE,
            HeaderValue::from_static("image/svg+xml"),
        ),
        // The host of the request is part of the code.
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ];
    Ok((headers, image.svg()).into_response())
}

/// Returns an address below the root of a site.
fn address(site: &str, path: &str) -> Result<String, Problem> {
    let refused = || Problem::bad_request("path: not a path of this site");
    let address = format!("{site}/{}", path.trim_start_matches('/'));
    let (read, own): (Uri, Uri) = match (address.parse(), site.parse()) {
        (Ok(read), Ok(own)) => (read, own),
        _ => return Err(refused()),
    };
    // The path cannot change the host, because it comes after a slash; the check costs nothing.
    match read.authority().is_some() && read.authority() == own.authority() {
        true => Ok(address),
        false => Err(refused()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_leads_only_to_this_site() {
        for (path, expected) in [
            ("", Some("http://a:8080/")),
            (
                "topics/a%20b?at=1-2",
                Some("http://a:8080/topics/a%20b?at=1-2"),
            ),
            ("/console", Some("http://a:8080/console")),
            ("//evil.example/", Some("http://a:8080/evil.example/")),
            ("@evil.example/", Some("http://a:8080/@evil.example/")),
            ("a b", None),
            ("a\nb", None),
        ] {
            let found = address("http://a:8080", path).ok();
            assert_eq!(found.as_deref(), expected, "{path}");
        }
        assert!(address("", "console").is_err());
    }
}
