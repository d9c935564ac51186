//! The documents of `/api/tree` and `/api/topics` as the explorer reads them. Pure.

use crate::{
    host::{text, whole},
    json::{self, Json},
};

/// Children of a node of the topic tree, or a part of them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Level {
    pub children: Vec<Child>,
    /// The place after which the next part begins; `None` if there is no more.
    pub next: Option<String>,
}

/// A node of the topic tree.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Child {
    /// The last level of the name.
    pub level: String,
    pub name: String,
    /// Number of topics at the node and below it.
    pub topics: u64,
    /// True if there are more topics than counted.
    pub has_more_topics: bool,
    /// Messages since the start, of all these topics.
    pub messages: u64,
    /// Messages a second, of all these topics; `None` if the document has no rate.
    pub rate: Option<f64>,
    pub is_system: bool,
    /// `None` if no topic has exactly this name.
    pub topic: Option<TopicState>,
}

/// A topic in the tree or in a list.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TopicState {
    pub sequence: u64,
    pub listeners: u64,
    /// The beginning of the newest body; `None` if there is none, or if the reader may not read it.
    pub preview: Option<String>,
    pub is_retained: bool,
}

impl Level {
    /// Reads a document of `/api/tree`.
    pub fn read(document: &str) -> Option<Self> {
        let json = json::read(document).ok()?;
        let children = json.member("children")?.elements();
        Some(Self {
            children: children.iter().map(Child::from_json).collect(),
            next: text(&json, "next"),
        })
    }

    /// Reads a document of `/api/topics`: each topic with its whole name.
    pub fn of_topics(document: &str) -> Option<Self> {
        let json = json::read(document).ok()?;
        let topics = json.member("topics")?.elements();
        Some(Self {
            children: topics.iter().map(Child::of_topic).collect(),
            next: text(&json, "next"),
        })
    }
}

impl Child {
    fn from_json(json: &Json<'_>) -> Self {
        let topic = json.member("topic").filter(|topic| **topic != Json::Null);
        Self {
            level: text(json, "level").unwrap_or_default(),
            name: text(json, "name").unwrap_or_default(),
            topics: whole(json, "topics"),
            has_more_topics: flag(json, "topicsMore"),
            messages: whole(json, "messages"),
            rate: json.member("rate").and_then(Json::number),
            is_system: flag(json, "system"),
            topic: topic.map(TopicState::from_json),
        }
    }

    fn of_topic(json: &Json<'_>) -> Self {
        let name = text(json, "name").unwrap_or_default();
        let topic = TopicState::from_json(json);
        Self {
            level: name.clone(),
            is_system: name.starts_with('$'),
            name,
            topics: 1,
            has_more_topics: false,
            messages: topic.sequence,
            rate: None,
            topic: Some(topic),
        }
    }

    /// Returns true if there are topics below the node.
    pub fn has_children(&self) -> bool {
        self.topics > u64::from(self.topic.is_some())
    }
}

impl TopicState {
    fn from_json(json: &Json<'_>) -> Self {
        Self {
            sequence: whole(json, "sequence"),
            listeners: whole(json, "subscriptions"),
            preview: text(json, "preview"),
            is_retained: flag(json, "retained"),
        }
    }
}

pub fn flag(json: &Json<'_>, name: &str) -> bool {
    json.member(name) == Some(&Json::Bool(true))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_level_of_the_tree_is_read() {
        let document = r#"{"under":null,"total":2,"children":[
            {"level":"finance","name":"finance","topics":3,"topicsMore":true,"messages":70,"topic":null},
            {"level":"$SYS","name":"$SYS","topics":1,"messages":7,"rate":1.5,"system":true,"topic":
                {"name":"$SYS","sequence":7,"subscriptions":2,"rate":1,"lastMs":9,"preview":"{}","retained":true}}
        ],"next":"finance"}"#;
        let level = Level::read(document).expect("a level");
        let finance = Child {
            level: "finance".into(),
            name: "finance".into(),
            topics: 3,
            has_more_topics: true,
            messages: 70,
            ..Child::default()
        };
        let state = TopicState {
            sequence: 7,
            listeners: 2,
            preview: Some("{}".into()),
            is_retained: true,
        };
        assert_eq!(level.children[0], finance);
        assert_eq!(level.children[1].topic, Some(state));
        assert_eq!(level.children[1].rate, Some(1.5));
        assert!(level.children[0].has_children());
        assert!(!level.children[1].has_children() && level.children[1].is_system);
        assert_eq!(level.next.as_deref(), Some("finance"));
    }

    #[test]
    fn a_list_of_topics_has_their_whole_names() {
        let document = r#"{"topics":[{"name":"a.b","sequence":4,"subscriptions":1}],"total":1}"#;
        let level = Level::of_topics(document).expect("topics");
        let child = &level.children[0];
        assert_eq!((&*child.level, child.messages), ("a.b", 4));
        assert_eq!(child.rate, None);
        assert!(!child.has_children());
    }

    #[test]
    fn other_documents_are_no_level() {
        for document in ["", "[]", r#"{"detail":"no"}"#] {
            assert_eq!(Level::read(document), None);
            assert_eq!(Level::of_topics(document), None);
        }
    }
}
