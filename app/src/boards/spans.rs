//! The values of a number over the last seconds, for a line. Memory is bounded whatever the rate: the time is divided into
//! [`SPANS`] spans, and each keeps its first, least, greatest and newest value. Pure.

use std::collections::VecDeque;

use crate::number;
pub use crate::topic::series::{HEIGHT, WIDTH};

#[derive(Clone, Debug, PartialEq)]
pub struct Spans {
    span_ms: f64,
    /// By time.
    spans: VecDeque<Span>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
struct Span {
    /// The number of the span since the Unix epoch.
    number: f64,
    first: f64,
    least: f64,
    greatest: f64,
    newest: f64,
}

/// A line in a picture of [`WIDTH`] and [`HEIGHT`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Path {
    /// The path of an SVG.
    pub path: String,
    pub low: f64,
    pub high: f64,
}

impl Spans {
    pub fn new(seconds: f64) -> Self {
        Self {
            span_ms: seconds * 1_000.0 / SPANS as f64,
            spans: VecDeque::new(),
        }
    }

    /// Adds a value. One that is older than the newest counts as new: the broker's clock may have been changed.
    pub fn push(&mut self, unix_ms: f64, value: f64) {
        let mut number = (unix_ms / self.span_ms).floor();
        if let Some(last) = self.spans.back_mut() {
            number = number.max(last.number);
            if number == last.number {
                last.least = last.least.min(value);
                last.greatest = last.greatest.max(value);
                last.newest = value;
                return;
            }
        }
        self.spans.push_back(Span {
            number,
            first: value,
            least: value,
            greatest: value,
            newest: value,
        });
        let oldest = number - SPANS as f64;
        while self.spans.front().is_some_and(|span| span.number < oldest) {
            self.spans.pop_front();
        }
    }

    pub fn newest(&self) -> Option<f64> {
        Some(self.spans.back()?.newest)
    }

    /// Draws the line up to the newest value. Without bounds the picture has the height of the values.
    pub fn path(&self, min: Option<f64>, max: Option<f64>) -> Option<Path> {
        let end = self.spans.back()?.number;
        let least = self.spans.iter().map(|span| span.least);
        let greatest = self.spans.iter().map(|span| span.greatest);
        let low = min.unwrap_or_else(|| least.fold(f64::INFINITY, f64::min));
        let high = max.unwrap_or_else(|| greatest.fold(f64::NEG_INFINITY, f64::max));
        let mut path = String::new();
        let mut point = |number: f64, value: f64| {
            let x = (1.0 - (end - number) / SPANS as f64) * WIDTH;
            let part = match high > low {
                true => ((value - low) / (high - low)).clamp(0.0, 1.0),
                false => 0.5,
            };
            let command = if path.is_empty() { 'M' } else { 'L' };
            path.push_str(&format!(
                "{command}{} {}",
                number::fixed(x, 1),
                number::fixed((1.0 - part) * HEIGHT, 1)
            ));
        };
        for span in &self.spans {
            point(span.number, span.first);
            if span.least < span.first.min(span.newest) {
                point(span.number, span.least);
            }
            if span.greatest > span.first.max(span.newest) {
                point(span.number, span.greatest);
            }
            if span.newest != span.first {
                point(span.number, span.newest);
            }
        }
        // A single point is drawn as a short line.
        if self.spans.len() == 1 {
            path.push_str("h0.1");
        }
        Some(Path { path, low, high })
    }
}

/// Spans of a line. A line of 300 spans is as fine as most tiles are wide, in pixels.
const SPANS: usize = 300;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_keeps_its_time_and_its_extremes() {
        // One span is 100 ms long.
        let mut spans = Spans::new(30.0);
        assert_eq!(spans.path(None, None), None);
        spans.push(0.0, 5.0);
        spans.push(10.0, 9.0);
        spans.push(20.0, 1.0);
        spans.push(30.0, 5.0);
        spans.push(15_000.0, 3.0);
        let path = spans.path(None, None).expect("a path");
        assert_eq!((path.low, path.high), (1.0, 9.0));
        assert_eq!(path.path, "M300.0 100.0L300.0 200.0L300.0 0.0L600.0 150.0");
        assert_eq!(spans.newest(), Some(3.0));
        // The first values are older than 30 s now.
        spans.push(30_200.0, 4.0);
        let path = spans.path(Some(0.0), Some(2.0)).expect("a path");
        assert_eq!((path.low, path.high), (0.0, 2.0));
        assert_eq!(path.path, "M296.0 0.0L600.0 0.0");
    }

    #[test]
    fn memory_does_not_grow_with_the_rate() {
        let mut spans = Spans::new(1.0);
        for index in 0..100_000 {
            spans.push(f64::from(index) / 10.0, f64::from(index % 7));
        }
        assert!(spans.spans.len() <= SPANS + 1, "{}", spans.spans.len());
    }

    #[test]
    fn a_clock_that_goes_back_adds_no_spans() {
        let mut spans = Spans::new(30.0);
        spans.push(10_000.0, 1.0);
        spans.push(5_000.0, 2.0);
        assert_eq!(spans.spans.len(), 1);
        assert_eq!(spans.newest(), Some(2.0));
    }
}
