//! An operator moves, copies, retries and deletes messages over HTTP, and pauses queues.

use harness::data::DataDirectory;
use harness::http::{Answer, get, post, request, send, try_send};
use harness::stomp::{Frame, INDIVIDUAL, StompClient};
use harness::{Carillon, queue};
use http::{Method, StatusCode};
use serde_json::{Value, json};

const JSON: &str = "application/json";

/// Sends persistent messages with these bodies, and a header `n` with the number of each.
async fn fill(server: &Carillon, name: &str, bodies: &[&str]) {
    let mut producer = StompClient::connect(server).await;
    for (number, body) in bodies.iter().enumerate() {
        let send = Frame::message_to(&format!("/queue/{name}"), *body)
            .with("persistent", "true")
            .with("n", &number.to_string());
        producer.request(send).await;
    }
    producer.leave().await;
}

async fn act(server: &Carillon, path: &str, body: &Value) -> Answer {
    post(
        server.url(&format!("/api/queues/{path}")),
        JSON,
        body.to_string(),
    )
    .await
}

/// Acts, and returns the response to the accepted request.
async fn done(server: &Carillon, path: &str, body: Value) -> Value {
    let answer = act(server, path, &body).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    answer.json()
}

async fn set(server: &Carillon, path: &str) {
    let answer = post(server.url(&format!("/api/queues/{path}")), JSON, "").await;
    assert_eq!(answer.status, StatusCode::NO_CONTENT, "{}", answer.text());
}

/// Returns the messages of a queue; none if there is no such queue: a kill may come before the disk has the first message.
async fn messages(server: &Carillon, name: &str) -> Vec<Value> {
    let answer = get(server.url(&format!("/api/queues/{name}/messages?limit=1000"))).await;
    if answer.status == StatusCode::NOT_FOUND {
        return Vec::new();
    }
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    let messages = answer.json()["messages"].clone();
    messages.as_array().expect("a list").clone()
}

async fn bodies(server: &Carillon, name: &str) -> Vec<String> {
    let messages = messages(server, name).await;
    let bodies = messages.iter().map(|one| one["body"].as_str());
    bodies
        .map(|body| body.expect("a text").to_owned())
        .collect()
}

#[tokio::test]
async fn messages_are_moved_to_a_queue_and_to_a_topic() {
    let server = Carillon::start().await;
    fill(&server, "from", &["1", "2", "3"]).await;
    let dry = done(&server, "from/move?dryRun=true", json!({"to": "/queue/to"})).await;
    assert_eq!(dry, json!({"matched": 3, "held": 0}));
    assert_eq!(queue::depth(&server, "from").await, (3, 0));
    let moved = done(&server, "from/move", json!({"to": "/queue/to", "limit": 2})).await;
    assert_eq!(
        moved,
        json!({"matched": 3, "done": 2, "remaining": 1, "held": 0})
    );
    assert_eq!(bodies(&server, "to").await, ["1", "2"]);
    let mut listener = StompClient::consumer(&server, "/topic/news", &[]).await;
    done(&server, "from/move", json!({"to": "/topic/news"})).await;
    let message = listener.message().await;
    assert_eq!((message.text(), message.header("n")), ("3".to_owned(), "2"));
    assert_eq!(queue::figure(&server, "from", "moved").await, 3);
}

#[tokio::test]
async fn copying_continues_after_the_newest_copy() {
    let server = Carillon::start().await;
    fill(&server, "from", &["1", "2", "3", "4", "5"]).await;
    for selector in [json!(null), json!("n >= 0")] {
        let mut body = json!({"to": "/queue/to", "limit": 3, "selector": selector});
        let first = done(&server, "from/copy", body.clone()).await;
        assert_eq!(
            (&first["done"], &first["remaining"]),
            (&json!(3), &json!(2))
        );
        body["after"] = first["next"].clone();
        let second = done(&server, "from/copy", body).await;
        assert_eq!(
            (&second["done"], &second["next"]),
            (&json!(2), &json!(null))
        );
    }
    let copies = ["1", "2", "3", "4", "5", "1", "2", "3", "4", "5"];
    assert_eq!(bodies(&server, "to").await, copies);
}

