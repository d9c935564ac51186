//! Every right at every door: allowed, denied, and taken away while the client is connected. Then the messages that reach a
//! destination on another way: wills, retained messages, dead letters, replies, advisories, virtual topics, `$SYS`.

use harness::Carillon;
use harness::deadline::within;
use harness::http::{Answer, send};
use harness::mqtt::{Kind, MqttClient, Packet, RETAIN, Version, Will};
use harness::sse::EventStream;
use harness::stomp::{Frame, INDIVIDUAL, StompClient};
use harness::users::{UsersFile, mqtt_login, stomp_login, with_token};
use http::{Method, StatusCode};
use tokio::process::Command;

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

const NOT_AUTHORIZED: u8 = 0x87;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Door {
    Mqtt3,
    Mqtt5,
    MqttOverWebSocket,
    Stomp,
    StompOverWebSocket,
    Http,
    Events,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Right {
    Publish,
    Subscribe,
    Send,
    Receive,
    Browse,
    Manage,
}

use Right::{Browse, Manage, Publish, Receive, Send, Subscribe};

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

/// A client that has come in through a door.
struct Visitor<'a> {
    server: &'a Carillon,
    token: &'a str,
    client: Client,
}

enum Client {
    Mqtt(MqttClient),
    Stomp(StompClient),
    Http,
    Events(Option<EventStream>),
}

impl<'a> Visitor<'a> {
    async fn enter(server: &'a Carillon, door: Door, token: &'a str) -> Self {
        // One session for each client: the id names the door, and is used by one client at a time.
        let id = format!("{door:?}-{}", fresh());
        let mqtt = async |client: MqttClient| {
            let connect = mqtt_login(client.version, &id, "token", token);
            Client::Mqtt(client.connected_with(&connect).await.0)
        };
        let stomp = async |client: StompClient| {
            Client::Stomp(client.connected_with(stomp_login("", token)).await)
        };
        let client = match door {
            Door::Mqtt3 => mqtt(MqttClient::open(server, Version::V3_1_1).await).await,
            Door::Mqtt5 => mqtt(MqttClient::open(server, Version::V5).await).await,
            Door::MqttOverWebSocket => {
                mqtt(MqttClient::over_websocket(server, "/mqtt", Version::V5).await).await
            }
            Door::Stomp => stomp(StompClient::over_tcp(server.address()).await).await,
            Door::StompOverWebSocket => stomp(StompClient::open(server).await).await,
            Door::Http => Client::Http,
            Door::Events => Client::Events(None),
        };
        Self {
            server,
            token,
            client,
        }
    }

    /// Makes a request that needs a right. Returns whether the answer says that it was accepted.
    async fn request(&mut self, right: Right, name: &str) -> bool {
        match &mut self.client {
            Client::Mqtt(client) => mqtt_request(client, right, name).await,
            Client::Stomp(client) => stomp_request(client, right, name).await,
            Client::Http => {
                let answer = http_request(self.server, self.token, right, name).await;
                assert!(
                    answer.status != StatusCode::FORBIDDEN || answer.text().contains("is missing")
                );
                answer.status != StatusCode::FORBIDDEN
            }
            Client::Events(stream) => {
                let url = self.server.url(&format!("/api/topics/{name}/events"));
                let request = || with_token(Method::GET, &url, self.token, "");
                if !name.starts_with("open") {
                    let answer = send(request()).await;
                    assert_eq!(answer.status, StatusCode::FORBIDDEN, "{answer:?}");
                    return false;
                }
                *stream = Some(EventStream::of(request()).await);
                true
            }
        }
    }

    /// Returns the body of the next message.
    async fn body(&mut self) -> String {
        let mut bodies = match &mut self.client {
            Client::Mqtt(client) => client.bodies(1).await,
            Client::Stomp(client) => client.bodies(1).await,
            Client::Events(Some(stream)) => stream.bodies(1).await,
            Client::Http | Client::Events(None) => panic!("no subscription"),
        };
        bodies.remove(0)
    }

