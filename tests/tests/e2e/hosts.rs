//! The Host header: a page of a foreign name that points to this machine (DNS rebinding) gets no data.

use std::net::SocketAddr;

use harness::Carillon;
use harness::http::{Head, get, raw};
use harness::stomp::{StompClient, upgrade};
use http::StatusCode;

const MISDIRECTED: u16 = 421;

const HANDSHAKE: &str = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
                         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";

/// Sends a request given as its request line and header lines.
async fn answer(address: SocketAddr, line: &str, headers: &str) -> Head {
    let request = format!("{line} HTTP/1.1\r\n{headers}Connection: close\r\n\r\n");
    raw(address, &request).await
}

#[tokio::test]
async fn a_request_with_a_foreign_host_is_refused() {
    let server = Carillon::start().await;
    let address = server.address();
    let host = format!("Host: evil.example:{}\r\n", address.port());
    for line in [
        "GET /",
        "GET /console",
        "GET /robots.txt",
        "GET /api/topics",
        "GET /api/topics/%3E/events?since=0",
        "GET /api/queues",
        "GET /nowhere",
        "HEAD /api/topics",
        "POST /api/topics/a",
        "DELETE /api/topics/a",
        "OPTIONS /api/topics/a",
    ] {
        let refused = answer(address, line, &host).await;
        assert_eq!(refused.status, MISDIRECTED, "{line}: {refused:?}");
    }
    for path in ["/ws", "/stomp", "/mqtt", "/"] {
        let headers = format!("{host}{HANDSHAKE}");
        let refused = raw(address, &format!("GET {path} HTTP/1.1\r\n{headers}\r\n")).await;
        assert_eq!(refused.status, MISDIRECTED, "{path}: {refused:?}");
    }
    let topic = get(server.url("/api/topics/a")).await;
    assert_eq!(topic.status, StatusCode::NOT_FOUND, "nothing was published");
    for path in ["/healthz", "/readyz"] {
        let served = answer(address, &format!("GET {path}"), &host).await;
        assert_eq!(served.status, 200, "for monitoring: {served:?}");
    }
    for name in [
        "localhost",
        "127.0.0.1",
        "127.0.0.2",
        "[::1]",
        "a.localhost",
    ] {
        let host = format!("Host: {name}:{}\r\n", address.port());
        let served = answer(address, "GET /api/topics", &host).await;
        assert_eq!(served.status, 200, "{name}: {served:?}");
    }
}

#[tokio::test]
async fn the_log_names_a_refused_host_once_with_the_option() {
    let server = Carillon::start().await;
    for name in ["one.example", "one.example", "two.example"] {
        answer(server.address(), "GET /", &format!("Host: {name}\r\n")).await;
    }
    server.logged("--allow-host two.example").await;
    let log = server.transcript();
    assert_eq!(log.matches("--allow-host one.example").count(), 1, "{log}");
}

#[tokio::test]
async fn a_request_of_http_1_1_must_have_one_host() {
    let server = Carillon::start().await;
    let address = server.address();
    for headers in [
        "",
        "Host: localhost\r\nHost: localhost\r\n",
        "Host: localhost\r\nHost: evil.example\r\n",
        "Host: local host\r\n",
        "Host: user@localhost\r\n",
    ] {
        for line in ["GET /api/topics", "POST /api/topics/a"] {
            let refused = answer(address, line, headers).await;
            assert_eq!(refused.status, 400, "{headers:?}: {refused:?}");
        }
    }
    let old = raw(address, "GET /healthz HTTP/1.0\r\n\r\n").await;
    assert_eq!(old.status, 200, "{old:?}");
    let target = "GET http://evil.example/api/topics";
    let refused = answer(address, target, "Host: localhost\r\n").await;
    assert_eq!(
        refused.status, MISDIRECTED,
        "the target counts: {refused:?}"
    );
}

#[tokio::test]
async fn a_host_can_be_allowed() {
    let options = ["--allow-host", "board.example", "--allow-origin"];
    let server = Carillon::with(&[&options[..], &["https://other.example"]].concat()).await;
    for (name, wanted) in [
        ("board.example", 200),
        ("BOARD.example:80", 200),
        ("other.example", 200),
        ("localhost", 200),
        ("evil.example", MISDIRECTED),
    ] {
        let host = format!("Host: {name}\r\n");
        let answered = answer(server.address(), "GET /api/topics", &host).await;
        assert_eq!(answered.status, wanted, "{name}: {answered:?}");
    }
    let headers = [
        ("host", "board.example:80"),
        ("origin", "http://board.example:80"),
    ];
    let opened = StompClient::upgraded(upgrade(&server, "/ws", &headers)).await;
    assert!(opened.is_ok(), "its own page: {:?}", opened.err());
}

/// A proxy that sends the server's own address as the Host.
#[tokio::test]
async fn a_page_behind_a_proxy_can_request_the_reason_of_its_refusal() {
    let server = Carillon::start().await;
    for origin in [
        "https://board.example",
        "https://board.example",
        "https://b.example",
    ] {
        let refused = StompClient::upgraded(upgrade(&server, "/ws", &[("origin", origin)])).await;
        assert_eq!(refused.err(), Some(StatusCode::FORBIDDEN));
    }
    server.logged("--allow-origin https://b.example").await;
    let log = server.transcript();
    let lines = log.matches("--allow-origin https://board.example");
    assert_eq!(lines.count(), 1, "{log}");

    let check = |server: &Carillon, origin: &str| {
        let url = server.url(&format!("/api/connect-check?origin={origin}"));
        async move { get(url).await }
    };
    let refused = check(&server, "https%3A%2F%2Fboard.example").await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    let detail = refused.problem()["detail"].to_string();
    assert!(
        detail.contains("--allow-origin https://board.example"),
        "{detail}"
    );
    let own = format!("http://{}", server.address());
    let allowed = check(&server, &own).await;
    assert_eq!(allowed.status, StatusCode::NO_CONTENT, "{allowed:?}");

    let server = Carillon::with(&["--allow-origin", "https://board.example"]).await;
    let allowed = check(&server, "https%3A%2F%2Fboard.example").await;
    assert_eq!(allowed.status, StatusCode::NO_CONTENT, "{allowed:?}");
}
