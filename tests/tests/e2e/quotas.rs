//! Limits for each user: one user that has used them up is refused or waits, and the other users go on.

use std::time::{Duration, Instant};

use harness::Carillon;
use harness::deadline::eventually;
use harness::http::{get, open, send};
use harness::mqtt::{Connect, Kind, MqttClient, Packet, Version};
use harness::sse::EventStream;
use harness::stomp::{Frame, StompClient};
use harness::users::{
    UsersFile, mqtt_as, mqtt_login, mqtt_refusal, stomp_as, stomp_login, stomp_refusal, with_token,
};
use http::{Method, StatusCode};
use serde_json::Value;

const RULES: &str = r#"
[users.greedy]
groups = ["all"]
[users.greedy.limits]
connections = 2
subscriptions = 3
queues = 2
queued-bytes = 40_000
sessions = 1
[users.modest]
groups = ["all"]
[users.admin]
groups = ["all"]
manage = [">"]
[groups.all]
publish = [">"]
subscribe = [">"]
send = [">"]
receive = [">"]
browse = [">"]
"#;
const V5: Version = Version::V5;
const QUOTA_EXCEEDED: u8 = 0x97;

/// Sends a body to a queue or topic. Returns the status, and the detail of a problem.
async fn post(
    server: &Carillon,
    path: &str,
    token: &str,
    body: &'static str,
) -> (StatusCode, String) {
    let answer = send(with_token(Method::POST, server.url(path), token, body)).await;
    let detail = match answer.status {
        StatusCode::OK => String::new(),
        _ => answer.problem()["detail"].to_string(),
    };
    (answer.status, detail)
}

/// Returns the figures of a user, as the owner of the token sees them.
async fn figures(server: &Carillon, token: &str, user: &str) -> Value {
    let answer = send(with_token(Method::GET, server.url("/api/users"), token, "")).await;
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    let users = answer.json()["users"].clone();
    let users = users.as_array().expect("a list");
    let found = users.iter().find(|one| one["user"] == user);
    found.cloned().unwrap_or(Value::Null)
}

#[tokio::test]
async fn connections_beyond_the_quota_are_refused_over_every_protocol() {
    let file = UsersFile::new(RULES);
    let (greedy, modest) = (file.token("greedy").await, file.token("modest").await);
    let server = file.server(&[]).await;
    let mut mqtt = mqtt_as(&server, V5, "first", &greedy).await;
    let stomp = stomp_as(&server, &greedy).await;

    let connect = |version| mqtt_login(version, "third", "token", &greedy);
    assert_eq!(
        mqtt_refusal(&server, &connect(V5)).await.reason(),
        QUOTA_EXCEEDED
    );
    let old = mqtt_refusal(&server, &connect(Version::V3_1_1)).await;
    assert_eq!(old.reason(), 3, "server unavailable");
    let error = stomp_refusal(&server, stomp_login("", &greedy)).await;
    assert_eq!(error.header("message"), "quota exceeded");
    assert!(error.text().contains("quota of 2 connections"), "{error:?}");
    let url = server.url("/api/topics/a/events");
    let events = send(with_token(Method::GET, &url, &greedy, "")).await;
    assert_eq!(events.status, StatusCode::TOO_MANY_REQUESTS, "{events:?}");

    for number in 0..3 {
        mqtt_as(&server, V5, &format!("modest-{number}"), &modest)
            .await
            .ping()
            .await;
    }
    // Requests without a stream are no connections.
    let (status, detail) = post(&server, "/api/topics/a", &greedy, "x").await;
    assert_eq!(status, StatusCode::OK, "{detail}");
    // A client that takes over its own client id needs no more than before.
    mqtt.ping().await;
    let second = mqtt_as(&server, V5, "first", &greedy).await;
    second.leave().await;
    let own = figures(&server, &greedy, "greedy").await;
    assert_eq!(
        (&own["connections"], &own["refused"]["connections"]),
        (&1.into(), &4.into())
    );
    let mut stream = EventStream::of(with_token(Method::GET, &url, &greedy, "")).await;
    let (status, _) = post(&server, "/api/topics/a", &modest, "news").await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(stream.bodies(1).await, ["news"]);
    drop(stream);
    stomp.leave().await;
    let connections =
        || async { figures(&server, &greedy, "greedy").await["connections"].as_u64() };
    eventually("no connection", connections, |count| *count == Some(0)).await;
}

