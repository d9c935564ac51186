//! The upgrade to WebSocket: its paths, origins and subprotocols.

use harness::Carillon;
use harness::stomp::{Frame, StompClient, upgrade};
use http::StatusCode;

const PROTOCOL: &str = "sec-websocket-protocol";

async fn status(server: &Carillon, headers: &[(&'static str, &str)]) -> Option<StatusCode> {
    let upgraded = StompClient::upgraded(upgrade(server, "/ws", headers)).await;
    upgraded.err()
}

#[tokio::test]
async fn stomp_works_at_each_of_its_paths() {
    let server = Carillon::start().await;
    for path in ["/ws", "/", "/stomp"] {
        let request = upgrade(&server, path, &[(PROTOCOL, "v12.stomp")]);
        let mut client = StompClient::upgraded(request).await.expect("an upgrade");
        client.send(&Frame::connect()).await;
        let connected = client.frame().await;
        assert_eq!(connected.command, "CONNECTED", "{path}");
        assert_eq!(connected.header("version"), "1.2", "{path}");
        assert!(
            connected.header("server").starts_with("Carillon/"),
            "{connected:?}"
        );
        assert!(!connected.header("session").is_empty(), "{connected:?}");
    }
}

#[tokio::test]
async fn the_subprotocol_is_chosen_from_those_offered() {
    let server = Carillon::start().await;
    for (offered, chosen) in [
        ("v12.stomp", Some("v12.stomp")),
        ("v10.stomp, v11.stomp, v12.stomp", Some("v12.stomp")),
        ("chat, v12.stomp", Some("v12.stomp")),
    ] {
        let request = upgrade(&server, "/ws", &[(PROTOCOL, offered)]);
        let client = StompClient::upgraded(request).await.expect("an upgrade");
        assert_eq!(client.subprotocol.as_deref(), chosen, "{offered}");
    }
    let client = StompClient::upgraded(upgrade(&server, "/ws", &[])).await;
    assert_eq!(client.expect("an upgrade").subprotocol, None);
}

#[tokio::test]
async fn an_unsupported_subprotocol_is_refused() {
    let server = Carillon::start().await;
    let refused = status(&server, &[(PROTOCOL, "chat")]).await;
    assert_eq!(refused, Some(StatusCode::BAD_REQUEST));
}

#[tokio::test]
async fn a_page_of_another_origin_cannot_open_a_websocket() {
    let server = Carillon::start().await;
    for origin in ["https://elsewhere.example", "http://127.0.0.1:1", "null"] {
        let refused = status(&server, &[("origin", origin)]).await;
        assert_eq!(refused, Some(StatusCode::FORBIDDEN), "{origin}");
    }
    let own = format!("http://{}", server.address());
    assert_eq!(status(&server, &[("origin", &own)]).await, None);
}

#[tokio::test]
async fn an_origin_can_be_allowed() {
    let server = Carillon::with(&["--allow-origin", "https://friend.example"]).await;
    assert_eq!(
        status(&server, &[("origin", "https://friend.example")]).await,
        None
    );
    let refused = status(&server, &[("origin", "https://elsewhere.example")]).await;
    assert_eq!(refused, Some(StatusCode::FORBIDDEN));
}

#[tokio::test]
async fn the_key_is_sixteen_bytes_in_base64() {
    let server = Carillon::start().await;
    for key in [
        "",
        "x",
        "AAAAAAAAAAAAAAAAAAAAAA",
        "AAAAAAAAAAAAAAAAAAAA",
        "AAAAAAAAAAAAAAAAAAAAAAAA",
        "dGhlIHNhbXBsZSBub25jZQ==,dGhlIHNhbXBsZSBub25jZQ==",
        "dGhlIHNhbXBsZSBub25j_Q==",
    ] {
        let refused = status(&server, &[("sec-websocket-key", key)]).await;
        assert_eq!(refused, Some(StatusCode::BAD_REQUEST), "{key:?}");
    }
    let sample = "dGhlIHNhbXBsZSBub25jZQ==";
    assert_eq!(
        status(&server, &[("sec-websocket-key", sample)]).await,
        None
    );
}

#[tokio::test]
async fn a_plain_request_is_refused_with_upgrade_required() {
    let server = Carillon::start().await;
    let answer = harness::http::get(server.url("/ws")).await;
    assert_eq!(answer.status, StatusCode::UPGRADE_REQUIRED);
    assert_eq!(answer.header("upgrade"), "websocket");
    answer.problem();
}

#[tokio::test]
async fn frames_may_be_split_and_joined_arbitrarily() {
    let server = Carillon::start().await;
    let mut client = StompClient::connect(&server).await;
    client.subscribe("0", "a", &[]).await;

    let both = [
        Frame::publication("a", "1").encode(),
        b"\n\n".to_vec(),
        Frame::publication("a", "2").encode(),
    ];
    client.send_bytes(both.concat()).await;
    for byte in Frame::publication("a", "3").encode() {
        client.send_bytes([byte]).await;
    }
    assert_eq!(client.bodies(3).await, ["1", "2", "3"]);
}

#[tokio::test]
async fn text_and_binary_messages_carry_the_same_frames() {
    let server = Carillon::start().await;
    let mut client = StompClient::connect(&server).await;
    client.subscribe("0", "a", &[]).await;
    client
        .send_text("SEND\ndestination:/topic/a\n\ntext\0")
        .await;
    client
        .send_bytes(*b"SEND\ndestination:/topic/a\n\nbinary\0")
        .await;
    client
        .send_bytes(*b"SEND\r\ndestination:/topic/a\r\n\r\ncarriage returns\0")
        .await;
    assert_eq!(
        client.bodies(3).await,
        ["text", "binary", "carriage returns"]
    );
}

#[tokio::test]
async fn peers_get_a_close_frame_when_the_server_stops() {
    let server = Carillon::start().await;
    let mut client = StompClient::connect(&server).await;
    client.subscribe("0", "a", &[]).await;
    client.publish("a", "before").await;
    assert_eq!(client.bodies(1).await, ["before"]);
    server.terminate().await;
    let error = client.refusal().await;
    assert!(error.header("message").contains("stopping"), "{error:?}");
    assert_eq!(client.close_code, Some(1001), "going away: RFC 6455, 7.4.1");
    assert!(server.ended().await.success());
}
