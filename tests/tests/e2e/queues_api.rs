//! Queues over HTTP, and the topic of their figures.

use harness::http::{Answer, get, post, request, send};
use harness::stomp::{Frame, INDIVIDUAL, StompClient};
use harness::users::{UsersFile, with_token};
use harness::{Carillon, queue};
use http::{Method, StatusCode};
use serde_json::{Value, json};

const TEXT: &str = "text/plain";

async fn enqueue(server: &Carillon, queue: &str, body: &str) -> Answer {
    let url = server.url(&format!("/api/queues/{queue}"));
    let answer = post(url, TEXT, body.to_owned()).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    answer
}

fn names(queues: &Value) -> Vec<&str> {
    let queues = queues["queues"].as_array().expect("a list");
    let names = queues.iter().map(|queue| queue["name"].as_str());
    names.map(|name| name.expect("a name")).collect()
}

#[tokio::test]
async fn a_message_can_be_sent_to_a_queue_over_http() {
    let server = Carillon::start().await;
    let mut consumer = StompClient::consumer(&server, "/queue/a.b", &[]).await;
    let answer = enqueue(&server, "a.b", "hello").await.json();
    let message = consumer.message().await;
    assert_eq!(message.text(), "hello");
    assert_eq!(message.header("content-type"), TEXT);
    assert_eq!(message.header("message-id"), answer["id"], "{answer}");
}

#[tokio::test]
async fn the_figures_of_a_queue_count_its_messages_by_result() {
    let server = Carillon::with(&["--max-redeliveries", "1"]).await;
    let mut consumer = StompClient::consumer(&server, "/queue/a", &[INDIVIDUAL]).await;
    for body in ["1", "2", "3"] {
        enqueue(&server, "a", body).await;
    }
    let first = consumer.message().await;
    consumer.ack(&first).await;
    let second = consumer.message().await;
    consumer.bodies(1).await;
    consumer.nack(&second).await;
    let again = consumer.message().await;
    consumer.nack(&again).await;
    enqueue(&server, "a", "4").await;
    consumer.bodies(1).await;
    let figures = queue::figures(&server, "a").await;
    for (name, value) in [
        ("waiting", 0),
        ("unacknowledged", 2),
        ("consumers", 1),
        ("enqueued", 4),
        ("acknowledged", 1),
        ("redelivered", 1),
        ("deadLettered", 1),
        ("expired", 0),
        ("discarded", 0),
    ] {
        assert_eq!(figures[name], value, "{name} in {figures}");
    }
    assert_eq!(figures["name"], "a");
    assert!(figures["bytes"].as_u64() > Some(0), "{figures}");
    assert!(figures["dispatched"].as_u64() >= Some(4), "{figures}");
}

#[tokio::test]
async fn queues_are_listed_by_name() {
    let server = Carillon::start().await;
    let url = server.url("/api/queues");
    assert_eq!(get(&url).await.json(), json!({"queues": [], "omitted": 0}));
    for name in ["orders.eu", "invoices", "orders.us"] {
        enqueue(&server, name, "x").await;
    }
    let all = get(&url).await.json();
    assert_eq!(names(&all), ["invoices", "orders.eu", "orders.us"]);
    assert_eq!(all["omitted"], 0);
}

#[tokio::test]
async fn omitted_queues_of_a_listing_are_counted() {
    let server = Carillon::start().await;
    let mut producer = StompClient::connect(&server).await;
    for number in 0..203 {
        let name = format!("/queue/q{number:03}");
        producer.send(&Frame::message_to(&name, "")).await;
    }
    producer.send_all("/queue/q000", &["and one more"]).await;
    let all = get(server.url("/api/queues")).await.json();
    assert_eq!(all["omitted"], 3);
    let first = names(&all);
    assert_eq!((first.len(), first[0], first[199]), (200, "q000", "q199"));
    assert_eq!(all["next"], "q199");
    let rest = get(server.url("/api/queues?after=q199")).await.json();
    assert_eq!(names(&rest), ["q200", "q201", "q202"]);
    assert_eq!(rest["next"], Value::Null);
}

