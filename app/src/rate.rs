//! The recent number of events per second.

use std::collections::VecDeque;

use crate::{figures::grouped, number};

/// Counts events over the last [`WINDOW_MS`]. For a steady beat the rate is exact from the second
/// event on; it falls to zero when the beat stops.
#[derive(Clone, Debug, Default)]
pub struct Rate {
    beats: VecDeque<Beat>,
    /// The sum of the events in `beats`.
    events: u64,
}

/// Events that were counted together.
#[derive(Clone, Copy, Debug)]
struct Beat {
    at_ms: f64,
    events: u64,
}

impl Rate {
    /// Counts `events` at `now_ms`; the clock never goes back.
    pub fn count(&mut self, events: u64, now_ms: f64) {
        if events == 0 {
            return;
        }
        self.beats.push_back(Beat {
            at_ms: now_ms,
            events,
        });
        self.events += events;
        while self.beats.len() > MOST_BEATS
            || self
                .beats
                .front()
                .is_some_and(|beat| beat.at_ms < now_ms - WINDOW_MS)
        {
            let gone = self.beats.pop_front().map_or(0, |beat| beat.events);
            self.events -= gone;
        }
    }

    pub fn per_second(&self, now_ms: f64) -> f64 {
        let (Some(first), Some(last)) = (self.beats.front(), self.beats.back()) else {
            return 0.0;
        };
        // The events of the first beat happened before the span that the other beats cover.
        let events = (self.events - first.events) as f64;
        let span_ms = last.at_ms - first.at_ms;
        if span_ms <= 0.0 || now_ms - last.at_ms > WINDOW_MS {
            return 0.0;
        }
        let usual_pause_ms = span_ms / (self.beats.len() - 1) as f64;
        let overdue = now_ms - last.at_ms > 2.0 * usual_pause_ms;
        let until_ms = if overdue { now_ms } else { last.at_ms };
        events * 1000.0 / (until_ms - first.at_ms)
    }
}

/// Formats a rate, with one decimal for small rates.
pub fn rounded(per_second: f64) -> String {
    match per_second {
        small if small < 99.95 => number::fixed(small, 1),
        large => grouped(large.round() as u64),
    }
}

const WINDOW_MS: f64 = 8_000.0;
/// Enough for one beat per animation frame over the whole window.
const MOST_BEATS: usize = 512;

#[cfg(test)]
mod tests {
    use super::*;

    fn steady(period_ms: f64, events: u64, until_ms: f64) -> Rate {
        let mut rate = Rate::default();
        let mut at_ms = 0.0;
        while at_ms <= until_ms {
            rate.count(events, at_ms);
            at_ms += period_ms;
        }
        rate
    }

    #[test]
    fn a_steady_beat_has_its_exact_rate() {
        assert_eq!(steady(1000.0, 1, 30_000.0).per_second(30_400.0), 1.0);
        assert_eq!(steady(16.0, 16, 30_000.0).per_second(30_000.0), 1000.0);
        assert_eq!(steady(4000.0, 1, 30_000.0).per_second(30_000.0), 0.25);
    }

    #[test]
    fn no_event_and_a_single_event_have_no_rate() {
        assert_eq!(Rate::default().per_second(5.0), 0.0);
        assert_eq!(steady(1000.0, 1, 0.0).per_second(10.0), 0.0);
    }

    #[test]
    fn the_rate_sinks_when_the_beat_stops() {
        let rate = steady(1000.0, 1, 10_000.0);
        let soon = rate.per_second(13_000.0);
        assert!(soon > 0.0 && soon < 1.0, "{soon}");
        assert_eq!(rate.per_second(18_001.0), 0.0);
    }

    #[test]
    fn the_stored_beats_are_bounded() {
        assert!(steady(1.0, 1, 20_000.0).beats.len() <= MOST_BEATS);
    }

    #[test]
    fn large_rates_have_no_decimals() {
        assert_eq!(rounded(1.0), "1.0");
        assert_eq!(rounded(99.94), "99.9");
        assert_eq!(rounded(100.2), "100");
        assert_eq!(rounded(1234.4), "1,234");
    }
}
