//! The routes of a server within another program.

use std::net::SocketAddr;

use axum::{Router, routing::get};
use carillon::{Builder, Server};
use harness::{
    deadline::within,
    http::{self, Answer},
    mqtt::{Connect, MqttClient, Version},
    sse::EventStream,
    stomp::{Frame, StompClient, upgrade_at},
};
use tokio::{net::TcpListener, task::JoinHandle};

/// A program with routes of its own, and with those of a broker.
struct Program {
    broker: Server,
    address: SocketAddr,
    serving: JoinHandle<()>,
}

impl Program {
    async fn start(builder: Builder, add: impl FnOnce(Router, Router) -> Router) -> Self {
        let broker = builder.start().await.expect("a server");
        let own = Router::new().route("/", get(|| async { "the program's own page" }));
        let app = add(own, broker.router());
        let app = app.into_make_service_with_connect_info::<SocketAddr>();
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let serving = tokio::spawn(async move {
            axum::serve(listener, app).await.expect("a listener");
        });
        Self {
            broker,
            address,
            serving,
        }
    }

    /// Its routes are below `/carillon`, which the broker knows.
    async fn merged() -> Self {
        Self::start(Server::builder().path("/carillon"), |own, broker| {
            own.merge(broker)
        })
        .await
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    async fn get(&self, path: &str) -> Answer {
        http::get(self.url(path)).await
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

#[tokio::test]
async fn pages_and_api_are_below_the_path() {
    let program = Program::merged().await;
    assert_eq!(program.get("/").await.text(), "the program's own page");
    assert_eq!(program.get("/topics").await.status, 404);
    for page in ["/carillon/", "/carillon/topics", "/carillon/queues/orders"] {
        let answer = program.get(page).await;
        assert_eq!(answer.status, 200, "{page}");
        assert!(answer.text().contains("<!DOCTYPE html>"), "{page}");
    }
    let without_slash = program.get("/carillon").await;
    assert_eq!(without_slash.status, 308);
    assert_eq!(without_slash.header("location"), "/carillon/");
    program.broker.publish("a.b", "1").await.expect("published");
    let topic = program.get("/carillon/api/topics/a.b").await;
    assert_eq!(topic.status, 200, "{topic:?}");
    assert_eq!(topic.json()["name"], "a.b", "{topic:?}");
    let unknown = program.get("/carillon/api/unknown").await;
    assert_eq!(unknown.status, 404);
    unknown.problem();
}

#[tokio::test]
async fn messages_pass_between_http_and_the_program() {
    let program = Program::merged().await;
    let mut subscription = program.broker.subscribe("t").expect("a subscription");
    let answer = http::post(program.url("/carillon/api/topics/t"), "text/plain", "there").await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let message = within("the message", subscription.next()).await;
    assert_eq!(message.expect("a message").text(), Some("there"));

    let url = program.url("/carillon/api/topics/u/events");
    let mut events = EventStream::open(url).await;
    program
        .broker
        .publish("u", "back")
        .await
        .expect("published");
    assert_eq!(events.bodies(1).await, ["back"]);
}

#[tokio::test]
async fn websockets_are_served_until_the_server_stops() {
    let program = Program::merged().await;
    let url = |path: &str| format!("ws://{}/carillon{path}", program.address);
    let subprotocol = ("sec-websocket-protocol", "mqtt");
    let client = MqttClient::upgraded(upgrade_at(&url("/mqtt"), &[subprotocol]), Version::V5).await;
    let client = client.expect("an upgrade");
    let (mut client, _) = client.connected_with(&Connect::anyone(Version::V5)).await;
    client.subscribe("t", 1).await;
    let stomp = StompClient::upgraded(upgrade_at(&url("/ws"), &[])).await;
    let mut stomp = stomp.expect("an upgrade").connected().await;
    // Longer than the buffers of one copy.
    let body = "x".repeat(100_000);
    stomp.request(Frame::publication("t", body.clone())).await;
    assert_eq!(client.message().await.text(), body);
    let (stopped, ()) = tokio::join!(program.broker.stop(), client.is_sent_away(0x8b));
    stopped.expect("a clean stop");
    let answer = program.get("/carillon/api/topics").await;
    assert_eq!(answer.status, 503, "{answer:?}");
}

#[tokio::test]
async fn websockets_count_for_the_limit_of_connections() {
    let builder = Server::builder()
        .path("/carillon")
        .arguments(["--max-connections", "1"]);
    let program = Program::start(builder, Router::merge).await;
    let url = format!("ws://{}/carillon/ws", program.address);
    let only = StompClient::upgraded(upgrade_at(&url, &[])).await;
    let only = only.expect("an upgrade").connected().await;
    let second = StompClient::upgraded(upgrade_at(&url, &[])).await;
    assert_eq!(second.err().map(|status| status.as_u16()), Some(503));
    // Other requests are those of the program.
    assert_eq!(program.get("/carillon/healthz").await.status, 200);
    drop(only);
}

#[tokio::test]
async fn routes_can_be_nested_at_a_path_that_the_broker_does_not_know() {
    let program = Program::start(Server::builder(), |own, broker| {
        own.nest_service("/board", broker)
    })
    .await;
    assert_eq!(program.get("/").await.text(), "the program's own page");
    for page in ["/board/", "/board/topics", "/board/api/topics"] {
        assert_eq!(program.get(page).await.status, 200, "{page}");
    }
    let without_slash = program.get("/board").await;
    assert_eq!(without_slash.status, 308);
    assert_eq!(without_slash.header("location"), "/board/");
    let url = format!("ws://{}/board/ws", program.address);
    let client = StompClient::upgraded(upgrade_at(&url, &[])).await;
    client.expect("an upgrade").connected().await.leave().await;
}

#[tokio::test]
async fn routes_can_be_the_rest_of_a_program() {
    let program = Program::start(Server::builder(), Router::fallback_service).await;
    assert_eq!(program.get("/").await.text(), "the program's own page");
    assert_eq!(program.get("/topics").await.status, 200);
}

#[tokio::test]
async fn pages_of_a_foreign_name_are_refused_unless_it_is_allowed() {
    let ask = async |builder: Builder| {
        let program = Program::start(builder.path("/carillon"), Router::merge).await;
        let url = program.url("/carillon/api/topics");
        let mut request = http::request(::http::Method::GET, url, "");
        let host = "board.example".parse().expect("a header's value");
        request.headers_mut().insert("host", host);
        http::send(request).await.status.as_u16()
    };
    assert_eq!(ask(Server::builder()).await, 421);
    let allowed = Server::builder().allow_host("board.example");
    assert_eq!(ask(allowed).await, 200);
}
