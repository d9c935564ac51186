//! STOMP over plain TCP: the same sessions as over WebSocket.

use std::net::SocketAddr;

use harness::Carillon;
use harness::carillon::run;
use harness::stomp::{Frame, StompClient};

const ANY_PORT: [&str; 2] = ["--stomp", "127.0.0.1:0"];

async fn connect(address: SocketAddr) -> StompClient {
    StompClient::over_tcp(address).await.connected().await
}

#[tokio::test]
async fn messages_pass_between_tcp_and_websocket() {
    let server = Carillon::with(&ANY_PORT).await;
    let mut tcp = connect(server.stomp_address().await).await;
    let mut websocket = StompClient::connect(&server).await;
    tcp.subscribe("0", "a.>", &[]).await;
    websocket.subscribe("0", "a.>", &[]).await;
    tcp.request(Frame::publication("a.x", "over TCP")).await;
    websocket
        .request(Frame::publication("a.y", "over WebSocket"))
        .await;
    for client in [&mut tcp, &mut websocket] {
        assert_eq!(client.bodies(2).await, ["over TCP", "over WebSocket"]);
    }
}

#[tokio::test]
async fn the_http_port_accepts_the_protocol_too() {
    let server = Carillon::start().await;
    let mut client = connect(server.address()).await;
    client.subscribe("0", "a", &[]).await;
    client.publish("a", "x").await;
    assert_eq!(client.bodies(1).await, ["x"]);
    let health = harness::http::get(server.url("/healthz")).await;
    assert!(health.status.is_success(), "and HTTP as before");
}

#[tokio::test]
async fn frames_may_arrive_byte_by_byte_with_line_ends_before_them() {
    let server = Carillon::with(&ANY_PORT).await;
    for address in [server.stomp_address().await, server.address()] {
        let mut client = StompClient::over_tcp(address).await;
        for byte in [b"\n\r\n", Frame::connect().encode().as_slice()].concat() {
            client.send_bytes([byte]).await;
        }
        assert_eq!(client.frame().await.command, "CONNECTED");
    }
}

#[tokio::test]
async fn a_fault_is_answered_and_other_connections_continue() {
    let server = Carillon::with(&ANY_PORT).await;
    let address = server.stomp_address().await;
    let mut bystander = connect(address).await;
    bystander.subscribe("0", "a", &[]).await;
    for nonsense in [
        "NONSENSE\n\n\0",
        "GET / HTTP/1.1\r\nhost: x\r\n\r\n",
        "\0\0\0",
    ] {
        let mut client = StompClient::over_tcp(address).await;
        client.send_bytes(nonsense).await;
        let error = client.refusal().await;
        assert!(
            !error.header("message").is_empty(),
            "{nonsense:?}: {error:?}"
        );
    }
    bystander.publish("a", "others go on").await;
    assert_eq!(bystander.bodies(1).await, ["others go on"]);
}

#[tokio::test]
async fn a_port_in_use_is_reported_in_one_line_with_a_remedy() {
    let server = Carillon::with_mqtt(&ANY_PORT).await;
    for (option, other, address) in [
        ("--stomp", "--mqtt", server.stomp_address().await),
        ("--mqtt", "--stomp", server.mqtt_address().await),
    ] {
        let address = address.to_string();
        let listen = ["serve", "--listen", "127.0.0.1:0", other, "off"];
        let output = run(&[&listen[..], &[option, &address]].concat()).await;
        assert!(!output.status.success(), "{output:?}");
        let complaint = String::from_utf8(output.stderr).expect("UTF-8");
        assert_eq!(complaint.lines().count(), 1, "{complaint}");
        assert!(
            complaint.contains(&address) && complaint.contains(option),
            "{complaint}"
        );
    }
}
