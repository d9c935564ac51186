//! Bounds the lines of events that a client can cause as often as it wants.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use broker::ClientAddress;

use super::event::{Event, Method};
use crate::log_rate::LogRate;

/// The events of the last interval that may repeat.
#[derive(Default)]
pub(super) struct Repeated(HashMap<Key, LogRate>);

/// The events that share a bound: those of one kind, user and address.
#[derive(PartialEq, Eq, Hash)]
struct Key {
    kind: Kind,
    user: Option<Box<str>>,
    address: Option<ClientAddress>,
}

#[derive(PartialEq, Eq, Hash)]
enum Kind {
    /// A login with a request of HTTP.
    Login(Method),
    LoginRefused,
    RequestRefused,
    /// All events that came while there was no room for more keys.
    Others,
}

impl Repeated {
    /// Counts an event. If it is to be recorded, returns the number of earlier ones that were not.
    pub(super) fn count(&mut self, event: &Event<'_>, now: Instant) -> Option<u64> {
        let Some((key, max_lines)) = Key::of(event) else {
            return Some(0);
        };
        if self.0.len() >= MAX_KEYS && !self.0.contains_key(&key) {
            self.0.retain(|_, rate| rate.is_current(now));
        }
        let key = match self.0.len() >= MAX_KEYS && !self.0.contains_key(&key) {
            true => Key::OTHERS,
            false => key,
        };
        let rate = self.0.entry(key);
        rate.or_insert_with(|| LogRate::new(INTERVAL, max_lines))
            .count(now)
    }
}

impl Key {
    const OTHERS: Self = Self {
        kind: Kind::Others,
        user: None,
        address: None,
    };

    /// Returns the key of an event that may repeat, and the maximum number of lines in an interval.
    fn of(event: &Event<'_>) -> Option<(Self, u32)> {
        let (kind, user, address, max_lines) = match event {
            Event::Login {
                user,
                method,
                protocol: "http",
                address,
                ..
            } => (Kind::Login(*method), user, Some(*address), 1),
            // The user is the client's claim, and different each time.
            Event::LoginRefused { address, .. } => {
                (Kind::LoginRefused, &None, Some(*address), MAX_REFUSALS)
            }
            Event::RequestRefused { user, address, .. } => {
                (Kind::RequestRefused, user, *address, MAX_REFUSALS)
            }
            _ => return None,
        };
        let user = user.map(|user| user.as_str().into());
        let key = Self {
            kind,
            user,
            address,
        };
        Some((key, max_lines))
    }
}

const INTERVAL: Duration = Duration::from_secs(60);
/// Maximum number of refusals of one kind, user and address in an interval.
const MAX_REFUSALS: u32 = 60;
/// Maximum number of keys.
const MAX_KEYS: usize = 10_000;

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use super::*;

    #[test]
    fn a_storm_of_one_client_does_not_hide_the_refusals_of_another() {
        let now = Instant::now();
        let mut repeated = Repeated::default();
        let count = |repeated: &mut Repeated, user: &str, now| {
            let event = Event::RequestRefused {
                user: Some(user.into()),
                address: None,
                client: None,
                right: "publish",
                on: "news".into(),
            };
            repeated.count(&event, now)
        };
        let storm = (0..1_000).filter_map(|_| count(&mut repeated, "mallory", now));
        assert_eq!(storm.count(), MAX_REFUSALS as usize);
        assert_eq!(count(&mut repeated, "anna", now), Some(0));
        let unrecorded = 1_000 - u64::from(MAX_REFUSALS);
        assert_eq!(
            count(&mut repeated, "mallory", now + INTERVAL),
            Some(unrecorded)
        );
    }

    #[test]
    fn requests_with_the_same_login_are_one_line_in_an_interval() {
        let now = Instant::now();
        let mut repeated = Repeated::default();
        let login = |protocol| Event::Login {
            user: Some("anna".into()),
            method: Method::Password,
            protocol,
            address: IpAddr::from([192, 0, 2, 7]).into(),
            client: None,
        };
        let lines = |repeated: &mut Repeated, protocol| {
            let recorded = (0..10).filter_map(|_| repeated.count(&login(protocol), now));
            recorded.count()
        };
        assert_eq!(lines(&mut repeated, "http"), 1);
        assert_eq!(lines(&mut repeated, "mqtt"), 10);
    }

    #[test]
    fn the_number_of_keys_is_bounded() {
        let now = Instant::now();
        let mut repeated = Repeated::default();
        let refused = |number: usize| Event::LoginRefused {
            user: None,
            method: Method::Password,
            protocol: "mqtt",
            address: IpAddr::V4((number as u32).into()).into(),
            client: None,
            reason: "",
        };
        for number in 0..2 * MAX_KEYS {
            repeated.count(&refused(number), now);
        }
        assert_eq!(repeated.0.len(), MAX_KEYS + 1);
        repeated.count(&refused(0), now + INTERVAL);
        repeated.count(&refused(3 * MAX_KEYS), now + INTERVAL);
        assert!(repeated.0.len() <= 3, "{}", repeated.0.len());
    }
}
