//! The audit log.

use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::{fs, iter};

use harness::Carillon;
use harness::deadline::{eventually, within};
use harness::http::send;
use harness::mqtt::{Kind, MqttClient, Packet, Version};
use harness::stomp::{Frame, StompClient};
use harness::users::{UsersFile, mqtt_login, stomp_as, stomp_login, with_password, with_token};
use http::{Method, StatusCode};
use serde_json::Value;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

const RULES: &str = r#"
[users.admin]
send = [">"]
manage = [">"]
[users.writer]
publish = ["open.>"]
"#;

/// `slow` publishes one message, and then waits a second for each.
const SLOW_RULES: &str = r#"
[users.slow]
groups = ["all"]
[users.slow.limits]
messages-per-second = 1
[users.other]
groups = ["all"]
[groups.all]
publish = [">"]
subscribe = [">"]
send = [">"]
receive = [">"]
browse = [">"]
manage = [">"]
"#;

/// An audit log beside a users file.
struct AuditFile(PathBuf);

impl AuditFile {
    fn beside(users: &UsersFile) -> Self {
        Self(PathBuf::from(users.path()).with_file_name("audit.jsonl"))
    }

    async fn server(&self, users: &UsersFile) -> Carillon {
        let path = self.0.to_str().expect("a path in UTF-8");
        users.server(&["--audit", path]).await
    }

    fn text(&self) -> String {
        fs::read_to_string(&self.0).unwrap_or_default()
    }

    /// Returns the events that are written, without their times.
    fn events(&self) -> Vec<Value> {
        let text = self.text();
        let lines = text.lines();
        let parsed = lines.map(|line| serde_json::from_str(line).expect("a line of JSON"));
        parsed
            .map(|mut event: Value| {
                let fields = event.as_object_mut().expect("an object");
                let time = fields.remove("time").expect("a time");
                let time = time.as_str().expect("a text");
                assert!(time.len() == 24 && time.ends_with('Z'), "{time}");
                event
            })
            .collect()
    }

    /// Waits for an event with these fields, and returns it.
    async fn event(&self, fields: &[(&str, &str)]) -> Value {
        let has = |event: &Value| fields.iter().all(|(name, value)| event[*name] == *value);
        let events = eventually(
            &format!("an event with {fields:?}"),
            || async { self.events() },
            |events| events.iter().any(has),
        )
        .await;
        let found = events.into_iter().find(has);
        found.expect("it was there before")
    }
}

#[tokio::test]
async fn logins_refusals_and_management_are_recorded_without_secrets() {
    let users = UsersFile::new(RULES);
    users.add("anna", "the-password").await;
    let (admin, writer) = (users.token("admin").await, users.token("writer").await);
    let audit = AuditFile::beside(&users);
    let server = audit.server(&users).await;

    let connect = mqtt_login(Version::V5, "device", "anna", "the-password");
    let _connected = MqttClient::connect_with(&server, &connect).await;
    let event = audit
        .event(&[("event", "login"), ("protocol", "mqtt")])
        .await;
    for (field, value) in [
        ("user", "anna"),
        ("method", "password"),
        ("client", "device"),
        ("address", "127.0.0.1"),
    ] {
        assert_eq!(event[field], value, "{event}");
    }

    let mut stomp = StompClient::open(&server).await;
    stomp.send(&stomp_login("anna", "a-wrong-password")).await;
    stomp.refusal().await;
    let event = audit
        .event(&[("event", "login-refused"), ("protocol", "stomp")])
        .await;
    assert_eq!(event["user"], "anna", "{event}");
    assert_eq!(event["reason"], "the user name or password is wrong");

    let connect = mqtt_login(Version::V5, "w", "", &writer);
    let (mut client, _) = MqttClient::connect_with(&server, &connect).await;
    client
        .request(Packet::publication("shut/a", "the-body", 1), Kind::Puback)
        .await;
    let event = audit.event(&[("event", "request-refused")]).await;
    for (field, value) in [
        ("user", "writer"),
        ("client", "w"),
        ("right", "publish"),
        ("on", "shut.a"),
        ("address", "127.0.0.1"),
    ] {
        assert_eq!(event[field], value, "{event}");
    }

    for method in [Method::POST, Method::DELETE] {
        let url = server.url("/api/queues/jobs");
        let answer = send(with_token(method, url, &admin, "the-body")).await;
        assert!(answer.status.is_success(), "{answer:?}");
    }
    let event = audit
        .event(&[("event", "managed"), ("action", "delete-queue")])
        .await;
    assert_eq!(event["user"], "admin", "{event}");
    assert_eq!(event["on"], "jobs", "{event}");

    let text = audit.text();
    for secret in ["the-password", "a-wrong", "the-body", &admin, &writer] {
        assert!(!text.contains(secret), "{secret} in {text}");
    }
    let mode = fs::metadata(&audit.0).expect("the file").permissions();
    assert_eq!(mode.mode() & 0o777, 0o600);
}

