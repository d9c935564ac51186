//! The newest figures of the queues and their rates of change. Pure.

use super::{
    figures::{QueueFigures, Queues},
    row::row,
};
use crate::{figures::grouped, row::Row, texts};

#[derive(Clone, Debug, Default)]
pub struct Board {
    /// `None` until the first figures have arrived.
    newest: Option<Queues>,
    /// The time of the figures, Unix time in milliseconds; unknown for the figures that came with
    /// the page.
    told_ms: Option<f64>,
    /// One for each queue of the newest figures; empty for the figures that came with the page.
    rates: Vec<Option<Rates>>,
}

/// Messages per second, into and out of a queue.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rates {
    pub enqueued: f64,
    pub acknowledged: f64,
}

impl Board {
    /// Starts with the figures that came with the page.
    pub fn begin(queues: Option<Queues>) -> Self {
        Self {
            newest: queues,
            ..Self::default()
        }
    }

    /// Returns the board after the broker published these figures at `told_ms`.
    pub fn after(&self, queues: Queues, told_ms: f64) -> Self {
        let seconds = self
            .told_ms
            .map(|before_ms| (told_ms - before_ms) / 1000.0)
            .filter(|seconds| *seconds > 0.0);
        let rates = |now: &QueueFigures| Rates::between(self.named(&now.name)?, now, seconds?);
        Self {
            rates: queues.queues.iter().map(rates).collect(),
            told_ms: Some(told_ms),
            newest: Some(queues),
        }
    }

    pub fn rows(&self) -> Vec<Row> {
        let rates = self.rates.iter().copied().chain(std::iter::repeat(None));
        let rows = self.listed().iter().zip(rates);
        rows.map(|(queue, rates)| row(queue, rates)).collect()
    }

    pub fn has_queues(&self) -> bool {
        !self.listed().is_empty()
    }

    /// Returns true if the broker has no queues. False if no figures have arrived yet.
    pub fn has_none(&self) -> bool {
        self.newest.is_some() && !self.has_queues()
    }

    /// Returns the totals of all queues in one sentence.
    pub fn summary(&self) -> String {
        let listed = self.listed().len() as u64;
        let omitted = self.newest.as_ref().map_or(0, |queues| queues.omitted);
        let sum = |of: fn(&QueueFigures) -> u64| grouped(self.listed().iter().map(of).sum());
        let (count, all) = (grouped(listed), grouped(listed + omitted));
        let waiting = sum(|queue| queue.waiting);
        let unacknowledged = sum(|queue| queue.unacknowledged);
        match (listed, omitted) {
            _ if self.newest.is_none() => texts::queues::NO_FIGURES.get().into(),
            (0, 0) => texts::queues::NO_QUEUES.get().into(),
            (1, 0) => texts::queues::SUM_ONE.with(&[&waiting, &unacknowledged]),
            (_, 0) => texts::queues::SUM.with(&[&count, &waiting, &unacknowledged]),
            _ => texts::queues::SUM_PART.with(&[&count, &all, &waiting, &unacknowledged]),
        }
    }

    /// Returns the warning of the newest figures, or an empty text.
    pub fn warning(&self) -> String {
        let warning = self
            .newest
            .as_ref()
            .and_then(|queues| queues.warning.as_ref());
        warning.map_or_else(String::new, |warning| {
            texts::queues::WARNING.with(&[warning])
        })
    }

    fn named(&self, name: &str) -> Option<&QueueFigures> {
        self.listed().iter().find(|queue| queue.name == name)
    }

    fn listed(&self) -> &[QueueFigures] {
        self.newest.as_ref().map_or(&[], |queues| &queues.queues)
    }
}

