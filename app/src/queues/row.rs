//! A queue as a row of the page's table: what its cells say, and what is to be noticed about it.
//! Pure.

use super::{board::Rates, figures::QueueFigures};
use crate::{
    figures::{bytes, grouped},
    rate::rounded,
    row::{Cell, Row},
};

/// The row of a queue whose figures change at these rates, as far as they are known.
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
    let redelivered = counted(queue.redelivered, "redelivered");
    Row {
        name: queue.name.clone(),
        badge: mark.words(),
        class: mark.class(),
        cells: vec![
            cell("Waiting", queue.waiting, held(queue)),
            cell("Unacknowledged", queue.unacknowledged, redelivered),
            cell("Consumers", queue.consumers, String::new()),
            cell("Enqueued", queue.enqueued, enqueued),
            cell("Acknowledged", queue.acknowledged, acknowledged),
            Cell {
                is_amiss: queue.dead_lettered > 0,
                ..cell("Dead letters", queue.dead_lettered, lost(queue))
            },
        ],
    }
}

/// What is special about a queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mark {
    Nothing,
    /// Messages wait, and nobody is there to take them.
    NoConsumer,
    /// It is where dead letters go, and there are none.
    EmptyDeadLetters,
    /// It is where dead letters go, and there are some.
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
            Self::NoConsumer => "no consumer",
            Self::EmptyDeadLetters | Self::DeadLetters => "dead letter queue",
        }
    }
}

/// The one that all queues share, or a queue's own.
fn takes_dead_letters(name: &str) -> bool {
    name == "ActiveMQ.DLQ" || name.starts_with("DLQ.")
}

fn held(queue: &QueueFigures) -> String {
    match queue.bytes {
        0 => String::new(),
        held => format!("{} held", bytes(held)),
    }
}

/// Messages that went in another way than by being acknowledged.
fn lost(queue: &QueueFigures) -> String {
    let expired = counted(queue.expired, "expired");
    let discarded = counted(queue.discarded, "discarded");
    match (expired.is_empty(), discarded.is_empty()) {
        (false, false) => format!("{expired}, {discarded}"),
        _ => expired + &discarded,
    }
}

fn counted(count: u64, what: &str) -> String {
    match count {
        0 => String::new(),
        count => format!("{}\u{a0}{what}", grouped(count)),
    }
}

fn per_second(rate: Option<f64>) -> String {
    rate.map_or_else(String::new, |rate| format!("{}/s", rounded(rate)))
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
    fn what_is_to_be_noticed_is_marked() {
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
    fn a_dead_letter_that_a_consumer_has_is_still_there() {
        let queue = QueueFigures {
            unacknowledged: 1,
            ..queue("DLQ.orders", 0, 1)
        };
        assert_eq!(Mark::of(&queue), Mark::DeadLetters);
    }

    #[test]
    fn a_backlog_that_consumers_have_in_hand_waits_for_nobody() {
        let queue = QueueFigures {
            unacknowledged: 7,
            ..queue("orders", 0, 0)
        };
        assert_eq!(Mark::of(&queue), Mark::Nothing);
    }

    fn texts(queue: &QueueFigures, rates: Option<Rates>) -> Vec<String> {
        let text = |cell: &Cell| format!("{} {}", cell.figure, cell.note);
        let spaces = |text: String| text.replace(['\u{202f}', '\u{a0}'], " ");
        let cells = row(queue, rates).cells;
        cells.iter().map(text).map(spaces).collect()
    }

    #[test]
    fn every_column_has_its_figure_and_what_there_is_to_add() {
        let queue = QueueFigures {
            unacknowledged: 3,
            bytes: 2048,
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
            "12 2.0 KiB held",
            "3 1 redelivered",
            "2 ",
            "12 345 2.5/s",
            "85 1000/s",
            "4 5 expired, 6 discarded",
        ];
        assert_eq!(texts(&queue, Some(rates)), expected);
    }

    #[test]
    fn nothing_is_added_to_what_is_nothing_or_not_known() {
        let all_zero = ["0 "; 6];
        assert_eq!(texts(&queue("orders", 0, 0), None), all_zero);
    }

    #[test]
    fn dead_letters_are_amiss_and_nothing_else_is() {
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