#[tokio::test]
async fn subscriptions_beyond_the_quota_are_refused() {
    let file = UsersFile::new(RULES);
    let (greedy, modest) = (file.token("greedy").await, file.token("modest").await);
    let server = file.server(&[]).await;
    let mut mqtt = mqtt_as(&server, V5, "first", &greedy).await;
    let mut stomp = stomp_as(&server, &greedy).await;
    mqtt.subscribe("a/#", 1).await;
    mqtt.subscribe("$share/g/b", 1).await;
    stomp.subscribe_to("q", "/queue/q", &[]).await;
    let subscribe = |filter| Packet::subscription(&[(filter, 1)]);
    let suback = mqtt.request(subscribe("c"), Kind::Suback).await;
    assert_eq!(suback.reason(), QUOTA_EXCEEDED, "{suback:?}");
    // One that replaces another needs no more.
    mqtt.subscribe("a/#", 0).await;
    let subscribe_frame = Frame::new("SUBSCRIBE").with("id", "1");
    stomp
        .send(&subscribe_frame.with("destination", "/topic/c"))
        .await;
    let error = stomp.refusal().await;
    assert!(
        error.text().contains("quota of 3 subscriptions"),
        "{error:?}"
    );
    // Its end has released its subscription.
    let count = || async { figures(&server, &greedy, "greedy").await["subscriptions"].as_u64() };
    eventually("two subscriptions", count, |count| *count == Some(2)).await;
    mqtt.subscribe("c", 1).await;
    let mut other = mqtt_as(&server, V5, "modest", &modest).await;
    for number in 0..10 {
        other.subscribe(&format!("m/{number}"), 1).await;
    }
}

#[tokio::test]
async fn queues_and_their_bytes_are_limited_for_the_user_who_creates_them() {
    const BODY: &str = "0123456789";
    let file = UsersFile::new(RULES);
    let (greedy, modest) = (file.token("greedy").await, file.token("modest").await);
    let server = file.server(&[]).await;
    for queue in ["/api/queues/one", "/api/queues/two"] {
        assert_eq!(post(&server, queue, &greedy, BODY).await.0, StatusCode::OK);
    }
    let (status, detail) = post(&server, "/api/queues/three", &greedy, BODY).await;
    assert_eq!(status, StatusCode::INSUFFICIENT_STORAGE);
    assert!(detail.contains("quota of 2 queues"), "{detail}");
    let mut stomp = stomp_as(&server, &greedy).await;
    stomp.send(&Frame::message_to("/queue/three", BODY)).await;
    let error = stomp.refusal().await;
    assert!(error.text().contains("quota of 2 queues"), "{error:?}");
    for number in 0..5 {
        let queue = format!("/api/queues/modest.{number}");
        assert_eq!(post(&server, &queue, &modest, BODY).await.0, StatusCode::OK);
    }

    let mut sent = 0;
    let refused = loop {
        let (status, detail) = post(&server, "/api/queues/one", &greedy, BODY).await;
        if status != StatusCode::OK {
            break detail;
        }
        sent += 1;
        assert!(sent < 400, "there is no limit");
    };
    assert!(
        refused.contains("quota of 40000 bytes in the queues"),
        "{refused}"
    );
    // The bytes belong to the user who created the queue, whoever sends.
    let (status, _) = post(&server, "/api/queues/one", &modest, BODY).await;
    assert_eq!(status, StatusCode::INSUFFICIENT_STORAGE);
    for _ in 0..2 * sent {
        let (status, detail) = post(&server, "/api/queues/modest.0", &modest, BODY).await;
        assert_eq!(status, StatusCode::OK, "{detail}");
    }
    // A consumer makes room.
    let mut consumer = stomp_as(&server, &modest).await;
    consumer.subscribe_to("0", "/queue/one", &[]).await;
    consumer.bodies(sent).await;
    let room = || post(&server, "/api/queues/one", &greedy, BODY);
    eventually("room", room, |(status, _)| *status == StatusCode::OK).await;
    let own = figures(&server, &greedy, "greedy").await;
    assert_eq!(
        (&own["queues"], &own["refused"]["queues"]),
        (&2.into(), &2.into())
    );
}

#[tokio::test]
async fn at_the_quota_of_queues_an_empty_queue_of_the_user_makes_room() {
    let file = UsersFile::new(RULES);
    let greedy = file.token("greedy").await;
    let server = file.server(&[]).await;
    for number in 0..4 {
        let mut consumer = stomp_as(&server, &greedy).await;
        let queue = format!("/queue/q.{number}");
        consumer.subscribe_to("0", &queue, &[]).await;
        consumer.leave().await;
    }
    assert_eq!(figures(&server, &greedy, "greedy").await["queues"], 2);
}

