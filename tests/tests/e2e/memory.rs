//! Memory that peers could use outside the broker: unfinished messages, and responses that are not read.

use std::fs;
use std::net::SocketAddr;

use harness::Carillon;
use harness::deadline::{eventually, within};
use harness::http::{get, post, request, send};
use harness::mqtt::{Connect, MqttClient, Version};
use harness::stomp::{Frame, StompClient};
use http::{Method, StatusCode};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};

/// The body size limit of these servers.
const BODY: usize = 100_000;
/// The budget for all unfinished messages: eight of the largest.
const BUDGET: u64 = 8 * BODY as u64;
const QUOTA_EXCEEDED: u8 = 0x97;

/// Returns a STOMP client that has sent most of a frame.
async fn unfinished_frame(server: &Carillon) -> StompClient {
    let mut client = StompClient::connect(server).await;
    let frame = Frame::publication("a", vec![b'x'; BODY]).encode();
    client.send_bytes(&frame[..frame.len() - 10]).await;
    client
}

/// Returns an MQTT client that has sent most of a PUBLISH packet.
async fn unfinished_packet(server: &Carillon) -> MqttClient {
    let mut client = MqttClient::open(server, Version::V5).await;
    client
        .send_bytes(Connect::anyone(Version::V5).encode())
        .await;
    client.packet().await;
    // The remaining length is 100,000: topic, properties, and payload.
    let mut publish = vec![0x30, 0xA0, 0x8D, 0x06, 0, 1, b'a', 0];
    publish.resize(BODY - 10, b'x');
    client.send_bytes(publish).await;
    client
}

/// Returns a connection on which most of a body has been sent.
async fn unfinished_body(server: &Carillon) -> TcpStream {
    let socket = within("a connection", TcpStream::connect(server.address())).await;
    let mut socket = socket.expect("the server listens");
    let head =
        format!("POST /api/topics/a HTTP/1.1\r\nHost: localhost\r\nContent-Length: {BODY}\r\n\r\n");
    let request = [head.as_bytes(), &vec![b'x'; BODY - 10]].concat();
    let sent = within("sending", socket.write_all(&request)).await;
    sent.expect("an open connection");
    socket
}

async fn figure(server: &Carillon, name: &str) -> u64 {
    let figures = get(server.url("/api/figures")).await.json();
    figures[name].as_u64().expect("a figure")
}

#[tokio::test]
async fn unfinished_messages_share_one_budget_and_the_oldest_is_dropped() {
    let max_body = BODY.to_string();
    let options = ["--max-body", &max_body, "--memory", "1000000"];
    let server = Carillon::with_mqtt(&options).await;
    let mut frame = unfinished_frame(&server).await;
    let mut packet = unfinished_packet(&server).await;
    let mut body = unfinished_body(&server).await;
    let mut flood = Vec::new();
    for _ in 0..30 {
        flood.push(unfinished_frame(&server).await);
    }
    let given_up = || figure(&server, "unfinishedGivenUp");
    // A buffer's capacity is up to twice the length of its content.
    eventually("the dropped messages", given_up, |count| *count >= 33 - 8).await;
    let held = figure(&server, "unfinishedBytes").await;
    assert!((1..=BUDGET).contains(&held), "{held}");

    let error = frame.refusal().await;
    assert_eq!(error.header("message"), "too many frames are arriving");
    assert_eq!(packet.packet().await.reason(), QUOTA_EXCEEDED);
    let mut answer = String::new();
    let read = within("an answer", body.read_to_string(&mut answer)).await;
    read.expect("text");
    assert!(answer.starts_with("HTTP/1.1 503 "), "{answer}");

    // Complete messages of any length pass in the meantime.
    let published = post(server.url("/api/topics/b"), "text/plain", vec![b'y'; BODY]).await;
    assert_eq!(published.status, StatusCode::OK, "{}", published.text());
    let mut client = StompClient::connect(&server).await;
    client
        .request(Frame::publication("b", vec![b'y'; BODY]))
        .await;

    drop((flood, client));
    let held = || figure(&server, "unfinishedBytes");
    eventually("the memory back", held, |bytes| *bytes == 0).await;
}

