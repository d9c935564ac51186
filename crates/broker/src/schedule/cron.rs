//! CRON entries: five fields that select minutes, in UTC.
//!
//! The syntax is that of ActiveMQ's `AMQ_SCHEDULED_CRON` and of crontab(5): minute, hour, day of the month, month and day of the
//! week. This is our own parser, because the maintained libraries need a library of dates, read the clock, or have a sixth
//! field for seconds.

use std::{fmt, ops::RangeInclusive, str::FromStr};

/// A CRON entry that selects at least one minute in eight years.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cron {
    /// The entry as it was written, with single spaces.
    text: Box<str>,
    /// A bit for each selected value.
    minutes: u64,
    hours: u64,
    days: u64,
    months: u64,
    /// Sunday is 0.
    weekdays: u64,
    /// The field of days, or the field of weekdays, begins with `*`.
    is_any_day: bool,
    is_any_weekday: bool,
}

/// The reason why a text is not a CRON entry.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidCron {
    /// The text is too long, or has another number of fields.
    #[error(
        "a CRON entry has five fields, in at most {MAX_BYTES} bytes: minute hour day-of-month month day-of-week"
    )]
    Fields,
    /// A field has an invalid value.
    #[error(
        "{text:?} is not valid for the {field}: expected *, or values from {from} to {to} such as 1,3 or 1-5 or */2"
    )]
    Field {
        /// The name of the field.
        field: &'static str,
        /// Its text.
        text: Box<str>,
        /// The lowest value.
        from: u8,
        /// The highest value.
        to: u8,
    },
    /// There is no such day, for example the 30th of February.
    #[error("the CRON entry selects no day")]
    Never,
}

impl Cron {
    /// Returns the first selected minute that begins after a time, both in Unix milliseconds. Returns `None` beyond the years
    /// that can be computed.
    #[must_use]
    pub fn next_after(&self, ms: u64) -> Option<u64> {
        let minute = ms / MINUTE_MS + 1;
        let today = minute / MINUTES_OF_DAY;
        for day in today..today + MAX_DAYS {
            let first = match day == today {
                true => minute % MINUTES_OF_DAY,
                false => 0,
            };
            if self.has_day(day)
                && let Some(minute) = self.next_in_day(first)
            {
                return (day * MINUTES_OF_DAY + minute).checked_mul(MINUTE_MS);
            }
        }
        None
    }

    /// Returns the entry as it was written, with single spaces.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Returns the first selected minute of a day, from the minute `first` on.
    fn next_in_day(&self, first: u64) -> Option<u64> {
        (first..MINUTES_OF_DAY)
            .find(|minute| has(self.hours, minute / 60) && has(self.minutes, minute % 60))
    }

    /// Returns true if the entry selects a day, counted from 1970-01-01. If both kinds of days are restricted, one of them is
    /// enough (crontab(5)).
    fn has_day(&self, day: u64) -> bool {
        let (month, day_of_month) = date(day);
        // 1970-01-01 was a Thursday.
        let weekday = (day + 4) % 7;
        let has_day_of_month = has(self.days, day_of_month);
        let has_weekday = has(self.weekdays, weekday);
        has(self.months, month)
            && match self.is_any_day || self.is_any_weekday {
                true => has_day_of_month && has_weekday,
                false => has_day_of_month || has_weekday,
            }
    }
}

impl FromStr for Cron {
    type Err = InvalidCron;

    fn from_str(text: &str) -> Result<Self, InvalidCron> {
        if text.len() > MAX_BYTES {
            return Err(InvalidCron::Fields);
        }
        let fields: Vec<_> = text.split_ascii_whitespace().collect();
        let [minute, hour, day, month, weekday] = fields[..] else {
            return Err(InvalidCron::Fields);
        };
        let weekdays = field("day of the week", weekday, 0..=7)?;
        let cron = Self {
            text: fields.join(" ").into(),
            minutes: field("minute", minute, 0..=59)?,
            hours: field("hour", hour, 0..=23)?,
            days: field("day of the month", day, 1..=31)?,
            months: field("month", month, 1..=12)?,
            // 7 is Sunday, too.
            weekdays: (weekdays | (weekdays >> 7)) & 0b111_1111,
            is_any_day: day.starts_with('*'),
            is_any_weekday: weekday.starts_with('*'),
        };
        match cron.next_after(0) {
            Some(_) => Ok(cron),
            None => Err(InvalidCron::Never),
        }
    }
}