impl Rates {
    /// Returns the rates between two figures of a queue. Returns `None` if a count has become
    /// smaller: then this is another queue with the same name.
    fn between(before: &QueueFigures, now: &QueueFigures, seconds: f64) -> Option<Self> {
        let rate = |before: u64, now: u64| Some(now.checked_sub(before)? as f64 / seconds);
        Some(Self {
            enqueued: rate(before.enqueued, now.enqueued)?,
            acknowledged: rate(before.acknowledged, now.acknowledged)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn queue(name: &str, enqueued: u64, acknowledged: u64) -> QueueFigures {
        QueueFigures {
            name: name.into(),
            waiting: enqueued - acknowledged,
            enqueued,
            acknowledged,
            ..QueueFigures::default()
        }
    }

    fn queues(queues: Vec<QueueFigures>) -> Queues {
        Queues {
            queues,
            ..Queues::default()
        }
    }

    fn rates(board: &Board) -> Vec<Option<(f64, f64)>> {
        let pair = |rates: Rates| (rates.enqueued, rates.acknowledged);
        board.rates.iter().map(|rates| rates.map(pair)).collect()
    }

    #[test]
    fn rates_are_the_change_divided_by_the_time() {
        let board = Board::default().after(queues(vec![queue("a", 100, 10)]), 1_000.0);
        assert_eq!(rates(&board), [None]);
        let board = board.after(queues(vec![queue("a", 103, 10)]), 2_500.0);
        assert_eq!(rates(&board), [Some((2.0, 0.0))]);
        let board = board.after(queues(vec![queue("a", 103, 60)]), 3_500.0);
        assert_eq!(rates(&board), [Some((0.0, 50.0))]);
    }

    #[test]
    fn a_queue_that_is_new_or_counts_anew_has_no_rate_yet() {
        let board = Board::default().after(queues(vec![queue("b", 100, 10)]), 1_000.0);
        let board = board.after(queues(vec![queue("a", 5, 0), queue("b", 101, 10)]), 2_000.0);
        assert_eq!(rates(&board), [None, Some((1.0, 0.0))]);
        let board = board.after(queues(vec![queue("a", 6, 0), queue("b", 1, 0)]), 3_000.0);
        assert_eq!(rates(&board), [Some((1.0, 0.0)), None]);
    }

    #[test]
    fn a_clock_that_stops_or_goes_back_gives_no_rate() {
        let board = Board::default().after(queues(vec![queue("a", 1, 0)]), 2_000.0);
        for told_ms in [2_000.0, 1_000.0] {
            let board = board.after(queues(vec![queue("a", 2, 0)]), told_ms);
            assert_eq!(rates(&board), [None]);
        }
    }

    #[test]
    fn the_figures_of_the_page_are_shown_without_rates() {
        let board = Board::begin(Some(queues(vec![queue("a", 1, 0), queue("b", 1, 0)])));
        assert_eq!((board.rows().len(), rates(&board)), (2, vec![]));
        let board = board.after(queues(vec![queue("a", 2, 0)]), 1_000.0);
        assert_eq!((board.rows().len(), rates(&board)), (1, vec![None]));
    }

    #[test]
    fn a_warning_is_shown_until_it_is_over() {
        let full = Queues {
            warning: Some("The disk is nearly full.".into()),
            ..Queues::default()
        };
        let board = Board::begin(Some(full));
        assert_eq!(board.warning(), "The disk is nearly full.");
        let board = board.after(Queues::default(), 1_000.0);
        assert_eq!(board.warning(), "");
    }

    #[test]
    fn the_summary_counts_the_listed_queues_and_reports_omitted_ones() {
        let all = |omitted| Queues {
            omitted,
            ..queues(vec![queue("a", 1_500, 0), queue("b", 20, 10)])
        };
        for (begin, summary) in [
            (None, "Waiting for the broker’s figures."),
            (Some(Queues::default()), "No queues yet."),
            (
                Some(queues(vec![queue("a", 1, 0)])),
                "1 queue: 1 waiting, 0 unacknowledged.",
            ),
            (Some(all(0)), "2 queues: 1,510 waiting, 0 unacknowledged."),
            (
                Some(all(50)),
                "The first 2 of 52 queues: 1,510 waiting, 0 unacknowledged.",
            ),
        ] {
            let told = Board::begin(begin).summary();
            assert_eq!(told, summary);
        }
    }
}
