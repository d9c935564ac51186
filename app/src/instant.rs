//! Moments as text, without a browser: in UTC, or in a zone whose offset the caller adds.

use crate::language::{Language, language};

/// Returns a moment in UTC to the second in the language of the page, such as `2026-11-22 22:47:03 UTC`.
pub fn shown(unix_ms: u64) -> String {
    let time = time_of_day(unix_ms);
    format!("{} {} UTC", shown_date(unix_ms), &time[..8])
}

/// Returns the time of day to the millisecond, such as `22:47:03.123`.
pub fn time_of_day(unix_ms: u64) -> String {
    let of_day = unix_ms / 1000 % 86_400;
    let (hour, minute, second) = (of_day / 3600, of_day / 60 % 60, of_day % 60);
    format!("{hour:02}:{minute:02}:{second:02}.{:03}", unix_ms % 1000)
}

/// Returns the date as ISO 8601, such as `2026-11-22`.
pub fn date(unix_ms: u64) -> String {
    let (year, month, day) = civil(unix_ms / 86_400_000);
    format!("{year:04}-{month:02}-{day:02}")
}

/// Returns the date in the language of the page: in Korean as CLDR has it, such as `2026. 11. 22.`; in English as ISO 8601,
/// because readers of English are in countries with different orders of day and month.
///
/// Both languages write a time of day in the same way, with 24 hours. The server and the browser draw the same text, so
/// the functions of the browser for dates (`Intl`) are not used.
pub fn shown_date(unix_ms: u64) -> String {
    match language() {
        Language::English => date(unix_ms),
        Language::Korean => {
            let (year, month, day) = civil(unix_ms / 86_400_000);
            format!("{year}. {month}. {day}.")
        }
    }
}

/// Returns the date of a day since 1970-01-01, by eras of 400 years that begin on 1 March.
fn civil(days: u64) -> (u64, u64, u64) {
    let days = days + 719_468;
    let (era, of_era) = (days / 146_097, days % 146_097);
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let shifted = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 {
        shifted + 3
    } else {
        shifted - 9
    };
    (year + era * 400 + u64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use leptos::prelude::{Owner, provide_context};

    use super::*;

    #[test]
    fn moments_are_written_in_utc() {
        for (seconds, text) in [
            (0, "1970-01-01 00:00:00 UTC"),
            (951_782_399, "2000-02-28 23:59:59 UTC"),
            (951_782_400, "2000-02-29 00:00:00 UTC"),
            (951_868_800, "2000-03-01 00:00:00 UTC"),
            (1_795_387_623, "2026-11-22 22:47:03 UTC"),
            (4_107_542_400, "2100-03-01 00:00:00 UTC"),
        ] {
            assert_eq!(shown(seconds * 1000 + 999), text);
        }
    }

    #[test]
    fn dates_and_times_have_milliseconds() {
        let unix_ms = 1_795_387_623_045;
        assert_eq!(time_of_day(unix_ms), "22:47:03.045");
        assert_eq!(date(unix_ms), "2026-11-22");
    }

    #[test]
    fn dates_have_the_form_of_the_language() {
        let unix_ms = 1_767_571_199_000;
        assert_eq!(shown(unix_ms), "2026-01-04 23:59:59 UTC");
        Owner::new_root(None).with(|| {
            provide_context(Language::Korean);
            assert_eq!(shown(unix_ms), "2026. 1. 4. 23:59:59 UTC");
            assert_eq!(date(unix_ms), "2026-01-04");
        });
    }
}
