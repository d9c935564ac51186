//! The person who looks at the pages: the user who has signed in, and the topics of the pages that this user may not read.
//! The server draws what depends on it into the document, outside of the program's element.

use crate::order::Denied;

/// The visitor of a page.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Visitor {
    /// The user; empty without users, and for an anonymous visitor.
    pub user: String,
    /// Those of [`TOPICS`] that the visitor may not read.
    pub denied: Vec<String>,
    /// The rights that the visitor lacks on the topics of `/order`.
    pub order: Denied,
}

/// The topics that the pages read.
pub const TOPICS: [&str; 4] = ["rect", "chart", "$SYS.figures", "$SYS.queues"];

/// The attribute of `<html>` with the topics that the visitor may not read, separated by spaces.
pub(crate) const DENIED_ATTRIBUTE: &str = "data-denied";
