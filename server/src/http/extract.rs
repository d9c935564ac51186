//! Axum's extractors, with errors as problems.

use axum::extract::{FromRequestParts, rejection};

use super::problem::Problem;

/// Values in the path.
#[derive(FromRequestParts)]
#[from_request(via(axum::extract::Path), rejection(Problem))]
pub struct Path<T>(pub T);

/// Values in the query.
#[derive(FromRequestParts)]
#[from_request(via(axum::extract::Query), rejection(Problem))]
pub struct Query<T>(pub T);

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
