//! The time zone in which a page shows moments: a choice of the reader.

use leptos::prelude::*;

use crate::{
    browser, instant,
    reactive::{effect, once_live},
};

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Zone {
    /// The zone of the server's rendering, which does not know the reader's.
    #[default]
    Utc,
    Local,
}

impl Zone {
    /// Returns the reader's choice, which is kept; local time if there is none.
    pub fn chosen() -> RwSignal<Self> {
        let zone = RwSignal::new(Self::Utc);
        once_live(move || {
            let is_utc = browser::kept(KEY).as_deref() == Some("utc");
            zone.set(if is_utc { Self::Utc } else { Self::Local });
            effect(move |before| {
                let name = match zone.get() {
                    Self::Utc => "utc",
                    Self::Local => "local",
                };
                if before.is_some() {
                    browser::keep(KEY, name);
                }
            });
        });
        zone
    }

    /// Returns the time of day with milliseconds.
    pub fn time_of_day(self, unix_ms: f64) -> String {
        instant::time_of_day(self.shifted(unix_ms))
    }

    /// Returns the date and the time with milliseconds.
    pub fn date_and_time(self, unix_ms: f64) -> String {
        let at_ms = self.shifted(unix_ms);
        let name = match self {
            Self::Utc => " UTC",
            Self::Local => "",
        };
        format!(
            "{} {}{name}",
            instant::shown_date(at_ms),
            instant::time_of_day(at_ms)
        )
    }

    fn shifted(self, unix_ms: f64) -> u64 {
        let offset_ms = match self {
            Self::Utc => 0.0,
            Self::Local => browser::zone_offset_ms(unix_ms),
        };
        (unix_ms + offset_ms) as u64
    }
}

const KEY: &str = "carillon.zone";

#[cfg(test)]
mod tests {
    use super::Zone;

    #[test]
    fn utc_needs_no_browser() {
        let unix_ms = 1_795_387_623_045.0;
        assert_eq!(Zone::Utc.time_of_day(unix_ms), "22:47:03.045");
        assert_eq!(
            Zone::Utc.date_and_time(unix_ms),
            "2026-11-22 22:47:03.045 UTC"
        );
    }
}
