//! The headers with which a publisher schedules a message.
//!
//! | header | meaning |
//! |---|---|
//! | `AMQ_SCHEDULED_DELAY` | milliseconds until the first delivery, as in ActiveMQ |
//! | `AMQ_SCHEDULED_PERIOD` | milliseconds between two deliveries |
//! | `AMQ_SCHEDULED_REPEAT` | number of deliveries after the first one; -1 without an end |
//! | `AMQ_SCHEDULED_CRON` | CRON entry of five fields, in UTC |
//! | `x-delay` | milliseconds until the delivery, as in RabbitMQ; a negative number counts as 0 |
//!
//! They are headers of STOMP, headers `carillon-header-NAME` of HTTP, and user properties of MQTT 5, whose names can be
//! written in any case because HTTP writes them so. They are removed from the message: a consumer that passes on a message with
//! its headers must not schedule it again.

use broker::{Cron, Header, InvalidCron, InvalidSchedule, Publication, Schedule};
use clap::Args;

/// The options of `carillon serve` for scheduled messages.
#[derive(Debug, Args)]
pub struct SchedulingArguments {
    /// Maximum number of messages that wait for the time of their schedule; the next is refused
    #[arg(long, env = "CARILLON_MAX_SCHEDULED", default_value_t = broker::Limits::default().scheduled,
          value_name = "COUNT")]
    pub max_scheduled: usize,
    /// Maximum delay and maximum period of a scheduled message; a longer one is refused
    #[arg(long, env = "CARILLON_MAX_DELAY", default_value_t = broker::Limits::default().max_delay_ms / 1_000,
          value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(..=u64::MAX / 2_000))]
    max_delay: u64,
}

/// The requested times of a message.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ScheduleRequest {
    /// Milliseconds until the first delivery.
    pub delay_ms: Option<u64>,
    /// Milliseconds between two deliveries.
    pub period_ms: Option<u64>,
    /// Number of deliveries after the first one; -1 without an end.
    pub repeat: Option<i64>,
    /// The CRON entry.
    pub cron: Option<Cron>,
}

/// The reason why a request for a schedule is not valid.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidRequest {
    /// A value is not a number of its range.
    #[error("{value:?} is not valid for {name}: expected {expected}")]
    Number {
        /// The header or parameter.
        name: Box<str>,
        /// Its value, truncated.
        value: Box<str>,
        /// The expected values.
        expected: &'static str,
    },
    /// The CRON entry is not valid.
    #[error("AMQ_SCHEDULED_CRON: {0}")]
    Cron(#[from] InvalidCron),
    /// The schedule is not valid.
    #[error("{0}")]
    Schedule(#[from] InvalidSchedule),
}

impl SchedulingArguments {
    /// Returns the maximum delay in milliseconds.
    pub const fn max_delay_ms(&self) -> u64 {
        self.max_delay * 1_000
    }
}

impl ScheduleRequest {
    /// Takes the headers of a schedule out of the headers of a message. The first of repeated headers counts.
    ///
    /// # Errors
    /// A header has an invalid value.
    pub fn take(headers: &mut Vec<Header>) -> Result<Self, InvalidRequest> {
        let mut request = Self::default();
        if !headers
            .iter()
            .any(|header| Kind::of(&header.name).is_some())
        {
            return Ok(request);
        }
        let mut checked = Ok(());
        headers.retain(|header| match Kind::of(&header.name) {
            Some(kind) => {
                if checked.is_ok() {
                    checked = request.set(kind, header);
                }
                false
            }
            None => true,
        });
        checked.map(|()| request)
    }

    fn set(&mut self, kind: Kind, Header { name, value }: &Header) -> Result<(), InvalidRequest> {
        match kind {
            Kind::Delay => _ = self.delay_ms.get_or_insert(milliseconds(name, value)?),
            Kind::Period => _ = self.period_ms.get_or_insert(milliseconds(name, value)?),
            Kind::Repeat => _ = self.repeat.get_or_insert(number(name, value, REPEAT)?),
            Kind::Cron if self.cron.is_none() && !value.trim().is_empty() => {
                self.cron = Some(value.parse()?);
            }
            Kind::Cron => {}
            Kind::RabbitDelay => {
                let delay: i64 = number(name, value, MILLISECONDS)?;
                self.delay_ms.get_or_insert(delay.try_into().unwrap_or(0));
            }
        }
        Ok(())
    }

    /// Schedules a message that was published at `now_ms`, in Unix milliseconds, if something was requested. The broker checks
    /// the bounds.
    ///
    /// # Errors
    /// The number of repetitions is out of range.
    pub fn apply(
        self,
        publication: Publication,
        now_ms: u64,
    ) -> Result<Publication, InvalidRequest> {
        if self == Self::default() {
            return Ok(publication);
        }
        let repeats = match self.repeat.unwrap_or(0) {
            -1 => None,
            repeat => Some(u32::try_from(repeat).map_err(|_| InvalidRequest::Number {
                name: "AMQ_SCHEDULED_REPEAT".into(),
                value: repeat.to_string().into(),
                expected: REPEAT,
            })?),
        };
        Ok(publication.scheduled(Schedule {
            period_ms: self.period_ms.unwrap_or(0),
            repeats,
            cron: self.cron,
            ..Schedule::after(now_ms, self.delay_ms.unwrap_or(0))
        }))
    }
}

/// The header of a schedule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Delay,
    Period,
    Repeat,
    Cron,
    RabbitDelay,
}

