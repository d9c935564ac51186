//! Topic names and filters. A value of these types is always legal.

pub(crate) mod children;
pub(crate) mod ids;
pub(crate) mod index;
pub(crate) mod level_tree;
mod relation;
pub(crate) mod short_bytes;
pub(crate) mod subscription_name;
pub(crate) mod subtree;

use std::{borrow::Borrow, fmt, str::FromStr, sync::Arc};

/// The kind of destination.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DestinationKind {
    /// All subscribers get each message.
    Topic,
    /// One of the consumers gets each message, and settles it.
    Queue,
}

/// A topic's name: levels joined by `.`, such as `finance.stock.market`.
///
/// 1 to [`TopicName::MAX_BYTES`] bytes of UTF-8 in 1 to [`TopicName::MAX_LEVELS`] levels; no level is empty or contains
/// a control character, `/`, `*` or `>`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TopicName(Arc<str>);

/// The owner of a topic or queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Owner {
    /// No owner: every client may send to it.
    Everybody,
    /// A temporary destination. Every client may send to it, and it ends with its session.
    Session,
    /// Only the broker may send to it.
    Broker,
}

/// A pattern over topic names: `*` stands for one level, and `>`, only at the end, for the name itself and any number
/// of levels below it (`A.>` matches `A` and `A.B.C`, as in ActiveMQ).
///
/// A wildcard in the first level does not match names that begin with `$`, which belong to the broker, or the topics of
/// advisories, below `ActiveMQ.Advisory`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TopicFilter(Arc<str>);

/// The error for a text that is not a topic name or filter, with the position of the fault.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what} {text:?}: {fault} (at byte {at})")]
pub struct InvalidName {
    what: &'static str,
    text: String,
    /// The broken rule.
    pub fault: NameFault,
    /// Offset in bytes of the first character that breaks the rule.
    pub at: usize,
}

/// The rules that a name or filter can break.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NameFault {
    /// A level, or the whole name, is empty.
    #[error("a level is empty; levels are joined by one '.'")]
    EmptyLevel,
    /// U+0000 to U+001F or U+007F to U+009F.
    #[error("control characters are not allowed")]
    ControlCharacter,
    /// The level separator of other systems.
    #[error("'/' is not allowed; levels are joined by '.'")]
    Slash,
    /// `*` or `>` in a topic name.
    #[error("a wildcard cannot be part of a topic's name")]
    WildcardInName,
    /// `*` or `>` beside other characters in one level.
    #[error("a wildcard stands for a whole level")]
    PartialWildcard,
    /// `>` before the last level.
    #[error("'>' can only be the last level")]
    RestNotLast,
    /// More than [`TopicName::MAX_BYTES`].
    #[error("longer than {} bytes", TopicName::MAX_BYTES)]
    TooLong,
    /// More than [`TopicName::MAX_LEVELS`].
    #[error("more than {} levels", TopicName::MAX_LEVELS)]
    TooDeep,
}

impl TopicName {
    /// Maximum length of a name in bytes.
    pub const MAX_BYTES: usize = 4096;
    /// Maximum depth of a name in levels.
    pub const MAX_LEVELS: usize = 200;

    /// Parses a name.
    ///
    /// # Errors
    /// [`InvalidName`] with the first rule broken.
    pub fn new(text: &str) -> Result<Self, InvalidName> {
        check(text, |level| {
            if level.contains(['*', '>']) {
                Err(NameFault::WildcardInName)
            } else {
                Ok(())
            }
        })
        .map_err(|(fault, at)| InvalidName::new("name", text, fault, at))?;
        Ok(Self(text.into()))
    }

    /// Returns the name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns whether the name begins with `$`, and so belongs to the broker.
    #[must_use]
    pub fn is_reserved(&self) -> bool {
        is_reserved(&self.0)
    }

    /// Returns the owner of the topic or queue with this name.
    #[must_use]
    pub fn owner(&self, kind: DestinationKind) -> Owner {
        if is_brokers_own(kind, self) {
            Owner::Broker
        } else if is_temporary(self) {
            Owner::Session
        } else {
            Owner::Everybody
        }
    }

    /// Returns whether a wildcard in the first level does not match this name.
    pub(crate) fn is_unlisted(&self) -> bool {
        self.is_reserved() || is_advisory(&self.0)
    }
}

impl Borrow<str> for TopicName {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl TopicFilter {
    /// Parses a filter.
    ///
    /// # Errors
    /// [`InvalidName`] with the first rule broken.
    pub fn new(text: &str) -> Result<Self, InvalidName> {
        let mut rest_seen = false;
        check(text, |level| {
            if rest_seen {
                return Err(NameFault::RestNotLast);
            }
            if level.contains(['*', '>']) {
                rest_seen = level == ">";
                if level.len() > 1 {
                    return Err(NameFault::PartialWildcard);
                }
            }
            Ok(())
        })
        .map_err(|(fault, at)| InvalidName::new("filter", text, fault, at))?;
        Ok(Self(text.into()))
    }

