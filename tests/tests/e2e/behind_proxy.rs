//! The client of a connection that a proxy passes on: the header of the PROXY protocol and `X-Forwarded-For`, from trusted
//! proxies only. `public_url` has the pages behind a proxy.

use std::net::SocketAddr;

use harness::Carillon;
use harness::deadline::{eventually, within};
use harness::http::{get_over, raw};
use harness::mqtt::{Connect, Kind, MqttClient, Packet, Version};
use harness::stomp::{StompClient, upgrade};
use harness::tls::Pair;
use harness::users::{UsersFile, mqtt_login, stomp_login};
use http::StatusCode;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const TRUSTED: [&str; 2] = ["--trusted-proxy", "192.0.2.0/24,127.0.0.1"];

/// Returns a header of version 2 for a client of TCP.
fn binary(client: [u8; 4]) -> Vec<u8> {
    let fixed = b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c";
    let ports = [0xc0, 0, 0x07, 0x5b];
    [&fixed[..], &client, &[192, 0, 2, 1], &ports].concat()
}

/// Returns a header of version 1.
fn line(client: &str) -> Vec<u8> {
    format!("PROXY TCP4 {client} 192.0.2.1 49152 1883\r\n").into()
}

/// Opens a connection as a proxy that begins it with a header.
async fn connect(address: SocketAddr, header: &[u8]) -> TcpStream {
    let socket = within("a connection", TcpStream::connect(address)).await;
    let mut socket = socket.expect("the server listens");
    socket.write_all(header).await.expect("an open socket");
    socket
}

/// Sends a login with a wrong password.
async fn refused_mqtt(socket: TcpStream) {
    let mut client = MqttClient::over(socket, Version::V5);
    let login = mqtt_login(Version::V5, "c", "anna", "wrong");
    client.send_bytes(login.encode()).await;
    let connack = client.packet().await;
    assert_ne!(connack.reason(), 0, "{connack:?}");
}

/// Returns a request with a wrong token, for a client that the proxy names.
fn forwarded(names: &str) -> String {
    format!(
        "GET /api/topics HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer x\r\nX-Forwarded-For: {names}\r\n\r\n"
    )
}

#[tokio::test]
async fn the_header_names_the_client_on_every_port() {
    let file = UsersFile::new("");
    file.add("anna", "secret").await;
    let server = file
        .server(&[&TRUSTED[..], &["--stomp", "127.0.0.1:0"]].concat())
        .await;

    let mqtt = server.mqtt_address().await;
    refused_mqtt(connect(mqtt, &binary([203, 0, 113, 1])).await).await;
    server.logged("203.0.113.1").await;
    let stomp = server.stomp_address().await;
    let stomp = connect(stomp, &line("203.0.113.2")).await;
    let mut client = StompClient::over(stomp);
    client.send(&stomp_login("anna", "wrong")).await;
    client.refusal().await;
    server.logged("203.0.113.2").await;
    refused_mqtt(connect(server.address(), &line("203.0.113.3")).await).await;
    server.logged("203.0.113.3").await;
    let http = connect(server.address(), &binary([203, 0, 113, 4])).await;
    let answer = get_over(http, "/api/topics").await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
    server.logged("203.0.113.4").await;
    let socket = connect(server.address(), &binary([203, 0, 113, 5])).await;
    let opened = StompClient::upgraded_on(socket, upgrade(&server, "/ws", &[])).await;
    let mut client = opened.expect("an upgrade");
    client.send(&stomp_login("anna", "wrong")).await;
    client.refusal().await;
    server.logged("203.0.113.5").await;
    assert!(!server.transcript().contains("address=127.0.0.1"));
}

#[tokio::test]
async fn the_header_comes_before_tls() {
    let pair = Pair::new();
    let file = UsersFile::new("");
    file.add("anna", "secret").await;
    let server = pair
        .server(&[&TRUSTED[..], &["--users", file.path(), "--tls-only"]].concat())
        .await;
    for (address, client) in [
        (server.address(), "203.0.113.1"),
        (server.stomp_tls_address().await, "203.0.113.2"),
    ] {
        let socket = connect(address, &line(client)).await;
        let stream = pair.trust().try_over(socket).await;
        let mut stomp = StompClient::over(stream.expect("a TLS connection"));
        stomp.send(&stomp_login("anna", "wrong")).await;
        stomp.refusal().await;
        server.logged(client).await;
    }
}

#[tokio::test]
async fn connections_without_a_client_count_for_the_proxy() {
    let file = UsersFile::new("");
    file.add("anna", "secret").await;
    let server = file.server(&TRUSTED).await;
    let local = b"\r\n\r\n\0\r\nQUIT\n\x20\0\0\0";
    for header in [&local[..], b"PROXY UNKNOWN\r\n", b""] {
        let answer = get_over(connect(server.address(), header).await, "/healthz").await;
        assert_eq!(answer.status, StatusCode::OK, "{}", header.escape_ascii());
    }
    refused_mqtt(connect(server.mqtt_address().await, local).await).await;
    server.logged("127.0.0.1").await;
}

#[tokio::test]
async fn a_malformed_header_ends_the_connection() {
    let server = Carillon::with_mqtt(&TRUSTED).await;
    for header in [
        &b"PROXY TCP4 203.0.113.1\r\n"[..],
        b"\r\n\r\n\0\r\nQUIT\n\x31\x11\0\0",
    ] {
        for address in [server.address(), server.mqtt_address().await] {
            let mut socket = connect(address, header).await;
            let mut answer = Vec::new();
            let ended = within("the end", socket.read_to_end(&mut answer)).await;
            // The system may report the end as a reset.
            assert!(answer.is_empty(), "{ended:?} {answer:?}");
        }
    }
}