#[tokio::test]
async fn a_selection_has_ids_or_a_selector() {
    let server = Carillon::start().await;
    fill(&server, "from", &["1", "2", "3", "4"]).await;
    let all = messages(&server, "from").await;
    let ids = [&all[3]["id"], &all[0]["id"]];
    let copied = done(&server, "from/copy", json!({"to": "/queue/to", "ids": ids})).await;
    assert_eq!(
        (&copied["matched"], &copied["done"]),
        (&json!(2), &json!(2))
    );
    let copies = messages(&server, "to").await;
    assert_eq!(bodies(&server, "to").await, ["1", "4"]);
    assert_ne!(copies[0]["id"], all[0]["id"], "a copy has an id of its own");
    assert_eq!(copies[0]["timestamp"], all[0]["timestamp"]);
    assert_eq!(bodies(&server, "from").await, ["1", "2", "3", "4"]);

    let selected = json!({"selector": "n > 1"});
    let dry = done(
        &server,
        "from/delete-messages?dryRun=true",
        selected.clone(),
    )
    .await;
    assert_eq!(dry["matched"], 2);
    let deleted = done(&server, "from/delete-messages", selected).await;
    assert_eq!(
        (&deleted["done"], &deleted["remaining"]),
        (&json!(2), &json!(0))
    );
    assert_eq!(bodies(&server, "from").await, ["1", "2"]);
    // The same ids again: the message is gone.
    let gone = done(&server, "from/delete-messages", json!({"ids": [ids[0]]})).await;
    assert_eq!(gone["done"], 0);
    let rest = done(&server, "from/delete-messages", json!({})).await;
    assert_eq!(rest["done"], 2);
}

#[tokio::test]
async fn messages_that_consumers_hold_are_left_alone_and_counted() {
    let server = Carillon::start().await;
    fill(&server, "from", &["1", "2", "3"]).await;
    let options = [INDIVIDUAL, ("activemq.prefetchSize", "1")];
    let mut consumer = StompClient::consumer(&server, "/queue/from", &options).await;
    let message = consumer.message().await;
    let moved = done(&server, "from/move", json!({"to": "/queue/to"})).await;
    assert_eq!(
        moved,
        json!({"matched": 2, "done": 2, "remaining": 0, "held": 1})
    );
    consumer.ack(&message).await;
    queue::until(&server, "from", "unacknowledged", 0).await;
    assert_eq!(bodies(&server, "to").await, ["2", "3"]);
}

#[tokio::test]
async fn dead_letters_are_retried_at_their_origin() {
    let server = Carillon::with(&["--max-redeliveries", "0"]).await;
    fill(&server, "jobs", &["1", "2"]).await;
    let mut consumer = StompClient::consumer(&server, "/queue/jobs", &[INDIVIDUAL]).await;
    for _ in 0..2 {
        let message = consumer.message().await;
        consumer.nack(&message).await;
    }
    queue::until(&server, "jobs", "deadLettered", 2).await;
    fill(&server, "ActiveMQ.DLQ", &["no letter"]).await;
    let dead = messages(&server, "ActiveMQ.DLQ").await;
    assert_eq!(dead[0]["headers"]["original-destination"], "/queue/jobs");
    let one = done(
        &server,
        "ActiveMQ.DLQ/retry",
        json!({"ids": [dead[1]["id"]]}),
    )
    .await;
    assert_eq!((&one["matched"], &one["done"]), (&json!(1), &json!(1)));
    let again = consumer.message().await;
    assert_eq!(again.text(), "2");
    assert_ne!(again.header("redelivered"), "true");
    assert_eq!(again.find("original-destination"), None);
    consumer.ack(&again).await;
    let rest = done(&server, "ActiveMQ.DLQ/retry", json!({})).await;
    assert_eq!((&rest["matched"], &rest["done"]), (&json!(1), &json!(1)));
    assert_eq!(consumer.bodies(1).await, ["1"]);
    assert_eq!(bodies(&server, "ActiveMQ.DLQ").await, ["no letter"]);
    let refused = act(&server, "jobs/retry", &json!({})).await;
    assert_eq!(refused.status, StatusCode::CONFLICT);
    assert!(
        refused.problem()["detail"]
            .to_string()
            .contains("no dead letter queue")
    );
}

