//! Traces: what an operator sees of a client, over each protocol.

use std::fs;
use std::path::Path;
use std::process::Stdio;

use harness::Carillon;
use harness::carillon::command;
use harness::deadline::{eventually, within};
use harness::http::{get, post, request, send};
use harness::mqtt::{Connect, MqttClient, Version};
use harness::sse::EventStream;
use harness::stomp::{Frame, StompClient};
use harness::tls::Pair;
use harness::users::{UsersFile, mqtt_login, mqtt_refusal, stomp_as, with_token};
use http::{Method, StatusCode};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::Child;

/// A trace that runs.
pub struct Trace(pub EventStream);

impl Trace {
    pub async fn start(server: &Carillon, query: &str) -> Self {
        let get = request(Method::GET, server.url(&format!("/api/trace?{query}")), "");
        Self::of(EventStream::of(get).await).await
    }

    pub async fn of(mut events: EventStream) -> Self {
        let first = events.next().await.expect("an event");
        assert_eq!(first.name, "trace");
        Self(events)
    }

    /// Returns the next frame.
    pub async fn next(&mut self) -> Value {
        let event = self.0.next().await.expect("the trace goes on");
        assert_eq!(event.name, "frame", "{event:?}");
        event.json()
    }

    /// Skips frames until one of this direction and type.
    pub async fn find(&mut self, direction: &str, frame_type: &str) -> Value {
        loop {
            let frame = self.next().await;
            if frame["direction"] == direction && frame["type"] == frame_type {
                return frame;
            }
        }
    }

    /// Returns the next frames as `in CONNECT`.
    async fn words(&mut self, count: usize) -> Vec<String> {
        let mut words = Vec::new();
        while words.len() < count {
            words.push(word(&self.next().await));
        }
        words
    }
}

/// Returns the direction and the type of a frame.
pub fn word(frame: &Value) -> String {
    let text = |name: &str| frame[name].as_str().unwrap_or_default().to_owned();
    format!("{} {}", text("direction"), text("type"))
}

/// Returns the value of a field.
pub fn field<'f>(frame: &'f Value, name: &str) -> &'f str {
    let mut fields = frame["fields"].as_array().into_iter().flatten();
    let found = fields.find(|field| field["name"] == name);
    found
        .and_then(|field| field["value"].as_str())
        .unwrap_or_else(|| panic!("no {name} in {frame}"))
}

#[tokio::test]
async fn an_mqtt_client_is_traced_from_its_connect_to_its_end() {
    let server = Carillon::with_mqtt(&[]).await;
    let mut trace = Trace::start(&server, "client=sensor-1").await;
    let mut other = MqttClient::connect(&server, Version::V5, "sensor-2").await;
    let mut client = MqttClient::connect(&server, Version::V5, "sensor-1").await;
    let connect = trace.next().await;
    assert_eq!(word(&connect), "in CONNECT");
    assert_eq!(connect["protocol"], "MQTT 5.0");
    assert_eq!(field(&connect, "Client Identifier"), "sensor-1");
    assert!(
        connect["at"]
            .as_u64()
            .is_some_and(|at| at > 1_700_000_000_000)
    );
    assert!(connect["connection"].is_u64(), "{connect}");
    let connack = trace.next().await;
    assert_eq!(field(&connack, "Reason Code"), "0x00 Success");
    client.subscribe("a/+", 1).await;
    other.publish("a/b", "21.5", 0).await;
    assert_eq!(trace.words(2).await, ["in SUBSCRIBE", "out SUBACK"]);
    let publish = trace.next().await;
    assert_eq!(word(&publish), "out PUBLISH");
    assert_eq!(field(&publish, "Topic Name"), "a/b");
    assert_eq!(publish["payload"]["text"], "21.5");
    client.leave().await;
    trace.find("in", "DISCONNECT").await;
    let end = trace.find("out", "end").await;
    assert_eq!(end["error"], "the peer ended it");
}

#[tokio::test]
async fn a_stomp_client_is_traced_by_its_address_with_the_port() {
    let server = Carillon::start().await;
    let mut client = StompClient::connect(&server).await;
    let list = get(server.url("/api/connections")).await.json();
    let id = &list["connections"][0]["id"];
    let mut of_connection = Trace::start(&server, &format!("connection={id}")).await;
    client.publish("a.b", "first").await;
    let frame = of_connection.find("in", "SEND").await;
    assert_eq!(frame["protocol"], "STOMP 1.2");
    assert_eq!(frame["payload"]["text"], "first");
    let address = frame["address"].as_str().expect("an address");
    assert!(address.starts_with("127.0.0.1:"), "{address}");
    let mut of_address = Trace::start(&server, &format!("address={address}")).await;
    let mut of_other = Trace::start(&server, "address=127.0.0.1:1&limit=1").await;
    client.subscribe("1", "a.b", &[]).await;
    client.publish("a.b", "second").await;
    of_address.find("in", "SUBSCRIBE").await;
    let message = of_address.find("out", "MESSAGE").await;
    assert_eq!(message["payload"]["text"], "second");
    server.stop().await;
    let end = of_other.0.next().await.expect("an end");
    assert_eq!(end.name, "end", "no frame of the other port: {end:?}");
}

