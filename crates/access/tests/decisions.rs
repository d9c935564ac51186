//! Decisions from the text of a users file.

use access::{Grants, Identity, Right, Users};
use broker::{DestinationKind, TopicFilter, TopicName};
use proptest::prelude::*;

const FILE: &str = r#"
[users.anna]
groups = ["editors"]
[users.sensor-7]
groups = ["devices"]
[users.root]
manage = [">"]
[users.queues-only]
manage = ["/queue/>"]
[users."a.b"]
groups = ["devices"]
[groups.editors]
publish = ["news.>"]
subscribe = ["news.>", "alerts.*"]
send = ["orders.>"]
receive = ["/queue/orders.eu"]
deny.publish = ["news.secret.>"]
deny.subscribe = ["alerts.internal"]
[groups.devices]
publish = ["devices.%u.>"]
subscribe = ["devices.%u.commands", "clients.%c"]
deny.subscribe = ["devices.%u.commands.root"]
[anonymous]
subscribe = ["public.>"]
"#;

fn grants(user: Option<&str>, client: Option<&str>) -> Grants {
    let users = Users::parse(FILE).expect("a legal file");
    users.grants(&Identity {
        user: user.map(Into::into),
        client: client.map(Into::into),
        groups: None,
    })
}

/// Returns whether a user may do something, written as in `carillon user check`: `publish news.a`.
fn may(user: Option<&str>, action: &str) -> bool {
    let (right, name) = action.split_once(' ').expect("right and name");
    let right = Right::from_name(right).expect("a right");
    let (kind, name) = match name.strip_prefix("/queue/") {
        Some(name) => (DestinationKind::Queue, name),
        None => (right.kind().unwrap_or(DestinationKind::Topic), name),
    };
    let name = TopicName::new(name).expect("a legal name");
    grants(user, Some("c1")).allows(right, kind, &name)
}

#[test]
fn rules_decide() {
    let table = [
        (Some("anna"), "publish news.sport", true),
        (Some("anna"), "publish news", true),
        (Some("anna"), "publish alerts.fire", false),
        (Some("anna"), "publish news.secret", false),
        (Some("anna"), "publish news.secret.x", false),
        (Some("anna"), "subscribe news.secret", true),
        (Some("anna"), "subscribe alerts.fire", true),
        (Some("anna"), "subscribe alerts.internal", false),
        (Some("anna"), "send orders.us", true),
        (Some("anna"), "receive orders.eu", true),
        (Some("anna"), "receive orders.us", false),
        (Some("anna"), "browse orders.eu", false),
        (Some("anna"), "manage news.sport", false),
        // A topic and a queue of the same name are different destinations.
        (Some("anna"), "publish orders.us", false),
        (Some("sensor-7"), "publish devices.sensor-7.t", true),
        (Some("sensor-7"), "publish devices.sensor-8.t", false),
        (Some("sensor-7"), "subscribe clients.c1", true),
        (Some("sensor-7"), "subscribe clients.c2", false),
        // The name has a separator, so the rules with `%u` give nothing and deny everything that they could mean.
        (Some("a.b"), "publish devices.a.b.t", false),
        (Some("root"), "manage news", true),
        (Some("root"), "manage /queue/orders", true),
        (Some("root"), "publish news", false),
        (Some("root"), "subscribe $SYS.figures", true),
        (Some("queues-only"), "manage /queue/orders", true),
        (Some("queues-only"), "manage orders", false),
        (Some("queues-only"), "subscribe $SYS.figures", false),
        (None, "subscribe public.a", true),
        (None, "subscribe news.sport", false),
        (Some("nobody"), "subscribe public.a", false),
    ];
    for (user, action, expected) in table {
        assert_eq!(may(user, action), expected, "{user:?} {action}");
    }
}

#[test]
fn advisories_are_visible_for_destinations_that_may_be_read() {
    let table = [
        (
            "subscribe ActiveMQ.Advisory.Consumer.Topic.news.sport",
            true,
        ),
        (
            "subscribe ActiveMQ.Advisory.Consumer.Topic.alerts.internal",
            false,
        ),
        ("subscribe ActiveMQ.Advisory.Producer.Queue.orders.eu", true),
        (
            "subscribe ActiveMQ.Advisory.Producer.Queue.orders.us",
            false,
        ),
        ("subscribe ActiveMQ.Advisory.Connection", false),
    ];
    for (action, expected) in table {
        assert_eq!(may(Some("anna"), action), expected, "{action}");
    }
}

#[test]
fn temporary_destinations_need_no_rule() {
    for action in ["publish $TEMP.http-1.a", "send /queue/$TEMP.http-1.a"] {
        assert!(may(None, action), "{action}");
    }
}

#[test]
fn only_manage_of_everything_manages_the_server() {
    assert!(grants(Some("root"), None).may_manage_server());
    assert!(!grants(Some("queues-only"), None).may_manage_server());
    assert!(!grants(Some("anna"), None).may_manage_server());
    assert!(Grants::open().may_manage_server());
}

