//! STOMP destinations: the texts that name topics and queues, and filters over them.
//!
//! | text | names |
//! |---|---|
//! | `/topic/NAME`, `topic://NAME` | a topic |
//! | `/queue/NAME`, `queue://NAME`, `NAME` | a queue |
//! | `/temp-topic/NAME`, `temp-topic://NAME` | a temporary topic: it belongs to the connection, and ends with it |
//! | `/temp-queue/NAME`, `temp-queue://NAME` | a temporary queue |
//! | `/remote-temp-topic/$TEMP.SESSION.NAME` | another connection's temporary topic, as its `reply-to` names it |
//! | `/remote-temp-queue/$TEMP.SESSION.NAME` | another connection's temporary queue |
//!
//! `a/b` is the same name as `a.b`: STOMP brokers use both separators. SEND takes several destinations, separated by
//! commas; SUBSCRIBE takes a filter in place of NAME.

use std::{borrow::Cow, str::FromStr, sync::Arc};

use broker::{DestinationKind, InvalidName, Spelling, TEMPORARY, TopicFilter, TopicName};

/// One destination. `N` is a name in SEND, a filter in SUBSCRIBE.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Destination<N> {
    /// Topic or queue.
    pub kind: DestinationKind,
    /// The owner of the destination.
    pub place: Place,
    /// The name in the broker.
    pub name: N,
}

/// The owner of a destination.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// No owner: all connections use it.
    Common,
    /// Temporary, of the connection that names it.
    Own,
    /// Temporary, by its full name: all connections may send to it, and only its owner may subscribe.
    Remote,
}

/// One of the destinations of a SEND.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// The topic or queue.
    pub destination: Destination<TopicName>,
    /// The spelling in the SEND.
    pub spelling: Spelling<Arc<str>>,
}

/// The reason why a text names no destination.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Misspelled {
    /// The name is invalid.
    #[error("{0}")]
    Name(#[from] InvalidName),
    /// The form is invalid; the text says what is expected.
    #[error("{0}")]
    Form(&'static str),
}

/// Returns the destinations of a SEND, each once. `session` is the name of the connection that sends.
///
/// # Errors
/// The text is misspelled, or has too many destinations.
pub fn sent_to(text: &str, session: &str) -> Result<Box<[Target]>, Misspelled> {
    let mut found: Vec<Target> = Vec::new();
    for part in text.split(',').map(str::trim) {
        let destination = one(part, session)?;
        if found.iter().any(|other| other.destination == destination) {
            continue;
        }
        if found.len() == MOST_DESTINATIONS {
            return Err(Misspelled::Form("at most 64 destinations in one SEND"));
        }
        let spelling = match other_spelling(part, destination.kind, &destination.name) {
            // The owner of a temporary destination knows it by another name than the senders.
            _ if destination.place != Place::Common => Spelling::Unknown,
            Some(text) => Spelling::Other(text.into()),
            None => Spelling::Usual,
        };
        found.push(Target {
            destination,
            spelling,
        });
    }
    Ok(found.into())
}

/// Returns the text by which a client names a destination, or None if [`write()`] writes the same.
pub fn other_spelling<'a>(
    text: &'a str,
    kind: DestinationKind,
    name: &TopicName,
) -> Option<&'a str> {
    let mut usual = String::new();
    write(kind, name.as_str(), &mut usual);
    let text = text.trim();
    (text != usual).then_some(text)
}

/// Returns the filter of a SUBSCRIBE. `session` is the name of the connection that subscribes.
///
/// # Errors
/// The text is misspelled, or names a temporary destination of another connection.
pub fn subscribed_to(text: &str, session: &str) -> Result<Destination<TopicFilter>, Misspelled> {
    if text.contains(',') {
        let expected = "several destinations are for SEND; subscribe to each with a SUBSCRIBE of its own, \
                        or to many with the wildcards * and >; if the comma is part of a name, add single-destination:true";
        return Err(Misspelled::Form(expected));
    }
    subscribed_to_single(text, session)
}

/// Returns the filter of a SUBSCRIBE to a single destination: a comma is part of its name.
///
/// # Errors
/// As for [`subscribed_to`].
pub fn subscribed_to_single(
    text: &str,
    session: &str,
) -> Result<Destination<TopicFilter>, Misspelled> {
    let destination: Destination<TopicFilter> = one(text.trim(), session)?;
    let is_own = destination.name.as_str().starts_with(&own_prefix(session));
    match destination.place {
        Place::Remote if !is_own => Err(Misspelled::Form(NOT_OURS)),
        Place::Own | Place::Remote if destination.name.exact().is_none() => {
            let expected =
                "a temporary destination is subscribed to by its name, without wildcards";
            Err(Misspelled::Form(expected))
        }
        Place::Remote | Place::Own => Ok(Destination {
            place: Place::Own,
            ..destination
        }),
        Place::Common => Ok(destination),
    }
}