#[tokio::test]
async fn a_listing_continues_for_a_user_who_sees_some_queues() {
    let rules = "[users.some]\nsend = [\"mine.>\", \"a\", \"z\"]\nbrowse = [\"mine.>\"]\n";
    let users = UsersFile::new(rules);
    let token = users.token("some").await;
    let server = users.server(&[]).await;
    let ask = async |method, path: &str| {
        let answer = send(with_token(method, server.url(path), &token, "x")).await;
        assert_eq!(answer.status, StatusCode::OK, "{path}: {answer:?}");
        answer.json()
    };
    for name in ["a", "mine.a", "mine.b", "z"] {
        ask(Method::POST, &format!("/api/queues/{name}")).await;
    }
    let first = ask(Method::GET, "/api/queues?limit=1").await;
    assert_eq!(
        (names(&first), &first["next"]),
        (vec!["mine.a"], &json!("mine.a"))
    );
    let rest = ask(Method::GET, "/api/queues?limit=1&after=mine.a").await;
    assert_eq!(names(&rest), ["mine.b"]);
    let end = ask(Method::GET, "/api/queues?after=mine.b").await;
    assert_eq!(end, json!({"queues": [], "omitted": 0}));
}

#[tokio::test]
async fn a_queue_can_be_browsed() {
    let server = Carillon::start().await;
    let mut holder = StompClient::consumer(
        &server,
        "/queue/a",
        &[INDIVIDUAL, ("activemq.prefetchSize", "1")],
    )
    .await;
    for body in ["1", "2", "3"] {
        enqueue(&server, "a", body).await;
    }
    holder.message().await;
    let url = server.url("/api/queues/a/messages");
    let answer = get(&url).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    let messages = answer.json()["messages"].clone();
    let messages = messages.as_array().expect("a list of messages");
    let bodies: Vec<_> = messages.iter().map(|message| &message["body"]).collect();
    assert_eq!(bodies, ["1", "2", "3"]);
    assert_eq!(messages[0]["contentType"], TEXT);
    assert_eq!(queue::depth(&server, "a").await, (2, 1), "nothing is taken");
}

#[tokio::test]
async fn paging_a_queue_restarts_after_an_id_of_another_run() {
    let server = Carillon::start().await;
    for body in ["1", "2", "3"] {
        enqueue(&server, "a", body).await;
    }
    let page = async |query: &str| {
        let url = server.url(&format!("/api/queues/a/messages?{query}"));
        get(url).await.json()
    };
    let bodies = |page: &Value| {
        let messages = page["messages"].as_array().expect("a list of messages");
        let bodies = messages.iter().map(|message| message["body"].to_string());
        (bodies.collect::<String>(), page["more"] == true)
    };
    let first = page("limit=2").await;
    assert_eq!(bodies(&first), ("\"1\"\"2\"".to_owned(), true));
    let last_id = first["messages"][1]["id"].as_str().expect("an id");
    let second = page(&format!("after={last_id}")).await;
    assert_eq!(bodies(&second), ("\"3\"".to_owned(), false));
    let anew = page("limit=1&after=1-99999").await;
    assert_eq!(bodies(&anew), ("\"1\"".to_owned(), true));
}

#[tokio::test]
async fn a_deleted_queue_loses_its_messages() {
    let server = Carillon::start().await;
    enqueue(&server, "a", "x").await;
    let url = server.url("/api/queues/a");
    let deleted = send(request(Method::DELETE, &url, "")).await;
    assert!(deleted.status.is_success(), "{deleted:?}");
    assert_eq!(get(&url).await.status, StatusCode::NOT_FOUND);
    let mut consumer = StompClient::consumer(&server, "/queue/a", &[]).await;
    consumer.is_quiet().await;
    enqueue(&server, "a", "a new one").await;
    assert_eq!(consumer.bodies(1).await, ["a new one"]);
}

