//! The messages that the subscribers of this page received: a column for each, of the newest run. Pure.

use std::collections::VecDeque;

use super::{
    comparison::{Claim, Verdict, aligned, claim, compare},
    message::{Run, Sent},
    row::Row,
    settings::{MOST, MOST_MESSAGES},
};
use crate::{connection::Message, feed::count};

#[derive(Clone, Debug, Default)]
pub struct Board {
    run: Option<Run>,
    /// The runs of the last messages, the newest last; at most [`MOST_RUNS`]. Their messages do not begin a run again.
    known: VecDeque<String>,
    columns: [Column; MOST],
}

/// The messages of one subscriber.
#[derive(Clone, Debug, Default)]
struct Column {
    /// In the order of arrival.
    rows: Vec<Row>,
    /// Received and not taken yet, because the subscriber is slow.
    waiting: VecDeque<Row>,
    /// Messages of the run above [`MOST_ROWS`]: they are counted, and neither kept nor compared.
    beyond: usize,
    /// Messages that the server reports as skipped.
    missed: u64,
    /// Messages on the topic that do not belong to the run: of another run, or of another client.
    foreign: u64,
}

/// A column as it is drawn: a sample of the newest rows, and counts of all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Glance {
    pub rows: Vec<Row>,
    /// Messages that the subscriber has taken.
    pub taken: usize,
    /// Messages that wait for a slow subscriber.
    pub waiting: usize,
    pub missed: u64,
    pub foreign: u64,
}

impl Board {
    /// Takes messages that a subscriber received. A slow subscriber takes them one by one (see [`Board::step`]).
    pub fn take(&mut self, subscriber: usize, messages: &[Message], is_slow: bool) {
        for message in messages {
            self.take_one(subscriber, message, is_slow);
        }
    }

    fn take_one(&mut self, subscriber: usize, message: &Message, is_slow: bool) {
        let sent = message.text().and_then(Sent::read);
        if let Some(sent) = &sent
            && !self.known.contains(&sent.run.id)
        {
            self.begin(sent.run.clone());
        }
        let run = self.run.as_ref().map(|run| run.id.as_str());
        let Some(column) = self.columns.get_mut(subscriber) else {
            return;
        };
        column.missed += message.missed.map_or(0, count);
        let own = sent.filter(|sent| Some(sent.run.id.as_str()) == run);
        let Some(sent) = own else {
            column.foreign += 1;
            return;
        };
        if column.rows.len() + column.waiting.len() >= MOST_ROWS {
            column.beyond += 1;
            return;
        }
        let row = Row {
            position: message.id.position,
            producer: sent.producer,
            number: sent.number,
        };
        if is_slow || !column.waiting.is_empty() {
            column.waiting.push_back(row);
        } else {
            column.rows.push(row);
        }
    }

    /// Begins a run: the columns are empty.
    fn begin(&mut self, run: Run) {
        self.known.push_back(run.id.clone());
        if self.known.len() > MOST_RUNS {
            self.known.pop_front();
        }
        self.columns = Default::default();
        self.run = Some(run);
    }

    /// Lets each slow subscriber take one message, and the others all. Returns true if something changed.
    pub fn step(&mut self, slow: [bool; MOST]) -> bool {
        let mut has_changed = false;
        for (column, is_slow) in self.columns.iter_mut().zip(slow) {
            let most = if is_slow { 1 } else { column.waiting.len() };
            let most = most.min(column.waiting.len());
            column.rows.extend(column.waiting.drain(..most));
            has_changed |= most > 0;
        }
        has_changed
    }

    /// Empties the column of a subscriber that has left.
    pub fn leave(&mut self, subscriber: usize) {
        if let Some(column) = self.columns.get_mut(subscriber) {
            *column = Column::default();
        }
    }

    pub fn run(&self) -> Option<&Run> {
        self.run.as_ref()
    }

    /// Returns the rows of the column with the most, for the comparison with other pages.
    pub fn longest(&self) -> &[Row] {
        let rows = self.columns.iter().map(|column| &column.rows[..]);
        rows.max_by_key(|rows| rows.len()).unwrap_or_default()
    }

    /// Returns the descriptions of the columns for other pages.
    pub fn claims(&self) -> Vec<Claim> {
        let columns = self.columns.iter();
        columns.filter_map(|column| claim(&column.rows)).collect()
    }

    pub fn verdict(&self) -> Verdict {
        compare(&self.aligned())
    }

    /// Returns true if each of the first `subscribers` columns has all messages of the run.
    pub fn is_complete(&self, subscribers: usize) -> bool {
        let total = self.run.as_ref().map_or(usize::MAX, Run::total);
        self.columns[..subscribers.min(MOST)]
            .iter()
            .all(|column| column.rows.len() + column.beyond >= total)
    }

    /// Returns the first `subscribers` columns as they are drawn. All show the same rows of the order, so that equal messages
    /// are beside each other; a subscriber that has none of them yet shows its own newest.
    pub fn glances(&self, subscribers: usize) -> Vec<Glance> {
        let columns = self.aligned();
        let longest = columns.iter().map(|rows| rows.len()).max();
        let first = longest.unwrap_or_default().saturating_sub(DRAWN_ROWS);
        let drawn = |rows: &[Row]| {
            let own = rows.len().saturating_sub(DRAWN_ROWS);
            let first = if rows.len() > first { first } else { own };
            rows[first..].to_vec()
        };
        let glance = |(column, rows): (&Column, &&[Row])| Glance {
            rows: drawn(rows),
            taken: column.rows.len() + column.beyond,
            waiting: column.waiting.len(),
            missed: column.missed,
            foreign: column.foreign,
        };
        self.columns
            .iter()
            .zip(&columns)
            .take(subscribers)
            .map(glance)
            .collect()
    }

