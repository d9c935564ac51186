//! What a page has received from its topic: the newest reading, a bounded list, and what is to be
//! said about the rest. Pure; `components::messages` draws it.

use std::{collections::VecDeque, sync::Arc};

use broker::MessageId;

use crate::{
    connection::{Message, Missed},
    host::Image,
    rate::Rate,
    reading::{Data, Reader},
};

#[derive(Clone, Debug, Default)]
pub struct Feed {
    rows: VecDeque<Arc<Row>>,
    /// The newest reading there was; outlives [`Feed::clear`].
    latest: Option<Data>,
    /// The newest message there was, understood or not.
    seen: Option<MessageId>,
    next_key: u64,
    received: u64,
    ignored: u64,
    rate: Rate,
}

/// A line of the list.
#[derive(Debug, PartialEq)]
pub struct Row {
    /// Tells rows apart for as long as the page lives.
    pub key: u64,
    pub kind: RowKind,
}

#[derive(Debug, PartialEq)]
pub enum RowKind {
    Message {
        producer: String,
        data: String,
        timestamp_ms: f64,
        sequence: u64,
    },
    /// Messages that this page will never get.
    Gap(Missed),
}

impl Feed {
    /// Begins with the image that the server rendered; its row comes with [`Feed::take`].
    pub fn begin(&mut self, image: &Image, reads: Reader) {
        self.latest = reads(&image.body).map(|reading| reading.data);
    }

    /// Takes in what arrived since the last frame. What `reads` does not understand is counted only.
    pub fn take(&mut self, messages: &[Message], reads: Reader, now_ms: f64) {
        self.rate.count(messages.len() as u64, now_ms);
        for message in messages {
            self.take_one(message, reads);
        }
        while self.rows.len() > MOST_ROWS {
            self.rows.pop_front();
        }
    }

    fn take_one(&mut self, message: &Message, reads: Reader) {
        self.received += 1;
        self.seen = Some(message.id);
        if let Some(missed) = message.missed {
            self.push(RowKind::Gap(missed));
        }
        let Some(reading) = reads(&message.body) else {
            self.ignored += 1;
            return;
        };
        self.push(RowKind::Message {
            producer: reading.producer.unwrap_or_else(|| message.producer.clone()),
            data: shortened(reading.data.to_string()),
            timestamp_ms: message.timestamp_ms,
            sequence: message.sequence,
        });
        self.latest = Some(reading.data);
    }

    fn push(&mut self, kind: RowKind) {
        self.rows.push_back(Arc::new(Row {
            key: self.next_key,
            kind,
        }));
        self.next_key += 1;
    }

    /// Empties the list and its counts. What the page draws stays.
    pub fn clear(&mut self) {
        *self = Self {
            latest: self.latest.take(),
            seen: self.seen,
            next_key: self.next_key,
            ..Self::default()
        };
    }

    pub fn rows(&self) -> Vec<Arc<Row>> {
        self.rows.iter().cloned().collect()
    }

    pub fn latest(&self) -> Option<&Data> {
        self.latest.as_ref()
    }

    /// After which message to go on.
    pub fn seen(&self) -> Option<MessageId> {
        self.seen
    }

    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Messages since the list was last cleared, the ignored ones too.
    pub fn received(&self) -> u64 {
        self.received
    }

    /// Messages whose data was not what the page shows.
    pub fn ignored(&self) -> u64 {
        self.ignored
    }

    pub fn per_second(&self, now_ms: f64) -> f64 {
        self.rate.per_second(now_ms)
    }
}

fn shortened(text: String) -> String {
    match text.char_indices().nth(MOST_CHARS) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

const MOST_ROWS: usize = 200;
const MOST_CHARS: usize = 120;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reading;

    fn message(position: u64, body: &str) -> Message {
        Message {
            id: MessageId { epoch: 1, position },
            sequence: position,
            timestamp_ms: 0.0,
            producer: "session-1".into(),
            body: body.into(),
            missed: None,
        }
    }

    fn feed(messages: &[Message]) -> Feed {
        let mut feed = Feed::default();
        feed.take(messages, reading::number, 0.0);
        feed
    }

    #[test]
    fn the_newest_reading_is_the_last_that_was_understood() {
        let feed = feed(&[message(1, r#"{"data":50}"#), message(2, r#"{"data":"x"}"#)]);
        assert_eq!(feed.latest(), Some(&Data::Number(50.0)));
        assert_eq!(
            (feed.received(), feed.ignored(), feed.rows().len()),
            (2, 1, 1)
        );
    }

    #[test]
    fn a_gap_has_a_row_before_the_message_after_it() {
        let missed = Missed::Range { from: 2, to: 8 };
        let after = Message {
            missed: Some(missed),
            ..message(9, r#"{"data":1}"#)
        };
        let rows = feed(&[message(1, r#"{"data":0}"#), after]).rows();
        assert_eq!(rows.len(), 3);
        assert_eq!(rows[1].kind, RowKind::Gap(missed));
    }

    #[test]
    fn the_list_is_bounded_and_its_keys_are_not_used_twice() {
        let many: Vec<_> = (1..=500).map(|n| message(n, r#"{"data":1}"#)).collect();
        let mut feed = feed(&many);
        assert_eq!(feed.rows().len(), MOST_ROWS);
        let newest = feed.rows()[MOST_ROWS - 1].key;
        feed.clear();
        feed.take(&many[..1], reading::number, 0.0);
        assert!(feed.rows()[0].key > newest);
    }

    #[test]
    fn clearing_keeps_what_is_drawn() {
        let mut feed = feed(&[message(1, r#"{"data":50}"#)]);
        feed.clear();
        assert_eq!(feed.latest(), Some(&Data::Number(50.0)));
        assert_eq!((feed.received(), feed.rows().len()), (0, 0));
        assert_eq!(feed.seen().map(|seen| seen.position), Some(1));
    }

    #[test]
    fn the_producer_is_the_payloads_or_else_the_connections() {
        let rows = feed(&[
            message(1, r#"{"producerId":"me","data":1}"#),
            message(2, r#"{"data":1}"#),
        ])
        .rows();
        let producers: Vec<_> = rows
            .iter()
            .map(|row| match &row.kind {
                RowKind::Message { producer, .. } => producer.as_str(),
                RowKind::Gap(_) => "",
            })
            .collect();
        assert_eq!(producers, ["me", "session-1"]);
    }

    #[test]
    fn long_data_is_shortened_in_the_list() {
        let long = format!(r#"{{"data":[{}]}}"#, vec!["1"; 900].join(","));
        let mut feed = Feed::default();
        feed.take(&[message(1, &long)], reading::numbers, 0.0);
        let RowKind::Message { data, .. } = &feed.rows()[0].kind else {
            panic!("a message")
        };
        assert_eq!(data.chars().count(), MOST_CHARS + 1);
    }
}
