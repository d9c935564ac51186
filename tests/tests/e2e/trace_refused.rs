//! Traces of clients that the server refuses, and of requests with secrets.

use harness::Carillon;
use harness::http::{raw, request, send};
use harness::mqtt::{MqttClient, Version};
use harness::sse::EventStream;
use harness::stomp::StompClient;
use harness::users::{UsersFile, mqtt_login, mqtt_refusal, with_token};
use http::{Method, StatusCode};
use serde_json::Value;

use crate::trace::{RULES, Trace, field, word};

/// Starts a trace of all clients of this machine.
async fn trace_as(server: &Carillon, token: &str) -> Trace {
    let url = server.url("/api/trace?address=127.0.0.1");
    Trace::of(EventStream::of(with_token(Method::GET, url, token, "")).await).await
}

/// Returns the next request and its answer.
async fn exchange(trace: &mut Trace) -> (Value, Value) {
    (trace.next().await, trace.next().await)
}

#[tokio::test]
async fn a_refused_request_is_shown_with_the_answer() {
    let users = UsersFile::new(RULES);
    let (admin, viewer) = (users.token("admin").await, users.token("viewer").await);
    let server = users.server(&[]).await;
    let mut trace = trace_as(&server, &admin).await;
    let heads = [
        (
            "GET /api/topics HTTP/1.1\r\nHost: evil.example\r\n\r\n",
            421,
        ),
        (
            "POST /api/topics/a HTTP/1.1\r\nHost: localhost\r\nOrigin: http://evil.example\r\nContent-Length: 0\r\n\r\n",
            403,
        ),
        (
            // viewer:hunter2
            "GET /api/topics HTTP/1.1\r\nHost: localhost\r\nAuthorization: Basic dmlld2VyOmh1bnRlcjI=\r\n\r\n",
            401,
        ),
    ];
    for (head, status) in heads {
        assert_eq!(raw(server.address(), head).await.status, status, "{head}");
        let (request, answer) = exchange(&mut trace).await;
        let method = head.split(' ').next().expect("a method");
        assert_eq!(word(&request), format!("in {method}"));
        assert!(
            word(&answer).starts_with(&format!("out {status}")),
            "{answer}"
        );
        assert_eq!(request["user"] == "viewer", status == 401, "{request}");
    }
    let ban = r#"{"user":"viewer","seconds":60}"#;
    let ban = with_token(Method::POST, server.url("/api/bans"), &admin, ban);
    assert_eq!(send(ban).await.status, StatusCode::CREATED);
    assert_eq!(word(&exchange(&mut trace).await.1), "out 201 Created");
    let banned = with_token(Method::GET, server.url("/api/topics"), &viewer, "");
    assert_eq!(send(banned).await.status, StatusCode::FORBIDDEN);
    let (request, answer) = exchange(&mut trace).await;
    assert_eq!(
        (word(&request), word(&answer)),
        ("in GET".into(), "out 403 Forbidden".into())
    );
}

#[tokio::test]
async fn no_secret_of_a_request_or_a_redirect_is_shown() {
    let users = UsersFile::new(RULES);
    let admin = users.token("admin").await;
    let server = users.server(&[]).await;
    let mut trace = trace_as(&server, &admin).await;
    let mut page = request(Method::GET, server.url("/topics?access_token=hunter2"), "");
    for (name, value) in [
        ("accept", "text/html"),
        ("referer", "http://anna:hunter2@h/?a=1&%74oken=hunter2"),
        ("sec-websocket-protocol", "v12.stomp, bearer-hunter2"),
    ] {
        page.headers_mut()
            .insert(name, value.parse().expect("a header"));
    }
    let answer = send(page).await;
    assert!(answer.header("location").contains("hunter2"), "{answer:?}");
    let (request, answer) = exchange(&mut trace).await;
    let expected = "http://(left out)@h/?a=1&%74oken=(left out)";
    assert_eq!(field(&request, "referer"), expected);
    assert_eq!(field(&request, "sec-websocket-protocol"), "v12.stomp, …");
    assert!(
        field(&answer, "location").ends_with("login?next=(left out)"),
        "{answer}"
    );
    for frame in [request, answer] {
        assert!(!frame.to_string().contains("hunter2"), "{frame}");
    }
}

#[tokio::test]
async fn input_is_not_shown_in_the_reason_of_a_refusal() {
    let server = Carillon::start().await;
    let mut trace = Trace::start(&server, "address=127.0.0.1").await;
    let mut client = StompClient::open(&server).await;
    client.send_text("passcode:hunter2\n\n\0").await;
    let error = client.refusal().await;
    let body = String::from_utf8_lossy(&error.body);
    assert!(body.contains("hunter2"), "{error:?}");
    let mut words = Vec::new();
    while words.last().is_none_or(|last| last != "out end") {
        let frame = trace.next().await;
        assert!(!frame.to_string().contains("hunter2"), "{frame}");
        words.push(word(&frame));
    }
    let last = words.split_off(words.len().saturating_sub(3));
    assert_eq!(last, ["in malformed", "out ERROR", "out end"]);
}

#[tokio::test]
async fn the_refusal_before_mqtt_5_has_its_return_code() {
    let users = UsersFile::new(RULES);
    let admin = users.token("admin").await;
    let server = users.server(&[]).await;
    let mut trace = trace_as(&server, &admin).await;
    for version in [Version::V3_1, Version::V3_1_1] {
        let connect = mqtt_login(version, "thief", "viewer", "hunter2");
        mqtt_refusal(&server, &connect).await;
        trace.find("in", "CONNECT").await;
        let connack = trace.find("out", "CONNACK").await;
        assert_eq!(
            field(&connack, "Return Code"),
            "0x04 Bad user name or password"
        );
    }
}

#[tokio::test]
async fn names_and_types_of_unreadable_messages_are_not_shown() {
    let users =
        UsersFile::new("[users.admin]\nmanage = [\">\"]\n[users.writer]\npublish = [\">\"]\n");
    let (admin, writer) = (users.token("admin").await, users.token("writer").await);
    let server = users.server(&[]).await;
    let mut trace = trace_as(&server, &admin).await;
    let mut post = with_token(
        Method::POST,
        server.url("/api/topics/a"),
        &writer,
        "hunter2",
    );
    for name in ["content-type", "carillon-header-hunter2", "traceparent"] {
        post.headers_mut()
            .insert(name, "text/hunter2".parse().expect("a header"));
    }
    assert!(send(post).await.status.is_success());
    let connect = mqtt_login(Version::V5, "w", "token", &writer);
    let mut client = MqttClient::connect_with(&server, &connect).await.0;
    // A PUBLISH with the user property hunter2=v and the Content Type hunter2.
    let publish = b"\x30\x1c\x00\x01a\x17\x26\x00\x07hunter2\x00\x01v\x03\x00\x07hunter2x";
    client.send_bytes(publish.to_vec()).await;
    let mut stomp = harness::users::stomp_as(&server, &writer).await;
    stomp
        .send_text("SEND\ndestination:/topic/a\ncontent-type:text/hunter2\nhunter2:v\n\nhunter2\0")
        .await;
    for kind in ["POST", "PUBLISH", "SEND"] {
        let frame = trace.find("in", kind).await;
        assert!(!frame.to_string().contains("hunter2"), "{frame}");
        assert!(frame.to_string().contains("no right to read it"), "{frame}");
    }
}