/// Returns the destination of a `reply-to` header if it is a temporary one of this connection, else None. The caller
/// replaces the header: other connections need the full name.
pub fn reply_to(text: &str, session: &str) -> Option<Result<Destination<TopicName>, Misspelled>> {
    let (space, _) = space(text.trim()).ok()?;
    (space.place == Place::Own).then(|| one(text.trim(), session))
}

/// Appends the name of a topic or queue as in a MESSAGE. Only the owner reads a temporary one, and knows it by its short
/// name.
pub fn write(kind: DestinationKind, name: &str, out: &mut String) {
    let own = name
        .strip_prefix(TEMPORARY)
        .and_then(|rest| rest.split_once('.'));
    let (prefix, rest) = match (kind, own) {
        (_, None) => (prefix_for_others(kind, name), name),
        (DestinationKind::Topic, Some((_, own))) => ("/temp-topic/", own),
        (DestinationKind::Queue, Some((_, own))) => ("/temp-queue/", own),
    };
    out.push_str(prefix);
    out.push_str(rest);
}

/// Returns the name of a topic or queue, or a filter, as other connections write it: a temporary one by its full name.
pub fn written_by_others(kind: DestinationKind, name: &str) -> String {
    format!("{}{name}", prefix_for_others(kind, name))
}

fn prefix_for_others(kind: DestinationKind, name: &str) -> &'static str {
    match (kind, name.starts_with(TEMPORARY)) {
        (DestinationKind::Topic, false) => "/topic/",
        (DestinationKind::Queue, false) => "/queue/",
        (DestinationKind::Topic, true) => "/remote-temp-topic/",
        (DestinationKind::Queue, true) => "/remote-temp-queue/",
    }
}

fn one<N: FromStr<Err = InvalidName>>(
    text: &str,
    session: &str,
) -> Result<Destination<N>, Misspelled> {
    let (Space { kind, place }, path) = space(text)?;
    if path.contains("?consumer.") {
        let expected =
            "options are headers here, such as activemq.prefetchSize:1 and activemq.exclusive:true";
        return Err(Misspelled::Form(expected));
    }
    let path = if path.contains('/') {
        path.replace('/', ".").into()
    } else {
        Cow::Borrowed(path)
    };
    let name = match place {
        Place::Common if path.starts_with(TEMPORARY) => return Err(Misspelled::Form(NOT_OURS)),
        Place::Remote if !path.starts_with(TEMPORARY) => return Err(Misspelled::Form(NOT_REMOTE)),
        Place::Common | Place::Remote => path.parse()?,
        Place::Own => format!("{}{path}", own_prefix(session)).parse()?,
    };
    Ok(Destination { kind, place, name })
}

/// The meaning of a destination's prefix.
#[derive(Debug, Clone, Copy)]
struct Space {
    kind: DestinationKind,
    place: Place,
}

/// Splits a destination into the meaning of its prefix and the rest.
fn space(text: &str) -> Result<(Space, &str), Misspelled> {
    let known = SPACES.into_iter().find_map(|(prefix, kind, place)| {
        Some((Space { kind, place }, text.strip_prefix(prefix)?))
    });
    if let Some(known) = known {
        return Ok(known);
    }
    for (prefix, instead) in FOREIGN {
        if text.starts_with(prefix) {
            return Err(Misspelled::Form(instead));
        }
    }
    if text.starts_with('/') || text.contains("://") {
        return Err(Misspelled::Form(UNKNOWN));
    }
    // ActiveMQ: a name without a prefix is a queue.
    let (kind, place) = (DestinationKind::Queue, Place::Common);
    Ok((Space { kind, place }, text))
}

fn own_prefix(session: &str) -> String {
    format!("{TEMPORARY}{session}.")
}

const SPACES: [(&str, DestinationKind, Place); 10] = [
    ("/topic/", DestinationKind::Topic, Place::Common),
    ("/queue/", DestinationKind::Queue, Place::Common),
    ("/temp-topic/", DestinationKind::Topic, Place::Own),
    ("/temp-queue/", DestinationKind::Queue, Place::Own),
    ("/remote-temp-topic/", DestinationKind::Topic, Place::Remote),
    ("/remote-temp-queue/", DestinationKind::Queue, Place::Remote),
    ("topic://", DestinationKind::Topic, Place::Common),
    ("queue://", DestinationKind::Queue, Place::Common),
    ("temp-topic://", DestinationKind::Topic, Place::Own),
    ("temp-queue://", DestinationKind::Queue, Place::Own),
];

