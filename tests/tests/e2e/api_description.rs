//! The description of the API holds: `/api/openapi.json` has the methods of every path and the form of every response.

mod boards;
mod explore;

use std::cell::Cell;

use harness::Carillon;
use harness::data::DataDirectory;
use harness::http::{Answer, get, request, send};
use harness::mqtt::{Connect, MqttClient, Version};
use harness::openapi::Description;
use harness::sse::EventStream;
use harness::stomp::{Frame, INDIVIDUAL, StompClient};
use harness::users::{UsersFile, with_token};
use http::{Method, StatusCode};
use serde_json::json;

const GET: Method = Method::GET;
const POST: Method = Method::POST;
const DELETE: Method = Method::DELETE;

/// Returns a path of the description with names in place of its parameters.
fn filled(path: &str) -> String {
    let parts = path.split('/').map(|part| match part.starts_with('{') {
        true => "1",
        false => part,
    });
    parts.collect::<Vec<_>>().join("/")
}

#[tokio::test]
async fn every_path_has_the_described_methods_and_no_others() {
    let server = Carillon::start().await;
    let description = Description::of(&server).await;
    for (path, described) in description.paths() {
        let answer = send(request(Method::PATCH, server.url(&filled(path)), "")).await;
        assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED, "{path}");
        let allowed = answer.header("allow").to_ascii_lowercase();
        let mut allowed: Vec<_> = allowed.split(',').map(str::trim).collect();
        allowed.retain(|method| *method != "head");
        allowed.sort_unstable();
        let mut described = described;
        described.sort_unstable();
        assert_eq!(allowed, described, "{path}");
    }
}

/// A server whose responses are compared with the description.
struct Checked<'s> {
    server: &'s Carillon,
    description: &'s Description,
    checks: Cell<usize>,
}

impl Checked<'_> {
    /// Sends a request to a described path with values in place of its parameters, and checks the response.
    async fn ask(
        &self,
        status: u16,
        method: Method,
        (path, target): (&str, &str),
        body: impl Into<bytes::Bytes>,
    ) -> Answer {
        let mut request = request(method.clone(), self.server.url(target), body);
        let headers = request.headers_mut();
        headers.insert("carillon-header-colour", "red".parse().expect("a header"));
        headers.insert("content-type", "text/plain".parse().expect("a header"));
        let answer = send(request).await;
        assert_eq!(answer.status, status, "{method} {target}: {answer:?}");
        self.description.check(&method, path, &answer);
        self.checks.set(self.checks.get() + 1);
        answer
    }
}

#[tokio::test]
async fn every_response_has_the_described_form() {
    let directory = DataDirectory::fresh();
    let options = ["--max-body", "1000", "--max-queues", "3"];
    let server = directory.server_with(&options).await;
    let description = Description::of(&server).await;
    let checked = Checked {
        server: &server,
        description: &description,
        checks: Cell::new(0),
    };
    topics(&checked).await;
    explore::explore(&checked).await;
    boards::boards(&checked).await;
    queues(&checked).await;
    scheduled(&checked).await;
    clients(&checked).await;
    bans(&checked).await;
    condition(&checked).await;
    assert_eq!(description.unseen(), Vec::<String>::new());
}

async fn topics(checked: &Checked<'_>) {
    let one = ("/api/topics/{topic}", "/api/topics/a.b");
    let list = "/api/topics";
    checked.ask(200, POST, one, "text").await;
    checked.ask(200, GET, one, "").await;
    checked
        .ask(200, GET, (list, "/api/topics?limit=1"), "")
        .await;
    checked
        .ask(400, GET, (list, "/api/topics?limit=x"), "")
        .await;
    checked
        .ask(400, GET, (list, "/api/topics?filter=a..b"), "")
        .await;
    let binary = (one.0, "/api/topics/binary");
    checked.ask(200, POST, binary, vec![0xFF]).await;
    checked.ask(200, GET, binary, "").await;
    checked.ask(404, GET, (one.0, "/api/topics/none"), "").await;
    checked
        .ask(400, POST, (one.0, "/api/topics/a..b"), "")
        .await;
    checked
        .ask(403, POST, (one.0, "/api/topics/$SYS.a"), "")
        .await;
    checked.ask(413, POST, one, vec![b'x'; 1_001]).await;
    let stream = "/api/topics/{filter}/events";
    let wrong = "/api/topics/a/events?overflow=never";
    checked.ask(400, GET, (stream, wrong), "").await;
    events(checked, stream).await;
    checked.ask(204, DELETE, one, "").await;
    checked
        .ask(404, DELETE, (one.0, "/api/topics/none"), "")
        .await;
}

