//! The pages' files, embedded in the binary together with their compressed forms.

use std::{borrow::Cow, sync::LazyLock};

use app::{Module, ModuleAssets};
use axum::{
    body::Body,
    extract::{Request, State},
    http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header},
    response::{IntoResponse, Response},
};
use rust_embed::{EmbeddedFile, RustEmbed};

use super::{HttpState, pages, problem::Problem};

#[derive(RustEmbed)]
#[folder = "$CARILLON_DIST"]
struct Files;

/// Serves the file at a path; without a file, the page, or the page for unknown paths.
pub async fn file_or_page(state: State<HttpState>, request: Request) -> Response {
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return refuse_other_methods(request.uri().clone()).await;
    }
    match file(
        request.uri().path().trim_start_matches('/'),
        request.headers(),
    ) {
        Some(response) => response,
        None => pages::page(state, request).await,
    }
}

/// Returns whether there is a file at a path of the site.
pub fn is_file(path: &str) -> bool {
    let path = path.trim_start_matches('/');
    media_type(path).is_some() && Files::get(path).is_some()
}

/// Refuses methods other than GET and HEAD.
pub async fn refuse_other_methods(uri: Uri) -> Response {
    let detail = format!("{} allows only GET and HEAD", uri.path());
    let problem = Problem::new(StatusCode::METHOD_NOT_ALLOWED, detail);
    // RFC 9110, 15.5.6.
    ([(header::ALLOW, "GET, HEAD")], problem).into_response()
}

/// Returns the paths, relative to the root of the site, of the files with a hash in their name; `None` if the binary contains no
/// pages.
pub fn hashed_assets() -> Option<app::Assets> {
    static HASHED: LazyLock<Option<app::Assets>> = LazyLock::new(find_hashed);
    HASHED.clone()
}

fn find_hashed() -> Option<app::Assets> {
    let find = |module: Module, extension: &str| {
        let is_of_module = |path: &str| {
            let named = FURTHER_MODULES
                .iter()
                .find(|(start, _)| path.starts_with(start));
            named.map_or(Module::Demo, |(_, named)| *named) == module
        };
        Files::iter()
            .find(|path| {
                path.ends_with(extension)
                    && path.matches('/').count() == 1
                    && is_hashed(path)
                    && is_of_module(path)
            })
            .map(|path| format!("./{path}"))
    };
    let find_module = |module| {
        Some(ModuleAssets {
            js: find(module, ".js")?,
            wasm: find(module, ".wasm")?,
        })
    };
    Some(app::Assets {
        css: find(Module::Demo, ".css")?,
        demo: find_module(Module::Demo)?,
        tools: find_module(Module::Tools),
        order: find_module(Module::Order),
        boards: find_module(Module::Boards),
    })
}

/// The beginnings of the names of the further modules' files. The names of the other files in the folder depend on the build tool
/// (`cargo xtask` or Trunk).
const FURTHER_MODULES: [(&str, Module); 3] = [
    ("pkg/tools", Module::Tools),
    ("pkg/order", Module::Order),
    ("pkg/boards", Module::Boards),
];

fn file(path: &str, headers: &HeaderMap) -> Option<Response> {
    let media_type = media_type(path)?;
    let (file, encoding) = best_form(path, headers)?;
    let etag = etag(&file.metadata.sha256_hash());
    let builder = Response::builder()
        .header(header::ETAG, &etag)
        .header(header::VARY, "accept-encoding")
        .header(header::CACHE_CONTROL, cache_control(path));
    let is_known = headers
        .get(header::IF_NONE_MATCH)
        .is_some_and(|known| matches_etag(known, &etag));
    let response = if is_known {
        builder.status(StatusCode::NOT_MODIFIED).body(Body::empty())
    } else {
        let builder = builder.header(header::CONTENT_TYPE, media_type);
        match encoding {
            Some(encoding) => builder.header(header::CONTENT_ENCODING, encoding),
            None => builder,
        }
        .body(body(file.data))
    };
    Some(response.unwrap_or_else(|_| StatusCode::INTERNAL_SERVER_ERROR.into_response()))
}

fn best_form(path: &str, headers: &HeaderMap) -> Option<(EmbeddedFile, Option<&'static str>)> {
    for (encoding, extension) in [("br", "br"), ("gzip", "gz")] {
        if accepts(headers, encoding)
            && let Some(file) = Files::get(&format!("{path}.{extension}"))
        {
            return Some((file, Some(encoding)));
        }
    }
    Some((Files::get(path)?, None))
}

/// Returns whether the client accepts a coding (RFC 9110, 12.5.3): it is listed, and not with a
/// weight of 0.
fn accepts(headers: &HeaderMap, encoding: &str) -> bool {
    headers
        .get_all(header::ACCEPT_ENCODING)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|item| {
            let (coding, weight) = item.split_once(';').unwrap_or((item, ""));
            let is_refused = weight
                .trim()
                .strip_prefix("q=")
                .is_some_and(|weight| weight.trim().parse() == Ok(0.0));
            coding.trim().eq_ignore_ascii_case(encoding) && !is_refused
        })
}

/// Returns a strong entity tag for a SHA-256, different for each form of a file (RFC 9110, 8.8.3).
pub fn etag(hash: &[u8]) -> String {
    let hash: String = hash
        .iter()
        .take(16)
        .map(|byte| format!("{byte:02x}"))
        .collect();
    format!("\"{hash}\"")
}

/// Returns whether the value of If-None-Match has an entity tag.
pub fn matches_etag(known: &HeaderValue, etag: &str) -> bool {
    known.to_str().is_ok_and(|known| {
        known
            .split(',')
            .map(|known| known.trim().trim_start_matches("W/"))
            .any(|known| known == etag || known == "*")
    })
}

fn cache_control(path: &str) -> &'static str {
    if is_hashed(path) {
        "public, max-age=31536000, immutable"
    } else {
        "public, max-age=3600, must-revalidate"
    }
}

/// Returns whether the name changes with the content.
fn is_hashed(path: &str) -> bool {
    path.starts_with("pkg/")
}

fn body(data: Cow<'static, [u8]>) -> Body {
    match data {
        Cow::Borrowed(bytes) => Body::from(bytes),
        Cow::Owned(bytes) => Body::from(bytes),
    }
}

/// Returns the media type for a file name extension. Files with other extensions are not served.
fn media_type(path: &str) -> Option<&'static str> {
    let (_, extension) = path.rsplit_once('.')?;
    Some(match extension {
        "css" => "text/css; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "wasm" => "application/wasm",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "ico" => "image/vnd.microsoft.icon",
        "txt" => "text/plain; charset=utf-8",
        "webmanifest" => "application/manifest+json",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codings_are_accepted_by_name_and_weight() {
        let table = [
            ("gzip, deflate, br, zstd", true),
            ("br;q=1.0, gzip;q=0.8", true),
            ("gzip, br;q=0", false),
            ("gzip", false),
            ("brotli", false),
            ("", false),
        ];
        for (value, expected) in table {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT_ENCODING, value.parse().expect("a value"));
            assert_eq!(accepts(&headers, "br"), expected, "{value}");
        }
    }
}
