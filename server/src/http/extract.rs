//! Axum's extractors, with errors as problems.

use std::{borrow::Cow, sync::Arc};

use axum::{
    Extension,
    extract::{FromRequestParts, rejection},
    http::HeaderMap,
};
use broker::{Client, TopicFilter, TopicName};
use serde::{Deserialize, Deserializer, de::Error as _};

use super::problem::Problem;

/// Values in the path.
#[derive(FromRequestParts)]
#[from_request(via(axum::extract::Path), rejection(Problem))]
pub struct Path<T>(pub T);

/// Values in the query.
#[derive(FromRequestParts)]
#[from_request(via(axum::extract::Query), rejection(Problem))]
pub struct Query<T>(pub T);

/// Who sends a request, and its headers.
#[derive(FromRequestParts)]
pub struct Sender {
    #[from_request(via(Extension))]
    pub client: Arc<Client>,
    pub headers: HeaderMap,
}

/// Which topics or queues to list: `?filter=…&limit=…`, topics also `&after=…`.
#[derive(Deserialize)]
pub struct Listing {
    filter: Option<String>,
    after: Option<String>,
    limit: Option<usize>,
}

impl Listing {
    /// All, unless it is said otherwise.
    pub fn filter(&self) -> Result<TopicFilter, Problem> {
        let filter = self.filter.as_deref().unwrap_or(">");
        Ok(TopicFilter::new(filter)?)
    }

    /// The last name of the page before.
    pub fn after(&self) -> Result<Option<TopicName>, Problem> {
        let after = self.after.as_deref().map(TopicName::new);
        Ok(after.transpose()?)
    }

    pub fn limit(&self, usual: usize, most: usize) -> usize {
        self.limit.unwrap_or(usual).min(most)
    }
}

/// Reads `true` or `false` from the query. The case of the letters does not matter, as in STOMP's boolean
/// headers: some languages write `True`.
pub fn flag<'de, D: Deserializer<'de>>(query: D) -> Result<bool, D::Error> {
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

impl From<rejection::PathRejection> for Problem {
    fn from(rejection: rejection::PathRejection) -> Self {
        Self::new(rejection.status(), rejection.body_text())
    }
}

impl From<rejection::QueryRejection> for Problem {
    fn from(rejection: rejection::QueryRejection) -> Self {
        Self::new(rejection.status(), rejection.body_text())
    }
}
