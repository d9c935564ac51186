//! MQTT's topic names and filters, translated to Carillon's and back.
//!
//! | MQTT | Carillon |
//! |---|---|
//! | `finance/stock/market` | `finance.stock.market` |
//! | `finance/+`, `finance/#` | `finance.*`, `finance.>` |
//! | `$queue/orders` | queue `orders` |
//! | a level with `.`, `*`, `>` or a control character: `v1.5` | the character as `%` and two digits: `v1%2E5` |
//! | an empty level: `/a` | `%`: `%.a` |
//! | `%2B`, `%23` | a level with `+` or `#`, which MQTT's names cannot have |
//!
//! The translation is reversible: a text that only looks like one of these escapes gets a `25` after its `%`. MQTT's
//! `%2E` is Carillon's `%252E`, and Carillon's `%2B` is MQTT's `%252B`. Every other `%` stays as it is.

use std::borrow::Cow;

use broker::{DestinationKind, InvalidName, TopicFilter, TopicName};

/// Returns the topic or queue that an MQTT topic name stands for.
///
/// # Errors
/// The translated name is too long or too deep.
pub fn published_to(topic: &str) -> Result<(DestinationKind, TopicName), InvalidName> {
    let (kind, rest) = kind_of(topic);
    Ok((kind, TopicName::new(&translated(rest, Side::Mqtt))?))
}

/// Returns the filter that an MQTT topic filter stands for. The caller strips `$share/NAME/` first.
///
/// # Errors
/// The translated filter is too long or too deep.
pub fn subscribed_to(filter: &str) -> Result<(DestinationKind, TopicFilter), InvalidName> {
    let (kind, rest) = kind_of(filter);
    Ok((kind, TopicFilter::new(&translated(rest, Side::Mqtt))?))
}

/// Returns the MQTT topic name of a topic or queue.
pub fn written(kind: DestinationKind, name: &str) -> String {
    let mut out = String::new();
    write(kind, name, &mut out);
    out
}

/// Appends the MQTT topic name of a topic or queue.
pub fn write(kind: DestinationKind, name: &str, out: &mut String) {
    if kind == DestinationKind::Queue {
        out.push_str(QUEUE);
    }
    // Called for each message: nearly all names differ only in their separators.
    if name
        .bytes()
        .any(|byte| byte == b'%' || !Side::Mqtt.may_hold(char::from(byte)))
    {
        out.push_str(&translated(name, Side::Carillon));
        return;
    }
    let mut levels = name.split(Side::Carillon.separator());
    out.extend(levels.next());
    for level in levels {
        out.push(Side::Mqtt.separator());
        out.push_str(level);
    }
}

fn kind_of(topic: &str) -> (DestinationKind, &str) {
    match topic.strip_prefix(QUEUE) {
        Some(queue) => (DestinationKind::Queue, queue),
        None => (DestinationKind::Topic, topic),
    }
}

/// One of the two notations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    Mqtt,
    Carillon,
}

impl Side {
    const fn separator(self) -> char {
        match self {
            Self::Mqtt => '/',
            Self::Carillon => '.',
        }
    }

    const fn other(self) -> Self {
        match self {
            Self::Mqtt => Self::Carillon,
            Self::Carillon => Self::Mqtt,
        }
    }

    /// Returns the other side's wildcard if the level is a wildcard on this side.
    const fn wildcard(self, level: &[u8]) -> Option<char> {
        match (self, level) {
            (Self::Mqtt, b"+") => Some('*'),
            (Self::Mqtt, b"#") => Some('>'),
            _ => None,
        }
    }

    /// Returns true if a level may hold the character.
    fn may_hold(self, character: char) -> bool {
        match self {
            Self::Mqtt => !matches!(character, '+' | '#'),
            Self::Carillon => !matches!(character, '.' | '*' | '>') && !character.is_control(),
        }
    }

    /// Returns true if a level may be empty.
    const fn has_empty_levels(self) -> bool {
        matches!(self, Self::Mqtt)
    }
}