impl Kind {
    #[inline]
    fn of(name: &str) -> Option<Self> {
        // By the length first: nearly no header is one of these.
        let (kind, expected) = match name.len() {
            7 => (Self::RabbitDelay, "x-delay"),
            18 => (Self::Cron, "AMQ_SCHEDULED_CRON"),
            19 => (Self::Delay, "AMQ_SCHEDULED_DELAY"),
            20 if name.ends_with(['D', 'd']) => (Self::Period, "AMQ_SCHEDULED_PERIOD"),
            20 => (Self::Repeat, "AMQ_SCHEDULED_REPEAT"),
            _ => return None,
        };
        name.eq_ignore_ascii_case(expected).then_some(kind)
    }
}

fn milliseconds(name: &str, value: &str) -> Result<u64, InvalidRequest> {
    number(name, value, MILLISECONDS)
}

fn number<T: std::str::FromStr>(
    name: &str,
    value: &str,
    expected: &'static str,
) -> Result<T, InvalidRequest> {
    value.trim().parse().map_err(|_| InvalidRequest::Number {
        name: name.into(),
        value: value.chars().take(MAX_SHOWN).collect::<String>().into(),
        expected,
    })
}

const MILLISECONDS: &str = "a number of milliseconds";
const REPEAT: &str = "a number of repetitions, or -1 for no end";
/// Characters of an invalid value that an error shows.
const MAX_SHOWN: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(headers: &[(&str, &str)]) -> (Result<ScheduleRequest, InvalidRequest>, Vec<String>) {
        let headers = headers.iter().map(|(name, value)| Header {
            name: (*name).into(),
            value: (*value).into(),
        });
        let mut headers: Vec<_> = headers.collect();
        let request = ScheduleRequest::take(&mut headers);
        let left = headers.iter().map(|header| header.name.to_string());
        (request, left.collect())
    }

    #[test]
    fn the_headers_of_a_schedule_are_taken_out_of_a_message() {
        let (request, left) = taken(&[
            ("colour", "red"),
            ("AMQ_SCHEDULED_DELAY", "1000"),
            ("AMQ_SCHEDULED_PERIOD", " 2000 "),
            ("amq_scheduled_repeat", "-1"),
            ("AMQ_SCHEDULED_CRON", "0 * * * *"),
            ("AMQ_SCHEDULED_DELAY", "7"),
            ("x-delays", "1"),
        ]);
        let expected = ScheduleRequest {
            delay_ms: Some(1_000),
            period_ms: Some(2_000),
            repeat: Some(-1),
            cron: Some("0 * * * *".parse().expect("a CRON entry")),
        };
        assert_eq!(request, Ok(expected));
        assert_eq!(left, ["colour", "x-delays"]);
    }

    #[test]
    fn a_negative_delay_of_rabbitmq_counts_as_none() {
        for (text, expected) in [("250", 250), ("-250", 0), ("0", 0)] {
            let (request, left) = taken(&[("x-delay", text)]);
            let delay_ms = Some(expected);
            assert_eq!(
                request,
                Ok(ScheduleRequest {
                    delay_ms,
                    ..ScheduleRequest::default()
                })
            );
            assert!(left.is_empty());
        }
    }

    #[test]
    fn a_message_without_these_headers_has_no_schedule() {
        let headers = [("a", "b"), ("twenty-characters-ab", "c"), ("", "")];
        let (request, left) = taken(&headers);
        assert_eq!(request, Ok(ScheduleRequest::default()));
        assert_eq!(left.len(), 3);
    }

    #[test]
    fn an_invalid_value_is_an_error_that_names_its_header() {
        let table = [
            ("AMQ_SCHEDULED_DELAY", "-1"),
            ("AMQ_SCHEDULED_DELAY", "soon"),
            ("AMQ_SCHEDULED_PERIOD", "1.5"),
            ("AMQ_SCHEDULED_REPEAT", ""),
            ("AMQ_SCHEDULED_CRON", "* * *"),
            ("x-delay", "soon"),
        ];
        for (name, value) in table {
            let (request, _) = taken(&[(name, value)]);
            let error = request.expect_err(value).to_string();
            assert!(error.contains(name), "{error}");
        }
    }
}
