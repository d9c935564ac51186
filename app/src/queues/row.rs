//! A queue as a row of the page's table: the text of its cells, and a mark for a queue that needs
//! attention. Pure.

use super::{board::Rates, figures::QueueFigures};
use crate::{
    Text,
    address::encoded,
    figures::{bytes, grouped},
    rate::rounded,
    row::{Cell, Row},
    texts,
};

/// Returns the row of a queue; `rates` are `None` until they are known.
pub fn row(queue: &QueueFigures, rates: Option<Rates>) -> Row {
    let mark = Mark::of(queue);
    let cell = |column, figure, note| Cell {
        column,
        figure: grouped(figure),
        note,
        ..Cell::default()
    };
    let enqueued = per_second(rates.map(|rates| rates.enqueued));
    let acknowledged = per_second(rates.map(|rates| rates.acknowledged));
    let redelivered = counted(queue.redelivered, texts::queues::REDELIVERED);
    Row {
        name: queue.name.clone(),
        href: Some(format!("queues/{}", encoded(&queue.name))),
        badge: mark.words(),
        class: mark.class(),
        cells: vec![
            cell(texts::queues::WAITING.get(), queue.waiting, held(queue)),
            cell(
                texts::queues::UNACKNOWLEDGED.get(),
                queue.unacknowledged,
                redelivered,
            ),
            cell(
                texts::queues::CONSUMERS.get(),
                queue.consumers,
                String::new(),
            ),
            cell(texts::queues::ENQUEUED.get(), queue.enqueued, enqueued),
            cell(
                texts::queues::ACKNOWLEDGED.get(),
                queue.acknowledged,
                acknowledged,
            ),
            Cell {
                is_amiss: queue.dead_lettered > 0,
                ..cell(
                    texts::queues::DEAD_LETTERS.get(),
                    queue.dead_lettered,
                    lost(queue),
                )
            },
        ],
    }
}

/// A special state of a queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mark {
    Nothing,
    /// Messages wait and the queue has no consumer.
    NoConsumer,
    /// A dead letter queue without messages.
    EmptyDeadLetters,
    /// A dead letter queue with messages.
    DeadLetters,
}

impl Mark {
    fn of(queue: &QueueFigures) -> Self {
        let is_empty = queue.waiting + queue.unacknowledged == 0;
        match takes_dead_letters(&queue.name) {
            true if is_empty => Self::EmptyDeadLetters,
            true => Self::DeadLetters,
            false if queue.waiting > 0 && queue.consumers == 0 => Self::NoConsumer,
            false => Self::Nothing,
        }
    }

    fn class(self) -> &'static str {
        match self {
            Self::Nothing => "",
            Self::NoConsumer => "no-consumer",
            Self::EmptyDeadLetters => "no-dead-letters",
            Self::DeadLetters => "dead-letters",
        }
    }

    fn words(self) -> &'static str {
        match self {
            Self::Nothing => "",
            Self::NoConsumer => texts::queues::NO_CONSUMER.get(),
            Self::EmptyDeadLetters | Self::DeadLetters => texts::queues::DEAD_LETTER_QUEUE.get(),
        }
    }
}

/// Returns true for the shared dead letter queue and for the dead letter queue of one queue.
fn takes_dead_letters(name: &str) -> bool {
    name == "ActiveMQ.DLQ" || name.starts_with("DLQ.")
}

/// Returns the bytes of the queue, and the number of waiting messages that are not in memory.
fn held(queue: &QueueFigures) -> String {
    let held = match queue.bytes {
        0 => String::new(),
        held => texts::queues::HELD.with(&[&bytes(held)]),
    };
    joined(held, counted(queue.paged, texts::queues::ON_DISK))
}

/// Returns the messages that left the queue without an acknowledgement.
fn lost(queue: &QueueFigures) -> String {
    joined(
        counted(queue.expired, texts::queues::EXPIRED),
        counted(queue.discarded, texts::queues::DISCARDED),
    )
}

