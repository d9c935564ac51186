//! The description of the API: `/api/openapi.json`, and `/api` as a page.
//!
//! The source is an OpenAPI document in `server/api`, written by hand, with a file for each subject. Tests compare it with the
//! routes (`http_port`) and with the server's responses (`tests/tests/e2e/api_description.rs`).

mod curl;
mod model;
mod page;
mod schema;

use std::sync::LazyLock;

use axum::{
    body::Body,
    extract::{Request, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{Html, IntoResponse, Response},
};
use ring::digest::{SHA256, digest};
use serde_json::Value;

use super::{HttpState, assets, html::Reader, language, pages, problem::Problem};
use model::Description;

/// `GET /api/openapi.json`: returns the document.
pub async fn document(headers: HeaderMap) -> Response {
    static DOCUMENT: LazyLock<Option<Document>> = LazyLock::new(|| Document::new().ok());
    let Some(document) = &*DOCUMENT else {
        return unreadable();
    };
    let known = headers.get(header::IF_NONE_MATCH);
    let (status, body) =
        match known.is_some_and(|known| assets::matches_etag(known, &document.etag)) {
            true => (StatusCode::NOT_MODIFIED, Body::empty()),
            false => (StatusCode::OK, Body::from(document.json.as_str())),
        };
    let headers = [
        (header::ETAG, document.etag.as_str()),
        (header::CACHE_CONTROL, "no-cache"),
        (header::CONTENT_TYPE, "application/json"),
    ];
    (status, headers, body).into_response()
}

/// `GET /api`: returns the document as a page.
pub async fn page(State(state): State<HttpState>, request: Request) -> Response {
    static DESCRIPTION: LazyLock<Option<Description>> = LazyLock::new(|| read_parts().ok());
    let Some(description) = &*DESCRIPTION else {
        return unreadable();
    };
    let reader = Reader::of(request.headers());
    let html = page::render(description, &pages::site(&state, &request), reader);
    let mut response = Html(html).into_response();
    let no_store = HeaderValue::from_static("no-store");
    response
        .headers_mut()
        .insert(header::CACHE_CONTROL, no_store);
    language::describe(&mut response, reader.language);
    response
}

/// Returns the response to a request for the description if one of its files has a fault, which the tests exclude.
fn unreadable() -> Response {
    let detail = "the description of the API cannot be read";
    Problem::new(StatusCode::INTERNAL_SERVER_ERROR, detail).into_response()
}

/// The OpenAPI document.
struct Document {
    json: String,
    etag: String,
}

impl Document {
    fn new() -> serde_json::Result<Self> {
        let mut merged = Value::Null;
        for part in PARTS {
            merge(&mut merged, serde_json::from_str(part)?);
        }
        merged["info"]["version"] = env!("CARGO_PKG_VERSION").into();
        let json = serde_json::to_string(&merged)?;
        let etag = assets::etag(digest(&SHA256, json.as_bytes()).as_ref());
        Ok(Self { json, etag })
    }
}

/// Adds the members of objects and the items of lists. The members of the files are different, which a test checks.
fn merge(target: &mut Value, part: Value) {
    match (target, part) {
        (Value::Object(target), Value::Object(part)) => {
            for (name, value) in part {
                merge(target.entry(name).or_insert(Value::Null), value);
            }
        }
        (Value::Array(target), Value::Array(part)) => target.extend(part),
        (target, part) => *target = part,
    }
}

/// Returns the description for the page, in the order of the files.
fn read_parts() -> serde_json::Result<Description> {
    let mut description = Description::default();
    for part in PARTS {
        description.append(serde_json::from_str(part)?);
    }
    Ok(description)
}

/// The files of the document.
const PARTS: &[&str] = &[
    include_str!("../../../api/openapi.json"),
    include_str!("../../../api/topics.json"),
    include_str!("../../../api/boards.json"),
    include_str!("../../../api/explore.json"),
    include_str!("../../../api/queues.json"),
    include_str!("../../../api/queue_actions.json"),
    include_str!("../../../api/scheduled.json"),
    include_str!("../../../api/connections.json"),
    include_str!("../../../api/trace.json"),
    include_str!("../../../api/users.json"),
    include_str!("../../../api/server.json"),
];

#[cfg(test)]
pub use tests::operations;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::routes::ApiOperation;

    /// Returns the operations of the description below `/api`.
    pub fn operations() -> Vec<ApiOperation> {
        let description = read_parts().expect("a description");
        let operations = description.operations().map(|one| ApiOperation {
            path: one.path.to_owned(),
            method: one.method.to_ascii_uppercase(),
        });
        operations
            .filter(|one| one.path.starts_with("/api"))
            .collect()
    }

    /// Counts the values of a document that are neither objects nor lists.
    fn count_leaves(value: &Value) -> usize {
        match value {
            Value::Object(members) => members.values().map(count_leaves).sum(),
            Value::Array(items) => items.iter().map(count_leaves).sum(),
            _ => 1,
        }
    }

    #[test]
    fn no_file_replaces_a_part_of_another() {
        let parts = PARTS.iter();
        let parts = parts.map(|part| serde_json::from_str::<Value>(part).expect("JSON"));
        let leaves: usize = parts.map(|part| count_leaves(&part)).sum();
        let document = Document::new().expect("a document");
        let merged: Value = serde_json::from_str(&document.json).expect("JSON");
        assert_eq!(count_leaves(&merged), leaves);
        assert_eq!(merged["info"]["version"], env!("CARGO_PKG_VERSION"));
    }

    #[test]
    fn all_references_lead_to_something() {
        let document = Document::new().expect("a document");
        let document: Value = serde_json::from_str(&document.json).expect("JSON");
        let mut references = Vec::new();
        collect_references(&document, &mut references);
        assert!(references.len() > 100);
        for reference in references {
            let pointer = reference.strip_prefix('#').expect("a local reference");
            assert!(document.pointer(pointer).is_some(), "{reference}");
        }
    }

    fn collect_references<'v>(value: &'v Value, found: &mut Vec<&'v str>) {
        match value {
            Value::Object(members) => {
                found.extend(members.get("$ref").and_then(Value::as_str));
                for member in members.values() {
                    collect_references(member, found);
                }
            }
            Value::Array(items) => {
                for item in items {
                    collect_references(item, found);
                }
            }
            _ => {}
        }
    }

    #[test]
    fn members_and_parameters_are_named_alike() {
        let document = Document::new().expect("a document");
        let document: Value = serde_json::from_str(&document.json).expect("JSON");
        let mut names = Vec::new();
        collect_names(&document, &mut names);
        assert!(names.len() > 200, "{names:?}");
        for name in names {
            let is_lower_camel_case = name.starts_with(|first: char| first.is_ascii_lowercase())
                && name.bytes().all(|byte| byte.is_ascii_alphanumeric());
            assert!(is_lower_camel_case, "{name}");
        }
    }

    /// Collects the names of members and of parameters in queries.
    fn collect_names<'v>(value: &'v Value, found: &mut Vec<&'v str>) {
        match value {
            Value::Object(members) => {
                if members.get("in").and_then(Value::as_str) == Some("query") {
                    found.extend(members.get("name").and_then(Value::as_str));
                }
                if let Some(Value::Object(properties)) = members.get("properties") {
                    found.extend(properties.keys().map(String::as_str));
                }
                for member in members.values() {
                    collect_names(member, found);
                }
            }
            Value::Array(items) => {
                for item in items {
                    collect_names(item, found);
                }
            }
            _ => {}
        }
    }

    #[test]
    fn every_operation_has_a_tag_and_an_id_of_its_own() {
        let description = read_parts().expect("a description");
        let mut ids = std::collections::HashSet::new();
        for one in description.operations() {
            let known = description.tags.iter();
            let tags = &one.operation.tags;
            assert_eq!(tags.len(), 1, "{} {}", one.method, one.path);
            assert_eq!(known.filter(|tag| tag.name == tags[0]).count(), 1);
            assert!(ids.insert(one.operation.operation_id.as_str()));
            assert!(!one.operation.summary.is_empty());
        }
    }
}
