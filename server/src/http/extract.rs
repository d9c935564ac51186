//! Axum's extractors, with problems as errors.

use std::{borrow::Cow, sync::Arc};

use axum::{
    Extension,
    extract::{FromRequestParts, rejection},
    http::HeaderMap,
};
use broker::{Client, Selector, TopicFilter, TopicName};
use serde::{Deserialize, Deserializer, de::Error as _};

use super::{
    login::{PeerAddress, PeerPort},
    problem::Problem,
};
use crate::fairness;

/// Values from the path.
#[derive(FromRequestParts)]
#[from_request(via(axum::extract::Path), rejection(Problem))]
pub struct Path<T>(pub T);

/// Values from the query.
#[derive(FromRequestParts)]
#[from_request(via(axum::extract::Query), rejection(Problem))]
pub struct Query<T>(pub T);

/// The sender of a request, and the request's headers.
#[derive(FromRequestParts)]
pub struct Requester {
    /// The client that the request is charged to.
    #[from_request(via(Extension))]
    pub client: Arc<Client>,
    /// The headers of the request.
    pub headers: HeaderMap,
}

/// The peer of the connection of a request.
#[derive(FromRequestParts)]
pub struct RequestPeer {
    /// Its address.
    #[from_request(via(Extension))]
    pub address: PeerAddress,
    /// Its port; absent if a trusted proxy names its client.
    #[from_request(via(Extension))]
    pub port: Option<PeerPort>,
}

/// The parameters of a list of topics or queues: `?filter=…&after=…&limit=…`.
#[derive(Deserialize)]
pub struct ListQuery {
    filter: Option<String>,
    after: Option<String>,
    limit: Option<usize>,
}

impl ListQuery {
    /// Returns the filter; by default it covers all names.
    pub fn filter(&self) -> Result<TopicFilter, Problem> {
        let filter = self.filter.as_deref().unwrap_or(">");
        Ok(TopicFilter::new(filter)?)
    }

    /// Returns the last name of the previous page.
    pub fn after(&self) -> Result<Option<TopicName>, Problem> {
        let after = self.after.as_deref().map(TopicName::new);
        Ok(after.transpose()?)
    }

    /// Returns the maximum number of items in the response: the requested one, or else `default`; at most `max`.
    pub fn limit(&self, default: usize, max: usize) -> usize {
        self.limit.unwrap_or(default).min(max)
    }
}

/// The parameters of a list that is returned in pages: `?after=…&limit=…`.
#[derive(Deserialize)]
pub struct PageQuery<T> {
    /// The value of `next` of the previous page, or the key of its last item.
    pub after: Option<T>,
    limit: Option<usize>,
}

impl<T> PageQuery<T> {
    /// Returns the maximum number of items in the response: the requested one; at most `max`, which is also the default.
    pub fn limit(&self, max: usize) -> usize {
        self.limit.unwrap_or(max).min(max)
    }
}

/// Returns the last item of a page after which there may be more.
pub fn last_of_full_page<T>(page: &[T], limit: usize) -> Option<&T> {
    page.last().filter(|_| page.len() == limit)
}

/// Collects the items of a page in small parts, between which other tasks run, because some items are costly to examine.
/// `part` returns at most a number of items after a key, and the key of the last one.
pub async fn in_parts<T>(
    mut after: u64,
    limit: usize,
    part: impl Fn(u64, usize) -> (Vec<T>, u64),
) -> Vec<T> {
    let mut page = Vec::new();
    loop {
        let most = PART.min(limit - page.len());
        let (items, last) = part(after, most);
        let is_last = items.len() < PART;
        page.extend(items);
        after = last;
        if is_last || page.len() >= limit {
            return page;
        }
        fairness::yield_if_due().await;
    }
}

/// Parses the parameter `selector`. A blank one selects everything.
pub fn selector(text: Option<&str>) -> Result<Option<Selector>, Problem> {
    let text = text.filter(|text| !text.trim().is_empty());
    let selector = text.map(|text| text.parse::<Selector>());
    selector
        .transpose()
        .map_err(|error| Problem::bad_request(format!("selector: {error}")))
}

/// Reads `true` or `false` from the query. The comparison ignores case, as for STOMP's boolean headers: some languages
/// write `True`.
pub fn deserialize_bool<'de, D: Deserializer<'de>>(query: D) -> Result<bool, D::Error> {
    let text = Cow::<'de, str>::deserialize(query)?;
    if text.eq_ignore_ascii_case("true") {
        Ok(true)
    } else if text.eq_ignore_ascii_case("false") {
        Ok(false)
    } else {
        Err(D::Error::custom(format!(
            "{text:?} is neither true nor false"
        )))
    }
}

/// Does the same as [`deserialize_bool`] for a parameter whose absence has its own meaning.
pub fn deserialize_some_bool<'de, D: Deserializer<'de>>(
    query: D,
) -> Result<Option<bool>, D::Error> {
    deserialize_bool(query).map(Some)
}

/// Maximum number of items that [`in_parts`] examines at once.
const PART: usize = 32;

impl From<rejection::PathRejection> for Problem {
    fn from(rejection: rejection::PathRejection) -> Self {
        Self::new(rejection.status(), rejection.body_text())
    }
}

impl From<rejection::QueryRejection> for Problem {
    fn from(rejection: rejection::QueryRejection) -> Self {
        let text = rejection.body_text();
        let fault = text.strip_prefix(AXUM_QUERY_FAULT).unwrap_or(&text);
        Self::new(rejection.status(), format!("the query: {fault}"))
    }
}

/// The beginning of axum's text for a query, which says nothing to the sender.
const AXUM_QUERY_FAULT: &str = "Failed to deserialize query string: ";