/// Returns the resident memory of the server's process in bytes.
fn resident(server: &Carillon) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", server.process_id()));
    let status = status.expect("the server runs");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kilobytes = line.and_then(|rest| rest.trim().strip_suffix(" kB"));
    1_024
        * kilobytes
            .and_then(|number| number.parse::<u64>().ok())
            .expect("a number")
}

/// Sends a request and reads only the beginning of the response.
async fn unread(address: SocketAddr, path: &str) -> TcpStream {
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.set_recv_buffer_size(4_096).expect("a small buffer");
    let mut socket = within("a connection", socket.connect(address))
        .await
        .expect("it listens");
    let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n");
    socket
        .write_all(request.as_bytes())
        .await
        .expect("an open connection");
    let mut first = [0; 15];
    within("the first bytes", socket.read_exact(&mut first))
        .await
        .expect("an answer");
    assert_eq!(&first, b"HTTP/1.1 200 OK");
    socket
}

#[tokio::test]
async fn unread_responses_use_little_memory() {
    const READERS: u64 = 30;
    /// A body of control characters is six times as long in JSON.
    const MEGABYTE: usize = 1_000_000;
    let server = Carillon::start().await;
    for _ in 0..8 {
        let body = vec![1; MEGABYTE];
        let sent = post(server.url("/api/queues/q"), "text/plain", body.clone()).await;
        assert_eq!(sent.status, StatusCode::OK);
        let sent = post(server.url("/api/topics/t"), "text/plain", body).await;
        assert_eq!(sent.status, StatusCode::OK);
    }
    for path in [
        "/api/queues/q/messages",
        "/api/topics/t",
        "/api/topics/t/events?since=0",
    ] {
        let before = resident(&server);
        let mut readers = Vec::new();
        for _ in 0..READERS {
            readers.push(unread(server.address(), path).await);
        }
        assert_eq!(get(server.url("/healthz")).await.status, StatusCode::OK);
        let each = resident(&server).saturating_sub(before) / READERS;
        assert!(
            each < MEGABYTE as u64 / 2,
            "{path}: {each} bytes for each reader"
        );
    }

    let list = get(server.url("/api/queues/q/messages")).await;
    let list = list.json();
    let messages = list["messages"].as_array().expect("a list").len();
    assert_eq!(
        messages, 2,
        "as many as have 8 MiB in JSON, and the one that passes that"
    );
    assert_eq!(list["more"], true);
}

/// The allocator returns freed memory to the system within about ten seconds.
#[tokio::test]
async fn an_idle_server_returns_its_memory() {
    const MEGABYTE: u64 = 1_000_000;
    const TOPICS: usize = 100;
    let server = Carillon::start().await;
    let mut client = StompClient::connect(&server).await;
    let before = resident(&server);
    for topic in 0..TOPICS {
        let name = format!("t.{topic}");
        // The small messages between the large ones keep the pages of memory partly in use.
        let frames = [
            Frame::publication(&name, vec![b'x'; 1_000])
                .encode()
                .repeat(900),
            Frame::publication(&format!("kept.{topic}"), "x").encode(),
        ];
        client.send_bytes(frames.concat()).await;
    }
    client.request(Frame::publication("last", "x")).await;
    let loaded = resident(&server);
    assert!(loaded > before + 80 * MEGABYTE, "{before} {loaded}");
    for topic in 0..TOPICS {
        let url = server.url(&format!("/api/topics/t.{topic}"));
        let cleared = send(request(Method::DELETE, url, "")).await;
        assert_eq!(cleared.status, StatusCode::NO_CONTENT);
    }
    let idle = || async { resident(&server) };
    let is_little = |bytes: &u64| *bytes < before + 20 * MEGABYTE;
    eventually("the memory back", idle, is_little).await;
}
