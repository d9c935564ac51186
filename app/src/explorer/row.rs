//! A row of the explorer as text. Pure; `pages::topics` draws it.

use super::tree::{NodeId, ROOT, Row, SYSTEM, Tree};
use crate::{address::encoded, figures::grouped, rate::rounded, texts};

/// The texts of a row; most may be empty.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RowText {
    /// The `id` of the element.
    pub id: String,
    /// From 1.
    pub depth: usize,
    /// `None` if there is nothing below.
    pub is_open: Option<bool>,
    pub name: String,
    /// The page of the topic.
    pub link: Option<String>,
    /// The number of topics below.
    pub below: String,
    pub rate: String,
    /// The path of the line of recent rates.
    pub line: String,
    pub preview: String,
    pub listeners: String,
    pub is_retained: bool,
}

/// Returns the `id` of the element of a node.
pub fn element_id(id: NodeId) -> String {
    format!("node-{id}")
}

/// Returns the address of the page of a topic.
pub fn topic_link(name: &str) -> String {
    format!("topics/{}", encoded(name))
}

impl RowText {
    pub fn new(tree: &Tree, row: Row) -> Self {
        let (id, further) = match row {
            Row::Node(id) => (id, false),
            Row::More(id) => (id, true),
        };
        let Some(node) = tree.node(id) else {
            return Self::default();
        };
        if further {
            let depth = if id == ROOT { 1 } else { node.depth + 1 };
            return Self {
                id: format!("more-{id}"),
                depth,
                name: texts::topics::LOADING.get().into(),
                ..Self::default()
            };
        }
        let child = &node.child;
        let topic = child.topic.as_ref();
        let is_idle = child.messages == 0 && topic.is_none();
        Self {
            id: element_id(id),
            depth: node.depth,
            is_open: node.can_open().then_some(node.is_open),
            name: child.level.clone(),
            link: topic.map(|_| topic_link(&child.name)),
            below: below(child.topics, child.has_more_topics, node.can_open()),
            rate: match node.rate() {
                Some(rate) if id != SYSTEM && !is_idle => {
                    texts::shared::PER_SECOND_OF.with(&[&rounded(rate)])
                }
                _ => String::new(),
            },
            line: node.activity.line(),
            preview: topic
                .and_then(|topic| topic.preview.clone())
                .unwrap_or_default(),
            listeners: topic.map_or_else(String::new, |topic| grouped(topic.listeners)),
            is_retained: topic.is_some_and(|topic| topic.is_retained),
        }
    }
}

/// Returns the number of topics below a node.
fn below(topics: u64, has_more: bool, can_open: bool) -> String {
    match (can_open, has_more) {
        (false, _) => String::new(),
        (true, true) => texts::topics::MORE_THAN.with(&[&grouped(topics)]),
        (true, false) => grouped(topics),
    }
}

#[cfg(test)]
mod tests {
    use super::super::{
        level::{Child, Level, TopicState},
        tree::Order,
    };
    use super::*;

    #[test]
    fn nodes_have_their_figures_and_topics_their_link() {
        let stock = Child {
            level: "stock price".into(),
            name: "stock price".into(),
            topics: 1,
            messages: 7,
            rate: Some(2.5),
            topic: Some(TopicState {
                sequence: 7,
                listeners: 1234,
                preview: Some("{}".into()),
                is_retained: true,
            }),
            ..Child::default()
        };
        let folder = Child {
            level: "finance".into(),
            name: "finance".into(),
            topics: 1000,
            has_more_topics: true,
            messages: 5,
            ..Child::default()
        };
        let mut tree = Tree::new(Order::Name);
        let level = Level {
            children: vec![stock, folder],
            next: Some("stock price".into()),
        };
        let first = tree.first();
        tree.take(&first, level, 0.0);
        let rows: Vec<_> = tree
            .rows()
            .iter()
            .map(|row| RowText::new(&tree, *row))
            .collect();
        let stock = &rows[0];
        assert_eq!(stock.link.as_deref(), Some("topics/stock%20price"));
        assert_eq!((&*stock.rate, stock.is_open), ("2.5/s", None));
        assert_eq!(stock.listeners, "1,234");
        let folder = &rows[1];
        assert_eq!((&folder.link, folder.is_open), (&None, Some(false)));
        assert_eq!(folder.below, "more than 1,000");
        assert_eq!(rows[2].name, "Loading more…");
    }
}
