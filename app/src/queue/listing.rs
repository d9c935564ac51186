//! The messages of a queue, in pages. Pure.

use std::sync::Arc;

use crate::{
    Text,
    figures::{bytes, grouped},
    host::{text, whole},
    json::{self, Json},
    line::shortened,
    paging::{Pages, Turn},
    texts,
};

/// One page of the messages.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Listing {
    /// `None` until the first page has arrived.
    pub document: Option<Arc<str>>,
    pub messages: Vec<Listed>,
    pub pages: Pages,
}

/// A message in the list.
#[derive(Clone, Debug, PartialEq)]
pub struct Listed {
    pub id: String,
    pub timestamp_ms: f64,
    pub producer: String,
    /// The beginning of the body; for binary data the beginning of its base 64.
    pub preview: String,
    pub size: u64,
    /// The destination of which this is a dead letter; otherwise empty.
    pub origin: String,
}

impl Listing {
    /// Takes a document of the page. Does nothing if it is none.
    pub fn take(&mut self, document: &str) {
        let Ok(json) = json::read(document) else {
            return;
        };
        let messages = json.member("messages").map_or(&[][..], Json::elements);
        self.messages = messages.iter().filter_map(Listed::from_json).collect();
        // A selector may leave out all messages that were examined; then the broker names the place.
        let last = self.messages.last().map(|last| last.id.clone());
        let next = text(&json, "next").or(last);
        let has_more = json.member("more") == Some(&Json::Bool(true));
        self.pages.set_next(next.filter(|_| has_more));
        self.document = Some(document.into());
    }

    /// Goes to another page, which has not arrived yet.
    pub fn turn(&mut self, turn: Turn) {
        self.pages.turn(turn);
        self.document = None;
    }

    /// Returns one message as JSON.
    pub fn message<T>(&self, id: &str, read: impl FnOnce(&Json<'_>) -> T) -> Option<T> {
        let document = json::read(self.document.as_ref()?).ok()?;
        let messages = document.member("messages")?.elements();
        let found = messages
            .iter()
            .find(|message| text(message, "id").as_deref() == Some(id))?;
        Some(read(found))
    }

    /// Returns the number of the page and of its messages.
    pub fn summary(&self, is_selective: bool) -> String {
        let count = grouped(self.messages.len() as u64);
        let choose = |matching: Text, all: Text| if is_selective { matching } else { all };
        match (
            &self.document,
            self.messages.as_slice(),
            self.pages.number(),
        ) {
            (None, ..) => texts::queue::LOADING.get().into(),
            (_, [], 1) if is_selective => texts::queue::NO_MATCH.get().into(),
            (_, [], 1) => texts::queue::NO_MESSAGES.get().into(),
            (_, [_], 1) => choose(texts::queue::ONE_MATCHING, texts::queue::ONE)
                .get()
                .into(),
            (_, _, 1) if !self.pages.has_more() => {
                choose(texts::queue::COUNT_MATCHING, texts::queue::COUNT).with(&[&count])
            }
            (_, _, page) => {
                let text = choose(texts::queue::PAGE_MATCHING, texts::queue::PAGE);
                text.with(&[&page.to_string(), &count])
            }
        }
    }

    pub fn has_dead_letters(&self) -> bool {
        self.messages
            .iter()
            .any(|message| !message.origin.is_empty())
    }
}

impl Listed {
    fn from_json(json: &Json<'_>) -> Option<Self> {
        let body = text(json, "body");
        let (preview, size) = match body {
            Some(body) => {
                let size = body.len() as u64;
                (shortened(body), size)
            }
            None => {
                let base64 = text(json, "bodyBase64").unwrap_or_default();
                let padding = base64
                    .bytes()
                    .rev()
                    .take_while(|byte| *byte == b'=')
                    .count();
                let size = (base64.len() / 4 * 3).saturating_sub(padding) as u64;
                (shortened(base64), size)
            }
        };
        Some(Self {
            id: text(json, "id")?,
            timestamp_ms: whole(json, "timestamp") as f64,
            producer: text(json, "producer").unwrap_or_default(),
            preview,
            size,
            origin: text(json, "originalDestination").unwrap_or_default(),
        })
    }

    /// Returns the size and the origin of the message.
    pub fn note(&self) -> String {
        let size = bytes(self.size);
        match self.origin.is_empty() {
            true => size,
            false => texts::queue::FROM.with(&[&size, &self.origin]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIRST: &str = r#"{"messages":[
        {"id":"1-1","queue":"q","sequence":1,"timestamp":1500,"producer":"http","body":"hi"},
        {"id":"1-2","queue":"q","sequence":2,"timestamp":2500,"producer":"s","originalDestination":"/queue/a","bodyBase64":"AAEC/w=="}
        ],"more":true}"#;

    fn listing() -> Listing {
        let mut listing = Listing::default();
        listing.take(FIRST);
        listing
    }

    #[test]
    fn messages_show_their_beginning_size_and_origin() {
        let listing = listing();
        assert_eq!(listing.messages[0].preview, "hi");
        assert_eq!(listing.messages[0].note(), "2 B");
        assert_eq!(listing.messages[1].note(), "4 B, from /queue/a");
        assert!(listing.has_dead_letters());
        assert_eq!(listing.summary(false), "Page 1: 2 messages.");
    }

    #[test]
    fn a_header_of_a_client_makes_no_dead_letter() {
        let mut listing = Listing::default();
        listing.take(
            r#"{"messages":[{"id":"1-1","headers":{"original-destination":"/queue/a"},"body":""}]}"#,
        );
        assert!(!listing.has_dead_letters());
        assert_eq!(listing.messages[0].note(), "0 B");
    }

    #[test]
    fn pages_follow_the_last_message_or_the_place_that_the_broker_names() {
        let mut listing = listing();
        listing.turn(Turn::Next);
        assert_eq!(listing.pages.after(), "1-2");
        assert_eq!(listing.summary(false), "Waiting for the messages.");
        listing.take(r#"{"messages":[],"more":true,"next":"1-9"}"#);
        listing.turn(Turn::Next);
        assert_eq!(listing.pages.after(), "1-9");
        listing.take(r#"{"messages":[],"more":false}"#);
        assert!(!listing.pages.has_more());
    }

    #[test]
    fn one_message_is_found_by_its_id() {
        let listing = listing();
        let body = listing.message("1-1", |json| text(json, "body"));
        assert_eq!(body, Some(Some("hi".into())));
        assert_eq!(listing.message("1-7", |_| ()), None);
    }

    #[test]
    fn an_empty_list_says_why() {
        let mut listing = Listing::default();
        assert_eq!(listing.summary(false), "Waiting for the messages.");
        listing.take(r#"{"messages":[],"more":false}"#);
        assert_eq!(listing.summary(false), "No messages wait.");
        assert_eq!(listing.summary(true), "No message matches.");
    }
}