#[tokio::test]
async fn sessions_and_durable_subscriptions_share_a_quota() {
    let file = UsersFile::new(RULES);
    let (greedy, modest) = (file.token("greedy").await, file.token("modest").await);
    let server = file.server(&[]).await;
    let lasting = |client: &str, token: &str| Connect {
        login: Some(("token".to_owned(), token.to_owned())),
        ..Connect::lasting(V5, client)
    };
    let kept = lasting("kept", &greedy);
    let (client, _) = MqttClient::connect_with(&server, &kept).await;
    // It counts while its client is connected, and afterwards.
    let second = lasting("second", &greedy);
    assert_eq!(
        mqtt_refusal(&server, &second).await.reason(),
        QUOTA_EXCEEDED
    );
    client.leave().await;
    assert_eq!(
        mqtt_refusal(&server, &second).await.reason(),
        QUOTA_EXCEEDED
    );
    let durable_connect = stomp_login("", &greedy).with("client-id", "d");
    let client = StompClient::open(&server).await;
    let mut client = client.connected_with(durable_connect).await;
    let subscribe = Frame::new("SUBSCRIBE")
        .with("id", "0")
        .with("ack", "client");
    let subscribe = subscribe.with("destination", "/topic/a");
    client
        .send(&subscribe.with("activemq.subscriptionName", "d"))
        .await;
    let error = client.refusal().await;
    assert!(error.text().contains("quota of 1 sessions"), "{error:?}");
    // The session continues, and a session that ends with its connection needs nothing.
    let (client, connack) = MqttClient::connect_with(&server, &kept).await;
    assert!(connack.session_present);
    client.leave().await;
    mqtt_as(&server, V5, "second", &greedy).await.leave().await;
    let (client, _) = MqttClient::connect_with(&server, &lasting("modest", &modest)).await;
    client.leave().await;
    // Its end makes room.
    let clean = mqtt_login(V5, "kept", "token", &greedy);
    MqttClient::connect_with(&server, &clean)
        .await
        .0
        .leave()
        .await;
    MqttClient::connect_with(&server, &second)
        .await
        .0
        .leave()
        .await;
    assert_eq!(figures(&server, &greedy, "greedy").await["sessions"], 1);
}

#[tokio::test]
async fn a_user_does_not_get_a_larger_share_by_more_connections() {
    let file = UsersFile::new(&RULES.replace("connections = 2", "connections = 10"));
    let (greedy, modest) = (file.token("greedy").await, file.token("modest").await);
    let server = file.server(&["--max-topics", "100"]).await;
    let mut made = 0;
    for connection in 0..8 {
        let mut client = mqtt_as(&server, V5, &format!("c{connection}"), &greedy).await;
        loop {
            let publish = Packet::publication(&format!("flood/{made}"), "x", 1);
            match client.request(publish, Kind::Puback).await.reason() {
                QUOTA_EXCEEDED => break,
                _ => made += 1,
            }
        }
    }
    assert!((60..=67).contains(&made), "{made}");
    let mut other = mqtt_as(&server, V5, "modest", &modest).await;
    other.publish("modest", "x", 1).await;
    other.subscribe("modest/other", 1).await;
}

#[tokio::test]
async fn a_publisher_beyond_its_rate_waits_and_nobody_else_does() {
    const RATE: usize = 40;
    let rules = RULES.replace("connections = 2", &format!("messages-per-second = {RATE}"));
    let file = UsersFile::new(&rules);
    let (greedy, modest) = (file.token("greedy").await, file.token("modest").await);
    let server = file.server(&[]).await;
    let mut publisher = mqtt_as(&server, V5, "greedy", &greedy).await;
    publisher.subscribe("to/greedy", 0).await;
    let started = Instant::now();
    let count = 3 * RATE;
    for id in 1..=count as u16 {
        let publish = Packet::publication("from/greedy", "x", 1).numbered(id + 100);
        publisher.send(&publish).await;
    }
    // Another user publishes more than that meanwhile, and the waiting connection gets its messages.
    let mut other = mqtt_as(&server, V5, "modest", &modest).await;
    for _ in 0..2 * RATE {
        other.publish("from/modest", "x", 1).await;
    }
    other.publish("to/greedy", "news", 1).await;
    let mut acknowledged = 0;
    let mut acknowledged_before_news = None;
    while acknowledged < count {
        let packet = publisher.packet().await;
        match packet.kind {
            Kind::Puback => {
                assert_eq!(packet.reason() & 0x80, 0, "{packet:?}");
                acknowledged += 1;
            }
            Kind::Publish => acknowledged_before_news = Some(acknowledged),
            _ => panic!("{packet:?}"),
        }
    }
    let took = started.elapsed();
    assert!(
        took >= Duration::from_millis(1_900),
        "{took:?}: the rate was not kept"
    );
    let before = acknowledged_before_news.expect("the news");
    assert!(before < count, "the news came last");
    // A request of HTTP waits for the same rate.
    let (status, _) = post(&server, "/api/topics/from.greedy", &greedy, "x").await;
    assert_eq!(status, StatusCode::OK);
    let own = figures(&server, &greedy, "greedy").await;
    assert_eq!(own["publishedMessages"], count + 1);
    assert_eq!(own["refused"]["publications"], 0);
}