#[test]
fn a_filter_is_refused_if_nothing_can_match() {
    let table = [
        (Some("anna"), ">", true),
        (Some("anna"), "news.*.x", true),
        (Some("anna"), "devices.>", false),
        (Some("anna"), "alerts.internal", false),
        (Some("sensor-7"), "devices.*.commands", true),
        (Some("sensor-7"), "devices.sensor-8.>", false),
        (Some("root"), ">", false),
        (Some("root"), "$SYS.>", true),
        (Some("nobody"), ">", false),
    ];
    for (user, filter, expected) in table {
        let filter = TopicFilter::new(filter).expect("a legal filter");
        let found = grants(user, None).may_match(Right::Subscribe, DestinationKind::Topic, &filter);
        assert_eq!(found, expected, "{user:?} {filter}");
    }
}

#[test]
fn a_filter_is_covered_if_all_of_it_is_allowed() {
    let table = [
        ("news.>", true),
        ("news.sport.*", true),
        ("news.sport", true),
        ("alerts.*", false),
        (">", false),
    ];
    for (filter, expected) in table {
        let filter = TopicFilter::new(filter).expect("a legal filter");
        let found =
            grants(Some("anna"), None).covers(Right::Subscribe, DestinationKind::Topic, &filter);
        assert_eq!(found, expected, "{filter}");
    }
}

#[test]
fn a_decision_names_its_rule() {
    let users = Users::parse(FILE).expect("a legal file");
    let grants = users.grants(&Identity {
        user: Some("anna".into()),
        ..Identity::default()
    });
    let table = [
        ("news.sport", r#"[groups.editors] publish = "news.>""#),
        (
            "news.secret.x",
            r#"[groups.editors] deny.publish = "news.secret.>""#,
        ),
        ("weather", "no rule allows it"),
    ];
    for (name, expected) in table {
        let name = TopicName::new(name).expect("a legal name");
        let decision = grants.decide(Right::Publish, DestinationKind::Topic, &name);
        assert_eq!(decision.cause.to_string(), expected);
    }
}

#[test]
fn rights_are_compared_whatever_table_gives_them() {
    let grants = |text: &str| {
        let users = Users::parse(text).expect("a legal file");
        users.grants(&Identity {
            user: Some("u".into()),
            ..Identity::default()
        })
    };
    let less = grants("[users.u]\npublish = [\"a\"]\ndeny.publish = [\"b\"]\n");
    let same = grants(
        "[users.u]\ngroups = [\"g\"]\n[groups.g]\npublish = [\"a\"]\ndeny.publish = [\"b\"]\n",
    );
    let more = grants("[users.u]\npublish = [\"a\", \"c\"]\n");
    assert!(same.includes(&less) && less.includes(&same));
    assert!(more.includes(&less) && !less.includes(&more));
    assert!(Grants::open().includes(&more) && !more.includes(&Grants::open()));
}

fn any_level(wildcards: &'static [&'static str]) -> impl Strategy<Value = &'static str> {
    prop::sample::select([&["a", "b", "c"], wildcards].concat())
}

fn any_filter() -> impl Strategy<Value = String> {
    (
        prop::collection::vec(any_level(&["*"]), 0..3),
        any_level(&[">", "*"]),
    )
        .prop_map(|(mut levels, last)| {
            levels.push(last);
            levels.join(".")
        })
}

proptest! {
    /// The model: a name is allowed if an allowing filter matches it and no denying filter does.
    #[test]
    fn decisions_and_filters_agree_with_the_plain_model(
        allowed in prop::collection::vec(any_filter(), 0..4),
        denied in prop::collection::vec(any_filter(), 0..3),
        subscribed in any_filter(),
        names in prop::collection::vec(prop::collection::vec(any_level(&[]), 1..4), 1..8),
    ) {
        let text = format!("[users.u]\nsubscribe = {allowed:?}\ndeny.subscribe = {denied:?}\n");
        let users = Users::parse(&text).expect("a legal file");
        let grants = users.grants(&Identity { user: Some("u".into()), ..Identity::default() });
        let (right, kind) = (Right::Subscribe, DestinationKind::Topic);
        let filter = TopicFilter::new(&subscribed).expect("a legal filter");
        let matches = |filters: &[String], name: &TopicName| {
            filters.iter().any(|filter| TopicFilter::new(filter).is_ok_and(|one| one.matches(name)))
        };
        for levels in names {
            let name = TopicName::new(&levels.join(".")).expect("a legal name");
            let expected = matches(&allowed, &name) && !matches(&denied, &name);
            prop_assert_eq!(grants.allows(right, kind, &name), expected);
            if expected && filter.matches(&name) {
                prop_assert!(grants.may_match(right, kind, &filter));
            }
            if grants.covers(right, kind, &filter) && filter.matches(&name) {
                prop_assert!(expected);
            }
        }
    }
}
