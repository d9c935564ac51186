//! The messages that a page has received from its topic: the newest reading, a bounded list and counts. Pure;
//! `components::messages` draws it.

use std::{collections::VecDeque, slice, sync::Arc};

use broker::MessageId;

use crate::{
    connection::{Message, Missed},
    figures::grouped,
    host::Image,
    line::{Kind, Line, shortened},
    rate::Rate,
    reading::{Data, Reader, Reading},
    texts,
};

#[derive(Clone, Debug, Default)]
pub struct Feed {
    lines: VecDeque<Arc<Line>>,
    /// The newest reading; [`Feed::clear`] keeps it.
    latest: Option<Data>,
    /// The newest message, understood or not.
    seen: Option<MessageId>,
    next_key: u64,
    received: u64,
    missed: u64,
    ignored: u64,
    rate: Rate,
}

impl Feed {
    /// Starts with the image that the server rendered, for the page's first paint.
    pub fn begin(&mut self, image: &Image, reads: Reader) {
        self.latest = reads(&image.body).map(|reading| reading.data());
    }

    /// Adds that image to the list. The image does not count as a received message.
    pub fn list(&mut self, image: &Message, reads: Reader) {
        self.take_all(slice::from_ref(image), reads);
    }

    /// Takes the messages that arrived since the last frame. A message that `reads` does not understand is only
    /// counted.
    pub fn take(&mut self, messages: &[Message], reads: Reader, now_ms: f64) {
        self.rate.count(messages.len() as u64, now_ms);
        self.received += messages.len() as u64;
        self.ignored += self.take_all(messages, reads);
        let surplus = self.lines.len().saturating_sub(MOST_LINES);
        self.lines.drain(..surplus);
    }

    /// Returns the number of messages that were not understood.
    fn take_all(&mut self, messages: &[Message], reads: Reader) -> u64 {
        let mut ignored = 0;
        // Only the newest message is drawn, so only its numbers are needed.
        let mut newest = None;
        for message in messages {
            match self.take_one(message, reads) {
                None => ignored += 1,
                understood => newest = understood,
            }
        }
        if let Some(reading) = newest {
            self.latest = Some(reading.data());
        }
        ignored
    }

    fn take_one<'m>(&mut self, message: &'m Message, reads: Reader) -> Option<Reading<'m>> {
        self.seen = Some(message.id);
        if let Some(missed) = message.missed {
            self.missed += count(missed);
            self.push(gap(missed));
        }
        let reading = reads(message.text()?)?;
        let who = reading.producer.as_deref().unwrap_or(&message.producer);
        self.push(Line {
            who: who.into(),
            what: shortened(reading.text()),
            unix_ms: message.timestamp_ms,
            ..Line::default()
        });
        Some(reading)
    }

    fn push(&mut self, line: Line) {
        let key = self.next_key;
        self.next_key += 1;
        self.lines.push_back(Arc::new(Line { key, ..line }));
    }

    /// Empties the list and its counts. The drawn values stay.
    pub fn clear(&mut self) {
        *self = Self {
            latest: self.latest.take(),
            seen: self.seen,
            next_key: self.next_key,
            ..Self::default()
        };
    }

    pub fn lines(&self) -> Vec<Arc<Line>> {
        self.lines.iter().cloned().collect()
    }

    /// Returns the source of [`Feed::angle`] and [`Feed::bars`].
    pub fn source(&self) -> Source {
        match self.latest {
            Some(_) => Source::Message,
            None => Source::Example,
        }
    }

    /// Returns the newest number, or 0 before the first.
    pub fn angle(&self) -> f64 {
        match &self.latest {
            Some(Data::Number(angle)) => *angle,
            _ => 0.0,
        }
    }

    /// Returns the newest numbers, or 1 to 7 before the first.
    pub fn bars(&self) -> Vec<f64> {
        match &self.latest {
            Some(Data::Numbers(bars)) => bars.clone(),
            _ => (1..=7).map(f64::from).collect(),
        }
    }

    /// Returns the message after which a subscription resumes.
    pub fn seen(&self) -> Option<MessageId> {
        self.seen
    }

    /// Returns the number of messages since the list was last cleared, including ignored ones.
    pub fn received(&self) -> u64 {
        self.received
    }

    /// Returns the number of messages that the broker reported as skipped, if it knows the number.
    pub fn missed(&self) -> u64 {
        self.missed
    }

    /// Returns the number of messages whose data the page cannot show.
    pub fn ignored(&self) -> u64 {
        self.ignored
    }

    pub fn per_second(&self, now_ms: f64) -> f64 {
        self.rate.per_second(now_ms)
    }
}

/// The source of the values that a page draws.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// Example values, drawn until the first message that the page understands.
    Example,
    Message,
}

/// Returns the number of missed messages, or 0 if it is not known.
pub fn count(missed: Missed) -> u64 {
    match missed {
        Missed::Range { from, to } => to.saturating_sub(from).saturating_add(1),
        Missed::Unknown => 0,
    }
}

