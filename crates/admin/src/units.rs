//! Sizes, times and durations as text.

use std::time::{SystemTime, UNIX_EPOCH};

use time::{OffsetDateTime, format_description::well_known::Rfc3339};

/// Returns a size with its unit.
pub(crate) fn bytes(number: u64) -> String {
    if number < 1_024 {
        return format!("{number} B");
    }
    let mut amount = number as f64 / 1_024.0;
    for unit in ["KiB", "MiB", "GiB"] {
        if amount < 1_024.0 {
            return format!("{amount:.1} {unit}");
        }
        amount /= 1_024.0;
    }
    format!("{amount:.1} TiB")
}

/// Returns the two largest units of a duration.
pub(crate) fn duration(seconds: u64) -> String {
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3_600 % 24, seconds / 60 % 60);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds} s"),
        (0, 0, _) => format!("{minutes} min {} s", seconds % 60),
        (0, ..) => format!("{hours} h {minutes} min"),
        _ => format!("{days} d {hours} h"),
    }
}

/// Returns the time since a time in Unix seconds.
pub(crate) fn age(since_unix_s: u64) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let now = now.map_or(since_unix_s, |now| now.as_secs());
    duration(now.saturating_sub(since_unix_s))
}

/// Returns a time in Unix milliseconds in the form of RFC 3339, in UTC.
pub(crate) fn time(unix_ms: u64) -> String {
    let time = OffsetDateTime::from_unix_timestamp_nanos(i128::from(unix_ms) * 1_000_000);
    let text = time.ok().and_then(|time| time.format(&Rfc3339).ok());
    text.unwrap_or_else(|| unix_ms.to_string())
}

/// Parses a duration in seconds, or with a unit: `90`, `90s`, `10m`, `2h`, `7d`.
pub(crate) fn parse_duration(text: &str) -> Result<u64, String> {
    let (number, unit) = match text.char_indices().last() {
        Some((at, unit)) if unit.is_alphabetic() => (&text[..at], unit),
        _ => (text, 's'),
    };
    let factor = match unit {
        's' => 1,
        'm' => 60,
        'h' => 3_600,
        'd' => 86_400,
        _ => return Err(FORM.to_owned()),
    };
    let number: u64 = number.parse().map_err(|_| FORM.to_owned())?;
    let seconds = number.checked_mul(factor).filter(|seconds| *seconds > 0);
    seconds.ok_or_else(|| FORM.to_owned())
}

const FORM: &str = "expected a number of seconds, more than 0, or a number with s, m, h or d";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_their_unit() {
        for (number, text) in [
            (0, "0 B"),
            (1_023, "1023 B"),
            (1_536, "1.5 KiB"),
            (5 << 30, "5.0 GiB"),
            (u64::MAX, "16777216.0 TiB"),
        ] {
            assert_eq!(bytes(number), text);
        }
    }

    #[test]
    fn durations_have_two_units() {
        for (seconds, text) in [
            (7, "7 s"),
            (61, "1 min 1 s"),
            (3_720, "1 h 2 min"),
            (90_000, "1 d 1 h"),
        ] {
            assert_eq!(duration(seconds), text);
        }
    }

    #[test]
    fn times_are_in_utc() {
        assert_eq!(time(1_767_225_600_120), "2026-01-01T00:00:00.12Z");
        assert_eq!(time(u64::MAX), u64::MAX.to_string());
    }

    #[test]
    fn durations_are_read_with_and_without_a_unit() {
        for (text, seconds) in [
            ("90", 90),
            ("90s", 90),
            ("10m", 600),
            ("2h", 7_200),
            ("7d", 604_800),
        ] {
            assert_eq!(parse_duration(text), Ok(seconds), "{text}");
        }
        for text in [
            "",
            "0",
            "0m",
            "m",
            "-1",
            "1.5",
            "1w",
            "10 m",
            "99999999999999999999",
            "18446744073709551615d",
        ] {
            assert!(parse_duration(text).is_err(), "{text}");
        }
    }
}
