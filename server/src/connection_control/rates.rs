//! The rates of a connection. They are measured only while requests ask for them, so an unobserved connection costs nothing.

use std::sync::{Mutex, PoisonError};

/// Messages of a connection since its start.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct MessageTotals {
    /// Delivered to the client.
    pub delivered: u64,
    /// Published by the client.
    pub published: u64,
}

/// Messages of a connection in a second.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct MessageRates {
    /// Delivered to the client.
    pub delivered: f64,
    /// Published by the client.
    pub published: f64,
}

/// Computes the rates between two requests for them.
#[derive(Debug, Default)]
pub struct RateMeter(Mutex<Option<Box<Measured>>>);

#[derive(Debug)]
struct Measured {
    at_ms: u64,
    totals: MessageTotals,
    /// The rates up to `at_ms`.
    rates: MessageRates,
}

impl RateMeter {
    /// Returns the rates since the last measurement, which is at least [`WINDOW_MS`] old; the first time since the start of
    /// the connection. Requests that follow one another faster get the same rates.
    pub fn measure(&self, totals: MessageTotals, now_ms: u64, since_ms: u64) -> MessageRates {
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (from_ms, before) = match &*last {
            Some(measured) => (measured.at_ms, measured.totals),
            None => (since_ms, MessageTotals::default()),
        };
        if let Some(measured) = &*last
            && (measured.at_ms..measured.at_ms.saturating_add(WINDOW_MS)).contains(&now_ms)
        {
            return measured.rates;
        }
        let seconds = now_ms.saturating_sub(from_ms).max(WINDOW_MS) as f64 / 1_000.0;
        let rate = |now: u64, before: u64| now.saturating_sub(before) as f64 / seconds;
        let rates = MessageRates {
            delivered: rate(totals.delivered, before.delivered),
            published: rate(totals.published, before.published),
        };
        *last = Some(Box::new(Measured {
            at_ms: now_ms,
            totals,
            rates,
        }));
        rates
    }
}

/// The shortest time over which a rate is measured.
const WINDOW_MS: u64 = 1_000;

#[cfg(test)]
mod tests {
    use super::*;

    const fn totals(delivered: u64, published: u64) -> MessageTotals {
        MessageTotals {
            delivered,
            published,
        }
    }

    #[test]
    fn rates_are_those_since_the_last_question() {
        let meter = RateMeter::default();
        let first = meter.measure(totals(100, 10), 12_000, 2_000);
        assert_eq!((first.delivered, first.published), (10.0, 1.0));
        let second = meter.measure(totals(300, 10), 14_000, 2_000);
        assert_eq!((second.delivered, second.published), (100.0, 0.0));
    }

    #[test]
    fn questions_in_quick_succession_get_the_same_rates() {
        let meter = RateMeter::default();
        let first = meter.measure(totals(50, 0), 10_000, 9_900);
        assert_eq!(first.delivered, 50.0, "a second is the shortest time");
        assert_eq!(meter.measure(totals(900, 0), 10_999, 9_900), first);
        let next = meter.measure(totals(1_050, 0), 11_000, 9_900);
        assert_eq!(next.delivered, 1_000.0);
    }

    #[test]
    fn a_clock_that_is_set_back_is_followed() {
        let meter = RateMeter::default();
        meter.measure(totals(10, 0), 20_000, 10_000);
        let back = meter.measure(totals(30, 0), 5_000, 10_000);
        assert_eq!(back.delivered, 20.0);
        let next = meter.measure(totals(50, 0), 7_000, 10_000);
        assert_eq!(next.delivered, 10.0);
    }
}