/// Joins two notes, each of which may be empty.
fn joined(one: String, other: String) -> String {
    match one.is_empty() || other.is_empty() {
        true => one + &other,
        false => format!("{one}, {other}"),
    }
}

fn counted(count: u64, what: Text) -> String {
    match count {
        0 => String::new(),
        count => what.with(&[&grouped(count)]),
    }
}

fn per_second(rate: Option<f64>) -> String {
    rate.map_or_else(String::new, |rate| {
        texts::shared::PER_SECOND_OF.with(&[&rounded(rate)])
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn queue(name: &str, waiting: u64, consumers: u64) -> QueueFigures {
        QueueFigures {
            name: name.into(),
            waiting,
            consumers,
            ..QueueFigures::default()
        }
    }

    #[test]
    fn queues_that_need_attention_are_marked() {
        for (name, waiting, consumers, mark) in [
            ("orders", 0, 0, Mark::Nothing),
            ("orders", 5, 1, Mark::Nothing),
            ("orders", 5, 0, Mark::NoConsumer),
            ("ActiveMQ.DLQ", 0, 0, Mark::EmptyDeadLetters),
            ("ActiveMQ.DLQ", 1, 0, Mark::DeadLetters),
            ("DLQ.orders", 0, 1, Mark::EmptyDeadLetters),
            ("DLQ.orders", 1, 1, Mark::DeadLetters),
            ("DLQ", 1, 1, Mark::Nothing),
            ("DLQs.orders", 1, 0, Mark::NoConsumer),
        ] {
            let queue = queue(name, waiting, consumers);
            assert_eq!(Mark::of(&queue), mark, "{queue:?}");
        }
    }

    #[test]
    fn a_dead_letter_that_a_consumer_has_still_counts() {
        let queue = QueueFigures {
            unacknowledged: 1,
            ..queue("DLQ.orders", 0, 1)
        };
        assert_eq!(Mark::of(&queue), Mark::DeadLetters);
    }

    #[test]
    fn unacknowledged_messages_do_not_count_as_waiting_without_consumer() {
        let queue = QueueFigures {
            unacknowledged: 7,
            ..queue("orders", 0, 0)
        };
        assert_eq!(Mark::of(&queue), Mark::Nothing);
    }

    fn texts(queue: &QueueFigures, rates: Option<Rates>) -> Vec<String> {
        let text = |cell: &Cell| format!("{} {}", cell.figure, cell.note);
        let spaces = |text: String| text.replace('\u{a0}', " ");
        let cells = row(queue, rates).cells;
        cells.iter().map(text).map(spaces).collect()
    }

    #[test]
    fn every_column_has_its_figure_and_its_note() {
        let queue = QueueFigures {
            unacknowledged: 3,
            bytes: 2048,
            paged: 8,
            enqueued: 12_345,
            acknowledged: 85,
            redelivered: 1,
            dead_lettered: 4,
            expired: 5,
            discarded: 6,
            ..queue("orders", 12, 2)
        };
        let rates = Rates {
            enqueued: 2.5,
            acknowledged: 1000.0,
        };
        let expected = [
            "12 2.0 KiB held, 8 on disk",
            "3 1 redelivered",
            "2 ",
            "12,345 2.5/s",
            "85 1,000/s",
            "4 5 expired, 6 discarded",
        ];
        assert_eq!(texts(&queue, Some(rates)), expected);
    }

    #[test]
    fn zero_and_unknown_figures_have_no_note() {
        let all_zero = ["0 "; 6];
        assert_eq!(texts(&queue("orders", 0, 0), None), all_zero);
    }

    #[test]
    fn only_dead_letters_are_marked_as_amiss() {
        let is_amiss = |dead_lettered| {
            let queue = QueueFigures {
                dead_lettered,
                ..queue("orders", 5, 0)
            };
            let amiss = row(&queue, None)
                .cells
                .into_iter()
                .filter(|cell| cell.is_amiss);
            amiss.map(|cell| cell.column).collect::<Vec<_>>()
        };
        assert!(is_amiss(0).is_empty());
        assert_eq!(is_amiss(1), ["Dead letters"]);
    }
}
