//! Destinations of messages as users write them.
//!
//! A word that begins with `/` is a STOMP destination, such as `/queue/orders`; any other word is a
//! topic. Destinations that the server would refuse are refused here, before connecting.

use std::{borrow::Cow, fmt, str::FromStr};

use broker::{ADVISORIES, DestinationKind, InvalidName, TopicFilter, TopicName};
use destination::stomp::{
    Destination, Misspelled, Place, sent_to, subscribed_to, written_by_others,
};

/// The destination of a SEND: one destination, or several separated by commas.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Target {
    stomp: String,
}

/// The destination of a SUBSCRIBE: a topic or queue, or several by wildcards.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Source {
    stomp: String,
    kind: DestinationKind,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum InvalidDestination {
    #[error(transparent)]
    Name(#[from] InvalidName),
    #[error(transparent)]
    Misspelled(#[from] Misspelled),
    #[error(
        "only the broker can publish to names that begin with '$' and to topics below {ADVISORIES}"
    )]
    Reserved,
    #[error("several destinations need their full form: /topic/a,/queue/b")]
    SeveralTopics,
    #[error("only one destination can be subscribed to; use the wildcards * and > for several")]
    SeveralSources,
}

impl Target {
    /// Parses a `destination` header. A name without a prefix is a queue here, not a topic as on
    /// the command line.
    pub(crate) fn from_stomp(text: &str) -> Result<Self, InvalidDestination> {
        let targets = sent_to(text, SESSION)?;
        if targets.iter().any(|one| is_reserved(&one.destination)) {
            return Err(InvalidDestination::Reserved);
        }
        let stomp = text.to_owned();
        Ok(Self { stomp })
    }

    pub(crate) fn as_stomp(&self) -> &str {
        &self.stomp
    }
}

impl FromStr for Target {
    type Err = InvalidDestination;

    fn from_str(text: &str) -> Result<Self, InvalidDestination> {
        if text.starts_with('/') {
            return Self::from_stomp(text);
        }
        TopicName::new(text)?;
        if text.contains(',') {
            return Err(InvalidDestination::SeveralTopics);
        }
        Self::from_stomp(&format!("{TOPIC}{text}"))
    }
}

impl Source {
    pub(crate) fn as_stomp(&self) -> &str {
        &self.stomp
    }

    /// Returns true for a queue: each message goes to one consumer, and is kept until then.
    pub(crate) fn is_queue(&self) -> bool {
        self.kind == DestinationKind::Queue
    }
}

impl FromStr for Source {
    type Err = InvalidDestination;

    fn from_str(text: &str) -> Result<Self, InvalidDestination> {
        if text.contains(',') {
            return Err(InvalidDestination::SeveralSources);
        }
        if text.starts_with('/') {
            let Destination { kind, .. } = subscribed_to(text, SESSION)?;
            let stomp = text.to_owned();
            return Ok(Self { stomp, kind });
        }
        TopicFilter::new(text)?;
        Ok(Self {
            stomp: format!("{TOPIC}{text}"),
            kind: DestinationKind::Topic,
        })
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(display_name(&self.stomp))
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(display_name(&self.stomp))
    }
}

/// Returns the destination of a MESSAGE in the usual form. The server passes on the form that the
/// SEND had, such as `/topic/a/b` or `topic://a.b` for `/topic/a.b`.
pub(crate) fn normalized(stomp: &str) -> Cow<'_, str> {
    let is_usual = |name: &str| !name.contains(['/', ',']);
    let rest = stomp.strip_prefix(TOPIC).or(stomp.strip_prefix(QUEUE));
    if rest.is_some_and(is_usual) {
        return stomp.into();
    }
    match sent_to(stomp, SESSION).as_deref() {
        Ok([target]) if target.destination.place == Place::Common => {
            let Destination { kind, name, .. } = &target.destination;
            written_by_others(*kind, name.as_str()).into()
        }
        _ => stomp.into(),
    }
}

/// Returns a destination as the command line shows it: a topic by its name, any other destination
/// unchanged.
pub(crate) fn display_name(stomp: &str) -> &str {
    match stomp.strip_prefix(TOPIC) {
        Some(topic) if !topic.contains(',') => topic,
        _ => stomp,
    }
}

fn is_reserved(Destination { kind, place, name }: &Destination<TopicName>) -> bool {
    let below_advisories = name.as_str().strip_prefix(ADVISORIES);
    let is_advisory = below_advisories.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'));
    (*place == Place::Common && name.is_reserved())
        || (*kind == DestinationKind::Topic && is_advisory)
}