/// Checks the head and an event of a stream, which does not end.
async fn events(checked: &Checked<'_>, path: &str) {
    let url = checked.server.url("/api/topics/a.b/events?since=last");
    let response = harness::http::open(request(GET, &url, "")).await;
    let head = Answer {
        status: response.status(),
        headers: response.headers().clone(),
        body: bytes::Bytes::new(),
    };
    let content = checked.description.content(&GET, path, &head);
    assert_eq!(content.expect("content")["schema"]["type"], "string");
    let mut events = EventStream::open(url).await;
    let message = events.next().await.expect("an event").json();
    checked.description.check_named("Message", &message);
}

async fn queues(checked: &Checked<'_>) {
    let one = ("/api/queues/{queue}", "/api/queues/a");
    let list = "/api/queues";
    for queue in ["a", "b"] {
        let target = format!("/api/queues/{queue}");
        checked.ask(200, POST, (one.0, &target), "text").await;
    }
    checked.ask(200, GET, one, "").await;
    checked
        .ask(200, GET, (list, "/api/queues?limit=1"), "")
        .await;
    checked
        .ask(400, GET, (list, "/api/queues?limit=-1"), "")
        .await;
    checked
        .ask(200, GET, (list, "/api/queues?after=a"), "")
        .await;
    checked.ask(404, GET, (one.0, "/api/queues/none"), "").await;
    let messages = "/api/queues/{queue}/messages";
    let found = (
        "/api/queues/a/messages?limit=1",
        "/api/queues/none/messages",
    );
    checked.ask(200, GET, (messages, found.0), "").await;
    checked.ask(404, GET, (messages, found.1), "").await;
    checked
        .ask(200, POST, (one.0, "/api/queues/c"), "text")
        .await;
    checked.ask(507, POST, (one.0, "/api/queues/d"), "").await;
    checked.ask(204, DELETE, (one.0, "/api/queues/c"), "").await;
    queue_actions(checked).await;
    checked.ask(204, DELETE, one, "").await;
    checked.ask(404, DELETE, one, "").await;
}

async fn queue_actions(checked: &Checked<'_>) {
    for (action, body) in [
        ("copy", json!({"to": "/queue/b"})),
        ("move", json!({"to": "/topic/a", "limit": 1})),
        ("delete-messages", json!({"selector": "x = 1"})),
    ] {
        let path = format!("/api/queues/{{queue}}/{action}");
        let target = format!("/api/queues/a/{action}");
        let dry_run = format!("{target}?dryRun=true");
        let text = body.to_string();
        checked
            .ask(200, POST, (&path, &dry_run), text.clone())
            .await;
        checked.ask(200, POST, (&path, &target), text).await;
        checked.ask(400, POST, (&path, &target), "[").await;
        let missing = format!("/api/queues/none/{action}");
        let text = body.to_string();
        checked.ask(404, POST, (&path, &missing), text).await;
    }
    let retry = "/api/queues/{queue}/retry";
    checked
        .ask(409, POST, (retry, "/api/queues/a/retry"), "")
        .await;
    dead_letter(checked.server).await;
    let dead = "/api/queues/ActiveMQ.DLQ/retry";
    checked.ask(200, POST, (retry, dead), "").await;
    for action in ["pause", "resume"] {
        let path = format!("/api/queues/{{queue}}/{action}");
        let target = format!("/api/queues/b/{action}");
        checked.ask(204, POST, (&path, &target), "").await;
        let missing = format!("/api/queues/none/{action}");
        checked.ask(404, POST, (&path, &missing), "").await;
    }
    let consumer = StompClient::consumer(checked.server, "/queue/b", &[INDIVIDUAL]).await;
    for list in ["consumers", "history"] {
        let path = format!("/api/queues/{{queue}}/{list}");
        let target = format!("/api/queues/b/{list}");
        checked.ask(200, GET, (&path, &target), "").await;
        let missing = format!("/api/queues/none/{list}");
        checked.ask(404, GET, (&path, &missing), "").await;
    }
    drop(consumer);
}

/// Brings a message into the dead letter queue.
async fn dead_letter(server: &Carillon) {
    let mut consumer = StompClient::consumer(server, "/queue/b", &[INDIVIDUAL]).await;
    let message = consumer.message().await;
    let nack = Frame::new("NACK").with("id", message.header("ack"));
    consumer.request(nack.with("requeue", "false")).await;
}