fn gap(missed: Missed) -> Line {
    let what = match missed {
        Missed::Range { from, to } if from == to => {
            texts::list::ONE_MISSED.with(&[&from.to_string()])
        }
        Missed::Range { from, to } => {
            let count = count(missed);
            texts::list::SEVERAL_MISSED.with(&[&grouped(count), &from.to_string(), &to.to_string()])
        }
        Missed::Unknown => texts::list::MAY_MISS.get().into(),
    };
    Line {
        kind: Kind::Gap,
        what,
        ..Line::default()
    }
}

const MOST_LINES: usize = 200;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reading;

    fn message(position: u64, body: &str) -> Message {
        Message {
            id: MessageId { epoch: 1, position },
            topic: "t".into(),
            sequence: position,
            timestamp_ms: 0.0,
            producer: "session-1".into(),
            content_type: String::new(),
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
    fn the_newest_reading_is_that_of_the_last_understood_message() {
        let feed = feed(&[message(1, r#"{"data":50}"#), message(2, r#"{"data":"x"}"#)]);
        assert_eq!(feed.angle(), 50.0);
        assert_eq!(
            (feed.received(), feed.ignored(), feed.lines().len()),
            (2, 1, 1)
        );
    }

    #[test]
    fn a_gap_has_a_row_before_the_next_message() {
        let missed = Missed::Range { from: 2, to: 8 };
        let after = Message {
            missed: Some(missed),
            ..message(9, r#"{"data":1}"#)
        };
        let lines = feed(&[message(1, r#"{"data":0}"#), after]).lines();
        assert_eq!(lines.len(), 3);
        assert_eq!(lines[1].kind, Kind::Gap);
        assert_eq!(lines[1].what, "7 messages were missed: 2 to 8.");
    }

    #[test]
    fn skipped_messages_are_counted_also_before_an_ignored_message() {
        let missed = |from, to| Some(Missed::Range { from, to });
        let after = |position, body, missed| Message {
            missed,
            ..message(position, body)
        };
        let mut feed = feed(&[
            message(1, r#"{"data":0}"#),
            after(9, r#"{"data":1}"#, missed(2, 8)),
            after(11, "no reading", missed(10, 10)),
            after(12, r#"{"data":1}"#, Some(Missed::Unknown)),
        ]);
        assert_eq!((feed.received(), feed.missed()), (4, 8));
        feed.clear();
        assert_eq!(feed.missed(), 0);
    }

    #[test]
    fn the_list_is_bounded_and_no_key_is_used_twice() {
        let many: Vec<_> = (1..=500).map(|n| message(n, r#"{"data":1}"#)).collect();
        let mut feed = feed(&many);
        assert_eq!(feed.lines().len(), MOST_LINES);
        let newest = feed.lines()[MOST_LINES - 1].key;
        feed.clear();
        feed.take(&many[..1], reading::number, 0.0);
        assert!(feed.lines()[0].key > newest);
    }

    #[test]
    fn the_values_are_an_example_until_a_message_is_understood() {
        let mut feed = feed(&[message(1, r#"{"data":"x"}"#)]);
        assert_eq!(feed.source(), Source::Example);
        feed.take(&[message(2, r#"{"data":0}"#)], reading::number, 0.0);
        assert_eq!(feed.source(), Source::Message);
        feed.clear();
        assert_eq!(feed.source(), Source::Message);
    }

    #[test]
    fn clearing_keeps_the_drawn_values() {
        let mut feed = feed(&[message(1, r#"{"data":50}"#)]);
        feed.clear();
        assert_eq!(feed.angle(), 50.0);
        assert_eq!((feed.received(), feed.lines().len()), (0, 0));
        assert_eq!(feed.seen().map(|seen| seen.position), Some(1));
    }

    #[test]
    fn the_producer_is_that_of_the_payload_or_else_of_the_connection() {
        let lines = feed(&[
            message(1, r#"{"producerId":"me","data":1}"#),
            message(2, r#"{"data":1}"#),
        ])
        .lines();
        let producers: Vec<_> = lines.iter().map(|line| line.who.as_str()).collect();
        assert_eq!(producers, ["me", "session-1"]);
    }

    #[test]
    fn the_image_of_the_first_paint_is_listed_but_not_counted() {
        let mut feed = Feed::default();
        feed.list(&message(7, r#"{"data":50}"#), reading::number);
        assert_eq!(
            (feed.received(), feed.lines().len(), feed.angle()),
            (0, 1, 50.0)
        );
        assert_eq!(feed.seen().map(|seen| seen.position), Some(7));
    }

    #[test]
    fn the_pictures_have_default_values_until_the_first_reading() {
        assert_eq!(Feed::default().source(), Source::Example);
        assert_eq!(Feed::default().angle(), 0.0);
        assert_eq!(Feed::default().bars(), [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0]);
    }
}