#[tokio::test]
async fn what_a_full_destination_refuses_stays_and_the_response_says_why() {
    let server = Carillon::with(&["--queue-length", "3"]).await;
    fill(&server, "from", &["1", "2", "3"]).await;
    fill(&server, "to", &["0"]).await;
    let moved = done(&server, "from/move", json!({"to": "/queue/to"})).await;
    assert_eq!(
        (&moved["matched"], &moved["done"], &moved["remaining"]),
        (&json!(3), &json!(2), &json!(1))
    );
    let stopped = moved["stopped"].as_str().expect("a reason");
    assert!(stopped.contains("queue to is full"), "{stopped}");
    assert_eq!(bodies(&server, "from").await, ["3"]);
    assert_eq!(bodies(&server, "to").await, ["0", "1", "2"]);
}

#[tokio::test]
async fn invalid_actions_are_refused_with_the_reason() {
    let server = Carillon::start().await;
    fill(&server, "a", &["1"]).await;
    let too_many = vec!["1-1"; 1_001];
    let table = [
        (
            "none/move",
            json!({"to": "/queue/b"}),
            StatusCode::NOT_FOUND,
            "no queue none",
        ),
        (
            "a..b/move",
            json!({"to": "/queue/b"}),
            StatusCode::BAD_REQUEST,
            "",
        ),
        (
            "a/move",
            json!({}),
            StatusCode::BAD_REQUEST,
            "`to` is missing",
        ),
        (
            "a/move",
            json!({"to": "/queue/a"}),
            StatusCode::BAD_REQUEST,
            "the queue itself",
        ),
        (
            "a/copy",
            json!({"to": "/queue/a"}),
            StatusCode::BAD_REQUEST,
            "the queue itself",
        ),
        (
            "a/move",
            json!({"to": "/queue/a..b"}),
            StatusCode::BAD_REQUEST,
            "`to`",
        ),
        (
            "a/move",
            json!({"to": "/queue/b,/queue/c"}),
            StatusCode::BAD_REQUEST,
            "one",
        ),
        (
            "a/move",
            json!({"to": "/topic/$SYS.x"}),
            StatusCode::FORBIDDEN,
            "belongs",
        ),
        (
            "a/move",
            json!({"to": "/queue/$TEMP.c.x"}),
            StatusCode::BAD_REQUEST,
            "temporary",
        ),
        (
            "a/move",
            json!({"to": "/remote-temp-queue/$TEMP.c.x"}),
            StatusCode::FORBIDDEN,
            "belongs",
        ),
        (
            "a/delete-messages",
            json!({"to": "/queue/b"}),
            StatusCode::BAD_REQUEST,
            "`to`",
        ),
        (
            "a/delete-messages",
            json!({"id": "1-1"}),
            StatusCode::BAD_REQUEST,
            "`id`",
        ),
        (
            "a/delete-messages",
            json!({"ids": ["x"]}),
            StatusCode::BAD_REQUEST,
            "`ids`",
        ),
        (
            "a/delete-messages",
            json!({"ids": too_many}),
            StatusCode::BAD_REQUEST,
            "1001",
        ),
        (
            "a/delete-messages",
            json!({"ids": vec![""; 90_000]}),
            StatusCode::PAYLOAD_TOO_LARGE,
            "262144",
        ),
        (
            "a/delete-messages",
            json!({"selector": "n >"}),
            StatusCode::BAD_REQUEST,
            "`selector`",
        ),
        (
            "a/delete-messages",
            json!({"selector": "n > 1", "ids": []}),
            StatusCode::BAD_REQUEST,
            "exclude",
        ),
        (
            "a/delete-messages",
            json!({"limit": 0}),
            StatusCode::BAD_REQUEST,
            "`limit`",
        ),
        (
            "a/delete-messages",
            json!({"limit": 10_001}),
            StatusCode::BAD_REQUEST,
            "`limit`",
        ),
        (
            "a/delete-messages",
            json!({"after": "x"}),
            StatusCode::BAD_REQUEST,
            "`after`",
        ),
        (
            "a/delete-messages",
            json!("all"),
            StatusCode::BAD_REQUEST,
            "expected a JSON object",
        ),
        (
            "a/copy",
            json!({"to": "/temp-queue/x"}),
            StatusCode::BAD_REQUEST,
            "temporary",
        ),
        (
            "a/move?dryRun=x",
            json!({"to": "/queue/b"}),
            StatusCode::BAD_REQUEST,
            "true",
        ),
        (
            "$TEMP.c.x/pause",
            json!({}),
            StatusCode::FORBIDDEN,
            "belongs",
        ),
        (
            "none/pause",
            json!({}),
            StatusCode::NOT_FOUND,
            "no queue none",
        ),
        (
            "none/resume",
            json!({}),
            StatusCode::NOT_FOUND,
            "no queue none",
        ),
        (
            "none/retry",
            json!({}),
            StatusCode::CONFLICT,
            "no dead letter queue",
        ),
        (
            "ActiveMQ.DLQ/retry",
            json!({}),
            StatusCode::NOT_FOUND,
            "no queue",
        ),
    ];
    for (path, body, status, detail) in table {
        let answer = act(&server, path, &body).await;
        assert_eq!(answer.status, status, "{path} {body}: {}", answer.text());
        let problem = answer.problem()["detail"].to_string();
        assert!(problem.contains(detail), "{path} {body}: {problem}");
    }
    let wrong = request(Method::GET, server.url("/api/queues/a/move"), "");
    assert_eq!(send(wrong).await.status, StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(bodies(&server, "a").await, ["1"]);
}

#[tokio::test]
async fn a_queue_is_browsed_with_a_selector() {
    let server = Carillon::start().await;
    fill(&server, "a", &["1", "2", "3", "4", "5"]).await;
    let page = async |query: &str| {
        let answer = get(server.url(&format!("/api/queues/a/messages?{query}"))).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
        answer.json()
    };
    let bodies = |page: &Value| -> Vec<String> {
        let messages = page["messages"].as_array().expect("a list");
        messages.iter().map(|one| one["body"].to_string()).collect()
    };
    let first = page("selector=n%20%3C%3E%202&limit=3").await;
    assert_eq!(bodies(&first), ["\"1\"", "\"2\"", "\"4\""]);
    assert_eq!(first["more"], true);
    let last = first["messages"][2]["id"].as_str().expect("an id");
    let second = page(&format!("selector=n%20%3C%3E%202&after={last}")).await;
    assert_eq!(
        (bodies(&second), &second["more"]),
        (vec!["\"5\"".to_owned()], &json!(false))
    );
    let invalid = get(server.url("/api/queues/a/messages?selector=n%20%3E")).await;
    assert_eq!(invalid.status, StatusCode::BAD_REQUEST);
    assert!(invalid.problem()["detail"].to_string().contains("selector"));
}

#[tokio::test]
async fn a_paused_queue_delivers_nothing_until_it_is_resumed() {
    let server = Carillon::start().await;
    let mut consumer = StompClient::consumer(&server, "/queue/a", &[INDIVIDUAL]).await;
    fill(&server, "a", &["1"]).await;
    let first = consumer.message().await;
    set(&server, "a/pause").await;
    set(&server, "a/pause").await;
    assert_eq!(queue::figures(&server, "a").await["paused"], true);
    fill(&server, "a", &["2"]).await;
    consumer.ack(&first).await;
    queue::until(&server, "a", "acknowledged", 1).await;
    consumer.is_quiet().await;
    assert_eq!(bodies(&server, "a").await, ["2"]);
    set(&server, "a/resume").await;
    assert_eq!(consumer.bodies(1).await, ["2"]);
    assert_eq!(queue::figures(&server, "a").await["paused"], false);
}

#[tokio::test]
async fn a_pause_survives_a_kill_and_a_stop() {
    let directory = DataDirectory::fresh();
    let server = directory.server().await;
    fill(&server, "a", &["1"]).await;
    fill(&server, "b", &["1"]).await;
    set(&server, "a/pause").await;
    set(&server, "b/pause").await;
    set(&server, "b/resume").await;
    let server = directory.after_kill(server).await;
    assert_eq!(queue::figures(&server, "a").await["paused"], true);
    assert_eq!(queue::figures(&server, "b").await["paused"], false);
    assert!(server.stop().await.success());
    let server = directory.server().await;
    let mut consumer = StompClient::consumer(&server, "/queue/a", &[]).await;
    consumer.is_quiet().await;
    set(&server, "a/resume").await;
    assert_eq!(consumer.bodies(1).await, ["1"]);
}

#[tokio::test]
async fn a_confirmed_action_survives_a_kill() {
    let directory = DataDirectory::fresh();
    let server = directory.server().await;
    fill(&server, "from", &["1", "2", "3", "4"]).await;
    done(
        &server,
        "from/move",
        json!({"to": "/queue/to", "selector": "n < 2"}),
    )
    .await;
    let server = directory.after_kill(server).await;
    assert_eq!(bodies(&server, "from").await, ["3", "4"]);
    assert_eq!(bodies(&server, "to").await, ["1", "2"]);
    done(
        &server,
        "from/delete-messages",
        json!({"selector": "n = 2"}),
    )
    .await;
    done(&server, "to/copy", json!({"to": "/queue/from", "limit": 1})).await;
    let server = directory.after_kill(server).await;
    assert_eq!(bodies(&server, "from").await, ["4", "1"]);
    assert_eq!(bodies(&server, "to").await, ["1", "2"]);
}

#[tokio::test]
async fn after_a_kill_during_a_move_each_message_is_in_exactly_one_queue() {
    const COUNT: usize = 600;
    let directory = DataDirectory::fresh();
    let mut server = directory.server().await;
    let numbers: Vec<_> = (0..COUNT).map(|number| number.to_string()).collect();
    let mut producer = StompClient::connect(&server).await;
    for number in &numbers {
        let send = Frame::message_to("/queue/from", number.as_str()).with("persistent", "true");
        producer.send(&send).await;
    }
    producer
        .request(Frame::message_to("/queue/end", "").with("persistent", "true"))
        .await;
    producer.leave().await;
    for _ in 0..3 {
        let body = json!({"to": "/queue/to"}).to_string();
        let url = server.url("/api/queues/from/move");
        let moving = tokio::spawn(try_send(request(Method::POST, url, body)));
        // The move has begun, or has ended already.
        queue::until_at_least(&server, "from", "moved", 1).await;
        server = directory.after_kill(server).await;
        // The response, if there is one, says no more than what is on the disk.
        let response = moving.await.expect("a request");
        let confirmed = response.map_or(0, |answer| {
            answer.json()["done"].as_u64().expect("a number")
        });
        let (from, to) = (bodies(&server, "from").await, bodies(&server, "to").await);
        assert!(to.len() as u64 >= confirmed, "{} of {confirmed}", to.len());
        let mut all = [from, to].concat();
        assert_eq!(all.len(), COUNT, "none is lost or doubled");
        all.sort_by_key(|body| body.parse::<usize>().expect("a number"));
        assert_eq!(all, numbers);
        // All go back for the next round.
        if !bodies(&server, "to").await.is_empty() {
            done(&server, "to/move", json!({"to": "/queue/from"})).await;
        }
    }
}