    fn aligned(&self) -> Vec<&[Row]> {
        let columns: Vec<_> = self.columns.iter().map(|column| &column.rows[..]).collect();
        aligned(&columns)
    }
}

/// The most rows that a column keeps: those of the longest run.
const MOST_ROWS: usize = MOST * MOST_MESSAGES as usize;
/// The rows of a column that are drawn.
pub const DRAWN_ROWS: usize = 12;
const MOST_RUNS: usize = 8;

#[cfg(test)]
mod tests {
    use broker::MessageId;

    use super::*;
    use crate::connection::Missed;

    fn message(run: &str, position: u64, producer: u8, number: u32) -> Message {
        let sent = Sent {
            run: Run {
                id: run.into(),
                producers: 2,
                messages: 400,
            },
            producer,
            number,
        };
        Message {
            id: MessageId { epoch: 1, position },
            topic: String::new(),
            sequence: position,
            timestamp_ms: 0.0,
            producer: "session-1".into(),
            content_type: String::new(),
            body: sent.write().into_bytes(),
            missed: None,
        }
    }

    fn messages(run: &str, positions: std::ops::RangeInclusive<u64>) -> Vec<Message> {
        let each = |position| message(run, position, 0, (position % 400) as u32 + 1);
        positions.map(each).collect()
    }

    #[test]
    fn a_new_run_empties_the_columns_and_the_rest_of_the_old_one_is_counted() {
        let mut board = Board::default();
        board.take(0, &messages("one", 1..=5), false);
        board.take(1, &messages("one", 1..=3), false);
        board.take(0, &messages("two", 6..=7), false);
        board.take(1, &messages("one", 4..=5), false);
        board.take(1, &messages("two", 6..=6), false);
        let glances = board.glances(2);
        assert_eq!((glances[0].taken, glances[1].taken), (2, 1));
        assert_eq!(glances[1].foreign, 2);
        assert_eq!(board.run().map(|run| run.id.as_str()), Some("two"));
        assert!(matches!(
            board.verdict(),
            Verdict::Equal {
                rows: 1,
                columns: 2,
                ..
            }
        ));
    }

    #[test]
    fn a_slow_subscriber_takes_one_message_at_each_step() {
        let mut board = Board::default();
        let mut slow = [false; MOST];
        slow[1] = true;
        board.take(0, &messages("one", 1..=3), false);
        board.take(1, &messages("one", 1..=3), true);
        assert!(board.step(slow));
        let glances = board.glances(2);
        assert_eq!((glances[1].taken, glances[1].waiting), (1, 2));
        assert!(!board.is_complete(2));
        // It is not slow any more, and the order stays.
        board.take(1, &messages("one", 4..=4), false);
        assert!(board.step([false; MOST]));
        assert!(!board.step([false; MOST]));
        let positions: Vec<_> = board.glances(2)[1]
            .rows
            .iter()
            .map(|row| row.position)
            .collect();
        assert_eq!(positions, [1, 2, 3, 4]);
    }

    #[test]
    fn the_drawn_rows_are_the_newest_and_beside_each_other() {
        let mut board = Board::default();
        board.take(0, &messages("one", 1..=40), false);
        board.take(1, &messages("one", 3..=30), false);
        let glances = board.glances(3);
        let ends = |glance: &Glance| {
            let ends = glance.rows.first().zip(glance.rows.last());
            ends.map(|(first, last)| (first.position, last.position))
        };
        assert_eq!(ends(&glances[0]), Some((29, 40)));
        assert_eq!(ends(&glances[1]), Some((29, 30)));
        assert_eq!((ends(&glances[2]), glances[2].taken), (None, 0));
        // With a large lag.
        board.take(2, &messages("one", 3..=6), false);
        assert_eq!(ends(&board.glances(3)[2]), Some((3, 6)));
    }

    #[test]
    fn rows_are_bounded_and_all_messages_are_counted() {
        let mut board = Board::default();
        let many = MOST_ROWS as u64 + 10;
        board.take(0, &messages("one", 1..=many), false);
        assert_eq!(board.longest().len(), MOST_ROWS);
        assert_eq!(board.glances(1)[0].taken, MOST_ROWS + 10);
        assert!(board.is_complete(1));
    }

    #[test]
    fn other_messages_of_the_topic_and_skipped_ones_are_counted() {
        let mut board = Board::default();
        let other = Message {
            body: "hello".into(),
            missed: Some(Missed::Range { from: 2, to: 5 }),
            ..message("one", 6, 0, 1)
        };
        board.take(0, &[message("one", 1, 0, 1), other], false);
        let glance = &board.glances(1)[0];
        assert_eq!((glance.taken, glance.foreign, glance.missed), (1, 1, 4));
        board.take(
            0,
            &[Message {
                missed: Some(Missed::Range { from: 7, to: 8 }),
                ..message("one", 9, 0, 2)
            }],
            false,
        );
        assert_eq!(board.glances(1)[0].missed, 6);
        board.leave(0);
        assert_eq!(board.glances(1)[0], Glance::default());
    }

    #[test]
    fn runs_that_alternate_do_not_begin_again() {
        let mut board = Board::default();
        for position in 1..=20 {
            let run = if position % 2 == 0 { "two" } else { "one" };
            board.take(0, &[message(run, position, 0, position as u32)], false);
        }
        assert_eq!(board.run().map(|run| run.id.as_str()), Some("two"));
        assert_eq!(board.glances(1)[0].taken, 10);
    }
}