#[tokio::test]
async fn every_door_of_mqtt_and_stomp_is_traced() {
    let pair = Pair::new();
    let server = pair.server(&["--mqtt", "127.0.0.1:0"]).await;
    let trust = pair.trust();
    let tls = server.mqtt_tls_address().await;
    for version in Version::ALL {
        let clients = [
            MqttClient::open(&server, version).await,
            MqttClient::over_websocket(&server, "/mqtt", version).await,
            MqttClient::over_tls(tls, &trust, version).await,
        ];
        for client in clients {
            let mut trace = Trace::start(&server, "client=c").await;
            let connect = Connect::new(version, "c");
            let (mut client, _) = client.connected_with(&connect).await;
            client.publish("a", "x", 2).await;
            let expected = [
                "in CONNECT",
                "out CONNACK",
                "in PUBLISH",
                "out PUBREC",
                "in PUBREL",
                "out PUBCOMP",
            ];
            assert_eq!(trace.words(expected.len()).await, expected, "{version:?}");
            client.leave().await;
            // Otherwise the next trace of this client may show it.
            trace.find("out", "end").await;
        }
    }
    let stomp_tls = server.stomp_tls_address().await;
    for version in ["1.0", "1.1", "1.2"] {
        let clients = [
            StompClient::open(&server).await,
            StompClient::over_tcp(server.address()).await,
            StompClient::over(trust.connect(stomp_tls).await),
        ];
        for client in clients {
            let mut trace = Trace::start(&server, "client=c").await;
            let connect = Frame::connect_as(version).with("client-id", "c");
            let mut client = client.connected_with(connect).await;
            client.subscribe("1", "a", &[]).await;
            client.publish("a", "x").await;
            let expected = [
                "in CONNECT",
                "out CONNECTED",
                "in SUBSCRIBE",
                "out RECEIPT",
                "in SEND",
                "out MESSAGE",
            ];
            assert_eq!(trace.words(expected.len()).await, expected, "{version}");
            client.leave().await;
            // Otherwise the next trace of this client may show it.
            trace.find("out", "end").await;
        }
    }
}

#[tokio::test]
async fn a_topic_is_traced_over_all_protocols() {
    let server = Carillon::with_mqtt(&[]).await;
    let mut reader = MqttClient::connect(&server, Version::V3_1_1, "reader").await;
    reader.subscribe("#", 0).await;
    let mut stomp = StompClient::connect(&server).await;
    let mut trace = Trace::start(&server, "topic=plant.*").await;
    stomp.publish("elsewhere", "no").await;
    stomp.publish("plant.a", "yes").await;
    assert_eq!(trace.words(2).await, ["in SEND", "out PUBLISH"]);
    let answer = post(
        server.url("/api/topics/plant.b?access_token=x"),
        "text/plain",
        "hi",
    )
    .await;
    assert!(answer.status.is_success(), "{answer:?}");
    let posted = trace.next().await;
    assert_eq!(word(&posted), "in POST");
    assert_eq!(posted["payload"]["text"], "hi");
    assert_eq!(field(&posted, "query"), "access_token=(left out)");
    assert_eq!(trace.words(2).await, ["out PUBLISH", "out 200 OK"]);
    let mut events = EventStream::open(server.url("/api/topics/plant.%3E/events")).await;
    assert_eq!(trace.words(2).await, ["in GET", "out 200 OK"]);
    stomp.publish("plant.c", "event").await;
    events.message().await;
    let frame = trace.find("out", "event").await;
    assert_eq!(field(&frame, "topic"), "plant.c");
}

/// The users: one may manage, but not read everything.
pub const RULES: &str = r#"
[users.admin]
manage = [">"]
subscribe = ["open.>"]
[users.viewer]
subscribe = [">"]
[users.writer]
publish = [">"]
subscribe = [">"]
"#;

#[tokio::test]
async fn content_needs_the_right_to_read_and_a_trace_the_right_to_manage() {
    let users = UsersFile::new(RULES);
    let (admin, viewer) = (users.token("admin").await, users.token("viewer").await);
    let writer = users.token("writer").await;
    let server = users.server(&[]).await;
    let start = |token: &str, query: &str| {
        let url = server.url(&format!("/api/trace?{query}"));
        with_token(Method::GET, url, token, "")
    };
    let refused = send(start(&viewer, "topic=a")).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    let events = EventStream::of(start(&admin, "user=writer")).await;
    let mut trace = Trace::of(events).await;
    let mut client = stomp_as(&server, &writer).await;
    client.publish("open.a", "public").await;
    client.publish("closed.a", "private").await;
    let connect = trace.find("in", "CONNECT").await;
    assert_eq!(field(&connect, "passcode"), "(left out)");
    assert_eq!(trace.find("in", "SEND").await["payload"]["text"], "public");
    let closed = trace.find("in", "SEND").await;
    assert_eq!(closed["payload"]["bytes"], 7);
    assert!(closed["payload"]["withheld"].is_string(), "{closed}");
    assert!(!closed.to_string().contains("private"), "{closed}");
}