    /// Checks that the server has ended the connection because rights are gone, or refuses what it accepted before.
    async fn has_lost(self, right: Right, name: &str) {
        match self.client {
            Client::Mqtt(mut client) => {
                let mut last = None;
                while let Some(packet) = client.next().await {
                    last = Some(packet);
                }
                if client.version.is_5() {
                    let last = last.expect("a DISCONNECT");
                    assert_eq!(
                        (last.kind, last.reason()),
                        (Kind::Disconnect, NOT_AUTHORIZED)
                    );
                }
            }
            Client::Stomp(mut client) => loop {
                let frame = client.frame().await;
                if frame.command != "MESSAGE" {
                    assert_eq!(frame.header("message"), "rights changed", "{frame:?}");
                    break;
                }
            },
            Client::Http => {
                let answer = http_request(self.server, self.token, right, name).await;
                assert_eq!(answer.status, StatusCode::FORBIDDEN, "{answer:?}");
            }
            Client::Events(stream) => {
                let mut stream = stream.expect("a subscription");
                while stream.next().await.is_some() {}
            }
        }
    }
}

async fn mqtt_request(client: &mut MqttClient, right: Right, name: &str) -> bool {
    let topic = name.replace('.', "/");
    match right {
        Publish | Send => {
            let topic = if right == Send {
                format!("$queue/{topic}")
            } else {
                topic
            };
            let publish = Packet::publication(&topic, BODY, 1);
            client.request(publish, Kind::Puback).await.reason() < 0x80
        }
        Subscribe | Receive => {
            let filter = if right == Receive {
                format!("$queue/{topic}")
            } else {
                topic
            };
            let subscribe = Packet::subscription(&[(&filter, 1)]);
            client.request(subscribe, Kind::Suback).await.reasons[0] < 0x80
        }
        Browse | Manage => panic!("MQTT has no request for this right"),
    }
}

async fn stomp_request(client: &mut StompClient, right: Right, name: &str) -> bool {
    let subscribe = |destination: String| {
        let frame = Frame::new("SUBSCRIBE").with("id", "0");
        frame.with("destination", &destination)
    };
    let frame = match right {
        Publish => Frame::publication(name, BODY),
        Send => Frame::message_to(&format!("/queue/{name}"), BODY),
        Subscribe => subscribe(format!("/topic/{name}")),
        Receive => subscribe(format!("/queue/{name}")),
        Browse => subscribe(format!("/queue/{name}")).with("browser", "true"),
        Manage => panic!("STOMP has no request for this right"),
    };
    client.send(&frame.with("receipt", "r")).await;
    let answer = client.frame().await;
    let is_refused = answer.command == "ERROR";
    let expected = if is_refused { "not authorized" } else { "" };
    assert_eq!(answer.header("message"), expected, "{answer:?}");
    assert_eq!(answer.header("receipt-id"), "r", "{answer:?}");
    !is_refused
}

async fn http_request(server: &Carillon, token: &str, right: Right, name: &str) -> Answer {
    let (method, path) = match right {
        Publish => (Method::POST, format!("/api/topics/{name}")),
        Subscribe => (Method::GET, format!("/api/topics/{name}")),
        Send => (Method::POST, format!("/api/queues/{name}")),
        Browse => (Method::GET, format!("/api/queues/{name}/messages")),
        Manage => (Method::DELETE, format!("/api/queues/{name}")),
        Receive => panic!("HTTP has no request for this right"),
    };
    send(with_token(method, server.url(&path), token, BODY)).await
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

/// Returns a number that is used once.
fn fresh() -> u32 {
    use std::sync::atomic::{AtomicU32, Ordering};
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    NUMBER.fetch_add(1, Ordering::Relaxed)
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

#[tokio::test]
async fn curl_has_the_rights_of_its_user() {
    let (file, token) = UsersFile::for_visitor().await;
    let server = file.server(&[]).await;
    let right = format!("visitor:{token}");
    for (user, path, body, expected) in [
        ("visitor:wrong", "/api/topics/open.a", Some("1"), "401"),
        (&*right, "/api/topics/open.a", Some("1"), "200"),
        (&*right, "/api/topics/shut.a", Some("1"), "403"),
        (&*right, "/api/topics/open.a", None, "200"),
        (&*right, "/api/topics/shut.a/events", None, "403"),
    ] {
        let mut curl = Command::new("curl");
        curl.args([
            "--silent",
            "--output",
            "/dev/null",
            "--write-out",
            "%{http_code}",
        ]);
        curl.args(["--user", user]);
        curl.args(body.iter().flat_map(|body| ["--data", body]));
        let output = within("curl", curl.arg(server.url(path)).output()).await;
        let output = output.expect("curl starts");
        assert_eq!(String::from_utf8_lossy(&output.stdout), expected, "{path}");
    }
}

const BODY: &str = "body";