#[tokio::test]
async fn stomp_publishers_beyond_their_rate_wait() {
    let rules = RULES.replace("connections = 2", "bytes-per-second = 1_000");
    let file = UsersFile::new(&rules);
    let greedy = file.token("greedy").await;
    let server = file.server(&[]).await;
    let mut first = stomp_as(&server, &greedy).await;
    let mut second = stomp_as(&server, &greedy).await;
    let started = Instant::now();
    let body = "x".repeat(900);
    first.request(Frame::publication("a", body.as_str())).await;
    // The rate is that of the user, over all connections.
    second.request(Frame::publication("a", body.as_str())).await;
    second.request(Frame::publication("a", body.as_str())).await;
    let took = started.elapsed();
    assert!(took >= Duration::from_millis(600), "{took:?}");
    assert_eq!(
        figures(&server, &greedy, "greedy").await["publishedBytes"],
        2_700
    );
}

#[tokio::test]
async fn publications_beyond_the_rate_are_refused_if_the_limit_says_so() {
    // After one larger message, nothing is allowed for a long time.
    let rules = RULES.replace(
        "connections = 2",
        "bytes-per-second = 1\nexcess = \"refuse\"",
    );
    let file = UsersFile::new(&rules);
    let (greedy, modest) = (file.token("greedy").await, file.token("modest").await);
    let server = file.server(&[]).await;
    let mut client = mqtt_as(&server, V5, "new", &greedy).await;
    client.publish("a", &"x".repeat(10_000), 1).await;

    for (qos, kind) in [(1, Kind::Puback), (2, Kind::Pubrec)] {
        let answer = client
            .request(Packet::publication("a", "x", qos), kind)
            .await;
        assert_eq!(answer.reason(), QUOTA_EXCEEDED, "{answer:?}");
    }
    // With QoS 0 there is no answer: the message is dropped, and the connection goes on.
    client.publish("a", "x", 0).await;
    let mut old = mqtt_as(&server, Version::V3_1_1, "old", &greedy).await;
    old.send(&Packet::publication("a", "x", 1).numbered(1))
        .await;
    assert_eq!(old.next().await, None, "3.1.1 has no negative answer");
    let mut stomp = stomp_as(&server, &greedy).await;
    stomp
        .send(&Frame::publication("a", "x").with("receipt", "r"))
        .await;
    let error = stomp.refusal().await;
    assert_eq!(error.header("message"), "quota exceeded");
    assert_eq!(error.header("receipt-id"), "r");
    let url = server.url("/api/topics/a");
    let refused = send(with_token(Method::POST, &url, &greedy, "x")).await;
    assert_eq!(refused.status, StatusCode::TOO_MANY_REQUESTS, "{refused:?}");
    let seconds: u64 = refused.header("retry-after").parse().expect("seconds");
    assert!((9_000..=10_000).contains(&seconds), "{seconds}");

    mqtt_as(&server, V5, "modest", &modest)
        .await
        .publish("a", "x", 1)
        .await;
    let own = figures(&server, &greedy, "greedy").await;
    assert_eq!(own["refused"]["publications"], 6);
    assert_eq!(
        (&own["publishedMessages"], &own["limits"]["excess"]),
        (&1.into(), &"refuse".into())
    );
    let topic = send(with_token(Method::GET, &url, &modest, ""))
        .await
        .json();
    assert_eq!(topic["sequence"], 2, "{topic}");
}

