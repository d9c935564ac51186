//! Every right at every door: allowed, denied, and taken away while the client is connected. Then the messages that reach a
//! destination on another way: wills, retained messages, dead letters, replies, advisories, virtual topics, `$SYS`.

use harness::Carillon;
use harness::http::send;
use harness::mqtt::{Kind, MqttClient, Packet, RETAIN, Version, Will};
use harness::stomp::{Frame, INDIVIDUAL, StompClient};
use harness::users::{UsersFile, mqtt_login, stomp_login, with_token};
use http::{Method, StatusCode};

use super::visitor::{BODY, Client, Door, NOT_AUTHORIZED, Right, Visitor};

use Right::{Browse, Manage, Publish, Receive, Send, Subscribe};

const RULES: &str = r#"
[users.admin]
publish = [">"]
subscribe = [">"]
send = [">"]
receive = [">"]
browse = [">"]
manage = [">"]
[users.visitor]
publish = ["open.>"]
subscribe = ["open.>"]
send = ["open.>"]
receive = ["open.>"]
browse = ["open.>"]
manage = ["open.>"]
"#;

/// The doors, with the rights that a client can use there.
const TABLE: [(Door, &[Right]); 7] = [
    (Door::Mqtt3, &[Publish, Subscribe, Send, Receive]),
    (Door::Mqtt5, &[Publish, Subscribe, Send, Receive]),
    (
        Door::MqttOverWebSocket,
        &[Publish, Subscribe, Send, Receive],
    ),
    (Door::Stomp, &[Publish, Subscribe, Send, Receive, Browse]),
    (
        Door::StompOverWebSocket,
        &[Publish, Subscribe, Send, Receive, Browse],
    ),
    (Door::Http, &[Publish, Subscribe, Send, Browse, Manage]),
    (Door::Events, &[Subscribe]),
];

fn rows() -> impl Iterator<Item = (Door, Right)> {
    TABLE
        .into_iter()
        .flat_map(|(door, rights)| rights.iter().map(move |right| (door, *right)))
}

/// Returns the numbers of messages that a topic and a queue with this name have got.
async fn counts(server: &Carillon, admin: &str, name: &str) -> (u64, u64) {
    let count = async |path: &str, field: &str| {
        let url = server.url(&format!("/api/{path}/{name}"));
        let answer = send(with_token(Method::GET, url, admin, "")).await;
        match answer.status {
            StatusCode::NOT_FOUND => 0,
            _ => answer.json()[field].as_u64().expect("a number"),
        }
    };
    (
        count("topics", "sequence").await,
        count("queues", "enqueued").await,
    )
}

#[tokio::test]
async fn a_right_is_needed_at_every_door() {
    let file = UsersFile::new(RULES);
    let (visitor, admin) = (file.token("visitor").await, file.token("admin").await);
    let server = file.server(&[]).await;
    let mut publisher = Visitor::enter(&server, Door::Stomp, &admin).await;
    for (door, right) in rows() {
        for is_allowed in [true, false] {
            let row = format!("{door:?} {right:?} {is_allowed}");
            let part = if is_allowed { "open" } else { "shut" };
            let name = format!("{part}.{door:?}.{right:?}");
            for right in [Publish, Send] {
                assert!(publisher.request(right, &name).await);
            }
            let mut client = Visitor::enter(&server, door, &visitor).await;
            let is_accepted = client.request(right, &name).await;
            // A publication cannot be refused before MQTT 5.0: it is dropped.
            let is_silent = door == Door::Mqtt3 && matches!(right, Publish | Send);
            assert_eq!(is_accepted, is_allowed || is_silent, "{row}");
            let added = u64::from(is_allowed);
            let (published, sent) = counts(&server, &admin, &name).await;
            match right {
                Publish => assert_eq!(published, 1 + added, "{row}"),
                Send => assert_eq!(sent, 1 + added, "{row}"),
                Manage => assert_eq!(sent, 1 - added, "{row}"),
                Subscribe | Receive | Browse => {}
            }
            let has_subscription =
                matches!(right, Subscribe | Receive | Browse) && door != Door::Http;
            if is_allowed && has_subscription {
                assert!(publisher.request(Publish, &name).await);
                assert_eq!(client.body().await, BODY, "{row}");
            }
        }
    }
}