fn translated(text: &str, from: Side) -> Cow<'_, str> {
    let to = from.other();
    let mut levels = text.split(from.separator());
    let is_alone = levels.next().map(str::len) == Some(text.len());
    if is_alone && is_plain(text, from) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 8);
    for (index, level) in text.split(from.separator()).enumerate() {
        if index > 0 {
            out.push(to.separator());
        }
        if let Some(wildcard) = from.wildcard(level.as_bytes()) {
            out.push(wildcard);
        } else if is_plain(level, from) && (is_alone || !is_mark_of_empty(level)) {
            out.push_str(level);
        } else if !is_alone && is_mark_of_empty(level) {
            translate_empty(level, from, &mut out);
        } else {
            translate_level(level, from, &mut out);
        }
    }
    Cow::Owned(out)
}

/// Returns true if both sides write the level alike. The caller checks [`is_mark_of_empty`].
fn is_plain(level: &str, from: Side) -> bool {
    from.wildcard(level.as_bytes()).is_none()
        && level
            .chars()
            .all(|character| character != '%' && from.other().may_hold(character))
}

/// Returns true for the empty level, for `%`, which stands for it, and for the escapes of `%`: `%25`, `%2525` and so on.
fn is_mark_of_empty(level: &str) -> bool {
    level.is_empty()
        || level
            .strip_prefix('%')
            .is_some_and(|rest| without_twenty_fives(rest).is_empty())
}

fn translate_empty(level: &str, from: Side, out: &mut String) {
    match level.strip_prefix('%') {
        // The other side refuses an empty level with its own error.
        None if !from.has_empty_levels() => {}
        None => out.push('%'),
        Some(rest) if from.has_empty_levels() => {
            out.push_str("%25");
            out.push_str(rest);
        }
        Some("") => {}
        Some(rest) => {
            out.push('%');
            out.push_str(&rest[TWENTY_FIVE.len()..]);
        }
    }
}

fn translate_level(level: &str, from: Side, out: &mut String) {
    let to = from.other();
    let mut rest = level;
    while let Some(character) = rest.chars().next() {
        if let Some(escape) = Escape::at(rest) {
            escape.translate(to, out);
            rest = &rest[escape.text.len()..];
            continue;
        }
        if to.may_hold(character) {
            out.push(character);
        } else {
            out.push_str(&format!("%{:02X}", u32::from(character)));
        }
        rest = &rest[character.len_utf8()..];
    }
}

/// An escape: `%`, any number of `25`, and the two digits of a character that one of the sides cannot hold.
struct Escape<'a> {
    text: &'a str,
    stands_for: char,
}

impl<'a> Escape<'a> {
    fn at(text: &'a str) -> Option<Self> {
        let code = without_twenty_fives(text.strip_prefix('%')?);
        let digits = code.get(..2)?;
        if !digits
            .bytes()
            .all(|digit| digit.is_ascii_digit() || (b'A'..=b'F').contains(&digit))
        {
            return None;
        }
        let stands_for = char::from(u8::from_str_radix(digits, 16).ok()?);
        let is_escape = stands_for != '\0'
            && !(Side::Mqtt.may_hold(stands_for) && Side::Carillon.may_hold(stands_for));
        is_escape.then_some(Self {
            text: &text[..text.len() - code.len() + digits.len()],
            stands_for,
        })
    }

    fn translate(&self, to: Side, out: &mut String) {
        let rest = &self.text[1..];
        if !to.may_hold(self.stands_for) {
            // The text is no escape on its own side, and must not become one.
            out.push_str("%25");
            out.push_str(rest);
        } else if let Some(fewer) = rest.strip_prefix(TWENTY_FIVE) {
            out.push('%');
            out.push_str(fewer);
        } else {
            out.push(self.stands_for);
        }
    }
}

fn without_twenty_fives(mut text: &str) -> &str {
    while let Some(rest) = text.strip_prefix(TWENTY_FIVE) {
        text = rest;
    }
    text
}