#[tokio::test]
async fn changes_of_the_users_file_are_recorded_by_name() {
    let users = UsersFile::new(RULES);
    let audit = AuditFile::beside(&users);
    let _server = audit.server(&users).await;
    users.edit("[users.writer]\n", "[users.other]\n");
    let event = audit.event(&[("event", "users-changed")]).await;
    assert_eq!(event["added"][0], "users.other", "{event}");
    assert_eq!(event["removed"][0], "users.writer", "{event}");

    users.edit("[users.other]\n", "[users.other\n");
    let event = audit.event(&[("event", "users-refused")]).await;
    let reason = event["reason"].to_string();
    assert!(reason.contains("line "), "{reason}");
}

#[tokio::test]
async fn the_log_is_complete_when_the_server_has_stopped() {
    let users = UsersFile::new(RULES);
    let audit = AuditFile::beside(&users);
    for _ in 0..2 {
        let server = audit.server(&users).await;
        server.stop().await;
    }
    let events = audit.events();
    let names: Vec<_> = events.iter().map(|event| &event["event"]).collect();
    assert_eq!(names, ["started", "stopped", "started", "stopped"]);
}

#[tokio::test]
async fn a_log_that_was_renamed_is_continued_in_a_new_file_after_sighup() {
    let users = UsersFile::new(RULES);
    let audit = AuditFile::beside(&users);
    let server = audit.server(&users).await;
    audit.event(&[("event", "started")]).await;
    fs::rename(&audit.0, audit.0.with_extension("old")).expect("the file");
    server.hang_up().await;
    eventually(
        "the new file",
        || async { audit.0.exists() },
        |exists| *exists,
    )
    .await;
    let url = server.url("/api/topics");
    let answer = send(with_password(Method::GET, url, "admin", "wrong")).await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
    audit.event(&[("event", "login-refused")]).await;
    assert!(!audit.text().contains("started"), "{}", audit.text());
}

#[tokio::test]
async fn a_storm_of_refusals_is_bounded_and_counted() {
    let users = UsersFile::new(RULES);
    let writer = users.token("writer").await;
    let audit = AuditFile::beside(&users);
    let server = audit.server(&users).await;
    let mut client = StompClient::open(&server)
        .await
        .connected_with(stomp_login("", &writer))
        .await;
    client.request(Frame::publication("open.a", "1")).await;

    let connect = mqtt_login(Version::V5, "w", "", &writer);
    let (mut client, _) = MqttClient::connect_with(&server, &connect).await;
    let storm = iter::repeat_n(Packet::publication("shut/a", "no", 0), 5_000);
    for packet in storm {
        client.send(&packet).await;
    }
    client.ping().await;
    let refused = |events: Vec<Value>| {
        let names = events.iter().map(|event| event["event"].clone());
        names.filter(|name| name == "request-refused").count()
    };
    eventually(
        "refusals",
        || async { refused(audit.events()) },
        |count| *count >= 60,
    )
    .await;
    server.stop().await;
    let count = refused(audit.events());
    // The bound of a minute, which may have ended once in between.
    assert!((60..=120).contains(&count), "{count} refusals are recorded");
}

/// A part of a walk has 128 messages, so this takes longer than any deadline.
#[tokio::test]
async fn an_action_on_a_queue_is_recorded_and_delivered_although_its_client_leaves() {
    let users = UsersFile::new(SLOW_RULES);
    let (slow, other) = (users.token("slow").await, users.token("other").await);
    let audit = AuditFile::beside(&users);
    let server = audit.server(&users).await;
    let mut listener = stomp_as(&server, &other).await;
    listener.send_all("/queue/jobs", &["x"; 200]).await;
    listener.subscribe("0", "news", &[]).await;

    let body = r#"{"to":"/topic/news"}"#;
    let length = body.len();
    let head = format!(
        "POST /api/queues/jobs/move HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {slow}\r\n\
         content-length: {length}\r\n\r\n"
    );
    let socket = TcpStream::connect(server.address());
    let mut socket = within("a connection", socket).await.expect("a server");
    let sent = socket.write_all(format!("{head}{body}").as_bytes()).await;
    sent.expect("an open connection");
    listener.message().await;
    assert!(!audit.text().contains("move-messages"), "it goes on");
    drop(socket);
    let event = audit.event(&[("action", "move-messages")]).await;
    assert_eq!(event["user"], "slow", "{event}");
    assert_eq!(event["on"], "jobs", "{event}");
}

#[tokio::test]
async fn messages_that_consumers_take_during_an_action_do_not_remain() {
    let users = UsersFile::new(SLOW_RULES);
    let (slow, other) = (users.token("slow").await, users.token("other").await);
    let server = users.server(&[]).await;
    let mut listener = stomp_as(&server, &other).await;
    listener.send_all("/queue/jobs", &["1", "2", "3"]).await;
    listener.subscribe("0", "news", &[]).await;
    let url = server.url("/api/queues/jobs/move");
    let body = r#"{"to":"/topic/news"}"#;
    let moving = tokio::spawn(send(with_token(Method::POST, url, &slow, body)));
    listener.message().await;
    listener.subscribe_to("1", "/queue/jobs", &[]).await;
    assert_eq!(listener.message().await.text(), "2");
    let moved = moving.await.expect("no panic").json();
    assert_eq!(
        moved,
        serde_json::json!({"matched": 1, "done": 1, "remaining": 0, "held": 0})
    );
}