#[tokio::test]
async fn a_right_that_is_taken_away_ends_its_use_at_every_door() {
    let file = UsersFile::new(RULES);
    let (visitor, admin) = (file.token("visitor").await, file.token("admin").await);
    let server = file.server(&[]).await;
    let mut publisher = Visitor::enter(&server, Door::Stomp, &admin).await;
    let mut visitors = Vec::new();
    for (door, right) in rows() {
        let name = format!("open.{door:?}.{right:?}");
        for right in [Publish, Send] {
            assert!(publisher.request(right, &name).await);
        }
        let mut client = Visitor::enter(&server, door, &visitor).await;
        assert!(client.request(right, &name).await, "{name}");
        visitors.push((client, right, name));
    }
    let (_, rights) = RULES.split_once("[users.visitor]").expect("the user");
    file.edit(
        rights, "
",
    );
    server.logged("the users file was read again").await;
    for (client, right, name) in visitors {
        client.has_lost(right, &name).await;
    }
    assert!(
        publisher.request(Publish, "open.end").await,
        "others keep their rights"
    );
}

#[tokio::test]
async fn a_retained_message_needs_the_right_to_publish() {
    let file = UsersFile::new(RULES);
    let (visitor, admin) = (file.token("visitor").await, file.token("admin").await);
    let server = file.server(&[]).await;
    let connect = |client: &str, token: &str| mqtt_login(Version::V5, client, "token", token);
    let (mut client, _) = MqttClient::connect_with(&server, &connect("c", &visitor)).await;
    for (topic, reason) in [("shut/a", NOT_AUTHORIZED), ("open/a", 0)] {
        let retained = Packet::publication(topic, topic, 1).flagged(RETAIN);
        let answer = client.request(retained, Kind::Puback).await;
        assert_eq!(answer.reason(), reason, "{topic}");
    }
    let (mut reader, _) = MqttClient::connect_with(&server, &connect("r", &admin)).await;
    reader.subscribe("#", 1).await;
    assert_eq!(reader.bodies(1).await, ["open/a"]);
    reader.publish("end", "end", 1).await;
    assert_eq!(reader.bodies(1).await, ["end"]);
}

#[tokio::test]
async fn a_will_that_was_allowed_is_not_published_after_the_right_is_gone() {
    let file = UsersFile::new(RULES);
    let (visitor, admin) = (file.token("visitor").await, file.token("admin").await);
    let server = file.server(&[]).await;
    let connect = |client: &str, token: &str| mqtt_login(Version::V5, client, "token", token);
    let (mut reader, _) = MqttClient::connect_with(&server, &connect("r", &admin)).await;
    reader.subscribe("open/#", 1).await;
    let willing = connect("w", &visitor).willing(Will::new("open/will", "gone"));
    let (client, _) = MqttClient::connect_with(&server, &willing).await;
    let visitors_right = "[users.visitor]\npublish = [\"open.>\"]";
    file.edit(visitors_right, "[users.visitor]");
    client.is_sent_away(NOT_AUTHORIZED).await;
    reader.publish("open/end", "end", 1).await;
    assert_eq!(reader.bodies(1).await, ["end"]);
}

#[tokio::test]
async fn shared_subscriptions_need_the_right_for_all_of_their_filter() {
    let file = UsersFile::new(RULES);
    let visitor = file.token("visitor").await;
    let server = file.server(&[]).await;
    let mut client = Visitor::enter(&server, Door::Mqtt5, &visitor).await;
    let Client::Mqtt(mqtt) = &mut client.client else {
        panic!("not MQTT");
    };
    let filters = [
        ("$share/g/open/#", 1),
        ("$share/g/shut/#", 1),
        ("$share/g/#", 1),
    ];
    let suback = mqtt
        .request(Packet::subscription(&filters), Kind::Suback)
        .await;
    assert_eq!(suback.reasons, [1, NOT_AUTHORIZED, NOT_AUTHORIZED]);
    mqtt.publish("open/a", "to the member", 1).await;
    assert_eq!(mqtt.bodies(1).await, ["to the member"]);
}