#[tokio::test]
async fn an_untrusted_peer_cannot_name_a_client() {
    let file = UsersFile::new("");
    file.add("anna", "secret").await;
    let server = file.server(&["--trusted-proxy", "192.0.2.1"]).await;
    let header = binary([203, 0, 113, 1]);
    let mut socket = connect(server.address(), &header).await;
    let mut answer = String::new();
    let read = within("an answer", socket.read_to_string(&mut answer)).await;
    assert!(answer.starts_with("HTTP/1.1 400"), "{read:?} {answer}");
    let mut socket = connect(server.mqtt_address().await, &header).await;
    let mut answer = Vec::new();
    let ended = within("the end", socket.read_to_end(&mut answer)).await;
    assert!(answer.is_empty(), "{ended:?}");
    let answer = raw(server.address(), &forwarded("203.0.113.1")).await;
    assert_eq!(answer.status, 401, "{answer:?}");
    server.logged("127.0.0.1").await;
    assert!(!server.transcript().contains("203.0.113"));
}

#[tokio::test]
async fn each_request_of_a_connection_has_its_own_client() {
    let file = UsersFile::new("");
    file.add("anna", "secret").await;
    let server = file.server(&TRUSTED).await;
    let mut socket = connect(server.address(), b"").await;
    for (names, client) in [
        ("203.0.113.1", "203.0.113.1"),
        ("198.51.100.1, 203.0.113.2, 192.0.2.7", "203.0.113.2"),
        ("[2001:db8::3]:4711", "2001:db8::3"),
        ("198.51.100.1, nonsense", "127.0.0.1"),
    ] {
        socket
            .write_all(forwarded(names).as_bytes())
            .await
            .expect("an open socket");
        let mut answer = vec![0; 64];
        let read = within("an answer", socket.read(&mut answer)).await;
        read.expect("an answer");
        assert!(answer.starts_with(b"HTTP/1.1 401"), "{names}");
        server.logged(&format!("address={client}")).await;
        // The rest of the answer.
        let mut rest = vec![0; 4096];
        while let Ok(count) = socket.try_read(&mut rest)
            && count > 0
        {}
    }
    assert!(!server.transcript().contains("198.51.100.1"));

    let header = [("x-forwarded-for", "203.0.113.4")];
    let opened = StompClient::upgraded(upgrade(&server, "/ws", &header)).await;
    let mut client = opened.expect("an upgrade");
    client.send(&stomp_login("anna", "wrong")).await;
    client.refusal().await;
    server.logged("203.0.113.4").await;
}

/// Creates topics until the server refuses one. Returns their number.
async fn flood(server: &Carillon, client: [u8; 4], name: &str) -> usize {
    let socket = connect(server.mqtt_address().await, &binary(client)).await;
    let (mut client, _) = MqttClient::over(socket, Version::V5)
        .connected_with(&Connect::new(Version::V5, name))
        .await;
    for number in 0.. {
        let topic = format!("{name}/{number}");
        let publish = Packet::publication(&topic, "x", 1);
        if client.request(publish, Kind::Puback).await.reason() == 0x97 {
            return number;
        }
    }
    unreachable!("the number of topics is bounded")
}

#[tokio::test]
async fn the_clients_of_a_proxy_have_shares_of_their_own() {
    let options = [&TRUSTED[..], &["--max-topics", "100"]].concat();
    let server = Carillon::with_mqtt(&options).await;
    let greedy = [203, 0, 113, 1];
    // An address may hold twice as much as is free, with however many connections.
    let mut taken = 0;
    for name in ["a", "b", "c"] {
        taken += flood(&server, greedy, name).await;
    }
    assert!((60..=70).contains(&taken), "{taken}");
    assert_eq!(flood(&server, greedy, "d").await, 0);
    assert!(flood(&server, [203, 0, 113, 2], "other").await > 10);
}

#[tokio::test]
async fn a_client_of_a_proxy_gets_two_thirds_of_the_connections() {
    let options = [&TRUSTED[..], &["--max-connections", "20"]].concat();
    let server = Carillon::with(&options).await;
    let open = async |client: [u8; 4]| {
        let socket = connect(server.address(), &binary(client)).await;
        StompClient::admitted(socket).await
    };
    let greedy = [203, 0, 113, 1];
    let mut held = Vec::new();
    while let Some(client) = open(greedy).await {
        held.push(client);
    }
    assert_eq!(held.len(), 14);
    server.logged("this address has its share").await;
    let others = open([203, 0, 113, 2]).await;
    assert!(others.is_some());
    // Connections on loopback without a header are the proxy's own, and count for no client.
    StompClient::over_tcp(server.address())
        .await
        .connected()
        .await;
    held.clear();
    let again = async || open(greedy).await.is_some();
    eventually("a place", again, |is_open| *is_open).await;
}

#[tokio::test]
async fn networks_are_checked_at_start() {
    let refused = harness::carillon::run(&["--trusted-proxy", "proxy.example"]).await;
    assert_eq!(refused.status.code(), Some(2));
    let error = String::from_utf8(refused.stderr).expect("a text");
    assert!(error.contains("10.0.0.0/8"), "{error}");
}
