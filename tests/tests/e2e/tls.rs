//! TLS on every port: the same sessions, encrypted.

use std::net::SocketAddr;

use harness::Carillon;
use harness::deadline::within;
use harness::http::{get, get_over};
use harness::stomp::{Frame, StompClient, upgrade};
use harness::tls::{Pair, Trust};
use http::StatusCode;
use rustls::version::{TLS12, TLS13};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

async fn websocket(server: &Carillon, trust: &Trust, origin: &str) -> Option<StompClient> {
    let headers = [("sec-websocket-protocol", "v12.stomp"), ("origin", origin)];
    let request = upgrade(server, "/ws", &headers);
    let stream = trust.connect(server.address()).await;
    match StompClient::upgraded_on(stream, request).await {
        Ok(client) => Some(client.connected().await),
        Err(status) => {
            assert_eq!(status, StatusCode::FORBIDDEN);
            None
        }
    }
}

/// Returns the bytes that the server sends in response before it closes the connection.
async fn answer(address: SocketAddr, bytes: &[u8]) -> Vec<u8> {
    let mut socket = TcpStream::connect(address)
        .await
        .expect("the server listens");
    socket.write_all(bytes).await.expect("written");
    let mut answer = Vec::new();
    let read = within("an answer", socket.read_to_end(&mut answer)).await;
    read.expect("an orderly end");
    answer
}

#[tokio::test]
async fn the_http_port_accepts_tls_and_plain_connections() {
    let pair = Pair::new();
    let server = pair.server(&[]).await;
    let stream = pair.trust().connect(server.address()).await;
    let page = get_over(stream, "/").await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(page.text().contains("<html"), "{}", page.text());
    let address = server.address();
    assert_eq!(
        get(format!("http://{address}/healthz")).await.text(),
        "ok\n"
    );
    for (scheme, door) in [("https", "/"), ("http", "/"), ("wss", "/ws"), ("ws", "/ws")] {
        let announced = format!("  {scheme}://{address}{door}\n");
        assert!(
            server
                .transcript()
                .contains(announced.trim_start_matches(' ')),
            "{announced}"
        );
    }
}

#[tokio::test]
async fn a_websocket_over_tls_gets_messages_sent_without_tls() {
    let pair = Pair::new();
    let server = pair.server(&[]).await;
    let origin = format!("https://{}", server.address());
    let secure = websocket(&server, &pair.trust(), &origin).await;
    let mut secure = secure.expect("a page of the server's own");
    let mut plain = StompClient::connect(&server).await;
    for client in [&mut secure, &mut plain] {
        client.subscribe("0", "a", &[]).await;
    }
    secure.request(Frame::publication("a", "enciphered")).await;
    plain.request(Frame::publication("a", "plain")).await;
    for client in [&mut secure, &mut plain] {
        assert_eq!(client.bodies(2).await, ["enciphered", "plain"]);
    }
    let foreign = websocket(&server, &pair.trust(), "https://elsewhere.example").await;
    assert!(foreign.is_none(), "a page of another site");
}

#[tokio::test]
async fn stomp_works_in_both_tls_versions_on_both_ports() {
    let pair = Pair::new();
    let server = pair.server(&[]).await;
    for address in [server.stomp_tls_address().await, server.address()] {
        for version in [&TLS12, &TLS13] {
            let stream = pair.trust().shake_hands(address, &[version]).await;
            let client = StompClient::over(stream.expect("a handshake"));
            let mut client = client.connected().await;
            client.subscribe("0", "a", &[]).await;
            client.publish("a", "x").await;
            assert_eq!(client.bodies(1).await, ["x"]);
            client.leave().await;
        }
    }
}

#[tokio::test]
async fn the_port_of_stomp_detects_tls_by_the_first_byte() {
    let pair = Pair::new();
    let server = pair.server(&["--stomp", "127.0.0.1:0"]).await;
    let address = server.stomp_address().await;
    let mut secure = StompClient::connect_tls(address, &pair.trust()).await;
    let mut plain = StompClient::over_tcp(address).await.connected().await;
    secure.subscribe("0", "a", &[]).await;
    plain.publish("a", "x").await;
    assert_eq!(secure.bodies(1).await, ["x"]);
}

