//! The limits of users.

use access::{Excess, TOKEN_BYTES, TokenHash, UserLimits, Users, write_token};

fn users(text: &str) -> Users {
    Users::parse(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

#[test]
fn without_limits_everything_is_unlimited_and_publishers_would_wait() {
    let users = users("[users.a]\n[anonymous]\n");
    let unlimited = UserLimits::default();
    assert_eq!(users.limits(Some("a"), None), unlimited);
    assert_eq!(users.limits(None, None), unlimited);
    assert_eq!(unlimited.connections, None);
    assert_eq!(unlimited.excess, Excess::Wait);
}

#[test]
fn every_field_is_read_for_every_kind_of_user() {
    let hash = TokenHash::of(&write_token(&[1; TOKEN_BYTES])).expect("a token");
    let fields = "connections = 1\nsubscriptions = 2\nqueues = 0\nqueued-bytes = 4_000\n\
                  sessions = 5\nmessages-per-second = 6\nbytes-per-second = 7\nexcess = \"refuse\"\n";
    let expected = UserLimits {
        connections: Some(1),
        subscriptions: Some(2),
        queues: Some(0),
        queued_bytes: Some(4_000),
        sessions: Some(5),
        messages_per_second: Some(6),
        bytes_per_second: Some(7),
        excess: Excess::Refuse,
    };
    let table = [
        (format!("[users.a]\n[users.a.limits]\n{fields}"), Some("a")),
        (
            format!("[tokens.a]\nhash = \"{hash}\"\n[tokens.a.limits]\n{fields}"),
            Some("a"),
        ),
        (
            format!("[users.a]\ngroups = [\"g\"]\n[groups.g.limits]\n{fields}"),
            Some("a"),
        ),
        (format!("[users.a]\n[limits]\n{fields}"), Some("a")),
        (format!("[anonymous.limits]\n{fields}"), None),
        (format!("[anonymous]\n[limits]\n{fields}"), None),
    ];
    for (text, user) in table {
        assert_eq!(users(&text).limits(user, None), expected, "{text}");
    }
}

#[test]
fn the_own_limit_wins_then_the_largest_of_the_groups_then_the_default() {
    let users = users(
        "[limits]\nconnections = 1\nqueues = 1\nsessions = 1\nexcess = \"refuse\"\n\
         [users.a]\ngroups = [\"small\", \"large\"]\n\
         limits = { connections = 2, subscriptions = \"unlimited\" }\n\
         [users.b]\ngroups = [\"small\"]\n\
         [users.c]\ngroups = [\"small\", \"free\"]\n\
         [groups.small.limits]\nconnections = 5\nqueues = 5\nsubscriptions = 5\n\
         [groups.large.limits]\nqueues = 9\nexcess = \"wait\"\n\
         [groups.free.limits]\nqueues = \"unlimited\"\n\
         [anonymous.limits]\nqueues = 0\n",
    );
    let summary = |user| {
        let UserLimits {
            connections,
            subscriptions,
            queues,
            sessions,
            excess,
            ..
        } = users.limits(user, None);
        (connections, subscriptions, queues, sessions, excess)
    };
    let table = [
        (Some("a"), (Some(2), None, Some(9), Some(1), Excess::Wait)),
        (
            Some("b"),
            (Some(5), Some(5), Some(5), Some(1), Excess::Refuse),
        ),
        (Some("c"), (Some(5), Some(5), None, Some(1), Excess::Refuse)),
        (None, (Some(1), None, Some(0), Some(1), Excess::Refuse)),
        // A user of another source, who is not in the file.
        (
            Some("unknown"),
            (Some(1), None, Some(1), Some(1), Excess::Refuse),
        ),
    ];
    for (user, expected) in table {
        assert_eq!(summary(user), expected, "{user:?}");
    }
}

#[test]
fn a_fault_in_limits_is_reported_with_its_place() {
    let hash = TokenHash::of(&write_token(&[1; TOKEN_BYTES])).expect("a token");
    let table = [
        (
            "[limits]\nconections = 1\n",
            2,
            1,
            "unknown field `conections`",
        ),
        (
            "[limits]\nconnections = -1\n",
            2,
            15,
            "a number that is not negative",
        ),
        ("[limits]\n\nqueues = \"many\"\n", 3, 10, "or \"unlimited\""),
        (
            "[limits]\nsessions = 1.5\n",
            2,
            12,
            "a number that is not negative",
        ),
        (
            "[users.a.limits]\nmessages-per-second = 0\n",
            2,
            23,
            "a rate must be at least 1",
        ),
        (
            "[anonymous.limits]\nexcess = \"drop\"\n",
            2,
            10,
            "unknown variant `drop`",
        ),
    ];
    for (text, line, column, message) in table {
        let error = Users::parse(text).expect_err("a fault");
        assert_eq!(
            (error.line, error.column),
            (line, column),
            "{text}: {error}"
        );
        assert!(error.message.contains(message), "{text}: {error}");
    }
    let of_user = format!(
        "[users.a]\n[tokens.t]\nhash = \"{hash}\"\nuser = \"a\"\nlimits = {{ queues = 1 }}\n"
    );
    let error = Users::parse(&of_user).expect_err("a fault");
    assert_eq!(error.line, 4, "{error}");
    assert!(error.message.contains("limits of the user"), "{error}");
}
