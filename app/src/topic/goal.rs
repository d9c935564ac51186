//! The field "Go to": a message id, a sequence or a time. Pure.

use super::history::Place;
use broker::MessageId;

/// The meaning of what a reader has typed.
#[derive(Clone, Debug, PartialEq)]
pub enum Goal {
    Place(Place),
    /// A time of day or a date with a time, which the browser reads.
    Time(String),
    Nothing,
}

/// Returns the meaning of a text. A number of ten digits or more is a time in Unix seconds or milliseconds, another number the
/// sequence of a message.
pub fn goal(text: &str) -> Goal {
    let text = text.trim();
    if text.is_empty() {
        return Goal::Nothing;
    }
    if text.parse::<MessageId>().is_ok() {
        return Goal::Place(Place::Id(text.into()));
    }
    match text.parse::<u64>() {
        Ok(number) if text.len() >= 13 => Goal::Place(Place::Time(number as f64)),
        Ok(number) if text.len() >= 10 => Goal::Place(Place::Time(number as f64 * 1000.0)),
        Ok(number) => Goal::Place(Place::After(number.saturating_sub(1))),
        Err(_) => Goal::Time(text.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_sequences_and_times_are_told_apart() {
        for (text, place) in [
            ("19a2b3c4d5e-42", Place::Id("19a2b3c4d5e-42".into())),
            (" 42 ", Place::After(41)),
            ("0", Place::After(0)),
            ("1700000000", Place::Time(1_700_000_000_000.0)),
            ("1700000000123", Place::Time(1_700_000_000_123.0)),
        ] {
            assert_eq!(goal(text), Goal::Place(place), "{text}");
        }
        assert_eq!(goal("14:05"), Goal::Time("14:05".into()));
        assert_eq!(
            goal("2026-11-30 14:05"),
            Goal::Time("2026-11-30 14:05".into())
        );
        assert_eq!(goal(" "), Goal::Nothing);
    }
}