#[tokio::test]
async fn the_audit_log_has_who_traced_what() {
    let users = UsersFile::new(RULES);
    let admin = users.token("admin").await;
    let audit = Path::new(users.path()).with_file_name("audit.jsonl");
    let options = ["--audit", audit.to_str().expect("a path in UTF-8")];
    let server = users.server(&options).await;
    let url = server.url("/api/trace?client=sensor-1&topic=a.*");
    let _trace = Trace::of(EventStream::of(with_token(Method::GET, url, &admin, "")).await).await;
    let is_recorded = |text: &String| {
        let mut events = text
            .lines()
            .filter_map(|line| serde_json::from_str(line).ok());
        events.any(|event: Value| {
            event["action"] == "trace"
                && event["user"] == "admin"
                && event["on"] == "client=sensor-1 topic=a.*"
        })
    };
    let read = || std::future::ready(fs::read_to_string(&audit).unwrap_or_default());
    eventually("an event of the trace", read, is_recorded).await;
}

#[tokio::test]
async fn a_refused_client_is_shown_with_the_reason_and_without_its_password() {
    let users = UsersFile::new(RULES);
    let admin = users.token("admin").await;
    let server = users.server(&[]).await;
    let url = server.url("/api/trace?address=127.0.0.1");
    let get = with_token(Method::GET, url, &admin, "");
    let mut trace = Trace::of(EventStream::of(get).await).await;
    let connect = mqtt_login(Version::V5, "thief", "writer", "hunter2");
    mqtt_refusal(&server, &connect).await;
    let mut seen = Vec::new();
    while seen
        .last()
        .is_none_or(|frame: &Value| frame["type"] != "end")
    {
        seen.push(trace.next().await);
    }
    let words: Vec<_> = seen.iter().map(word).collect();
    assert_eq!(words, ["in CONNECT", "out CONNACK", "out end"]);
    assert_eq!(seen[0]["client"], "thief");
    assert_eq!(
        field(&seen[1], "Reason Code"),
        "0x86 Bad user name or password"
    );
    assert!(!format!("{seen:?}").contains("hunter2"), "{seen:?}");
}

#[tokio::test]
async fn frames_beyond_the_rate_are_counted() {
    let server = Carillon::start().await;
    let mut client = StompClient::connect(&server).await;
    let mut trace = Trace::start(&server, "topic=flood").await;
    let sent = 5_000;
    let bodies: Vec<_> = (0..sent).map(|number| number.to_string()).collect();
    client.send_all("/topic/flood", &bodies).await;
    let mut shown = 0;
    let mut left_out = 0;
    while shown + left_out < sent {
        let event = trace.0.next().await.expect("the trace goes on");
        match &*event.name {
            "frame" => shown += 1,
            _ => {
                assert_eq!(event.json()["reason"], "rate", "{event:?}");
                left_out += event.json()["leftOut"].as_u64().expect("a number");
            }
        }
    }
    assert_eq!(shown + left_out, sent);
    assert!(left_out > 0, "it is faster than 500 a second");
}

#[tokio::test]
async fn at_most_eight_traces_run_and_each_is_free_again() {
    let server = Carillon::start().await;
    let mut running = Vec::new();
    for _ in 0..8 {
        running.push(Trace::start(&server, "client=c").await);
    }
    let ninth = get(server.url("/api/trace?client=c")).await;
    assert_eq!(ninth.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(ninth.problem()["code"], "traces");
    running.pop();
    within("a free place", async {
        while get(server.url("/api/trace?client=c&limit=0")).await.status != StatusCode::OK {}
    })
    .await;
}

/// Starts `carillon trace`. Returns it with its first note, which it writes when the trace runs.
pub async fn start_command(server: &Carillon, options: &[&str]) -> (Child, Option<String>) {
    let url = server.url("");
    let mut child = command()
        .args(["trace", "--server", &url])
        .args(options)
        .kill_on_drop(true)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it starts");
    let notes = child.stderr.as_mut().expect("standard error");
    let mut notes = BufReader::new(notes).lines();
    let started = within("a note", notes.next_line()).await;
    (child, started.expect("a line"))
}

#[tokio::test]
async fn the_command_prints_lines_and_ends_after_its_count() {
    let server = Carillon::with_mqtt(&[]).await;
    let (child, started) = start_command(&server, &["--topic", "a.>", "--count", "1"]).await;
    assert!(started.is_some_and(|line| line.contains("topic=a.>")));
    let mut client = MqttClient::connect(&server, Version::V5, "sensor-1").await;
    client.publish("a/b", "21.5", 0).await;
    let output = within("its end", child.wait_with_output()).await;
    let output = output.expect("output");
    assert!(output.status.success(), "{output:?}");
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(text.contains("sensor-1 127.0.0.1:"), "{text}");
    assert!(
        text.contains("PUBLISH") && text.contains("Topic Name=a/b"),
        "{text}"
    );
    assert!(text.trim_end().ends_with("| 4 B: 21.5"), "{text}");
}