/// The prefix of queues.
const QUEUE: &str = "$queue/";
/// The digits of an escaped `%`.
const TWENTY_FIVE: &str = "25";

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use wire::mqtt;

    use super::*;

    #[test]
    fn names_are_translated_to_the_same_tree() {
        let table = [
            ("rect", DestinationKind::Topic, "rect"),
            (
                "finance/stock/market",
                DestinationKind::Topic,
                "finance.stock.market",
            ),
            (
                "$SYS/broker/uptime",
                DestinationKind::Topic,
                "$SYS.broker.uptime",
            ),
            ("$queue/orders", DestinationKind::Queue, "orders"),
            ("$queue/shop/orders", DestinationKind::Queue, "shop.orders"),
            ("v1.5/x", DestinationKind::Topic, "v1%2E5.x"),
            ("a*b/c>", DestinationKind::Topic, "a%2Ab.c%3E"),
            ("/a", DestinationKind::Topic, "%.a"),
            ("a//b/", DestinationKind::Topic, "a.%.b.%"),
            ("/", DestinationKind::Topic, "%.%"),
            ("%/a", DestinationKind::Topic, "%25.a"),
            ("%25/a", DestinationKind::Topic, "%2525.a"),
            ("%", DestinationKind::Topic, "%"),
            ("100%", DestinationKind::Topic, "100%"),
            ("100%/20% off", DestinationKind::Topic, "100%.20% off"),
            ("%2E", DestinationKind::Topic, "%252E"),
            ("%252E", DestinationKind::Topic, "%25252E"),
            ("%2e", DestinationKind::Topic, "%2e"),
            ("%2B", DestinationKind::Topic, "+"),
            ("%252B", DestinationKind::Topic, "%2B"),
            ("a\u{1}\u{85}b", DestinationKind::Topic, "a%01%85b"),
            ("%2.", DestinationKind::Topic, "%2%2E"),
        ];
        for (mqtt, kind, carillon) in table {
            let found = published_to(mqtt).expect("a name");
            assert_eq!(found, (kind, TopicName::new(carillon).expect("a name")));
            assert_eq!(written(kind, carillon), mqtt, "{carillon}");
        }
    }

    #[test]
    fn filters_are_translated_like_names() {
        let table = [
            ("#", "#", ">"),
            ("+", "+", "*"),
            ("finance/#", "finance/#", "finance.>"),
            ("+/stock/+", "+/stock/+", "*.stock.*"),
            ("/#", "/#", "%.>"),
            ("v1.5/+", "v1.5/+", "v1%2E5.*"),
        ];
        for (mqtt, _, carillon) in table {
            let (kind, filter) = subscribed_to(mqtt).expect("a filter");
            assert_eq!((kind, filter.as_str()), (DestinationKind::Topic, carillon));
        }
        let (kind, filter) = subscribed_to("$queue/shop/#").expect("a filter");
        assert_eq!((kind, filter.as_str()), (DestinationKind::Queue, "shop.>"));
    }

    #[test]
    fn a_name_that_becomes_too_long_or_too_deep_is_refused() {
        assert!(published_to(&"a".repeat(TopicName::MAX_BYTES + 1)).is_err());
        assert!(published_to(&"a/".repeat(TopicName::MAX_LEVELS)).is_err());
        assert!(published_to("$queue/").is_err());
    }

    proptest! {
        #[test]
        fn names_of_mqtt_survive_a_round_trip(topic in "([%2350ABEF.*>a/\u{85}\u{1}]|%2E|%2B|%25){1,20}") {
            prop_assume!(mqtt::TopicName::parse(&topic).is_ok());
            let (kind, name) = published_to(&topic).expect("a name");
            prop_assert_eq!(written(kind, name.as_str()), topic);
        }

        #[test]
        fn names_of_carillon_survive_a_round_trip(name in "([%2350ABEF+#a.]|%2E|%2B|%25){1,20}") {
            prop_assume!(TopicName::new(&name).is_ok());
            let topic = written(DestinationKind::Topic, &name);
            prop_assert!(mqtt::TopicName::parse(&topic).is_ok(), "{}", topic);
            let (kind, back) = published_to(&topic).expect("a name");
            prop_assert_eq!((kind, back.as_str()), (DestinationKind::Topic, name.as_str()));
        }
    }
}
