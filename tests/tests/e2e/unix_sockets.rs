//! Unix sockets as listeners: their protocols, their files, and what a client at one is allowed. `unix_clients` has the
//! commands that use them.

use std::os::unix::net::UnixListener;

use harness::Carillon;
use harness::carillon::run;
use harness::deadline::{eventually, within};
use harness::http::{get, post};
use harness::mqtt::{Connect, Kind, MqttClient, Version};
use harness::stomp::{Frame, StompClient};
use harness::unix_socket::{SocketPath, own_address};
use harness::users::{UsersFile, stomp_login};
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// Returns the addresses of the connections with sessions, from `/api/connections` over the socket.
async fn addresses(socket: &SocketPath) -> Vec<String> {
    let (status, body) = socket.curl("/api/connections", &[]).await;
    assert_eq!(status, "200", "{body}");
    let listed: Value = serde_json::from_str(&body).expect("JSON");
    let connections = listed["connections"].as_array().expect("a list");
    let addresses = connections.iter().map(|one| one["address"].as_str());
    addresses
        .map(|one| one.expect("a text").to_owned())
        .collect()
}

#[tokio::test]
async fn one_socket_carries_http_stomp_and_mqtt() {
    let socket = SocketPath::fresh();
    let server = Carillon::at_unix_socket(&socket.address(), &[]).await;
    server.logged(&socket.address()).await;

    assert_eq!(
        socket.curl("/healthz", &[]).await,
        ("200".into(), "ok\n".into())
    );
    let mut stomp = StompClient::over(socket.connect().await).connected().await;
    assert!(stomp.session.starts_with("unix-"), "{}", stomp.session);
    stomp.subscribe_to("0", "/topic/room.temp", &[]).await;
    let mut mqtt = MqttClient::over(socket.connect().await, Version::V5);
    mqtt.send_bytes(Connect::new(Version::V5, "sensor").encode())
        .await;
    assert_eq!(mqtt.packet().await.kind, Kind::Connack);
    let post = ["-H", "Content-Type: text/plain", "-d", "21.5"];
    let (status, body) = socket.curl("/api/topics/room.temp", &post).await;
    assert!(status.starts_with('2'), "{status} {body}");
    assert_eq!(stomp.message().await.body, b"21.5");
    let (status, _) = socket.curl("/", &[]).await;
    assert_eq!(status, "200");
    assert_eq!(addresses(&socket).await, [own_address(), own_address()]);
    drop((stomp, mqtt));
    assert!(server.stop().await.success());
    assert!(!socket.exists(), "the file is removed");
}

#[tokio::test]
async fn each_port_can_be_a_socket() {
    let [stomp, mqtt, metrics] = [(); 3].map(|()| SocketPath::fresh());
    let addresses = [&stomp, &mqtt, &metrics].map(SocketPath::address);
    let ports = ["--stomp", "--mqtt", "--metrics"];
    let options: Vec<_> = ports
        .iter()
        .zip(&addresses)
        .flat_map(|(port, at)| [*port, at])
        .collect();
    let server = Carillon::with(&options).await;

    let client = StompClient::over(stomp.connect().await).connected().await;
    client.leave().await;
    let mut client = MqttClient::over(mqtt.connect().await, Version::V3_1_1);
    client
        .send_bytes(Connect::new(Version::V3_1_1, "sensor").encode())
        .await;
    assert_eq!(client.packet().await.kind, Kind::Connack);
    let (status, body) = metrics.curl("/metrics", &[]).await;
    assert_eq!(status, "200");
    assert!(body.contains("carillon_connections"), "{body}");
    let refused = metrics
        .curl("/metrics", &["-H", "Host: evil.example"])
        .await;
    assert_eq!(refused.0, "421");
    drop(client);
    assert!(server.stop().await.success());
    assert!(
        ![&stomp, &mqtt, &metrics]
            .into_iter()
            .any(|one| one.exists())
    );
}

#[tokio::test]
async fn the_file_of_a_killed_server_is_replaced_and_that_of_a_running_one_is_not() {
    let socket = SocketPath::fresh();
    let killed = Carillon::at_unix_socket(&socket.address(), &[]).await;
    killed.kill().await;
    assert!(socket.exists(), "a killed server removes nothing");

    let server = Carillon::at_unix_socket(&socket.address(), &[]).await;
    server
        .logged("replacing the socket file of an ended process")
        .await;
    let second = run(&["serve", "--listen", &socket.address()]).await;
    let error = String::from_utf8_lossy(&second.stderr).into_owned();
    assert!(!second.status.success());
    assert!(error.contains("is in use by another program"), "{error}");
    assert!(error.contains("--listen"), "{error}");
    assert_eq!(socket.curl("/healthz", &[]).await.0, "200");
}

#[tokio::test]
async fn the_mode_of_the_file_is_0660_unless_the_address_names_another() {
    for (query, mode) in [("", 0o660), ("?mode=0600", 0o600), ("?mode=0666", 0o666)] {
        let socket = SocketPath::fresh();
        let address = format!("{}{query}", socket.address());
        let _server = Carillon::at_unix_socket(&address, &[]).await;
        assert_eq!(socket.mode(), mode, "{query}");
    }
}

