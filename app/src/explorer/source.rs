//! The source of the explorer's rows: the tree, or the topics that a search finds. Pure.

use broker::TopicFilter;

use super::{
    level::Level,
    tree::{Order, Request},
};
use crate::address::encoded;

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    Tree(Order),
    /// The topics that a filter covers.
    Filter(String),
    /// The topics whose names contain a text, in lower case.
    Containing(String),
}

impl Source {
    /// Returns the source for a search; the tree if the search is empty. A search with a wildcard is a filter.
    pub fn of_search(search: &str, order: Order) -> Self {
        let search = search.trim();
        if search.is_empty() {
            return Self::Tree(order);
        }
        let has_wildcard = search.split('.').any(|level| ["*", ">"].contains(&level));
        if has_wildcard && TopicFilter::new(search).is_ok() {
            return Self::Filter(search.into());
        }
        Self::Containing(search.to_lowercase())
    }

    pub fn is_search(&self) -> bool {
        !matches!(self, Self::Tree(_))
    }

    /// Returns the address of a document of the API.
    pub fn address(&self, request: &Request) -> String {
        let mut address = match self {
            Self::Tree(order) => format!("api/tree?sort={}&limit={PART}", order.name()),
            Self::Filter(filter) => {
                format!("api/topics?filter={}&limit={PART}", encoded(filter))
            }
            Self::Containing(_) => format!("api/topics?limit={EXAMINED}"),
        };
        if !request.under.is_empty() {
            address.push_str("&under=");
            address.push_str(&encoded(&request.under));
        }
        if let Some(after) = &request.after {
            address.push_str("&after=");
            address.push_str(&encoded(after));
        }
        address
    }

    /// Reads a document of this source.
    pub fn read(&self, document: &str) -> Option<Level> {
        match self {
            Self::Tree(_) => Level::read(document),
            Self::Filter(_) => Level::of_topics(document),
            Self::Containing(text) => {
                let mut level = Level::of_topics(document)?;
                let is_found = |name: &str| name.to_lowercase().contains(text);
                level.children.retain(|child| is_found(&child.name));
                Some(level)
            }
        }
    }
}

/// Nodes in one document.
const PART: usize = 200;
/// Names that a search by text examines with one request.
const EXAMINED: usize = 1_000;

#[cfg(test)]
mod tests {
    use super::*;

    fn request(under: &str, after: Option<&str>) -> Request {
        Request {
            parent: 0,
            under: under.into(),
            after: after.map(str::to_owned),
        }
    }

    #[test]
    fn a_search_with_wildcards_is_a_filter() {
        let tree = Source::Tree(Order::Rate);
        for (search, source) in [
            ("  ", tree.clone()),
            ("finance.*", Source::Filter("finance.*".into())),
            (" finance.> ", Source::Filter("finance.>".into())),
            ("Stock", Source::Containing("stock".into())),
            ("a>b", Source::Containing("a>b".into())),
            (">.a", Source::Containing(">.a".into())),
        ] {
            assert_eq!(Source::of_search(search, Order::Rate), source, "{search}");
        }
    }

    #[test]
    fn each_source_has_its_documents() {
        let tree = Source::Tree(Order::Rate);
        assert_eq!(
            tree.address(&request("a b", Some("a b.c"))),
            "api/tree?sort=rate&limit=200&under=a%20b&after=a%20b.c"
        );
        let filter = Source::Filter("a.>".into());
        assert_eq!(
            filter.address(&request("", None)),
            "api/topics?filter=a.%3E&limit=200"
        );
    }

    #[test]
    fn a_search_by_text_ignores_case() {
        let document = r#"{"topics":[{"name":"Finance.Stock"},{"name":"weather"}],"next":"x"}"#;
        let source = Source::Containing("stock".into());
        let level = source.read(document).expect("topics");
        assert_eq!(level.children.len(), 1);
        assert_eq!(level.next.as_deref(), Some("x"));
    }
}
