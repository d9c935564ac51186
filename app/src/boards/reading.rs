//! Messages as the tiles of a board read them: parsed once, however many tiles show them. Pure.

use crate::{
    connection::Message,
    feed,
    json::{self, Json},
};

/// A message with its JSON; `None` if the body is not JSON.
pub struct Reading<'m> {
    pub message: &'m Message,
    pub json: Option<Json<'m>>,
}

/// The messages of one frame: all of them are counted, and a sample of them is read.
pub struct Batch<'m> {
    pub readings: Vec<Reading<'m>>,
    pub count: u64,
    /// Messages that the broker has skipped.
    pub missed: u64,
}

impl<'m> Batch<'m> {
    pub fn new(messages: &'m [Message]) -> Self {
        let missed = messages.iter().filter_map(|message| message.missed);
        Self {
            readings: sample(messages).map(Reading::new).collect(),
            count: messages.len() as u64,
            missed: missed.map(feed::count).sum(),
        }
    }
}

impl<'m> Reading<'m> {
    fn new(message: &'m Message) -> Self {
        let text = message.text();
        let text = text.filter(|text| text.len() <= MOST_READ_BYTES);
        let json = text.and_then(|text| json::read(text).ok());
        Self { message, json }
    }
}

/// Returns at most [`MOST_READ`] messages, evenly spread, and always the newest.
fn sample(messages: &[Message]) -> impl Iterator<Item = &Message> {
    let stride = messages.len().div_ceil(MOST_READ).max(1);
    let surplus = messages.len().saturating_sub(1) % stride;
    messages.iter().skip(surplus).step_by(stride)
}

/// Messages that are read in one frame. One takes about 10 µs, and there may be several topics.
const MOST_READ: usize = 100;
/// Longest body that is read as JSON.
const MOST_READ_BYTES: usize = 256 << 10;

#[cfg(test)]
mod tests {
    use broker::MessageId;

    use super::*;
    use crate::connection::Missed;

    fn messages(count: u64) -> Vec<Message> {
        let message = |position| Message {
            id: MessageId { epoch: 1, position },
            topic: "a".into(),
            sequence: position,
            timestamp_ms: 0.0,
            producer: "p".into(),
            content_type: String::new(),
            body: position.to_string().into_bytes(),
            missed: None,
        };
        (1..=count).map(message).collect()
    }

    #[test]
    fn all_messages_are_counted_and_a_sample_is_read() {
        for (count, read) in [
            (0, 0),
            (1, 1),
            (100, 100),
            (101, 51),
            (500, 100),
            (1_234, 95),
        ] {
            let messages = messages(count);
            let batch = Batch::new(&messages);
            assert_eq!(
                (batch.count, batch.readings.len()),
                (count, read),
                "{count}"
            );
            let newest = batch.readings.last().map(|one| one.message.sequence);
            assert_eq!(newest, messages.last().map(|one| one.sequence));
        }
    }

    #[test]
    fn skipped_messages_are_counted() {
        let mut messages = messages(2);
        messages[1].missed = Some(Missed::Range { from: 5, to: 8 });
        messages[1].body = "no JSON".into();
        let batch = Batch::new(&messages);
        assert_eq!((batch.count, batch.missed), (2, 4));
        assert!(batch.readings[0].json.is_some());
        assert!(batch.readings[1].json.is_none());
    }
}
