//! The last hour of a queue. Pure.

use super::plot::Plot;
use crate::{
    figures::grouped,
    host::number,
    json::{self, Json},
    rate::rounded,
    texts,
};

/// The state of the queue at some moments, oldest first.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct History {
    pub points: Vec<Point>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Point {
    /// Unix time.
    pub time_ms: f64,
    pub depth: f64,
    pub enqueued_per_second: f64,
    pub acknowledged_per_second: f64,
}

impl History {
    pub fn read(document: &str) -> Option<Self> {
        let document = json::read(document).ok()?;
        let points = document.member("points")?.elements().iter();
        Some(Self {
            points: points.map(Point::from_json).collect(),
        })
    }

    /// Returns the plot of the messages that wait.
    pub fn depth(&self) -> Plot {
        self.plot(&[|point| point.depth])
    }

    /// Returns the plot of the messages that came, and of those that were acknowledged, in a second.
    pub fn rates(&self) -> Plot {
        self.plot(&[
            |point| point.enqueued_per_second,
            |point| point.acknowledged_per_second,
        ])
    }

    fn plot(&self, lines: &[fn(&Point) -> f64]) -> Plot {
        let end_ms = self.points.last().map_or(0.0, |point| point.time_ms);
        let place = |point: &Point| 1.0 - (end_ms - point.time_ms) / HOUR_MS;
        let line = |of: &fn(&Point) -> f64| -> Vec<(f64, f64)> {
            let points = self.points.iter().map(|point| (place(point), of(point)));
            points.filter(|(place, _)| *place >= 0.0).collect()
        };
        Plot::of(&lines.iter().map(line).collect::<Vec<_>>())
    }

    /// Returns the depth in words.
    pub fn depth_in_words(&self) -> String {
        let depths = self.points.iter().map(|point| point.depth);
        let Some(last) = self.points.last() else {
            return texts::queue::NOT_MEASURED.get().into();
        };
        let most = depths.fold(0.0, f64::max);
        texts::queue::DEPTH.with(&[&grouped(last.depth as u64), &grouped(most as u64)])
    }

    /// Returns the rates in words.
    pub fn rates_in_words(&self) -> String {
        let Some(last) = self.points.last() else {
            return texts::queue::NOT_MEASURED.get().into();
        };
        texts::queue::RATES.with(&[
            &rounded(last.enqueued_per_second),
            &rounded(last.acknowledged_per_second),
        ])
    }
}

impl Point {
    fn from_json(json: &Json<'_>) -> Self {
        Self {
            time_ms: number(json, "timeMs"),
            depth: number(json, "depth"),
            enqueued_per_second: number(json, "enqueuedPerSecond"),
            acknowledged_per_second: number(json, "acknowledgedPerSecond"),
        }
    }
}

const HOUR_MS: f64 = 3_600_000.0;

#[cfg(test)]
mod tests {
    use super::*;

    const DOCUMENT: &str = r#"{"stepMs":60000,"points":[
        {"timeMs":1800000,"depth":5,"enqueuedPerSecond":0,"acknowledgedPerSecond":0},
        {"timeMs":3600000,"depth":1200,"enqueuedPerSecond":2.5,"acknowledgedPerSecond":1}]}"#;

    #[test]
    fn the_newest_moment_is_at_the_right_and_an_hour_wide() {
        let history = History::read(DOCUMENT).expect("a history");
        let depth = history.depth();
        assert_eq!(depth.top, 2000.0);
        assert_eq!(depth.lines.len(), 1);
        assert!(depth.lines[0].starts_with("M300,"), "{depth:?}");
        assert!(depth.lines[0].contains("L600,"), "{depth:?}");
        assert_eq!(history.rates().lines.len(), 2);
    }

    #[test]
    fn a_history_in_words_has_the_newest_values() {
        let history = History::read(DOCUMENT).expect("a history");
        assert_eq!(
            history.depth_in_words(),
            "1,200 waiting and unacknowledged now, at most 1,200"
        );
        assert!(
            history.rates_in_words().starts_with("2.5 come and 1"),
            "{}",
            history.rates_in_words()
        );
        assert_eq!(History::default().depth_in_words(), "not measured yet");
    }
}