impl fmt::Display for Cron {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.text)
    }
}

/// Parses a field. Returns a bit for each selected value.
fn field(name: &'static str, text: &str, values: RangeInclusive<u8>) -> Result<u64, InvalidCron> {
    let parts = text.split(',').map(|part| selected(part, &values));
    let bits = parts.reduce(|one, other| Some(one? | other?)).flatten();
    bits.ok_or_else(|| InvalidCron::Field {
        field: name,
        text: text.into(),
        from: *values.start(),
        to: *values.end(),
    })
}

/// Parses one part of a list: `*`, a value, or a range, each with an optional step.
fn selected(part: &str, values: &RangeInclusive<u8>) -> Option<u64> {
    let (range, step) = match part.split_once('/') {
        Some((range, step)) => (range, Some(number(step).filter(|step| *step > 0)?)),
        None => (part, None),
    };
    let (first, last) = match range.split_once('-') {
        _ if range == "*" => (*values.start(), *values.end()),
        Some((first, last)) => (number(first)?, number(last)?),
        None => {
            let first = number(range)?;
            // With a step, the range ends with the highest value.
            (first, step.map_or(first, |_| *values.end()))
        }
    };
    if first > last || !values.contains(&first) || !values.contains(&last) {
        return None;
    }
    let selected = (first..=last).step_by(step.unwrap_or(1).into());
    Some(selected.fold(0, |bits, value| bits | (1 << value)))
}

/// Parses a number of digits, without a sign.
fn number(text: &str) -> Option<u8> {
    let are_digits = text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|_| are_digits)
}

fn has(bits: u64, value: u64) -> bool {
    bits & (1 << value) != 0
}

/// Returns the month and the day of the month of a day that is counted from 1970-01-01, in the Gregorian calendar. The years
/// begin in March, so that the leap day is the last one (Hinnant, "chrono-compatible low-level date algorithms",
/// `civil_from_days`).
fn date(day: u64) -> (u64, u64) {
    let since_year_0 = day + 719_468;
    let day_of_era = since_year_0 % 146_097;
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day_of_month = day_of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    (month, day_of_month)
}

const MINUTE_MS: u64 = 60_000;
const MINUTES_OF_DAY: u64 = 24 * 60;
/// Days that are examined: the 29th of February comes after at most eight years, for example from 2096 to 2104.
const MAX_DAYS: u64 = 8 * 366 + 1;
/// Maximum length of an entry.
const MAX_BYTES: usize = 256;