    /// Returns the filter as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the only name that the filter matches, if it has no wildcard.
    #[must_use]
    pub fn exact(&self) -> Option<TopicName> {
        // Computed each time: a flag would make every subscription larger, and this is called rarely.
        let is_exact = !self.0.contains(['*', '>']);
        is_exact.then(|| TopicName(Arc::clone(&self.0)))
    }

    /// Returns whether the filter covers `name`.
    #[must_use]
    pub fn matches(&self, name: &TopicName) -> bool {
        if name.is_unlisted() && self.0.starts_with(['*', '>']) {
            return false;
        }
        let mut levels = name.as_str().split('.');
        for wanted in self.0.split('.') {
            if wanted == ">" {
                return true;
            }
            match levels.next() {
                Some(level) if wanted == "*" || wanted == level => {}
                _ => return false,
            }
        }
        levels.next().is_none()
    }
}

impl From<TopicName> for TopicFilter {
    fn from(name: TopicName) -> Self {
        Self(name.0)
    }
}

impl InvalidName {
    fn new(what: &'static str, text: &str, fault: NameFault, at: usize) -> Self {
        Self {
            what,
            text: shorten(text),
            fault,
            at,
        }
    }
}

/// Names that a filter with a leading wildcard does not match at a level of the tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unlisted {
    /// At the first level: names that begin with `$`.
    Own,
    /// Below `ActiveMQ`: the advisories.
    Advisories,
    Nothing,
}

impl Unlisted {
    pub(crate) fn has(self, level: &[u8]) -> bool {
        match self {
            Self::Own => level.starts_with(RESERVED.as_bytes()),
            Self::Advisories => level == ADVISORY_LEVELS[1].as_bytes(),
            Self::Nothing => false,
        }
    }

    /// Returns the value for the next level, if a wildcard stands for this one.
    pub(crate) fn below(self, level: &[u8]) -> Self {
        match self {
            Self::Own if level == ADVISORY_LEVELS[0].as_bytes() => Self::Advisories,
            Self::Own | Self::Advisories | Self::Nothing => Self::Nothing,
        }
    }
}

/// Returns whether a name or filter is in the broker's own part of the tree.
pub(crate) fn is_reserved(text: &str) -> bool {
    text.starts_with(RESERVED)
}

const RESERVED: &str = "$";

/// Returns whether a topic or queue ends with its session. Only its session can create it, but every client may send to
/// it.
pub(crate) fn is_temporary(name: &TopicName) -> bool {
    name.as_str().starts_with(TEMPORARY)
}

/// Returns whether only the broker can send to a topic or queue; such messages do not count as traffic.
pub(crate) fn is_brokers_own(kind: DestinationKind, name: &TopicName) -> bool {
    is_own(name.as_str()) || (kind == DestinationKind::Topic && is_advisory(name.as_str()))
}

/// Returns whether no client can send to any queue that a filter covers.
pub(crate) fn covers_brokers_own_queues(filter: &TopicFilter) -> bool {
    is_own(filter.as_str())
}

fn is_own(text: &str) -> bool {
    is_reserved(text) && !text.starts_with(TEMPORARY)
}

/// The beginning of the names of temporary topics and queues.
pub const TEMPORARY: &str = "$TEMP.";

/// Checks the rules that names and filters share, and each level with `check_level`. Returns the fault and its offset.
fn check(
    text: &str,
    mut check_level: impl FnMut(&str) -> Result<(), NameFault>,
) -> Result<(), (NameFault, usize)> {
    if text.len() > TopicName::MAX_BYTES {
        return Err((NameFault::TooLong, TopicName::MAX_BYTES));
    }
    let mut at = 0;
    for (index, level) in text.split('.').enumerate() {
        if index == TopicName::MAX_LEVELS {
            return Err((NameFault::TooDeep, at));
        }
        if level.is_empty() {
            return Err((NameFault::EmptyLevel, at));
        }
        if let Some((offset, found)) = level
            .char_indices()
            .find(|(_, character)| *character == '/' || character.is_control())
        {
            let fault = if found == '/' {
                NameFault::Slash
            } else {
                NameFault::ControlCharacter
            };
            return Err((fault, at + offset));
        }
        check_level(level).map_err(|fault| (fault, at))?;
        at += level.len() + 1;
    }
    Ok(())
}

/// Keeps an error's text readable for any input.
fn shorten(text: &str) -> String {
    const SHOWN: usize = 80;
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

macro_rules! text_like {
    ($name:ident) => {
        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str(self.as_str())
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(formatter, concat!(stringify!($name), "({})"), self.as_str())
            }
        }

        impl FromStr for $name {
            type Err = InvalidName;

            fn from_str(text: &str) -> Result<Self, InvalidName> {
                Self::new(text)
            }
        }
    };
}

