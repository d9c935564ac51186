//! Schedules: the times at which a message is delivered, if that is not at once.
//!
//! Owns the times, as pure functions of a schedule and its progress. The messages and the order of their times belong to
//! [`crate::state`], and their delivery to [`crate::Broker::deliver_due`].

mod cron;

pub use cron::{Cron, InvalidCron};

/// The times at which a message is delivered, with the meaning of ActiveMQ's headers `AMQ_SCHEDULED_…`.
///
/// Without a CRON entry, the message is delivered for the first time `delay_ms` after `begin_ms`, or after the period if there
/// is no delay; and then `repeats` times, each a period after the one before. With a CRON entry, it is delivered at each selected
/// minute; if there is also a delay or a repetition, these begin anew at each selected minute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schedule {
    /// The time of the publication, in Unix milliseconds.
    pub begin_ms: u64,
    /// The time until the first delivery, in milliseconds.
    pub delay_ms: u64,
    /// The time between two deliveries, in milliseconds.
    pub period_ms: u64,
    /// Number of deliveries after the first one; `None` for deliveries without an end.
    pub repeats: Option<u32>,
    /// The selected minutes.
    pub cron: Option<Cron>,
}

/// The reason why a schedule is not valid.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidSchedule {
    /// The delay or the period is too long.
    #[error("the {what} of {ms} ms is longer than the limit of {limit_ms} ms")]
    TooLong {
        /// `delay` or `period`.
        what: &'static str,
        /// Its milliseconds.
        ms: u64,
        /// Maximum number of milliseconds.
        limit_ms: u64,
    },
    /// A repetition needs a period of at least [`Schedule::MIN_PERIOD_MS`].
    #[error(
        "a repetition needs a period of at least {} ms, and it is {ms} ms",
        Schedule::MIN_PERIOD_MS
    )]
    PeriodTooShort {
        /// The milliseconds of the period.
        ms: u64,
    },
    /// The repetition of a CRON entry is longer than [`Schedule::MAX_CRON_REPETITION_MS`].
    #[error("the repetition that begins at each minute of a CRON entry lasts at most an hour")]
    RepetitionTooLong,
    /// The CRON entry selects no minute after the publication.
    #[error("the CRON entry selects no minute after the publication")]
    Never,
}

/// The next delivery of a schedule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NextDelivery {
    /// The progress before this delivery: see [`Schedule::due_ms`].
    pub(crate) progress: u32,
    /// The planned time.
    pub(crate) due_ms: u64,
}

impl Schedule {
    /// Minimum time between two deliveries of a repetition, in milliseconds: a message that is sent once must not become a
    /// flood.
    pub const MIN_PERIOD_MS: u64 = 1_000;
    /// Maximum time from the first to the last delivery of the repetition that begins at each minute of a CRON entry, in
    /// milliseconds: repetitions without an end would become ever more.
    pub const MAX_CRON_REPETITION_MS: u64 = 3_600_000;

    /// Returns a schedule for one delivery after a delay.
    #[must_use]
    pub const fn after(begin_ms: u64, delay_ms: u64) -> Self {
        Self {
            begin_ms,
            delay_ms,
            period_ms: 0,
            repeats: Some(0),
            cron: None,
        }
    }

    /// Returns true if the message is delivered once and at once, so that it needs no schedule.
    #[must_use]
    pub fn is_immediate(&self) -> bool {
        self.delay_ms == 0 && self.period_ms == 0 && self.repeats == Some(0) && self.cron.is_none()
    }

    /// Checks the bounds.
    pub(crate) fn check(&self, limit_ms: u64) -> Result<(), InvalidSchedule> {
        for (what, ms) in [("delay", self.delay_ms), ("period", self.period_ms)] {
            if ms > limit_ms {
                return Err(InvalidSchedule::TooLong { what, ms, limit_ms });
            }
        }
        let ms = self.period_ms;
        if self.repeats != Some(0) && ms < Self::MIN_PERIOD_MS {
            return Err(InvalidSchedule::PeriodTooShort { ms });
        }
        if self.cron.is_some() {
            // Each selected minute begins another repetition.
            let length_ms = self.repeats.and_then(|more| ms.checked_mul(more.into()));
            if length_ms.is_none_or(|length_ms| length_ms > Self::MAX_CRON_REPETITION_MS) {
                return Err(InvalidSchedule::RepetitionTooLong);
            }
        }
        match self.due_ms(0) {
            Some(_) => Ok(()),
            None => Err(InvalidSchedule::Never),
        }
    }

    /// Returns the planned time of the next delivery. The progress is 0 at the beginning, and then the value of the last
    /// [`NextDelivery`]: without a CRON entry the number of deliveries, otherwise the number of minutes between the beginning
    /// and the last delivery. Absolute, so that it can be recorded again and again.
    pub(crate) fn due_ms(&self, progress: u32) -> Option<u64> {
        let progress = u64::from(progress);
        match &self.cron {
            Some(cron) => {
                let last = self.begin_ms.saturating_add(progress * MINUTE_MS);
                cron.next_after(last)
            }
            None => {
                let first = self.begin_ms.saturating_add(self.first_wait_ms());
                Some(first.saturating_add(self.period_ms.saturating_mul(progress)))
            }
        }
    }

    /// Returns the delivery after one that was planned for `due_ms` and was made at `now_ms`. Deliveries that were missed,
    /// because the server did not run or the clock was set forward, are not made up for one after the other: of minutes of a
    /// CRON entry all but one are left out, and a repetition goes on a period after the late delivery.
    pub(crate) fn next(&self, progress: u32, due_ms: u64, now_ms: u64) -> Option<NextDelivery> {
        let made_ms = now_ms.max(due_ms);
        if let Some(cron) = &self.cron {
            let minutes = made_ms.saturating_sub(self.begin_ms) / MINUTE_MS;
            return Some(NextDelivery {
                progress: u32::try_from(minutes).unwrap_or(u32::MAX),
                due_ms: cron.next_after(made_ms)?,
            });
        }
        let made = progress.saturating_add(1);
        if self.repeats.is_some_and(|repeats| made > repeats) {
            return None;
        }
        let planned = due_ms.saturating_add(self.period_ms);
        let due_ms = match planned > now_ms {
            true => planned,
            false => now_ms.saturating_add(self.period_ms),
        };
        let progress = made;
        Some(NextDelivery { progress, due_ms })
    }

    /// Returns the schedule that begins at a minute of the CRON entry; `None` if the message itself is delivered then.
    pub(crate) fn at_minute(&self, minute_ms: u64) -> Option<Self> {
        let begins_anew =
            self.cron.is_some() && (self.delay_ms > 0 || self.repeats.is_none_or(|more| more > 0));
        begins_anew.then(|| Self {
            begin_ms: minute_ms,
            cron: None,
            ..self.clone()
        })
    }

    /// Returns the number of deliveries that remain; `None` without an end.
    #[must_use]
    pub fn remaining(&self, progress: u32) -> Option<u32> {
        match &self.cron {
            Some(_) => None,
            None => Some(self.repeats?.saturating_add(1).saturating_sub(progress)),
        }
    }

    /// Returns the bytes that it takes in addition to its message, approximately.
    pub(crate) fn size(&self) -> u64 {
        let cron = self.cron.as_ref();
        let text = cron.map_or(0, |cron| cron.text().len());
        (size_of::<Self>() + text) as u64
    }

    fn first_wait_ms(&self) -> u64 {
        match self.delay_ms {
            0 => self.period_ms,
            delay_ms => delay_ms,
        }
    }
}

const MINUTE_MS: u64 = 60_000;

#[cfg(all(test, not(loom)))]
mod tests;