#[cfg(all(test, not(loom)))]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const HOUR_MS: u64 = 60 * MINUTE_MS;
    const DAY_MS: u64 = 24 * HOUR_MS;
    /// 2026-11-30 20:15:30, a Monday.
    const NOW: u64 = 1_796_069_730_000;
    /// 2026-11-30 00:00:00.
    const TODAY: u64 = NOW - 20 * HOUR_MS - 15 * MINUTE_MS - 30_000;

    fn next(text: &str) -> u64 {
        let cron: Cron = text.parse().expect(text);
        cron.next_after(NOW).expect(text)
    }

    #[test]
    fn an_entry_selects_minutes_in_utc() {
        let table = [
            ("* * * * *", TODAY + 20 * HOUR_MS + 16 * MINUTE_MS),
            ("*/5 * * * *", TODAY + 20 * HOUR_MS + 20 * MINUTE_MS),
            ("7/10 * * * *", TODAY + 20 * HOUR_MS + 17 * MINUTE_MS),
            ("0 * * * *", TODAY + 21 * HOUR_MS),
            (
                "15 20 * * *",
                TODAY + DAY_MS + 20 * HOUR_MS + 15 * MINUTE_MS,
            ),
            ("30 4 * * *", TODAY + DAY_MS + 4 * HOUR_MS + 30 * MINUTE_MS),
            ("0 0,12 1 * *", TODAY + DAY_MS),
            ("0 12 1,15 12 *", TODAY + DAY_MS + 12 * HOUR_MS),
            // The next Sunday.
            ("0 0 * * 0", TODAY + 6 * DAY_MS),
            ("0 0 * * 7", TODAY + 6 * DAY_MS),
            ("0 0 * * 2-5", TODAY + DAY_MS),
            // A weekday or a day of the month.
            ("0 0 3 * 5", TODAY + 3 * DAY_MS),
            ("0 0 13 * 5", TODAY + 4 * DAY_MS),
            // The first of January, and the next leap day, 2028-02-29.
            ("0 0 1 1 *", TODAY + 32 * DAY_MS),
            ("0 0 29 2 *", TODAY + (32 + 365 + 31 + 28) * DAY_MS),
        ];
        for (text, expected) in table {
            assert_eq!(next(text), expected, "{text}");
        }
    }

    #[test]
    fn a_leap_day_is_found_after_eight_years() {
        let cron: Cron = "0 0 29 2 *".parse().expect("an entry");
        // 2096-03-01 and 2104-02-29.
        let (after, expected) = (3_981_398_400_000, 4_233_686_400_000);
        assert_eq!(cron.next_after(after), Some(expected));
    }

    #[test]
    fn a_selected_minute_is_not_its_own_next() {
        let cron: Cron = "0 * * * *".parse().expect("an entry");
        assert_eq!(cron.next_after(TODAY), Some(TODAY + HOUR_MS));
        assert_eq!(cron.next_after(TODAY - 1), Some(TODAY));
        assert_eq!(cron.next_after(u64::MAX), None);
    }

    #[test]
    fn an_invalid_entry_names_its_field() {
        let table = [
            ("", "five fields"),
            ("* * * *", "five fields"),
            ("* * * * * *", "five fields"),
            ("60 * * * *", "minute"),
            ("-1 * * * *", "minute"),
            ("+1 * * * *", "minute"),
            ("5-1 * * * *", "minute"),
            ("*/0 * * * *", "minute"),
            ("1,,2 * * * *", "minute"),
            ("* 24 * * *", "hour"),
            ("* * 0 * *", "day of the month"),
            ("* * * 13 *", "month"),
            ("* * * JAN *", "month"),
            ("* * * * 8", "day of the week"),
            ("0 0 30 2 *", "no day"),
        ];
        for (text, expected) in table {
            let error = text.parse::<Cron>().expect_err(text).to_string();
            assert!(error.contains(expected), "{text}: {error}");
        }
        let long = format!("{} * * * *", "1,".repeat(200));
        assert_eq!(long.parse::<Cron>(), Err(InvalidCron::Fields));
    }

    proptest! {
        /// The next minute is selected by a plain search, minute by minute.
        #[test]
        fn the_next_minute_is_that_of_a_plain_search(
            minute in 0_u64..60, hour in 0_u64..24, weekday in 0_u64..7, after in 0_u64..(1 << 42)
        ) {
            let cron: Cron = format!("{minute} {hour} * * {weekday}").parse().expect("an entry");
            let plain = (1..=7 * MINUTES_OF_DAY).map(|more| (after / MINUTE_MS + more) * MINUTE_MS).find(|ms| {
                let minutes = ms / MINUTE_MS;
                minutes % 60 == minute && minutes / 60 % 24 == hour && (ms / DAY_MS + 4) % 7 == weekday
            });
            prop_assert_eq!(cron.next_after(after), plain);
        }

        #[test]
        fn a_written_entry_is_read_again(
            minute in "(\\*|[0-9]|[1-5][0-9])(/[1-9])?", hour in "[0-9](-1[0-9])?", month in "[1-9](,1[0-2])?"
        ) {
            let text = format!("  {minute}\t{hour} * {month}  * ");
            let cron: Cron = text.parse().expect("an entry");
            let again: Cron = cron.to_string().parse().expect("an entry");
            prop_assert_eq!(cron, again);
        }
    }
}