#[tokio::test]
async fn figures_are_for_users_who_manage_the_server() {
    let file = UsersFile::new(RULES);
    let (visitor, admin) = (file.token("visitor").await, file.token("admin").await);
    let server = file.server(&[]).await;
    for (token, is_allowed) in [(&visitor, false), (&admin, true)] {
        for door in [Door::Mqtt3, Door::Mqtt5, Door::Stomp] {
            for name in ["$SYS.figures", "$SYS.broker.uptime"] {
                let mut client = Visitor::enter(&server, door, token).await;
                let is_accepted = client.request(Subscribe, name).await;
                assert_eq!(is_accepted, is_allowed, "{door:?} {name}");
            }
        }
        for path in [
            "/api/figures",
            "/api/connections",
            "/api/bounds",
            "/api/sessions",
        ] {
            let answer = send(with_token(Method::GET, server.url(path), token, "")).await;
            let is_accepted = answer.status == StatusCode::OK;
            assert_eq!(is_accepted, is_allowed, "{path}: {answer:?}");
        }
    }
}

#[tokio::test]
async fn advisories_are_visible_for_destinations_that_the_user_may_read() {
    let file = UsersFile::new(RULES);
    let (visitor, admin) = (file.token("visitor").await, file.token("admin").await);
    let server = file.server(&[]).await;
    let watcher = StompClient::open(&server).await;
    let mut watcher = watcher.connected_with(stomp_login("", &visitor)).await;
    let all = "/topic/ActiveMQ.Advisory.>";
    watcher.subscribe_to("0", all, &[]).await;
    let consumer = StompClient::open(&server).await;
    let mut consumer = consumer.connected_with(stomp_login("", &admin)).await;
    let names = [
        "/queue/shut.a",
        "/topic/shut.a",
        "/queue/open.a",
        "/topic/open.a",
    ];
    for (id, name) in names.iter().enumerate() {
        consumer.subscribe_to(&id.to_string(), name, &[]).await;
    }
    for expected in ["Consumer.Queue.open.a", "Consumer.Topic.open.a"] {
        let advisory = watcher.message().await;
        let name = format!("/topic/ActiveMQ.Advisory.{expected}");
        assert_eq!(advisory.header("destination"), name);
    }
}

#[tokio::test]
async fn dead_letters_need_the_right_for_their_queue() {
    let file = UsersFile::new(RULES);
    let (visitor, admin) = (file.token("visitor").await, file.token("admin").await);
    let server = file.server(&["--max-redeliveries", "0"]).await;
    let mut client = Visitor::enter(&server, Door::Stomp, &visitor).await;
    assert!(client.request(Send, "open.a").await);
    let Client::Stomp(stomp) = &mut client.client else {
        panic!("not STOMP");
    };
    stomp
        .subscribe_to("1", "/queue/open.a", &[INDIVIDUAL])
        .await;
    let message = stomp.message().await;
    // It becomes a dead letter, for which its consumer needs no right.
    stomp.nack(&message).await;
    for (token, is_allowed) in [(&visitor, false), (&admin, true)] {
        for right in [Browse, Receive] {
            let mut reader = Visitor::enter(&server, Door::StompOverWebSocket, token).await;
            assert_eq!(reader.request(right, "ActiveMQ.DLQ").await, is_allowed);
            if is_allowed {
                assert_eq!(reader.body().await, BODY);
            }
        }
    }
}

#[tokio::test]
async fn a_reply_needs_no_right_and_is_for_its_requester_only() {
    let rules = format!("{RULES}[users.worker]\nreceive = [\"open.service\"]\n");
    let file = UsersFile::new(&rules);
    let (visitor, worker) = (file.token("visitor").await, file.token("worker").await);
    let server = file.server(&[]).await;
    let enter = async |token: &str| {
        let client = StompClient::open(&server).await;
        client.connected_with(stomp_login("", token)).await
    };
    let (mut requester, mut replier) = (enter(&visitor).await, enter(&worker).await);
    replier.subscribe_to("0", "/queue/open.service", &[]).await;
    requester
        .subscribe_to("0", "/temp-queue/answers", &[])
        .await;
    let request = Frame::message_to("/queue/open.service", "question");
    requester
        .request(request.with("reply-to", "/temp-queue/answers"))
        .await;
    let reply_to = replier.message().await.header("reply-to").to_owned();
    let mut other = enter(&worker).await;
    let subscribe = Frame::new("SUBSCRIBE").with("id", "0");
    other.send(&subscribe.with("destination", &reply_to)).await;
    other.refusal().await;
    replier
        .request(Frame::message_to(&reply_to, "answer"))
        .await;
    assert_eq!(requester.bodies(1).await, ["answer"]);
}

