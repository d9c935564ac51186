//! The filters of rules, with placeholders for the user and the client.

use std::{fmt, str::FromStr};

use broker::{DestinationKind, InvalidName, TopicFilter};

use crate::grants::Identity;

/// A filter of a rule: a topic filter in which `%u` stands for the name of the user and `%c` for the client id. `/topic/` or
/// `/queue/` before it restrict it to topics or queues.
#[derive(Clone, PartialEq, Eq)]
pub struct Pattern {
    text: Box<str>,
    kind: Option<DestinationKind>,
}

/// The error for a text that is not a pattern.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PatternError {
    /// The filter is not valid.
    #[error(transparent)]
    Filter(#[from] InvalidName),
    /// `%` is not followed by `u` or `c`.
    #[error("pattern {0:?}: after '%' only 'u' (the user) and 'c' (the client id) are allowed")]
    Placeholder(String),
}

/// The value of a pattern for an identity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Resolved {
    /// The filter with the values of the placeholders.
    Exact(TopicFilter),
    /// A value is missing or cannot be a part of one level. The filter has `*` for each level with a placeholder, so it
    /// covers whatever the pattern could mean.
    Widened(TopicFilter),
}

impl Pattern {
    /// Parses a pattern.
    ///
    /// # Errors
    /// The filter is not valid, or has an unknown placeholder.
    pub fn new(text: &str) -> Result<Self, PatternError> {
        let (kind, filter) = split_kind(text);
        let mut rest = filter;
        while let Some((_, after)) = rest.split_once('%') {
            if !after.starts_with(['u', 'c']) {
                return Err(PatternError::Placeholder(text.to_owned()));
            }
            rest = after;
        }
        TopicFilter::new(&widened(filter))?;
        Ok(Self {
            text: text.into(),
            kind,
        })
    }

    /// Returns the pattern as in the file.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Returns the kind of destination to which the pattern is restricted.
    #[must_use]
    pub fn kind(&self) -> Option<DestinationKind> {
        self.kind
    }

    /// Returns the filter for an identity.
    pub(crate) fn resolve(&self, identity: &Identity) -> Option<Resolved> {
        let (_, text) = split_kind(&self.text);
        let user = identity.user.as_deref().filter(|value| is_plain(value));
        let client = identity.client.as_deref().filter(|value| is_plain(value));
        let is_known =
            |placeholder, value: Option<&str>| value.is_some() || !text.contains(placeholder);
        if is_known(USER, user) && is_known(CLIENT, client) {
            let filter = substitute(text, user.unwrap_or_default(), client.unwrap_or_default());
            if let Ok(filter) = TopicFilter::new(&filter) {
                return Some(Resolved::Exact(filter));
            }
        }
        // `new` has checked the filter.
        TopicFilter::new(&widened(text)).ok().map(Resolved::Widened)
    }
}

/// Returns whether a value can be a part of one level of a filter, and nothing else.
fn is_plain(value: &str) -> bool {
    let is_special = |one: char| SPECIAL.contains(&one) || one.is_control();
    !value.is_empty() && !value.contains(is_special)
}

/// Replaces the placeholders in one pass, so that values are not searched for placeholders.
fn substitute(text: &str, user: &str, client: &str) -> String {
    let mut parts = text.split('%');
    let mut filter = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (value, rest) = match part.strip_prefix('u') {
            Some(rest) => (user, rest),
            None => (client, part.strip_prefix('c').unwrap_or(part)),
        };
        filter.push_str(value);
        filter.push_str(rest);
    }
    filter
}

/// Returns the filter with `*` for each level that has a placeholder.
fn widened(filter: &str) -> String {
    let levels = filter.split('.').map(|level| match level.contains('%') {
        true => "*",
        false => level,
    });
    levels.collect::<Vec<_>>().join(".")
}

/// Splits `/topic/` or `/queue/` off the name or filter of a destination.
#[must_use]
pub fn split_kind(text: &str) -> (Option<DestinationKind>, &str) {
    if let Some(rest) = text.strip_prefix("/topic/") {
        (Some(DestinationKind::Topic), rest)
    } else if let Some(rest) = text.strip_prefix("/queue/") {
        (Some(DestinationKind::Queue), rest)
    } else {
        (None, text)
    }
}

impl FromStr for Pattern {
    type Err = PatternError;

    fn from_str(text: &str) -> Result<Self, PatternError> {
        Self::new(text)
    }
}

impl fmt::Debug for Pattern {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Pattern({})", self.text)
    }
}

const USER: &str = "%u";
const CLIENT: &str = "%c";
/// Characters that separate levels or are wildcards, in Carillon's filters or in MQTT's.
const SPECIAL: [char; 6] = ['.', '*', '>', '/', '+', '#'];

#[cfg(test)]
mod tests {
    use super::*;

    fn resolved(pattern: &str, user: Option<&str>, client: Option<&str>) -> Option<Resolved> {
        let identity = Identity {
            user: user.map(Into::into),
            client: client.map(Into::into),
            groups: None,
        };
        Pattern::new(pattern).ok()?.resolve(&identity)
    }

    fn exact(filter: &str) -> Option<Resolved> {
        TopicFilter::new(filter).ok().map(Resolved::Exact)
    }

    fn wide(filter: &str) -> Option<Resolved> {
        TopicFilter::new(filter).ok().map(Resolved::Widened)
    }

    #[test]
    fn placeholders_become_parts_of_one_level() {
        let table = [
            ("news.>", None, None, exact("news.>")),
            ("devices.%u.>", Some("s7"), None, exact("devices.s7.>")),
            ("dev-%u.%c", Some("a"), Some("b"), exact("dev-a.b")),
            ("/queue/in.%u", Some("anna"), None, exact("in.anna")),
            // Values are not searched for placeholders.
            ("a.%u.%c", Some("%c"), Some("x"), exact("a.%c.x")),
        ];
        for (pattern, user, client, expected) in table {
            assert_eq!(resolved(pattern, user, client), expected, "{pattern}");
        }
    }

    #[test]
    fn a_value_that_is_no_part_of_a_level_widens_the_pattern() {
        for value in ["a.b", "*", ">", "a/b", "+", "#", "", "a\u{0}b"] {
            let found = resolved("devices.x-%u.>", Some(value), None);
            assert_eq!(found, wide("devices.*.>"), "{value:?}");
        }
        assert_eq!(resolved("a.%u", None, Some("c")), wide("a.*"));
        assert_eq!(resolved("a.%c", Some("u"), None), wide("a.*"));
    }

    #[test]
    fn unknown_placeholders_and_invalid_filters_are_refused() {
        for text in ["a.%x", "a.%", "100%", "%%u"] {
            let found = Pattern::new(text);
            assert!(matches!(found, Err(PatternError::Placeholder(_))), "{text}");
        }
        for text in ["", "a..b", "a.>.b", "/queue/", "a*", "a/b"] {
            let found = Pattern::new(text);
            assert!(matches!(found, Err(PatternError::Filter(_))), "{text}");
        }
    }
}