#[tokio::test]
async fn failed_or_slow_handshakes_do_not_affect_others() {
    let pair = Pair::new();
    let server = pair.server(&[]).await;
    let address = server.stomp_tls_address().await;
    let mut bystander = StompClient::connect_tls(address, &pair.trust()).await;
    bystander.subscribe("0", "a", &[]).await;

    let mut dawdling = TcpStream::connect(address).await.expect("a connection");
    let hello_begins = [0x16, 3, 1, 2, 0];
    dawdling.write_all(&hello_begins).await.expect("written");
    let nonsense = [&hello_begins[..3], b"\0\x05\x01\0\0\x01x"].concat();
    let alert = answer(address, &nonsense).await;
    assert_eq!(alert.first(), Some(&0x15), "{alert:?}");
    let stranger = Pair::new();
    let refused = stranger.trust().try_connect(address).await;
    assert!(refused.is_err(), "the client does not know the certificate");

    bystander.publish("a", "others go on").await;
    assert_eq!(bystander.bodies(1).await, ["others go on"]);
    StompClient::connect_tls(address, &pair.trust())
        .await
        .leave()
        .await;
}

#[tokio::test]
async fn a_handshake_has_a_deadline() {
    let pair = Pair::new();
    let server = pair.server(&[]).await;
    let address = server.stomp_tls_address().await;
    let none = answer(address, &[0x16, 3, 1]).await;
    assert!(none.is_empty(), "{none:?}");
}

#[tokio::test]
async fn a_plain_connection_to_a_tls_port_gets_an_error() {
    let pair = Pair::new();
    let server = pair.server(&["--tls-only", "--stomp", "127.0.0.1:0"]).await;
    for address in [
        server.stomp_tls_address().await,
        server.stomp_address().await,
    ] {
        let mut client = StompClient::over_tcp(address).await;
        client.send(&Frame::connect()).await;
        let error = client.refusal().await;
        assert!(error.told().contains("TLS"), "{error:?}");
    }
    let refused = get(format!("http://{}/healthz", server.address())).await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST);
    assert!(refused.text().contains("https://"), "{}", refused.text());
    let stream = pair.trust().connect(server.address()).await;
    assert_eq!(get_over(stream, "/healthz").await.text(), "ok\n");
}

#[tokio::test]
async fn a_tls_connection_without_a_certificate_gets_an_alert() {
    let server = Carillon::with(&["--stomp", "127.0.0.1:0"]).await;
    let pair = Pair::new();
    for address in [server.address(), server.stomp_address().await] {
        let refused = pair.trust().try_connect(address).await;
        let error = refused.expect_err("no certificate");
        assert!(error.contains("HandshakeFailure"), "{error}");
    }
    StompClient::connect(&server).await.leave().await;
}

#[tokio::test]
async fn messages_of_many_tls_records_arrive_complete() {
    let pair = Pair::new();
    let server = pair.server(&[]).await;
    let address = server.stomp_tls_address().await;
    let mut reader = StompClient::connect_tls(address, &pair.trust()).await;
    reader.subscribe("0", "a", &[]).await;
    let mut writer = StompClient::connect_tls(address, &pair.trust()).await;
    for length in [0, 1, 16_383, 16_384, 16_385, 65_536, 1_000_000] {
        let body: Vec<u8> = (0..length).map(|at: u32| (at % 251) as u8).collect();
        writer.request(Frame::publication("a", body.clone())).await;
        let heard = reader.message().await.body;
        assert!(heard == body, "{length} bytes, {} heard", heard.len());
    }
}