#[tokio::test]
async fn changed_limits_hold_for_open_connections() {
    let rules = RULES.replace(
        "connections = 2",
        "bytes-per-second = 1\nexcess = \"refuse\"",
    );
    let file = UsersFile::new(&rules);
    let greedy = file.token("greedy").await;
    let server = file.server(&[]).await;
    let mut client = mqtt_as(&server, V5, "c", &greedy).await;
    client.publish("a", &"x".repeat(10_000), 1).await;
    let refused = client
        .request(Packet::publication("a", "x", 1), Kind::Puback)
        .await;
    assert_eq!(refused.reason(), QUOTA_EXCEEDED);
    // This one waits for the old limit, and is admitted when the new one is in force.
    file.edit("excess = \"refuse\"", "excess = \"wait\"");
    let limits = || async { figures(&server, &greedy, "greedy").await["limits"].clone() };
    eventually("the rule", limits, |limits| limits["excess"] == "wait").await;
    client
        .send(&Packet::publication("a", "y", 1).numbered(7))
        .await;
    let text = file.text().replace("bytes-per-second = 1\n", "");
    file.replace(&text.replace("subscriptions = 3", "subscriptions = 0"));
    client.answer(Kind::Puback, 7).await;
    let suback = client
        .request(Packet::subscription(&[("a", 1)]), Kind::Suback)
        .await;
    assert_eq!(suback.reason(), QUOTA_EXCEEDED);
}

#[tokio::test]
async fn anonymous_clients_have_the_limits_of_their_address() {
    let rules = "[anonymous]\npublish = [\">\"]\n[anonymous.limits]\nconnections = 1\n\
                 [limits]\nconnections = 0\n[users.anna]\n";
    let file = UsersFile::new(rules);
    let anna = file.token("anna").await;
    let server = file.server(&[]).await;
    let client = MqttClient::anyone(&server, V5).await;
    let refused = mqtt_refusal(&server, &Connect::anyone(V5)).await;
    assert_eq!(refused.reason(), QUOTA_EXCEEDED);
    client.leave().await;
    MqttClient::anyone(&server, V5).await.leave().await;
    // The default is for users, too.
    let connect = mqtt_login(V5, "anna", "token", &anna);
    assert_eq!(
        mqtt_refusal(&server, &connect).await.reason(),
        QUOTA_EXCEEDED
    );
}

#[tokio::test]
async fn figures_of_others_need_the_right_to_manage() {
    let file = UsersFile::new(&format!("{RULES}\n[anonymous]\n"));
    let (greedy, admin) = (file.token("greedy").await, file.token("admin").await);
    let server = file.server(&[]).await;
    let mut client = mqtt_as(&server, V5, "c", &greedy).await;
    client.subscribe("a", 0).await;
    for _ in 0..3 {
        client.publish("a", "four", 1).await;
    }
    let own = send(with_token(
        Method::GET,
        server.url("/api/users"),
        &greedy,
        "",
    ))
    .await
    .json();
    assert_eq!(
        (&own["total"], own["users"].as_array().map(Vec::len)),
        (&1.into(), Some(1))
    );
    let anonymous = get(server.url("/api/users")).await.json();
    assert_eq!(anonymous["users"][0]["address"], "127.0.0.1", "{anonymous}");
    let seen = figures(&server, &admin, "greedy").await;
    assert_eq!(own["users"][0]["connections"], seen["connections"]);
    assert_eq!(
        (&seen["connections"], &seen["subscriptions"]),
        (&1.into(), &1.into())
    );
    assert_eq!(
        (&seen["publishedMessages"], &seen["publishedBytes"]),
        (&3.into(), &12.into())
    );
    assert_eq!(seen["limits"]["queuedBytes"], 40_000);

    // The list continues after each page.
    let mut names = Vec::new();
    let mut next = String::new();
    loop {
        let url = server.url(&format!("/api/users?limit=1{next}"));
        let page = send(with_token(Method::GET, url, &admin, "")).await.json();
        let Some(user) = page["users"].get(0) else {
            break;
        };
        names.extend(
            user["user"]
                .as_str()
                .or(user["address"].as_str())
                .map(str::to_owned),
        );
        next = format!("&after={}", page["next"].as_str().expect("more"));
    }
    assert_eq!(names, ["admin", "greedy", "127.0.0.1"]);
    let url = server.url("/api/users?after=x");
    let invalid = open(with_token(Method::GET, url, &admin, "")).await;
    assert_eq!(invalid.status(), StatusCode::BAD_REQUEST);
}
