//! Topic names and topic filters: 5.0, 4.7 and 4.8.2.

use std::fmt;

use memchr::{memchr, memchr2, memchr2_iter};

/// A valid topic name: at least one character ([MQTT-4.7.3-1]), no U+0000 ([MQTT-4.7.3-2]), no
/// wildcards ([MQTT-4.7.0-1]), and at most 65,535 bytes ([MQTT-4.7.3-3]).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TopicName<'a>(&'a str);

/// A valid topic filter, including filters of shared subscriptions: see [`shared`](Self::shared).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TopicFilter<'a>(&'a str);

/// The two parts of `$share/NAME/FILTER`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Shared<'a> {
    /// The share name.
    pub share_name: &'a str,
    /// The topic filter without `$share/NAME/`.
    pub filter: TopicFilter<'a>,
}

/// The rule that a topic name or filter breaks. The numbers are those of 5.0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TopicError {
    /// Empty ([MQTT-4.7.3-1]).
    #[error("it is empty")]
    Empty,
    /// Contains U+0000 ([MQTT-4.7.3-2]).
    #[error("it contains U+0000")]
    Nul,
    /// Longer than 65,535 bytes ([MQTT-4.7.3-3]).
    #[error("it is longer than 65535 bytes")]
    TooLong,
    /// A topic name contains a wildcard ([MQTT-4.7.0-1]).
    #[error("a topic name contains a wildcard")]
    Wildcard,
    /// [MQTT-4.7.1-1]: "either on its own or following a topic level separator", and last.
    #[error("\"#\" is not the whole last level")]
    MultiLevelWildcard,
    /// [MQTT-4.7.1-2]: "it MUST occupy an entire level of the filter".
    #[error("\"+\" is not a whole level")]
    SingleLevelWildcard,
    /// [MQTT-4.8.2-1], [MQTT-4.8.2-2]: one character or more, none of them a wildcard.
    #[error("a shared subscription needs a share name without wildcards")]
    ShareName,
    /// [MQTT-4.8.2-2].
    #[error("a shared subscription needs a topic filter after its share name")]
    ShareFilter,
}

impl<'a> TopicName<'a> {
    /// Parses a topic name.
    ///
    /// # Errors
    ///
    /// The broken rule.
    pub fn parse(text: &'a str) -> Result<Self, TopicError> {
        check_text(text)?;
        Self::of_string(text)
    }

    /// Checks a decoded string, whose length and freedom from U+0000 are already checked.
    #[inline]
    pub(super) fn of_string(text: &'a str) -> Result<Self, TopicError> {
        if text.is_empty() {
            return Err(TopicError::Empty);
        }
        match memchr2(b'+', b'#', text.as_bytes()) {
            Some(_) => Err(TopicError::Wildcard),
            None => Ok(Self(text)),
        }
    }

    /// Returns the name.
    #[inline]
    pub const fn as_str(self) -> &'a str {
        self.0
    }
}

impl<'a> TopicFilter<'a> {
    /// Parses a topic filter. A `$share` that is not a valid shared subscription is accepted, as it
    /// has no special meaning in 3.1.1; 5.0 rejects it: [`check_shared`](Self::check_shared).
    ///
    /// # Errors
    ///
    /// The broken rule.
    pub fn parse(text: &'a str) -> Result<Self, TopicError> {
        check_text(text)?;
        Self::of_string(text)
    }

    #[inline]
    pub(super) fn of_string(text: &'a str) -> Result<Self, TopicError> {
        if text.is_empty() {
            return Err(TopicError::Empty);
        }
        let bytes = text.as_bytes();
        for at in memchr2_iter(b'+', b'#', bytes) {
            let begins_level = at == 0 || bytes[at - 1] == b'/';
            let next = bytes.get(at + 1);
            match bytes[at] {
                b'#' if !begins_level || next.is_some() => {
                    return Err(TopicError::MultiLevelWildcard);
                }
                b'+' if !begins_level || next.is_some_and(|&byte| byte != b'/') => {
                    return Err(TopicError::SingleLevelWildcard);
                }
                _ => {}
            }
        }
        Ok(Self(text))
    }

    /// Returns the filter.
    #[inline]
    pub const fn as_str(self) -> &'a str {
        self.0
    }

    /// Returns the parts of a shared subscription's filter, or `None` if it is not a valid one.
    pub fn shared(self) -> Option<Shared<'a>> {
        self.check_shared().ok().flatten()
    }

    /// Returns the parts of a shared subscription's filter, or `None` if it is not one: 5.0, 4.8.2.
    ///
    /// # Errors
    ///
    /// The filter is `$share` or begins with `$share/`, and the rest is invalid.
    pub fn check_shared(self) -> Result<Option<Shared<'a>>, TopicError> {
        let Some(rest) = self.0.strip_prefix("$share") else {
            return Ok(None);
        };
        let Some(rest) = rest.strip_prefix('/') else {
            return match rest {
                "" => Err(TopicError::ShareName),
                _ => Ok(None),
            };
        };
        let name_end = memchr(b'/', rest.as_bytes());
        let share_name = &rest[..name_end.unwrap_or(rest.len())];
        if share_name.is_empty() || memchr2(b'+', b'#', share_name.as_bytes()).is_some() {
            return Err(TopicError::ShareName);
        }
        let filter = name_end.map_or("", |end| &rest[end + 1..]);
        match Self::of_string(filter) {
            Ok(filter) => Ok(Some(Shared { share_name, filter })),
            Err(_) => Err(TopicError::ShareFilter),
        }
    }
}

fn check_text(text: &str) -> Result<(), TopicError> {
    if text.len() > usize::from(u16::MAX) {
        return Err(TopicError::TooLong);
    }
    match memchr(0, text.as_bytes()) {
        Some(_) => Err(TopicError::Nul),
        None => Ok(()),
    }
}

impl fmt::Debug for TopicName<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.0, f)
    }
}

impl fmt::Debug for TopicFilter<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.0, f)
    }
}

impl fmt::Display for TopicName<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl fmt::Display for TopicFilter<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}