#[tokio::test]
async fn deleting_a_queue_in_use_empties_it() {
    let server = Carillon::start().await;
    let headers = [INDIVIDUAL, ("activemq.prefetchSize", "1")];
    let mut consumer = StompClient::consumer(&server, "/queue/a", &headers).await;
    for body in ["1", "2"] {
        enqueue(&server, "a", body).await;
    }
    assert_eq!(consumer.bodies(1).await, ["1"]);
    let delete = request(Method::DELETE, server.url("/api/queues/a"), "");
    assert!(send(delete).await.status.is_success());
    // The waiting messages are deleted; a consumer keeps the messages it holds until it
    // disconnects.
    let mut next = StompClient::consumer(&server, "/queue/a", &[]).await;
    next.is_quiet().await;
    drop(consumer);
    assert_eq!(next.bodies(1).await, ["1"]);
    enqueue(&server, "a", "3").await;
    assert_eq!(next.bodies(1).await, ["3"]);
}

#[tokio::test]
async fn invalid_requests_are_refused_with_the_reason() {
    let server = Carillon::start().await;
    for (method, path, status) in [
        (Method::GET, "/api/queues/nobody", StatusCode::NOT_FOUND),
        (Method::DELETE, "/api/queues/nobody", StatusCode::NOT_FOUND),
        (
            Method::GET,
            "/api/queues/nobody/messages",
            StatusCode::NOT_FOUND,
        ),
        (Method::POST, "/api/queues/a..b", StatusCode::BAD_REQUEST),
        (Method::POST, "/api/queues/a.*", StatusCode::BAD_REQUEST),
        (Method::POST, "/api/queues/$SYS.x", StatusCode::FORBIDDEN),
        (Method::PUT, "/api/queues/a", StatusCode::METHOD_NOT_ALLOWED),
    ] {
        let answer = send(request(method.clone(), server.url(path), "x")).await;
        assert_eq!(answer.status, status, "{method} {path}");
        answer.problem();
    }
}

#[tokio::test]
async fn a_page_of_another_origin_cannot_change_queues() {
    let server = Carillon::start().await;
    enqueue(&server, "a", "x").await;
    for method in [Method::POST, Method::DELETE] {
        let mut foreign = request(method, server.url("/api/queues/a"), "x");
        let origin = "https://evil.example".parse().expect("a header");
        foreign.headers_mut().insert("origin", origin);
        assert_eq!(send(foreign).await.status, StatusCode::FORBIDDEN);
    }
    assert_eq!(queue::depth(&server, "a").await, (1, 0));
}

#[tokio::test]
async fn the_figures_of_queues_are_published_on_a_topic() {
    let server = Carillon::start().await;
    let mut screen = StompClient::connect(&server).await;
    screen.subscribe("0", "$SYS.queues", &[]).await;
    enqueue(&server, "orders", "x").await;
    // The first figures may be older than the queue.
    let mut queues = json!({"queues": []});
    for _ in 0..3 {
        if names(&queues).is_empty() {
            let message = screen.message().await;
            assert_eq!(message.header("content-type"), "application/json");
            queues = serde_json::from_slice(&message.body).expect("JSON");
        }
    }
    assert_eq!(names(&queues), ["orders"]);
    assert_eq!(queues["queues"][0]["waiting"], 1);
    assert_eq!(queues["omitted"], 0);
}

#[tokio::test]
async fn a_refusal_names_its_cause_with_a_code() {
    let server = Carillon::with(&["--queue-length", "1"]).await;
    enqueue(&server, "a", "1").await;
    let refused = post(server.url("/api/queues/a"), TEXT, "2").await;
    assert_eq!(refused.status, StatusCode::INSUFFICIENT_STORAGE);
    assert_eq!(refused.problem()["code"], "queue_full");
    let missing = get(server.url("/api/queues/missing")).await;
    assert_eq!(missing.problem()["code"], "no_queue");
    let wrong = get(server.url("/api/topics/a/messages?limit=x")).await;
    assert_eq!(
        wrong.problem().get("code"),
        None,
        "not every problem has one"
    );
}
