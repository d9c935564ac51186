//! Topic names, topic filters and filters of shared subscriptions: 5.0, 4.7 and 4.8.2.

use wire::mqtt::{TopicError, TopicFilter, TopicName};

/// 4.7.1, 4.7.3, including the specification's examples.
#[test]
fn names() {
    for name in [
        "a",
        "/",
        "/finance",
        "a//b",
        "Accounts payable",
        "$SYS/x",
        " ",
        "é/🔔",
    ] {
        assert_eq!(TopicName::parse(name).map(|name| name.as_str()), Ok(name));
    }
    for (name, error) in [
        ("", TopicError::Empty),
        ("a\0", TopicError::Nul),
        ("a/#", TopicError::Wildcard),
        ("+", TopicError::Wildcard),
        ("a+b", TopicError::Wildcard),
    ] {
        assert_eq!(TopicName::parse(name), Err(error), "{name:?}");
    }
    assert!(TopicName::parse(&"x".repeat(65_535)).is_ok());
    let long = "x".repeat(65_536);
    assert_eq!(TopicName::parse(&long), Err(TopicError::TooLong));
    assert_eq!(TopicFilter::parse(&long), Err(TopicError::TooLong));
}

/// 4.7.1.2 and 4.7.1.3, with their examples.
#[test]
fn filters() {
    let valid = [
        "sport/tennis/player1/#",
        "sport/#",
        "#",
        "sport/tennis/#",
        "+",
        "+/tennis/#",
        "sport/+/player1",
        "/+",
        "+/+",
        "+/",
        "/#",
        "$SYS/#",
        "$SYS/monitor/+",
        "$shared/a",
        "a",
        "/",
    ];
    for filter in valid {
        let parsed = TopicFilter::parse(filter).unwrap();
        assert_eq!(parsed.as_str(), filter);
        assert_eq!(parsed.check_shared(), Ok(None));
    }
    for (filter, error) in [
        ("sport/tennis#", TopicError::MultiLevelWildcard),
        ("sport/tennis/#/ranking", TopicError::MultiLevelWildcard),
        ("##", TopicError::MultiLevelWildcard),
        ("#/", TopicError::MultiLevelWildcard),
        ("+#", TopicError::SingleLevelWildcard),
        ("sport+", TopicError::SingleLevelWildcard),
        ("+sport", TopicError::SingleLevelWildcard),
        ("a/++/b", TopicError::SingleLevelWildcard),
        ("", TopicError::Empty),
        ("\0", TopicError::Nul),
    ] {
        assert_eq!(TopicFilter::parse(filter), Err(error), "{filter:?}");
    }
}

/// 4.8.2, with its examples.
#[test]
fn shared_subscriptions() {
    for (text, share_name, filter) in [
        (
            "$share/consumer1/sport/tennis/+",
            "consumer1",
            "sport/tennis/+",
        ),
        ("$share/consumer1//finance", "consumer1", "/finance"),
        ("$share/a/#", "a", "#"),
        ("$share/$share/a", "$share", "a"),
    ] {
        let shared = TopicFilter::parse(text).unwrap().shared().unwrap();
        assert_eq!(
            (shared.share_name, shared.filter.as_str()),
            (share_name, filter)
        );
    }
    for (text, error) in [
        ("$share", TopicError::ShareName),
        ("$share/", TopicError::ShareName),
        ("$share//a", TopicError::ShareName),
        ("$share/+/a", TopicError::ShareName),
        ("$share/#", TopicError::ShareName),
        ("$share/a", TopicError::ShareFilter),
        ("$share/a/", TopicError::ShareFilter),
    ] {
        let filter = TopicFilter::parse(text).unwrap();
        assert_eq!(filter.check_shared(), Err(error), "{text}");
        assert_eq!(filter.shared(), None);
    }
}
