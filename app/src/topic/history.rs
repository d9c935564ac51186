//! The documents of `/api/topics/NAME/messages`, and their addresses. Pure.

use std::sync::Arc;

use super::entry::Entry;
use crate::{
    address::encoded,
    explorer::flag,
    host::whole,
    json::{self, Json},
};

/// A part of a topic's history, oldest message first.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Part {
    pub entries: Vec<Arc<Entry>>,
    pub has_more_before: bool,
    pub has_more_after: bool,
    /// The first message that the broker has examined for this part; a selector may have left it out.
    pub from: Option<u64>,
    /// The last message that the broker has examined for this part.
    pub to: Option<u64>,
    /// The newest message of the topic.
    pub newest: Option<u64>,
    /// Messages that the broker has examined and that the selector has left out.
    pub left_out: u64,
}

/// The place of a part in the history.
#[derive(Clone, Debug, PartialEq)]
pub enum Place {
    /// The newest messages.
    Newest,
    /// The messages before this sequence.
    Before(u64),
    /// The messages after this sequence.
    After(u64),
    /// The messages from this time on, in Unix milliseconds.
    Time(f64),
    /// The messages from this message on.
    Id(String),
}

impl Part {
    pub fn read(document: &str) -> Option<Self> {
        let json = json::read(document).ok()?;
        let messages = json.member("messages")?.elements();
        let entries = messages.iter().filter_map(Entry::from_json);
        Some(Self {
            entries: entries.map(Arc::new).collect(),
            has_more_before: flag(&json, "moreBefore"),
            has_more_after: flag(&json, "moreAfter"),
            from: sequence(&json, "from"),
            to: sequence(&json, "to"),
            newest: sequence(&json, "newest"),
            left_out: whole(&json, "leftOut"),
        })
    }
}

fn sequence(json: &Json<'_>, name: &str) -> Option<u64> {
    json.member(name)?.number().map(|number| number as u64)
}

/// Returns the address of a part with at most `limit` messages that match the selector.
pub fn address(topic: &str, place: &Place, selector: Option<&str>, limit: usize) -> String {
    let mut address = format!("api/topics/{}/messages?limit={limit}", encoded(topic));
    match place {
        Place::Newest => {}
        Place::Before(sequence) => address.push_str(&format!("&before={sequence}")),
        Place::After(sequence) => address.push_str(&format!("&after={sequence}")),
        Place::Time(unix_ms) => address.push_str(&format!("&atMs={}", *unix_ms as u64)),
        Place::Id(id) => {
            address.push_str("&id=");
            address.push_str(&encoded(id));
        }
    }
    select(&mut address, selector);
    address
}

/// Returns the address of all kept messages that match the selector, as a file.
pub fn export_address(topic: &str, format: &str, selector: Option<&str>) -> String {
    let mut address = format!("api/topics/{}/export?format={format}", encoded(topic));
    select(&mut address, selector);
    address
}

fn select(address: &mut String, selector: Option<&str>) {
    if let Some(selector) = selector {
        address.push_str("&selector=");
        address.push_str(&encoded(selector));
    }
}

/// The figures of a topic.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Figures {
    pub sequence: u64,
    pub listeners: u64,
    pub history_entries: u64,
    pub history_bytes: u64,
    pub dropped: u64,
    pub greatest_lag: u64,
}

impl Figures {
    /// Reads the figures of a topic in a document of `/api/topics`; `None` if it is not there.
    pub fn read(document: &str, topic: &str) -> Option<Self> {
        let json = json::read(document).ok()?;
        let mut topics = json.member("topics")?.elements().iter();
        let is_named = |json: &&Json<'_>| json.member("name").and_then(Json::text) == Some(topic);
        let json = topics.find(is_named)?;
        Some(Self {
            sequence: whole(json, "sequence"),
            listeners: whole(json, "subscriptions"),
            history_entries: whole(json, "historyEntries"),
            history_bytes: whole(json, "historyBytes"),
            dropped: whole(json, "dropped"),
            greatest_lag: whole(json, "greatestLag"),
        })
    }
}

/// Returns the address of the document with a topic's figures.
pub fn figures_address(topic: &str) -> String {
    format!("api/topics?limit=1&filter={}", encoded(topic))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_of_the_history_is_read() {
        let document = r#"{"messages":[{"id":"a-1","sequence":1,"body":"x"},{"id":"a-2","sequence":2,"body":"y"}],
            "oldest":1,"newest":9,"examined":4,"leftOut":2,"from":1,"to":4,"moreBefore":false,"moreAfter":true}"#;
        let part = Part::read(document).expect("a part");
        let sequences: Vec<_> = part.entries.iter().map(|entry| entry.sequence).collect();
        assert_eq!(sequences, [1, 2]);
        assert!(!part.has_more_before && part.has_more_after);
        assert_eq!((part.left_out, part.from, part.to), (2, Some(1), Some(4)));
        assert_eq!(Part::read("{}"), None);
    }

    #[test]
    fn each_place_has_its_address() {
        for (place, query) in [
            (Place::Newest, ""),
            (Place::Before(7), "&before=7"),
            (Place::After(7), "&after=7"),
            (Place::Time(1_700_000_000_000.5), "&atMs=1700000000000"),
            (Place::Id("a-7".into()), "&id=a-7"),
        ] {
            let address = address("a b", &place, Some("x > 1"), 50);
            let expected =
                format!("api/topics/a%20b/messages?limit=50{query}&selector=x%20%3E%201");
            assert_eq!(address, expected);
        }
    }

    #[test]
    fn the_figures_are_those_of_the_topic() {
        let document =
            r#"{"topics":[{"name":"a","sequence":12,"subscriptions":3,"historyEntries":5}]}"#;
        let figures = Figures::read(document, "a").expect("figures");
        assert_eq!((figures.sequence, figures.listeners), (12, 3));
        assert_eq!(Figures::read(document, "b"), None);
    }
}
