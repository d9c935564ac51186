//! The subscriptions of one connection. Pure.

use crate::{
    Text,
    address::encoded,
    console::Kind,
    figures::{duration, grouped},
    host::{text, whole},
    json::{self, Json},
    row::{Cell, Row},
    texts,
};

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Subscription {
    pub kind: String,
    pub filter: String,
    /// The condition on messages; empty if it gets all.
    pub selector: String,
    /// Messages that it has not got yet; `None` if it shares them with others.
    pub lag: Option<u64>,
    /// The rule for too much lag; empty if it reads from queues.
    pub overflow: String,
    /// Messages that it has and has not acknowledged.
    pub held: u64,
    pub oldest_held_ms: Option<u64>,
    pub skipped: u64,
    /// The skipped messages by reason: the reason as a sentence, and the number.
    pub reasons: Vec<(Text, u64)>,
}

/// Returns the subscriptions in the document of a connection, and whether there are more.
pub fn subscriptions(document: &str) -> Option<(Vec<Subscription>, bool)> {
    let json = json::read(document).ok()?;
    let list = json.member("subscriptions")?.elements().iter();
    let has_more = json.member("next").is_some_and(|next| *next != Json::Null);
    Some((list.map(Subscription::from_json).collect(), has_more))
}

impl Subscription {
    fn from_json(json: &Json<'_>) -> Self {
        let word = |name| text(json, name).unwrap_or_default();
        let count = |name| json.member(name)?.number().map(|number| number as u64);
        let none = Json::Null;
        let reasons = json.member("reasons").unwrap_or(&none);
        let reasons = REASONS.map(|(name, words)| (words, whole(reasons, name)));
        Self {
            kind: word("kind"),
            filter: word("filter"),
            selector: word("selector"),
            lag: count("lag"),
            overflow: word("overflow"),
            held: whole(json, "held"),
            oldest_held_ms: count("oldestHeldMs"),
            skipped: whole(json, "skipped"),
            reasons: reasons
                .into_iter()
                .filter(|(_, count)| *count > 0)
                .collect(),
        }
    }

    pub fn row(&self) -> Row {
        let cell = |column, figure: String, note: String| Cell {
            column,
            figure,
            note,
            ..Cell::default()
        };
        let lag = self
            .lag
            .map_or_else(|| texts::connections::SHARED.get().to_owned(), grouped);
        Row {
            name: self.filter.clone(),
            href: self.href(),
            cells: vec![
                cell(
                    texts::connections::KIND.get(),
                    self.kind_word(),
                    self.selector.clone(),
                ),
                cell(texts::connections::LAG.get(), lag, self.rule().into()),
                cell(texts::shared::HOLDS.get(), grouped(self.held), self.age()),
                Cell {
                    is_amiss: self.skipped > 0,
                    ..cell(
                        texts::connections::SKIPPED.get(),
                        grouped(self.skipped),
                        self.reason(),
                    )
                },
            ],
            ..Row::default()
        }
    }

    /// Returns its kind in the language of the page.
    fn kind_word(&self) -> String {
        Kind::named(&self.kind).map_or_else(|| self.kind.clone(), |kind| kind.word().into())
    }

    /// Returns the page of its topic or queue; `None` if it has wildcards.
    fn href(&self) -> Option<String> {
        let is_one = !self.filter.contains(['*', '>']);
        is_one.then(|| format!("{}s/{}", self.kind, encoded(&self.filter)))
    }

    /// Returns what happens to it with too much lag.
    fn rule(&self) -> &'static str {
        match self.overflow.as_str() {
            "drop-oldest" => texts::connections::DROP_OLDEST.get(),
            "latest" => texts::connections::LATEST.get(),
            "disconnect" => texts::connections::DISCONNECTED_IF_SLOW.get(),
            "block" => texts::connections::BLOCK.get(),
            _ => "",
        }
    }

    fn age(&self) -> String {
        let age_ms = self.oldest_held_ms.filter(|_| self.held > 0);
        age_ms.map_or_else(String::new, |age_ms| {
            texts::shared::OLDEST_FOR.with(&[&duration(age_ms / 1000)])
        })
    }

    /// Returns why it has skipped messages.
    fn reason(&self) -> String {
        let reason = |(words, count): &(Text, u64)| words.with(&[&grouped(*count)]);
        let reasons: Vec<_> = self.reasons.iter().map(reason).collect();
        reasons.join(", ")
    }
}

/// The reasons of the API, in words.
const REASONS: [(&str, Text); 4] = [
    ("lag", texts::connections::BY_LAG),
    ("topicRemoved", texts::connections::BY_TOPIC),
    ("cursorLimit", texts::connections::BY_CURSORS),
    ("queueFull", texts::connections::BY_QUEUE),
];

#[cfg(test)]
mod tests {
    use super::subscriptions;

    #[test]
    fn a_subscription_says_what_it_skipped_and_why() {
        let document = r#"{"connection":{"id":1},"subscriptions":[
            {"subscription":"1","kind":"topic","filter":"a.>","lag":1200,"skipped":12,"reasons":{"lag":10,"queueFull":2},"overflow":"latest"},
            {"subscription":"2","kind":"queue","filter":"q","skipped":0,"prefetch":100,"held":3,"oldestHeldMs":61000}],"next":2}"#;
        let (list, has_more) = subscriptions(document).expect("subscriptions");
        assert!(has_more);
        let cells = |index: usize| -> Vec<String> {
            let cells = list[index].row().cells.into_iter();
            let text = |figure: String, note: String| format!("{figure} {note}");
            cells.map(|cell| text(cell.figure, cell.note)).collect()
        };
        assert_eq!(
            cells(0),
            [
                "topic ",
                "1,200 gets the newest message only if it is slow",
                "0 ",
                "12 10 because it was too slow, 2 because its queue was full",
            ]
        );
        assert_eq!(
            cells(1),
            ["queue ", "shared ", "3 the oldest for 1 min 1 s", "0 "]
        );
        assert_eq!(list[0].row().href, None);
        assert_eq!(list[1].row().href.as_deref(), Some("queues/q"));
        assert_eq!(subscriptions("{}"), None);
    }
}