async fn scheduled(checked: &Checked<'_>) {
    let topic = "/api/topics/{topic}";
    let series = "/api/topics/a?delay=600000&period=1000&repeat=3";
    let sent = checked.ask(200, POST, (topic, series), "text").await.json();
    let yearly = "/api/topics/a?cron=0+0+1+1+*";
    checked.ask(200, POST, (topic, yearly), "text").await;
    checked
        .ask(400, POST, (topic, "/api/topics/a?cron=x"), "text")
        .await;
    let list = "/api/scheduled";
    let first = (list, "/api/scheduled?limit=1");
    let first = checked.ask(200, GET, first, "").await.json();
    let next = format!("{list}?after={}", first["next"].as_str().expect("a place"));
    checked.ask(200, GET, (list, &next), "").await;
    checked
        .ask(400, GET, (list, "/api/scheduled?after=x"), "")
        .await;
    let one = "/api/scheduled/{id}";
    let target = format!("{list}/{}", sent["id"].as_str().expect("an id"));
    checked.ask(204, DELETE, (one, &target), "").await;
    checked.ask(404, DELETE, (one, &target), "").await;
    checked
        .ask(400, DELETE, (one, "/api/scheduled/x"), "")
        .await;
}

async fn clients(checked: &Checked<'_>) {
    let server = checked.server;
    let connect = Connect::lasting(Version::V5, "away");
    let (away, _) = MqttClient::connect_with(server, &connect).await;
    away.leave().await;
    let connect = Connect::lasting(Version::V5, "here");
    let (_here, _) = MqttClient::connect_with(server, &connect).await;
    let _stomp = StompClient::connect(server).await;
    let _events = EventStream::open(server.url("/api/topics/a/events")).await;

    trace(checked).await;
    let list = ("/api/connections", "/api/connections?limit=2");
    let first = checked.ask(200, GET, list, "").await.json();
    assert!(first["next"].is_u64(), "{first}");
    let id = &first["connections"][0]["id"];
    let one = "/api/connections/{id}";
    let target = format!("/api/connections/{id}");
    checked.ask(200, GET, (one, &target), "").await;
    checked.ask(204, DELETE, (one, &target), "").await;
    let unknown = "/api/connections/99999999";
    checked.ask(404, GET, (one, unknown), "").await;
    checked.ask(404, DELETE, (one, unknown), "").await;
    checked
        .ask(400, DELETE, (one, "/api/connections/x"), "")
        .await;

    let list = ("/api/sessions", "/api/sessions?limit=10");
    checked.ask(200, GET, list, "").await;
    let one = "/api/sessions/{client}";
    checked
        .ask(204, DELETE, (one, "/api/sessions/away"), "")
        .await;
    checked
        .ask(404, DELETE, (one, "/api/sessions/away"), "")
        .await;

    checked
        .ask(200, GET, ("/api/users", "/api/users"), "")
        .await;
    let wrong = ("/api/users", "/api/users?after=anna");
    checked.ask(400, GET, wrong, "").await;
}

async fn trace(checked: &Checked<'_>) {
    let path = "/api/trace";
    checked.ask(400, GET, (path, path), "").await;
    let wrong = (path, "/api/trace?address=x");
    checked.ask(400, GET, wrong, "").await;
    let ended = (path, "/api/trace?client=nobody&limit=0");
    checked.ask(200, GET, ended, "").await;
    let url = checked.server.url("/api/trace?topic=traced.*&limit=1");
    let mut events = EventStream::open(url).await;
    assert_eq!(events.next().await.expect("an event").name, "trace");
    let topic = ("/api/topics/{topic}", "/api/topics/traced.a");
    checked.ask(200, POST, topic, "text").await;
    let frame = events.next().await.expect("an event");
    assert_eq!(frame.name, "frame");
    checked
        .description
        .check_named("TracedFrame", &frame.json());
    let end = events.next().await.expect("an event");
    assert_eq!(end.name, "end");
}

async fn bans(checked: &Checked<'_>) {
    let list = ("/api/bans", "/api/bans");
    for target in [
        json!({"user": "anna"}),
        json!({"client": "loud"}),
        json!({"address": "192.0.2.0/24"}),
    ] {
        let mut ban = target;
        ban["seconds"] = 600.into();
        checked.ask(201, POST, list, ban.to_string()).await;
    }
    checked.ask(400, POST, list, "{}").await;
    let own = json!({"address": "127.0.0.1", "seconds": 600});
    checked.ask(409, POST, list, own.to_string()).await;
    let page = ("/api/bans", "/api/bans?limit=2");
    let found = checked.ask(200, GET, page, "").await.json();
    assert!(found["next"].is_u64(), "{found}");
    let one = "/api/bans/{id}";
    let target = format!("/api/bans/{}", found["bans"][0]["id"]);
    checked.ask(204, DELETE, (one, &target), "").await;
    checked.ask(404, DELETE, (one, &target), "").await;
}

