//! The consumers of a queue, as rows of a table. Pure.

use crate::{
    figures::{duration, grouped},
    host::{text, whole},
    json::{self, Json},
    row::{Cell, Row},
    texts,
};

/// A consumer and what it holds.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct HeldBy {
    /// The number of the connection; 0 if its session has none now, or the reader may not see it.
    pub connection: u64,
    /// The name of the session; empty if the reader may not see it.
    pub session: String,
    /// The number of the subscription.
    pub subscription: String,
    /// The queues or topics that it subscribes to.
    pub filter: String,
    pub client: String,
    pub user: String,
    pub prefetch: u64,
    /// Messages that it has not acknowledged.
    pub held: u64,
    /// The time since the oldest of them was delivered; `None` if it holds none.
    pub oldest_held_ms: Option<u64>,
    pub selector: String,
}

/// Returns the consumers in a document, and whether there are more.
pub fn consumers(document: &str) -> Option<(Vec<HeldBy>, bool)> {
    let document = json::read(document).ok()?;
    let consumers = document.member("consumers")?.elements();
    let has_more = document
        .member("next")
        .is_some_and(|next| *next != Json::Null);
    Some((consumers.iter().map(HeldBy::from_json).collect(), has_more))
}

impl HeldBy {
    fn from_json(json: &Json<'_>) -> Self {
        let word = |name| text(json, name).unwrap_or_default();
        let oldest = json.member("oldestHeldMs").and_then(Json::number);
        Self {
            connection: whole(json, "connection"),
            session: word("session"),
            subscription: word("subscription"),
            filter: word("filter"),
            client: word("client"),
            user: word("user"),
            prefetch: whole(json, "prefetch"),
            held: whole(json, "held"),
            oldest_held_ms: oldest.map(|age_ms| age_ms as u64),
            selector: word("selector"),
        }
    }

    /// Returns the name by which a person recognises the consumer.
    pub fn name(&self) -> String {
        let names = [&self.client, &self.session];
        let client = match names.into_iter().find(|name| !name.is_empty()) {
            Some(name) => name.clone(),
            None => texts::queue::SUBSCRIPTION_OF.with(&[&self.subscription]),
        };
        match self.user.is_empty() {
            true => client,
            false => format!("{client} ({})", self.user),
        }
    }

    pub fn row(&self) -> Row {
        let cell = |column, figure: String, note: String| Cell {
            column,
            figure,
            note,
            ..Cell::default()
        };
        let age = self.oldest_held_ms.filter(|_| self.held > 0);
        let age = age.map_or_else(String::new, |age_ms| {
            texts::shared::OLDEST_FOR.with(&[&duration(age_ms / 1000)])
        });
        let selector = match self.selector.is_empty() {
            true => texts::queue::ALL_MESSAGES.get().to_owned(),
            false => self.selector.clone(),
        };
        Row {
            name: self.name(),
            cells: vec![
                cell(texts::shared::HOLDS.get(), grouped(self.held), age),
                cell(
                    texts::queue::PREFETCH.get(),
                    grouped(self.prefetch),
                    String::new(),
                ),
                cell(
                    texts::shared::SUBSCRIPTION.get(),
                    self.filter.clone(),
                    String::new(),
                ),
                cell(texts::queue::TAKES.get(), selector, String::new()),
            ],
            ..Row::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_consumer_shows_what_it_holds_and_for_how_long() {
        let document = r#"{"consumers":[{"connection":7,"subscription":"s-1","client":"press","user":"anna",
            "prefetch":1000,"held":2,"oldestHeldMs":61500,"selector":"a > 1","filter":"q.*"},
            {"subscription":"8","oldestHeldMs":null,"selector":null}],"next":9}"#;
        let (consumers, has_more) = consumers(document).expect("consumers");
        assert!(has_more);
        let row = consumers[0].row();
        assert_eq!(row.name, "press (anna)");
        assert_eq!(row.cells[0].figure, "2");
        assert_eq!(row.cells[0].note, "the oldest for 1 min 1 s");
        assert_eq!(row.cells[3].figure, "a > 1");
        let other = consumers[1].row();
        assert_eq!(other.name, "subscription 8");
        assert_eq!(
            (other.cells[0].note.as_str(), other.cells[3].figure.as_str()),
            ("", "all messages")
        );
    }

    #[test]
    fn a_document_of_another_kind_has_no_consumers() {
        assert_eq!(consumers("{}"), None);
        assert_eq!(consumers("<html>"), None);
    }
}