#[tokio::test]
async fn a_replaced_server_keeps_its_socket_and_removes_it_at_its_end() {
    let socket = SocketPath::fresh();
    let server = Carillon::at_unix_socket(&socket.address(), &[]).await;
    let before = socket.inode();
    for starts in 2..=3 {
        server.signal("USR2").await;
        let printed = || async { server.transcript().matches("is ready").count() };
        eventually("the next program", printed, |count| *count == starts).await;
        assert_eq!(socket.inode(), before);
        assert_eq!(socket.curl("/healthz", &[]).await.0, "200");
    }
    assert!(
        !server
            .transcript()
            .contains("keeps the address of its inherited socket")
    );
    assert!(server.stop().await.success());
    assert!(!socket.exists(), "the last program removes the file");
}

#[tokio::test]
async fn the_file_of_a_socket_of_the_service_manager_stays() {
    let socket = SocketPath::fresh();
    let listener = UnixListener::bind(socket.path()).expect("a free path");
    let server = Carillon::inheriting(listener, "stomp", &["--stomp", "127.0.0.1:0"]).await;

    let client = StompClient::over(socket.connect().await).connected().await;
    client.leave().await;
    assert!(server.stop().await.success());
    assert!(socket.exists(), "the service manager removes the file");
}

#[tokio::test]
async fn a_user_at_a_socket_can_be_banned() {
    let socket = SocketPath::fresh();
    let server = Carillon::with(&["--stomp", &socket.address()]).await;
    let mut client = StompClient::over(socket.connect().await).connected().await;

    let ban = format!("{{\"address\":\"{}\",\"seconds\":60}}", own_address());
    let answer = post(server.url("/api/bans"), "application/json", ban).await;
    assert_eq!(answer.status, 201, "{}", answer.text());
    client.refusal().await;
    let mut client = StompClient::over(socket.connect().await);
    client.send(&Frame::connect()).await;
    let refusal = client.refusal().await;
    assert!(refusal.header("message").contains("banned"), "{refusal:?}");
    let bans = get(server.url("/api/bans")).await.text();
    assert!(bans.contains(&own_address()), "{bans}");
    StompClient::connect(&server).await.leave().await;
}

#[tokio::test]
async fn the_anonymous_clients_of_a_user_at_a_socket_share_its_limits() {
    let file = UsersFile::new(
        "[anonymous]\npublish = [\">\"]\nsubscribe = [\">\"]\n[anonymous.limits]\nconnections = 1\n",
    );
    let socket = SocketPath::fresh();
    let _server = Carillon::at_unix_socket(&socket.address(), &["--users", file.path()]).await;

    let first = StompClient::over(socket.connect().await).connected().await;
    let mut second = StompClient::over(socket.connect().await);
    second.send(&Frame::connect()).await;
    second.refusal().await;
    first.leave().await;
}

#[tokio::test]
async fn a_user_at_a_socket_gets_two_thirds_of_the_connections() {
    let socket = SocketPath::fresh();
    let options = ["--max-connections", "20", "--stomp", "127.0.0.1:0"];
    let server = Carillon::at_unix_socket(&socket.address(), &options).await;
    let mut held = Vec::new();
    while let Some(client) = StompClient::admitted(socket.connect().await).await {
        held.push(client);
    }
    assert_eq!(held.len(), 14);
    StompClient::over_tcp(server.stomp_address().await)
        .await
        .connected()
        .await;
}

#[tokio::test]
async fn a_request_at_a_socket_names_this_machine() {
    let socket = SocketPath::fresh();
    let _server = Carillon::at_unix_socket(&socket.address(), &[]).await;
    let evil = ["-H", "Host: evil.example"];
    assert_eq!(socket.curl("/api/topics", &evil).await.0, "421");
    let origin = ["-H", "Origin: https://evil.example", "-d", "x"];
    let (status, _) = socket.curl("/api/topics/a", &origin).await;
    assert_eq!(status, "403");
}

#[tokio::test]
async fn a_trusted_proxy_at_a_socket_names_the_client() {
    let file = UsersFile::new("");
    file.add("anna", "secret").await;
    let wrong = ["-H", "Authorization: Bearer x"];
    for (option, is_trusted) in [
        ("unix".to_owned(), true),
        (own_address(), true),
        ("unix:uid=4294967294".to_owned(), false),
    ] {
        let socket = SocketPath::fresh();
        let options = ["--users", file.path(), "--trusted-proxy", &option];
        let server = Carillon::at_unix_socket(&socket.address(), &options).await;
        let names = ["-H", "X-Forwarded-For: 203.0.113.1"];
        let (status, _) = socket.curl("/api/topics", &[wrong, names].concat()).await;
        assert_eq!(status, "401");
        let mut stream = socket.connect().await;
        let header = b"PROXY TCP4 203.0.113.2 192.0.2.1 49152 1883\r\n";
        stream.write_all(header).await.expect("an open socket");
        if is_trusted {
            let mut client = StompClient::over(stream);
            client.send(&stomp_login("anna", "wrong")).await;
            client.refusal().await;
            server.logged("203.0.113.1").await;
            server.logged("203.0.113.2").await;
            assert!(!server.transcript().contains("address=unix"), "{option}");
        } else {
            // The header is no request of HTTP and no frame of STOMP.
            let mut answer = String::new();
            let read = within("an answer", stream.read_to_string(&mut answer)).await;
            assert!(answer.starts_with("HTTP/1.1 400"), "{read:?} {answer}");
            server.logged(&own_address()).await;
            assert!(!server.transcript().contains("203.0.113"), "{option}");
        }
    }
}