#[tokio::test]
async fn a_virtual_topic_feeds_queues_with_the_right_for_the_topic() {
    const TOPIC: &str = "VirtualTopic.a";
    const QUEUE: &str = "Consumer.x.VirtualTopic.a";
    let rules = format!(
        "{RULES}[users.producer]\npublish = [\"{TOPIC}\"]\n[users.consumer]\nreceive = [\"{QUEUE}\"]\n"
    );
    let file = UsersFile::new(&rules);
    let (producer, consumer) = (file.token("producer").await, file.token("consumer").await);
    let visitor = file.token("visitor").await;
    let server = file.server(&[]).await;
    let mut reader = Visitor::enter(&server, Door::Stomp, &consumer).await;
    assert!(reader.request(Receive, QUEUE).await);
    for (token, right, name, is_allowed) in [
        (&producer, Publish, TOPIC, true),
        (&producer, Send, QUEUE, false),
        (&producer, Receive, QUEUE, false),
        (&consumer, Subscribe, TOPIC, false),
        (&visitor, Publish, TOPIC, false),
        (&visitor, Receive, QUEUE, false),
    ] {
        let mut client = Visitor::enter(&server, Door::Mqtt5, token).await;
        assert_eq!(
            client.request(right, name).await,
            is_allowed,
            "{right:?} {name}"
        );
    }
    assert_eq!(reader.body().await, BODY);
}

/// Requests that a user without rights may send. The answers have nothing that the user may not see.
const OPEN: [&str; 10] = [
    "GET /api",
    "GET /api/boards",
    "GET /api/openapi.json",
    "GET /api/queues",
    "GET /api/scheduled",
    "GET /api/topics",
    "GET /api/tree",
    "GET /api/users",
    "GET /healthz",
    "GET /readyz",
];
/// Everybody may send the first; the destination of the message decides about the second (`scheduled.rs` tests it).
const SPECIAL: [&str; 2] = ["/api/connect-check", "/api/scheduled/{id}"];
const HIDDEN: &str = "hidden-name";

/// The requests are those of the description of the API, which has all of them.
#[tokio::test]
async fn every_request_of_the_api_needs_a_right() {
    let file = UsersFile::new(&format!("{RULES}[users.nobody]\n"));
    let (admin, nobody) = (file.token("admin").await, file.token("nobody").await);
    let server = file.server(&[]).await;
    for kind in ["topics", "queues"] {
        let url = server.url(&format!("/api/{kind}/{HIDDEN}"));
        let sent = send(with_token(Method::POST, url, &admin, "x")).await;
        assert_eq!(sent.status, StatusCode::OK, "{sent:?}");
    }
    let url = server.url("/api/openapi.json");
    let description = send(with_token(Method::GET, url, &nobody, "")).await.json();
    let paths = description["paths"].as_object().expect("an object");
    for (path, operations) in paths
        .iter()
        .filter(|(path, _)| !SPECIAL.contains(&path.as_str()))
    {
        let names: Vec<_> = path
            .split('/')
            .map(|part| match part {
                "{id}" => "1",
                part if part.starts_with('{') => HIDDEN,
                part => part,
            })
            .collect();
        let url = server.url(&names.join("/"));
        for name in operations.as_object().expect("an object").keys() {
            let Ok(method) = name.to_uppercase().parse::<Method>() else {
                continue;
            };
            let operation = format!("{method} {path}");
            let is_open = match method {
                Method::GET | Method::POST | Method::PUT | Method::DELETE => {
                    OPEN.contains(&&*operation)
                }
                // Other members, such as `parameters`.
                _ => continue,
            };
            let answer = send(with_token(method, &url, &nobody, "{}")).await;
            let expected = match is_open {
                true => StatusCode::OK,
                false => StatusCode::FORBIDDEN,
            };
            assert_eq!(answer.status, expected, "{operation}: {answer:?}");
            assert!(!is_open || !answer.text().contains(HIDDEN), "{answer:?}");
        }
    }
}