async fn condition(checked: &Checked<'_>) {
    let figures = ("/api/figures", "/api/figures");
    let figures = checked.ask(200, GET, figures, "").await.json();
    assert!(figures["disk"].is_object(), "{figures}");
    for path in [
        "/api/bounds",
        "/api",
        "/api/openapi.json",
        "/healthz",
        "/readyz",
    ] {
        checked.ask(200, GET, (path, path), "").await;
    }
    let check = "/api/connect-check";
    let own = format!("{check}?origin={}", checked.server.url(""));
    checked.ask(204, GET, (check, &own), "").await;
    let foreign = "/api/connect-check?origin=https://evil.example";
    checked.ask(403, GET, (check, foreign), "").await;
    checked.ask(400, GET, (check, check), "").await;
}

/// The paths that need no login.
const PUBLIC: [&str; 3] = ["/api/connect-check", "/healthz", "/readyz"];
const RULES: &str = r#"
[users.anna]
publish = ["a"]
subscribe = ["a"]
[users.anna.limits]
connections = 0
messages-per-second = 1
excess = "refuse"
[users.admin]
manage = [">"]
"#;

#[tokio::test]
async fn refusals_of_users_have_the_described_form() {
    let open = Carillon::start().await;
    let description = Description::of(&open).await;
    let file = UsersFile::new(RULES);
    let (anna, admin) = (file.token("anna").await, file.token("admin").await);
    let server = file.server(&[]).await;
    for (path, methods) in description.paths() {
        for name in methods {
            let method: Method = name.to_ascii_uppercase().parse().expect("a method");
            let answer = send(request(method.clone(), server.url(&filled(path)), "")).await;
            if answer.status == StatusCode::UNAUTHORIZED {
                description.check(&method, path, &answer);
            } else {
                assert!(PUBLIC.contains(&path), "{method} {path}: {answer:?}");
            }
        }
    }
    let ask = async |token: &str, method: Method, (path, target): (&str, &str)| {
        let answer = send(with_token(method.clone(), server.url(target), token, "x")).await;
        description.check(&method, path, &answer);
        answer
    };
    let topic = ("/api/topics/{topic}", "/api/topics/a");
    assert_eq!(ask(&anna, POST, topic).await.status, StatusCode::OK);
    let refused = ask(&anna, POST, topic).await;
    assert_eq!(refused.status, StatusCode::TOO_MANY_REQUESTS);
    assert!(refused.header("retry-after").parse::<u64>().is_ok());
    let events = ("/api/topics/{filter}/events", "/api/topics/a/events");
    let refused = ask(&anna, GET, events).await;
    assert_eq!(refused.status, StatusCode::TOO_MANY_REQUESTS);
    let bans = ("/api/bans", "/api/bans");
    assert_eq!(ask(&anna, GET, bans).await.status, StatusCode::FORBIDDEN);
    let users = ask(&admin, GET, ("/api/users", "/api/users")).await.json();
    assert_eq!(users["users"][1]["limits"]["messagesPerSecond"], 1);
}

#[tokio::test]
async fn a_document_that_is_known_is_not_sent_again() {
    let server = Carillon::start().await;
    let url = server.url("/api/openapi.json");
    let first = get(&url).await;
    let mut again = request(GET, &url, "");
    let etag = first.header("etag").parse().expect("a header");
    again.headers_mut().insert("if-none-match", etag);
    let again = send(again).await;
    assert_eq!(again.status, StatusCode::NOT_MODIFIED);
    assert_eq!(again.text(), "");
    assert_eq!(again.header("etag"), first.header("etag"));
    assert_eq!(first.json()["openapi"], "3.1.1");
}

#[tokio::test]
async fn the_commands_of_the_page_name_the_address_of_the_reader() {
    let server = Carillon::start().await;
    let page = get(server.url("/api")).await;
    assert!(page.header("content-type").starts_with("text/html"));
    assert!(!page.text().contains("<script"));
    let command = format!("curl {}", server.url("/api/topics"));
    assert!(page.text().contains(&command), "{command}");
    let public = [
        "--public-url",
        "https://board.example/carillon/",
        "--anonymous",
        "all",
    ];
    let server = Carillon::with(&public).await;
    let page = get(server.url("/carillon/api")).await.text();
    let command = "curl https://board.example/carillon/api/topics";
    assert!(page.contains(command), "{page}");
}