/// Prefixes of RabbitMQ that Carillon does not have, with the error's advice.
const FOREIGN: [(&str, &str); 3] = [
    (
        "/exchange/",
        "there are no exchanges; for /exchange/amq.topic/KEY write /topic/KEY, for another exchange a topic \
         or a queue of its own, /topic/NAME or /queue/NAME",
    ),
    (
        "/amq/queue/",
        "write /queue/NAME; the first SEND or SUBSCRIBE creates a queue",
    ),
    (
        "/reply-queue/",
        "answers go to what the request's reply-to says; to receive some, write reply-to:/temp-queue/NAME \
         and subscribe to /temp-queue/NAME",
    ),
];

const UNKNOWN: &str = "a destination begins with /topic/, /queue/, /temp-topic/ or /temp-queue/";
const NOT_OURS: &str = "a temporary destination is its owner's, who writes /temp-queue/NAME or /temp-topic/NAME; \
     others can only send to what its reply-to says, /remote-temp-queue/... or /remote-temp-topic/...";
const NOT_REMOTE: &str =
    "the prefix is followed by the full name from a reply-to, $TEMP.SESSION.NAME";

/// Maximum number of destinations of one SEND.
const MOST_DESTINATIONS: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    const SESSION: &str = "tcp-7";

    fn name(text: &str) -> TopicName {
        TopicName::new(text).expect("a name")
    }

    #[test]
    fn each_spelling_names_its_destination() {
        let table = [
            ("/topic/a.b", DestinationKind::Topic, Place::Common, "a.b"),
            ("/topic/a/b", DestinationKind::Topic, Place::Common, "a.b"),
            ("topic://a.b", DestinationKind::Topic, Place::Common, "a.b"),
            ("/queue/a.b", DestinationKind::Queue, Place::Common, "a.b"),
            ("/queue/a/b", DestinationKind::Queue, Place::Common, "a.b"),
            ("queue://a.b", DestinationKind::Queue, Place::Common, "a.b"),
            ("a.b", DestinationKind::Queue, Place::Common, "a.b"),
            ("a/b", DestinationKind::Queue, Place::Common, "a.b"),
            (" /queue/a ", DestinationKind::Queue, Place::Common, "a"),
            (
                "/temp-topic/x",
                DestinationKind::Topic,
                Place::Own,
                "$TEMP.tcp-7.x",
            ),
            (
                "temp-topic://x",
                DestinationKind::Topic,
                Place::Own,
                "$TEMP.tcp-7.x",
            ),
            (
                "/temp-queue/x/y",
                DestinationKind::Queue,
                Place::Own,
                "$TEMP.tcp-7.x.y",
            ),
            (
                "temp-queue://x",
                DestinationKind::Queue,
                Place::Own,
                "$TEMP.tcp-7.x",
            ),
            (
                "/remote-temp-queue/$TEMP.ws-1.x",
                DestinationKind::Queue,
                Place::Remote,
                "$TEMP.ws-1.x",
            ),
            (
                "/remote-temp-topic/$TEMP.ws-1.x",
                DestinationKind::Topic,
                Place::Remote,
                "$TEMP.ws-1.x",
            ),
        ];
        for (text, kind, place, full) in table {
            let name = name(full);
            let wanted = Destination { kind, place, name };
            let found = sent_to(text, SESSION).expect("a destination");
            let found: Vec<_> = found.iter().map(|one| &one.destination).collect();
            assert_eq!(found, [&wanted], "{text}");
        }
    }

    #[test]
    fn an_unusual_spelling_of_a_send_is_kept() {
        let text =
            "/topic/a.b, /queue/a/b,queue://a.c,d,/temp-queue/x,/remote-temp-topic/$TEMP.s.x";
        let found = sent_to(text, SESSION).expect("destinations");
        let found: Vec<_> = found.iter().map(|one| one.spelling.clone()).collect();
        let other = |text: &str| Spelling::Other(text.into());
        let wanted = [
            Spelling::Usual,
            other("/queue/a/b"),
            other("queue://a.c"),
            other("d"),
            Spelling::Unknown,
            Spelling::Unknown,
        ];
        assert_eq!(found, wanted);
    }

    #[test]
    fn a_send_names_several_destinations_each_once() {
        let found = sent_to("/topic/a, b,/queue/b,/temp-queue/c", SESSION).expect("destinations");
        let found: Vec<_> = found
            .iter()
            .map(|one| (one.destination.kind, one.destination.name.as_str()))
            .collect();
        let wanted = [
            (DestinationKind::Topic, "a"),
            (DestinationKind::Queue, "b"),
            (DestinationKind::Queue, "$TEMP.tcp-7.c"),
        ];
        assert_eq!(found, wanted);
        let many = |count: usize| {
            let names: Vec<_> = (0..count).map(|number| format!("q{number}")).collect();
            sent_to(&names.join(","), SESSION)
        };
        assert!(many(MOST_DESTINATIONS).is_ok());
        assert!(matches!(
            many(MOST_DESTINATIONS + 1),
            Err(Misspelled::Form(_))
        ));
    }

    #[test]
    fn an_invalid_destination_is_refused_with_a_valid_form() {
        let table = [
            ("/exchange/amq.topic/a", "/topic/KEY"),
            ("/amq/queue/a", "/queue/NAME"),
            ("/reply-queue/a", "/temp-queue/NAME"),
            ("/dsub/a", "begins with /topic/"),
            ("jms://a", "begins with /topic/"),
            ("/queue/a?consumer.prefetchSize=1", "activemq.prefetchSize"),
            ("/queue/$TEMP.ws-1.x", "its owner's"),
            ("/remote-temp-queue/x", "full name"),
            ("/queue/", "a level is empty"),
            ("/queue/a,,b", "a level is empty"),
            ("", "a level is empty"),
            ("/topic/a.*", "wildcard"),
        ];
        for (text, wanted) in table {
            let error = sent_to(text, SESSION).expect_err(text).to_string();
            assert!(error.contains(wanted), "{text}: {error}");
        }
    }

    #[test]
    fn subscriptions_accept_filters_and_own_temporary_destinations() {
        let table = [
            (
                "/topic/a.>",
                Some((DestinationKind::Topic, Place::Common, "a.>")),
            ),
            (
                "/queue/*.b",
                Some((DestinationKind::Queue, Place::Common, "*.b")),
            ),
            ("a.*", Some((DestinationKind::Queue, Place::Common, "a.*"))),
            (
                "/temp-queue/x",
                Some((DestinationKind::Queue, Place::Own, "$TEMP.tcp-7.x")),
            ),
            (
                "/remote-temp-queue/$TEMP.tcp-7.x",
                Some((DestinationKind::Queue, Place::Own, "$TEMP.tcp-7.x")),
            ),
            ("/remote-temp-queue/$TEMP.tcp-70.x", None),
            ("/topic/$TEMP.>", None),
            ("/temp-queue/*", None),
            ("/queue/a,b", None),
        ];
        for (text, wanted) in table {
            let found = subscribed_to(text, SESSION).ok();
            let found = found
                .as_ref()
                .map(|one| (one.kind, one.place, one.name.as_str()));
            assert_eq!(found, wanted, "{text}");
        }
    }

    #[test]
    fn a_comma_is_part_of_a_single_destination() {
        for text in ["/topic/a,b", "/topic/a, b.*", "/topic/a,/queue/b"] {
            assert!(subscribed_to(text, SESSION).is_err(), "{text}");
        }
        for (text, wanted) in [
            ("/topic/a,b", "a,b"),
            ("/topic/a, b.*", "a, b.*"),
            ("/topic/a,/queue/b", "a,.queue.b"),
        ] {
            let found = subscribed_to_single(text, SESSION).expect(text);
            assert_eq!(
                (found.kind, found.name.as_str()),
                (DestinationKind::Topic, wanted)
            );
        }
        assert!(subscribed_to_single("/queue/$TEMP.ws-1.x", SESSION).is_err());
    }

    #[test]
    fn only_own_temporary_destinations_are_rewritten_in_a_reply_to() {
        let table = [
            ("/temp-queue/x", Some("/remote-temp-queue/$TEMP.tcp-7.x")),
            ("temp-topic://x", Some("/remote-temp-topic/$TEMP.tcp-7.x")),
            ("/queue/x", None),
            ("/remote-temp-queue/$TEMP.ws-1.x", None),
            ("/exchange/x", None),
        ];
        for (text, wanted) in table {
            let found = reply_to(text, SESSION).map(|found| found.expect("a destination"));
            let found = found.map(|one| written_by_others(one.kind, one.name.as_str()));
            assert_eq!(found.as_deref(), wanted, "{text}");
        }
    }

    #[test]
    fn messages_have_their_destination_in_the_form_of_the_subscriber() {
        let table = [
            (DestinationKind::Topic, "a.b", "/topic/a.b"),
            (DestinationKind::Queue, "a.b", "/queue/a.b"),
            (DestinationKind::Queue, "$TEMP.tcp-7.x.y", "/temp-queue/x.y"),
            (DestinationKind::Topic, "$TEMP.tcp-7.x", "/temp-topic/x"),
        ];
        for (kind, full, wanted) in table {
            let mut written = String::new();
            write(kind, full, &mut written);
            assert_eq!(written, wanted);
        }
    }
}