#[tokio::test]
async fn a_reader_that_pauses_gets_the_rest_when_it_continues() {
    const MESSAGES: usize = 300;
    let pair = Pair::new();
    let server = pair.server(&["--lag-bytes", "100000000"]).await;
    let address = server.stomp_tls_address().await;
    let mut stuck = StompClient::connect_tls(address, &pair.trust()).await;
    stuck.subscribe("0", "a", &[]).await;
    let mut live = StompClient::connect_tls(address, &pair.trust()).await;
    live.subscribe("0", "a", &[]).await;
    let filling = "x".repeat(100_000);
    let mut writer = StompClient::connect_tls(address, &pair.trust()).await;
    for number in 0..MESSAGES {
        let body = format!("{number} {filling}");
        writer.request(Frame::publication("a", body)).await;
        assert_eq!(numbered(&live.message().await), number);
    }
    for number in 0..MESSAGES {
        assert_eq!(numbered(&stuck.message().await), number);
    }
}

/// Returns the number at the start of a body.
fn numbered(message: &Frame) -> usize {
    let text = message.text();
    let (number, _) = text.split_once(' ').expect("a number");
    number.parse().expect("a number")
}

/// Each producer's task writes to all readers, while these send requests and get responses.
#[tokio::test]
async fn readers_see_one_order_over_tls() {
    const EACH: usize = 400;
    const PRODUCERS: usize = 3;
    let pair = Pair::new();
    let server = pair.server(&[]).await;
    let address = server.stomp_tls_address().await;
    let mut readers = Vec::new();
    for _ in 0..4 {
        let mut reader = StompClient::connect_tls(address, &pair.trust()).await;
        reader.subscribe("0", "a", &[]).await;
        readers.push(tokio::spawn(async move {
            let mut seen = Vec::new();
            while seen.len() < EACH * PRODUCERS {
                let message = reader.message().await;
                seen.push((message.header("sequence").to_owned(), message.text()));
                if seen.len() % 50 == 0 {
                    reader.publish("elsewhere", "busy").await;
                }
            }
            seen
        }));
    }
    let mut producers = Vec::new();
    for producer in 0..PRODUCERS {
        let mut writer = StompClient::connect_tls(address, &pair.trust()).await;
        producers.push(tokio::spawn(async move {
            for number in 0..EACH {
                writer.publish("a", &format!("{producer}:{number}")).await;
            }
            writer.request(Frame::publication("done", "")).await;
        }));
    }
    for producer in producers {
        producer.await.expect("it publishes");
    }
    let expected: Vec<_> = (1..=EACH * PRODUCERS).map(|n| n.to_string()).collect();
    let mut all = Vec::new();
    for reader in readers {
        let seen = within("a reader", reader).await.expect("it reads");
        let sequences: Vec<_> = seen.iter().map(|(sequence, _)| sequence.clone()).collect();
        assert_eq!(sequences, expected);
        all.push(seen);
    }
    assert!(all.windows(2).all(|pair| pair[0] == pair[1]), "one order");
}

#[tokio::test]
async fn keys_may_be_updated_during_a_connection() {
    let pair = Pair::new();
    let server = pair.server(&[]).await;
    let address = server.stomp_tls_address().await;
    let mut stream = pair.trust().connect(address).await;
    let hello = Frame::connect().encode();
    for part in hello.chunks(10) {
        stream.write_all(part).await.expect("written");
        let (_, session) = stream.get_mut();
        session.refresh_traffic_keys().expect("TLS 1.3");
        stream.flush().await.expect("written");
    }
    let mut client = StompClient::over(stream);
    assert_eq!(client.frame().await.command, "CONNECTED");
    client.subscribe("0", "a", &[]).await;
    client.publish("a", "x").await;
    assert_eq!(client.bodies(1).await, ["x"]);
}

#[tokio::test]
async fn a_server_that_stops_sends_an_error_and_close_notify() {
    let pair = Pair::new();
    let server = pair.server(&[]).await;
    let mut stream = pair.trust().connect(server.stomp_tls_address().await).await;
    let hello = Frame::connect().encode();
    stream.write_all(&hello).await.expect("written");
    let mut said = vec![0; 1];
    stream.read_exact(&mut said).await.expect("an answer");
    server.terminate().await;
    // Without close_notify the end would be an error.
    let read = within("the end", stream.read_to_end(&mut said)).await;
    read.expect("an orderly end");
    let said = String::from_utf8(said).expect("UTF-8");
    assert!(
        said.contains("ERROR\nmessage:the server is stopping"),
        "{said}"
    );
    assert!(server.ended().await.success());
}
