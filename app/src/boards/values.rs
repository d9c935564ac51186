//! The document of an open board: the board, what the visitor may do, and the last values of its topics. Pure.

use broker::MessageId;

use super::model::Board;
use crate::{
    connection::Message,
    host::{number, text, whole},
    json::{self, Json},
};

/// The answer to `GET /api/boards/{name}/values`.
#[derive(Clone, Debug, PartialEq)]
pub struct Values {
    pub board: Board,
    pub tag: String,
    pub may_write: bool,
    /// The place in the order of all messages up to which the values are known. A subscription continues after it.
    pub at: Option<MessageId>,
    pub sources: Vec<Source>,
}

/// A topic or filter of a board's tiles.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Source {
    pub topic: String,
    pub may_read: bool,
    pub may_publish: bool,
    /// The newest messages that fit into the document, oldest first.
    pub messages: Vec<Message>,
}

impl Values {
    pub fn read(document: &str) -> Option<Self> {
        let json = json::read(document).ok()?;
        let sources = json.member("sources")?.elements();
        Some(Self {
            board: Board::from_json(json.member("board")?).ok()?,
            tag: text(&json, "tag")?,
            may_write: is_true(&json, "mayWrite"),
            at: text(&json, "at").and_then(|id| id.parse().ok()),
            sources: sources.iter().filter_map(Source::from_json).collect(),
        })
    }
}

impl Source {
    fn from_json(json: &Json<'_>) -> Option<Self> {
        let messages = json.member("messages").map_or(&[][..], Json::elements);
        Some(Self {
            topic: text(json, "topic")?,
            may_read: is_true(json, "mayRead"),
            may_publish: is_true(json, "mayPublish"),
            messages: messages.iter().filter_map(message).collect(),
        })
    }
}

fn message(json: &Json<'_>) -> Option<Message> {
    Some(Message {
        id: text(json, "id")?.parse().ok()?,
        topic: text(json, "topic")?,
        sequence: whole(json, "sequence"),
        timestamp_ms: number(json, "timestamp"),
        producer: text(json, "producer").unwrap_or_default(),
        content_type: String::new(),
        body: text(json, "body")?.into_bytes(),
        missed: None,
    })
}

fn is_true(json: &Json<'_>, name: &str) -> bool {
    json.member(name) == Some(&Json::Bool(true))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_document_of_a_board_is_read() {
        let document = r#"{"tag":"t","mayWrite":true,"at":"a-9","board":{"title":"Hall","tiles":[]},
            "sources":[{"topic":"x.>","mayRead":true,"mayPublish":false,"messages":[
              {"topic":"x.a","id":"a-7","sequence":3,"timestamp":1700000000123,"producer":"http","body":"7"}]},
              {"topic":"secret","mayRead":false,"mayPublish":false,"messages":[]}]}"#;
        let values = Values::read(document).expect("values");
        assert_eq!((&*values.board.title, &*values.tag), ("Hall", "t"));
        assert_eq!(values.at.map(|at| at.position), Some(9));
        assert_eq!(values.sources[0].messages[0].topic, "x.a");
        assert_eq!(
            values.sources[0].messages[0].timestamp_ms,
            1_700_000_000_123.0
        );
        assert!(!values.sources[1].may_read);
        assert_eq!(Values::read("{}"), None);
    }
}