text_like!(TopicName);
text_like!(TopicFilter);

/// The name above all advisory topics, as in ActiveMQ. Like names that begin with `$`, they belong to the broker.
pub const ADVISORIES: &str = "ActiveMQ.Advisory";
/// The levels of [`ADVISORIES`].
pub(crate) const ADVISORY_LEVELS: [&str; 2] = ["ActiveMQ", "Advisory"];

/// Returns whether a name is that of an advisory topic.
pub(crate) fn is_advisory(name: &str) -> bool {
    name.strip_prefix(ADVISORIES)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A text, and the fault that is found in it, with its offset.
    type Case = (&'static str, Result<(), (NameFault, usize)>);

    #[test]
    fn names_are_accepted_or_refused_with_the_fault_and_its_offset() {
        let table: &[Case] = &[
            ("rect", Ok(())),
            ("finance.stock.market", Ok(())),
            ("$SYS.figures", Ok(())),
            ("zäh ler.#+", Ok(())),
            ("", Err((NameFault::EmptyLevel, 0))),
            (".a", Err((NameFault::EmptyLevel, 0))),
            ("a..b", Err((NameFault::EmptyLevel, 2))),
            ("a.", Err((NameFault::EmptyLevel, 2))),
            ("a/b", Err((NameFault::Slash, 1))),
            ("ab.c\u{0}", Err((NameFault::ControlCharacter, 4))),
            ("a.*", Err((NameFault::WildcardInName, 2))),
            ("a.b>", Err((NameFault::WildcardInName, 2))),
        ];
        for (text, wanted) in table {
            let found = TopicName::new(text)
                .map(|_| ())
                .map_err(|error| (error.fault, error.at));
            assert_eq!(found, *wanted, "{text:?}");
        }
    }

    #[test]
    fn filters_are_accepted_or_refused_with_the_fault_and_its_offset() {
        let table: &[Case] = &[
            ("a.*.c", Ok(())),
            ("a.>", Ok(())),
            (">", Ok(())),
            ("*", Ok(())),
            ("*.>", Ok(())),
            ("a.b*", Err((NameFault::PartialWildcard, 2))),
            ("a.>>", Err((NameFault::PartialWildcard, 2))),
            ("a.>.c", Err((NameFault::RestNotLast, 4))),
            ("a..>", Err((NameFault::EmptyLevel, 2))),
        ];
        for (text, wanted) in table {
            let found = TopicFilter::new(text)
                .map(|_| ())
                .map_err(|error| (error.fault, error.at));
            assert_eq!(found, *wanted, "{text:?}");
        }
    }

    #[test]
    fn names_have_a_maximum_length_and_depth() {
        assert!(TopicName::new(&"a".repeat(TopicName::MAX_BYTES)).is_ok());
        let long = TopicName::new(&"a".repeat(TopicName::MAX_BYTES + 1)).map_err(|e| e.fault);
        assert_eq!(long, Err(NameFault::TooLong));
        let levels = |count| vec!["a"; count].join(".");
        assert!(TopicName::new(&levels(TopicName::MAX_LEVELS)).is_ok());
        let deep = TopicName::new(&levels(TopicName::MAX_LEVELS + 1)).map_err(|e| e.fault);
        assert_eq!(deep, Err(NameFault::TooDeep));
    }

    #[test]
    fn filters_match_as_activemq_documents() {
        let table = [
            ("a.b", "a.b", true),
            ("a.b", "a.b.c", false),
            ("a.*", "a.b", true),
            ("a.*", "a", false),
            ("a.*", "a.b.c", false),
            ("*.b", "a.b", true),
            ("a.>", "a", true),
            ("a.>", "a.b.c", true),
            ("a.>", "ab", false),
            (">", "a", true),
            (">", "$SYS.figures", false),
            (">", "ActiveMQ.Advisory.Connection", false),
            ("*.Advisory.>", "ActiveMQ.Advisory.Connection", false),
            (">", "ActiveMQ.AdvisoryBoard", true),
            ("ActiveMQ.>", "ActiveMQ.Advisory.Connection", true),
            ("*.figures", "$SYS.figures", false),
            ("$SYS.>", "$SYS.figures", true),
            ("$SYS.figures", "$SYS.figures", true),
        ];
        for (filter, name, wanted) in table {
            let filter = TopicFilter::new(filter).expect("a filter");
            let name = TopicName::new(name).expect("a name");
            assert_eq!(filter.matches(&name), wanted, "{filter} {name}");
        }
    }

    #[test]
    fn the_error_has_the_text_the_fault_and_the_offset() {
        let error = TopicName::new("a..b").expect_err("an empty level");
        assert_eq!(
            error.to_string(),
            "name \"a..b\": a level is empty; levels are joined by one '.' (at byte 2)"
        );
    }
}
