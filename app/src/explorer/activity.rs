//! The recent rate of a node of the tree, and its drawing as a small line. Pure.

use std::collections::VecDeque;

/// The rates of the last minute, one for each second while the node is in view.
#[derive(Clone, Debug, Default)]
pub struct Activity {
    /// The count of messages at the last look, and its time.
    last: Option<(u64, f64)>,
    rates: VecDeque<f32>,
}

impl Activity {
    /// Notes the count of messages at a time in milliseconds. A count that has become smaller starts anew.
    pub fn note(&mut self, messages: u64, now_ms: f64) {
        if let Some((before, at_ms)) = self.last {
            let seconds = (now_ms - at_ms) / 1000.0;
            if seconds < SHORTEST_S {
                return;
            }
            let new = messages.saturating_sub(before) as f64;
            if seconds > LONGEST_S {
                // The node was out of view; its last minute is unknown.
                self.rates.clear();
            }
            // A rate stands for each second since the last look, which may be more than one if many folders are open.
            let count = match seconds > LONGEST_S {
                true => 1,
                false => seconds.round().max(1.0) as usize,
            };
            self.rates
                .extend(std::iter::repeat_n((new / seconds) as f32, count));
            let surplus = self.rates.len().saturating_sub(SECONDS);
            self.rates.drain(..surplus);
        }
        self.last = Some((messages, now_ms));
    }

    /// Returns messages a second; `None` until two looks.
    pub fn rate(&self) -> Option<f64> {
        self.rates.back().map(|rate| f64::from(*rate))
    }

    /// Returns the line as the path of an SVG, [`SECONDS`] wide and [`HEIGHT`] high, newest rate at the right; empty without
    /// messages.
    pub fn line(&self) -> String {
        let highest = self.rates.iter().copied().fold(0.0_f32, f32::max);
        if highest <= 0.0 || self.rates.len() < 2 {
            return String::new();
        }
        let mut path = String::new();
        let start = SECONDS - self.rates.len();
        for (index, rate) in self.rates.iter().enumerate() {
            let height = (rate / highest * HEIGHT) as u32;
            let command = if index == 0 { 'M' } else { 'L' };
            let y = HEIGHT as u32 - height;
            path.push(command);
            path.push_str(&format!("{} {y}", start + index));
        }
        path
    }
}

/// Number of rates that are kept.
pub const SECONDS: usize = 60;
/// The height of the line.
pub const HEIGHT: f32 = 16.0;
/// Two looks within this time count as one.
const SHORTEST_S: f64 = 0.5;
/// After this time without a look the earlier rates are too old.
const LONGEST_S: f64 = 15.0;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_is_the_change_between_two_looks() {
        let mut activity = Activity::default();
        activity.note(100, 0.0);
        assert_eq!(activity.rate(), None);
        activity.note(150, 1000.0);
        activity.note(151, 1100.0);
        assert_eq!(activity.rate(), Some(50.0));
        activity.note(150, 2000.0);
        assert_eq!(activity.rate(), Some(0.0));
        activity.note(3, 3000.0);
        assert_eq!(activity.rate(), Some(0.0), "the topic was deleted");
    }

    #[test]
    fn the_line_ends_at_the_right_and_uses_the_whole_height() {
        let mut activity = Activity::default();
        assert_eq!(activity.line(), "");
        for (second, messages) in [(0.0, 0), (1.0, 10), (2.0, 30), (3.0, 30)] {
            activity.note(messages, second * 1000.0);
        }
        assert_eq!(activity.line(), "M57 8L58 0L59 16");
    }

    #[test]
    fn a_look_after_two_seconds_counts_for_both() {
        let mut activity = Activity::default();
        activity.note(0, 0.0);
        activity.note(10, 1000.0);
        activity.note(20, 3000.0);
        assert_eq!(activity.rate(), Some(5.0));
        assert_eq!(activity.line(), "M57 0L58 8L59 8");
    }

    #[test]
    fn the_rates_are_bounded_and_end_out_of_view() {
        let mut activity = Activity::default();
        for second in 0..200_u32 {
            activity.note(u64::from(second), f64::from(second) * 1000.0);
        }
        assert_eq!(activity.rates.len(), SECONDS);
        activity.note(500, 300_000.0);
        assert_eq!(activity.rates.len(), 1);
    }
}