pub(crate) const TOPIC: &str = "/topic/";
pub(crate) const QUEUE: &str = "/queue/";

/// Stands for the name of the session, which is unknown before connecting.
const SESSION: &str = "session";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn destinations_of_messages_are_normalized() {
        let table = [
            ("/topic/a.b", "/topic/a.b"),
            ("/topic/a/b.c", "/topic/a.b.c"),
            ("topic://a.b", "/topic/a.b"),
            ("/queue/a/b", "/queue/a.b"),
            ("a.b", "/queue/a.b"),
            ("/temp-queue/a/b", "/temp-queue/a/b"),
            (
                "/remote-temp-queue/$TEMP.x.y",
                "/remote-temp-queue/$TEMP.x.y",
            ),
            ("/other/a", "/other/a"),
        ];
        for (text, expected) in table {
            assert_eq!(normalized(text), expected);
        }
    }

    #[test]
    fn a_word_is_a_topic_and_a_word_with_a_leading_slash_is_a_destination() {
        let table = [
            ("finance.stock", "/topic/finance.stock", "finance.stock"),
            ("/topic/a.b", "/topic/a.b", "a.b"),
            ("/topic/a/b", "/topic/a/b", "a/b"),
            ("/queue/orders", "/queue/orders", "/queue/orders"),
            (
                "/topic/a,/queue/b",
                "/topic/a,/queue/b",
                "/topic/a,/queue/b",
            ),
            ("/queue/a,b", "/queue/a,b", "/queue/a,b"),
        ];
        for (text, stomp, display_name) in table {
            let target: Target = text.parse().unwrap();
            assert_eq!(target.as_stomp(), stomp, "{text}");
            assert_eq!(target.to_string(), display_name, "{text}");
        }
    }

    #[test]
    fn sources_may_have_wildcards_and_are_topics_or_queues() {
        let table = [
            ("a.>", "/topic/a.>", false),
            ("/topic/a.*", "/topic/a.*", false),
            ("/queue/a.>", "/queue/a.>", true),
            ("/temp-queue/a", "/temp-queue/a", true),
            ("$SYS.figures", "/topic/$SYS.figures", false),
        ];
        for (text, stomp, is_queue) in table {
            let source: Source = text.parse().unwrap();
            assert_eq!((source.as_stomp(), source.is_queue()), (stomp, is_queue));
        }
    }

    #[test]
    fn a_reply_to_is_parsed_as_a_stomp_destination() {
        for text in [
            "/remote-temp-queue/$TEMP.ws-1.answers",
            "/topic/answers",
            "answers",
            "topic://answers",
        ] {
            let target = Target::from_stomp(text).unwrap();
            assert_eq!(target.as_stomp(), text);
        }
        for text in ["", "/exchange/a", "/queue/$SYS.x", "/queue/a.*", "ftp://a"] {
            assert!(Target::from_stomp(text).is_err(), "{text}");
        }
    }

    #[test]
    fn an_invalid_target_is_refused_with_the_reason() {
        let table = [
            ("a..b", "a level is empty"),
            ("a/b", "'/' is not allowed"),
            ("a.*", "a wildcard cannot be part"),
            ("a,b", "need their full form"),
            ("$SYS.figures", "only the broker can publish"),
            ("/topic/$SYS.figures", "only the broker can publish"),
            (
                "ActiveMQ.Advisory.Connection",
                "only the broker can publish",
            ),
            ("/queue/", "a level is empty"),
            ("/queue/a,,b", "a level is empty"),
            ("/exchange/amq.topic/a", "write /topic/KEY"),
            ("/dsub/a", "begins with /topic/, /queue/"),
            ("", "a level is empty"),
        ];
        for (text, wanted) in table {
            let error = text.parse::<Target>().unwrap_err().to_string();
            assert!(error.contains(wanted), "{text}: {error}");
        }
    }

    #[test]
    fn an_invalid_source_is_refused_with_the_reason() {
        let table = [
            ("a.>.b", "can only be the last level"),
            ("/queue/a.>.b", "can only be the last level"),
            ("/queue/a,/queue/b", "only one destination"),
            ("/dsub/a", "begins with /topic/, /queue/"),
            ("/remote-temp-queue/$TEMP.ws-1.a", "its owner's"),
        ];
        for (text, wanted) in table {
            let error = text.parse::<Source>().unwrap_err().to_string();
            assert!(error.contains(wanted), "{text}: {error}");
        }
    }
}
