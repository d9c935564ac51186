//! Temporary destinations, which end with their connection, and request and reply with them.

use harness::deadline::eventually;
use harness::http::get;
use harness::stomp::{Frame, INDIVIDUAL, StompClient};
use harness::{Carillon, queue};
use http::StatusCode;
use serde_json::Value;

/// Returns a request to a service, with an address for the reply.
fn question(body: &str, reply_to: &str) -> Frame {
    Frame::message_to("/queue/service", body)
        .with("reply-to", reply_to)
        .with("correlation-id", body)
}

/// Replies to the next request that a service receives.
async fn answer(service: &mut StompClient) -> Frame {
    let question = service.message().await;
    let reply = Frame::message_to(
        question.header("reply-to"),
        format!("answer to {}", question.text()),
    );
    let reply = reply.with("correlation-id", question.header("correlation-id"));
    service.request(reply).await;
    question
}

#[tokio::test]
async fn a_reply_reaches_the_requester() {
    let server = Carillon::start().await;
    let mut service = StompClient::consumer(&server, "/queue/service", &[]).await;
    for (temporary, kind) in [
        ("/temp-queue/replies", "/remote-temp-queue/"),
        ("/temp-topic/replies", "/remote-temp-topic/"),
    ] {
        // Two clients use the same name for two different destinations.
        let mut clients = [
            StompClient::consumer(&server, temporary, &[]).await,
            StompClient::consumer(&server, temporary, &[]).await,
        ];
        for (client, body) in clients.iter_mut().zip(["one", "two"]) {
            client.request(question(body, temporary)).await;
            let asked = answer(&mut service).await;
            let expected = format!("{kind}$TEMP.{}.replies", client.session);
            assert_eq!(asked.header("reply-to"), expected);
        }
        for (client, body) in clients.iter_mut().zip(["one", "two"]) {
            let reply = client.message().await;
            assert_eq!(reply.header("subscription"), "0");
            assert_eq!(reply.header("correlation-id"), body);
            assert_eq!(reply.text(), format!("answer to {body}"));
            client.is_quiet().await;
        }
    }
}

#[tokio::test]
async fn a_reply_may_arrive_before_the_subscription() {
    let server = Carillon::start().await;
    let mut service = StompClient::consumer(&server, "/queue/service", &[]).await;
    let mut client = StompClient::connect(&server).await;
    client
        .request(question("early", "/temp-queue/replies"))
        .await;
    answer(&mut service).await;
    client.subscribe_to("0", "/temp-queue/replies", &[]).await;
    assert_eq!(client.bodies(1).await, ["answer to early"]);
}

#[tokio::test]
async fn an_ordinary_reply_to_is_left_unchanged() {
    let server = Carillon::start().await;
    let mut service = StompClient::consumer(&server, "/queue/service", &[]).await;
    let mut client = StompClient::consumer(&server, "/queue/replies", &[]).await;
    client.request(question("x", "/queue/replies")).await;
    let asked = answer(&mut service).await;
    assert_eq!(asked.header("reply-to"), "/queue/replies");
    assert_eq!(client.bodies(1).await, ["answer to x"]);
}

#[tokio::test]
async fn the_owner_of_a_temporary_destination_can_send_to_it() {
    let server = Carillon::start().await;
    for spelling in ["/temp-queue/x", "temp-queue://y"] {
        let mut client = StompClient::consumer(&server, spelling, &[]).await;
        client.send_all(spelling, &["to myself"]).await;
        assert_eq!(client.bodies(1).await, ["to myself"]);
    }
}

#[tokio::test]
async fn only_the_owner_can_subscribe_to_a_temporary_destination() {
    let server = Carillon::start().await;
    let mut service = StompClient::consumer(&server, "/queue/service", &[]).await;
    for temporary in ["/temp-queue/replies", "/temp-topic/replies"] {
        let mut client = StompClient::consumer(&server, temporary, &[]).await;
        client.request(question("x", temporary)).await;
        let asked = service.message().await;
        let remote = asked.header("reply-to");
        let (_, name) = remote.split_once("$TEMP").expect("a broker's own name");
        let spellings = [
            remote.to_owned(),
            format!("/queue/$TEMP{name}"),
            format!("/topic/$TEMP{name}"),
            "/queue/$TEMP.>".to_owned(),
            "/topic/$TEMP.>".to_owned(),
        ];
        for spelling in spellings {
            let mut thief = StompClient::connect(&server).await;
            let subscribe = Frame::new("SUBSCRIBE")
                .with("id", "0")
                .with("destination", &spelling);
            thief.send(&subscribe).await;
            thief.refusal().await;
        }
        client.send_all(temporary, &["for the owner"]).await;
        assert_eq!(client.bodies(1).await, ["for the owner"]);
    }
}

#[tokio::test]
async fn http_does_not_show_messages_of_temporary_destinations() {
    let server = Carillon::start().await;
    for temporary in ["/temp-queue/replies", "/temp-topic/replies"] {
        let mut client = StompClient::consumer(&server, temporary, &[INDIVIDUAL]).await;
        client.send_all(temporary, &["private"]).await;
        assert_eq!(client.bodies(1).await, ["private"]);
        let name = format!("$TEMP.{}.replies", client.session);
        for path in [
            format!("/api/queues/{name}/messages"),
            format!("/api/topics/{name}/events"),
        ] {
            let answer = get(server.url(&path)).await;
            assert_eq!(answer.status, StatusCode::FORBIDDEN, "{path}");
        }
        let topic = get(server.url(&format!("/api/topics/{name}"))).await;
        assert!(!topic.text().contains("private"), "{}", topic.text());
    }
}

#[tokio::test]
async fn wildcards_do_not_match_temporary_destinations() {
    let server = Carillon::start().await;
    let mut curious = StompClient::consumer(&server, "/queue/>", &[]).await;
    curious.subscribe("1", "*.*.x", &[]).await;
    for temporary in ["/temp-queue/x", "/temp-topic/x"] {
        let mut client = StompClient::consumer(&server, temporary, &[]).await;
        client.send_all(temporary, &["private"]).await;
        assert_eq!(client.bodies(1).await, ["private"]);
    }
    curious.is_quiet().await;
}

#[tokio::test]
async fn a_temporary_destination_ends_with_its_connection() {
    let server = Carillon::start().await;
    let mut service = StompClient::consumer(&server, "/queue/service", &[]).await;
    for temporary in ["/temp-queue/replies", "/temp-topic/replies"] {
        let mut client = StompClient::consumer(&server, temporary, &[]).await;
        client.request(question("x", temporary)).await;
        let name = format!("$TEMP.{}.replies", client.session);
        drop(client);
        let connections = || async { get(server.url("/api/connections")).await.json() };
        let is_alone = |connections: &Value| connections["total"] == 1;
        eventually("the end of the other", connections, is_alone).await;
        answer(&mut service).await;
        service.is_quiet().await;
        assert!(queue::figures(&server, &name).await.is_null());
        let topic = get(server.url(&format!("/api/topics/{name}"))).await;
        assert_eq!(topic.status, StatusCode::NOT_FOUND);
    }
    assert_eq!(queue::depth(&server, "service").await, (0, 0));
}
